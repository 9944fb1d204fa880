"""Addresses of surveys: the public one, personal ones that end, and one for each response begun."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from django.conf import settings

from leadcrm.lib.tokens import sign, unsign
from leads.models import Lead
from scoring.models import Survey, SurveyResponse

PERSONAL, BEGUN = "survey-link", "survey-response"
EPOCH = date(2020, 1, 1)


@dataclass(frozen=True, slots=True)
class Personal:
    """A link for one lead. It says who, and nothing else."""

    survey_id: int
    lead_id: int
    last_day: date
    value: str

    def is_over(self, at: datetime) -> bool:
        return at.astimezone(UTC).date() > self.last_day


def personal_link(survey: Survey, lead: Lead, *, at: datetime) -> str:
    """The address for one lead; the same all day, so that a mail that is sent again names it too.

    Whoever holds it may answer for the lead once. It ends `survey.link_days` later.
    """
    last = at.astimezone(UTC).date() + timedelta(days=survey.link_days)
    value = f"{survey.pk:x}-{lead.pk:x}-{(last - EPOCH).days:x}"
    return f"{settings.SITE_URL}/q/{sign(PERSONAL, value)}/"


def read_personal(token: str) -> Personal | None:
    """None for what we did not sign."""
    value = unsign(PERSONAL, token)
    if value is None:
        return None
    survey, lead, day = (int(part, 16) for part in value.split("-"))
    return Personal(survey, lead, EPOCH + timedelta(days=day), value)


def public_link(survey: Survey) -> str:
    return f"{settings.SITE_URL}/q/{survey.slug}/"


def begun_path(response: SurveyResponse) -> str:
    """Where an anonymous response goes on; only its own browser knows it."""
    return f"/q/{sign(BEGUN, response.public_id)}/"


def read_begun(token: str) -> str | None:
    return unsign(BEGUN, token)
