"""The doors to the dashboards: read the period and the filters, ask once, show."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.dashboard import pages, periods, source_page
from leadcrm.dashboard.forms import Asked, ReportForm
from leadcrm.dashboard.pages import Links
from leadcrm.dashboard.rows import CREDITED, credited_of, definition_of, metric_of
from leadcrm.eventlog.queries import dead_deliveries
from leadcrm.lib.pagination import capped_count, keyset_page
from leads.attribution import channels
from pipeline.reports import funnel as funnel_report
from pipeline.reports import reps as reps_report
from pipeline.reports import response as response_report
from pipeline.reports import sources as source_report
from pipeline.reports import staying

Context = dict[str, Any]
MOST_COUNTED = 1_000_000


def _page(
    request: HttpRequest, template: str, fill: Callable[[Asked, Links], Context]
) -> HttpResponse:
    """The page, or what is wrong with its period or filters."""
    form = ReportForm(request.GET, principal=user_of(request), now=timezone.now())
    links = Links(request.GET)
    context: Context = {"form": form, "links": links, **_choices(request)}
    if not form.is_valid():
        return render(request, template, {**context, "section": ""}, status=422)
    asked = form.asked
    context |= {"asked": asked, "period": asked.period, **fill(asked, links)}
    return render(request, template, context)


def _choices(request: HttpRequest) -> Context:
    """What the menus offer; `beside` is what the page was asked for besides period and filters."""
    chosen = request.GET.get("period") or ("custom" if "from" in request.GET else periods.DEFAULT)
    beside = {
        name: value
        for name, value in request.GET.items()
        if name not in pages.KEPT and name != "cursor"
    }
    links = Links(request.GET)
    for name in ("from", "to"):
        links.kept.pop(name, None)
    presets = [
        (label, links(request.path, **{**beside, "period": name}), name == chosen)
        for name, label in periods.PRESETS.items()
        if name != "custom"
    ]
    return {"presets": presets, "beside": beside, "anew": f"{request.path}?{urlencode(beside)}"}


@require_GET
def overview(request: HttpRequest) -> HttpResponse:
    return _page(
        request,
        "dashboard/overview.html",
        lambda asked, links: _overview(asked, links, operator=user_of(request).is_admin),
    )


def _overview(asked: Asked, links: Links, *, operator: bool) -> Context:
    found = pages.numbers(asked)
    days, values = pages.weekly(asked)
    won, earned = pages.monthly(asked)
    return {
        "found": found,
        "tiles": pages.overview_tiles(asked, found, links),
        "week_words": pages.day_words(days),
        "week_lines": [("s1", values)],
        "week_rows": list(zip(days, values, strict=True)),
        "won_bars": won,
        "month_rows": [(a.label, a.value, b.value) for a, b in zip(won, earned, strict=True)],
        "money_bars": earned,
        "channels": source_page.channels(asked, links),
        "dead": dead_deliveries().count() if operator else 0,
        "is_empty": not asked.scope.leads().exists(),
    }


@require_GET
def funnel(request: HttpRequest) -> HttpResponse:
    view = request.GET.get("view", "")
    view = view if view in funnel_report.VIEWS else funnel_report.COHORT
    by = request.GET.get("by", "")
    by = by if by in funnel_report.DIMENSIONS else "source"
    return _page(
        request, "dashboard/funnel.html", lambda asked, links: _funnel(asked, links, view, by)
    )


def _funnel(asked: Asked, links: Links, view: str, by: str) -> Context:
    found = funnel_report.funnel(asked.scope, asked.before, view)
    stay_of = {stay.stage.pk: stay for stay in found.stays}
    return {
        "found": found,
        "view": view,
        "by": by,
        "tiles": pages.funnel_tiles(found, links),
        "counts": [step.count for step in found.steps],
        "steps": [
            (
                step,
                links.rows("reached", stage=step.stage.key, view=view),
                links.rows("stopped", stage=step.stage.key),
                pages.stay_words(stay_of.get(step.stage.pk)),
            )
            for step in found.steps
        ],
        "reasons": [
            (reason, links.rows("lost", reason=reason.key, view=view)) for reason in found.reasons
        ],
        "lost_href": links.rows("lost", view=view),
        "open_href": links.rows("still_open"),
        "splits": _splits(asked, links, found, view, by),
        "views": [
            ("Opened in the period", links("/dashboard/funnel/", by=by), view == "cohort"),
            (
                "Moved in the period",
                links("/dashboard/funnel/", view="period", by=by),
                view == "period",
            ),
        ],
        "dimensions": [
            (name.capitalize(), links("/dashboard/funnel/", view=view, by=name), name == by)
            for name in funnel_report.DIMENSIONS
        ],
        "definition": definition_of(funnel_report.reached),
        "stay_definition": definition_of(staying.time_in_stage),
        "is_empty": not found.entered,
    }


def _splits(
    asked: Asked, links: Links, found: funnel_report.Funnel, view: str, by: str
) -> list[Any]:
    keys = [step.stage.key for step in found.steps]
    return [
        (
            split,
            [
                (count, links.rows("reached", stage=key, view=view, **{by: split.key}))
                for key, count in zip(keys, split.counts, strict=True)
            ],
        )
        for split in funnel_report.splits(asked.scope, by, view)
    ]


@require_GET
def response_time(request: HttpRequest) -> HttpResponse:
    return _page(request, "dashboard/response.html", _response)


def _response(asked: Asked, links: Links) -> Context:
    found = response_report.response(asked.scope, asked.before)
    return {
        "found": found,
        "tiles": _response_tiles(asked, found, links),
        "bars": pages.wait_bars(found, links),
        "late_from": pages.late_from(found),
        "conversion_bars": pages.conversion_bars(found, links),
        "bands": [
            (
                row,
                links.rows("band", band=row.band.key),
                links.rows("band_sql", band=row.band.key),
                links.rows("band_won", band=row.band.key),
            )
            for row in found.conversions
        ],
        "heat": pages.heat_rows(found.cells, links),
        "hours": range(0, 24, 2),
        "reps": [
            (
                pages.group_words(row),
                links.rows("received", owner=row.key),
                links.rows("waiting", owner=row.key),
            )
            for row in found.reps
        ],
        "sources": [
            (pages.group_words(row), links.rows("received", source=row.key))
            for row in found.sources
        ],
        "waiting": response_report.waiting_list(asked.scope),
        "waiting_href": links.rows("waiting"),
        "reps_href": links("/dashboard/reps/"),
        "unanswered_href": links.rows("unanswered"),
        "definition": definition_of(response_report.times),
        "conversion_definition": definition_of(response_report.by_band),
        "is_empty": not found.times.received,
    }


def _response_tiles(
    asked: Asked, found: response_report.Response, links: Links
) -> list[pages.Tile]:
    now, before = found.times, found.before
    first, second = pages.response_tiles(
        asked, _as_numbers(now), _as_numbers(before) if before else {}, links
    )
    slowest = pages.Tile(
        "Slowest tenth",
        "–" if now.p90 is None else pages.time_words(now.p90),
        href=links.rows("answered"),
        definition="A tenth of the answered inquiries waited longer than this.",
    )
    change = pages.changed(now.p90, before.p90 if before else None, kind="time", good="down")
    late = f"{found.overdue} over target" if found.overdue else "now"
    return [
        first,
        second,
        pages.with_change(slowest, change),
        pages.Tile(
            "Never answered",
            f"{now.unanswered:,}",
            href=links.rows("unanswered"),
            definition=definition_of(response_report.unanswered),
            note=f"of {now.received:,} received",
        ),
        pages.Tile(
            "Waiting now",
            f"{found.waiting:,}",
            href=links.rows("waiting"),
            definition="Leads whose clock runs at this moment, whatever the period.",
            note=late,
        ),
    ]


def _as_numbers(times: response_report.Times) -> Context:
    return {
        "response_median_seconds": times.median,
        "share_in_target": times.share_in_target,
    }


@role_required(Role.MARKETER, Role.MANAGER)
@require_GET
def sources(request: HttpRequest) -> HttpResponse:
    chosen = source_page.Choice(
        _chosen(request, "model", source_report.MODELS, source_report.FIRST),
        _chosen(request, "measure", source_report.MEASURES, "leads"),
        request.GET.get("open", ""),
    )
    return _page(
        request,
        "dashboard/sources.html",
        lambda asked, links: source_page.context(asked, links, chosen),
    )


def _chosen(request: HttpRequest, name: str, choices: Any, default: str) -> str:
    value = request.GET.get(name, "")
    return value if value in choices else default


@require_GET
def reps(request: HttpRequest) -> HttpResponse:
    return _page(request, "dashboard/reps.html", _reps)


def _reps(asked: Asked, links: Links) -> Context:
    found = reps_report.reps(asked.scope)
    return {
        "rows": [(row, pages.rep_cells(row, links)) for row in found.rows],
        "average": found.average and (found.average, pages.rep_cells(found.average, None)),
        "definition": definition_of(reps_report.reps),
        "is_empty": not found.rows,
    }


@require_GET
def rows(request: HttpRequest) -> HttpResponse:
    """The rows behind one number."""
    metric = metric_of(request.GET.get("metric", ""))

    def fill(asked: Asked, links: Links) -> Context:
        found = metric.rows(asked.scope, request.GET.dict()).select_related(*metric.related)
        page = keyset_page(
            found,
            ordering=[f"-{metric.moment}", "-pk"],
            size=50,
            cursor=request.GET.get("cursor"),
        )
        shown = [_row(row, metric.lead, metric.moment) for row in page]
        return {
            "metric": metric,
            "page": page,
            "rows": shown,
            "count": capped_count(found, cap=MOST_COUNTED),
            **(_shares(asked, shown, request) if metric.label == CREDITED else {}),
        }

    return _page(request, "dashboard/rows.html", fill)


def _shares(asked: Asked, shown: list[Context], request: HttpRequest) -> Context:
    """What the chosen channel gets of each row: a lead can be shared among several."""
    credited = credited_of(request.GET.dict())
    found = credited.shares(asked.scope, [row["pk"] for row in shown])
    for row in shown:
        share = found.get(row["pk"])
        row["credit"] = share and share.credit
        row["revenue"] = share and share.revenue
    return {
        "credited": credited,
        "credit_label": channels.label_of(credited.channel) if credited.channel else "all channels",
        "credit_model": source_report.MODELS[credited.model],
    }


def _row(row: Any, lead: str, moment: str) -> Context:
    return {
        "pk": row.pk,
        "lead": getattr(row, lead) if lead else row,
        "at": getattr(row, moment),
        "amount": getattr(row, "amount", None),
        "currency": getattr(row, "currency", ""),
    }
