"""Taking leads out: at once, or prepared by a worker for large lists."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from leadcrm.accounts.access import reach_of
from leadcrm.accounts.doors import user_of
from leadcrm.lib.errors import Invalid, NotFound
from leadcrm.lib.pagination import keyset_page
from leads import exporting
from leads.actions.columns import choose_export_columns
from leads.models import ExportJob
from leads.models.lead import LeadQuerySet
from leads.queries.columns import EXPORT, chosen_by
from leads.views.listing import narrowed, query_of

PAGE = 50


@require_http_methods(["GET", "POST"])
def export(request: HttpRequest) -> HttpResponseBase:
    """The whole view, or the leads chosen in it, as CSV or a workbook, in the columns one chose."""
    from leads.views.lists import chosen_in  # the list also leads here

    sent = request.POST if request.method == "POST" else request.GET
    format_ = "xlsx" if sent.get("format") == "xlsx" else "csv"
    if request.method == "POST":
        return download(request, chosen_in(request), format_, "chosen")
    leads = narrowed(request)[0]
    query = query_of(request.GET, "view", "sort", "format").urlencode(safe=",")
    most = exporting.AT_ONCE[format_]
    if leads.order_by()[: most + 1].count() > most:
        user = user_of(request)
        mine = chosen_by(user, EXPORT)
        exporting.order(user, format_=format_, query=query, columns=mine)
        messages.success(
            request, "Your export is being prepared. You will be told when it is done."
        )
        return redirect("export-list")
    return download(request, leads, format_, query)


def download(
    request: HttpRequest, leads: LeadQuerySet, format_: str, query: str
) -> StreamingHttpResponse:
    user = user_of(request)
    mine = chosen_by(user, EXPORT)
    job = exporting.noted(user, format_=format_, query=query, columns=mine)
    rows = exporting.stream(job, leads)
    make = exporting.csv_blocks if format_ == exporting.CSV else exporting.workbook_blocks
    return as_file(make(exporting.headings(mine), rows), format_)


def as_file(blocks: object, format_: str) -> StreamingHttpResponse:
    content_type = exporting.content_type(format_)
    response = StreamingHttpResponse(blocks, content_type=content_type)  # type: ignore[arg-type]
    name = f"leads-{timezone.localdate():%Y-%m-%d}.{format_}"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


@require_http_methods(["GET", "POST"])
def export_columns(request: HttpRequest) -> HttpResponse:
    """Which columns one's exports have: chosen, remembered, and the export begun."""
    user, error = user_of(request), ""
    known = exporting.available()
    chosen = chosen_by(user, EXPORT) or list(known)
    query = query_of(request.GET, "format")
    if request.method == "POST":
        chosen = request.POST.getlist("columns")
        try:
            choose_export_columns(user, chosen, known=list(known))
        except Invalid as refused:
            error = refused.detail
        else:
            query["format"] = "xlsx" if request.POST.get("format") == "xlsx" else "csv"
            return redirect(f"/leads/export/?{query.urlencode(safe=',')}")
    rows = [(column, column.key in chosen) for column in known.values()]
    context = {"rows": rows, "query": query.urlencode(safe=","), "error": error}
    part = "#dialog" if request.headers.get("HX-Request") else ""
    return render(
        request, f"leads/export_columns.html{part}", context, status=422 if error else 200
    )


@require_GET
def export_list(request: HttpRequest) -> HttpResponse:
    """One's own exports; whoever sees all leads sees who took out how many."""
    user = user_of(request)
    jobs = ExportJob.objects.visible_to(user).select_related("user", "api_key")
    page = keyset_page(
        jobs, ordering=["-created_at", "-pk"], size=PAGE, cursor=request.GET.get("cursor")
    )
    context = {
        "page": page,
        "everybody": reach_of(user).everything,
        "waiting": any(job.state == ExportJob.State.WAITING for job in page),
    }
    return render(request, "leads/imports/exports.html", context)


@require_GET
def export_file(request: HttpRequest, job_id: str) -> HttpResponseBase:
    job = ExportJob.objects.visible_to(user_of(request)).filter(public_id=job_id).first()
    if job is None:
        raise NotFound
    return as_file(exporting.blocks_of(job), job.format)
