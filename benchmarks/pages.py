"""The pages people open all day: how long, how many queries, and what more leads do to them."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.test import Client

from benchmarks.measuring import Line, percentile
from leadcrm.accounts.models import Role, User
from leads.models import Lead

TIMES = 15
PAGES = {
    "my day": (Role.REP, "/"),
    "lead list": (Role.MANAGER, "/leads/"),
    "lead list of a rep": (Role.REP, "/leads/"),
    "lead list, searched": (Role.MANAGER, "/leads/?q=anna"),
    "search": (Role.MANAGER, "/search/?q=jansen"),
    "lead page": (Role.MANAGER, "/leads/{lead}/"),
    "board": (Role.MANAGER, "/pipeline/"),
    "inbox": (Role.MANAGER, "/inbox/"),
    "dashboard": (Role.MANAGER, "/dashboard/"),
    "funnel": (Role.MANAGER, "/dashboard/funnel/"),
    "response times": (Role.MANAGER, "/dashboard/response-time/"),
    "sources": (Role.MANAGER, "/dashboard/sources/"),
}


@dataclass(frozen=True, slots=True)
class Timing:
    p50: float
    p95: float
    queries: int


def measure() -> dict[str, Timing]:
    """Milliseconds inside one process, without a network; a page that is not there is left out."""
    clients = {role: signed_in(role) for role in {role for role, _ in PAGES.values()}}
    lead = Lead.objects.order_by("-pk")[0].public_id
    timings = {
        name: timing_of(clients[role], path.format(lead=lead))
        for name, (role, path) in PAGES.items()
    }
    return {name: timing for name, timing in timings.items() if timing is not None}


def signed_in(role: Role) -> Client:
    client = Client()
    client.force_login(User.objects.filter(role=role, is_active=True).order_by("pk")[0])
    return client


def timing_of(client: Client, path: str) -> Timing | None:
    queries = 0

    def counting(execute: Callable[..., Any], *args: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*args)

    if client.get(path).status_code != 200:
        return None
    with connection.execute_wrapper(counting):
        client.get(path)
    took = []
    for _ in range(TIMES):
        started = time.perf_counter()
        client.get(path)
        took.append(1000 * (time.perf_counter() - started))
    return Timing(percentile(took, 0.5), percentile(took, 0.95), queries)


def lines(small: dict[str, Timing], large: dict[str, Timing]) -> list[Line]:
    return [
        Line(
            f"{name} ({large[name].queries} queries)",
            f"{large[name].p50:.0f} / {large[name].p95:.0f} ms",
            f"{timing.p50:.0f} / {timing.p95:.0f} ms",
            f"{large[name].p50 / timing.p50:.2f}",
        )
        for name, timing in small.items()
        if name in large
    ]
