"""The tree itself: groups, negations, and which leaf is meant."""

from collections.abc import Callable
from typing import Any, cast

from leadcrm.lib import memo
from leadcrm.lib.normalise import clean_text
from leads.conditions.catalogue import MEMBERSHIPS, find_field
from leads.conditions.parsing.happenings import Happenings
from leads.conditions.parsing.limits import MAX_DEPTH, MAX_LEAVES
from leads.conditions.tree import FieldTest, Group, MembershipTest, Node, Not
from leads.conditions.types import Membership

Reader = Callable[[dict[str, Any], str, int], Node | None]


def validate(tree: Any, *, path: str = "condition", computed: bool = True) -> None:
    """:raises Invalid: with a `FieldError` for each mistake; see `parse`."""
    parse(tree, path=path, computed=computed, check_choices=True)


def parse(
    tree: Any, *, path: str = "condition", computed: bool = True, check_choices: bool = False
) -> Node:
    """The tree as typed nodes.

    :param computed: whether scores may be asked for; scoring rules cannot depend on them.
    :param check_choices: refuse stages, sources and segments that do not exist (any more).
    :raises Invalid: with a `FieldError` for each mistake.
    """
    reader = _Reader(computed=computed, check_choices=check_choices)
    with memo.continuing():
        node = reader.node(tree, path, 0)
    reader.raise_mistakes()
    return cast(Node, node)


def parse_where(where: Any, *, path: str = "where") -> tuple[FieldTest, ...]:
    """Tests of an activity's properties: `{"url": {"contains": "/pricing"}, "plan": "pro"}`.

    :raises Invalid:
    """
    reader = Happenings(check_choices=False)
    tests = reader.where(where, path)
    reader.raise_mistakes()
    return tests


class _Reader(Happenings):
    def __init__(self, *, computed: bool, check_choices: bool) -> None:
        super().__init__(check_choices=check_choices)
        self.leaves = 0
        self.computed = computed
        self.groups: dict[str, Reader] = {
            "all": self.group,
            "any": self.group,
            "not": self.negation,
        }
        self.kinds: dict[str, Reader] = {
            **self.groups,
            "field": self.field_test,
            "activity": self.activity_test,
            "touch": self.touch_test,
        }

    def node(self, raw: Any, path: str, depth: int) -> Node | None:
        if not isinstance(raw, dict):
            self.wrong(path, 'A condition is an object such as {"all": [...]}.')
            return None
        found = [kind for kind in (*self.kinds, *MEMBERSHIPS) if kind in raw]
        if len(found) != 1:
            names = ", ".join((*self.kinds, *MEMBERSHIPS))
            self.wrong(
                path, f'Write exactly one of {names} here; for everybody write {{"all": []}}.'
            )
            return None
        if depth > MAX_DEPTH:
            self.wrong(path, f"Nest at most {MAX_DEPTH} levels deep.", "too_deep")
            return None
        if found[0] not in self.groups:
            self.leaves += 1
            if self.leaves > MAX_LEAVES:
                self.wrong(path, f"Use at most {MAX_LEAVES} conditions.", "too_many")
                return None
        return self.kinds.get(found[0], self.membership_test)(raw, path, depth)

    def group(self, raw: dict[str, Any], path: str, depth: int) -> Node | None:
        kind = "all" if "all" in raw else "any"
        self.only(raw, path, {kind})
        items = raw[kind]
        if not isinstance(items, list):
            self.wrong(f"{path}.{kind}", f"“{kind}” holds a list of conditions.")
            return None
        if not items and kind == "any":
            self.wrong(f"{path}.any", "Add at least one condition to “any”.", "required")
            return None
        # Once is enough to say that there are too many.
        if len(items) > MAX_LEAVES:
            self.wrong(f"{path}.{kind}", f"Use at most {MAX_LEAVES} conditions.", "too_many")
            return None
        children = [
            self.node(item, f"{path}.{kind}.{index}", depth + 1) for index, item in enumerate(items)
        ]
        return Group(kind == "all", tuple(child for child in children if child is not None))

    def negation(self, raw: dict[str, Any], path: str, depth: int) -> Node | None:
        self.only(raw, path, {"not"})
        child = self.node(raw["not"], f"{path}.not", depth + 1)
        return None if child is None else Not(child)

    def membership_test(self, raw: dict[str, Any], path: str, _: int) -> Node | None:
        membership = next(MEMBERSHIPS[key] for key in MEMBERSHIPS if key in raw)
        self.only(raw, path, {membership.key})
        if membership.computed and not self.computed:
            self.wrong(path, _circular(f"A {membership.label.lower()} may depend on scores"),
                       "circular")  # fmt: skip
            return None
        place = f"{path}.{membership.key}"
        value = self.text(raw[membership.key], place)
        if value and self.check_choices and not membership.knows(value):
            self.wrong(place, _gone(membership, value), f"unknown_{membership.key}")
            return None
        return MembershipTest(membership, value) if value else None

    def field_test(self, raw: dict[str, Any], path: str, _: int) -> Node | None:
        self.only(raw, path, {"field", "op", "value"})
        key = raw["field"]
        field = find_field(key) if isinstance(key, str) and "\0" not in key else None
        if field is None:
            shown = clean_text(key, limit=60) if isinstance(key, str) else "this"
            self.wrong(
                f"{path}.field",
                f"There is no field “{shown}” (any more). Choose another one.",
                "unknown_field",
            )
            return None
        if field.computed and not self.computed:
            self.wrong(f"{path}.field", _circular(f"“{field.label}” is made by scoring"),
                       "circular")  # fmt: skip
            return None
        return self.test(field, raw.get("op", "is"), raw.get("value"), path)


def _circular(why: str) -> str:
    return f"{why}, so a rule cannot ask for it. Choose what leads are or do."


def _gone(membership: Membership, value: str) -> str:
    return f"There is no {membership.label.lower()} “{value[:60]}” (any more). Choose another one."
