"""What is known of a lead as numbers: which facts are learnt from, and how each is called. Pure."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

SHARE = 0.03  # a fact must be true of so many cases, and of so many not, to be learnt from
LEAST = 10
VALUES = 8  # of one text field
TEXTS = {"industry": "Industry", "country": "Country", "channel": "Came by", "source": "Source"}
PRESENCE = {
    "phone": "Phone number is known",
    "company_name": "Company is known",
    "job_title": "Job title is known",
    "company_size": "Company size is known",
}
LEVELS = {"yes": 1.0, "partial": 0.5}


@dataclass(frozen=True, slots=True)
class Feature:
    """`kind`: did, bant, no, has, size, is, free, age."""

    kind: str
    name: str
    label: str
    value: str = ""

    def of(self, known: Mapping[str, Any]) -> float:
        match self.kind:
            case "did":
                return math.log1p(float((known.get("did") or {}).get(self.name) or 0))
            case "bant":
                return LEVELS.get((known.get("bant") or {}).get(self.name, ""), 0.0)
            case "no":
                return float((known.get("bant") or {}).get(self.name) == "no")
            case "has":
                return float(bool(known.get(self.name)))
            case "size":
                return math.log1p(max(0.0, float(known.get("company_size") or 0)))
            case "is":
                return float(str(known.get(self.name) or "").casefold() == self.value)
            case "free":
                return float(bool(known.get("free_email")))
            case _:
                return math.log1p(max(0.0, float(known.get("days") or 0)))

    def as_data(self) -> dict[str, str]:
        return asdict(self)


def features_of(
    cases: Sequence[Mapping[str, Any]],
    *,
    activities: Mapping[str, str],
    criteria: Mapping[str, str],
    words: Mapping[str, Mapping[str, str]] | None = None,
) -> list[Feature]:
    """The facts that tell these cases apart often enough to be learnt from.

    :param words: for a text field the names of its values.
    """
    offered = [
        *(Feature("bant", key, f"{label}: yes or partly") for key, label in criteria.items()),
        *(Feature("no", key, f"{label}: no") for key, label in criteria.items()),
        *(Feature("has", key, label) for key, label in PRESENCE.items()),
        Feature("size", "company_size", "Larger company"),
        Feature("free", "free_email", "Free e-mail provider"),
        Feature("age", "days", "Longer known before qualifying"),
        *(Feature("did", key, label) for key, label in activities.items()),
        *_texts(cases, words or {}),
    ]
    return [feature for feature in offered if _tells(feature, cases)]


def _texts(
    cases: Sequence[Mapping[str, Any]], words: Mapping[str, Mapping[str, str]]
) -> list[Feature]:
    made = []
    for name, label in TEXTS.items():
        counts = Counter(str(case[name]) for case in cases if case.get(name))
        made += [
            Feature(
                "is", name, f"{label}: {words.get(name, {}).get(value, value)}", value.casefold()
            )
            for value, _ in counts.most_common(VALUES)
        ]
    return made


def _tells(feature: Feature, cases: Sequence[Mapping[str, Any]]) -> bool:
    values = Counter(feature.of(case) for case in cases)
    if not values:
        return False
    commonest = values.most_common(1)[0][1]
    return len(cases) - commonest >= max(LEAST, SHARE * len(cases))


def row_of(features: Sequence[Feature], known: Mapping[str, Any]) -> list[float]:
    return [feature.of(known) for feature in features]
