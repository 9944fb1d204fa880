"""What the list of leads can be narrowed by: one set for the page, the API and exports."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import django_filters as filters
from django import forms
from django.db.models import Exists, OuterRef, Q
from django.http import HttpRequest
from django.utils import timezone

from leadcrm.lib.errors import DomainError, FieldError
from leads.conditions import lead_ids
from leads.filters.conditions import LONGEST, ConditionFilter
from leads.filters.fields import (
    ChoicesFilter,
    CodesFilter,
    Kept,
    MomentFilter,
    Owners,
    OwnersFilter,
    Picker,
    RecordsFilter,
    WholeFilter,
    Words,
    YesNoFilter,
)
from leads.filters.own import PREFIX, OwnFilter, own_filters
from leads.models import (
    Company,
    LeadTag,
    Lifecycle,
    Segment,
    SegmentMembership,
    Source,
    Stage,
    Status,
    Tag,
    Temperature,
)
from leads.models.lead import LeadQuerySet


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
    segment = RecordsFilter(
        method="by_segment",
        label="Segment",
        queryset=Segment.objects.filter(archived_at=None).order_by("name"),
        to_field_name="public_id",
        widget=Picker,
        help_text="Ids of segments.",
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

    conditions = ConditionFilter(
        method="by_conditions",
        label="Conditions",
        max_length=LONGEST,
        help_text='A tree such as `{"field":"industry","op":"is","value":"Care"}`, as JSON.',
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters.update(own_filters())
        for name in self.filters:
            self.filters[name].parent = self

    @property
    def own(self) -> list[forms.BoundField]:
        """The inputs of custom fields: the usual ones, and others in use."""
        return [
            self.form[name]
            for name, each in self.filters.items()
            if isinstance(each, OwnFilter) and (each.way.shown or self.form.data.get(name))
        ]

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

    def by_segment(self, leads: LeadQuerySet, name: str, segments: list[Segment]) -> LeadQuerySet:
        if not segments:
            return leads
        inside = SegmentMembership.objects.filter(
            lead=OuterRef("pk"), segment__in=segments, left_at=None
        )
        return leads.filter(Exists(inside))

    def by_conditions(self, leads: LeadQuerySet, name: str, tree: Any) -> LeadQuerySet:
        return leads.filter(pk__in=lead_ids(tree)) if tree else leads

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
    refuse_unknown([name for name in data if name.startswith(PREFIX)], found)
    if not found.is_valid():
        errors = [
            FieldError(field, str(error.message % (error.params or {})), error.code or "invalid")
            for field, group in found.form.errors.as_data().items()
            for error in group
        ]
        raise BadFilter(
            " ".join(f"{found.filters[e.field].label}: {e.message}" for e in errors),
            errors=errors,
        )
    return found.qs, found


def filter_names() -> set[str]:
    """Every filter there is today, custom fields included."""
    return {*LeadFilter.base_filters, *(name for name, _ in own_filters())}


def refuse_unknown(names: Iterable[str], found: LeadFilter) -> None:
    """:raises BadFilter: a view filters by a field that is not there (any more)."""
    unknown = sorted(name for name in names if name not in found.filters)
    if unknown:
        message = f"There is no filter “{unknown[0][:60]}” (any more). Take it out of the list."
        raise BadFilter(message, errors=[FieldError(unknown[0][:60], message, "unknown")])
