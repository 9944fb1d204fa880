"""What a merge writes, kept so that it can be undone exactly.

A plan is a list of JSON objects in the order in which they were done, undone in reverse:

    {"do": "move",   "model", "field", "from", "to", "ids"}   a reference of many rows
    {"do": "change", "model", "id", "before", "after"}        columns of one row
    {"do": "remove", "model", "rows"}                         whole rows
    {"do": "create", "model", "ids"}

What somebody changed after the merge is theirs: undoing restores a column only while it holds what
the merge wrote.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import IntegrityError, models, transaction
from django.db.models import Field, Model, QuerySet

Operation = dict[str, Any]


class Journal:
    """Writes, and remembers how to take back what it wrote."""

    def __init__(self, plan: Iterable[Operation] = ()) -> None:
        self.plan: list[Operation] = list(plan)

    def move(self, rows: "QuerySet[Any]", field: str, *, start: int, to: int) -> list[Any]:
        """Point these rows, which point to `start`, to another; return their keys."""
        column = _column(rows.model, field)
        ids = list(rows.filter(**{column: start}).order_by("pk").values_list("pk", flat=True))
        if ids:
            _all(rows.model).filter(pk__in=ids).update(**{column: to})
            self._note("move", rows.model, field=column, ids=_plain(ids), **{"from": start}, to=to)
        return ids

    def change(self, row: Model, **values: Any) -> None:
        """Set columns of a row that is as the database has it; only real changes are written."""
        columns = {_column(type(row), name): _key(value) for name, value in values.items()}
        changed = {name: new for name, new in columns.items() if getattr(row, name) != new}
        if not changed:
            return
        before = {name: _plain(getattr(row, name)) for name in changed}
        _all(type(row)).filter(pk=row.pk).update(**changed)
        for name, new in changed.items():
            setattr(row, name, new)
        after = {name: _plain(new) for name, new in changed.items()}
        self._note("change", type(row), id=_plain(row.pk), before=before, after=after)

    def remove(self, rows: "QuerySet[Any]") -> None:
        """Take rows out. What points to them must have been moved before."""
        found = list(rows.order_by("pk"))
        if found:
            images = [_image(row) for row in found]
            rows.model._base_manager.filter(pk__in=[row.pk for row in found])._raw_delete(rows.db)
            self._note("remove", rows.model, rows=images)

    def create(self, row: Model) -> None:
        row.save(force_insert=True)
        self.created(type(row), [row.pk])

    def created(self, model: type[Model], ids: list[Any]) -> None:
        """Note rows that somebody else wrote for this merge."""
        if ids:
            self._note("create", model, ids=_plain(ids))

    def _note(self, do: str, model: type[Model], **rest: Any) -> None:
        self.plan.append({"do": do, "model": model._meta.label, **rest})

    def undo(self) -> list[Operation]:
        """Take everything back, newest first; return what later changes made impossible."""
        return [operation for operation in reversed(self.plan) if not _taken_back(operation)]


def _taken_back(operation: Operation) -> bool:
    try:
        with transaction.atomic():
            UNDOING[operation["do"]](apps.get_model(operation["model"]), operation)
    except IntegrityError:  # somebody made in the meantime what may exist only once
        return False
    return True


def _undo_move(model: type[Model], operation: Operation) -> None:
    column, here = operation["field"], operation["to"]
    _all(model).filter(pk__in=operation["ids"], **{column: here}).update(
        **{column: operation["from"]}
    )


def _undo_change(model: type[Model], operation: Operation) -> None:
    row = _all(model).filter(pk=operation["id"]).first()
    if row is None:
        return
    fields = {name: model._meta.get_field(name) for name in operation["before"]}
    restored: dict[str, Any] = {}
    for name, field in fields.items():
        before, after, now = operation["before"][name], operation["after"][name], getattr(row, name)
        if isinstance(now, dict) and isinstance(before, dict) and isinstance(after, dict):
            restored[name] = _restored_keys(before, after, now)
        elif _plain(now) == after:
            restored[name] = _value(field, before)
    if restored:
        _all(model).filter(pk=row.pk).update(**restored)


def _restored_keys(
    before: dict[str, Any], after: dict[str, Any], now: dict[str, Any]
) -> dict[str, Any]:
    """Each key of an object by itself, as the columns are."""
    untouched = {key for key in before.keys() | after.keys() if now.get(key) == after.get(key)}
    kept = {key: value for key, value in now.items() if key not in untouched}
    return kept | {key: before[key] for key in untouched if key in before}


def _undo_remove(model: type[Model], operation: Operation) -> None:
    rows = [_row(model, image) for image in operation["rows"]]
    there = set(_all(model).filter(pk__in=[row.pk for row in rows]).values_list("pk", flat=True))
    _all(model).bulk_create([row for row in rows if row.pk not in there])


def _undo_create(model: type[Model], operation: Operation) -> None:
    _all(model).filter(pk__in=operation["ids"]).delete()


UNDOING = {
    "move": _undo_move,
    "change": _undo_change,
    "remove": _undo_remove,
    "create": _undo_create,
}


# Rows as JSON -------------------------------------------------------------------------------------


def _all(model: type[Model]) -> "models.Manager[Any]":
    return model._base_manager


def _column(model: type[Model], name: str) -> str:
    return str(model._meta.get_field(name).attname)  # type: ignore[union-attr]


def _key(value: Any) -> Any:
    """A reference is written, and compared, by its key."""
    return value.pk if isinstance(value, Model) else value


def _stored(model: type[Model]) -> list["Field[Any, Any]"]:
    return [field for field in model._meta.concrete_fields if not field.generated]


def _image(row: Model) -> dict[str, Any]:
    return {field.attname: _plain(getattr(row, field.attname)) for field in _stored(type(row))}


def _row(model: type[Model], image: Mapping[str, Any]) -> Model:
    """The row again; a column that a newer release added has its default."""
    values = {
        field.attname: _value(field, image[field.attname])
        for field in _stored(model)
        if field.attname in image
    }
    return model(**values)


def _plain(value: Any) -> Any:
    """JSON that `_value` reads back without loss."""
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (Decimal, UUID)):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _value(field: "Any", plain: Any) -> Any:
    if isinstance(field, models.JSONField) or plain is None:
        return plain
    target = field.target_field if field.is_relation else field
    return target.to_python(plain)
