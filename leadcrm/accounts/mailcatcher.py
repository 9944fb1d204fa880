"""The messages that the embedded mail server caught, for those who try LeadCRM without one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from django.conf import settings

from leadcrm.lib.errors import NotFound

SHOWN = 200
NAME = re.compile(r"[\w.-]+\.eml")


@dataclass(frozen=True, slots=True)
class CaughtMail:
    """One message; `key` is the name of its file."""

    key: str
    caught_at: datetime
    subject: str
    sender: str
    recipients: str
    text: str
    html: str
    headers: tuple[tuple[str, str], ...]


def is_on() -> bool:
    return bool(settings.EMAIL_CATCHER)


def newest() -> list[CaughtMail]:
    files = sorted(mail_dir().glob("*.eml"), key=lambda path: path.stat().st_mtime, reverse=True)
    return [read(path) for path in files[:SHOWN]]


def one(key: str) -> CaughtMail:
    """:raises NotFound: there is no such message."""
    path = mail_dir() / key
    if not NAME.fullmatch(key) or not path.is_file():
        raise NotFound
    return read(path)


def mail_dir() -> Path:
    return Path(settings.MAIL_DIR)


def read(path: Path) -> CaughtMail:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    return CaughtMail(
        key=path.name,
        caught_at=datetime.fromtimestamp(path.stat().st_mtime, UTC),
        subject=str(message["Subject"] or "(no subject)"),
        sender=str(message["From"] or ""),
        recipients=str(message["X-Envelope-To"] or message["To"] or ""),
        text=body(message, "plain"),
        html=body(message, "html"),
        headers=tuple(headers(message)),
    )


def body(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    return str(part.get_content()) if part else ""


def headers(message: EmailMessage) -> Iterator[tuple[str, str]]:
    yield from ((name, str(value)) for name, value in message.items())
