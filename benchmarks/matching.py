"""Recognising people: what it costs among many leads against few."""

import random
import time
from collections.abc import Callable, Sequence

from django.db import transaction

from benchmarks.measuring import Line, percentile
from leads.actions.knowing import recognise
from leads.models import Lead, LeadIdentifier
from leads.queries.twins import twins_of

TIMES = 200
BATCH = 200
FASTEST = 0.1

Timings = dict[str, float]


def measure() -> Timings:
    """Milliseconds for each capture or lead, of many chosen at random.

    The fastest tenth of them: few and many leads are measured minutes apart, and what else the
    machine did in between is not the question.
    """
    chance = random.Random(7)
    ids = sample(chance, TIMES)
    emails = LeadIdentifier.objects.filter(kind="email", lead__in=ids)
    known = list(emails.values_list("value", flat=True))
    people = list(Lead.objects.filter(pk__in=ids).values_list("first_name", "last_name"))
    unknown = [f"{number}@nobody.example" for number in range(TIMES)]
    return {
        "a known address": median_of(lambda email: recognise({"email": email}, email=email), known),
        "an unknown address": median_of(
            lambda email: recognise({"email": email}, email=email), unknown
        ),
        "a number and a name": median_of(
            lambda person: recognise(
                {"phone": "+4930123456", "first_name": person[0], "last_name": person[1]}
            ),
            people,
        ),
        "twins of one lead": median_of(lambda lead_id: twins_of([lead_id]), ids),
        f"twins of {BATCH} leads, each": batch_of(chance),
    }


def sample(chance: random.Random, count: int) -> list[int]:
    ids = list(Lead.objects.live().values_list("pk", flat=True))
    return chance.sample(ids, min(count, len(ids)))


def median_of(work: Callable[..., object], each: Sequence[object]) -> float:
    times = []
    for one in each:
        with transaction.atomic():
            started = time.perf_counter()
            work(one)
            times.append(time.perf_counter() - started)
    return percentile(times, FASTEST) * 1000


def batch_of(chance: random.Random) -> float:
    times = []
    for _ in range(10):
        ids = sample(chance, BATCH)
        started = time.perf_counter()
        twins_of(ids)
        times.append((time.perf_counter() - started) / max(len(ids), 1))
    return percentile(times, FASTEST) * 1000


def lines(small: Timings, large: Timings) -> list[Line]:
    return [
        Line(
            name,
            f"{large[name]:.2f} ms",
            f"{small[name]:.2f} ms",
            f"{large[name] / max(small[name], 0.001):.2f}",
        )
        for name in small
    ]
