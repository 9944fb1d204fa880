"""What the pages tell of a backtest and of a prediction."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leadcrm.lib.charts import Bar, Series
from scoring.bands import BANDS
from scoring.models import Backtest, Rule, Training

VERDICTS = {
    "works": ("Tells won from lost", "good", "circle-check"),
    "against": ("Works against you", "bad", "circle-x"),
    "none": ("No effect seen", "", "circle-minus"),
    "few": ("Too few to say", "", "circle-dashed"),
    "dead": ("Never true: dead", "warm", "circle-slash"),
    "outcome": ("Asks how the sale went", "", "circle-help"),
}
ORDER = ("against", "works", "none", "few", "dead", "outcome")
GROUPS = dict(Rule.Group.choices)
TOP_THRESHOLDS = 14


@dataclass(frozen=True, slots=True)
class RuleRow:
    data: Mapping[str, Any]
    group: str
    words: str
    tone: str
    icon: str
    suggested: str  # “Very important, 5 to 9”; empty: nothing to say

    @property
    def href(self) -> str:
        return f"/scoring/rules/{self.data['uid']}/edit/"


@dataclass(frozen=True, slots=True)
class Shown:
    row: Backtest
    data: Mapping[str, Any]
    headline: Mapping[str, Any]
    tenth_bars: list[Bar]
    band_series: list[Series]
    band_labels: list[str]
    thresholds: list[tuple[Mapping[str, Any], str]]
    rules: list[RuleRow]
    blamed: list[RuleRow]
    beats: str

    @property
    def draft(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.data["draft"]
        return found

    @property
    def live(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.data["live"]
        return found


def shown(row: Backtest) -> Shown:
    data: Mapping[str, Any] = row.result or {}
    rules = _rules(data["rules"])
    bands = data["draft"]["calibration"]
    return Shown(
        row=row,
        data=data,
        headline=headline(data),
        tenth_bars=[
            Bar(str(tenth["number"]), round(tenth["lift"], 2)) for tenth in data["draft"]["tenths"]
        ],
        band_series=[
            Series("s0", [100 * band["expected"] for band in bands], "curve"),
            Series("s1", [100 * band["won"]["share"] for band in bands]),
        ],
        band_labels=[band["label"] for band in bands],
        thresholds=_thresholds(data["draft"]),
        rules=rules,
        blamed=_blamed(rules),
        beats=_beats(data),
    )


def headline(data: Mapping[str, Any]) -> dict[str, Any]:
    """How many of the wins were hot on the day they qualified, by the draft and by the live."""
    return {name: _at(data[name], data[name]["borders"]["hot"]) for name in ("draft", "live")}


def _at(model: Mapping[str, Any], border: int) -> Any:
    return next(row for row in model["thresholds"] if row["at"] == border)


def _beats(data: Mapping[str, Any]) -> str:
    mine, theirs = data["draft"]["auc"], data["live"]["auc"]
    if abs(mine - theirs) < 0.005:
        return "same"
    return "better" if mine > theirs else "worse"


def _thresholds(model: Mapping[str, Any]) -> list[tuple[Mapping[str, Any], str]]:
    names = {border: name for name, border in model["borders"].items()}
    return [(row, names.get(row["at"], "")) for row in model["thresholds"]]


def _rules(rows: list[Mapping[str, Any]]) -> list[RuleRow]:
    made = [_rule(row) for row in rows]
    return sorted(
        made,
        key=lambda rule: (
            ORDER.index(rule.data["verdict"]),
            -(rule.data["lift"] or 0),
            rule.data["label"],
        ),
    )


def _rule(row: Mapping[str, Any]) -> RuleRow:
    words, tone, icon = VERDICTS[row["verdict"]]
    band = BANDS.get(row["suggested"])
    suggested = f"{band.label}, {band.words}" if band else ""
    return RuleRow(row, GROUPS.get(row["group"], ""), words, tone, icon, suggested)


def _blamed(rules: list[RuleRow]) -> list[RuleRow]:
    """Rules that sent leads to sales which were sent back, the most first."""
    found = [rule for rule in rules if rule.data["rejected"]]
    return sorted(found, key=lambda rule: -rule.data["rejected"])[:10]


# Predictions --------------------------------------------------------------------------------------


def prediction_figures(training: Training) -> dict[str, Any]:
    result: Mapping[str, Any] = training.result or {}
    figures = result["figures"]
    strongest = sorted(result["facts"], key=lambda fact: -abs(fact["weight"]))
    facts = [{**f, "words": f"{f['weight']:+.2f}".replace("-", "−")} for f in strongest]
    return {
        **figures,
        "series": [
            Series("s0", [100 * row["foretold"] for row in figures["calibration"]], "foretold"),
            Series("s1", [100 * row["happened"] for row in figures["calibration"]]),
        ],
        "labels": [f"{100 * row['foretold']:.0f} %" for row in figures["calibration"]],
        "lift_bars": [Bar(str(n), round(lift, 2)) for n, lift in enumerate(figures["lift"], 1)],
        "facts": facts,
    }
