"""Sending what people want to hear by e-mail: several things together, and the daily digest."""

import traceback
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import groupby

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.db.models import prefetch_related_objects
from django.template.loader import render_to_string
from django.utils import timezone

from leadcrm.accounts import notices
from leadcrm.accounts.models import Digest, Notification, User
from leadcrm.lib import pump

QUEUE, DIGESTS = "notification_mail", "digests"
BATCH = 100
MOST_LINES = 50
Email = Notification.Email


def send_due(*, at: datetime, limit: int = BATCH) -> int:
    """One e-mail for each person with all that is due; how many notifications were taken."""
    claim = pump.claim(Notification, limit=limit)
    rows = list(claim.items)
    prefetch_related_objects(rows, "user")
    rows.sort(key=lambda row: (row.user_id, row.pk))
    for _, group in groupby(rows, key=lambda row: row.user_id):
        _tell(list(group), token=claim.token, at=at)
    return len(rows)


def _tell(rows: Sequence[Notification], *, token: uuid.UUID, at: datetime) -> None:
    user = rows[0].user
    seen = [row.pk for row in rows if row.read_at is not None or not user.is_active]
    pump.finish(Notification, seen, token=token, email=Email.SEEN)
    left = [row for row in rows if row.pk not in seen]
    later = notices.after_quiet(user, at)
    if later > at:  # it became quiet while they waited
        seconds = (later - at).total_seconds()
        for row in left:
            pump.postpone(Notification, row.pk, token=token, seconds=seconds)
        return
    if left:
        _send(left, user, token=token)


def _send(rows: Sequence[Notification], user: User, *, token: uuid.UUID) -> None:
    keys = [row.pk for row in rows]
    subject = rows[0].title if len(rows) == 1 else f"{len(rows)} things to know"
    context = {"rows": [(row, _full(row.url)) for row in rows[:MOST_LINES]], "subject": subject}
    try:
        _message(user, "notices", subject, context, key=f"notices-{rows[0].pk}").send()
    except Exception:
        # Whatever a mail server, or the way to it, thinks of: later, a few times.
        _put_off(rows, token=token)
    else:
        pump.finish(Notification, keys, token=token, email=Email.SENT)


def _put_off(rows: Sequence[Notification], *, token: uuid.UUID) -> None:
    for row in rows:
        if row.attempts >= pump.MAX_ATTEMPTS:
            pump.finish(Notification, [row.pk], token=token, email=Email.FAILED)
        else:
            seconds = pump.retry_seconds(row.attempts)
            pump.postpone(Notification, row.pk, token=token, seconds=seconds)


def _message(
    user: User, folder: str, subject: str, context: Mapping[str, object], *, key: str
) -> EmailMultiAlternatives:
    values = {**context, "user": user, "site_url": settings.SITE_URL}
    with timezone.override(user.zone):
        text = render_to_string(f"settings/email/{folder}/body.txt", values)
        html = render_to_string(f"settings/email/{folder}/body.html", values)
    message = EmailMultiAlternatives(
        subject=" ".join(subject.split())[:200],
        body=text,
        to=[user.email],
        headers={"Auto-Submitted": "auto-generated", "X-LeadCRM": key},
    )
    message.attach_alternative(html, "text/html")
    return message


def _full(url: str) -> str:
    return f"{settings.SITE_URL}{url}" if url.startswith("/") else url


# Digests ------------------------------------------------------------------------------------------


def send_digests(*, at: datetime, limit: int = 20) -> int:
    """The daily summaries that are due; who has nothing to hear gets none."""
    claim = pump.claim(Digest, limit=limit)
    prefetch_related_objects(list(claim.items), "user")
    for digest in claim.items:
        try:
            _write_digest(digest, at=at)
        except Exception:
            traceback.print_exc()
            seconds = pump.retry_seconds(digest.attempts)
            pump.postpone(Digest, digest.pk, token=claim.token, seconds=seconds)
        else:
            _plan_next(digest, token=claim.token, at=at)
    return len(claim.items)


def _write_digest(digest: Digest, *, at: datetime) -> None:
    user = digest.user
    if not user.is_active:
        return
    sections = [*notices.sections_for(user, at=at), *_untold(digest)]
    if not sections:
        return
    shown = [
        (section.title, [(line.text, _full(line.url)) for line in section.lines[:MOST_LINES]])
        for section in sections
    ]
    today = at.astimezone(user.zone)
    subject = f"Your day, {today:%A %-d %B}"
    key = f"digest-{user.pk}-{today:%Y%m%d}"
    _message(user, "digest", subject, {"sections": shown, "subject": subject}, key=key).send()


def _untold(digest: Digest) -> list[notices.Section]:
    """What came since the last one, is not read, and was not sent by an e-mail of its own."""
    rows = Notification.objects.filter(
        user=digest.user, read_at=None, email=Email.NO, created_at__gte=digest.covers_from
    ).order_by("-pk")[:MOST_LINES]
    wanted = {
        kind.key
        for kind, choice in notices.choices_of(digest.user)
        if choice.email == notices.Email.DIGEST
    }
    lines = [notices.Line(row.title, row.url) for row in rows if row.kind in wanted]
    return [notices.Section("Since the last digest", lines)] if lines else []


def _plan_next(digest: Digest, *, token: uuid.UUID, at: datetime) -> None:
    if digest.user.digest_at is None:
        Digest.objects.filter(pk=digest.pk, lease_token=token).delete()
        return
    due_at = notices.next_time(digest.user, digest.user.digest_at, after=at)
    Digest.objects.filter(pk=digest.pk, lease_token=token).update(
        due_at=due_at, covers_from=at, lease_token=None, attempts=0
    )
