"""Writes about people, keys and what they are told."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from leadcrm.accounts import notices
from leadcrm.accounts.models import ApiKey, Notification, User
from leadcrm.accounts.scopes import PUBLISHABLE_SCOPES, SCOPES
from leadcrm.lib import pump
from leadcrm.lib.errors import FieldError, Invalid
from leadcrm.lib.tokens import keyed_hash, new_secret

KEY_PREFIX = "lc"
TOGETHER = timedelta(seconds=30)  # what happens within it goes into one e-mail


@dataclass(frozen=True, slots=True)
class NewKey:
    """`plain` is the key itself; it cannot be had again."""

    key: ApiKey
    plain: str


def create_api_key(
    *,
    name: str,
    scopes: Sequence[str],
    publishable: bool = False,
    origins: Sequence[str] = (),
    user: User | None = None,
    created_by: User | None = None,
) -> NewKey:
    """Make a key for a program.

    :raises Invalid: an unknown scope, or a publishable key that asks for more than capture.
    """
    errors = [_scope_error(s, publishable=publishable) for s in scopes]
    found = [error for error in errors if error]
    if not scopes:
        found.append(FieldError("scopes", "Choose at least one scope.", "required"))
    if publishable and not origins:
        found.append(
            FieldError(
                "origins", "Name the sites that may use this key, such as https://example.com."
            )
        )
    if found:
        raise Invalid(found[0].message, errors=found)
    prefix = secrets.token_hex(4)
    kind = "pub" if publishable else "live"
    plain = f"{KEY_PREFIX}_{kind}_{prefix}_{new_secret()}"
    key = ApiKey.objects.create(
        name=name,
        kind=ApiKey.Kind.PUBLISHABLE if publishable else ApiKey.Kind.SECRET,
        prefix=prefix,
        key_hash=keyed_hash("api-key", plain),
        scopes=list(scopes),
        origins=[origin.rstrip("/") for origin in origins],
        user=user,
        created_by=created_by,
    )
    return NewKey(key, plain)


def _scope_error(scope: str, *, publishable: bool) -> FieldError | None:
    if scope not in SCOPES:
        return FieldError(
            "scopes", f"There is no scope “{scope}”. Choose from {', '.join(SCOPES)}.", "unknown"
        )
    if publishable and scope not in PUBLISHABLE_SCOPES:
        return FieldError(
            "scopes",
            f"A publishable key is readable by anyone, so it may not have “{scope}”.",
            "not_publishable",
        )
    return None


def revoke_api_key(key: ApiKey, *, at: datetime) -> None:
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=at)


def notify(
    user: User,
    *,
    kind: str,
    title: str,
    dedupe_key: str,
    body: str = "",
    url: str = "",
    lead_id: int | None = None,
) -> bool:
    """Tell somebody something, once for each `dedupe_key`; return whether it was news.

    Where and when it is heard is the person's choice for its kind; see `notices`.
    """
    now = timezone.now()
    choice = notices.choice_of(user, kind)
    by_mail = None if notices.kind_of(kind).own_mail else notices.email_moment(user, kind, at=now)
    _, created = Notification.objects.get_or_create(
        user=user,
        dedupe_key=dedupe_key[:100],
        defaults={
            "kind": kind,
            "title": title[:200],
            "body": body[:500],
            "url": url,
            "lead_id": lead_id,
            "in_app": choice.in_app,
            "email": Notification.Email.WAITING if by_mail else Notification.Email.NO,
            "due_at": by_mail + TOGETHER if by_mail else None,
        },
    )
    if created and by_mail:
        pump.wake("notification_mail")
    return created


def mark_notifications_read(user: User, *, at: datetime, up_to: int | None = None) -> int:
    unread = Notification.objects.filter(user=user, read_at=None)
    return (unread.filter(pk__lte=up_to) if up_to else unread).update(read_at=at)


def mark_notification_read(notification: Notification, *, at: datetime) -> None:
    Notification.objects.filter(pk=notification.pk, read_at=None).update(read_at=at)
