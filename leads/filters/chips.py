"""Filters in use, in words."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from leads.conditions import describe
from leads.fields import display
from leads.filters.fields import Owners
from leads.filters.leads import LeadFilter
from leads.filters.own import OwnFilter


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in use, in words."""

    name: str
    label: str
    icon: str
    op: str
    value: str
    more: str = ""


ICONS = {
    "search": "search",
    "stage": "circle-dot",
    "stage__not": "circle-dashed",
    "owner": "user-round",
    "temperature": "flame",
    "status": "activity",
    "lifecycle": "sprout",
    "source": "signpost",
    "source_kind": "log-in",
    "country": "globe",
    "tag": "tag",
    "company": "building-2",
    "segment": "shapes",
    "created_after": "calendar",
    "created_before": "calendar",
    "created_within": "calendar",
    "score_min": "gauge",
    "score_max": "gauge",
    "has_next_step": "list-todo",
    "unanswered": "clock-alert",
    "open": "circle-dot",
    "conditions": "list-filter",
}
OPERATORS = {
    "search": "contains",
    "stage__not": "is not",
    "created_after": "from",
    "created_before": "before",
    "created_within": "in",
    "score_min": "from",
    "score_max": "to",
}
OWN_OPERATORS = {
    "contains": "contains",
    "not": "is not",
    "min": "from",
    "max": "to",
    "after": "from",
    "before": "before",
    "next": "in the",
    "within": "in the",
}
LABELS = {
    "stage__not": "Stage",
    "created_after": "Created",
    "created_before": "Created",
    "created_within": "Created",
    "score_min": "Score",
    "score_max": "Score",
}
NAMED = 3
MOST_WORDS = 90


def chips(found: LeadFilter) -> list[Chip]:
    """What the list is narrowed by, in the order of the filters."""
    return [
        _chip(name, value, found)
        for name, value in found.form.cleaned_data.items()
        if value or value is False or value == 0
    ]


def _chip(name: str, value: Any, found: LeadFilter) -> Chip:
    each = found.filters[name]
    if isinstance(each, OwnFilter):
        return _own_chip(name, value, each)
    words = _words(name, value, found)
    op = OPERATORS.get(name) or ("is any of" if len(words) > 1 else "is")
    if name == "stage__not" and len(words) > 1:
        op = "is none of"
    return Chip(
        name=name,
        label=LABELS.get(name) or str(found.form.fields[name].label),
        icon=ICONS[name],
        op=op,
        value=", ".join(words[:NAMED]),
        more=f"+{len(words) - NAMED}" if len(words) > NAMED else "",
    )


def _own_chip(name: str, value: Any, each: OwnFilter) -> Chip:
    words = _own_words(value, each)
    several = {"in": ("is", "is any of"), "not_in": ("is not", "is none of")}
    one, many = several.get(each.way.op, (OWN_OPERATORS.get(each.way.suffix, "is"),) * 2)
    return Chip(
        name=name,
        label=each.definition.label,
        icon="list-filter",
        op=many if len(words) > 1 else one,
        value=", ".join(words[:NAMED]),
        more=f"+{len(words) - NAMED}" if len(words) > NAMED else "",
    )


def _own_words(value: Any, each: OwnFilter) -> list[str]:
    way = each.way.suffix
    if way == "known":
        return ["known" if value else "not known"]
    if way in {"next", "within"}:
        return [f"{'next' if way == 'next' else 'last'} {value} days"]
    if isinstance(value, datetime):
        return [f"{timezone.localtime(value):%-d %b %Y}"]
    if isinstance(value, list):
        return [display(each.definition, item) for item in value]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return [f"{value:,}"]
    return [display(each.definition, value)]


def _words(name: str, value: Any, found: LeadFilter) -> list[str]:
    if name == "conditions":
        return [describe(value)[:MOST_WORDS]]
    if isinstance(value, Owners):
        return [str(person) for person in value.people] + (["nobody"] if value.none else [])
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, datetime):
        return [f"{timezone.localtime(value):%-d %b %Y}"]
    if name == "created_within":
        return [f"Last {value} days"]
    if isinstance(value, list):
        labels = dict(getattr(found.form.fields[name], "choices", ()) if name in PLAIN else ())
        return [str(labels.get(item, item)) for item in value]
    return [str(value)]


PLAIN = {"temperature", "status", "lifecycle", "source_kind"}
