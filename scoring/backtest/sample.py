"""Which sales can be judged, and when there are too few of them to say anything."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from leads.foresight import Sale

LEAST_WON = LEAST_LOST = 15
LEAST = 40


@dataclass(frozen=True, slots=True)
class Case:
    """A sale with the moment it is judged at. `won` is None for one that sales sent back."""

    lead_id: int
    cycle: int
    at: datetime
    won: bool | None
    rejected: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Sample:
    """`unqualified`: closed sales that never qualified, so that there is no moment to judge."""

    cases: tuple[Case, ...]
    unqualified: int

    @property
    def closed(self) -> list[Case]:
        return [case for case in self.cases if case.won is not None]

    @property
    def won(self) -> int:
        return sum(case.won is True for case in self.cases)

    @property
    def lost(self) -> int:
        return sum(case.won is False for case in self.cases)


def sample_of(sales: Iterable[Sale], *, moment: str) -> Sample:
    """:param moment: `mql`: when a sale first qualified; `sql`: when it was sales-qualified."""
    cases, unqualified = [], 0
    for sale in sales:
        at = _moment(sale, moment)
        if at is None:
            unqualified += sale.won is not None
            continue
        reason = sale.rejected_reason or sale.lost_reason
        cases.append(
            Case(sale.lead_id, sale.cycle, at, sale.won, sale.rejected_at is not None, reason)
        )
    return Sample(tuple(cases), unqualified)


def _moment(sale: Sale, moment: str) -> datetime | None:
    if moment == "sql":
        return sale.sql_at
    moments = [at for at in (sale.mql_at, sale.sql_at) if at is not None]
    return min(moments, default=None)


def refusal(won: int, lost: int, unqualified: int = 0) -> str:
    """Why nothing can be said yet, in words; empty when there is enough."""
    if won + lost >= LEAST and won >= LEAST_WON and lost >= LEAST_LOST:
        return ""
    aside = (
        f" {_many(unqualified, 'closed sale')} never qualified, so there is no moment to judge "
        f"{'it' if unqualified == 1 else 'them'} at."
        if unqualified
        else ""
    )
    return (
        f"There is too little to go by: {_many(won + lost, 'closed sale')} that qualified, {won} "
        f"won and {lost} lost. A backtest needs {LEAST}, with at least {LEAST_WON} won and "
        f"{LEAST_LOST} lost; with fewer, chance says more than the rules.{aside}"
    )


def _many(count: int, thing: str) -> str:
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def shares(cases: Sequence[tuple[bool, bool]]) -> tuple[int, int, int, int]:
    """Of `(hit, won)`: wins and all where the rule hit, wins and all where it did not."""
    hit = [won for was_hit, won in cases if was_hit]
    missed = [won for was_hit, won in cases if not was_hit]
    return sum(hit), len(hit), sum(missed), len(missed)
