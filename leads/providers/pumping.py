"""The two queues of connected sources: leads to be fetched by id, and places to look into."""

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from leadcrm.lib import pump
from leads import capture
from leads.actions.sources import tell_of_trouble
from leads.capture import spam
from leads.models import Connection, InboxItem, Poll, RemoteLead
from leads.providers.base import FetchProblem, Gone, NoAccess
from leads.providers.reading import door_of
from leads.providers.registry import provider_of

logger = structlog.get_logger(__name__)

MAX_ATTEMPTS = 12
EVERY_SECONDS = {"email": 120.0}
TWICE_A_DAY = 12 * 3600.0
REFUSED_SECONDS = 1800.0  # a mail server locks those out who knock too often
LARGE_BYTES = 1_000_000
LEASE = timedelta(minutes=20)  # a form with years of leads takes its time
State = RemoteLead.State


def drain_remote_leads(*, limit: int = 20) -> int:
    """Fetch one batch of leads that were only named; return how many were tried."""
    claim = pump.claim(RemoteLead, limit=limit)
    for remote in pump.waking_once(claim.items):
        fetch(remote, token=claim.token)
    return len(claim.items)


def fetch(remote: RemoteLead, *, token: Any) -> None:
    """Ask the provider outside of any transaction; store what it gives, then mark it as done."""
    connection = find(remote.connection_id)
    try:
        body = provider_of(connection).fetch(connection, remote)
    except FetchProblem as problem:
        put_back(remote, problem, token=token)
        return
    except Exception as error:
        logger.exception("remote_lead_failed", remote=remote.pk)
        put_back(remote, FetchProblem(f"{type(error).__name__} while fetching."), token=token)
        return
    with transaction.atomic():
        item, _ = keep(connection, body, "application/json", remote.external_id, timezone.now())
        pump.finish(RemoteLead, [remote.pk], token=token, state=State.STORED, reason="", item=item)


def put_back(remote: RemoteLead, problem: FetchProblem, *, token: Any) -> None:
    """Transient troubles try again by themselves; what needs a person waits where it is seen."""
    settled = {NoAccess: State.NO_ACCESS, Gone: State.GONE}.get(type(problem))
    if settled is None and remote.attempts >= MAX_ATTEMPTS:
        settled = State.FAILED
    if settled is not None:
        pump.finish(RemoteLead, [remote.pk], token=token, state=settled, reason=problem.words)
        if settled == State.NO_ACCESS:
            tell_of_first(remote, problem)
        return
    seconds = problem.seconds or pump.retry_seconds(remote.attempts)
    pump.postpone(RemoteLead, remote.pk, token=token, seconds=seconds, reason=problem.words)


def tell_of_first(remote: RemoteLead, problem: FetchProblem) -> None:
    """When the first lead waits for access, not for every one after it."""
    stuck = RemoteLead.objects.filter(connection=remote.connection_id, state=State.NO_ACCESS)
    if not stuck.exclude(pk=remote.pk).exists():
        tell_of_trouble(find(remote.connection_id), problem.words, at=timezone.now())


def find(connection_id: int) -> Connection:
    return Connection.objects.select_related("source", "mapping").get(pk=connection_id)


def keep(
    connection: Connection, body: bytes, content_type: str, external_id: str, at: datetime
) -> tuple[InboxItem, bool]:
    """Store what was fetched as a capture; one that came before, by whichever way, is found."""
    arrival = capture.Arrival(
        door=door_of(connection),
        body=body,
        content_type=content_type,
        path="fetched",
        source_id=connection.pk,
        idempotency_key=external_id[:255] or None,
        flags=[spam.TRUSTED],
    )
    is_large = len(body) > LARGE_BYTES
    try:
        stored = capture.store(arrival, at=at, hold=is_large)
    except capture.KeyReused:
        twin = InboxItem.objects.get(door=arrival.door, idempotency_key=arrival.idempotency_key)
        return twin, False
    if stored.is_new and is_large and stored.item.lease_token is not None:
        # At once and alone: a worker that takes twenty of them at a time would need all the memory.
        capture.process(stored.item, token=stored.item.lease_token)
    elif stored.is_new:
        pump.wake(capture.QUEUE)
    return stored.item, stored.is_new


def drain_polls(*, limit: int = 2) -> int:
    """Look into a few places that are due; return how many."""
    claim = pump.claim(Poll, limit=limit, lease=LEASE)
    for poll in claim.items:
        look(poll, token=claim.token)
    return len(claim.items)


def look(poll: Poll, *, token: Any) -> None:
    """The checkpoint moves only when all that was found is stored."""
    connection = find(poll.connection_id)
    provider = provider_of(connection)
    every = EVERY_SECONDS.get(provider.key, TWICE_A_DAY)
    found = 0

    def count(body: bytes, content_type: str, external_id: str) -> bool:
        nonlocal found
        _, is_new = keep(connection, body, content_type, external_id, timezone.now())
        found += is_new
        return is_new

    changes: dict[str, Any] = {"problem": "", "attempts": 0}
    if not connection.source.is_active:
        pump.finish(Poll, [poll.pk], token=token)
        return
    try:
        changes["checkpoint"] = provider.poll(connection, poll.name, poll.checkpoint, count)
    except FetchProblem as problem:
        refused = isinstance(problem, NoAccess)
        wait = REFUSED_SECONDS if refused else pump.retry_seconds(poll.attempts)
        changes = {"problem": problem.words}
        every = max(problem.seconds or 0.0, wait)
    except Exception as error:
        logger.exception("poll_failed", poll=poll.pk)
        changes = {"problem": f"{type(error).__name__} while looking."}
        every = pump.retry_seconds(poll.attempts)
    pump.postpone(
        Poll,
        poll.pk,
        token=token,
        seconds=every,
        last_run_at=Now(),
        found=poll.found + found,
        **changes,
    )
