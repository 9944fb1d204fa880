"""A raw e-mail as text and addresses, whatever its sender broke. Nothing here raises."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage, Message
from email.utils import getaddresses, parsedate_to_datetime
from html import unescape
from typing import Any

import nh3

from leadcrm.lib import normalise
from leadcrm.lib.normalise import clean_text
from leads.capture.parsing import decode, read_content_type

MOST_TEXT = 20_000
MOST_PARTS = 200
LINE_ENDS = re.compile(r"<(br|/p|/div|/tr|/h[1-6]|/li)\b[^<>]{0,200}>", re.IGNORECASE)
UNSEEN = re.compile(r"<(style|script|head|title)\b.*?(</\1\s*>|$)", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Address:
    name: str = ""
    email: str = ""

    def __bool__(self) -> bool:
        return bool(self.email)


@dataclass(slots=True)
class Mail:
    """What counts of a message for a lead."""

    sender: Address = field(default_factory=Address)
    reply_to: Address = field(default_factory=Address)
    to: list[Address] = field(default_factory=list)
    subject: str = ""
    text: str = ""
    message_id: str = ""
    answers: tuple[str, ...] = ()  # the ids this is a reply to
    sent_at: datetime | None = None
    headers: dict[str, str] = field(default_factory=dict)  # lower case; the first of each
    hops: int = 0
    content_type: str = ""
    attachments: list[str] = field(default_factory=list)
    attached: "Mail | None" = None  # a whole message that was forwarded as an attachment

    @property
    def person(self) -> Address:
        """Who wants an answer: websites send in their own name and put the visitor in Reply-To."""
        if self.reply_to and self.reply_to.email != self.sender.email:
            return Address(self.reply_to.name or "", self.reply_to.email)
        return self.sender


def read_mail(raw: bytes, *, depth: int = 0) -> Mail:
    message = message_from_bytes(raw, policy=policy.compat32)
    return mail_of(message, depth=depth)


def mail_of(message: Message, *, depth: int = 0) -> Mail:
    headers = {name.lower(): words(value) for name, value in reversed(list(_items(message)))}
    plain, html, attachments, attached = _parts(message, depth)
    text = plain if plain.strip() else text_of_html(html)
    return Mail(
        sender=first_address(headers.get("from", "")),
        reply_to=first_address(headers.get("reply-to", "")),
        to=addresses(", ".join(headers.get(name, "") for name in ("to", "cc", "delivered-to"))),
        subject=clean_text(" ".join(headers.get("subject", "").split()), limit=300),
        text=clean_text(text.replace("\r\n", "\n"), limit=MOST_TEXT),
        message_id=one_id(headers.get("message-id", "")),
        answers=ids_of(f"{headers.get('in-reply-to', '')} {headers.get('references', '')}"),
        sent_at=moment_of(headers.get("date", "")),
        headers=headers,
        hops=len(message.get_all("received") or []),
        content_type=_safe_type(message),
        attachments=attachments,
        attached=attached,
    )


def _items(message: Message) -> Iterator[tuple[str, Any]]:
    return iter(list(message.items())[:300])


def words(value: Any) -> str:
    """A header's text, decoded as RFC 2047 says or as it stands."""
    text = str(value)[:20_000]
    try:
        text = str(
            policy.default.header_factory("subject", text.replace("\r", "").replace("\n", ""))
        )
    except Exception:  # the parser of the standard library raises all sorts
        text = text.replace("\r", "").replace("\n", "")
    return clean_text(text.encode("utf-8", "replace").decode())


def addresses(text: str) -> list[Address]:
    try:
        found = getaddresses([text[:5000]])
    except (ValueError, IndexError, TypeError):
        return []
    pairs = ((clean_text(name, limit=200), normalise.email(address)) for name, address in found)
    return [Address(name.strip("'\""), known.address) for name, known in pairs if known]


def first_address(text: str) -> Address:
    return next(iter(addresses(text)), Address())


def one_id(text: str) -> str:
    return next(iter(ids_of(text)), clean_text(text, limit=250))


def ids_of(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(found[:250] for found in re.findall(r"<([^<>\s]{3,998})>", text)))


def moment_of(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _safe_type(message: Message) -> str:
    kind = message.get_content_type()
    report = message.get_param("report-type")
    return f"{kind}; report-type={report}".lower() if isinstance(report, str) else kind


def _parts(message: Message, depth: int) -> tuple[str, str, list[str], Mail | None]:
    plain, html, names, attached = [], [], [], None
    for number, part in enumerate(_leaves(message, depth)):
        if number >= MOST_PARTS:
            break
        kind = part.get_content_type()
        if kind == "message/rfc822":
            attached = attached or _inner(part, depth)
        elif name := _file_name(part):
            names.append(name)
        elif kind == "text/plain":
            plain.append(_text(part))
        elif kind == "text/html":
            html.append(_text(part))
    return "\n".join(plain), "\n".join(html), names[:50], attached


def _leaves(message: Message, depth: int) -> Iterator[Message]:
    """Every part that is no container; a message inside the message stays whole."""
    payload = message.get_payload()
    if message.get_content_type() == "message/rfc822" or not isinstance(payload, list):
        yield message
        return
    if depth > 20:
        return
    for part in payload:
        if isinstance(part, Message):
            yield from _leaves(part, depth + 1)


def _inner(part: Message, depth: int) -> Mail | None:
    payload = part.get_payload()
    inner = payload[0] if isinstance(payload, list) and payload else None
    return mail_of(inner, depth=depth + 5) if isinstance(inner, Message) and depth < 20 else None


def _file_name(part: Message) -> str:
    try:
        name = part.get_filename()
    except Exception:
        name = None
    is_file = "attachment" in str(part.get("content-disposition", "")).lower()
    return words(name)[:120] if name else ("unnamed" if is_file else "")


def _text(part: Message) -> str:
    try:
        payload = part.get_payload(decode=True)
    except Exception:
        payload = None
    raw = (
        payload
        if isinstance(payload, bytes)
        else str(part.get_payload()).encode("utf-8", "replace")
    )
    charset = read_content_type(str(part.get("content-type", "")))[1]
    return decode(raw[: 10 * MOST_TEXT], charset)


def text_of_html(html: str) -> str:
    """Readable text: lines where blocks end, no styles, no scripts."""
    shown = UNSEEN.sub(" ", html[: 10 * MOST_TEXT])
    with_lines = LINE_ENDS.sub(lambda found: f"{found[0]}\n", re.sub(r"\s+", " ", shown))
    plain = unescape(nh3.clean(with_lines, tags=set())).replace("\xa0", " ")
    lines = [" ".join(line.split()) for line in plain.split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


__all__ = ["Address", "EmailMessage", "Mail", "mail_of", "read_mail"]
