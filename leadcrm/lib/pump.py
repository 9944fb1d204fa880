"""PostgreSQL is the queue; a pump drains it.

Every unit of work is a row of a `WorkItem` model: due when `due_at` has passed, not queued when it
is null. Claiming a row pushes `due_at` behind a lease, counts the attempt and writes a token. A
worker that dies simply lets the lease run out; one that froze and wakes later finds its token gone
and changes nothing (`finish` and `retry` are fenced by it). All times are the database's.

A Celery message is only `pump(queue)`: safe to lose, safe to double. It is sent on commit (`wake`),
by a tick every few seconds, and by the pump itself while work remains.
"""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Generic, TypeVar

import structlog
from django.db import connection, models, transaction
from django.db.models import F, Q
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now

from leadcrm.lib import memo

logger = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
MAX_ATTEMPTS = 12
FIRST_RETRY_SECONDS = 5
LONGEST_RETRY_SECONDS = 3600
REST = 1_936_483_617  # the advisory lock of whoever lets the workers rest
BUDGET_SECONDS = 25.0
DEAD_LETTER_TEXT = 2000


class WorkItem(models.Model):
    """A row that waits to be worked on. See the module's text."""

    due_at = models.DateTimeField(null=True, blank=True, db_default=Now())
    lease_token = models.UUIDField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0)

    DUE: ClassVar[Q] = Q(due_at__isnull=False)

    class Meta:
        abstract = True


Item = TypeVar("Item", bound=WorkItem)
Each = TypeVar("Each")


@dataclass(frozen=True, slots=True)
class Claim(Generic[Item]):
    """Rows that belong to this worker until the lease ends."""

    token: uuid.UUID
    items: Sequence[Item]

    def __bool__(self) -> bool:
        return bool(self.items)


def after(seconds: float) -> CombinedExpression:
    """The database's present moment plus `seconds`."""
    return Now() + timedelta(seconds=seconds)


def claim(
    model: type[Item], *, limit: int, lease: timedelta = LEASE, where: Q | None = None
) -> Claim[Item]:
    """Take up to `limit` due rows nobody else holds, oldest due first, in one statement.

    The CTE is materialised: an inline sub-select with LIMIT may be run twice and lock more rows.
    """
    token = uuid.uuid4()
    due = (
        model._default_manager.filter(where or Q(), due_at__lte=Now())
        .order_by("due_at", "pk")
        .select_for_update(skip_locked=True, of=("self",))
        .values("pk")[:limit]
    )
    quote = connection.ops.quote_name
    table = quote(model._meta.db_table)
    key = quote(str(model._meta.pk.column))
    with transaction.atomic():
        inner, params = due.query.sql_with_params()
        rows = list(
            model._default_manager.raw(
                # Only the names of our own tables are pasted in.
                f"WITH due (key) AS MATERIALIZED ({inner}) "  # noqa: S608
                f"UPDATE {table} AS work SET lease_token = %s, attempts = work.attempts + 1, "
                f"due_at = now() + %s * interval '1 second' "
                f"FROM due WHERE work.{key} = due.key RETURNING work.*",
                [*params, token, lease.total_seconds()],
            )
        )
    return Claim(token, sorted(rows, key=lambda row: row.pk))


def finish(model: type[Item], keys: Sequence[Any], *, token: uuid.UUID, **changes: Any) -> int:
    """Mark claimed rows as done, with other column changes; rows of a lost lease stay untouched."""
    return model._default_manager.filter(pk__in=keys, lease_token=token).update(
        due_at=None, lease_token=None, **changes
    )


def postpone(
    model: type[Item], key: Any, *, token: uuid.UUID, seconds: float, **changes: Any
) -> int:
    """Give a claimed row back, due again after `seconds`."""
    return model._default_manager.filter(pk=key, lease_token=token).update(
        due_at=after(seconds), lease_token=None, **changes
    )


def retry_seconds(attempts: int) -> float:
    """Exponential back-off: 5 s, 10 s, 20 s … at most an hour."""
    return float(min(FIRST_RETRY_SECONDS * 2 ** max(attempts - 1, 0), LONGEST_RETRY_SECONDS))


def requeue_now(model: type[Item], where: Q) -> int:
    """Make rows due at once with a clean slate: the retry button."""
    return model._default_manager.filter(where).update(due_at=Now(), lease_token=None, attempts=0)


def oldest_due_seconds(model: type[Item]) -> float:
    """How long the oldest due row has been waiting; 0 when nothing waits."""
    row = (
        model._default_manager.filter(due_at__lte=Now())
        .annotate(lag=Now() - F("due_at"))
        .order_by("due_at")
        .values_list("lag", flat=True)
        .first()
    )
    return row.total_seconds() if row else 0.0


# The pumps ----------------------------------------------------------------------------------------

Drain = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Queue:
    """`drain` works on one batch and returns how many rows it took; 0 means nothing is due."""

    name: str
    drain: Drain
    model: type[WorkItem] | None = None


QUEUES: dict[str, Queue] = {}


def register(name: str, drain: Drain, *, model: type[WorkItem] | None = None) -> None:
    QUEUES[name] = Queue(name, drain, model)


def run(name: str, *, budget_seconds: float = BUDGET_SECONDS) -> bool:
    """Drain one queue until it is empty or the budget is used; return whether work may remain."""
    queue = QUEUES[name]
    deadline = time.monotonic() + budget_seconds
    while _drain(queue):
        if time.monotonic() > deadline:
            return True
    return False


def run_all(*, rounds: int = 100) -> None:
    """Drain every queue until nothing is due anywhere: for tests and `manage.py pump`."""
    for _ in range(rounds):
        taken = [_drain(queue) for queue in QUEUES.values()]
        if not any(taken):
            return


def _drain(queue: "Queue") -> int:
    """One batch; small tables that are asked for again and again are read once in it."""
    with memo.remembering():
        return queue.drain()


# Waking -------------------------------------------------------------------------------------------

Nudge = Callable[[str], None]
_nudge: Nudge | None = None


@contextmanager
def at_rest() -> Iterator[None]:
    """No worker takes up work meanwhile; what it does already, it finishes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [REST])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [REST])


def is_at_rest() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database "
            "WHERE locktype = 'advisory' AND objid = %s AND datname = current_database())",
            [REST],
        )
        row = cursor.fetchone()
    return bool(row and row[0])


def set_nudge(nudge: Nudge) -> None:
    """Tell how to wake a worker; `leadcrm.lib.tasks` does so with Celery."""
    global _nudge
    _nudge = nudge


def wake(*names: str) -> None:
    """Once this transaction commits, ask a worker to drain these queues.

    Robust: when the broker is away the tick finds the work a few seconds later.
    """
    for name in names:
        transaction.on_commit(lambda name=name: _wake_now(name), robust=True)  # type: ignore[misc]


GATHER_SECONDS = 0.2
_gathered: ContextVar[set[str] | None] = ContextVar("gathered", default=None)


def _wake_now(name: str) -> None:
    gathered = _gathered.get()
    if gathered is not None:
        gathered.add(name)
    elif _nudge is not None:
        _nudge(name)


def waking_once(items: Iterable[Each]) -> Iterator[Each]:
    """Go through a batch; what its items wake is woken every `GATHER_SECONDS`, not for each."""
    gathered: set[str] = set()
    token, since = _gathered.set(gathered), time.monotonic()
    try:
        for item in items:
            yield item
            if time.monotonic() - since > GATHER_SECONDS:
                _release(gathered)
                since = time.monotonic()
    finally:
        _gathered.reset(token)
        _release(gathered)


def _release(gathered: set[str]) -> None:
    while gathered and _nudge is not None:
        _nudge(gathered.pop())
