"""Reconciliation: day by day and source by source, what arrived and what became of it."""

from datetime import date

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts.doors import role_required
from leadcrm.accounts.models import Role
from leads.capture import reconciling
from leads.models import Reconciliation


@role_required(Role.MARKETER)
@require_GET
def reconciliation(request: HttpRequest) -> HttpResponse:
    """Every day; of one day every source."""
    since = reconciling.first_day(timezone.now())
    rows = list(Reconciliation.objects.filter(day__gte=since).order_by("-day", "-received", "key"))
    day = day_of(request.GET.get("day", ""))
    days = [row for row in rows if row.key == Reconciliation.ALL]
    context = {
        "days": days,
        "day": next((row for row in days if row.day == day), None),
        "sources": [row for row in rows if row.day == day and row.key != Reconciliation.ALL],
        "broken": [row for row in days if row.breach],
        "counted_at": max((row.counted_at for row in rows), default=None),
    }
    return render(request, "leads/inbox/reconciliation.html", context)


def day_of(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:
        return None


@role_required(Role.MARKETER)
@require_POST
def count_again(request: HttpRequest) -> HttpResponse:
    rows = reconciling.reconcile(at=timezone.now())
    broken = sum(bool(row.breach) for row in rows if row.key == Reconciliation.ALL)
    if broken:
        messages.warning(request, f"Counted. {broken} days do not add up.")
    else:
        messages.success(request, "Counted. Everything adds up.")
    return redirect("inbox-reconciliation")
