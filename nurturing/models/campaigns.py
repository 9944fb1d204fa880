from typing import Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leads.models import Segment
from nurturing.models.templates import EmailTemplate, Topic


def stop_on_default() -> list[str]:
    return ["reply", "taken_over", "stage", "meeting"]


class DripCampaign(models.Model):
    """A row of mails and waits that people enter by a trigger and leave by a reason.

    `trigger`: `{"on": "capture", "forms": [slugs; none: every form]}`, `{"on": "qualified",
    "kinds": ["mql"]}`, `{"on": "segment", "segments": [ids]}` or `{"on": "manual"}`.
    """

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        ACTIVE = "active", "Running"
        PAUSED = "paused", "Paused"
        ARCHIVED = "archived", "Archived"

    class ExitMode(models.TextChoices):
        NEVER = "never", "At the end only"
        NO_MATCH = "no_match", "No longer matches the trigger"
        GOAL = "goal", "Goal reached"
        EITHER = "either", "Goal reached or no longer matches"

    class StopOn(models.TextChoices):
        REPLY = "reply", "Replies"
        TAKEN_OVER = "taken_over", "A rep takes over"
        STAGE = "stage", "The sales cycle ends"
        MEETING = "meeting", "A meeting is booked"
        QUALIFIED = "qualified", "Becomes sales-qualified"

    class Goal(models.TextChoices):
        QUALIFIED = "qualified", "Becomes sales-qualified"
        REPLY = "reply", "Replies"
        MEETING = "meeting", "Books a meeting"
        WON = "won", "Buys"

    key = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=80)
    state = models.CharField(max_length=8, choices=State, default=State.DRAFT)
    trigger = models.JSONField(default=dict)
    exit_mode = models.CharField(max_length=8, choices=ExitMode, default=ExitMode.GOAL)
    goal = models.CharField(max_length=9, choices=Goal, default=Goal.QUALIFIED)
    stop_on = models.JSONField(default=stop_on_default)
    topic = models.ForeignKey(
        Topic, models.PROTECT, null=True, blank=True, related_name="campaigns"
    )
    published = models.ForeignKey(
        "DripVersion", models.PROTECT, null=True, blank=True, related_name="+"
    )
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state="draft") | Q(published__isnull=False) | Q(state="archived"),
                name="running_campaign_is_published",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.state == self.State.ACTIVE

    @property
    def starts_on(self) -> str:
        return str(self.trigger.get("on", "manual"))

    @property
    def form_slugs(self) -> list[str]:
        return list(self.trigger.get("forms", []))

    @property
    def segment_ids(self) -> list[str]:
        return list(self.trigger.get("segments", []))

    @property
    def segments(self) -> "models.QuerySet[Segment]":
        return Segment.objects.filter(public_id__in=self.segment_ids).order_by("name")

    def takes_form(self, slug: str) -> bool:
        """Whether a capture through this form starts the campaign; no forms named: every form."""
        return self.starts_on == "capture" and (not self.form_slugs or slug in self.form_slugs)


class DripVersion(models.Model):
    """The steps of a campaign as they were at one time. Once published it is never changed."""

    campaign = models.ForeignKey(DripCampaign, models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    published_at = models.DateTimeField(null=True, blank=True)
    published_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["campaign", "number"], name="drip_version_number"),
            models.UniqueConstraint(
                fields=["campaign"], condition=Q(published_at=None), name="one_draft_per_campaign"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.campaign} v{self.number}"


class Step(models.Model):
    """One thing that happens to a person in a drip campaign.

    `key` stays the same from version to version: who stands at a step, or had its mail, is known
    in the next version too.
    """

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        WAIT = "wait", "Wait"
        EXIT = "exit", "Leave"

    version = models.ForeignKey(DripVersion, models.CASCADE, related_name="steps")
    key = models.CharField(max_length=20)
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=8, choices=Kind)
    wait_minutes = models.PositiveIntegerField(default=0)
    template = models.ForeignKey(
        EmailTemplate, models.PROTECT, null=True, blank=True, related_name="steps"
    )
    settings = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                fields=["version", "position"],
                name="step_position_in_version",
                deferrable=models.Deferrable.DEFERRED,
            ),
            models.UniqueConstraint(fields=["version", "key"], name="step_key_in_version"),
            models.CheckConstraint(
                condition=~Q(kind="email") | Q(template__isnull=False),
                name="email_step_has_template",
            ),
            models.CheckConstraint(
                condition=~Q(kind="wait") | Q(wait_minutes__gt=0), name="wait_step_waits"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position + 1}. {self.get_kind_display()}"

    @property
    def wait_words(self) -> str:
        """`3 days`, `1 hour`, `45 minutes`: in the largest unit that fits exactly."""
        for unit, minutes in (("week", 10080), ("day", 1440), ("hour", 60), ("minute", 1)):
            count, rest = divmod(self.wait_minutes, minutes)
            if count and not rest:
                return f"{count} {unit}{'' if count == 1 else 's'}"
        return ""

    def copy_of(self, version: DripVersion, **changes: Any) -> "Step":
        """The same step for another version, not yet saved."""
        fields = {
            "key": self.key,
            "position": self.position,
            "kind": self.kind,
            "wait_minutes": self.wait_minutes,
            "template_id": self.template_id,
            "settings": self.settings,
        }
        return Step(version=version, **{**fields, **changes})
