"""What a page with a form tells of its visitors: that one was there, began, and got so far.

Nothing is kept of anybody: only counters go up. Who sends Global Privacy Control, and programs that
say so, are not even counted.
"""

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from leadcrm.lib import ratelimit
from leadcrm.lib.middleware import client_network
from leads import arrivals, questions
from leads.actions.counting import count
from leads.capture.envelopes import shown
from leads.models import FormCount, FormVersion
from leads.tracking.machines import is_crawler

MOST_BYTES = 4000
PER_MINUTE = 60
What = FormCount.What
FROM_PAGES = {What.VIEW, What.START, What.FILLED, What.LEFT}


def is_counted(request: HttpRequest) -> bool:
    agent = request.headers.get("User-Agent", "")
    wants_privacy = request.headers.get("Sec-GPC") == "1"
    return bool(agent) and not wants_privacy and not is_crawler(agent)


@csrf_exempt
@login_not_required
@require_POST
def count_events(request: HttpRequest, slug: str) -> HttpResponse:
    """`{"at": the page's mark, "events": [["view"], ["filled", "email"], …]}`; always 204."""
    key = f"form-count:{client_network(request)}"
    with suppress(*arrivals.AWAY):  # a number less is no reason to fail
        if is_counted(request) and ratelimit.hit(key, limit=PER_MINUTE, seconds=60).allowed:
            _count(request, slug)
    return HttpResponse(status=204)


def _count(request: HttpRequest, slug: str) -> None:
    try:
        said = json.loads(request.read(MOST_BYTES))
    except (ValueError, RecursionError):
        return
    mark = str(said.get("at", "")) if isinstance(said, dict) else ""
    version = FormVersion.objects.filter(pk=shown(mark)[0] or 0, form__slug=slug).first()
    if version is not None:
        count(version.pk, _events(said.get("events"), version), day=timezone.now().date())


def _events(raw: Any, version: FormVersion) -> Iterator[tuple[str, str]]:
    keys = {questions.key_of(question) for question in version.fields}
    for event in raw[:100] if isinstance(raw, list) else []:
        if not (isinstance(event, list) and event and all(isinstance(e, str) for e in event)):
            continue
        what, field = event[0], event[1] if len(event) > 1 else ""
        if what in FROM_PAGES and (field in keys or (not field and what in {"view", "start"})):
            yield what, field if what in {"filled", "left"} else ""
