"""While the database is away, captures are saved in files and come ashore later, each once.

A file is written beside, synced, renamed, and its directory synced: what was answered with 202 has
reached the disk. Its name is the receipt, which is also what makes coming ashore twice harmless.
"""

import base64
import json
import os
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import structlog
from django.conf import settings
from django.contrib.auth import get_user
from django.contrib.sessions.backends.db import SessionStore
from django.db import IntegrityError, InterfaceError, OperationalError, transaction
from django.db.models.functions import Now
from django.http import HttpRequest

from leadcrm.accounts.models import ApiKey
from leadcrm.lib.sealing import unseal
from leads.capture import spam
from leads.capture.storing import Arrival, BadKey, KeyReused, store
from leads.models import Form, InboxItem

logger = structlog.get_logger(__name__)

QUEUE = "lifeboat"
AWAY = (OperationalError, InterfaceError)  # PostgreSQL restarts, or cannot be reached
BATCH = 50
LOOK_SECONDS = 2.0
State = InboxItem.State


class Full(Exception):
    """The lifeboat takes no more: too many files, too many bytes, or the disk refused."""


class Unplaceable(Exception):
    """What the door could not know then is known now: the capture waits for a person."""

    def __init__(self, state: str, code: str, words: str) -> None:
        super().__init__(words)
        self.state, self.code, self.words = state, code, words


@dataclass(frozen=True, slots=True)
class Claim:
    """What the door could not look up: a form by its slug, a key by its hash, a sealed session."""

    kind: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True)
class Load:
    files: int
    size: int


# ---- saving ----


def directory(name: str) -> Path:
    path = Path(settings.SPOOL_DIR) / name
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def save(arrival: Arrival, *, at: datetime, claim: Claim | None = None) -> None:
    """Return only when the capture has reached the disk.

    :raises Full: nothing was saved.
    """
    record = asdict(arrival) | {
        "receipt_id": str(arrival.receipt_id),
        "body": base64.b64encode(arrival.body).decode(),
        "at": at.isoformat(),
        "claim": asdict(claim or Claim()),
    }
    content = json.dumps(record).encode()
    try:
        _check_room(len(content))
        _write(str(arrival.receipt_id), content)
    except OSError as error:
        logger.exception("lifeboat_refused", errno=error.errno)
        raise Full from None
    _count.add(len(content))


def _write(name: str, content: bytes) -> None:
    waiting, place = directory("new"), directory("tmp") / f"{name}.{os.getpid()}.{time.time_ns()}"
    try:
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        place.rename(waiting / f"{name}.json")
    finally:
        place.unlink(missing_ok=True)
    _sync(waiting)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Count:
    """What is in the lifeboat, looked up every `LOOK_SECONDS` and counted on in between."""

    def __init__(self) -> None:
        self._load, self._until = Load(0, 0), 0.0

    def now(self) -> Load:
        if time.monotonic() > self._until:
            self._load, self._until = load(), time.monotonic() + LOOK_SECONDS
        return self._load

    def add(self, size: int) -> None:
        self._load = Load(self._load.files + 1, self._load.size + size)

    def forget(self) -> None:
        self._until = 0.0


_count = Count()


def _check_room(size: int) -> None:
    present = _count.now()
    if present.files >= settings.SPOOL_MAX_FILES or present.size + size > settings.SPOOL_MAX_BYTES:
        logger.error("lifeboat_full", files=present.files, bytes=present.size)
        raise Full


def load() -> Load:
    """How many captures wait to come ashore, and their bytes."""
    sizes = [size for _, size in _files()]
    return Load(len(sizes), sum(sizes))


def _files() -> Iterator[tuple[Path, int]]:
    place = Path(settings.SPOOL_DIR) / "new"
    if not place.is_dir():
        return
    with os.scandir(place) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):
                yield Path(entry.path), entry.stat().st_size


# ---- coming ashore ----


def drain(*, limit: int = BATCH) -> int:
    """Store what waits in the lifeboat, oldest first; nothing while the database is still away."""
    waiting = sorted((path for path, _ in _files()), key=_age)[:limit]
    for path in waiting:
        try:
            _come_ashore(path)
        except AWAY:
            return 0
    if waiting:
        _count.forget()
        logger.info("lifeboat_came_ashore", captures=len(waiting))
    return len(waiting)


def _age(path: Path) -> float:
    with suppress(FileNotFoundError):
        return path.stat().st_mtime
    return 0.0


def _come_ashore(path: Path) -> None:
    try:
        arrival, at, claim = _load(path.read_bytes())
    except FileNotFoundError:  # another worker was faster
        return
    except (ValueError, KeyError, TypeError):
        logger.exception("lifeboat_unreadable", file=path.name)
        path.rename(directory("unreadable") / path.name)
        return
    if not InboxItem.objects.filter(receipt_id=arrival.receipt_id).exists():
        _store(arrival, claim, at=at)
    path.unlink(missing_ok=True)


def _load(content: bytes) -> tuple[Arrival, datetime, Claim]:
    record = json.loads(content)
    at, claim = datetime.fromisoformat(record.pop("at")), Claim(**record.pop("claim"))
    record["receipt_id"] = uuid.UUID(record["receipt_id"])
    record["body"] = base64.b64decode(record["body"])
    return Arrival(**record), at, claim


def _store(arrival: Arrival, claim: Claim, *, at: datetime) -> None:
    """Under its own receipt whatever happens: somebody holds it."""
    try:
        with transaction.atomic():
            placed = RESOLVERS[claim.kind](arrival, claim.name)
            stored = store(placed, at=at)
            if not stored.is_new:
                words = f"The same post was stored before as {stored.item.receipt_id}."
                raise Unplaceable(State.REJECTED, "repeated", words)
    except Unplaceable as problem:
        _store_aside(arrival, problem, at=at)
    except KeyReused as problem:
        aside = Unplaceable(State.NEEDS_REVIEW, problem.code, problem.detail)
        _store_aside(arrival, aside, at=at)
    except BadKey as problem:
        aside = Unplaceable(State.QUARANTINED, "unknown_key", problem.detail)
        _store_aside(arrival, aside, at=at)
    except IntegrityError:  # another worker brought it ashore at this moment
        logger.info("lifeboat_came_twice", receipt=str(arrival.receipt_id))


@transaction.atomic
def _store_aside(arrival: Arrival, problem: Unplaceable, *, at: datetime) -> None:
    bare = replace(arrival, idempotency_key=None, api_key_id=None)
    stored = store(bare, at=at)
    InboxItem.objects.filter(pk=stored.item.pk).update(
        state=problem.state,
        reason_code=problem.code,
        reason=problem.words,
        due_at=None,
        settled_at=Now(),
    )


def _as_it_is(arrival: Arrival, _: str) -> Arrival:
    return arrival


def _form(arrival: Arrival, slug: str) -> Arrival:
    form = Form.objects.select_related("published").filter(slug=slug).first()
    version = (form.published or form.versions.order_by("-number").first()) if form else None
    if form is None or version is None:
        words = f"There was no form “{slug[:60]}” when the database was back."
        raise Unplaceable(State.NEEDS_REVIEW, "unknown", words)
    return replace(
        arrival,
        door=f"form:{form.pk}",
        source_id=form.source_id,
        form_version_id=version.pk,
    )


def _key(arrival: Arrival, hashed: str) -> Arrival:
    """The key that was accepted unseen; one that was not good leaves its capture in quarantine."""
    key = ApiKey.objects.filter(key_hash=hashed, revoked_at=None).first()
    origin = arrival.headers.get("Origin", "").rstrip("/")
    if key is None:
        words = "It came with an API key that is unknown or was revoked."
        raise Unplaceable(State.QUARANTINED, "unknown_key", words)
    trusted = key.kind == ApiKey.Kind.SECRET
    if "capture:write" not in key.scopes or not (trusted or origin in key.origins):
        words = "It came with an API key that may not capture from there."
        raise Unplaceable(State.QUARANTINED, "forbidden_key", words)
    flags = [*arrival.flags, spam.TRUSTED] if trusted else arrival.flags
    return replace(arrival, door=f"api:{key.pk}", api_key_id=key.pk, flags=flags)


def _session(arrival: Arrival, sealed: str) -> Arrival:
    """Whose browser it was; one that had not signed in leaves its capture in quarantine."""
    request = HttpRequest()
    request.session = SessionStore(unseal(sealed))
    user = get_user(request)
    if not user.is_authenticated or not user.is_active:
        words = "It came from a browser that had not signed in, or has signed out since."
        raise Unplaceable(State.QUARANTINED, "unknown_session", words)
    return replace(arrival, door=f"api:user:{user.pk}", flags=[*arrival.flags, spam.TRUSTED])


Resolver = Callable[[Arrival, str], Arrival]
RESOLVERS: dict[str, Resolver] = {"": _as_it_is, "form": _form, "key": _key, "session": _session}


def describe() -> dict[str, Any]:
    """For /readyz."""
    present = load()
    return {"captures": present.files, "bytes": present.size}
