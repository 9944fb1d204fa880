"""E-mail that a colleague writes to a lead personally: kept, sent by a worker, and followed."""

import re
from dataclasses import dataclass
from datetime import datetime
from email.utils import formataddr, parseaddr
from html import escape
from typing import Any

from django.conf import settings
from django.db import transaction

from leadcrm.accounts.actions import notify
from leadcrm.accounts.models import User
from leadcrm.lib import tokens
from leadcrm.lib.errors import Conflict, Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leads import mailing
from leads.actions import record_activity
from leads.actions.consent import email_hash
from leads.models import Activity, Lead, Suppression, TransactionalMail
from pipeline import queries
from pipeline.actions.work import FollowUp, log_email
from pipeline.models import Letter, LetterTemplate

BODY_LIMIT = 20_000
NAME_LIMIT = 80
LINK = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
PLACE = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
PLACES = {
    "first_name": "First name",
    "last_name": "Last name",
    "company": "Company",
    "job_title": "Job title",
    "my_name": "My name",
    "my_first_name": "My first name",
    "signature": "My signature",
}
# Who unsubscribed from news may still be answered by a person; these may not.
CLOSED = (
    Suppression.Reason.BOUNCED,
    Suppression.Reason.COMPLAINED,
    Suppression.Reason.MANUAL,
)
CLOSED_WORDS = {
    "bounced": "mail to it came back",
    "complained": "its reader reported our mail as spam",
    "manual": "a colleague closed it",
}
OPENED, CLICKED = "letter-open", "letter-click"


class NoMore(Conflict):
    """The address must not be written to."""

    code = "suppressed"


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody wants to send. `answers`: the Message-ID of what it replies to."""

    subject: str
    body: str
    template: LetterTemplate | None = None
    is_tracked: bool = True
    answers: str = ""


def fill(text: str, lead: Lead, user: User) -> str:
    """A template's text for this lead; a place that nobody knows stays, so that it is seen."""
    values = {
        "first_name": lead.first_name or "there",
        "last_name": lead.last_name,
        "company": lead.company_name,
        "job_title": lead.job_title,
        "my_name": user.name,
        "my_first_name": user.first_name,
        "signature": user.signature or user.name,
    }
    return PLACE.sub(lambda found: values.get(found[1], found[0]), text)


@transaction.atomic
def send_letter(
    lead: Lead, draft: Draft, *, user: User, at: datetime, follow_up: FollowUp | None = None
) -> Letter:
    """Keep an e-mail in the colleague's name and hand it to the worker that sends.

    It stops the response clock now: a person has answered. If it cannot be sent its author hears.

    :raises Invalid: no address, or nothing to send. :raises NoMore: the address is closed to us.
    """
    subject = " ".join(clean_text(draft.subject, limit=200).split())
    text = clean_text(draft.body, limit=BODY_LIMIT)
    _check(lead, subject, text)
    activity_id = log_email(
        lead.pk, user=user, at=at, subject=subject, note=text, follow_up=follow_up
    )
    letter = Letter(
        lead=lead,
        user=user,
        template=draft.template,
        activity_id=activity_id,
        answers=draft.answers[:250],
        to_address=lead.email,
        subject=subject,
        body=text,
        is_tracked=draft.is_tracked,
        written_at=at,
    )
    letter.message_id = f"<letter-{letter.public_id}@{_domain()}>"
    letter.mail = _hand_over(letter)
    letter.save()
    return letter


def _check(lead: Lead, subject: str, text: str) -> None:
    if not lead.email:
        raise Invalid.field("email", f"{lead.name} has no e-mail address. Add one first.")
    if not subject or not text:
        raise Invalid.field("body", "Write a subject and a text before sending.", "required")
    left = PLACE.search(subject) or PLACE.search(text)
    if left:
        raise Invalid.field("body", f"“{left[0]}” is still in the text. Replace it, then send.")
    gone = Suppression.objects.filter(
        email_hash=email_hash(lead.email), scope="global", reason__in=CLOSED, released_at=None
    ).first()
    if gone is not None:
        raise NoMore(
            f"{lead.email} cannot be written to: {CLOSED_WORDS[gone.reason]}. "
            "Ask for another address by phone."
        )


def _hand_over(letter: Letter) -> TransactionalMail:
    headers = {"Message-ID": letter.message_id}
    if letter.answers:
        headers |= {"In-Reply-To": letter.answers, "References": _thread(letter)}
    return mailing.queue(
        letter.to_address,
        kind=mailing.LETTER,
        subject=letter.subject,
        text=letter.body,
        html=html_of(letter),
        sender=formataddr((letter.user.name, parseaddr(settings.DEFAULT_FROM_EMAIL)[1])),
        reply_to=formataddr((letter.user.name, letter.user.email)),
        headers=headers,
        dedupe_key=f"letter:{letter.public_id}",
        lead_id=letter.lead_id,
    )


def _thread(letter: Letter) -> str:
    """The messages before, the oldest first (RFC 5322 §3.6.4)."""
    before = Letter.objects.filter(lead=letter.lead_id).order_by("-written_at", "-pk")
    ids = list(before.values_list("message_id", flat=True)[:5])
    return " ".join([*reversed(ids), letter.answers])


def _domain() -> str:
    return parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "localhost"


def html_of(letter: Letter) -> str:
    """The text as a plain page: paragraphs and links; followed only if its author wants that."""
    place, parts = 0, []
    for number, found in enumerate(LINK.finditer(letter.body)):
        parts.append(escape(letter.body[place : found.start()]))
        href = click_url(letter, number) if letter.is_tracked else found[0]
        parts.append(f'<a href="{escape(href)}">{escape(found[0])}</a>')
        place = found.end()
    parts.append(escape(letter.body[place:]))
    body = "".join(parts).replace("\n", "<br>\n")
    pixel = (
        f'<img src="{open_url(letter)}" width="1" height="1" alt="">' if letter.is_tracked else ""
    )
    return f"<!doctype html><html><body><div>{body}</div>{pixel}</body></html>"


def open_url(letter: Letter) -> str:
    return f"{settings.SITE_URL}/m/o/{tokens.sign(OPENED, letter.public_id)}"


def click_url(letter: Letter, number: int) -> str:
    return f"{settings.SITE_URL}/m/c/{tokens.sign(CLICKED, f'{letter.public_id}-{number}')}"


def link_of(letter: Letter, number: int) -> str | None:
    found = [each[0] for each in LINK.finditer(letter.body)]
    return found[number] if number < len(found) else None


# What comes back ----------------------------------------------------------------------------------


@transaction.atomic
def note_opened(letter: Letter, *, at: datetime, by_machine: bool) -> None:
    klass = Activity.Class.MACHINE if by_machine else Activity.Class.HUMAN
    properties = {"subject": letter.subject, "letter": letter.public_id}
    record_activity(
        letter.lead_id,
        "email_open",
        at=at,
        properties=properties,
        klass=klass,
        dedupe_key=f"letter-open:{letter.public_id}:{klass}",
    )
    if not by_machine:
        Letter.objects.filter(pk=letter.pk, opened_at=None).update(opened_at=at)


@transaction.atomic
def note_clicked(letter: Letter, url: str, *, at: datetime, by_machine: bool) -> None:
    klass = Activity.Class.MACHINE if by_machine else Activity.Class.HUMAN
    properties = {"subject": letter.subject, "url": url, "letter": letter.public_id}
    record_activity(letter.lead_id, "email_click", at=at, properties=properties, klass=klass)
    if not by_machine:
        Letter.objects.filter(pk=letter.pk, clicked_at=None).update(clicked_at=at)


@transaction.atomic
def thread_reply(lead_id: int, *, activity_id: int) -> Letter | None:
    """Find the e-mail that a reply answers, by the Message-IDs it names; safe to repeat."""
    activity = Activity.objects.filter(pk=activity_id, lead=lead_id).first()
    named: Any = activity.properties.get("in_reply_to", []) if activity else []
    ids = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    known = {form for name in ids for form in (name, f"<{name.strip('<>')}>")}
    letter = (
        Letter.objects.filter(message_id__in=known).select_related("user", "lead").last()
        if known
        else None
    )
    if letter is None or activity is None:
        return None
    Letter.objects.filter(pk=letter.pk, replied_at=None).update(replied_at=activity.occurred_at)
    if letter.user_id != letter.lead.owner_id and letter.user.is_active:
        _tell_author(letter, activity)
    return letter


def _tell_author(letter: Letter, activity: Activity) -> None:
    if not Lead.objects.visible_to(letter.user).filter(pk=letter.lead_id).exists():
        return
    notify(
        letter.user,
        kind="replied",
        title=f"{letter.lead.name} replied to “{letter.subject}”",
        body=str(activity.properties.get("message", "")),
        dedupe_key=f"reply:{activity.pk}",
        url=queries.lead_url(letter.lead),
        lead_id=letter.lead_id,
    )


@transaction.atomic
def tell_not_sent(mail_id: int) -> None:
    """The author hears that the e-mail did not go out."""
    letter = Letter.objects.filter(mail=mail_id).select_related("user", "lead", "mail").first()
    if letter is None or letter.mail is None or not letter.user.is_active:
        return
    doubt = letter.mail.state == TransactionalMail.State.UNKNOWN
    words = "may not have been sent" if doubt else "was not sent"
    notify(
        letter.user,
        kind="mail",
        title=f"Your e-mail to {letter.lead.name} {words}",
        body=f"“{letter.subject}” to {letter.to_address}. Call, or write again.",
        dedupe_key=f"not-sent:{mail_id}:{letter.mail.state}",
        url=queries.lead_url(letter.lead),
        lead_id=letter.lead_id,
    )


# Templates ----------------------------------------------------------------------------------------


@transaction.atomic
def save_template(
    *,
    name: str,
    subject: str,
    body: str,
    user: User,
    at: datetime,
    shared: bool = False,
    template: LetterTemplate | None = None,
) -> LetterTemplate:
    """Keep a text to begin with; only managers change what everybody has.

    :raises Invalid: something is missing, or a place that nobody could fill.
    """
    values = {
        "name": clean_text(name, limit=NAME_LIMIT),
        "subject": " ".join(clean_text(subject, limit=200).split()),
        "body": clean_text(body, limit=BODY_LIMIT),
    }
    for field, value in values.items():
        if not value:
            raise Invalid.field(field, "Write something here before saving.", "required")
        for found in PLACE.findall(value):
            if found not in PLACES:
                known = ", ".join(PLACES)
                raise Invalid.field(
                    field, f"Nothing is known as “{found}”. Choose from {known}.", "unknown"
                )
    template = template or LetterTemplate()
    if template.pk and not may_change(template, user):
        raise NotFound
    for field, value in values.items():
        setattr(template, field, value)
    template.owner = None if shared and user.is_manager else user
    template.updated_at = at
    template.save()
    return template


def may_change(template: LetterTemplate, user: User) -> bool:
    return template.owner_id == user.pk or (template.owner_id is None and user.is_manager)


def archive_template(template: LetterTemplate, *, user: User, at: datetime) -> None:
    """:raises NotFound: it is somebody else's."""
    if not may_change(template, user):
        raise NotFound
    LetterTemplate.objects.filter(pk=template.pk).update(archived_at=at)
