"""Personal links in mails: `{{ surveys.is_it_for_you }}` is the reader's own address of one."""

from datetime import datetime

from leadcrm.lib import memo
from leads import mailparts
from leads.models import Lead
from scoring.models import Survey
from scoring.surveys import links

MEMO = "live-surveys"


def name_of(survey: Survey) -> str:
    """As templates call it: hyphens would be a sum."""
    return survey.slug.replace("-", "_")


def ever_published() -> list[Survey]:
    """Also closed ones, whose links say so: a mail that names one still goes out. Read once for
    each batch of mails."""
    rows = Survey.objects.filter(versions__isnull=False).distinct()
    return memo.once(MEMO, lambda: list(rows.order_by("name", "pk")))


def names() -> dict[str, str]:
    live = (each for each in ever_published() if each.is_published)
    return {name_of(each): f"Personal link of “{each.name}”" for each in live}


def values(lead: Lead, at: datetime) -> dict[str, str]:
    return {name_of(each): links.personal_link(each, lead, at=at) for each in ever_published()}


mailparts.offer("surveys", mailparts.Parts(names, values))
