"""Progressive profiling: a link that knows who opens it, and asks only what is not known yet.

It names a lead and ends; the page it opens never shows what is known.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from leadcrm.lib import tokens
from leads import questions
from leads.actions.inquiries import survivor
from leads.models import FormVersion, Lead

PURPOSE, ASKED = "form-known", "form-asked"
VALID = timedelta(days=60)


def token_for(lead: Lead, *, at: datetime) -> str:
    """What a link to a form carries as `?lc_known=`."""
    return tokens.sign(PURPOSE, f"{lead.public_id}-{int((at + VALID).timestamp())}")


def is_form(url: str) -> bool:
    """Whether a link leads to a hosted form of ours."""
    return url.startswith(f"{settings.SITE_URL}/f/")


def with_known(url: str, lead: Lead, *, at: datetime) -> str:
    """The link to a form as this person follows it: it will not ask what is known."""
    head, mark, fragment = url.partition("#")
    joint = "&" if "?" in head else "?"
    return f"{head}{joint}lc_known={token_for(lead, at=at)}{mark}{fragment}"


def lead_of(token: str, *, at: datetime) -> Lead | None:
    """Whom a link names; nobody when it ended, was tampered with, or the lead is gone."""
    public_id, _, ends = (tokens.unsign(PURPOSE, token) or "").partition("-")
    if not ends.isdecimal() or int(ends) < at.timestamp():
        return None
    lead = Lead.objects.filter(public_id=public_id).first()
    lead = survivor(lead) if lead else None
    return lead if lead and lead.deleted_at is None else None


def is_known(lead: Lead, question: questions.Question) -> bool:
    target = str(question.get("maps_to") or "")
    if target == "name":
        return bool(lead.first_name or lead.last_name)
    if target.startswith("custom."):
        return lead.custom.get(target[7:]) not in (None, "", [])
    value: Any = getattr(lead, target, None) if target in KNOWN else None
    return value not in (None, "")


KNOWN = frozenset(
    {
        "first_name",
        "last_name",
        "email",
        "phone",
        "company_name",
        "company_size",
        "job_title",
        "industry",
        "website",
        "country",
        "region",
        "city",
        "language",
    }
)


def asked_of(version: FormVersion, lead: Lead | None) -> set[str]:
    """The keys of the questions for this visitor: without known ones, at most so many at once."""
    open_ = [
        question
        for question in questions.asked(version.fields)
        if not (lead and question.get("skip_known") and is_known(lead, question))
    ]
    most = int(version.settings.get("max_asked") or 0)
    return _first(open_, most) if most else {questions.key_of(each) for each in open_}


def _first(open_: Sequence[questions.Question], most: int) -> set[str]:
    """Hidden ones, consent and what is required are always there; the rest while there is room."""
    always = {questions.key_of(q) for q in open_ if _is_always_asked(q)}
    seen = sum(1 for q in open_ if q.get("required") and q.get("type") not in ("hidden", "consent"))
    room = max(most - seen, 0)
    others = [questions.key_of(q) for q in open_ if questions.key_of(q) not in always]
    return always | set(others[:room])


def _is_always_asked(question: questions.Question) -> bool:
    return bool(question.get("required")) or question.get("type") in {"hidden", "consent"}


def is_profiled(version: FormVersion) -> bool:
    """Whether different visitors may be asked different things."""
    return bool(version.settings.get("max_asked")) or any(
        question.get("skip_known") for question in version.fields
    )


def sign_asked(version: FormVersion, keys: set[str]) -> str:
    """What was asked, for when the answers come: the lead may have changed by then."""
    places = (n for n, q in enumerate(version.fields) if questions.key_of(q) in keys)
    return tokens.sign(ASKED, f"{version.pk}-" + "_".join(map(str, places)))


def read_asked(version: FormVersion, token: str) -> set[str] | None:
    """None: everything was asked, or the mark is not ours."""
    pk, _, places = (tokens.unsign(ASKED, token) or "").partition("-")
    if pk != str(version.pk):
        return None
    numbers = {int(place) for place in places.split("_") if place.isdecimal()}
    return {questions.key_of(q) for n, q in enumerate(version.fields) if n in numbers}
