"""The rows behind every number: one place that turns a link back into the same rows."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet

from leadcrm.lib.errors import NotFound
from leads.attribution import channels
from leads.attribution.credit import KINDS
from leads.models import Stage
from leads.reports import NONE, Scope, new_leads
from pipeline.models import CloseReason
from pipeline.reports import attribution, funnel, metrics, reps, response, sources

Params = Mapping[str, str]
CREDITED = "By channel"
Rows = Callable[[Scope, Params], QuerySet[Any]]


@dataclass(frozen=True, slots=True)
class Metric:
    """`moment`: what the rows are sorted by, newest first; `lead` where it is not the row."""

    label: str
    rows: Rows
    moment: str
    source: Callable[..., Any]
    moment_label: str = "Opened"
    lead: str = "lead"

    @property
    def definition(self) -> str:
        return definition_of(self.source)

    @property
    def related(self) -> list[str]:
        of_lead = f"{self.lead}__" if self.lead else ""
        return [f"{of_lead}{name}" for name in ("owner", "stage", "source", "score_row")]


def definition_of(function: Callable[..., Any]) -> str:
    """The first words of a report, which people read under “What is this?”."""
    return " ".join((inspect.getdoc(function) or "").split())


def _plain(rows: Callable[[Scope], QuerySet[Any]]) -> Rows:
    return lambda scope, _: rows(scope)


def _counted(
    label: str,
    rows: Callable[[Scope], QuerySet[Any]],
    moment: str = "opened_at",
    words: str = "Opened",
    lead: str = "lead",
) -> Metric:
    return Metric(label, _plain(rows), moment, rows, words, lead)


def _view(params: Params) -> str:
    view = params.get("view") or funnel.COHORT
    return _one_of(view, funnel.VIEWS)


def _one_of(value: str, choices: Any) -> str:
    if value not in choices:
        raise NotFound("There is no such number.")
    return value


def _stage(params: Params) -> Stage:
    stages = {stage.key: stage for stage in funnel.stages_of_funnel()}
    return stages[_one_of(params.get("stage", ""), stages)]


def _reason(scope: Scope, params: Params) -> QuerySet[Any]:
    found = funnel.lost_of(scope, _view(params))
    reason = params.get("reason", "")
    known = CloseReason.objects.filter(kind=CloseReason.Kind.LOST).values_list("key", flat=True)
    return found.filter(lost_reason=_one_of(reason, known)) if reason else found


def _band(params: Params) -> str:
    return _one_of(params.get("band", ""), {**response.BARS, **response.BANDS})


def _number(params: Params, name: str) -> int:
    value = params.get(name, "")
    return int(_one_of(value, [str(n) for n in range(24)]))


@dataclass(frozen=True, slots=True)
class Credited:
    """Whose share of which conversion a link asks for."""

    model: str
    kind: str
    channel: str
    campaign: str

    def shares(self, scope: Scope, cycle_ids: Sequence[int]) -> dict[int, attribution.Share]:
        return attribution.shares_of(
            scope,
            cycle_ids,
            self.model,
            self.kind,
            channel=self.channel,
            campaign=self.campaign,
        )


def credited_of(params: Params) -> Credited:
    """:raises NotFound: there is no such number."""
    campaign = params.get("campaign", "")
    if campaign not in ("", NONE):
        _digits(campaign)
    return Credited(
        _one_of(params.get("model", ""), sources.MODELS),
        _one_of(params.get("reached", "") or "lead", KINDS),
        _one_of(params.get("credit", ""), ("", channels.UNKNOWN, *channels.known_keys())),
        campaign,
    )


def _credited(scope: Scope, params: Params) -> QuerySet[Any]:
    asked = credited_of(params)
    return sources.credited(scope, asked.model, asked.channel, asked.kind, asked.campaign)


def _person(params: Params) -> int:
    return _digits(params.get("person", ""))


def _digits(value: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise NotFound("There is no such number.")
    return int(value)


METRICS: dict[str, Metric] = {
    "new_leads": _counted("New leads", new_leads, "created_at", "Created", ""),
    "mql": _counted("Became marketing-qualified", metrics.became_mql, "mql_at", "Qualified"),
    "sql": _counted("Became sales-qualified", metrics.became_sql, "sql_at", "Qualified"),
    "won": _counted("Won", metrics.won, "closed_at", "Won"),
    "revenue": _counted("Deals won", metrics.revenue_deals, "closed_at", "Won"),
    "without_owner": _counted("Without an owner now", metrics.without_owner),
    "waiting": _counted("Waiting now", metrics.waiting_now, "received_at", "Received"),
    "overdue": _counted("Over target now", metrics.overdue_now, "received_at", "Received"),
    "still_open": _counted("Opened and still open", funnel.still_open),
    "received": _counted("Inquiries received", response.received, "received_at", "Received"),
    "answered": _counted("Answered", response.answered, "received_at", "Received"),
    "unanswered": _counted("Never answered", response.unanswered, "received_at", "Received"),
    "in_target": _counted("Answered inside target", response.in_target, "received_at", "Received"),
    "due": _counted("Answered or overdue", response.due, "received_at", "Received"),
    "reached": Metric(
        "Came to a stage",
        lambda scope, params: funnel.reached(scope, _stage(params), _view(params)),
        "opened_at",
        funnel.reached,
    ),
    "stopped": Metric(
        "Came no further",
        lambda scope, params: funnel.stopped_at(scope, _stage(params)),
        "opened_at",
        funnel.stopped_at,
    ),
    "won_of": Metric(
        "Won",
        lambda scope, params: funnel.won_of(scope, _view(params)),
        "closed_at",
        funnel.won_of,
        "Won",
    ),
    "lost": Metric("Lost", _reason, "closed_at", funnel.lost_of, "Lost"),
    "band": Metric(
        "Answered within a time",
        lambda scope, params: response.in_band(scope, _band(params)),
        "received_at",
        response.in_band,
        "Received",
    ),
    "band_sql": Metric(
        "Sales-qualified, by first answer",
        lambda scope, params: response.band_sql(scope, _band(params)),
        "received_at",
        response.band_sql,
        "Received",
    ),
    "band_won": Metric(
        "Won, by first answer",
        lambda scope, params: response.band_won(scope, _band(params)),
        "received_at",
        response.band_won,
        "Received",
    ),
    "hour": Metric(
        "Received at this time of the week",
        lambda scope, params: response.at_hour(
            scope, _number(params, "weekday"), _number(params, "hour")
        ),
        "received_at",
        response.at_hour,
        "Received",
    ),
    "assigned": Metric(
        "Leads assigned",
        lambda scope, params: reps.assigned(scope).filter(owner=_person(params)),
        "from_at",
        reps.assigned,
        "Assigned",
    ),
    "calls": Metric(
        "Calls",
        lambda scope, params: reps.calls(scope).filter(user=_person(params)),
        "occurred_at",
        reps.calls,
        "Called",
    ),
    "credited": Metric(CREDITED, _credited, "opened_at", sources.credited),
}


def metric_of(name: str) -> Metric:
    """:raises NotFound: there is no such number."""
    return METRICS[_one_of(name, METRICS)]
