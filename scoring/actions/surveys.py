"""Making surveys and changing their drafts. What is published never changes; a draft does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils.text import slugify

from leadcrm.accounts.models import User
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound
from leadcrm.lib.normalise import clean_json
from leadcrm.lib.tokens import new_public_id
from leads.models import Source
from scoring.models import Survey, SurveyVersion
from scoring.surveys import content as contents
from scoring.surveys.content import Content

SETTINGS = ("name", "link_days", "keep_days", "closes_at")
RESERVED = frozenset({"new"})
SLUG_LENGTH = 60


class SurveySlugTaken(Conflict):
    code = "slug_taken"

    def __init__(self, slug: str) -> None:
        message = f"Another survey is at /q/{slug}/. Choose another address."
        super().__init__(message, errors=[FieldError("slug", message, self.code)])


class SurveyChanged(Conflict):
    """Somebody else saved the draft in between."""

    code = "survey_changed"

    def __init__(self) -> None:
        super().__init__("Somebody else changed this survey a moment ago. Load it again.")


class SurveyHasAnswers(Conflict):
    code = "survey_has_answers"

    def __init__(self) -> None:
        super().__init__("People have answered this. Archive it: their answers stay readable.")


class NotReady(Invalid):
    """What must be put right before it can be published, each beside its question or ending."""

    code = "survey_not_ready"

    def __init__(self, problems: list[FieldError]) -> None:
        super().__init__(problems[0].message, errors=problems)


@transaction.atomic
def create_survey(
    *,
    name: str,
    kind: str,
    slug: str = "",
    content: Content | None = None,
    user: User | None = None,
) -> Survey:
    """A survey with a source of its own and a few questions to begin with, not yet published.

    :raises SurveySlugTaken:
    """
    slug = slug or _free_slug(name)
    if slug in RESERVED or Survey.objects.filter(slug=slug).exists():
        raise SurveySlugTaken(slug)
    draft = contents.written(content or contents.starter(kind, name))
    source = _source(slug, name)
    return Survey.objects.create(
        slug=slug, name=name, kind=kind, draft=draft, source=source, created_by=user
    )


def _free_slug(name: str) -> str:
    wanted = slugify(name)[: SLUG_LENGTH - 10]
    if not wanted or wanted in RESERVED:
        return new_public_id()
    taken = set(Survey.objects.filter(slug__startswith=wanted).values_list("slug", flat=True))
    numbered = [wanted, *(f"{wanted}-{n}" for n in range(2, len(taken) + 3))]
    return next(each for each in numbered if each not in taken)


def _source(slug: str, name: str) -> Source:
    source, _ = Source.objects.get_or_create(
        key=f"survey-{slug}"[:50], defaults={"name": name, "kind": Source.Kind.FORM}
    )
    return source


@transaction.atomic
def duplicate_survey(survey_id: int, *, user: User | None = None) -> Survey:
    """The same questions under a new address, not yet published."""
    survey = _locked(survey_id)
    name = f"{survey.name[:70]} (copy)"
    copy = create_survey(name=name, kind=survey.kind, content=draft_of(survey), user=user)
    copy.link_days, copy.keep_days = survey.link_days, survey.keep_days
    copy.save(update_fields=["link_days", "keep_days"])
    return copy


def _locked(survey_id: int) -> Survey:
    survey = Survey.objects.select_for_update(of=("self",)).filter(pk=survey_id).first()
    if survey is None:
        raise NotFound
    return survey


# Drafts -------------------------------------------------------------------------------------------


def draft_of(survey: Survey) -> Content:
    """What is being written; else the newest version."""
    if survey.draft is not None:
        return contents.read(survey.draft)
    newest = survey.versions.order_by("-number").first()
    return contents.read(newest.content) if newest else contents.starter(survey.kind, survey.name)


def has_changes(survey: Survey) -> bool:
    """Whether publishing would change what people see."""
    published = survey.published
    return published is None or (survey.draft is not None and survey.draft != published.content)


@transaction.atomic
def save_draft(survey_id: int, content: Content, *, revision: int | None = None) -> Survey:
    """:raises SurveyChanged: it is not at `revision` any more."""
    survey = _locked(survey_id)
    if revision is not None and revision != survey.draft_revision:
        raise SurveyChanged
    survey.draft = clean_json(contents.written(content))
    survey.draft_revision += 1
    survey.save(update_fields=["draft", "draft_revision"])
    return survey


@transaction.atomic
def discard_survey_draft(survey_id: int) -> None:
    Survey.objects.filter(pk=survey_id, published__isnull=False).update(draft=None)


@transaction.atomic
def restore_survey_version(survey_id: int, number: int) -> None:
    """An old version becomes the draft; what is published stays until somebody publishes it."""
    survey = _locked(survey_id)
    version = survey.versions.filter(number=number).first()
    if version is None:
        raise NotFound
    save_draft(survey.pk, contents.read(version.content))


# Publishing ---------------------------------------------------------------------------------------


@transaction.atomic
def publish_survey(survey_id: int, *, user: User | None = None) -> SurveyVersion:
    """Who has begun goes on with the version they began; who begins now gets this one.

    :raises NotReady: naming what must be put right.
    """
    survey = _locked(survey_id)
    content = draft_of(survey)
    if problems := contents.problems_of(content):
        raise NotReady(problems)
    written = contents.written(content)
    newest = survey.versions.order_by("-number").first()
    if newest is None or newest.content != written:
        last = survey.versions.aggregate(last=Max("number"))["last"] or 0
        newest = SurveyVersion.objects.create(
            survey=survey, number=last + 1, content=written, published_by=user
        )
    survey.published, survey.draft, survey.archived_at = newest, None, None
    survey.save(update_fields=["published", "draft", "archived_at"])
    return newest


def unpublish_survey(survey_id: int) -> None:
    """Nobody begins any more. Who has begun may finish."""
    Survey.objects.filter(pk=survey_id).update(published=None)


def archive_survey(survey_id: int, *, at: datetime) -> None:
    Survey.objects.filter(pk=survey_id).update(archived_at=at)


def unarchive_survey(survey_id: int) -> None:
    Survey.objects.filter(pk=survey_id).update(archived_at=None)


def change_survey(survey_id: int, values: Mapping[str, Any]) -> None:
    """Settings hold at once, also for links that were sent before."""
    Survey.objects.filter(pk=survey_id).update(**{n: values[n] for n in SETTINGS if n in values})


@transaction.atomic
def delete_survey(survey_id: int) -> None:
    """:raises SurveyHasAnswers:"""
    survey = _locked(survey_id)
    if survey.responses.exists():
        raise SurveyHasAnswers
    Survey.objects.filter(pk=survey_id).update(published=None)
    survey.delete()
