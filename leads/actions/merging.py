"""Making two leads one, and taking them apart again at any age."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from django.db import OperationalError, connection, transaction
from django.db.models import F, Model, Q

from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import Actor, publish
from leadcrm.lib.errors import Conflict, Invalid, NotFound
from leads.actions.activities import mark_dirty, record_activity
from leads.actions.duplicates import dismiss_pair, look_for_twins
from leads.events import LeadMerged, LeadUnmerged
from leads.merging import registry
from leads.merging.journal import Journal
from leads.merging.registry import Found, Identity, Merging, Rule
from leads.merging.values import CUSTOM, FIELDS, LOSER, OWNER, SURVIVOR, value_of
from leads.models import Activity, Inquiry, Lead, LeadIdentifier, Merge
from leads.queries.survivors import survivor_id, survivors_of

Answer = TypeVar("Answer")
TRIES = 4


class AlreadyOne(Conflict):
    """The two are one lead already."""

    code = "already_merged"


class NotMerged(Conflict):
    """There is nothing to take apart."""

    code = "not_merged"


@dataclass(frozen=True, slots=True)
class Parted:
    """What became of a merge that was undone. Rows are counted in words, “3 inquiries”."""

    survivor: Lead
    loser: Lead
    back: Sequence[str] = ()  # what went over in the merge and is back
    later: Sequence[str] = ()  # what came since and is the loser's by its address
    stays: Sequence[str] = ()  # what came since and stays with the survivor
    changed: Sequence[str] = field(default=())  # fields somebody changed since: they stay


def again_after_deadlock(act: Callable[[], Answer]) -> Answer:
    """Try once more when the database broke a deadlock in somebody else's favour."""
    tries = 1 if connection.in_atomic_block else TRIES
    for left in reversed(range(tries)):
        try:
            return act()
        except OperationalError as error:
            is_deadlock = getattr(error.__cause__, "pgcode", "") in {"40P01", "40001"}
            if not is_deadlock or not left:
                raise
            time.sleep(0.02 * (tries - left))
    raise AssertionError  # the last try returns or raises


# Merging -----------------------------------------------------------------------------------------


def merge_leads(
    survivor: int,
    loser: int,
    *,
    at: datetime,
    user: User | None = None,
    actor: Actor | None = None,
    way: str = Merge.Way.HAND,
    choices: Mapping[str, str] | None = None,
    batch: uuid.UUID | None = None,
) -> Merge:
    """Make `loser` part of `survivor`: everything moves, the loser's id leads to the survivor.

    :param choices: for a field whose value stays, “survivor” or “loser”; else the survivor's,
        where it has one.
    :raises AlreadyOne: they are one already. :raises NotFound: one is gone.
    :raises Conflict: one was merged into a third in the meantime. :raises Invalid: a bad choice.
    """
    check_choices(choices or {})
    merge: Merge = again_after_deadlock(
        lambda: _merge(
            survivor,
            loser,
            at=at,
            user=user,
            actor=actor or user,
            way=way,
            choices=dict(choices or {}),
            batch=batch,
        )
    )
    return merge


def check_choices(choices: Mapping[str, str]) -> None:
    for name, whose in choices.items():
        if name not in FIELDS and name != OWNER and not name.startswith(CUSTOM):
            raise Invalid.field(name[:60], f"There is no field “{name[:60]}” to choose.", "unknown")
        if whose not in (SURVIVOR, LOSER):
            raise Invalid.field(name[:60], "Choose “survivor” or “loser”.", "invalid_choice")


@transaction.atomic
def _merge(
    survivor_pk: int,
    loser_pk: int,
    *,
    at: datetime,
    user: User | None,
    actor: Actor | None,
    way: str,
    choices: dict[str, str],
    batch: uuid.UUID | None,
) -> Merge:
    survivor, loser = _lock_pair(survivor_pk, loser_pk)
    merging = Merging(survivor, loser, at, user, choices)
    counts = perform(merging)
    merge = Merge.objects.create(
        survivor=survivor,
        loser=loser,
        way=way,
        batch=batch,
        choices=choices,
        plan=merging.journal.plan,
        counts=counts,
        merged_at=at,
        merged_by=user,
    )
    _write_down("merged", survivor, loser, merge, at=at, user=user)
    publish(
        LeadMerged(lead_id=survivor.pk, merged_id=loser.pk, merge_id=merge.pk), at=at, actor=actor
    )
    mark_dirty([survivor.pk])
    look_for_twins([survivor.pk])
    return merge


def _lock_pair(survivor_pk: int, loser_pk: int) -> tuple[Lead, Lead]:
    """Both, locked in the order of their keys, so that two merges cannot block each other."""
    rows = {lead.pk: lead for lead in lock([survivor_pk, loser_pk])}
    if survivor_pk not in rows or loser_pk not in rows:
        raise NotFound
    survivor, loser = rows[survivor_pk], rows[loser_pk]
    if survivor_id(survivor_pk) == survivor_id(loser_pk):
        raise AlreadyOne("These two are one lead already.")
    for lead in (survivor, loser):
        if lead.deleted_at is not None:
            raise NotFound
        if lead.merged_into_id is not None:
            raise Conflict(
                f"{lead.name} was merged into another lead in the meantime. Open it and look again."
            )
    return survivor, loser


def lock(lead_ids: Sequence[int]) -> list[Lead]:
    rows = Lead.objects.select_for_update(of=("self",), no_key=True).filter(pk__in=lead_ids)
    return list(rows.select_related("stage", "owner", "team", "source").order_by("pk"))


def perform(merging: Merging) -> dict[str, int]:
    """Let every app bring its rows over; return how many of which went."""
    for step in registry.in_order(registry.BEFORE):
        step.settle(merging)
    counts = {key: _bring(merging, rule) for key, rule in registry.RULES.items() if rule.moves}
    for step in registry.in_order(registry.AFTER):
        step.settle(merging)
    merging.journal.change(merging.loser, merged_into=merging.survivor)
    _touch(merging.survivor, merging.loser, at=merging.at)
    return {key: count for key, count in counts.items() if count}


def _bring(merging: Merging, rule: Rule) -> int:
    rows = rule.model._base_manager.all()
    if rule.collides is not None:
        rows = rows.exclude(rule.collides(merging))
    start, to = merging.loser.pk, merging.survivor.pk
    return len(merging.journal.move(rows, rule.field, start=start, to=to))


def _touch(*leads: Lead, at: datetime) -> None:
    """Whoever edits one of them must look again. Versions only ever grow."""
    Lead.objects.filter(pk__in=[lead.pk for lead in leads]).update(
        version=F("version") + 1, updated_at=at
    )


def _write_down(
    type_: str, lead: Lead, other: Lead, merge: Merge, *, at: datetime, user: User | None
) -> None:
    properties = {"merge": merge.pk, "lead": other.public_id, "name": other.name}
    record_activity(lead.pk, type_, at=at, user=user, properties=properties)


def counts_of(loser: Lead) -> dict[str, int]:
    """How many rows a merge would bring over, by rule."""
    found = {
        key: rule.model._base_manager.filter(**{rule.field: loser.pk}).count()
        for key, rule in registry.RULES.items()
        if rule.moves and rule.one
    }
    return {key: count for key, count in found.items() if count}


def in_words(counts: Mapping[str, int]) -> list[str]:
    """“3 inquiries”, “14 activities” …, in the order in which apps registered them."""
    rules = [(rule, counts[key]) for key, rule in registry.RULES.items() if counts.get(key)]
    return [registry.label_of(rule.model, count) for rule, count in rules if rule.one]


# Taking apart ------------------------------------------------------------------------------------


def unmerge(
    merge_id: int, *, at: datetime, user: User | None = None, actor: Actor | None = None
) -> Parted:
    """Make the two leads of a merge two again, whatever has been merged since.

    Rows go back as they were; columns somebody changed since keep the change. What came later goes
    to the loser where it carries its address or number, else it stays.

    :raises NotMerged: this was undone before. :raises NotFound:
    """
    parted: Parted = again_after_deadlock(
        lambda: _unmerge(merge_id, at=at, user=user, actor=actor or user)
    )
    return parted


def preview_unmerge(merge_id: int, *, at: datetime) -> Parted:
    """What `unmerge` would do, found by doing it and taking it back.

    :raises NotMerged: this was undone before. :raises NotFound:
    """
    with transaction.atomic():
        parted = _unmerge(merge_id, at=at, user=None, actor=None)
        transaction.set_rollback(True)
    return parted


@transaction.atomic
def _unmerge(merge_id: int, *, at: datetime, user: User | None, actor: Actor | None) -> Parted:
    merge, upon = _lock_merge(merge_id)
    holders = {merge.survivor_id, survivor_id(merge.survivor_id)}
    for later in reversed(upon):
        Journal(later.plan).undo()
    Journal(merge.plan).undo()
    later_counts = _split(merge, holders, at=at)
    for later in upon:
        _redo(later)
    survivor, loser = _fresh(survivor_id(merge.survivor_id)), _fresh(merge.loser_id)
    for lead in (survivor, loser):
        for reconcile in registry.RECONCILERS:
            reconcile(_fresh(lead.pk), at)
    Merge.objects.filter(pk=merge.pk).update(
        unmerged_at=at, unmerged_by=user, split={"later": later_counts}
    )
    _tell_of_parting(merge, survivor, loser, at=at, user=user, actor=actor)
    return Parted(
        survivor,
        loser,
        in_words(merge.counts),
        _labels(later_counts),
        _staying(merge, survivor.pk, at=at),
        _changed_since(merge),
    )


def _lock_merge(merge_id: int) -> tuple[Merge, list[Merge]]:
    """The merge and those built upon it, oldest first, with all leads concerned locked."""
    merge = Merge.objects.filter(pk=merge_id).first()
    if merge is None:
        raise NotFound
    while True:
        upon = built_upon(merge)
        concerned = {lead for each in (merge, *upon) for lead in (each.survivor_id, each.loser_id)}
        lock(sorted(concerned))
        merge.refresh_from_db()
        if merge.unmerged_at is not None:
            raise NotMerged("These two were taken apart before.")
        if [each.pk for each in built_upon(merge)] == [each.pk for each in upon]:
            return merge, upon


def built_upon(merge: Merge) -> list[Merge]:
    """Later merges that touch the same leads, which must be undone first, and done again."""
    concerned = {merge.survivor_id, merge.loser_id}
    found: dict[int, Merge] = {}
    while True:
        rows = Merge.objects.filter(
            Merge.ACTIVE, Q(survivor__in=concerned) | Q(loser__in=concerned), pk__gt=merge.pk
        ).exclude(pk__in=found)
        fresh = {row.pk: row for row in rows}
        if not fresh:
            return [found[pk] for pk in sorted(found)]
        found |= fresh
        concerned |= {lead for row in fresh.values() for lead in (row.survivor_id, row.loser_id)}


def _fresh(lead_id: int) -> Lead:
    lead: Lead = Lead.objects.select_related("stage", "owner", "team", "source").get(pk=lead_id)
    return lead


def _split(merge: Merge, holders: set[int], *, at: datetime) -> dict[str, int]:
    """Give the loser what came later under its own address or number; how many, by model."""
    counts: Counter[str] = Counter()
    for holder in sorted(holders):
        whose = _identity(merge, holder)
        for find in registry.FINDERS:
            for found in find(whose):
                counts[found.model._meta.label] += _give(found, whose)
    return {label: count for label, count in counts.items() if count}


def _identity(merge: Merge, holder: int) -> Identity:
    """By what came with the loser in the merge; not by what both had."""
    theirs = LeadIdentifier.objects.filter(lead=merge.loser_id).values_list("kind", "value")
    others = set(LeadIdentifier.objects.filter(lead=holder).values_list("kind", "value"))
    own = [(kind, value) for kind, value in theirs if (kind, value) not in others]
    kinds = LeadIdentifier.Kind
    return Identity(
        survivor_id=holder,
        loser_id=merge.loser_id,
        since=merge.merged_at,
        emails=frozenset(value for kind, value in own if kind == kinds.EMAIL),
        phones=frozenset(value for kind, value in own if kind == kinds.PHONE),
    )


def _give(found: Found, whose: Identity) -> int:
    if not found.ids:
        return 0
    rows = found.model._base_manager.filter(
        pk__in=found.ids, **{f"{found.field}_id": whose.survivor_id}
    )
    return rows.update(**{f"{found.field}_id": whose.loser_id}, **found.changes)


def _redo(merge: Merge) -> None:
    """Do a later merge once more, on what is left to it; what people changed since stays."""
    survivor, loser = _fresh(merge.survivor_id), _fresh(merge.loser_id)
    merging = Merging(
        survivor, loser, merge.merged_at, merge.merged_by, _choices_still(merge, survivor)
    )
    counts = perform(merging)
    Merge.objects.filter(pk=merge.pk).update(plan=merging.journal.plan, counts=counts)


def _choices_still(merge: Merge, survivor: Lead) -> dict[str, str]:
    """A value taken from the loser is taken again only over what it replaced the first time."""
    before = _lead_columns(merge, "before")
    return {
        name: SURVIVOR if name in before and value_of(survivor, name) != before[name] else whose
        for name, whose in merge.choices.items()
    }


def _lead_columns(merge: Merge, when: str) -> dict[str, Any]:
    """What the merge changed on the survivor itself: columns before or after it."""
    found: dict[str, Any] = {}
    for operation in merge.plan:
        if operation["model"] != Lead._meta.label or operation.get("id") != merge.survivor_id:
            continue
        columns = operation[when]
        found = {**columns, **found} if when == "before" else {**found, **columns}
    return found


def _changed_since(merge: Merge) -> list[str]:
    lead = Lead.objects.get(pk=merge.survivor_id)
    after = _lead_columns(merge, "after")
    before = _lead_columns(merge, "before")
    return [
        name
        for name in FIELDS
        if name in after and getattr(lead, name) not in (before[name], after[name])
    ]


def _staying(merge: Merge, lead_id: int, *, at: datetime) -> list[str]:
    """The later rows that nothing tells apart, as far as people ask for them."""
    since = merge.merged_at
    counts: dict[type[Model], int] = {
        Inquiry: Inquiry.objects.filter(
            lead=lead_id, received_at__gt=since, received_at__lte=at
        ).count(),
        Activity: Activity.objects.filter(lead=lead_id, received_at__gt=since)
        .exclude(type__in=["merged", "unmerged"])
        .exclude(properties__has_key="inquiry")
        .count(),
    }
    return [registry.label_of(model, count) for model, count in counts.items() if count]


def _labels(counts: Mapping[str, int]) -> list[str]:
    models = {rule.model._meta.label: rule.model for rule in registry.RULES.values()}
    words = [registry.label_of(models[name], n) for name, n in counts.items() if name in models]
    return [text for text in words if text]


def _tell_of_parting(
    merge: Merge,
    survivor: Lead,
    loser: Lead,
    *,
    at: datetime,
    user: User | None,
    actor: Actor | None,
) -> None:
    _touch(survivor, loser, at=at)
    _write_down("unmerged", survivor, loser, merge, at=at, user=user)
    _write_down("unmerged", loser, survivor, merge, at=at, user=user)
    dismiss_pair(merge.survivor_id, merge.loser_id, at=at, user=user)
    publish(
        LeadUnmerged(lead_id=survivor.pk, merged_id=loser.pk, merge_id=merge.pk), at=at, actor=actor
    )
    mark_dirty([survivor.pk, loser.pk])


# Stragglers --------------------------------------------------------------------------------------


@transaction.atomic
def gather_stragglers(merge_id: int) -> int:
    """Bring over rows that somebody wrote for the loser while it was being merged."""
    merge = Merge.objects.filter(Merge.ACTIVE, pk=merge_id).first()
    if merge is None:
        return 0
    leads = {lead.pk: lead for lead in lock([merge.survivor_id, merge.loser_id])}
    merge.refresh_from_db()
    survivor, loser = leads[merge.survivor_id], leads[merge.loser_id]
    if merge.unmerged_at is not None:
        return 0
    journal = Journal(merge.plan)
    merging = Merging(survivor, loser, merge.merged_at, None, {}, journal)
    rules = [rule for rule in registry.RULES.values() if rule.moves and rule.collides is None]
    brought = sum(_bring(merging, rule) for rule in rules)
    if brought:
        Merge.objects.filter(pk=merge.pk).update(plan=journal.plan)
        mark_dirty([survivor_id(survivor.pk)])
        for further in Merge.objects.filter(Merge.ACTIVE, loser=survivor):
            gather_stragglers(further.pk)
    return brought


# Many at once ------------------------------------------------------------------------------------


def merge_pairs(
    pairs: Sequence[tuple[int, int]], *, at: datetime, user: User, batch: uuid.UUID
) -> int:
    """Merge each (survivor, loser), each for itself; return how many.

    Pairs may share a lead: those already one are passed over.
    """
    done = 0
    for survivor, loser in pairs:
        left = survivors_of([survivor, loser])
        if left.get(survivor) == left.get(loser):
            continue
        try:
            merge_leads(
                left[survivor], left[loser], at=at, user=user, way=Merge.Way.BULK, batch=batch
            )
        except (Conflict, NotFound):
            continue  # somebody merged or deleted one of them this very moment
        done += 1
    return done


def unmerge_batch(batch: uuid.UUID, *, at: datetime, user: User) -> int:
    """Take apart what somebody merged in one go, the newest first; return how many."""
    mine = Merge.objects.filter(Merge.ACTIVE, batch=batch, merged_by=user)
    ids = list(mine.order_by("-pk").values_list("pk", flat=True))
    for merge_id in ids:
        unmerge(merge_id, at=at, user=user)
    return len(ids)
