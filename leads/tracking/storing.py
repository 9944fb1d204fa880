"""Raw first: a batch is committed as it came, in one statement. What it says is read later."""

import ipaddress
import time
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from psycopg2 import Binary

from leadcrm.lib.tokens import new_secret
from leads.models import TrackingPolicy, VisitorSalt

QUEUE = "tracking"

INSERT = (
    "INSERT INTO leads_trackingbatch "
    "(site_id, body, visitor, remote_address, user_agent, signs, received_at, attempts) "
    "VALUES (%s, %s, %s::uuid, %s, %s, %s, %s, 0)"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """One batch at the door; `visitor` is set where the browser keeps no id."""

    site_id: int | None
    body: bytes
    remote_address: str
    user_agent: str
    signs: list[str] = field(default_factory=list)
    visitor: uuid.UUID | None = None


def store(arrival: Arrival, *, at: datetime) -> None:
    values: list[Any] = [
        arrival.site_id,
        Binary(arrival.body),
        str(arrival.visitor) if arrival.visitor else None,
        arrival.remote_address,
        arrival.user_agent,
        arrival.signs,
        at,
    ]
    was_open = connection.connection is not None
    # Whether it is still alive is seen below, without asking first.
    connection.health_check_done = True  # type: ignore[attr-defined]
    try:
        _run(values)
    except (OperationalError, InterfaceError):
        if not was_open or connection.in_atomic_block or connection.is_usable():
            raise
        connection.close()
        _run(values)  # should the first have been committed, its events are stored once


def _run(values: list[Any]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(INSERT, values)


# ---- visitors of sites that keep nothing in the browser ----

_salts: dict[str, tuple[float, str]] = {}  # of today, asked for once in a while
SALT_SECONDS = 600


def visitor_of_day(site_id: int | None, address: str, user_agent: str, at: datetime) -> uuid.UUID:
    """The same for one browser, site and day; nobody can tell from it whose it was."""
    text = f"{site_id}\n{address}\n{user_agent}".encode()
    return uuid.UUID(bytes=blake2b(text, key=_salt(at).encode()[:64], digest_size=16).digest())


def _salt(at: datetime) -> str:
    day = at.date().isoformat()
    until, salt = _salts.get(day, (0.0, ""))
    if time.monotonic() > until:
        row, _ = VisitorSalt.objects.get_or_create(day=at.date(), defaults={"salt": new_secret()})
        salt = row.salt
        _salts.clear()
        _salts[day] = (time.monotonic() + SALT_SECONDS, salt)
    return salt


def forget_salts(at: datetime) -> int:
    """Delete those of days that are over."""
    return VisitorSalt.objects.filter(day__lt=at.date()).delete()[0]


# ---- what the workspace leaves out ----


@dataclass(frozen=True, slots=True)
class Rules:
    """The workspace's policy, ready to be applied."""

    truncates: bool
    networks: tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, ...]

    def leaves_out(self, address: str) -> bool:
        if not self.networks:
            return False
        try:
            found = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.networks)


_rules: tuple[float, Rules] | None = None
RULES_SECONDS = 10


def rules() -> Rules:
    """As of some seconds ago: this is asked for each batch."""
    global _rules
    if _rules is None or time.monotonic() > _rules[0]:
        _rules = (time.monotonic() + RULES_SECONDS, rules_of(TrackingPolicy.load()))
    return _rules[1]


def forget_rules() -> None:
    global _rules
    _rules = None


def rules_of(policy: TrackingPolicy) -> Rules:
    networks = tuple(
        ipaddress.ip_network(line, strict=False) for line in policy.excluded_addresses.split()
    )
    return Rules(policy.truncates_addresses, networks)


def shown_address(address: str, *, truncates: bool) -> str:
    """The network of an address, /24 or /48, unless the workspace keeps all of it."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    if not truncates:
        return str(found)
    prefix = 24 if found.version == 4 else 48
    return str(ipaddress.ip_network(f"{found}/{prefix}", strict=False).network_address)
