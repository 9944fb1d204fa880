"""The watch: looks every minute for leads that nobody cares for, and tells who must act."""

from datetime import datetime, timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django.template.defaultfilters import pluralize
from django.utils import timezone
from django.utils.timesince import timesince

from leadcrm.accounts.actions import notify
from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid
from pipeline.actions.mail import write_to
from pipeline.models import Alarm, Watch
from pipeline.queries import watch as queries
from pipeline.queries.watch import Tally

logger = structlog.get_logger(__name__)

QUEUE = "watch"
EVERY_SECONDS = 60
# New finds are told of at once, the rest of a day's not again and again.
QUIET = timedelta(hours=1)
REMINDED = timedelta(hours=24)
LONGEST_GRACE_MINUTES = 90 * 24 * 60


def ensure_watches() -> None:
    """Make what is missing, change nothing that is there. Safe to repeat."""
    if Watch.objects.count() < len(queries.GRACE_MINUTES):
        Watch.objects.bulk_create(
            [
                Watch(kind=kind, grace_minutes=grace)
                for kind, grace in queries.GRACE_MINUTES.items()
            ],
            ignore_conflicts=True,
        )


def sweep_watches(*, limit: int = len(Watch.Kind)) -> int:
    """Look at what is due and look again in a minute; return how many questions were asked."""
    ensure_watches()
    claim = pump.claim(Watch, limit=limit)
    for watch in claim.items:
        try:
            with transaction.atomic():
                look(watch, at=timezone.now())
        except Exception:
            # One question that fails must not keep the others from being asked.
            logger.exception("watch_failed", kind=watch.kind)
        pump.postpone(Watch, watch.pk, token=claim.token, seconds=EVERY_SECONDS, attempts=0)
    return 0  # what is due again in a minute is no work that remains


def look(watch: Watch, *, at: datetime) -> None:
    """Raise an alarm with each manager concerned, keep those that are raised, end what is over."""
    found = queries.tallies(watch, at=at) if watch.enabled else {}
    known = {alarm.user_id: alarm for alarm in watch.alarms.filter(cleared_at=None)}
    for user, tally in found.items():
        _raise(watch, user, tally, known.get(user.pk), at=at)
    gone = [alarm.pk for user_id, alarm in known.items() if user_id not in {u.pk for u in found}]
    Alarm.objects.filter(pk__in=gone).update(cleared_at=at, leads=0)


def _raise(watch: Watch, user: User, tally: Tally, known: Alarm | None, *, at: datetime) -> None:
    is_news = known is None or (tally.newest_at > known.newest_at and at - known.told_at > QUIET)
    is_due = known is not None and at - known.told_at > REMINDED
    alarm = known or Alarm(watch=watch, user=user, raised_at=at)
    alarm.leads, alarm.oldest_at, alarm.newest_at = tally.leads, tally.oldest_at, tally.newest_at
    if is_news or is_due:
        alarm.told_at = at
    alarm.save()
    if is_news or is_due:
        _tell(watch, alarm, user, at=at)


def _tell(watch: Watch, alarm: Alarm, user: User, *, at: datetime) -> None:
    age = timesince(alarm.oldest_at, at, depth=1)
    what = watch.get_kind_display().lower()
    title = f"{alarm.leads} lead{pluralize(alarm.leads)}: {what}, the oldest for {age}"
    url = f"/routing/watch/?kind={watch.kind}"
    key = f"watch:{alarm.pk}:{at.timestamp():.0f}"
    advice = queries.ADVICE[watch.kind]
    notify(user, kind="watch", title=title, body=advice, dedupe_key=key, url=url)
    context: dict[str, object] = {
        "title": title,
        "advice": advice,
        "url": settings.SITE_URL + url,
    }
    write_to(user, kind="watch", context=context, dedupe_key=key)


@transaction.atomic
def set_watch(kind: str, *, enabled: bool, grace_minutes: int) -> Watch:
    """How long something may be so before it is an alarm.

    :raises Invalid: longer than a quarter of a year.
    """
    if not 0 <= grace_minutes <= LONGEST_GRACE_MINUTES:
        raise Invalid.field(
            "grace", "Between at once (0) and 90 days. To hear nothing, switch the watch off."
        )
    ensure_watches()
    watch = Watch.objects.select_for_update().get(pk=kind)
    watch.enabled, watch.grace_minutes = enabled, grace_minutes
    watch.save(update_fields=["enabled", "grace_minutes"])
    return watch
