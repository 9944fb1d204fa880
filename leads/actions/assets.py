"""Lead magnets: files, links and codes that are given for answers, and counted."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import PurePath
from typing import Any

from django.conf import settings
from django.core.files.base import File
from django.db import transaction
from django.db.models import F

from leadcrm.accounts.models import User
from leadcrm.lib import tokens
from leadcrm.lib.errors import Conflict, Invalid, NotFound
from leads import mailing
from leads.actions.activities import record_activity
from leads.models import Activity, Asset, AssetGrant, CouponCode, FormVersion, InboxItem, Lead

PURPOSE = "form-asset"
MAX_BYTES = 25_000_000
TYPES = {
    "pdf": "application/pdf",
    "zip": "application/zip",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "csv": "text/csv",
    "txt": "text/plain",
    "epub": "application/epub+zip",
    "png": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "mp3": "audio/mpeg",
    "mp4": "video/mp4",
}


class LinkEnded(Conflict):
    code = "asset_link_ended"
    status = 410
    title = "This link has ended"

    def __init__(self) -> None:
        super().__init__("It worked for a few days only. Fill in the form again for a new one.")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewAsset:
    """`upload` for a file, `url` for a link, `code` or `codes` for a coupon."""

    name: str
    kind: str
    valid_days: int = 7
    url: str = ""
    code: str = ""
    codes: Sequence[str] = ()
    upload: Any = None


@transaction.atomic
def save_asset(new: NewAsset, *, asset: Asset | None = None, by: User | None = None) -> Asset:
    """Make one, or change one: links that were sent lead to the new content.

    :raises Invalid: the file is of another type, or too large.
    """
    asset = asset or Asset(created_by=by)
    asset.name, asset.kind, asset.valid_days = new.name, new.kind, new.valid_days
    asset.url, asset.code = new.url, new.code
    if new.upload is not None:
        _take_file(asset, new.upload)
    asset.save()
    add_codes(asset, new.codes)
    return asset


def _take_file(asset: Asset, upload: Any) -> None:
    name = safe_filename(str(upload.name))
    extension = PurePath(name).suffix.lower().removeprefix(".")
    if extension not in TYPES:
        known = ", ".join(TYPES)
        raise Invalid.field("upload", f"Choose a file of one of these types: {known}.", "type")
    if upload.size > MAX_BYTES:
        limit = MAX_BYTES // 1_000_000
        raise Invalid.field("upload", f"A file may have up to {limit} MB. Link to it instead.")
    asset.filename, asset.content_type = name, TYPES[extension]
    asset.size = upload.size
    # On the disk it has a name of ours.
    asset.file.save(f"{tokens.new_public_id()}.{extension}", File(upload), save=False)


def safe_filename(name: str) -> str:
    """What a browser saves it as: no paths, nothing that a header could trip over."""
    base = PurePath(name.replace("\\", "/")).name
    plain = re.sub(r"[^\w.() -]+", "_", base).strip(". ")
    stem, dot, extension = plain.rpartition(".")
    return f"{(stem or 'file')[:100]}{dot}{extension[:10]}" if dot else plain[:100]


def add_codes(asset: Asset, codes: Iterable[str]) -> None:
    rows = [CouponCode(asset=asset, code=code[:60]) for code in dict.fromkeys(codes) if code]
    CouponCode.objects.bulk_create(rows, ignore_conflicts=True)


def archive_asset(asset_id: int, *, at: datetime) -> None:
    """No form can choose it any more; links that were given keep working until they end."""
    Asset.objects.filter(pk=asset_id).update(archived_at=at)


# ---- giving ----


@transaction.atomic
def give(item: InboxItem, version: FormVersion, lead_id: int, *, at: datetime) -> AssetGrant | None:
    """What the form promised, once for each capture, with a mail if there is an address."""
    asset = Asset.objects.filter(pk=version.settings.get("asset")).first()
    if asset is None:
        return None
    grant, created = AssetGrant.objects.get_or_create(
        inbox_item=item,
        defaults={
            "asset": asset,
            "version": version,
            "lead_id": lead_id,
            "code": asset.code,
            "expires_at": at + timedelta(days=asset.valid_days),
        },
    )
    if created:
        if asset.kind == Asset.Kind.COUPON and not asset.code:
            _take_code(grant)
        _send(grant)
    return grant


def _take_code(grant: AssetGrant) -> None:
    """The next code nobody has; none when the list has run out."""
    free = CouponCode.objects.filter(CouponCode.FREE, asset=grant.asset_id).order_by("pk")
    coupon = free.select_for_update(skip_locked=True, of=("self",)).first()
    if coupon is not None:
        coupon.grant, grant.code = grant, coupon.code
        coupon.save(update_fields=["grant"])
        grant.save(update_fields=["code"])


def _send(grant: AssetGrant) -> None:
    lead = Lead.objects.get(pk=grant.lead_id)
    if not lead.email or not is_ready(grant):
        return
    context = {"grant": grant, "asset": grant.asset, "link": link_of(grant), "lead": lead}
    mailing.write(
        lead.email,
        kind="asset",
        context=context,
        dedupe_key=f"asset:{grant.pk}",
        lead_id=lead.pk,
    )


def is_ready(grant: AssetGrant) -> bool:
    """False only for a coupon whose list has run out."""
    return grant.asset.kind != Asset.Kind.COUPON or bool(grant.code)


def link_of(grant: AssetGrant) -> str:
    return f"{settings.SITE_URL}{path_of(grant)}"


def path_of(grant: AssetGrant) -> str:
    return f"/f/asset/{tokens.sign(PURPOSE, str(grant.pk))}/"


def find_grant(token: str) -> AssetGrant:
    """:raises NotFound: the link is not one of ours."""
    key = tokens.unsign(PURPOSE, token) or ""
    rows = AssetGrant.objects.select_related("asset", "version__form", "lead")
    found = rows.filter(pk=key).first() if key.isdecimal() else None
    if found is None:
        raise NotFound
    return found


@transaction.atomic
def count_download(grant: AssetGrant, *, at: datetime, klass: str = Activity.Class.HUMAN) -> None:
    """Count it and write it on the timeline.

    :raises LinkEnded:
    """
    if grant.expires_at <= at:
        raise LinkEnded
    AssetGrant.objects.filter(pk=grant.pk).update(downloads=F("downloads") + 1, downloaded_at=at)
    grant.refresh_from_db(fields=["downloads"])
    record_activity(
        grant.lead_id,
        "asset_download",
        at=at,
        klass=klass,
        properties={
            "asset": grant.asset.name,
            "title": grant.asset.name,
            "form": grant.version.form.slug,
            "number": grant.downloads,
        },
        dedupe_key=f"grant:{grant.pk}:{grant.downloads}",
    )
