"""The score of one lead: why it is so, how it came about, and what would change it."""

from datetime import datetime, time, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.views.decorators.http import require_GET

from leadcrm.accounts.doors import user_of
from leadcrm.accounts.models import User
from leads.queries import record
from scoring import queries, studies
from scoring.explain import telling
from scoring.explain.charts import course_of
from scoring.explain.prospects import prospects
from scoring.panels import bars_of


@require_GET
def lead_score(request: HttpRequest, lead_id: str) -> HttpResponse:
    """Every contribution, now or at the end of a day."""
    lead = record.find(request.user, lead_id)
    now, user = timezone.now(), user_of(request)
    day, at = _moment(request.GET.get("as_of", ""), user, now)
    told = telling.told(lead, at=at, past=bool(day))
    context: dict[str, Any] = {
        "lead": lead,
        "told": told,
        "explanation": told.explanation,
        "lines": telling.lines(told, lead),
        "bars": bars_of(told.explanation.groups, told.version.total_cap),
        "day": day,
        "days": [(words, (now - timedelta(days=n)).astimezone(user.zone)) for words, n in AGO],
        "was_shown": queries.score_before(lead, at=at) if day else None,
        "course": course_of(lead, request.GET.get("range", ""), now=now, user=user),
        "foretold": None if day else studies.foretold(lead, at=now),
        "section": "leads",
    }
    return render(request, "scoring/lead_score.html", context)


AGO = (("A week ago", 7), ("A month ago", 30), ("Three months ago", 90))


@require_GET
def lead_prospects(request: HttpRequest, lead_id: str) -> HttpResponse:
    """What would lift the lead to sales-qualified, and when its score falls by itself."""
    lead = record.find(request.user, lead_id)
    is_part = bool(request.headers.get("HX-Request"))
    template = "scoring/prospects.html#prospects" if is_part else "scoring/prospects.html"
    context = {"lead": lead, "ahead": prospects(lead, at=timezone.now()), "section": "leads"}
    return render(request, template, context)


def _moment(raw: str, user: User, now: datetime) -> tuple[str, datetime]:
    """The end of the day in the reader's zone; now when no day can be read."""
    try:
        day = parse_date(raw) if len(raw) == 10 else None
    except ValueError:
        day = None
    if day is None or not 2000 <= day.year <= 2200:
        return "", now
    end = datetime.combine(day, time(), tzinfo=user.zone) + timedelta(days=1)
    return day.isoformat(), end
