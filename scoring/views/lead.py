"""The score of one lead."""

from datetime import datetime, time, timedelta
from typing import cast

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET

from leadcrm.accounts.models import User
from leadcrm.lib.errors import NotFound
from leads.queries import record
from scoring import queries
from scoring.models import Rule
from scoring.panels import bars_of

GROUPS = {**dict(Rule.Group.choices), "total": "Score"}


@require_GET
def lead_score(request: HttpRequest, lead_id: str) -> HttpResponse:
    """Every contribution, now or at the end of a day."""
    lead = record.find(request.user, lead_id)
    version = queries.published_version()
    if version is None:
        raise NotFound("No scoring model is published yet.")
    user = cast(User, request.user)
    day, at = _moment(request.GET.get("as_of", ""), user)
    explanation = queries.explanation_by(version, lead, at=at)
    rows = [(row, GROUPS[row.group], queries.detail_of(row)) for row in explanation.contributions]
    context = {
        "lead": lead,
        "explanation": explanation,
        "rows": rows,
        "bars": bars_of(explanation.groups, version.total_cap),
        "day": day,
        "history": queries.history_of(lead),
        "section": "leads",
    }
    return render(request, "scoring/lead_score.html", context)


def _moment(raw: str, user: User) -> tuple[str, datetime]:
    """The end of the day in the reader's zone; now when no day can be read."""
    try:
        day = parse_date(raw) if len(raw) == 10 else None
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2200:
        return "", timezone.now()
    end = datetime.combine(day, time(), tzinfo=user.zone) + timedelta(days=1)
    return day.isoformat(), end
