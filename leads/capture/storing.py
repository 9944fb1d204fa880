"""Raw first: a capture is committed as it came before anything is judged. One round trip.

The statement is prepared once for each connection: planning it anew costs three times what running
it does. Where a pooler changes connections between statements it is sent as it is.
"""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from weakref import WeakSet

import structlog
from django.db import (
    IntegrityError,
    InterfaceError,
    OperationalError,
    ProgrammingError,
    connection,
)
from psycopg2 import Binary
from psycopg2.errors import InvalidSqlStatementName
from psycopg2.extras import Json

from leadcrm.accounts.models import ApiKey
from leadcrm.lib.errors import DomainError, FieldError, Invalid
from leads.models import InboxItem

logger = structlog.get_logger(__name__)

QUEUE = "inbox"
HOLD_SECONDS = 30.0


class KeyReused(Invalid):
    """An Idempotency-Key names one capture; another body needs another key."""

    code = "idempotency_key_reused"
    title = "This Idempotency-Key was used for another body"

    def __init__(self) -> None:
        message = "Send a new Idempotency-Key with a new body, or the same body with this key."
        super().__init__(
            message, errors=[FieldError("Idempotency-Key", message, "idempotency_key_reused")]
        )


class BadKey(DomainError):
    code = "authentication_failed"
    status = 401
    title = "This API key is not valid"

    def __init__(self) -> None:
        super().__init__("This API key is unknown or was revoked. Check the key.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """What is known at the door. `headers` is an allow-list, `remote_address` is truncated."""

    door: str
    body: bytes
    content_type: str = ""
    path: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    remote_address: str = ""
    source_id: int | None = None
    form_version_id: int | None = None
    api_key_id: int | None = None
    idempotency_key: str | None = None
    flags: list[str] = field(default_factory=list)
    screened: bool = True
    receipt_id: uuid.UUID = field(default_factory=uuid.uuid4)


@dataclass(frozen=True, slots=True)
class Stored:
    """`is_new` is False when the same post was stored before and its receipt is given again."""

    item: InboxItem
    is_new: bool


def store(arrival: Arrival, *, at: datetime, hold: bool = False) -> Stored:
    """Commit a capture, or find the receipt of its twin.

    :param hold: the caller will process it at once; should it die, a pump does after a lease.
    :raises KeyReused: the idempotency key came with another body.
    :raises BadKey: the API key was revoked since the door looked.
    """
    item = item_of(arrival, at=at, hold=hold)
    pk = _insert(item, hold=hold)
    if pk is not None:
        item.pk = pk
        item._state.adding = False
        item._state.db = connection.alias
        return Stored(item, is_new=True)
    if not _key_is_good(arrival):
        raise BadKey
    twin = InboxItem.objects.get(door=arrival.door, idempotency_key=arrival.idempotency_key)
    if twin.content_hash != item.content_hash:
        raise KeyReused
    return Stored(twin, is_new=False)


def item_of(arrival: Arrival, *, at: datetime, hold: bool) -> InboxItem:
    return InboxItem(
        receipt_id=arrival.receipt_id,
        door=arrival.door,
        source_id=arrival.source_id,
        form_version_id=arrival.form_version_id,
        path=_line(arrival.path),
        content_type=_line(arrival.content_type),
        headers=arrival.headers,
        body=arrival.body,
        remote_address=arrival.remote_address,
        api_key_id=arrival.api_key_id,
        idempotency_key=arrival.idempotency_key,
        content_hash=hashlib.sha256(arrival.body).hexdigest(),
        state=InboxItem.State.RECEIVED,
        flags=arrival.flags,
        screened=arrival.screened,
        received_at=at,
        attempts=1 if hold else 0,
        lease_token=uuid.uuid4() if hold else None,
    )


def _line(text: str) -> str:
    """What a column takes of a header, whatever bytes were in it."""
    return text.encode("utf-8", "replace").decode().replace("\x00", "")[:200]


COLUMNS = {
    "receipt_id": "uuid",
    "door": "text",
    "source_id": "bigint",
    "form_version_id": "bigint",
    "path": "text",
    "content_type": "text",
    "headers": "jsonb",
    "body": "bytea",
    "remote_address": "text",
    "api_key_id": "bigint",
    "idempotency_key": "text",
    "content_hash": "text",
    "state": "text",
    "flags": "jsonb",
    "screened": "boolean",
    "received_at": "timestamptz",
    "attempts": "integer",
    "lease_token": "uuid",
    "reason_code": "text",
    "reason": "text",
    "is_test": "boolean",
}
# After the columns: for how long it is held, whether there is no key, and the key.
PARAMETERS = [*COLUMNS.values(), "float8", "boolean", "bigint"]
INSERT = (
    f"INSERT INTO leads_inboxitem ({', '.join(COLUMNS)}, due_at) "  # noqa: S608
    f"SELECT {', '.join(['%s'] * len(COLUMNS))}, now() + %s * interval '1 second' "
    # The door may know the key from a moment ago: whether it is still good is decided here.
    "WHERE %s OR EXISTS (SELECT FROM accounts_apikey k"
    " LEFT JOIN accounts_user u ON u.id = k.user_id"
    " WHERE k.id = %s AND k.revoked_at IS NULL AND u.is_active IS NOT FALSE) "
    "ON CONFLICT (door, idempotency_key) WHERE idempotency_key IS NOT NULL DO NOTHING RETURNING id"
)
PREPARE = f"PREPARE keep_capture ({', '.join(PARAMETERS)}) AS " + INSERT.replace(
    "%s", "${}"
).format(*range(1, len(PARAMETERS) + 1))
EXECUTE = f"EXECUTE keep_capture ({', '.join(['%s'] * len(PARAMETERS))})"


def _key_is_good(arrival: Arrival) -> bool:
    if arrival.api_key_id is None:
        return True
    live = ApiKey.objects.filter(pk=arrival.api_key_id, revoked_at=None)
    return live.exclude(user__is_active=False).exists()


def _insert(item: InboxItem, *, hold: bool) -> int | None:
    """None when a twin is there or the key is not. By hand: the ORM needs two round trips."""
    values = [_plain(getattr(item, column)) for column in COLUMNS]
    values += [HOLD_SECONDS if hold else 0.0, item.api_key_id is None, item.api_key_id]
    was_open = connection.connection is not None
    # Whether it is still alive is seen below, without asking first.
    connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        return _run(values)
    except (OperationalError, InterfaceError):
        if not was_open or connection.in_atomic_block or connection.is_usable():
            raise
    connection.close()
    try:
        return _run(values)
    except IntegrityError:  # the first time it was committed, and only the answer was lost
        return InboxItem.objects.values_list("pk", flat=True).get(receipt_id=item.receipt_id)


def _run(values: list[Any]) -> int | None:
    with connection.cursor() as cursor:
        if connection.in_atomic_block or not STATEMENTS.use(cursor):
            cursor.execute(INSERT, values)
        else:
            try:
                cursor.execute(EXECUTE, values)
            except OperationalError as error:
                if not isinstance(error.__cause__, InvalidSqlStatementName):
                    raise
                STATEMENTS.give_up()
                cursor.execute(INSERT, values)
        row = cursor.fetchone()
    return row[0] if row else None


class Statements:
    """Which connections know the prepared statement; none where a pooler mixes them up."""

    def __init__(self) -> None:
        self._prepared: WeakSet[Any] = WeakSet()
        self._works = True

    def use(self, cursor: Any) -> bool:
        if not self._works:
            return False
        known = connection.connection
        if known not in self._prepared:
            try:
                cursor.execute(PREPARE)
            except ProgrammingError:  # somebody else's connection, given to us by a pooler
                self.give_up()
                return False
            self._prepared.add(known)
        return True

    def give_up(self) -> None:
        logger.warning("capture_statement_not_kept")
        self._works = False


STATEMENTS = Statements()


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return Binary(value)
    return Json(value) if isinstance(value, (dict, list)) else value
