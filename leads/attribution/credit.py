"""How the touches before a conversion share its credit; `docs/attribution.md` has the formulas.

Every conversion is worth a whole, an integer. A model says how much of it is given by the time of
touch `n` of `m`, rounded down, and all of it at the last; a touch gets what was given since the
one before. So the parts are integers that sum to the whole exactly, in every model.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from leads.models import AttributionSettings
from leads.models.attribution import Channel

FIRST, LAST, LINEAR, POSITION, DECAY = "first", "last", "linear", "position", "decay"
MODELS = {
    FIRST: "First touch",
    LAST: "Last touch",
    LINEAR: "Linear",
    POSITION: "Position",
    DECAY: "Time decay",
}
MEANINGS = {
    FIRST: "All credit goes to the first touch of the window.",
    LAST: "All credit goes to the last touch before the conversion.",
    LINEAR: "Every touch gets the same share.",
    POSITION: "The first and the last touch get the most, 40 % each unless set otherwise; those "
    "between share the rest. Two touches get half each.",
    DECAY: "The nearer to the conversion, the more: a touch one half-life earlier gets half.",
}
UNITS = 1_000_000
KINDS = ("lead", "mql", "sql", "won")
# 2^-1000: `power` refuses what is smaller than a double can say.
SMALLEST = 1000


@dataclass(frozen=True, slots=True)
class Sharing:
    """How credit is shared, as the settings say."""

    window_days: int = 90
    half_life_days: float = 7.0
    ends_percent: int = 40
    ignore_direct: bool = False

    @classmethod
    def load(cls) -> "Sharing":
        row = AttributionSettings.load()
        return cls(row.window_days, float(row.half_life_days), row.ends_percent, row.ignore_direct)


def given(model: str, whole: str, n: str, weights: str) -> str:
    """How much of `whole` was given up to touch `n` of `m`. Division of integers rounds down."""
    if model == FIRST:
        return whole
    if model == LAST:
        return "0"
    if model == LINEAR:
        return f"{whole} * {n} / m"
    if model == DECAY:
        return f"floor({whole} * least({weights} / weight_sum, 1))::bigint"
    end = f"({whole} * %(ends)s / 100)"
    between = f"({whole} - 2 * {end}) * ({n} - 1) / greatest(m - 2, 1)"
    return f"CASE WHEN m = 2 THEN {whole} / 2 ELSE {end} + {between} END"


def part(model: str, whole: str) -> str:
    """What touch `n` gets: all that is given up to it, less what was given before."""
    upto = f"CASE WHEN n = m THEN {whole} ELSE {given(model, whole, 'n', 'weights')} END"
    before = given(model, whole, "(n - 1)", "weights_before")
    return f"({upto} - CASE WHEN n = 1 THEN 0 ELSE {before} END)"


def parameters(sharing: Sharing) -> dict[str, Any]:
    return {
        "window": sharing.window_days,
        "half_life": sharing.half_life_days * 86_400,
        "ends": sharing.ends_percent,
    }


# Every touch of a conversion that gets credit, in order, with its weight beside one at the
# conversion's moment. Without a touch the source's own channel gets it, or `unknown`: so all models
# add up to the same. One sort serves all windows.
PATHS = """
touched AS (
  SELECT c.*, t.id AS touch_id, t.occurred_at, t.campaign_id,
         coalesce(t.channel, c.fallback) AS channel,
         power(2::float8, greatest(-{smallest}, coalesce(
           extract(epoch FROM t.occurred_at - c.at)::float8 / %(half_life)s, 0))) AS weight{told}
  FROM conversions c
  LEFT JOIN leads_touch t ON t.lead_id = c.lead_id AND t.occurred_at <= c.at
    AND t.occurred_at > c.at - %(window)s * interval '1 day'
),
paths AS (
  SELECT *, row_number() OVER upward AS n, count(*) OVER whole AS m,
         sum(weight) OVER (upward ROWS UNBOUNDED PRECEDING) AS weights,
         sum(weight) OVER (upward ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
           AS weights_before,
         sum(weight) OVER whole AS weight_sum
  FROM touched{where}
  WINDOW whole AS (PARTITION BY cycle_id, kind),
         upward AS (PARTITION BY cycle_id, kind ORDER BY occurred_at, touch_id)
)
"""
TOLD = f", bool_or(t.channel <> '{Channel.DIRECT}') OVER (PARTITION BY c.cycle_id, c.kind) AS told"
NOT_DIRECT = f" WHERE channel <> '{Channel.DIRECT}' OR told IS NOT TRUE"


def paths(sharing: Sharing) -> str:
    """The common table expressions `touched` and `paths` over one named `conversions`.

    That has `cycle_id, lead_id, kind, at, cents, fallback`, one row for each conversion; `kind` is
    a place in `KINDS`: numbers sort faster than words.
    """
    return PATHS.format(
        smallest=SMALLEST,
        told=TOLD if sharing.ignore_direct else "",
        where=NOT_DIRECT if sharing.ignore_direct else "",
    )


def columns(models: Sequence[str]) -> str:
    """For each model the parts of the unit and of the money: `<model>` and `<model>_cents`."""
    return ", ".join(
        f"{part(model, str(UNITS))} AS {model}, {part(model, 'cents')} AS {model}_cents"
        for model in models
    )
