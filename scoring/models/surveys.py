from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib.pump import WorkItem
from leadcrm.lib.tokens import new_public_id
from leads.models import InboxItem, Lead, Source
from leads.models.lead import visible_lead


class Survey(models.Model):
    """Questions asked by a link: a survey, a quiz with points, or whether we are recommended."""

    class Kind(models.TextChoices):
        QUIZ = "quiz", "Quiz"
        SURVEY = "survey", "Survey"
        NPS = "nps", "Recommendation (NPS)"

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=6, choices=Kind, default=Kind.SURVEY)
    source = models.ForeignKey(Source, models.PROTECT, related_name="surveys")
    published = models.ForeignKey(
        "SurveyVersion", models.PROTECT, null=True, blank=True, related_name="+"
    )
    # The version that is being written; None: as the newest one. See `scoring.surveys.content`.
    draft = models.JSONField(null=True, blank=True)
    draft_revision = models.PositiveIntegerField(default=0, db_default=0)
    link_days = models.PositiveSmallIntegerField(default=30)  # how long a personal link works
    keep_days = models.PositiveSmallIntegerField(null=True, blank=True)  # None: for good
    closes_at = models.DateTimeField(null=True, blank=True)
    archived_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return self.name

    @property
    def is_published(self) -> bool:
        return self.published_id is not None and self.archived_at is None

    def is_open(self, at: datetime) -> bool:
        """Whether somebody may begin now. Who has begun may always finish."""
        return self.is_published and (self.closes_at is None or at < self.closes_at)


class SurveyVersion(models.Model):
    """What a survey asked at one time; never changed, so that a response keeps its meaning.

    `content` is read by `scoring.surveys.content`.
    """

    survey = models.ForeignKey(Survey, models.CASCADE, related_name="versions", db_index=False)
    number = models.PositiveIntegerField()
    content = models.JSONField(default=dict)
    published_by = models.ForeignKey(
        User, models.SET_NULL, null=True, blank=True, related_name="+", db_index=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["survey", "number"], name="survey_version_number")
        ]

    def __str__(self) -> str:
        return f"{self.survey} v{self.number}"


class SurveyResponseQuerySet(models.QuerySet["SurveyResponse"]):
    def visible_to(self, principal: Any) -> Self:
        """Of leads this person may see, and of people nobody knows."""
        return self.filter(Q(lead=None) | visible_lead(principal, path="lead"))


class SurveyResponse(WorkItem):
    """What one person answered. Each answer is stored as it is given.

    It becomes part of the lead's story once it is complete and its lead is known, or a day after
    the last answer with what there is. `due_at` is when that is looked at again.
    """

    class State(models.TextChoices):
        STARTED = "started", "Under way"
        COMPLETED = "completed", "Complete"
        LEFT = "left", "Left unfinished"

    class Channel(models.TextChoices):
        PERSONAL = "personal", "Personal link"
        PUBLIC = "public", "Public link"

    public_id = models.CharField(max_length=12, unique=True, default=new_public_id)
    survey = models.ForeignKey(Survey, models.CASCADE, related_name="responses", db_index=False)
    version = models.ForeignKey(SurveyVersion, models.CASCADE, related_name="responses")
    lead = models.ForeignKey(
        Lead, models.CASCADE, null=True, blank=True, related_name="survey_responses"
    )
    inbox_item = models.OneToOneField(
        InboxItem, models.SET_NULL, null=True, blank=True, related_name="survey_response"
    )
    # Which personal link, or which page of the public one, began it: each begins one response.
    link = models.CharField(max_length=80, unique=True)
    channel = models.CharField(max_length=8, choices=Channel)
    state = models.CharField(max_length=9, choices=State, default=State.STARTED)
    answers = models.JSONField(default=dict)  # {question: answer}; None: skipped
    path = models.JSONField(default=list)  # the questions in the order in which they were asked
    last_key = models.CharField(max_length=40, blank=True)  # the last one that was answered
    points = models.IntegerField(default=0)
    most_points = models.IntegerField(default=0)
    ending = models.CharField(max_length=40, blank=True)
    result = models.CharField(max_length=120, blank=True)  # the ending's name, as it was then
    is_test = models.BooleanField(default=False)
    started_at = models.DateTimeField()
    answered_at = models.DateTimeField()
    completed_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)  # part of the lead's story since

    objects: ClassVar[Any] = SurveyResponseQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["survey", "-started_at", "-id"], name="survey_responses"),
            models.Index(fields=["due_at"], condition=WorkItem.DUE, name="survey_response_due"),
        ]

    def __str__(self) -> str:
        return f"{self.survey_id}: {self.public_id}"
