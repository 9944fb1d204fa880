"""The builder of conditions: a form field that any app uses unchanged.

    class RuleForm(forms.Form):
        condition = ConditionField(computed=False)   # False: scoring rules cannot ask for scores

`{{ form.condition }}` in the template draws everything: rows, nested groups, the number of leads
that match and some of them. It works without scripts too: its buttons post the form, which then is
not valid yet and shows the builder again, so that a view needs no word about it. A form may hold
several builders; each is called after its field. `form.cleaned_data["condition"]` is the tree.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from leads.activity_types import ACTIVITY_TYPES
from leads.conditions import editing
from leads.conditions.catalogue import (
    MEMBERSHIPS,
    activity_label,
    fields_for,
    find_field,
    memberships_for,
)
from leads.conditions.editing import Draft, Row, Set, Where
from leads.conditions.editing.drafts import WINDOWS
from leads.conditions.editing.posting import do_of
from leads.conditions.editing.texts import CHOICES
from leads.conditions.happenings import TOUCH_COLUMNS, USUAL_PROPERTIES
from leads.conditions.operators import MEASURES, MOMENTS, NOTHING, RELATIVE, labels_of
from leads.conditions.types import Choices, Field, Type

WORDS = {"all": "and", "any": "or", "none": "or"}
TIMES = {
    "at_least": "at least",
    "exactly": "exactly",
    "at_most": "at most",
    "between": "between",
    "never": "never",
}
IS = (("is", "is"), ("is_not", "is not"))
WHERE_OPS = tuple((op, label) for op, label in labels_of(Type.CUSTOM).items() if op != "between")
EVERYBODY: dict[str, Any] = {"all": []}


@dataclass(frozen=True, slots=True)
class Options:
    """Choices under one heading."""

    label: str
    choices: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Builder:
    """What the template draws.

    :param computed: whether scores may be asked for; scoring rules leave out what scoring makes.
    :param without: the public id of the segment whose conditions these are.
    :param counts: show how many leads match; the page of segments does it beside the builder.
    """

    draft: Draft
    computed: bool = True
    errors: Mapping[str, list[str]] = field(default_factory=dict)
    without: str = ""
    counts: bool = False
    focus: str = ""  # the path of the group whose button gets the focus

    @property
    def name(self) -> str:
        return self.draft.name

    @property
    def query(self) -> str:
        """What the addresses behind it must know."""
        asked = {"name": self.name, "computed": "" if self.computed else "0"}
        asked |= {"without": self.without, "counts": "1" if self.counts else ""}
        return urlencode({key: value for key, value in asked.items() if value})

    @property
    def url(self) -> str:
        """Where its buttons post to with scripts: the builder once more."""
        return f"{reverse('condition-builder')}?{self.query}"

    @cached_property
    def offer(self) -> list[Options]:
        groups: dict[str, list[tuple[str, str]]] = {}
        for known in fields_for(with_computed=self.computed):
            groups.setdefault(known.group, []).append((f"field:{known.key}", known.label))
        groups["What they did"] = [
            (f"activity:{key}", type_.label) for key, type_ in ACTIVITY_TYPES.items()
        ]
        groups["How they came"] = [("touch", "Came to us")]
        groups["What they are in"] = [
            (each.key, each.label) for each in memberships_for(with_computed=self.computed)
        ]
        return [Options(label, choices) for label, choices in groups.items()]

    @cached_property
    def labels(self) -> dict[str, str]:
        return {key: label for group in self.offer for key, label in group.choices}

    @cached_property
    def known_options(self) -> dict[str, Choices]:
        """Choices that were looked up, by field or membership: once for all rows."""
        return {}

    def options_of(self, what: str, found: Choices | Any) -> Choices:
        if what not in self.known_options:
            self.known_options[what] = found() if callable(found) else found
        return self.known_options[what]

    @property
    def root(self) -> "ShownSet":
        return ShownSet(self, self.draft.root, self.name)

    @property
    def usual_properties(self) -> Sequence[str]:
        return USUAL_PROPERTIES

    @property
    def touch_properties(self) -> Sequence[str]:
        return list(TOUCH_COLUMNS)

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
        return self.path == self.builder.name

    @property
    def is_focused(self) -> bool:
        return self.path == self.builder.focus

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
        return self.test.op not in NOTHING


@dataclass(frozen=True)
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
        if self.row.kind == "activity" and self.is_gone:
            return activity_label(self.row.name)
        return self.builder.labels.get(self.row.what) or self.row.name

    @property
    def is_gone(self) -> bool:
        """It asks for a field, or for an activity of a name that is not listed."""
        return bool(self.row.what) and self.row.what not in self.builder.labels

    @cached_property
    def field(self) -> Field | None:
        if self.row.is_happening and self.row.measure in MOMENTS:
            return Field(self.row.measure, "", Type.DATE, "")
        return find_field(self.row.name) if self.row.kind == "field" else None

    @property
    def ops(self) -> Choices:
        if self.row.is_happening and self.row.measure not in MOMENTS:
            return tuple(TIMES.items())
        if self.row.kind in MEMBERSHIPS:
            return IS
        return list(labels_of(self.field.type).items()) if self.field else (("is", "is"),)

    @property
    def values(self) -> tuple[str, ...]:
        return (*self.row.values, "")[:2] if self.row.op == "between" else self.row.values[:1]

    @property
    def input(self) -> str:
        """The kind of input its value takes: what the template branches on."""
        if self.row.is_happening and self.row.measure not in MOMENTS:
            return "none" if self.row.op == "never" else "amount"
        if self.row.kind in MEMBERSHIPS:
            return "text" if self.is_typed else "choice"
        found, op = self.field, self.row.op
        if found is None or op in NOTHING:
            return "none"
        if op in RELATIVE:
            return "days"
        if found.type in CHOICES:
            return "several" if op in ("in", "not_in") else "choice"
        return {Type.BOOLEAN: "yesno", Type.DATE: "date", Type.NUMBER: "number"}.get(
            found.type, "text"
        )

    @property
    def is_typed(self) -> bool:
        """A membership of open values, such as tags: typed, with what there is as a hint."""
        return self.row.kind in MEMBERSHIPS and MEMBERSHIPS[self.row.kind].is_open

    @cached_property
    def choices(self) -> Choices:
        """Those of its field; a value that is none any more is shown, so that it is not lost."""
        options: Choices = ()
        if self.row.kind in MEMBERSHIPS:
            options = self.builder.options_of(self.row.kind, MEMBERSHIPS[self.row.kind].options)
        elif self.field is not None:
            options = self.builder.options_of(self.row.what, self.field.choices)
        known = {key for key, _ in options}
        gone = [(value, value) for value in self.row.values if value and value not in known]
        return [*(each for each in options if each[0] != self.builder.without), *gone]

    @property
    def picks(self) -> Choices:
        """Of several: those picked come first."""
        return sorted(self.choices, key=lambda each: each[0] not in self.row.values)

    @property
    def chosen(self) -> list[str]:
        """What is picked of several, in words."""
        return [label for key, label in self.choices if key in self.row.values]

    @property
    def measures(self) -> Choices:
        return tuple(MEASURES.items())

    @property
    def windows(self) -> Choices:
        return tuple(WINDOWS.items())

    @property
    def where(self) -> list[ShownWhere]:
        return [ShownWhere(test, self.path, n) for n, test in enumerate(self.row.where)]


def builder_of(
    data: QueryDict | None,
    tree: Any,
    *,
    computed: bool = True,
    without: str = "",
    name: str = editing.ROOT,
    counts: bool = False,
) -> Builder:
    """The builder of what was posted, else of a saved condition.

    Errors are shown of what was posted to be saved; while somebody still arranges parts, none.
    """
    posted = data is not None and editing.is_posted(data, name)
    draft = (
        editing.read(data, name) if data is not None and posted else editing.draft_of(tree, name)
    )
    saving = posted and data is not None and not data.get("do")
    errors = draft.errors(computed=computed) if saving else {}
    return Builder(draft, computed, errors, without, counts)


# In forms -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Posted:
    """What a form sent of the builder called `name`."""

    data: QueryDict
    name: str


class ConditionWidget(forms.Widget):
    """Draws the builder; its inputs are called after the field."""

    computed = True
    use_fieldset = True

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Posted | None:
        return Posted(data, name) if editing.is_posted(data, name) else None

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not editing.is_posted(data, name)

    def id_for_label(self, id_: str) -> str:
        return ""

    def render(self, name: str, value: Any, attrs: Any = None, renderer: Any = None) -> SafeString:
        posted = value.data if isinstance(value, Posted) else None
        tree = EVERYBODY if posted is not None or not value else value
        builder = builder_of(posted, tree, computed=self.computed, name=name, counts=True)
        html = render_to_string("leads/conditions/builder.html", {"builder": builder})
        return mark_safe(html)  # noqa: S308  # a template of ours, which escapes


class ConditionField(forms.Field):
    """A condition as people write it; cleaned to its tree.

    :param computed: whether it may ask for scores and segments.
    :param required: refuse to take everybody by an empty condition; else that gives None.
    """

    widget = ConditionWidget
    default_error_messages = {
        "required": "Add at least one condition.",
        "arranging": "Fill in the condition, then save.",
    }

    def __init__(self, *, computed: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self.computed = computed
        if isinstance(self.widget, ConditionWidget):
            self.widget.computed = computed

    def clean(self, value: Any) -> Any:
        if isinstance(value, Posted) and do_of(value.data, value.name):
            raise ValidationError(self.error_messages["arranging"], code="arranging")
        draft = editing.read(value.data, value.name) if isinstance(value, Posted) else Draft()
        if draft.is_empty:
            if self.required:
                raise ValidationError(self.error_messages["required"], code="required")
            return None
        if errors := draft.errors(computed=self.computed):
            raise ValidationError([text for texts in errors.values() for text in texts])
        return draft.tree

    def has_changed(self, initial: Any, data: Any) -> bool:
        return True
