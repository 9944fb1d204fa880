"""Rules that choose a touch's channel, asked of one touch in Python.

`sql` asks the same of many rows in the database; a property test holds both to the same answers.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

OF_SOURCE = "@source"  # a rule's channel may be the one that the touch's source declares
OTHER = "other"
LETTERS = {code: code + 32 for code in range(ord("A"), ord("Z") + 1)}


@dataclass(frozen=True, slots=True)
class Asked:
    """What a condition can be about. `values`: people give words to compare with."""

    key: str
    label: str
    hint: str = ""
    is_list: bool = False


FIELDS = {
    asked.key: asked
    for asked in (
        Asked("utm_source", "UTM source"),
        Asked("utm_medium", "UTM medium"),
        Asked("utm_campaign", "UTM campaign"),
        Asked("utm_term", "UTM term"),
        Asked("utm_content", "UTM content"),
        Asked("click_id", "Click id", "Its name, such as gclid", is_list=True),
        Asked("referrer", "Referring site", "Without www; empty for own sites"),
        Asked("landing_page", "First page", "The address without its query"),
        Asked("source", "Source", "Its key"),
        Asked("source_kind", "Kind of source", "form, api, webhook, email, import or manual"),
    )
}
OPS = {
    "is": "is any of",
    "is_not": "is none of",
    "contains": "contains any of",
    "starts_with": "starts with any of",
    "names": "names the site",
    "is_set": "is known",
    "is_not_set": "is not known",
}
OPS_OF_LIST = ("is", "is_not", "is_set", "is_not_set")
WITHOUT_VALUES = frozenset({"is_set", "is_not_set"})


@dataclass(frozen=True, slots=True)
class Condition:
    field: str
    op: str
    values: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        said = ", ".join(self.values[:8]) + (" …" if len(self.values) > 8 else "")
        return f"{FIELDS[self.field].label} {OPS[self.op]} {said}".rstrip()


@dataclass(frozen=True, slots=True)
class Rule:
    """All conditions must hold; none holds always."""

    key: str
    name: str
    channel: str
    conditions: tuple[Condition, ...] = ()

    def as_json(self) -> dict[str, Any]:
        return {
            "key": self.key,
            "name": self.name,
            "channel": self.channel,
            "conditions": [
                {"field": each.field, "op": each.op, "values": list(each.values)}
                for each in self.conditions
            ],
        }


@dataclass(frozen=True, slots=True)
class RuleSet:
    """`number` 0 are the rules every installation begins with."""

    number: int
    rules: tuple[Rule, ...]
    own_hosts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Facts:
    """A touch as the rules see it; made by `facts_of`."""

    texts: Mapping[str, str]
    clicks: frozenset[str] = frozenset()
    source_channel: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    channel: str
    rule: Rule | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """A touch as it is stored, with its source."""

    utm: Mapping[str, str] = field(default_factory=dict)
    clicks: Iterable[str] = ()
    referrer: str = ""
    landing_page: str = ""
    source: str = ""
    source_kind: str = ""
    source_channel: str = ""


def read(rules: Iterable[Mapping[str, Any]]) -> tuple[Rule, ...]:
    """Rules as they are stored."""
    return tuple(
        Rule(
            each["key"],
            each["name"],
            each["channel"],
            tuple(
                Condition(c["field"], c["op"], tuple(c.get("values", ())))
                for c in each["conditions"]
            ),
        )
        for each in rules
    )


def lowered(text: str) -> str:
    """Small letters of the Latin alphabet only, as PostgreSQL's `lower(… COLLATE "C")`."""
    return text.translate(LETTERS)


def site_of(address: str) -> str:
    """The host without `www.`; the database says it with `sql.SITE`."""
    rest = re.sub(r"^[a-z][a-z0-9+.-]*://", "", lowered(address))
    found = re.match(r"[^/?#:]*", rest)
    return (found.group() if found else "").removeprefix("www.").rstrip(".")


def external(referrer: str, landing_page: str, own_hosts: Sequence[str]) -> str:
    """The site that sent somebody; empty where it is the page's own or one of ours."""
    site = site_of(referrer)
    if site == site_of(landing_page) or any(is_below(site, own) for own in own_hosts):
        return ""
    return site


def is_below(site: str, own: str) -> bool:
    return site == own or site.endswith(f".{own}")


def facts_of(seen: Seen, own_hosts: Sequence[str]) -> Facts:
    texts = {name: lowered(seen.utm.get(name, "")) for name in FIELDS if name.startswith("utm_")}
    texts |= {
        "referrer": external(seen.referrer, seen.landing_page, own_hosts),
        "landing_page": lowered(seen.landing_page),
        "source": lowered(seen.source),
        "source_kind": seen.source_kind,
    }
    return Facts(texts, frozenset(seen.clicks), seen.source_channel)


def decide(rule_set: RuleSet, seen: Seen) -> Decision:
    """The first rule that matches; `other` without one."""
    facts = facts_of(seen, rule_set.own_hosts)
    for rule in rule_set.rules:
        if matches(rule, facts):
            channel = facts.source_channel if rule.channel == OF_SOURCE else rule.channel
            return Decision(channel, rule)
    return Decision(OTHER)


def matches(rule: Rule, facts: Facts) -> bool:
    if rule.channel == OF_SOURCE and facts.source_channel in ("", OTHER):
        return False
    return all(holds(condition, facts) for condition in rule.conditions)


def holds(condition: Condition, facts: Facts) -> bool:
    if FIELDS[condition.field].is_list:
        return _holds_of_list(condition, facts.clicks)
    text = facts.texts[condition.field]
    return _holds_of_text(condition.op, text, [lowered(value) for value in condition.values])


def _holds_of_list(condition: Condition, names: frozenset[str]) -> bool:
    if condition.op in WITHOUT_VALUES:
        return bool(names) == (condition.op == "is_set")
    return bool(names & set(condition.values)) == (condition.op == "is")


def _holds_of_text(op: str, text: str, values: Sequence[str]) -> bool:
    match op:
        case "is":
            return text in values
        case "is_not":
            return text not in values
        case "contains":
            return any(value in text for value in values)
        case "starts_with":
            return any(text.startswith(value) for value in values)
        case "names":
            return any(f".{value}." in f".{text}." for value in values)
        case "is_set":
            return text != ""
        case _:
            return text == ""
