"""Files that belong to a lead: checked, kept outside the web root, and given out as downloads."""

import hashlib
from datetime import datetime
from pathlib import PurePath
from typing import Any

from django.core.files.base import File
from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.lib import tokens
from leadcrm.lib.errors import Invalid
from leads.actions.activities import record_activity
from leads.actions.assets import TYPES, safe_filename
from leads.models import Attachment

MAX_BYTES = 25_000_000
MOST = 200
ALLOWED = TYPES | {
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "rtf": "application/rtf",
    "eml": "message/rfc822",
    "ics": "text/calendar",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "wav": "audio/wav",
    "m4a": "audio/mp4",
    "mov": "video/quicktime",
}
# What a file of the type begins with, where that is certain.
BEGINNINGS = {
    "pdf": (b"%PDF",),
    "png": (b"\x89PNG",),
    "jpg": (b"\xff\xd8\xff",),
    "jpeg": (b"\xff\xd8\xff",),
    "gif": (b"GIF8",),
    "zip": (b"PK",),
    "docx": (b"PK",),
    "xlsx": (b"PK",),
    "pptx": (b"PK",),
    "odt": (b"PK",),
    "ods": (b"PK",),
    "odp": (b"PK",),
}
# Programs and pages, whatever they are called.
NEVER = (b"MZ", b"\x7fELF", b"#!", b"\xca\xfe\xba\xbe", b"<!doctype html", b"<html", b"<script")


@transaction.atomic
def attach(lead_id: int, upload: Any, *, user: User | None, at: datetime) -> Attachment:
    """Keep a file.

    :raises Invalid: its type is not kept here, it is not what it says, or it is too large.
    """
    name = safe_filename(str(upload.name))
    extension = PurePath(name).suffix.lower().removeprefix(".")
    _check(upload, extension)
    if Attachment.objects.filter(lead=lead_id, removed_at=None).count() >= MOST:
        raise Invalid.field("file", f"A lead has at most {MOST} files. Remove some first.")
    made = Attachment(
        lead_id=lead_id,
        filename=name,
        content_type=ALLOWED[extension],
        size=upload.size,
        sha256=_digest(upload),
        uploaded_by=user,
        created_at=at,
    )
    made.file.save(f"{tokens.new_public_id()}.{extension}", File(upload), save=False)
    made.save()
    properties = {"file": made.public_id, "name": made.filename}
    record_activity(lead_id, "file_added", at=at, user=user, properties=properties)
    return made


def _check(upload: Any, extension: str) -> None:
    if extension not in ALLOWED:
        known = ", ".join(sorted(ALLOWED))
        raise Invalid.field(
            "file", f"Files of this type are not kept here. Choose {known}.", "type"
        )
    if upload.size > MAX_BYTES:
        limit = MAX_BYTES // 1_000_000
        raise Invalid.field("file", f"A file may have up to {limit} MB. Link to it in a note.")
    if not upload.size:
        raise Invalid.field("file", "This file is empty. Choose another one.", "empty")
    upload.seek(0)
    beginning = upload.read(64)
    upload.seek(0)
    wanted = BEGINNINGS.get(extension)
    if beginning.lstrip().lower().startswith(NEVER) or (
        wanted and not beginning.startswith(wanted)
    ):
        raise Invalid.field(
            "file", f"This is no {extension.upper()} file, whatever its name says.", "type"
        )


def _digest(upload: Any) -> str:
    found = hashlib.sha256()
    for chunk in upload.chunks():
        found.update(chunk)
    upload.seek(0)
    return found.hexdigest()


@transaction.atomic
def remove_attachment(attachment: Attachment, *, user: User | None, at: datetime) -> None:
    """Nobody finds it any more; the timeline says who removed it, and the file is deleted."""
    removed = Attachment.objects.filter(pk=attachment.pk, removed_at=None).update(removed_at=at)
    if not removed:
        return
    properties = {"file": attachment.public_id, "name": attachment.filename}
    record_activity(attachment.lead_id, "file_removed", at=at, user=user, properties=properties)
    transaction.on_commit(lambda: attachment.file.delete(save=False))
