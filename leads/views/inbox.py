"""The inbox: every capture as it came, what became of it, and what waits for a person."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError, NotFound
from leadcrm.lib.normalise import clean_text
from leadcrm.lib.pagination import keyset_page
from leads import capture
from leads.capture import reviewing
from leads.capture.mapping import text_of
from leads.capture.parsing import decode
from leads.forms.inbox import InboxFilter
from leads.models import InboxItem, Inquiry, Lead
from leads.queries.captures import balances, captures, total_of

PAGE = 50
BALANCE_DAYS = 30
SHOWN_CHARACTERS = 20_000
OFFICE = (Role.MARKETER, Role.MANAGER)
TONES = {"applied": "good", "quarantined": "warm", "needs_review": "accent", "failed": "bad"}


@dataclass(frozen=True, slots=True)
class Row:
    """One capture as the list and its own page show it."""

    item: InboxItem

    @property
    def tone(self) -> str:
        return TONES.get(self.item.state, "")

    @property
    def excerpt(self) -> str:
        """The first answers in one readable line; of a body that is no answers, its beginning."""
        beginning = bytes(self.item.beginning)  # type: ignore[attr-defined]
        item = InboxItem(door=self.item.door, body=beginning, content_type=self.item.content_type)
        said = " · ".join(text for _, text in answers_of(item) if text)
        return clean_text(" ".join((said or decode(beginning, "")).split()), limit=90)


@role_required(*OFFICE)
@require_GET
def inbox(request: HttpRequest) -> HttpResponse:
    form = InboxFilter(request.GET)
    found = captures(user_of(request)).filter(**conditions(form.chosen))
    cursor = request.GET.get("cursor") or None
    page = keyset_page(found, ordering=["-pk"], size=PAGE, cursor=cursor)
    since = timezone.now() - timedelta(days=BALANCE_DAYS)
    sources = balances(user_of(request), since=since)
    context = {
        "form": form,
        "page": page,
        "rows": [Row(item) for item in page.rows],
        "balances": sources,
        "total": total_of(sources),
        "days": BALANCE_DAYS,
    }
    return render(request, "leads/inbox/list.html", context)


def conditions(chosen: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {name: chosen[name] for name in ("state", "source") if name in chosen}
    if "day" in chosen:
        start = timezone.make_aware(datetime.combine(chosen["day"], time.min))
        found["received_at__range"] = (start, start + timedelta(days=1))
    return found


@role_required(*OFFICE)
@require_GET
def inbox_item(request: HttpRequest, receipt_id: str) -> HttpResponse:
    return show(request, find(request, receipt_id))


def find(request: HttpRequest, receipt_id: str) -> InboxItem:
    items = InboxItem.objects.visible_to(user_of(request))
    item = items.select_related("source", "lead", "form_version__form").filter(
        receipt_id=receipt_id
    )
    found: InboxItem | None = item.first()
    if found is None:
        raise NotFound
    return found


def show(
    request: HttpRequest, item: InboxItem, *, error: str = "", status: int = 200
) -> HttpResponse:
    raw = decode(bytes(item.body), "")
    context = {
        "row": Row(item),
        "item": item,
        "answers": answers_of(item),
        "inquiry": Inquiry.objects.filter(inbox_item=item).first(),
        "lead": lead_of(request, item),
        "raw": raw[:SHOWN_CHARACTERS].replace("\x00", "␀"),
        "cut": len(raw) > SHOWN_CHARACTERS,
        "size": len(bytes(item.body)),
        "error": error,
    }
    return render(request, "leads/inbox/item.html", context, status=status)


def lead_of(request: HttpRequest, item: InboxItem) -> Lead | None:
    lead: Lead | None = (
        Lead.objects.visible_to(user_of(request)).filter(pk=item.lead_id).first()
        if item.lead_id
        else None
    )
    return lead


def answers_of(item: InboxItem) -> list[tuple[str, str]]:
    """The fields as they are understood now; none when the body cannot be read."""
    try:
        submission = capture.read(item)
    except capture.Unreadable:
        return []
    return [(name, text_of(value)[:2000]) for name, value in submission.values.items()]


@role_required(*OFFICE)
@require_POST
def inbox_release(request: HttpRequest, receipt_id: str) -> HttpResponse:
    return tell(request, find(request, receipt_id), reviewing.release)


@role_required(*OFFICE)
@require_POST
def inbox_process(request: HttpRequest, receipt_id: str) -> HttpResponse:
    return tell(request, find(request, receipt_id), reviewing.process_again)


def tell(request: HttpRequest, item: InboxItem, act: Any) -> HttpResponse:
    """Do it, and say in words what came of it."""
    if item.state == InboxItem.State.APPLIED:
        messages.info(request, "It was applied before. Nothing changed.")
        return redirect("inbox-item", receipt_id=item.receipt_id)
    outcome: capture.Outcome | None = act(item.pk)
    if outcome is None:
        messages.error(request, "It failed and will be tried again by itself.")
    elif outcome.state == InboxItem.State.APPLIED:
        messages.success(request, "Processed. It is part of a lead now.")
    else:
        messages.warning(request, outcome.reason)
    return redirect("inbox-item", receipt_id=item.receipt_id)


@role_required(*OFFICE)
@require_POST
def inbox_reject(request: HttpRequest, receipt_id: str) -> HttpResponse:
    item = find(request, receipt_id)
    try:
        reviewing.reject(item.pk, reason=request.POST.get("reason", ""), by=user_of(request))
    except DomainError as error:
        return show(request, item, error=error.detail, status=error.status)
    messages.success(request, "Rejected. It stays here to be looked up.")
    return redirect("inbox-item", receipt_id=item.receipt_id)
