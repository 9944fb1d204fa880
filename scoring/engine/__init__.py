"""A model version compiled to one set-based SQL statement.

Scores, explanations, looks back, simulations and backtests all run this statement: they cannot
disagree. `compile_version(version, rules, scope=…, at=…)` takes

- any version with its rules, saved or not: a draft, a retired one, or rows that were never saved;
- any leads: `Ids`, `IdRange`, `Everyone(limit)`, `Sample(size, seed)`, `Matching(condition)`, or
  `AtMoments([(lead, moment), …])`, where each has a moment of its own;
- any moment: `at`, or None for the database's present. In the past (`as_of=True`, always so with
  `AtMoments`) answers and adjustments count as they stood then, and activities as they had happened
  by then; what else is known of a lead counts as it is now, unless `columns` says otherwise.

Its CTEs end in `scored`; `statement.select("SELECT … FROM scored")` adds what is asked of it:

    id, place, at (with AtMoments only)
    old_score, old_temperature  what is stored now; looking back, everybody was cold before
    fit, engagement, bant       whole points, after the groups' caps
    adjusted                    what colleagues added or took
    score, temperature, grade
    next_at                     when time alone may change it next (not with `forecast=False`)

With `detail=True` also, in hundredths of points,

    fit_sum, …                  a group's points before its cap and rounding
    r0, r1, …                   what the rule gives (rules in the order given, whether on or off)
    n0, u0, l0                  how many matched, how many count, and when the newest was
    f0, c0                      what age and the rule's own limit took: r = full worth + f + c

`statement.columns[n].rule` is the rule of column n; of those that are off nothing is added up.
"""

from scoring.engine.keeping import forget, keep, sweep, switch
from scoring.engine.qualifying import Qualified, qualify
from scoring.engine.running import (
    BIN,
    Contribution,
    Crossing,
    Explanation,
    Outcome,
    Preview,
    explain,
    hits,
    preview,
    score,
)
from scoring.engine.scopes import AtMoments, Everyone, IdRange, Ids, Matching, Sample, Scope
from scoring.engine.statement import Statement, compile_version

__all__ = [
    "BIN",
    "AtMoments",
    "Contribution",
    "Crossing",
    "Everyone",
    "Explanation",
    "IdRange",
    "Ids",
    "Matching",
    "Outcome",
    "Preview",
    "Qualified",
    "Sample",
    "Scope",
    "Statement",
    "compile_version",
    "explain",
    "forget",
    "hits",
    "keep",
    "preview",
    "qualify",
    "score",
    "sweep",
    "switch",
]
