"""E-mails, meetings and files of a lead, and what an e-mail begins with."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from leadcrm.accounts.models import User
from leads.models import Activity, Attachment, Lead
from leads.models.lead import visible_lead
from pipeline.models import Letter, LetterTemplate, Meeting

QUOTED = 2_000


def templates_for(user: User) -> list[LetterTemplate]:
    """Everybody's and one's own."""
    found = LetterTemplate.objects.filter(Q(owner=None) | Q(owner=user), archived_at=None)
    return list(found.order_by("name", "pk")[:200])


@dataclass(frozen=True, slots=True)
class Beginning:
    """What stands in an e-mail when somebody begins to write."""

    initial: dict[str, Any] = field(default_factory=dict)
    reply_to: Activity | None = None


def beginning(lead: Lead, user: User, *, template: str = "", reply: str = "") -> Beginning:
    """:param template: the key of one this person may use. :param reply: of an activity."""
    answered = _reply(lead, reply)
    body = f"Hi {lead.first_name or 'there'},\n\n\n\n{user.signature or user.first_name}"
    initial: dict[str, Any] = {"body": body}
    if answered is not None:
        initial |= _answer(answered, body)
    known = templates_for(user) if template else []
    chosen = next((each for each in known if str(each.pk) == template), None)
    if chosen is not None:
        initial["template"] = chosen.pk
        initial |= {"subject": chosen.subject, "body": chosen.body}
    return Beginning(initial, answered)


def _reply(lead: Lead, key: str) -> Activity | None:
    if not (key.isascii() and key.isdigit() and len(key) < 18):
        return None
    return Activity.objects.filter(pk=int(key), lead=lead, type="email_reply").first()


def _answer(reply: Activity, body: str) -> dict[str, Any]:
    said = reply.properties
    subject = str(said.get("subject") or "")
    quoted = "\n".join(f"> {line}" for line in str(said.get("message") or "")[:QUOTED].splitlines())
    when = timezone.localtime(reply.occurred_at)
    return {
        "subject": subject if subject.lower().startswith("re:") else f"Re: {subject}".strip(),
        "body": f"{body}\n\nOn {when:%-d %b %Y at %H:%M} you wrote:\n{quoted}",
        "answers": str(said.get("message_id") or ""),
    }


def latest_reply(lead: Lead, *, since: datetime) -> Activity | None:
    found = Activity.objects.filter(lead=lead, type="email_reply", occurred_at__gte=since)
    return found.order_by("-occurred_at", "-pk").first()


# Meetings -----------------------------------------------------------------------------------------


def meetings_visible_to(principal: Any) -> QuerySet[Meeting]:
    return Meeting.objects.filter(visible_lead(principal, path="lead")).select_related(
        "lead", "host"
    )


def meetings_of(user: User, *, since: datetime, until: datetime) -> QuerySet[Meeting]:
    """Those a person hosts, in their order."""
    return (
        meetings_visible_to(user)
        .filter(host=user, state=Meeting.State.BOOKED, starts_at__gte=since, starts_at__lt=until)
        .order_by("starts_at", "pk")
    )


def upcoming(lead: Lead, *, at: datetime) -> list[Meeting]:
    """Those still to come, and those whose end nobody has written down yet."""
    found = Meeting.objects.filter(
        lead=lead, state=Meeting.State.BOOKED, ends_at__gte=at - timedelta(days=30)
    )
    return list(found.select_related("host").order_by("starts_at", "pk")[:20])


# Files and letters --------------------------------------------------------------------------------


def attachments_visible_to(principal: Any) -> QuerySet[Attachment]:
    return Attachment.objects.filter(
        visible_lead(principal, path="lead"), removed_at=None
    ).select_related("lead", "uploaded_by")


def letters_visible_to(principal: Any) -> QuerySet[Letter]:
    return Letter.objects.filter(visible_lead(principal, path="lead")).select_related(
        "lead", "user", "mail"
    )
