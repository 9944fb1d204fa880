"""What the list of leads can be narrowed by: one set for the page, the API and exports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import django_filters as filters
from django import forms
from django.core.exceptions import ValidationError
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils import timezone
from django.utils.choices import CallableChoiceIterator

from leadcrm.accounts.models import User
from leadcrm.lib.errors import DomainError, FieldError
from leads.models import Company, LeadTag, Lifecycle, Source, Stage, Status, Tag, Temperature
from leads.models.lead import LeadQuerySet

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


class LeadFilter(filters.FilterSet):
    """Several values of one filter mean any of them; several filters mean all of them."""

    search = filters.CharFilter(
        method="by_words",
        label="Search",
        max_length=200,
        help_text="Words of name, e-mail, company or phone.",
    )
    stage = RecordsFilter(
        method="among",
        field_name="stage",
        label="Stage",
        queryset=Stage.objects.order_by("pipeline", "position"),
        to_field_name="key",
        help_text="Keys of stages.",
    )
    stage__not = RecordsFilter(
        method="not_among",
        field_name="stage",
        label="Stage is not",
        queryset=Stage.objects.order_by("pipeline", "position"),
        to_field_name="key",
        help_text="Keys of stages to leave out.",
    )
    owner = OwnersFilter(method="by_owner", label="Owner", help_text="Ids, `me` or `none`.")
    temperature = ChoicesFilter(
        method="among",
        field_name="score_row__temperature",
        label="Temperature",
        choices=Temperature.choices,
    )
    status = ChoicesFilter(
        method="among", field_name="status", label="Status", choices=Status.choices
    )
    lifecycle = ChoicesFilter(
        method="among", field_name="lifecycle", label="Lifecycle", choices=Lifecycle.choices
    )
    source = RecordsFilter(
        method="among",
        field_name="source",
        label="Source",
        queryset=Source.objects.order_by("name"),
        to_field_name="key",
        widget=Picker,
        help_text="Keys of sources.",
    )
    source_kind = ChoicesFilter(
        method="among", field_name="source__kind", label="Came by", choices=Source.Kind.choices
    )
    country = CodesFilter(
        method="among", field_name="country", label="Country", help_text="Codes, such as `NL,DE`."
    )
    tag = RecordsFilter(
        method="by_tag",
        label="Tag",
        queryset=Tag.objects.order_by("name"),
        to_field_name="name",
        widget=Words,
        help_text="Names of tags.",
    )
    company = RecordsFilter(
        method="among",
        field_name="company",
        label="Company",
        queryset=Company.objects.order_by("name"),
        to_field_name="public_id",
        widget=Kept,
        help_text="Ids of companies.",
    )
    created_after = MomentFilter(
        field_name="created_at",
        lookup_expr="gte",
        label="Created from",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="A day or a moment.",
    )
    created_before = MomentFilter(
        field_name="created_at",
        lookup_expr="lt",
        label="Created before",
        widget=forms.DateInput(attrs={"type": "date"}),
        help_text="A day or a moment.",
    )
    created_within = WholeFilter(
        method="by_age",
        label="Created in the last days",
        min_value=1,
        max_value=36500,
        help_text="A number of days.",
    )
    score_min = WholeFilter(
        field_name="score_row__score",
        lookup_expr="gte",
        label="Score from",
        min_value=-32768,
        max_value=32767,
    )
    score_max = WholeFilter(
        field_name="score_row__score",
        lookup_expr="lte",
        label="Score to",
        min_value=-32768,
        max_value=32767,
    )
    has_next_step = YesNoFilter(method="by_next_step", label="Has a next step")
    unanswered = YesNoFilter(method="by_answer", label="Waits for a first reply")
    open = YesNoFilter(method="by_openness", label="Still open")

    def among(self, leads: LeadQuerySet, name: str, values: list[Any]) -> LeadQuerySet:
        return leads.filter(**{f"{name}__in": values}) if values else leads

    def not_among(self, leads: LeadQuerySet, name: str, values: list[Any]) -> LeadQuerySet:
        return leads.exclude(**{f"{name}__in": values}) if values else leads

    def by_words(self, leads: LeadQuerySet, name: str, text: str) -> LeadQuerySet:
        return leads.search(text)

    def by_owner(self, leads: LeadQuerySet, name: str, owners: Owners) -> LeadQuerySet:
        wanted = Q(owner__in=owners.people) if owners.people else Q()
        return leads.filter(wanted | Q(owner=None) if owners.none else wanted)

    def by_tag(self, leads: LeadQuerySet, name: str, tags: list[Tag]) -> LeadQuerySet:
        if not tags:
            return leads
        return leads.filter(Exists(LeadTag.objects.filter(lead=OuterRef("pk"), tag__in=tags)))

    def by_age(self, leads: LeadQuerySet, name: str, days: int) -> LeadQuerySet:
        return leads.filter(created_at__gte=timezone.now() - timedelta(days=days))

    def by_next_step(self, leads: LeadQuerySet, name: str, wanted: bool) -> LeadQuerySet:  # noqa: FBT001
        return leads.filter(next_step_at__isnull=not wanted)

    def by_answer(self, leads: LeadQuerySet, name: str, waiting: bool) -> LeadQuerySet:  # noqa: FBT001
        owed = Q(responded_at=None, response_due_at__isnull=False)
        return leads.filter(owed if waiting else ~owed)

    def by_openness(self, leads: LeadQuerySet, name: str, wanted: bool) -> LeadQuerySet:  # noqa: FBT001
        over = Q(stage__category__in=[Stage.Category.WON, Stage.Category.LOST])
        return leads.filter(~over if wanted else over)


class BadFilter(DomainError):
    """A list was asked to be narrowed by something that is no filter or no value of it."""

    code = "bad_filter"
    title = "The list cannot be narrowed like this"


def narrowed(
    leads: LeadQuerySet, data: Mapping[str, Any], request: HttpRequest
) -> tuple[LeadQuerySet, LeadFilter]:
    """Leads that pass the filters in `data`, with the filter set to show them.

    :raises BadFilter: naming each field.
    """
    found = LeadFilter(data, queryset=leads, request=request)
    if not found.is_valid():
        errors = [
            FieldError(field, str(error.message % (error.params or {})), error.code or "invalid")
            for field, group in found.form.errors.as_data().items()
            for error in group
        ]
        raise BadFilter(
            " ".join(f"{found.form.fields[e.field].label}: {e.message}" for e in errors),
            errors=errors,
        )
    return found.qs, found


@dataclass(frozen=True, slots=True)
class Chip:
    """One filter in use, in words."""

    name: str
    label: str
    icon: str
    op: str
    value: str
    more: str = ""


ICONS = {
    "search": "search",
    "stage": "circle-dot",
    "stage__not": "circle-dashed",
    "owner": "user-round",
    "temperature": "flame",
    "status": "activity",
    "lifecycle": "sprout",
    "source": "signpost",
    "source_kind": "log-in",
    "country": "globe",
    "tag": "tag",
    "company": "building-2",
    "created_after": "calendar",
    "created_before": "calendar",
    "created_within": "calendar",
    "score_min": "gauge",
    "score_max": "gauge",
    "has_next_step": "list-todo",
    "unanswered": "clock-alert",
    "open": "circle-dot",
}
OPERATORS = {
    "search": "contains",
    "stage__not": "is not",
    "created_after": "from",
    "created_before": "before",
    "created_within": "in",
    "score_min": "from",
    "score_max": "to",
}
LABELS = {
    "stage__not": "Stage",
    "created_after": "Created",
    "created_before": "Created",
    "created_within": "Created",
    "score_min": "Score",
    "score_max": "Score",
}
NAMED = 3


def chips(found: LeadFilter) -> list[Chip]:
    """What the list is narrowed by, in the order of the filters."""
    return [
        _chip(name, value, found)
        for name, value in found.form.cleaned_data.items()
        if value or value is False or value == 0
    ]


def _chip(name: str, value: Any, found: LeadFilter) -> Chip:
    words = _words(name, value, found)
    op = OPERATORS.get(name) or ("is any of" if len(words) > 1 else "is")
    if name == "stage__not" and len(words) > 1:
        op = "is none of"
    return Chip(
        name=name,
        label=LABELS.get(name) or str(found.form.fields[name].label),
        icon=ICONS[name],
        op=op,
        value=", ".join(words[:NAMED]),
        more=f"+{len(words) - NAMED}" if len(words) > NAMED else "",
    )


def _words(name: str, value: Any, found: LeadFilter) -> list[str]:
    if isinstance(value, Owners):
        return [str(person) for person in value.people] + (["nobody"] if value.none else [])
    if isinstance(value, bool):
        return ["yes" if value else "no"]
    if isinstance(value, datetime):
        return [f"{timezone.localtime(value):%-d %b %Y}"]
    if name == "created_within":
        return [f"Last {value} days"]
    if isinstance(value, list):
        labels = dict(getattr(found.form.fields[name], "choices", ()) if name in PLAIN else ())
        return [str(labels.get(item, item)) for item in value]
    return [str(value)]


PLAIN = {"temperature", "status", "lifecycle", "source_kind"}
