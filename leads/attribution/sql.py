# ruff: noqa: S608  (built from constants; what people wrote are parameters)
"""The rules as one SQL expression over touches: the same answers as `rules.decide`, for many."""

from collections.abc import Sequence
from typing import Any

from leads.attribution.rules import FIELDS, OF_SOURCE, OTHER, Condition, Rule, RuleSet

Fragment = tuple[str, list[Any]]


def _site(column: str) -> str:
    bare = f"""regexp_replace(lower({column} COLLATE "C"), '^[a-z][a-z0-9+.-]*://', '')"""
    return f"rtrim(regexp_replace(substring({bare} from '^[^/?#:]*'), '^www[.]', ''), '.')"


# A touch with its source; `referrer` as `rules.external` says it. Filled by `of_touches`.
SEEN = """
SELECT t.id, t.channel, t.is_stated,
       lower(t.utm_source COLLATE "C") AS utm_source,
       lower(t.utm_medium COLLATE "C") AS utm_medium,
       lower(t.utm_campaign COLLATE "C") AS utm_campaign,
       lower(t.utm_term COLLATE "C") AS utm_term,
       lower(t.utm_content COLLATE "C") AS utm_content,
       lower(t.landing_page COLLATE "C") AS landing_page,
       t.click_ids,
       CASE WHEN {internal} THEN '' ELSE {site} END AS referrer,
       lower(coalesce(s.key, '') COLLATE "C") AS source,
       coalesce(s.kind, '') AS source_kind,
       coalesce(s.channel, '') AS source_channel
FROM leads_touch t
LEFT JOIN leads_inquiry i ON i.id = t.inquiry_id
LEFT JOIN leads_source s ON s.id = i.source_id
"""


def of_touches(rule_set: RuleSet, where: str, params: Sequence[Any]) -> Fragment:
    """Rows `(id, channel, chosen)` of the touches that rules may judge and `where` names."""
    seen, seen_params = _seen(rule_set.own_hosts)
    chosen, chosen_params = choosing(rule_set.rules)
    text = (
        f"SELECT seen.id, seen.channel, {chosen} AS chosen "
        f"FROM ({seen} WHERE NOT t.is_stated AND ({where}) OFFSET 0) AS seen"
    )
    return text, [*chosen_params, *seen_params, *params]


def _seen(own_hosts: Sequence[str]) -> Fragment:
    site = _site("t.referrer")
    ours = f"{site} = {_site('t.landing_page')}"
    params: list[Any] = []
    for own in own_hosts:
        ours += f" OR {site} = %s OR right({site}, %s) = %s"
        params += [own, len(own) + 1, f".{own}"]
    return SEEN.format(internal=ours, site=site), params


def choosing(rules: Sequence[Rule]) -> Fragment:
    """`CASE` over the columns of `SEEN`."""
    params: list[Any] = []
    cases = ""
    for rule in rules:
        condition, values = _rule(rule)
        params += values
        if rule.channel == OF_SOURCE:
            cases += f" WHEN {condition} THEN seen.source_channel"
        else:
            cases += f" WHEN {condition} THEN %s"
            params.append(rule.channel)
    if not cases:
        return "%s::text", [OTHER]
    return f"CASE{cases} ELSE %s END", [*params, OTHER]


def _rule(rule: Rule) -> Fragment:
    params: list[Any] = []
    parts = ["true"]
    if rule.channel == OF_SOURCE:
        parts.append("seen.source_channel NOT IN ('', 'other')")
    for condition in rule.conditions:
        text, values = _condition(condition)
        parts.append(text)
        params += values
    return " AND ".join(f"({part})" for part in parts), params


def _condition(condition: Condition) -> Fragment:
    if FIELDS[condition.field].is_list:
        return _of_list(condition)
    column = f"seen.{condition.field}"
    values = ['lower(%s COLLATE "C")'] * len(condition.values)
    match condition.op:
        case "is_set":
            return f"{column} <> ''", []
        case "is_not_set":
            return f"{column} = ''", []
        case "is":
            return _any(f"{column} = {value}" for value in values), list(condition.values)
        case "is_not":
            return f"NOT {_any(f'{column} = {v}' for v in values)}", list(condition.values)
        case "contains":
            tests = _any(f"position({value} in {column}) > 0" for value in values)
        case "starts_with":
            tests = _any(f"starts_with({column}, {value})" for value in values)
        case _:
            dotted = f"'.' || {column} || '.'"
            tests = _any(f"position('.' || {v} || '.' in {dotted}) > 0" for v in values)
    return tests, list(condition.values)


def _any(tests: Any) -> str:
    return f"({' OR '.join(tests) or 'false'})"


def _of_list(condition: Condition) -> Fragment:
    filled = "seen.click_ids NOT IN ('[]'::jsonb, '{}'::jsonb)"
    match condition.op:
        case "is_set":
            return filled, []
        case "is_not_set":
            return f"NOT {filled}", []
        case "is":
            return "seen.click_ids ?| %s", [list(condition.values)]
        case _:
            return "NOT seen.click_ids ?| %s", [list(condition.values)]
