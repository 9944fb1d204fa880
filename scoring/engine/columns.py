"""One rule as columns: what to aggregate over activities, the points, and when time changes them.

Points are whole hundredths, so that sums are exact. Arithmetic before that is float8: an
accidental numeric power() would triple the time of a run over all leads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from leadcrm.lib.errors import Invalid
from leads import conditions
from scoring import frameworks
from scoring.engine.fragments import Fragment, template
from scoring.models import Rule

ZERO = Fragment("0::bigint")
NONE = Fragment("0")


def bant_columns() -> Mapping[str, str]:
    """What is known by each criterion comes from one pass over the answers of the batch."""
    keys = [key for key in frameworks.known() if frameworks.NAME.fullmatch(key)]
    return {
        **{f"bant.{key}": f"COALESCE(bant.c_{key}, 'unknown')" for key in keys},
        "bant.positive": "COALESCE(bant.positive, 0)",
    }


@dataclass(frozen=True, slots=True)
class Fading:
    """SQL floats: the hundredths that can still fade, and how many a day fade at most.

    `half_life` is set where they halve in so many days and so never fade faster than they do now.
    """

    worth: str
    a_day: str
    half_life: int | None = None


@dataclass(frozen=True, slots=True)
class Columns:
    """`aggregates` belong to the pass over activities; the others may use them as `acts.<name>`.

    All are bigint: `points` in hundredths; `count` of what matched, `counted` of what gives points;
    `faded` and `capped` are the hundredths that age and the rule's own limit took from it.
    `derived` are worked out once from the aggregates. `changes` are moments at which time alone may
    change the points; of an activity rule they lie ahead.
    """

    rule: Rule
    points: Fragment
    count: Fragment
    counted: Fragment
    faded: Fragment = NONE
    capped: Fragment = NONE
    aggregates: tuple[Fragment, ...] = ()
    derived: tuple[Fragment, ...] = ()
    changes: tuple[Fragment, ...] = ()
    fading: Fading | None = None
    newest: str = "NULL::timestamptz"


@dataclass(frozen=True, slots=True)
class Setting:
    """What the columns of all rules of a statement have in common.

    `moment` is SQL; `category` the one whose activities count, "" for all; `columns` SQL that takes
    the place of that of fields; `zone` where days begin.
    """

    moment: str
    category: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    zone: str = "UTC"
    # Activity types by number, which compares faster.
    kinds: Mapping[str, int] = field(default_factory=dict)
    machines: bool = False  # some rule counts what machines did, so the pass cannot leave it out
    detail: bool = False


def attribute_columns(rule: Rule, setting: Setting) -> Columns:
    predicate = predicate_of(rule.condition, setting, computed=False)
    holds = Fragment(predicate.sql, predicate.params)
    return Columns(
        rule,
        points=template(f"CASE WHEN {{}} THEN {rule.points * 100:d}::bigint ELSE 0 END", holds),
        count=template("CASE WHEN {} THEN 1 ELSE 0 END", holds) if setting.detail else NONE,
        counted=template("CASE WHEN {} THEN 1 ELSE 0 END", holds) if setting.detail else NONE,
        changes=changes_of(predicate),
    )


def predicate_of(tree: Any, setting: Setting, *, computed: bool) -> conditions.Predicate:
    try:
        node = conditions.parse(tree, computed=computed)
    except Invalid:
        return conditions.NOBODY  # what asks for a deleted field holds for nobody
    return conditions.compile_node(node, conditions.Context(setting.moment, setting.columns))


def changes_of(predicate: conditions.Predicate) -> tuple[Fragment, ...]:
    return tuple(Fragment(change.sql, change.params) for change in predicate.changes)
