"""What advertisers are told of their leads: Meta by itself, Google Ads by a file."""

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError, NotFound
from leads.actions import feedback as actions
from leads.actions.marketing import name_conversions
from leads.forms.feedback import ConversionNamesForm, FeedbackForm, PeriodForm
from leads.models import AttributionSettings, Connection, ConnectionSecret
from leads.providers.meta import Meta
from leads.queries import feedback as queries
from leads.queries import offline
from leads.queries.sources import connections

office = role_required(Role.MARKETER, Role.MANAGER)
Use = ConnectionSecret.Use


def find(key: str) -> Connection:
    """Only Meta is told."""
    found = connections().filter(source__key=key, provider=Meta.key).first()
    if found is None:
        raise NotFound
    return found


@office
@require_http_methods(["GET", "POST"])
def source_feedback(request: HttpRequest, key: str) -> HttpResponse:
    connection = find(key)
    form = FeedbackForm(connection, request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            actions.set_feedback(connection, form.telling, at=timezone.now())
        except DomainError as error:
            form.take(error)
        else:
            messages.success(request, "Saved. It holds for what happens from now on.")
            return redirect("source-feedback", key=key)
    context = {
        "form": form,
        "source": connection.source,
        "token": connection.secrets.filter(use=Use.FEEDBACK, expires_at=None).last(),
        "told": queries.told(connection, user_of(request)),
        "agreed_to": AttributionSettings.load().get_conversion_consent_display(),
    }
    status = 422 if form.errors else 200
    return render(request, "leads/sources/feedback.html", context, status=status)


@office
@require_POST
def source_feedback_retry(request: HttpRequest, key: str) -> HttpResponse:
    count = actions.tell_again(find(key))
    messages.success(request, f"{count} conversions are tried again.")
    return redirect("source-feedback", key=key)


# ---- Google Ads ----


@office
@require_http_methods(["GET", "POST"])
def conversions(request: HttpRequest) -> HttpResponse:
    """What a file for Google Ads would hold and leave out, and what it calls conversions."""
    form = ConversionNamesForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        name_conversions(form.cleaned_data)
        messages.success(request, "Saved.")
        return redirect("conversions")
    period, found = asked(request)
    counts = found.counts if found else {}
    context = {
        "form": form,
        "period": period,
        "found": found,
        "kinds": [(form[kind].label, name, counts.get(kind, 0)) for kind, name in named()],
        "agreed_to": AttributionSettings.load().get_conversion_consent_display(),
    }
    status = 422 if form.errors or period.errors else 200
    return render(request, "leads/marketing/conversions.html", context, status=status)


def named() -> list[tuple[str, str]]:
    return [(kind, name) for kind, name in offline.names().items() if name]


def asked(request: HttpRequest) -> tuple[PeriodForm, offline.Offline | None]:
    """The period, and what is found in it unless it is none."""
    usual = PeriodForm.usual()
    data = {name: request.GET.get(name) or day.isoformat() for name, day in usual.items()}
    form = PeriodForm(data)
    if not form.is_valid():
        return form, None
    try:
        return form, offline.offline(user_of(request), **days(form))
    except DomainError as error:
        form.add_error("last_day", error.errors[0].message)
        return form, None


def days(form: PeriodForm) -> dict[str, date]:
    return {"first": form.cleaned_data["first_day"], "last": form.cleaned_data["last_day"]}


@office
@require_GET
def conversions_file(request: HttpRequest) -> HttpResponseBase:
    period, found = asked(request)
    if found is None:
        return redirect("conversions")
    first, last = days(period).values()
    lines = offline.csv_lines(found.rows)
    response = StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8")
    name = f"google-ads-conversions-{first}-{last}.csv"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
