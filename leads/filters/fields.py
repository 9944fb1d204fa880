"""Fields that read several values of a query string, and say what is wrong with one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.utils.choices import CallableChoiceIterator

from leadcrm.accounts.models import User

MOST_VALUES = 100
YES_NO = [("1", "Yes"), ("0", "No")]


class SeveralMixin:
    """Reads `a,b` as well as `a` and `b` under the same name."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        raw = data.getlist(name) if hasattr(data, "getlist") else [data.get(name) or ""]
        values = [part.strip() for text in raw for part in str(text).split(",")]
        return [value for value in values if value]


class Boxes(SeveralMixin, forms.CheckboxSelectMultiple):
    """A box for each of a few choices."""


class Picker(SeveralMixin, forms.SelectMultiple):
    """One of a list, or several where several are in use already."""

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        self.allow_multiple_selected = len(value or []) > 1
        return super().get_context(name, value, attrs)

    def optgroups(self, name: str, value: list[str], attrs: Any = None) -> list[Any]:
        if self.allow_multiple_selected:
            return super().optgroups(name, value, attrs)
        nothing = self.create_option(name, "", "Any", not value, 0)
        return [(None, [nothing], 0), *super().optgroups(name, value, attrs)]


class Words(SeveralMixin, forms.TextInput):
    """Several with commas between them: for choices that may be thousands."""

    def format_value(self, value: Any) -> str | None:
        return ",".join(str(item) for item in value) if value else None


class Kept(SeveralMixin, forms.MultipleHiddenInput):
    """Not asked for in the form, but not lost by it."""


def check_list(values: Sequence[str]) -> None:
    if len(values) > MOST_VALUES:
        raise ValidationError(f"Choose at most {MOST_VALUES}.", code="too_many")
    if any("\x00" in value for value in values):
        raise ValidationError("A value holds a character that no name has.", code="invalid")


class ChoicesField(forms.MultipleChoiceField):
    widget = Boxes

    def clean(self, value: Any) -> Any:
        check_list(value or [])
        return super().clean(value)


class RecordsField(forms.ModelMultipleChoiceField):  # type: ignore[type-arg]
    """Records by their key; cleaned to the records themselves, so that a page can name them."""

    widget = Boxes

    def clean(self, value: Any) -> Any:
        check_list(value or [])
        found = super().clean(value)
        return list(found) if value else []


@dataclass(frozen=True, slots=True)
class Owners:
    """Chosen people, and perhaps “nobody”."""

    people: tuple[User, ...] = ()
    none: bool = False

    def __bool__(self) -> bool:
        return bool(self.people) or self.none


class OwnersField(forms.Field):
    """Public ids of colleagues, `me` and `none`."""

    widget = Picker

    def __init__(self, *args: Any, reader: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reader = reader
        self.widget.choices = CallableChoiceIterator(owner_choices)

    def clean(self, value: Sequence[str]) -> Owners:
        check_list(value)
        ids = {item for item in value if item not in {"me", "none"}}
        people = list(User.objects.filter(public_id__in=ids)) if ids else []
        if unknown := ids - {person.public_id for person in people}:
            raise ValidationError(
                "There is no colleague “%(id)s”. Use a person’s id, me or none.",
                code="unknown",
                params={"id": min(unknown)[:40]},
            )
        if "me" in value:
            people.append(self._me())
        return Owners(tuple(people), none="none" in value)

    def _me(self) -> User:
        person = getattr(self.reader, "key", self.reader)
        person = getattr(person, "user", person)
        if not isinstance(person, User):
            raise ValidationError("This key belongs to no person, so “me” is nobody.", code="me")
        return person


def owner_choices() -> list[tuple[str, str]]:
    people = User.objects.filter(is_active=True).order_by("name")
    named = [(person.public_id, str(person)) for person in people]
    return [("me", "Me"), ("none", "Nobody"), *named]


class ChoicesFilter(filters.Filter):
    field_class = ChoicesField


class RecordsFilter(filters.Filter):
    field_class = RecordsField


class OwnersFilter(filters.Filter):
    field_class = OwnersField

    @property
    def field(self) -> Any:
        field = super().field
        field.reader = getattr(self.parent.request, "user", None)
        return field


class YesNoField(forms.NullBooleanField):
    widget = forms.Select(choices=[("", "Any"), *YES_NO])

    def to_python(self, value: Any) -> bool | None:  # type: ignore[override]
        text = str(value or "").lower()
        if text in {"1", "true", "yes"}:
            return True
        if text in {"0", "false", "no"}:
            return False
        if text:
            raise ValidationError("Write true or false.", code="invalid")
        return None


class YesNoFilter(filters.Filter):
    field_class = YesNoField


class MomentField(forms.DateTimeField):
    """A day, or a moment in RFC 3339."""

    def to_python(self, value: Any) -> Any:
        try:
            return super().to_python(value)
        except (ValueError, OverflowError):
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None


class MomentFilter(filters.Filter):
    field_class = MomentField


class CodesField(forms.Field):
    """Two-letter country codes."""

    widget = Words

    def clean(self, value: Sequence[str]) -> list[str]:
        check_list(value)
        for code in value:
            if len(code) != 2 or not (code.isascii() and code.isalpha()):
                raise ValidationError(
                    "“%(code)s” is not a country code. Write two letters, such as NL.",
                    code="invalid",
                    params={"code": code[:40]},
                )
        return [code.upper() for code in value]


class CodesFilter(filters.Filter):
    field_class = CodesField


class WholeFilter(filters.Filter):
    field_class = forms.IntegerField
