"""E-mail as a source: forwarded to an address as raw MIME, or read from a mailbox over IMAP."""

import re
from collections.abc import Mapping
from email import message_from_bytes, policy
from email.utils import parseaddr
from typing import Any

from django.conf import settings

from leadcrm.accounts.models import User
from leadcrm.lib import normalise
from leadcrm.lib.errors import FieldError
from leads import threads
from leads.actions import record_activity
from leads.actions.inquiries import lead_of_email
from leads.capture import parsing
from leads.capture.envelopes import Submission
from leads.capture.processing import Outcome
from leads.models import Connection, InboxItem, Source
from leads.models.attribution import Channel
from leads.providers.answers import Answer
from leads.providers.base import Delivery, Keep, Provider, json_document
from leads.providers.mail import imap
from leads.providers.mail.message import Address, Mail, addresses, ids_of, read_mail, text_of_html
from leads.providers.mail.reading import Aside, Letter, aside_of, is_reply, labelled, letter_of
from leads.providers.mapping import rules_of, sample_of, submission_of

State = InboxItem.State
CUT = "beginning-of"  # beside the type of what was cut off: the size of the whole
# Under these names mail services post the whole message, then its parts.
WHOLE = ("email", "body-mime", "rawemail", "raw", "mime", "message/rfc822", "eml")
PARTS = {
    "from": ("from", "sender"),
    "reply-to": ("reply-to", "replyto", "h:reply-to"),
    "to": ("to", "recipient", "originalrecipient"),
    "subject": ("subject",),
    "text": ("text", "body-plain", "textbody", "plain", "stripped-text"),
    "html": ("html", "body-html", "htmlbody"),
    "message-id": ("message-id", "messageid"),
    "headers": ("headers",),
}


class EmailIn(Provider):
    key = "email"
    label = "E-mail"
    about = "A mailbox such as sales@: forward it to the address, or let us read it over IMAP."
    icon = "mail"
    kind = Source.Kind.EMAIL
    channel = Channel.EMAIL
    steps = (
        "Either let your mail service post incoming messages to the address as raw MIME "
        "(Mailgun routes, SendGrid Inbound Parse, Postmark inbound).",
        "Or fill in the mailbox below: it is read every few minutes, and nothing in it is deleted.",
        "Send a message from another account to see it arrive. Forwards become a lead of the "
        "original sender; automatic answers and bounces are set aside.",
    )
    access_label = "Mailbox password"
    access_help = (
        "Kept encrypted. Or leave it empty and name an environment variable below "
        "that begins with IMAP_."
    )
    options = imap.OPTIONS

    def event_id(self, delivery: Delivery) -> str:
        mail = mail_in(delivery.body, delivery.content_type)
        return f"mid:{mail.message_id}" if mail and mail.message_id else ""

    def read(self, item: InboxItem, connection: Connection) -> Submission:
        mail = mail_in(bytes(item.body), item.content_type)
        if mail is None:
            problem = "Send a raw e-mail as message/rfc822, or in a field called “email”."
            raise parsing.Unreadable(FieldError("body", problem, "mime"))
        submission = submission_of_mail(mail, connection)
        whole = size_of_cut(item.content_type)
        if whole and not item.corrections and "released" not in item.flags:
            submission.instead = lambda item: too_large(item, whole, connection)
        return submission

    def places(self, connection: Connection) -> list[str]:
        return imap.folders(connection)

    def poll(
        self, connection: Connection, name: str, checkpoint: dict[str, Any], keep: Keep
    ) -> dict[str, Any]:
        def keep_mail(raw: bytes, whole: int) -> bool:
            message_id = read_mail(raw[:100_000]).message_id
            kind = f"message/rfc822; {CUT}={whole}" if whole else "message/rfc822"
            return keep(raw, kind, f"mid:{message_id}" if message_id else "")

        return imap.read_folder(connection, name, checkpoint, keep_mail)


# ---- too large to be kept whole ----


def size_of_cut(content_type: str) -> int:
    """How large a message was of which only the beginning is kept; 0: it is whole."""
    said = re.search(rf"; {CUT}=(\d{{1,12}})$", content_type)
    return int(said[1]) if said else 0


def too_large(item: InboxItem, whole: int, connection: Connection) -> Outcome:
    folder = imap.folders(connection)[0] if imap.folders(connection) else "INBOX"
    words = (
        f"This message has {whole / 1e6:.0f} MB, more than the {settings.MAX_MAIL_BYTES / 1e6:.0f} "
        f"MB that are kept: only its first {len(item.body) / 1e6:.1f} MB stand here. The whole of "
        f"it is in the mailbox, folder “{folder}”. Correct the answers to make a lead of it."
    )
    return Outcome(State.NEEDS_REVIEW, "mail_too_large", words)


# ---- finding the message ----


def mail_in(body: bytes, content_type: str) -> Mail | None:
    """From raw MIME, from a mail service's form or from its JSON; None when there is none."""
    media_type, _ = parsing.read_content_type(content_type)
    if parsing.looks_like_json(body, media_type):
        return mail_of_fields(texts(json_document(body)))
    if media_type == "multipart/form-data":
        return mail_of_fields(form_parts(body, content_type))
    if media_type == "application/x-www-form-urlencoded" and b"=" in body[:200]:
        try:
            return mail_of_fields(texts(parsing.answers_of(body, content_type).values))
        except parsing.Unreadable:
            return None
    mail = read_mail(body)
    return mail if mail.sender or mail.subject or mail.message_id else None


def texts(document: Any) -> dict[str, bytes]:
    found = document.items() if isinstance(document, Mapping) else ()
    return {
        str(name).lower(): value.encode("utf-8", "replace")
        for name, value in found
        if isinstance(value, str)
    }


def form_parts(body: bytes, content_type: str) -> dict[str, bytes]:
    """The parts of a form by name, files too: some services send the message as a file."""
    boundary = parsing.boundary_of(content_type, body).removeprefix(b"--")
    head = b'Content-Type: multipart/form-data; boundary="' + boundary + b'"\r\n\r\n'
    message = message_from_bytes(head + body, policy=policy.compat32)
    parts = message.get_payload()
    found: dict[str, bytes] = {}
    for part in parts[:200] if isinstance(parts, list) else []:
        if isinstance(part, str):
            continue
        name = part.get_param("name", header="content-disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name.lower()] = content
        elif isinstance(name, str) and part.get_content_type() == "message/rfc822":
            found[name.lower()] = part.as_bytes().partition(b"\n\n")[2]
    return found


def mail_of_fields(fields: Mapping[str, bytes]) -> Mail | None:
    whole = next((fields[name] for name in WHOLE if b"\n" in fields.get(name, b"")), None)
    if whole is not None:
        return read_mail(whole)
    said = {
        part: parsing.decode(next((fields[name] for name in names if fields.get(name)), b""), "")
        for part, names in PARTS.items()
    }
    sender = next(iter(addresses(said["from"])), Address())
    if not sender:
        return None
    headers = read_mail(said["headers"].encode() + b"\n\n")
    named = ids_of(said["message-id"]) or ((said["message-id"],) if said["message-id"] else ())
    return Mail(
        sender=sender,
        reply_to=next(iter(addresses(said["reply-to"])), headers.reply_to),
        to=addresses(said["to"]),
        subject=normalise.clean_text(said["subject"], limit=300),
        text=normalise.clean_text(said["text"] or text_of_html(said["html"]), limit=20_000),
        message_id=(named[0] if named else headers.message_id)[:250],
        answers=headers.answers,
        headers=headers.headers,
        content_type=headers.content_type,
    )


# ---- understanding it ----


def submission_of_mail(mail: Mail, connection: Connection) -> Submission:
    letter = letter_of(mail)
    answers = answers_of(letter, mail)
    own = {"name": "name", "email": "email", "text": "message"}
    notes = [f"The attachment “{name}” stays in the original message." for name in mail.attachments]
    if letter.forwarded_by:
        notes.append(f"Forwarded by {letter.forwarded_by}.")
    sample = sample_of(answers, own)
    submission = submission_of(sample, rules_of(connection), notes=notes[:20])
    submission.submitted_at = mail.sent_at
    submission.instead = lambda item: settled(item, mail, letter, connection)
    return submission


def answers_of(letter: Letter, mail: Mail) -> list[Answer]:
    """A website's notification says it on lines; anything else is said by its headers."""
    lines = {name: Answer(name, (name,), value) for name, value in labelled(letter.text).items()}
    if lines:
        found = list(lines.values())
    else:
        found = [
            Answer("email", ("email",), letter.person.email),
            Answer("name", ("name",), letter.person.name),
            Answer("text", ("text",), letter.text),
        ]
    subject = Answer("mail.subject", ("mail", "subject"), letter.subject)
    received = Answer("mail.to", ("mail", "to"), ", ".join(each.email for each in mail.to[:5]))
    return [each for each in (*found, subject, received) if each.value]


def settled(item: InboxItem, mail: Mail, letter: Letter, connection: Connection) -> Outcome | None:
    """How a message that is no lead is set aside; None when somebody asks."""
    forwarded = bool(letter.forwarded_by)
    aside = None if forwarded else aside_of(mail, ours=our_addresses(connection))
    if aside is None and letter.person and is_colleague(letter.person.email):
        aside = Aside("colleague", "A colleague wrote it, and it forwards nobody.", rejected=False)
    if aside is not None:
        state = State.REJECTED if aside.rejected else State.NEEDS_REVIEW
        return None if "released" in item.flags else Outcome(state, aside.code, aside.words)
    return reply_of(item, mail, letter) if is_reply(mail) and not forwarded else None


def reply_of(item: InboxItem, mail: Mail, letter: Letter) -> Outcome | None:
    """An answer of somebody known goes on their timeline; it is no new inquiry."""
    known = normalise.email(letter.person.email)
    lead_id = lead_of_email(known.canonical) if known else None
    lead_id = threads.lead_of(mail.answers[:20]) or lead_id
    if lead_id is None:
        return None
    properties = {
        "subject": letter.subject,
        "message": letter.text[:2000],
        "message_id": mail.message_id,
        "in_reply_to": list(mail.answers[:10]),
    }
    record_activity(
        lead_id,
        "email_reply",
        at=item.received_at,
        properties=properties,
        dedupe_key=f"mail:{mail.message_id or item.receipt_id}"[:100],
    )
    return Outcome(State.APPLIED, "reply", "A reply; it stands on the lead's timeline.", lead_id)


def our_addresses(connection: Connection) -> frozenset[str]:
    sender = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].lower()
    mailbox = str(connection.options.get("user") or "").lower()
    return frozenset({sender, mailbox} - {""})


def is_colleague(address: str) -> bool:
    return User.objects.filter(email__iexact=address).exists()


__all__ = ["EmailIn", "mail_in"]
