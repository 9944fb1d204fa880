"""What only forms have: boxes of consent among the questions, confirmation, something in return."""

from datetime import datetime
from typing import Any

from leadcrm.lib import normalise
from leads import profiling
from leads.actions.assets import give
from leads.actions.confirming import CONFIRMED, ask_to_confirm
from leads.actions.leads import add_tags
from leads.capture.envelopes import Consented, Submission
from leads.capture.mapping import Person
from leads.models import Consent, FormVersion, InboxItem, Source
from leads.questions import TICKED
from leads.wishes import wishes_from

MARKETING = Consent.Purpose.MARKETING_EMAIL


def read_boxes(submission: Submission, version: FormVersion | None) -> None:
    """A ticked box is consent in exactly the words beside it."""
    for question in version.fields if version else []:
        if question.get("type") != "consent":
            continue
        answer = submission.values.get(str(question.get("key")))
        if str(answer).casefold() in TICKED:
            purpose = str(question.get("purpose") or MARKETING)
            given = Consented(granted=True, wording=str(question.get("label") or ""))
            submission.consent[purpose] = given


def name_by_link(person: Person, submission: Submission, *, at: datetime) -> None:
    """A link named the person and the form did not ask again; another address is another person."""
    if not submission.known or person.email or person.bad_email:
        return
    lead = profiling.lead_of(submission.known, at=at)
    email = normalise.email(lead.email) if lead else None
    if email is not None:
        person.email = email
        person.contact["email"] = email.address


# ---- double opt-in ----


def hold(
    item: InboxItem, submission: Submission, version: FormVersion | None, person: Person
) -> str:
    """Ask to confirm first, if the form wants so; why it waits in words, else an empty text."""
    if version is None or version.settings.get("confirm") != "lead" or submission.is_test:
        return ""
    if CONFIRMED in item.flags or person.email is None or _is_known(person):
        return ""
    purposes = _as_rows(submission, version)
    ask_to_confirm(
        item,
        version,
        email=person.email.address,
        purposes=purposes,
        lead_id=None,
        at=item.received_at,
    )
    return f"Waits until {person.email.address} is confirmed by the link that was sent there."


def _is_known(person: Person) -> bool:
    """Somebody who allowed mail to this address before has nothing to prove."""
    if person.email is None:
        return False
    newest = (
        Consent.objects.filter(
            lead__identifiers__kind="email",
            lead__identifiers__value=person.email.canonical,
            purpose=MARKETING,
        )
        .order_by("-at", "-pk")
        .values_list("granted", flat=True)
        .first()
    )
    return bool(newest)


def withhold(
    item: InboxItem, submission: Submission, version: FormVersion | None, person: Person
) -> dict[str, Consented]:
    """Take out the consent that counts only once it is confirmed."""
    if version is None or version.settings.get("confirm") != "consent" or submission.is_test:
        return {}
    if CONFIRMED in item.flags or person.email is None or _is_known(person):
        return {}
    kept = {purpose: given for purpose, given in submission.consent.items() if given.granted}
    for purpose in kept:
        del submission.consent[purpose]
    if kept:
        submission.context["consent_to_confirm"] = sorted(kept)
    return kept


def _as_rows(
    submission: Submission, version: FormVersion, given: dict[str, Consented] | None = None
) -> list[dict[str, Any]]:
    consent = submission.consent if given is None else given
    return [
        {"purpose": purpose, "wording": each.wording or version.consent_text}
        for purpose, each in consent.items()
        if each.granted
    ]


# ---- after it became part of a lead ----


def follow(
    item: InboxItem,
    submission: Submission,
    version: FormVersion | None,
    person: Person,
    lead_id: int,
    *,
    source: Source,
    withheld: dict[str, Consented],
    at: datetime,
) -> None:
    """Tags, the mail to confirm, and what was promised in return."""
    wished = version.form.wishes if version else source.wishes
    if tags := [*person.tags, *wishes_from(wished).tags]:
        add_tags([lead_id], tags)
    if submission.is_test or version is None:
        return
    if withheld and person.email is not None:
        ask_to_confirm(
            item,
            version,
            email=person.email.address,
            purposes=_as_rows(submission, version, withheld),
            lead_id=lead_id,
            at=at,
        )
    if version.settings.get("asset") and not submission.context.get("unfinished"):
        give(item, version, lead_id, at=at)
