"""The period and the filters of a report, as they stand in its address."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django import forms
from django.db.models import Q

from leadcrm.accounts.access import reach_of
from leadcrm.accounts.models import Team, User, Workspace
from leadcrm.dashboard import periods
from leadcrm.dashboard.periods import Period
from leads.attribution import channels
from leads.models import Lead, Source
from leads.reports import NONE, Scope

ALL = ("", "All")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request asks: the scope, the one before to compare with, and the period."""

    scope: Scope
    before: Scope | None
    period: Period


class ReportForm(forms.Form):
    """GET only: everything is in the address, so a report can be kept and sent."""

    period = forms.ChoiceField(required=False, choices=list(periods.PRESETS.items()))
    from_ = forms.DateField(required=False, label="From")
    to = forms.DateField(required=False, label="To")
    compare = forms.ChoiceField(
        required=False,
        label="Compare",
        choices=[("previous", "Previous period"), ("none", "Nothing")],
    )
    source = forms.ChoiceField(required=False)
    owner = forms.ChoiceField(required=False)
    team = forms.ChoiceField(required=False)
    country = forms.ChoiceField(required=False)
    channel = forms.ChoiceField(required=False)
    FILTERS = ("source", "owner", "team", "country", "channel")

    def __init__(self, data: Any, *, principal: Any, now: datetime) -> None:
        super().__init__({**data.dict(), "from_": data.get("from", "")})
        self.principal, self.now = principal, now
        workspace = Workspace.load()
        self.currency = workspace.currency
        self.zone = zone_of(workspace)
        for name in self.FILTERS:
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101  # tells the types
            field.choices = [ALL, *getattr(self, f"_{name}s")()]
        self.initial = {"period": periods.DEFAULT}
        for field in self.fields.values():
            field.error_messages["invalid_choice"] = "“%(value)s” is not one of the choices."
            field.error_messages["invalid"] = "Write a date as 2026-11-30."

    def _sources(self) -> list[tuple[str, str]]:
        rows = Source.objects.order_by("name").values_list("pk", "name")
        return [*((str(pk), name) for pk, name in rows), (NONE, "No source recorded")]

    def _owners(self) -> list[tuple[str, str]]:
        reach = reach_of(self.principal)
        people = User.objects.filter(Q(role__in=["rep", "manager"]) | Q(leads__isnull=False))
        if not reach.everything:
            people = people.filter(pk__in=reach.owner_ids)
        rows = people.order_by("name").distinct().values_list("pk", "name")
        return [*((str(pk), name) for pk, name in rows), (NONE, "Nobody")]

    def _teams(self) -> list[tuple[str, str]]:
        rows = Team.objects.order_by("name").values_list("pk", "name")
        return [*((str(pk), name) for pk, name in rows), (NONE, "No team")]

    def _countrys(self) -> list[tuple[str, str]]:
        leads = Lead.objects.visible_to(self.principal).exclude(country="").order_by("country")
        rows = leads.values_list("country", flat=True).distinct()
        return [*((code, code) for code in rows), (NONE, "No country recorded")]

    def _channels(self) -> list[tuple[str, str]]:
        return list(channels.choices())

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        first, last = data.get("from_"), data.get("to")
        if "from_" not in self.errors and "to" not in self.errors:
            self._check(data, first, last)
        return data

    def _check(self, data: dict[str, Any], first: Any, last: Any) -> None:
        custom = data.get("period") == "custom" or (not data.get("period") and (first or last))
        if not custom:
            return
        if first is None or last is None:
            missing = "from_" if first is None else "to"
            self.add_error(missing, "Give both days of the period.")
        elif first > last:
            self.add_error("to", f"The period ends ({last}) before it starts ({first}). Swap them.")
        elif first < periods.EARLIEST or last > periods.LATEST:
            self.add_error("from_", "Choose days between 2000-01-01 and 2100-01-01.")
        elif (last - first).days >= periods.LONGEST_DAYS:
            self.add_error("to", "Choose a period of at most ten years.")

    @cached_property
    def asked(self) -> Asked:
        """What was asked; only when the form is valid."""
        period = self._period()
        compares = self.cleaned_data.get("compare") != "none"
        before = self._scope(period.before) if compares else None
        return Asked(self._scope(period), before, period)

    def _period(self) -> Period:
        data = self.cleaned_data
        name = data.get("period") or ("custom" if data.get("from_") else periods.DEFAULT)
        if name == "custom":
            return Period(data["from_"], data["to"], self.zone)
        return periods.preset(name, now=self.now, zone=self.zone)

    def _scope(self, period: Period) -> Scope:
        chosen: dict[str, Any] = {name: self.cleaned_data.get(name) or "" for name in self.FILTERS}
        return Scope(
            principal=self.principal,
            start=period.start,
            end=period.end,
            now=self.now,
            zone=self.zone,
            currency=self.currency,
            **chosen,
        )

    @property
    def filters_set(self) -> int:
        return sum(bool(self.data.get(name)) for name in self.FILTERS)


def zone_of(workspace: Workspace) -> ZoneInfo:
    """The workspace's zone: one day has the same ends for everybody who reads a report."""
    try:
        return ZoneInfo(workspace.time_zone)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")
