"""The list of captures with its filters."""

from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import User
from leadcrm.lib.pagination import CappedCount, capped_count, keyset_page
from leads.capture import deeds
from leads.forms.inbox import InboxFilter
from leads.models import InboxItem
from leads.queries.captures import balances, captures, narrowed, total_of
from leads.views.inbox.rows import OFFICE, Row

PAGE = 50
BALANCE_DAYS = 30
MOST_COUNTED = 1000


@role_required(*OFFICE)
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    form, user = InboxFilter(request.GET), user_of(request)
    found = narrowed(captures(user), form.conditions)
    cursor = request.GET.get("cursor") or None
    page = keyset_page(found, ordering=["-pk"], size=PAGE, cursor=cursor)
    sources = balances(user, since=timezone.now() - timedelta(days=BALANCE_DAYS))
    context = {
        "form": form,
        "page": page,
        "rows": [Row(item) for item in page.rows],
        "balances": sources,
        "total": total_of(sources),
        "days": BALANCE_DAYS,
        "deeds": deeds.unfinished(),
        "query": request.GET.urlencode(),
        "matching": matching(user, form) if form.chosen else None,
    }
    return render(request, "leads/inbox/list.html", context)


def matching(user: User, form: InboxFilter) -> CappedCount:
    """How many are meant by “all that match”."""
    found = narrowed(InboxItem.objects.visible_to(user), form.conditions)
    return capped_count(found, cap=MOST_COUNTED)
