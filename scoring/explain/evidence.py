"""The activities behind a rule's points: which count, and what each is still worth."""

# ruff: noqa: S608  (SQL comes from the catalogue and from numbers; values are bound)

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import connection

from leads.conditions.catalogue import activity_label
from scoring.engine import Ids, compile_version
from scoring.engine.counting import Counting
from scoring.engine.fragments import Fragment, joined, template
from scoring.models import ModelVersion, Rule

SHOWN = 8
NAMES = ("title", "name", "subject", "form", "asset", "query", "url", "path")


@dataclass(frozen=True, slots=True)
class Happening:
    """`weight`: what it is still worth, 1 down to 0. Beyond a limit it does not count."""

    activity_id: int
    at: datetime
    label: str
    detail: str
    weight: float
    counts: bool

    @property
    def percent(self) -> int:
        return round(self.weight * 100)


@dataclass(frozen=True, slots=True)
class Evidence:
    """The newest activities that the rule matches, and how many more there are."""

    shown: tuple[Happening, ...]
    more: int


def evidence(
    version: ModelVersion, rules: Sequence[Rule], *, lead_id: int, at: datetime
) -> dict[str, Evidence]:
    """By the rule's uid, of the rules that count activities; one query."""
    counted = [rule for rule in rules if rule.is_activity]
    if not counted:
        return {}
    compiled = compile_version(version, counted, scope=Ids([lead_id]), at=at, forecast=False)
    setting = replace(compiled.setting, machines=True)
    parts = [_rows(Counting(rule, n, setting), n, lead_id) for n, rule in enumerate(counted)]
    query = joined(" UNION ALL ", parts)
    with connection.cursor() as cursor:
        cursor.execute(query.sql, query.params)
        rows = cursor.fetchall()
    return {
        str(rule.uid): _evidence([row for row in rows if row[0] == n])
        for n, rule in enumerate(counted)
    }


def _rows(counting: Counting, number: int, lead_id: int) -> Fragment:
    """What the engine matches and weighs, row by row instead of summed up."""
    rule = counting.rule
    kinds = {rule.activity_type: counting.setting.kinds[rule.activity_type]}
    return template(
        f"(SELECT {number:d}, a.id, a.occurred_at, a.type, a.properties, "
        f"({counting.weight('a.occurred_at')})::float8 AS weight, ({{}}) AS counts, "
        "count(*) OVER () AS matched FROM leads_activity a "
        "JOIN (SELECT * FROM unnest({}, {})) AS kind (type, n) ON kind.type = a.type "
        "WHERE a.lead_id = {} AND {} "
        f"ORDER BY a.occurred_at DESC, a.id DESC LIMIT {SHOWN})",
        _place(counting),
        Fragment("%s::text[]", (list(kinds),)),
        Fragment("%s::int[]", (list(kinds.values()),)),
        Fragment("%s", (lead_id,)),
        counting.matching(),
    )


def _place(counting: Counting) -> Fragment:
    """Whether it is among those of its day, value or window that count."""
    rule = counting.rule
    by_key = rule.counting in ("per_day", "distinct") or (
        rule.counting == "at_most" and bool(rule.per)
    )
    most = counting.most or (1 if by_key else None)
    if most is None:
        return Fragment("true")
    order = "ASC" if rule.counting == "per_day" else "DESC"
    key = counting.key() if by_key else Fragment("true")
    return template(
        "row_number() OVER (PARTITION BY {} "
        f"ORDER BY a.occurred_at {order}, a.id {order}) <= {most:d}",
        key,
    )


def _evidence(rows: Sequence[tuple[Any, ...]]) -> Evidence:
    shown = tuple(
        Happening(
            activity_id=pk,
            at=at,
            label=activity_label(type_),
            detail=_detail(properties),
            weight=weight,
            counts=counts and weight > 0,
        )
        for _, pk, at, type_, properties, weight, counts, _ in rows
    )
    return Evidence(shown, (rows[0][-1] if rows else 0) - len(shown))


def _detail(raw: Any) -> str:
    """What the activity was about; the database driver leaves JSON as text."""
    properties = json.loads(raw) if isinstance(raw, str) else raw
    if not isinstance(properties, dict):
        return ""
    found = (properties.get(name) for name in NAMES)
    return next((text[:120] for text in found if isinstance(text, str) and text), "")
