"""Which segments a condition names, and what names a segment."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from leadcrm.lib.recent import Recent
from leads.models import Segment


@dataclass(frozen=True, slots=True)
class Use:
    """Something whose condition may name a segment; `kind` as in “Routing rule”.

    `awaits`: it decides anew about a lead when one of its segments does.
    """

    kind: str
    name: str
    href: str
    condition: Any
    awaits: bool = False


Uses = Callable[[], Iterable[Use]]
USERS: list[Uses] = []
_NAMED: Recent[frozenset[str]] = Recent(seconds=2)


def uses(find: Uses) -> Uses:
    """Register what else has conditions: rules, drip campaigns, saved views.

    Something that names a segment otherwise gives `{"segment": "<id>"}` as its condition.
    """
    USERS.append(find)
    return find


NAMING = ("segment", "list")


def named_in(tree: Any) -> set[str]:
    """The public ids of the segments that a condition names, however deep."""
    return set(_names(tree))


def _names(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        yield from (tree[key] for key in NAMING if isinstance(tree.get(key), str))
        for value in tree.values():
            yield from _names(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _names(item)


def users_of(public_id: str) -> list[Use]:
    """What would be affected by a change of this segment, other segments first."""
    return [use for find in USERS for use in find() if public_id in named_in(use.condition)]


def activities_named() -> frozenset[str]:
    """The activities that live segments ask for, as of the last seconds."""
    known = _NAMED.get("")
    if known is None:
        live = Segment.objects.filter(archived_at=None, kind=Segment.Kind.LIVE)
        known = frozenset(
            name for tree in live.values_list("conditions", flat=True) for name in _activities(tree)
        )
        _NAMED.put("", known)
    return known


def _activities(tree: Any) -> Iterator[str]:
    if isinstance(tree, Mapping):
        if isinstance(tree.get("activity"), str):
            yield tree["activity"]
        for value in tree.values():
            yield from _activities(value)
    elif isinstance(tree, list):
        for item in tree:
            yield from _activities(item)


def awaited() -> set[str]:
    """The public ids of segments that something above waits for."""
    waiting = (use for find in USERS for use in find() if use.awaits)
    return {named for use in waiting for named in named_in(use.condition)}


@uses
def _segments() -> Iterator[Use]:
    for segment in Segment.objects.filter(archived_at=None, kind=Segment.Kind.LIVE):
        yield Use("Segment", segment.name, f"/segments/{segment.public_id}/", segment.conditions)


def circle(public_id: str, tree: Any) -> list[str]:
    """The names of the segments through which `tree`, as the conditions of this one, names itself.

    Empty when there is no circle.
    """
    known = {
        segment.public_id: segment
        for segment in Segment.objects.filter(archived_at=None, kind=Segment.Kind.LIVE)
    }
    trees = {key: segment.conditions for key, segment in known.items()} | {public_id: tree}

    def walk(key: str, path: tuple[str, ...]) -> tuple[str, ...]:
        for named in sorted(named_in(trees.get(key))):
            if named == public_id:
                return (*path, key)
            if named not in path and (found := walk(named, (*path, key))):
                return found
        return ()

    return [known[key].name if key in known else "" for key in walk(public_id, ())]


def in_order(segments: Iterable[Segment]) -> list[list[Segment]]:
    """Segments in steps: those of a step name only segments of the steps before it."""
    waiting = {segment.public_id: segment for segment in segments}
    steps: list[list[Segment]] = []
    while waiting:
        ready = [s for s in waiting.values() if not named_in(s.conditions) & waiting.keys()]
        ready = ready or list(waiting.values())  # a circle cannot be saved; this only ends the loop
        steps.append(ready)
        for segment in ready:
            del waiting[segment.public_id]
    return steps
