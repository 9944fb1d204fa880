"""Confirming an address: opening the link shows a button, pressing it confirms.

Mail scanners open every link; none of them presses buttons.
"""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from leadcrm.lib import tokens
from leadcrm.lib.errors import DomainError, NotFound
from leads import arrivals
from leads.actions import confirming as actions
from leads.capture.reviewing import process_again
from leads.models import Confirmation, InboxItem
from leads.public.showing import RESEND, following, is_themed, sent_mark


@csrf_exempt
@login_not_required
@require_http_methods(["GET", "HEAD", "POST"])
def confirm_page(request: HttpRequest, token: str) -> HttpResponse:
    confirmation = actions.find_confirmation(token)
    if request.method == "POST":
        return confirm(request, confirmation, token)
    if confirmation.confirmed_at is not None:
        return show(request, confirmation, token, state="done")
    is_late = confirmation.expires_at <= timezone.now()
    return show(request, confirmation, token, state="late" if is_late else "open")


def confirm(request: HttpRequest, confirmation: Confirmation, token: str) -> HttpResponse:
    try:
        found = actions.confirm(
            confirmation.pk,
            at=timezone.now(),
            remote_address=arrivals.truncated_address(request),
        )
    except actions.TooLateToConfirm:
        return show(request, confirmation, token, state="late", status=410)
    # Due already, should this process end here.
    if found.inbox_item.lead_id is None:
        process_again(found.inbox_item_id)
    return show(request, found, token, state="done")


def show(
    request: HttpRequest,
    confirmation: Confirmation,
    token: str,
    *,
    state: str,
    status: int = 200,
    words: str = "",
) -> HttpResponse:
    version = confirmation.version
    item = InboxItem.objects.get(pk=confirmation.inbox_item_id)
    context = {
        "crm_form": version.form,
        "version": version,
        "confirmation": confirmation,
        "token": token,
        "state": state,
        "words": words,
        "themed": is_themed(version),
        "sent": sent_mark(item),
        **({**following(item, version)} if state == "done" else {}),
    }
    response = render(request, "leads/public/confirm.html", context, status=status)
    response["Cache-Control"] = "no-store"
    response["Referrer-Policy"] = "no-referrer"
    return response


@csrf_exempt
@login_not_required
@require_POST
def confirm_again(request: HttpRequest, token: str) -> HttpResponse:
    """A new mail: for who holds the link, and for who has just sent the form."""
    pk = tokens.unsign(RESEND, token) or tokens.unsign(actions.PURPOSE, token) or ""
    found = Confirmation.objects.filter(pk=pk).first() if pk.isdecimal() else None
    if found is None:
        raise NotFound
    try:
        found = actions.send_again(found.pk, at=timezone.now())
    except DomainError as error:
        return show(request, found, token, state="again", words=error.detail, status=error.status)
    words = "We have sent the link again. Look in the spam folder if it does not come."
    return show(request, found, token, state="again", words=words)
