"""What is new, asked for every few seconds; and how somebody wants to hear of things."""

from datetime import time
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET

from leadcrm.accounts import notices, queries
from leadcrm.accounts.context import unread_count
from leadcrm.accounts.doors import user_of
from leadcrm.accounts.forms import show_refusal
from leadcrm.lib.errors import DomainError

MOST_AT_ONCE = 3
TIME_INPUT = forms.TimeInput(attrs={"type": "time"}, format="%H:%M")


@require_GET
def live(request: HttpRequest) -> HttpResponse:
    """What came since notification `after`; 204 when nothing did. In quiet hours nothing rings."""
    user, after = user_of(request), request.GET.get("after", "")
    newest = queries.notifications_of(user)
    known = int(after) if after.isascii() and after.isdigit() and len(after) < 18 else None
    last = newest.order_by("-pk").values_list("pk", flat=True).first() or 0
    if known is not None and last <= known:
        return HttpResponse(status=204)
    rows = []
    if known is not None and not notices.is_quiet(user, timezone.now()):
        rows = list(newest.filter(pk__gt=known, read_at=None).order_by("-pk")[:MOST_AT_ONCE])
    items = [{"title": row.title, "url": row.url} for row in reversed(rows)]
    return JsonResponse({"last": last, "unread": unread_count(user), "items": items})


class QuietForm(forms.Form):
    quiet_from = forms.TimeField(required=False, widget=TIME_INPUT, label="Quiet from")
    quiet_until = forms.TimeField(required=False, widget=TIME_INPUT, label="until")
    digest_at = forms.TimeField(
        required=False,
        widget=TIME_INPUT,
        label="Daily digest at",
        help_text="What is overdue and due today, who waits, and what you chose for it. "
        "Empty: none.",
    )


def choices(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    initial: dict[str, time | None] = {name: getattr(user, name) for name in QuietForm.base_fields}
    form = QuietForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            notices.choose(user, posted(request), at=timezone.now(), **form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, "Saved how you hear of things.")
            return redirect("notification-choices")
    context: dict[str, Any] = {
        "form": form,
        "rows": notices.choices_of(user),
        "ways": notices.Email.choices,
    }
    status = 422 if form.errors else 200
    return render(request, "settings/notification_choices.html", context, status=status)


def posted(request: HttpRequest) -> dict[str, notices.Choice]:
    return {
        key: notices.Choice(f"app-{key}" in request.POST, request.POST.get(f"email-{key}", ""))
        for key in notices.KINDS
    }
