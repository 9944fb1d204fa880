"""Channels and the rules that choose them: draft, publish, and old touches grouped anew."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypedDict

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Max
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leads.attribution import channels, sql, store
from leads.attribution.defaults import DEFAULTS
from leads.attribution.rules import (
    FIELDS,
    OF_SOURCE,
    OPS,
    OPS_OF_LIST,
    WITHOUT_VALUES,
    Condition,
    Rule,
    lowered,
    site_of,
)
from leads.models import (
    ChannelRuleSet,
    MarketingChannel,
    Regrouping,
    Touch,
)

QUEUE = "regrouping"
BATCH = 20_000
MOST_RULES = 200
MOST_CONDITIONS = 10
MOST_VALUES = 200
MOST_CHANNELS = 60
State = ChannelRuleSet.State


class NoDraft(Conflict):
    code = "no_draft"

    def __init__(self) -> None:
        super().__init__("There are no changes to publish.")


# ---- channels ----


@transaction.atomic
def save_channel(key: str, *, name: str, icon: str = "") -> str:
    """Rename a channel, or make one of the company's own when `key` is empty; its key.

    :raises Invalid, NotFound:
    """
    name = clean_text(name, limit=40)
    if not name:
        raise Invalid.field("name", "Give the channel a name.")
    if key and key not in channels.known_keys():
        raise NotFound
    others = {known.name.casefold(): known.key for known in channels.all_channels()}
    if others.get(name.casefold(), key) != key or name == channels.UNKNOWN_LABEL:
        raise Invalid.field("name", f"There is a channel “{name}” already.")
    if not key and len(others) >= MOST_CHANNELS:
        raise Invalid.field("name", f"There are {MOST_CHANNELS} channels. Archive and reuse one.")
    changes = {"name": name} | ({"icon": icon} if icon in channels.OWN_ICONS else {})
    try:
        with transaction.atomic():
            return _write(key or _free_key(name), **changes)
    except IntegrityError:
        raise Invalid.field("name", f"There is a channel “{name}” already.") from None


def _free_key(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:16] or "channel"
    taken = channels.known_keys() | {channels.UNKNOWN, "none", "all"}
    return next(
        key for n in range(1, 100) if (key := stem + (f"_{n}" if n > 1 else "")) not in taken
    )


def _write(key: str, **changes: Any) -> str:
    """Change a channel's row, which a usual one gets only when something differs."""
    known = next((each for each in channels.all_channels() if each.key == key), None)
    start = {"name": known.name, "icon": known.icon, "position": known.position} if known else {}
    MarketingChannel.objects.update_or_create(
        key=key, defaults=changes, create_defaults={**start, **changes}
    )
    channels.forget()
    return key


@transaction.atomic
def move_channel(key: str, *, up: bool) -> None:
    known = channels.all_channels()
    place = next((n for n, each in enumerate(known) if each.key == key), None)
    if place is None:
        raise NotFound
    other = place + (-1 if up else 1)
    if not 0 <= other < len(known):
        return
    known[place], known[other] = known[other], known[place]
    for n, each in enumerate(known, 1):
        if each.position != 10 * n:
            _write(each.key, position=10 * n)


@transaction.atomic
def archive_channel(key: str, *, archived: bool = True) -> None:
    """Offer it nowhere any more; touches and spend keep it."""
    if key not in channels.known_keys():
        raise NotFound
    _write(key, is_archived=archived)


# ---- rules ----


class RuleValues(TypedDict):
    """What people decide about a rule. `conditions`: (field, operator, values) each."""

    name: str
    channel: str
    conditions: Sequence[tuple[str, str, Sequence[str]]]


def draft() -> ChannelRuleSet | None:
    return ChannelRuleSet.objects.filter(state=State.DRAFT).first()


def _change(change: Callable[[list[dict[str, Any]]], None]) -> ChannelRuleSet:
    """Change the rules of the draft, which is begun from what holds now."""
    row = _locked_draft()
    change(row.rules)
    _save(row)
    return row


def _save(row: ChannelRuleSet) -> None:
    row.changed_at = Now()
    row.save(update_fields=["rules", "own_hosts", "changed_at"])


def _locked_draft() -> ChannelRuleSet:
    row = ChannelRuleSet.objects.select_for_update().filter(state=State.DRAFT).first()
    if row is not None:
        return row
    current = store.current_rules()
    last = ChannelRuleSet.objects.aggregate(last=Max("number"))["last"] or 0
    row, _ = ChannelRuleSet.objects.get_or_create(
        state=State.DRAFT,
        defaults={
            "number": last + 1,
            "rules": [rule.as_json() for rule in current.rules],
            "own_hosts": list(current.own_hosts),
        },
    )
    return row


@transaction.atomic
def save_rule(key: str, values: RuleValues) -> str:
    """Change a rule of the draft, or put a new one first when `key` is empty; its key.

    :raises Invalid, NotFound:
    """
    made = key

    def change(rules: list[dict[str, Any]]) -> None:
        nonlocal made
        place = _place(rules, key) if key else 0
        if not key and len(rules) >= MOST_RULES:
            raise Invalid.field("name", f"There are {MOST_RULES} rules. Delete one first.")
        made = key or _rule_key(values["name"], {rule["key"] for rule in rules})
        stored = clean_rule(made, values).as_json()
        if key:
            rules[place] = stored
        else:
            rules.insert(0, stored)

    _change(change)
    return made


@transaction.atomic
def move_rule(key: str, *, up: bool) -> None:
    def change(rules: list[dict[str, Any]]) -> None:
        place = _place(rules, key)
        other = place + (-1 if up else 1)
        if 0 <= other < len(rules):
            rules[place], rules[other] = rules[other], rules[place]

    _change(change)


@transaction.atomic
def delete_rule(key: str) -> None:
    def change(rules: list[dict[str, Any]]) -> None:
        del rules[_place(rules, key)]

    _change(change)


@transaction.atomic
def set_own_hosts(hosts: Sequence[str]) -> None:
    """Sites whose links are no origin: the company's own, payment pages."""
    row = _locked_draft()
    sites = [site_of(clean_text(host, limit=253)) for host in hosts]
    row.own_hosts = sorted({site for site in sites if site})[:MOST_VALUES]
    _save(row)


def discard_draft() -> None:
    ChannelRuleSet.objects.filter(state=State.DRAFT).delete()


def _place(rules: Sequence[dict[str, Any]], key: str) -> int:
    place = next((n for n, rule in enumerate(rules) if rule["key"] == key), None)
    if place is None:
        raise NotFound
    return place


def _rule_key(name: str, taken: set[str]) -> str:
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:40] or "rule"
    return next(
        made for n in range(1, 1000) if (made := stem + (f"-{n}" if n > 1 else "")) not in taken
    )


def clean_rule(key: str, values: RuleValues) -> Rule:
    """:raises Invalid: naming what is wrong."""
    name = clean_text(values["name"], limit=80)
    problems = [] if name else [FieldError("name", "Give the rule a name.")]
    if values["channel"] not in channels.known_keys() | {OF_SOURCE}:
        problems.append(FieldError("channel", "Choose a channel."))
    conditions = []
    for n, (field, op, said) in enumerate(values["conditions"]):
        try:
            conditions.append(_condition(field, op, said))
        except ValueError as error:
            problems.append(FieldError(f"conditions.{n}", str(error)))
    if len(conditions) > MOST_CONDITIONS:
        problems.append(FieldError("conditions", f"At most {MOST_CONDITIONS} conditions."))
    if not conditions and values["channel"] != OF_SOURCE:
        problems.append(FieldError("conditions", "Say when the rule holds: one condition or more."))
    if problems:
        raise Invalid(problems[0].message, errors=problems)
    return Rule(key, name, values["channel"], tuple(conditions))


def _condition(field: str, op: str, said: Sequence[str]) -> Condition:
    asked = FIELDS.get(field)
    if asked is None:
        raise ValueError("Choose what the condition is about.")
    if op not in OPS or (asked.is_list and op not in OPS_OF_LIST):
        raise ValueError(f"“{OPS.get(op, op)[:30]}” cannot be asked of {asked.label}.")
    if op in WITHOUT_VALUES:
        return Condition(field, op)
    values = list(dict.fromkeys(lowered(clean_text(each, limit=200)) for each in said))
    values = [value for value in values if value]
    if not values or len(values) > MOST_VALUES:
        raise ValueError(f"{asked.label}: give one word or more, at most {MOST_VALUES}.")
    return Condition(field, op, tuple(values))


@transaction.atomic
def publish(*, at: datetime, user: User | None, regroup: bool = True) -> ChannelRuleSet:
    """The draft's rules hold from now on; with `regroup` for touches of the past, too.

    :raises NoDraft:
    """
    row = ChannelRuleSet.objects.select_for_update().filter(state=State.DRAFT).first()
    if row is None:
        raise NoDraft
    ChannelRuleSet.objects.filter(state=State.PUBLISHED).update(state=State.RETIRED)
    row.state, row.published_at, row.published_by = State.PUBLISHED, at, user
    row.save(update_fields=["state", "published_at", "published_by"])
    store.forget()
    if regroup:
        start_regrouping(row)
    return row


@transaction.atomic
def restore(number: int) -> ChannelRuleSet:
    """Begin a draft with the rules of an earlier version; 0 are those of the beginning.

    :raises NotFound:
    """
    old = ChannelRuleSet.objects.filter(number=number).first() if number else None
    if number and old is None:
        raise NotFound
    row = _locked_draft()
    first = DEFAULTS
    row.rules = old.rules if old else [rule.as_json() for rule in first.rules]
    row.own_hosts = old.own_hosts if old else list(first.own_hosts)
    _save(row)
    return row


# ---- touches of the past ----


@transaction.atomic
def start_regrouping(rule_set: ChannelRuleSet) -> Regrouping:
    """Group every touch anew in the background. One under way by older rules is ended."""
    Regrouping.objects.filter(finished_at=None).update(
        finished_at=Now(), due_at=None, lease_token=None
    )
    last = Touch.objects.aggregate(last=Max("pk"))["last"] or 0
    job = Regrouping.objects.create(rule_set=rule_set, last=last)
    pump.wake(QUEUE)
    return job


def drain_regrouping() -> int:
    """Group one batch of touches anew; a killed worker's batch is simply done again."""
    claim = pump.claim(Regrouping, limit=1)
    for job in claim.items:
        with transaction.atomic():
            _advance(job, claim)
    return len(claim.items)


def _advance(job: Regrouping, claim: pump.Claim[Regrouping]) -> None:
    until = min(job.done_to + BATCH, job.last)
    seen, changed = regroup(job.rule_set, job.done_to, until)
    progress = {"done_to": until, "seen": F("seen") + seen, "changed": F("changed") + changed}
    if until >= job.last:
        pump.finish(Regrouping, [job.pk], token=claim.token, finished_at=Now(), **progress)
    else:
        pump.postpone(Regrouping, job.pk, token=claim.token, seconds=0, attempts=0, **progress)


def regroup(rule_set: ChannelRuleSet, after: int, until: int) -> tuple[int, int]:
    """Give the touches with ids in (after, until] their channels; how many were seen, changed."""
    chosen, params = sql.of_touches(
        store.rules_of(rule_set), "t.id > %s AND t.id <= %s", [after, until]
    )
    statement = (
        f"WITH chosen AS MATERIALIZED ({chosen}), moved AS ("  # noqa: S608  (see `sql`)
        "  UPDATE leads_touch t SET channel = chosen.chosen FROM chosen"
        "  WHERE t.id = chosen.id AND chosen.chosen <> chosen.channel RETURNING 1)"
        "SELECT (SELECT count(*) FROM chosen), (SELECT count(*) FROM moved)"
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, params)
        seen, changed = cursor.fetchone()
    return seen, changed
