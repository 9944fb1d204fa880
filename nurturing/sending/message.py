"""The bytes of a mail (RFC 5322), from the snapshot that was stored when it was planned."""

import re
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr
from urllib.parse import quote

from django.conf import settings
from django.utils import timezone

from leadcrm.lib.normalise import email as normal_email
from nurturing.models import Send
from nurturing.rendering.composing import one_line
from nurturing.tracking import Recipient, unsubscribe_token, unsubscribe_url

# An unsubscribe address longer than the usual 78 characters would be folded into encoded words,
# which no mail program follows there. RFC 5322 §2.1.1 allows lines of 998.
LONGEST_LINE = 990
POLICY = SMTP.clone(max_line_length=LONGEST_LINE)
POLICY_UTF8 = SMTPUTF8.clone(max_line_length=LONGEST_LINE)


@dataclass(frozen=True, slots=True)
class Envelope:
    sender: str
    recipient: str
    content: bytes


class Unwritable(ValueError):
    """An address that no header can hold."""


def build(send: Send) -> Envelope:
    """Expects `lead.owner` to be loaded. Everything a lead typed is cleaned of line breaks.

    :raises Unwritable: an address that no header can hold.
    """
    try:
        return _build(send)
    except (ValueError, IndexError, MessageError) as error:
        raise Unwritable(str(error)) from error


def _build(send: Send) -> Envelope:
    sender_name, sender = parseaddr(settings.DEFAULT_FROM_EMAIL)
    recipient = ascii_domain(send.to_address)
    message = EmailMessage(policy=POLICY if recipient.isascii() else POLICY_UTF8)
    message["From"] = Address(words(sender_name), addr_spec=sender)
    message["To"] = Address(words(send.lead.name), addr_spec=recipient)
    message["Subject"] = words(send.subject)
    message["Date"] = format_datetime(timezone.now())
    message["Message-ID"] = send.message_id
    if send.lead.owner is not None:
        owner = send.lead.owner
        message["Reply-To"] = Address(words(owner.name), addr_spec=owner.email)
    _add_list_headers(message, send, sender)
    message.set_content(send.text or " ", cte="quoted-printable")
    if send.html:
        message.add_alternative(send.html, subtype="html", cte="quoted-printable")
    content = message.as_bytes()
    _refuse_foreign_headers(content)
    return Envelope(sender, recipient, content)


HEADERS = frozenset(
    {
        b"from", b"to", b"subject", b"date", b"message-id", b"reply-to", b"list-unsubscribe",
        b"list-unsubscribe-post", b"feedback-id", b"x-leadcrm-send", b"mime-version",
        b"content-type", b"content-transfer-encoding",
    }
)  # fmt: skip


def words(text: str) -> str:
    """Text for a header. An encoded word that somebody typed would be decoded on the way, and
    what it hides (a line break, say) written out: so `=?` is taken apart."""
    return one_line(text).replace("=?", "= ?")


def _refuse_foreign_headers(content: bytes) -> None:
    """The last line of defence against injection: each header once, and none but ours."""
    head = re.split(rb"\r?\n\r?\n", content, maxsplit=1)[0]
    lines = [line for line in re.split(rb"\r\n|\r|\n", head) if line[:1] not in (b" ", b"\t")]
    names = [line.partition(b":")[0].lower() for line in lines]
    if len(names) != len(set(names)) or not HEADERS.issuperset(names):
        raise ValueError("A header would carry more than it should.")


def _add_list_headers(message: EmailMessage, send: Send, sender: str) -> None:
    """RFC 8058: one click in the mail program unsubscribes, without a page."""
    who = Recipient(send.public_id, send.email_hash)
    mailto = f"mailto:{sender}?subject={quote(f'unsubscribe {unsubscribe_token(who)}')}"
    message["List-Unsubscribe"] = f"<{unsubscribe_url(who)}>, <{mailto}>"
    message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    message["Feedback-ID"] = f"{send.step_key}:{send.campaign_id}:drip:leadcrm"
    message["X-LeadCRM-Send"] = send.public_id


def ascii_domain(address: str) -> str:
    """The address with its domain as it travels: `ü.example` is `xn--tda.example` on the wire."""
    known = normal_email(address)
    return f"{address.rpartition('@')[0]}@{known.domain}" if known else address
