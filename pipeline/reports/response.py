"""How soon leads hear from a person, and what a slow answer costs."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import ExtractHour, ExtractIsoWeekDay

from leads.reports import Scope
from pipeline.models import CycleFact, ResponseClock, SalesCycle
from pipeline.reports import metrics
from pipeline.reports.base import Percentile, cycles, seconds_between, share

MINUTE, HOUR, DAY = 60, 3600, 86_400


@dataclass(frozen=True, slots=True)
class Band:
    """Answers that took less than `under` seconds and at least `over`; none: never answered."""

    key: str
    label: str
    over: int
    under: int | None

    @property
    def condition(self) -> Q:
        if self.key == "never":
            return Q(wait=None)
        upper = Q(wait__lt=self.under) if self.under else Q()
        return Q(wait__gte=self.over) & upper


def _bands(*ends: tuple[str, str, int | None]) -> dict[str, Band]:
    over, found = 0, {}
    for key, label, under in ends:
        found[key] = Band(key, label, over, under)
        over = under or over
    return found


BARS = _bands(
    ("5m", "< 5 m", 5 * MINUTE),
    ("15m", "< 15 m", 15 * MINUTE),
    ("30m", "< 30 m", 30 * MINUTE),
    ("1h", "< 1 h", HOUR),
    ("2h", "< 2 h", 2 * HOUR),
    ("4h", "< 4 h", 4 * HOUR),
    ("8h", "< 8 h", 8 * HOUR),
    ("1d", "< 1 d", DAY),
    ("more", "more", None),
)
BANDS = {
    **_bands(
        ("u5m", "< 5 min", 5 * MINUTE),
        ("u1h", "< 1 h", HOUR),
        ("u4h", "< 4 h", 4 * HOUR),
        ("u24h", "< 24 h", DAY),
        ("later", "Later", None),
    ),
    "never": Band("never", "Never", 0, None),
}
ANSWERED = Q(wait__isnull=False)
IN_TARGET = Q(wait__isnull=False, first_response_at__lte=F("target_at"))


@dataclass(frozen=True, slots=True)
class Times:
    """Answers of a group. Seconds; None: nobody was answered."""

    received: int
    answered: int
    unanswered: int
    due: int
    in_target: int
    median: float | None
    p90: float | None
    working_median: float | None

    @property
    def share_in_target(self) -> float | None:
        return share(self.in_target, self.due)


@dataclass(frozen=True, slots=True)
class Group:
    """The answers of one rep, source or team."""

    key: str
    label: str
    hue: int
    times: Times
    waiting: int = 0
    overdue: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    band: Band
    count: int
    late: bool


@dataclass(frozen=True, slots=True)
class Conversion:
    band: Band
    count: int
    sql: int
    won: int

    @property
    def share_sql(self) -> float | None:
        return share(self.sql, self.count)

    @property
    def share_won(self) -> float | None:
        return share(self.won, self.count)


@dataclass(frozen=True, slots=True)
class Cell:
    """Inquiries of one weekday (Monday is 1) and two hours."""

    weekday: int
    hour: int
    count: int
    median: float | None


@dataclass(frozen=True, slots=True)
class Response:
    times: Times
    before: Times | None
    bars: tuple[Bar, ...]
    conversions: tuple[Conversion, ...]
    cells: tuple[Cell, ...]
    reps: tuple[Group, ...]
    sources: tuple[Group, ...]
    waiting: int
    overdue: int
    target_minutes: int


def received(scope: Scope) -> QuerySet[Any]:
    """Inquiries received in the period that opened a sales cycle, by the moment they arrived.

    The wait ends with the first attempt of a person to reach the lead, or live talk with it; mail
    sent by the product never counts. It is wall-clock time; working time stands beside it.
    """
    found = cycles(scope).filter(scope.within("received_at"), target_minutes__isnull=False)
    return found.annotate(wait=seconds_between("received_at", "first_response_at"))


def answered(scope: Scope) -> QuerySet[CycleFact]:
    """Inquiries of the period that a person has answered; medians are of these."""
    return received(scope).filter(ANSWERED)


def unanswered(scope: Scope) -> QuerySet[CycleFact]:
    """Inquiries of the period that no person has answered until now, closed or still waiting."""
    return received(scope).filter(wait=None)


def in_target(scope: Scope) -> QuerySet[CycleFact]:
    """Inquiries of the period answered inside the target that applied to them."""
    return received(scope).filter(IN_TARGET)


def due(scope: Scope) -> QuerySet[CycleFact]:
    """Inquiries answered, or whose target has passed: what the share within target is a share of.

    Those still inside their time are neither met nor missed.
    """
    return received(scope).filter(_due(scope))


def _due(scope: Scope) -> Q:
    return ANSWERED | Q(target_at__lte=scope.now)


def in_band(scope: Scope, band: str) -> QuerySet[CycleFact]:
    """Inquiries of the period by how long the first answer took."""
    return received(scope).filter({**BARS, **BANDS}[band].condition)


def at_hour(scope: Scope, weekday: int, hour: int) -> QuerySet[CycleFact]:
    """Inquiries received on a weekday in two hours of the day, in the workspace's time zone."""
    found: QuerySet[CycleFact] = _by_clock(scope).filter(weekday=weekday, hour__in=[hour, hour + 1])
    return found


def _by_clock(scope: Scope) -> QuerySet[Any]:
    found: QuerySet[Any] = received(scope).annotate(
        weekday=ExtractIsoWeekDay("received_at", tzinfo=scope.zone),
        hour=ExtractHour("received_at", tzinfo=scope.zone),
    )
    return found


def _columns(scope: Scope) -> dict[str, Any]:
    return {
        "received": Count("pk"),
        "answered": Count("pk", filter=ANSWERED),
        "due": Count("pk", filter=_due(scope)),
        "in_target": Count("pk", filter=IN_TARGET),
        "median": Percentile("wait", fraction=0.5),
        "p90": Percentile("wait", fraction=0.9),
        "working_median": Percentile("working_seconds", fraction=0.5),
    }


def _times(row: dict[str, Any]) -> Times:
    names = ("received", "answered", "due", "in_target", "median", "p90", "working_median")
    values = {name: row[name] for name in names}
    return Times(unanswered=row["received"] - row["answered"], **values)


def times(scope: Scope) -> Times:
    """Median and slowest tenth of the answers, and the share that met its target.

    From receipt to the first human response, in wall-clock time. Percentiles are of answered
    inquiries; the unanswered are counted beside them, and as late once their target has passed.
    """
    return _times(received(scope).aggregate(**_columns(scope)))


def response(scope: Scope, before: Scope | None) -> Response:
    """How soon leads hear from a person."""
    now = times(scope)
    target = _usual_target(scope)
    return Response(
        times=now,
        before=times(before) if before else None,
        bars=tuple(_bars(scope, target)),
        conversions=tuple(by_band(scope)),
        cells=tuple(heat(scope)),
        reps=tuple(groups(scope, "owner")),
        sources=tuple(groups(scope, "source")),
        waiting=metrics.waiting_now(scope).count(),
        overdue=metrics.overdue_now(scope).count(),
        target_minutes=target,
    )


def _usual_target(scope: Scope) -> int:
    """The target that most inquiries of the period had, in minutes."""
    rows = received(scope).order_by().values_list("target_minutes").annotate(n=Count("pk"))
    minutes, _ = max(rows, key=lambda row: (row[1], row[0]), default=(60, 0))
    return int(minutes)


def _bars(scope: Scope, target_minutes: int) -> list[Bar]:
    columns = {f"b{n}": Count("pk", filter=b.condition) for n, b in enumerate(BARS.values())}
    row = received(scope).aggregate(**columns)
    late = target_minutes * MINUTE
    return [Bar(b, row[f"b{n}"], b.over >= late) for n, b in enumerate(BARS.values())]


def by_band(scope: Scope) -> list[Conversion]:
    """How many of the leads answered this soon became sales-qualified, and were won, until now.

    Who answers soon may also get the better leads: this shows what goes together, not a cause.
    """
    found = received(scope)
    columns: dict[str, Count] = {}
    for n, band in enumerate(BANDS.values()):
        columns[f"n{n}"] = Count("pk", filter=band.condition)
        columns[f"s{n}"] = Count("pk", filter=band.condition & Q(sql_at__isnull=False))
        columns[f"w{n}"] = Count("pk", filter=band.condition & Q(outcome="won"))
    row = found.aggregate(**columns)
    return [
        Conversion(band, row[f"n{n}"], row[f"s{n}"], row[f"w{n}"])
        for n, band in enumerate(BANDS.values())
    ]


def band_sql(scope: Scope, band: str) -> QuerySet[CycleFact]:
    """Leads answered this soon that became sales-qualified until now."""
    return in_band(scope, band).filter(sql_at__isnull=False)


def band_won(scope: Scope, band: str) -> QuerySet[CycleFact]:
    """Leads answered this soon whose sales cycle is won now."""
    return in_band(scope, band).filter(outcome=SalesCycle.Outcome.WON)


def heat(scope: Scope) -> list[Cell]:
    """Median wait by weekday and hour of receipt, two hours in a cell, workspace's time zone."""
    slot = F("hour") / 2 * 2
    rows = (
        _by_clock(scope)
        .order_by()
        .annotate(slot=slot)
        .values("weekday", "slot")
        .annotate(n=Count("pk"), median=Percentile("wait", fraction=0.5))
    )
    return [Cell(row["weekday"], int(row["slot"]), row["n"], row["median"]) for row in rows]


GROUPS = {
    "owner": ("owner_id", "owner__name", "owner__hue", "Nobody"),
    "source": ("source_id", "source__name", None, "No source recorded"),
}


def groups(scope: Scope, by: str) -> list[Group]:
    """Answers by the lead's owner of today, or by source; the quickest first."""
    key, label, hue, none = GROUPS[by]
    fields = [name for name in (key, label, hue) if name]
    rows = received(scope).order_by().values(*fields).annotate(**_columns(scope))
    waits = {
        row[key]: row
        for row in metrics.waiting_now(scope)
        .order_by()
        .values(key)
        .annotate(n=Count("pk"), late=Count("pk", filter=Q(respond_by__lt=scope.now)))
    }
    found = []
    for row in rows:
        wait = waits.get(row[key], {"n": 0, "late": 0})
        name, colour = row[label] or none, (row[hue] or 0) if hue else 0
        found.append(
            Group(str(row[key] or "none"), name, colour, _times(row), wait["n"], wait["late"])
        )
    return sorted(found, key=lambda g: (g.times.median is None, g.times.median or 0, g.label))


def waiting_list(scope: Scope, limit: int = 10) -> list[ResponseClock]:
    """Who waits at this moment, the closest to its target first."""
    ids = metrics.waiting_now(scope).order_by().values("pk")
    return list(
        ResponseClock.objects.filter(cycle__in=ids)
        .select_related("lead", "lead__owner", "lead__source", "lead__score_row")
        .order_by("respond_by", "pk")[:limit]
    )
