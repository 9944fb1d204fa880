"""Reading a mailbox over IMAP. Nothing is deleted or marked; how far it is read is kept by us."""

import contextlib
import imaplib
import os
import re
import ssl
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from leads.models import Connection, ConnectionSecret
from leads.providers.base import FetchProblem, NoAccess, Option

SECURITY = (("ssl", "TLS"), ("starttls", "STARTTLS"), ("none", "None, inside your own network"))
OPTIONS = (
    Option("host", "Mailbox server", "Such as imap.example.com. Empty: nothing is read."),
    Option("port", "Port", "993 with TLS, 143 else.", default="993"),
    Option("security", "Encryption", default="ssl", choices=SECURITY),
    Option("user", "User name"),
    Option("folder", "Folder", default="INBOX"),
    Option("password_env", "Variable with the password", "Such as IMAP_SALES_PASSWORD."),
)
TIMEOUT_SECONDS = 20.0
BATCH = 200  # in one look; the next one goes on
FIRST_LOOK = timedelta(days=7)
VARIABLE = re.compile(r"IMAP_[A-Z0-9_]{1,60}")

SIZE = re.compile(rb"RFC822\.SIZE (\d+)")

KeepMail = Callable[[bytes, int], bool]  # the message, and its size where it is only its beginning


def folders(connection: Connection) -> list[str]:
    options = connection.options
    return [str(options.get("folder") or "INBOX")[:100]] if options.get("host") else []


def read_folder(
    connection: Connection, folder: str, checkpoint: dict[str, Any], keep: KeepMail
) -> dict[str, Any]:
    """Store what came after the checkpoint; return the new one.

    :raises FetchProblem: NoAccess when the server refuses the user or the folder.
    """
    box = sign_in(connection)
    try:
        return _read(box, folder, checkpoint, keep)
    except (imaplib.IMAP4.error, OSError, ValueError) as error:
        raise FetchProblem(f"The mailbox broke off: {error}.") from error
    finally:
        hang_up(box)


def hang_up(box: imaplib.IMAP4) -> None:
    with contextlib.suppress(imaplib.IMAP4.error, OSError):
        box.logout()
    with contextlib.suppress(OSError):
        box.shutdown()


def sign_in(connection: Connection) -> imaplib.IMAP4:
    options = connection.options
    user, password = str(options.get("user") or ""), password_of(connection)
    if not user or not password:
        raise NoAccess("The mailbox needs a user name and a password.")
    try:
        box = connect(str(options["host"]), port_of(options), str(options.get("security") or "ssl"))
    except (OSError, imaplib.IMAP4.error, ValueError) as error:
        raise FetchProblem(f"The mail server did not answer: {error}.") from error
    try:
        box.login(user, password)
    except imaplib.IMAP4.error as error:
        hang_up(box)
        raise NoAccess(f"The mail server refuses the user or the password: {error}.") from error
    return box


def password_of(connection: Connection) -> str:
    """Only variables named for this: others are nobody's business at a mail server."""
    name = str(connection.options.get("password_env") or "")
    if VARIABLE.fullmatch(name) and (found := os.environ.get(name)):
        return found
    return next(iter(connection.plain_secrets(ConnectionSecret.Use.ACCESS)), "")


def port_of(options: dict[str, Any]) -> int:
    port = int(str(options.get("port") or "993"))
    if settings.IMAP_PORTS and port not in settings.IMAP_PORTS:
        allowed = ", ".join(map(str, settings.IMAP_PORTS))
        raise ValueError(f"port {port} is not one of {allowed}")
    return port


def connect(host: str, port: int, security: str) -> imaplib.IMAP4:
    if security == "ssl":
        context = ssl.create_default_context()
        return imaplib.IMAP4_SSL(host, port, ssl_context=context, timeout=TIMEOUT_SECONDS)
    box = imaplib.IMAP4(host, port, timeout=TIMEOUT_SECONDS)
    if security == "starttls":
        box.starttls(ssl.create_default_context())
    return box


def _read(
    box: imaplib.IMAP4, folder: str, checkpoint: dict[str, Any], keep: KeepMail
) -> dict[str, Any]:
    quoted = '"' + re.sub(r'([\\"])', r"\\\1", folder) + '"'
    if box.select(quoted, readonly=True)[0] != "OK":
        raise NoAccess(f"There is no folder “{folder}” in this mailbox.")
    validity = _number(box.response("UIDVALIDITY")[1])
    known = checkpoint if checkpoint.get("validity") == validity else {}
    last = int(known.get("uid") or 0)
    for uid in _newer(box, last)[:BATCH]:
        raw, size = _fetch(box, uid)
        if raw:
            keep(raw, size if size > len(raw) else 0)
        last = uid
    return {"validity": validity, "uid": last}


def _number(found: Any) -> int:
    value = found[0] if found else None
    return int(value) if isinstance(value, bytes) and value.isdigit() else 0


def _newer(box: imaplib.IMAP4, last: int) -> list[int]:
    """Ids after the last one, oldest first; of a mailbox seen for the first time the last week."""
    if last:
        status, found = box.uid("SEARCH", f"UID {last + 1}:*")
    else:
        since = (timezone.now() - FIRST_LOOK).strftime("%d-%b-%Y")
        status, found = box.uid("SEARCH", f"SINCE {since}")
    if status != "OK":
        raise ValueError("the search was refused")
    ids = (found[0] or b"").split() if found else []
    # “5:*” holds the last message even when its id is 4.
    return sorted(uid for uid in map(int, ids) if uid > last)


def _fetch(box: imaplib.IMAP4, uid: int) -> tuple[bytes, int]:
    """One message and its size; of one that is too large the beginning, empty when it is gone."""
    size = _size(box, uid)
    part = "" if size <= settings.MAX_MAIL_BYTES else f"<0.{settings.MAX_CAPTURE_BYTES}>"
    status, found = box.uid("FETCH", str(uid), f"(BODY.PEEK[]{part})")
    parts = [part[1] for part in found or [] if isinstance(part, tuple)] if status == "OK" else []
    return (bytes(parts[0]) if parts else b""), (size if part else 0)


def _size(box: imaplib.IMAP4, uid: int) -> int:
    status, found = box.uid("FETCH", str(uid), "(RFC822.SIZE)")
    rows = found or [] if status == "OK" else []
    lines = b" ".join(row[0] if isinstance(row, tuple) else row for row in rows if row)
    said = SIZE.search(lines)
    return int(said[1]) if said else 0
