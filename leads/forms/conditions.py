"""The builder of conditions as its template shows it: every part with its choices and errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from django.http import QueryDict

from leads.activity_types import ACTIVITY_TYPES
from leads.conditions import editing, fields_for
from leads.conditions.catalogue import DATE_LABELS, OPERATOR_LABELS, OPERATORS, find_field
from leads.conditions.editing import Draft, Row, Set, Where
from leads.conditions.types import Choices, Field, Type
from leads.models import Segment, Tag

WORDS = {"all": "and", "any": "or", "none": "or"}
WHERE_OPS = tuple((op, OPERATOR_LABELS[op]) for op in OPERATORS[Type.CUSTOM] if op != "between")
MOST_TAGS = 200


@dataclass(frozen=True, slots=True)
class Options:
    """Choices under one heading."""

    label: str
    choices: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Builder:
    """`offer`: what conditions may be about; scoring rules leave out what scoring makes."""

    draft: Draft
    computed: bool = True
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    without: str = ""  # the public id of the segment whose conditions these are

    @cached_property
    def offer(self) -> list[Options]:
        groups: dict[str, list[tuple[str, str]]] = {}
        for known in fields_for(with_computed=self.computed):
            groups.setdefault(known.group, []).append((f"field:{known.key}", known.label))
        did = [(f"activity:{key}", type_.label) for key, type_ in ACTIVITY_TYPES.items()]
        groups["What they did"] = did
        groups["Membership"] = [("tag", "Tag")]
        if self.computed:
            groups["Membership"].append(("segment", "Segment"))
        return [Options(label, choices) for label, choices in groups.items()]

    @cached_property
    def segments(self) -> Choices:
        found = Segment.objects.filter(archived_at=None).exclude(public_id=self.without)
        return list(found.order_by("name").values_list("public_id", "name"))

    @cached_property
    def tags(self) -> Choices:
        names = Tag.objects.order_by("name").values_list("name", flat=True)[:MOST_TAGS]
        return [(name, name) for name in names]

    @property
    def root(self) -> "ShownSet":
        return ShownSet(self, self.draft.root, editing.ROOT)

    def errors_of(self, path: str) -> list[str]:
        return list(self.errors.get(path, ()))


@dataclass(frozen=True, slots=True)
class ShownSet:
    builder: Builder
    group: Set
    path: str
    word: str = ""

    is_set = True

    @property
    def errors(self) -> list[str]:
        return self.builder.errors_of(self.path)

    @property
    def matches(self) -> Choices:
        return tuple(editing.MATCHES.items())

    @property
    def is_root(self) -> bool:
        return self.path == editing.ROOT

    @property
    def parts(self) -> "Iterator[ShownSet | ShownRow]":
        for index, part in enumerate(self.group.parts):
            path, word = f"{self.path}.{index}", WORDS[self.group.match] if index else ""
            if isinstance(part, Set):
                yield ShownSet(self.builder, part, path, word)
            else:
                yield ShownRow(self.builder, part, path, word)


@dataclass(frozen=True, slots=True)
class ShownWhere:
    test: Where
    path: str
    index: int
    ops: Choices = WHERE_OPS

    @property
    def takes_value(self) -> bool:
        return self.test.op not in editing.NOTHING


@dataclass(frozen=True, slots=True)
class ShownRow:
    builder: Builder
    row: Row
    path: str
    word: str

    is_set = False

    @property
    def errors(self) -> list[str]:
        return self.builder.errors_of(self.path)

    @property
    def label(self) -> str:
        """What it is about, in words; what is gone keeps its name."""
        known = (c for group in self.builder.offer for c in group.choices)
        return dict(known).get(self.row.what) or self.row.name

    @property
    def is_gone(self) -> bool:
        """It asks for a field, or for an activity of a name that is not listed."""
        offered = {key for group in self.builder.offer for key, _ in group.choices}
        return bool(self.row.what) and self.row.what not in offered

    @property
    def field(self) -> Field | None:
        return find_field(self.row.name) if self.row.kind == "field" else None

    @property
    def ops(self) -> Choices:
        if self.row.kind == "activity":
            return tuple(editing.TIMES.items())
        found = self.field
        if found is None:
            return (("is", "is"),)
        labels = OPERATOR_LABELS | (DATE_LABELS if found.type is Type.DATE else {})
        return [(op, labels[op]) for op in OPERATORS[found.type]]

    @property
    def values(self) -> tuple[str, ...]:
        return (*self.row.values, "")[:2] if self.row.op == "between" else self.row.values[:1]

    @property
    def input(self) -> str:
        """The kind of input its value takes: what the template branches on."""
        if self.row.kind != "field":
            return self.row.kind or "none"
        found, op = self.field, self.row.op
        if found is None or op in editing.NOTHING:
            return "none"
        if op in editing.DAYS:
            return "days"
        if found.type in editing.CHOICES and found.options:
            return "several" if op in ("in", "not_in") else "choice"
        return {Type.BOOLEAN: "yesno", Type.DATE: "date", Type.NUMBER: "number"}.get(
            found.type, "text"
        )

    @property
    def choices(self) -> Choices:
        """Those of its field; a value that is none any more is shown, so that it is not lost."""
        options: Choices = self.field.options if self.field else ()
        if self.row.kind == "segment":
            options = self.builder.segments
        elif self.row.kind == "tag":
            options = self.builder.tags
        known = {key for key, _ in options}
        gone = [(value, value) for value in self.row.values if value and value not in known]
        return [*options, *gone]

    @property
    def where(self) -> list[ShownWhere]:
        return [ShownWhere(test, self.path, n) for n, test in enumerate(self.row.where)]


def builder_of(
    data: QueryDict | None, tree: Any, *, computed: bool = True, without: str = ""
) -> Builder:
    """The builder of what was posted, else of a saved condition.

    Errors are shown of what was posted to be saved; while somebody still arranges parts, none.
    """
    posted = data is not None and f"{editing.ROOT}-size" in data
    draft = editing.read(data) if data is not None and posted else editing.draft_of(tree)
    saving = posted and data is not None and not data.get("do")
    errors = draft.errors(computed=computed) if saving else {}
    return Builder(draft, computed, errors, without)
