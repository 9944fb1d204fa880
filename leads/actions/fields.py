"""Fields that the company adds: defining, changing, ordering, archiving, deleting."""

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any, TypedDict

from django.db import IntegrityError, connection, transaction
from django.db.models import Max

from leadcrm.lib import normalise
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound
from leads import fields
from leads.actions import uniques
from leads.actions.activities import mark_dirty
from leads.fields.converting import Conversion, Stored, conversion
from leads.fields.store import forget
from leads.models import FieldDefinition, Lead

MOST_FIELDS = 200
MOST_OPTIONS = 300
MOST_DISTINCT = 100_000


class FieldValues(TypedDict, total=False):
    """What people decide about a field. `options`: `{"key"?, "label", "archived"?}` each."""

    label: str
    type: str
    options: Sequence[Any]
    currency: str
    required: bool
    help: str
    default: Any
    group: str
    is_sensitive: bool
    is_unique: bool
    is_searched: bool


class FieldInUse(Conflict):
    """It is named somewhere, or leads have values; archive it instead."""

    code = "field_in_use"


class ValuesDoNotFit(Conflict):
    """Some leads have values that the new type cannot hold."""

    code = "values_do_not_fit"

    def __init__(self, definition: FieldDefinition, found: Conversion) -> None:
        shown = "; ".join(f"“{text}” ({count})" for text, count in found.examples)
        message = (
            f"{found.unfit_leads:,} of {found.leads:,} values of “{definition.label}” do not fit "
            f"the new type: {shown}. Correct these leads first."
        )
        super().__init__(message, errors=[FieldError("type", message, self.code)])


@transaction.atomic
def create_field(values: FieldValues, *, key: str = "", found: str = "") -> FieldDefinition:
    """Define a field at the end of its list.

    :param key: what programs call it; made of the label if left out.
    :param found: a key that leads have already and nobody described: its values become this
        field's, converted where they fit and kept as they are where not.
    :raises Invalid: naming what is wrong.
    """
    if FieldDefinition.objects.count() >= MOST_FIELDS:
        raise Invalid.field("label", f"There are {MOST_FIELDS} fields. Delete one first.")
    definition = FieldDefinition(key=_free_key(key, values.get("label", "")))
    _take(definition, values)
    last = FieldDefinition.objects.aggregate(last=Max("position"))["last"]
    definition.position = 0 if last is None else last + 1
    _save(definition)
    if found:
        changes = conversion(stored_values(found), definition)
        _rewrite(found, definition.key, changes)
        if definition.is_unique:
            _refuse_doubles(definition)
    return definition


@transaction.atomic
def change_field(key: str, values: FieldValues) -> FieldDefinition:
    """Change what is given. Another type converts the values of all leads.

    :raises ValuesDoNotFit: nothing is changed then.
    :raises Invalid, NotFound:
    """
    definition = _locked(key)
    old = _copy(definition)
    _take(definition, values)
    if definition.type != old.type:
        found = conversion(stored_values(key), definition, old=old)
        if found.unfit:
            raise ValuesDoNotFit(definition, found)
        _save(definition)
        _rewrite(key, key, found)
    else:
        _refuse_lost_options(old, definition)
        _save(definition)
    return definition


def preview_type(definition: FieldDefinition, values: FieldValues) -> Conversion:
    """What changing the type would do, without doing it.

    :raises Invalid:
    """
    new = _copy(definition)
    _take(new, values)
    return conversion(stored_values(definition.key), new, old=definition)


@transaction.atomic
def archive_field(key: str) -> FieldDefinition:
    """Offer it nowhere any more; leads keep their values."""
    definition = _locked(key)
    definition.is_active = False
    _save(definition)
    return definition


@transaction.atomic
def restore_field(key: str) -> FieldDefinition:
    definition = _locked(key)
    definition.is_active = True
    _save(definition)
    return definition


@transaction.atomic
def delete_field(key: str) -> None:
    """:raises FieldInUse: saying where."""
    definition = _locked(key)
    uses = list(fields.uses_of(definition.name))
    if uses:
        named = ", ".join(f"{use.kind} “{use.name}”" for use in uses[:5])
        raise FieldInUse(f"“{definition.label}” is used by {named}. Take it out there first.")
    if Lead.objects.filter(custom__has_key=key).exists():
        raise FieldInUse(
            f"Leads have values for “{definition.label}”. Archive it: it disappears from forms "
            "and lists, and nothing is lost."
        )
    definition.delete()
    forget()


@transaction.atomic
def move_field(key: str, *, up: bool) -> None:
    """One place up or down among the fields in use."""
    ordered = list(FieldDefinition.objects.select_for_update().order_by("position", "pk"))
    place = next((i for i, row in enumerate(ordered) if row.key == key), None)
    if place is None:
        raise NotFound
    step = -1 if up else 1
    other = place + step
    while 0 <= other < len(ordered) and ordered[other].is_active != ordered[place].is_active:
        other += step
    if 0 <= other < len(ordered):
        ordered[place], ordered[other] = ordered[other], ordered[place]
    for position, row in enumerate(ordered):
        row.position = position
    FieldDefinition.objects.bulk_update(ordered, ["position"])
    forget()


# ---- reading what was decided ----


def _locked(key: str) -> FieldDefinition:
    found = FieldDefinition.objects.select_for_update().filter(key=key).first()
    if found is None:
        raise NotFound
    return found


def _copy(definition: FieldDefinition) -> FieldDefinition:
    names = [column.attname for column in FieldDefinition._meta.concrete_fields]
    return FieldDefinition(**{name: getattr(definition, name) for name in names})


def slug_of(label: str, *, limit: int = 40) -> str:
    """`Contract ends (year)` is contract_ends_year."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:limit].rstrip("_")
    return slug if slug[:1].isalpha() else f"field_{slug}"[:limit].rstrip("_")


def _free_key(key: str, label: str) -> str:
    taken = {"new", *FieldDefinition.objects.values_list("key", flat=True)}
    if key:
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,39}", key) or "__" in key:
            raise Invalid.field(
                "key", "Use small letters, digits and single _, a letter first: 40 at most."
            )
        if key in taken:
            raise Invalid.field("key", f"There is a field “{key}” already.", "taken")
        return key
    made = slug_of(label)
    return next(
        candidate
        for number in range(1, len(taken) + 2)
        if (candidate := made if number == 1 else f"{made[:36]}_{number}") not in taken
    )


def _take(definition: FieldDefinition, values: FieldValues) -> None:
    _take_words(definition, values)
    if "type" in values:
        if values["type"] not in FieldDefinition.Type.values:
            raise Invalid.field("type", "Choose one of the types.", "unknown_type")
        definition.type = values["type"]
    for name in ("required", "is_sensitive", "is_unique", "is_searched"):
        if name in values:
            setattr(definition, name, bool(values[name]))
    _check_purpose(definition)
    if "options" in values:
        definition.options = _options(definition.options or [], values["options"])
    if not definition.has_options:
        definition.options = []
    elif not definition.offered:
        raise Invalid.field("options", "Write at least one option to choose.", "required")
    _take_currency(definition, values)
    if "default" in values or "type" in values:
        _take_default(definition, values.get("default", definition.default))


def _check_purpose(definition: FieldDefinition) -> None:
    """:raises Invalid: the type, or being sensitive, speaks against being unique or searched."""
    kind = definition.get_type_display().lower()
    if definition.is_unique and definition.type not in FieldDefinition.TELLING:
        raise Invalid.field("is_unique", f"A field of the type “{kind}” cannot be unique.")
    if definition.is_searched and definition.type not in FieldDefinition.WORDS:
        raise Invalid.field("is_searched", f"The type “{kind}” has no words to search for.")
    if definition.is_searched and definition.is_sensitive:
        raise Invalid.field("is_searched", "Searching would show who has a sensitive value.")


def _take_words(definition: FieldDefinition, values: FieldValues) -> None:
    for name, limit in {"label": 60, "help": 200, "group": 40}.items():
        if name in values:
            text = " ".join(str(values[name] or "").split())  # type: ignore[literal-required]
            setattr(definition, name, normalise.clean_text(text, limit=limit))
    if not definition.label:
        raise Invalid.field("label", "Give the field a name.", "required")


def _take_currency(definition: FieldDefinition, values: FieldValues) -> None:
    if definition.type != FieldDefinition.Type.MONEY:
        definition.currency = ""
    elif "currency" in values:
        code = str(values["currency"] or "").strip().upper()
        probe = FieldDefinition(key="probe", type=definition.type, currency=code)
        try:
            fields.clean_value(probe, 1)
        except fields.BadValue as error:
            raise Invalid.field("currency", error.message) from None
        definition.currency = code


def _take_default(definition: FieldDefinition, raw: Any) -> None:
    try:
        definition.default = fields.clean_value(definition, raw)
    except fields.BadValue as error:
        raise Invalid.field("default", error.message) from None


def _options(old: Sequence[dict[str, Any]], given: Sequence[Any]) -> list[dict[str, Any]]:
    """Options with stable keys: an option keeps its key when its label changes.

    :raises Invalid: two have one label, or there are too many.
    """
    kept = {option["key"]: option for option in old}
    by_label = {option["label"].casefold(): option["key"] for option in old}
    made: dict[str, dict[str, Any]] = {}
    for item in given:
        row = item if isinstance(item, dict) else {"label": item}
        label = normalise.clean_text(" ".join(str(row.get("label") or "").split()), limit=80)
        if not label:
            continue
        key = str(row.get("key") or "")
        if key not in kept:
            key = by_label.get(label.casefold()) or _option_key(key or label, {*kept, *made})
        made[key] = {"key": key, "label": label}
        if row.get("archived"):
            made[key]["archived"] = True
    labels = [option["label"].casefold() for option in made.values()]
    if len(set(labels)) < len(labels):
        raise Invalid.field("options", "Two options have the same name.", "taken")
    if len(made) > MOST_OPTIONS:
        raise Invalid.field("options", f"Use at most {MOST_OPTIONS} options.", "too_many")
    return list(made.values())


def _option_key(label: str, taken: set[str]) -> str:
    made = slug_of(label, limit=30).removeprefix("field_") or "option"
    number, key = 1, made
    while key in taken:
        number += 1
        key = f"{made}_{number}"
    return key


def _refuse_lost_options(old: FieldDefinition, new: FieldDefinition) -> None:
    """An option that leads have cannot vanish; it can be archived."""
    lost = dict(old.choices).keys() - dict(new.choices).keys()
    if not lost:
        return
    for stored in stored_values(new.key):
        items = stored.value if isinstance(stored.value, list) else [stored.value]
        used = next((item for item in items if isinstance(item, str) and item in lost), None)
        if used:
            raise Invalid.field(
                "options",
                f"Leads have “{dict(old.choices)[used]}”. Stop offering it instead of removing it.",
                "option_in_use",
            )


def _save(definition: FieldDefinition) -> None:
    old = FieldDefinition.objects.filter(pk=definition.pk).first()
    try:
        with transaction.atomic():
            definition.save()
    except IntegrityError:
        raise Invalid.field(
            "label", f"There is a field “{definition.label}” already.", "taken"
        ) from None
    forget()
    if definition.is_unique and not (old and old.is_unique):
        _refuse_doubles(definition)
    if _is_searched(old) != _is_searched(definition):
        uniques.index_words()


def _is_searched(definition: FieldDefinition | None) -> bool:
    return definition is not None and definition.is_searched and definition.is_active


def _refuse_doubles(definition: FieldDefinition) -> None:
    if found := uniques.doubled(definition.key):
        shown = ", ".join(f"“{value[:40]}”" for value in found)
        raise Invalid.field(
            "is_unique",
            f"Several leads have one value: {shown}. Correct or merge them first.",
            "not_unique",
        )


# ---- values of all leads ----


def stored_values(key: str) -> list[Stored]:
    """Each different value with how many leads have it, the most frequent first.

    :raises Conflict: there are too many to look at.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT custom -> %s AS value, count(*) FROM leads_lead "
            "WHERE custom ? %s GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s",
            [key, key, MOST_DISTINCT + 1],
        )
        rows = cursor.fetchall()
    if len(rows) > MOST_DISTINCT:
        raise Conflict(f"Leads have more than {MOST_DISTINCT:,} different values for this field.")
    return [Stored(json.loads(value), leads) for value, leads in rows]


def _rewrite(old: str, new: str, found: Conversion) -> None:
    """Store the converted values, under another key where it has one; unfit ones stay."""
    touched: list[int] = []
    if old != new:
        touched += _updated(
            "UPDATE leads_lead lead "
            "SET custom = (custom - %s) || jsonb_build_object(%s::text, custom -> %s) "
            "WHERE custom ? %s RETURNING lead.id",
            [old, new, old, old],
        )
    if found.changes:
        before, after = zip(*found.changes, strict=True)
        touched += _updated(
            "UPDATE leads_lead lead SET custom = jsonb_set(lead.custom, ARRAY[%s], pair.after) "
            "FROM (SELECT b::jsonb AS before, a::jsonb AS after "
            "      FROM unnest(%s::text[], %s::text[]) AS texts(b, a)) AS pair "
            "WHERE lead.custom ? %s AND lead.custom -> %s = pair.before RETURNING lead.id",
            [new, list(before), list(after), new, new],
        )
    mark_dirty(touched)


def _updated(sql: str, params: list[Any]) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return [row[0] for row in cursor.fetchall()]
