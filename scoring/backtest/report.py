"""The result of a backtest as data, for the page and the API. Pure."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scoring.backtest.figures import (
    Band,
    Judged,
    Share,
    Tenth,
    Threshold,
    calibration,
    discrimination,
    tenths,
    thresholds,
)
from scoring.backtest.verdicts import Verdict, judge

STEP = 10


@dataclass(frozen=True, slots=True)
class Row:
    """A judged sale. `won` is None for one that is open and was sent back."""

    won: bool | None
    rejected: bool
    reason: str
    score: int
    live_score: int
    points: Sequence[int]


@dataclass(frozen=True, slots=True)
class RuleFacts:
    """`speaks_of_outcome`: it asks how the sale went, so sales cannot judge it."""

    uid: str
    label: str
    group: str
    weight_class: str
    points: int
    enabled: bool
    speaks_of_outcome: bool


def report(
    rows: Sequence[Row],
    rules: Sequence[RuleFacts],
    *,
    borders: Mapping[str, int],
    live_borders: Mapping[str, int],
    top: int,
    unqualified: int,
) -> dict[str, Any]:
    """:param borders: `warm` and `hot` of the judged model, `live_borders` of the published one."""
    closed = [row for row in rows if row.won is not None]
    won = sum(row.won is True for row in closed)
    return {
        "cases": len(closed),
        "won": won,
        "lost": len(closed) - won,
        "unqualified": unqualified,
        "rejected": sum(row.rejected for row in rows),
        "draft": _model([Judged(r.score, bool(r.won)) for r in closed], borders, top),
        "live": _model([Judged(r.live_score, bool(r.won)) for r in closed], live_borders, top),
        "rules": _rules(closed, rows, rules),
        "reasons": Counter(row.reason for row in rows if row.rejected).most_common(12),
    }


def _model(cases: Sequence[Judged], borders: Mapping[str, int], top: int) -> dict[str, Any]:
    steps = [*range(STEP, top, STEP), *borders.values()]
    return {
        "auc": round(discrimination(cases), 4),
        "borders": dict(borders),
        "thresholds": [_threshold(row) for row in thresholds(cases, steps)],
        "tenths": [_tenth(row) for row in tenths(cases)],
        "calibration": [_band(row) for row in calibration(cases, top=top)],
    }


def _share(share: Share) -> dict[str, Any]:
    low, high = share.interval
    return {
        "part": share.part,
        "whole": share.whole,
        "share": round(share.value, 4),
        "low": round(low, 4),
        "high": round(high, 4),
    }


def _threshold(row: Threshold) -> dict[str, Any]:
    return {
        "at": row.at,
        "precision": _share(row.precision),
        "recall": _share(row.recall),
        "f1": round(row.f1, 4),
    }


def _tenth(row: Tenth) -> dict[str, Any]:
    return {
        "number": row.number,
        "highest": row.highest,
        "lowest": row.lowest,
        "won": _share(row.won),
        "lift": round(row.lift, 3),
    }


def _band(row: Band) -> dict[str, Any]:
    return {
        "label": row.label,
        "won": _share(row.won),
        "expected": round(row.expected, 4),
        "is_off": row.is_off,
    }


# Rules --------------------------------------------------------------------------------------------


def _rules(
    closed: Sequence[Row], rows: Sequence[Row], rules: Sequence[RuleFacts]
) -> list[dict[str, Any]]:
    counted = [(rule.points, *_shares(closed, n)) for n, rule in enumerate(rules)]
    verdicts = judge(counted)
    return [
        {
            "uid": rule.uid,
            "label": rule.label,
            "group": rule.group,
            "weight_class": rule.weight_class,
            "points": rule.points,
            "enabled": rule.enabled,
            **_verdict(rule, verdict),
            **_feedback(rows, n),
        }
        for n, (rule, verdict) in enumerate(zip(rules, verdicts, strict=True))
    ]


def _shares(closed: Sequence[Row], number: int) -> tuple[Share, Share]:
    hit = [row for row in closed if row.points[number]]
    missed = [row for row in closed if not row.points[number]]
    return (
        Share(sum(row.won is True for row in hit), len(hit)),
        Share(sum(row.won is True for row in missed), len(missed)),
    )


def _verdict(rule: RuleFacts, verdict: Verdict) -> dict[str, Any]:
    word = "outcome" if rule.speaks_of_outcome else verdict.word
    suggested = "" if rule.speaks_of_outcome else verdict.suggested
    lift = verdict.lift
    return {
        "hits": verdict.hits.whole,
        "won": verdict.hits.part,
        "hit_share": round(verdict.hits.value, 4),
        "miss_share": round(verdict.misses.value, 4),
        "lift": round(lift.ratio, 3) if lift else None,
        "low": round(lift.low, 3) if lift else None,
        "high": round(lift.high, 3) if lift else None,
        "verdict": word,
        "suggested": suggested if suggested != rule.weight_class else "",
        "agrees": bool(suggested) and suggested == rule.weight_class,
    }


def _feedback(rows: Sequence[Row], number: int) -> dict[str, int]:
    """Rule X helped to send so many leads to sales that they sent back."""
    rejected = [row for row in rows if row.rejected and row.points[number] > 0]
    return {"rejected": len(rejected)}
