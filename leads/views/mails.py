"""Automatic mail: what was sent, what failed, what is in doubt; a person decides about the rest."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError
from leadcrm.lib.pagination import keyset_page
from leads.actions import mails as actions
from leads.models import TransactionalMail
from leads.queries import mails as queries

State = TransactionalMail.State
TONES = {State.SENT: "good", State.UNKNOWN: "warm", State.FAILED: "bad"}
KINDS = {
    "confirm": "Confirm an address",
    "asset": "Something in return",
    "capture": "New answer, to a colleague",
}
FILTERS = (
    ("trouble", "Wants a decision"),
    ("queued", "Waiting"),
    ("sent", "Sent"),
    ("all", "All"),
)


@dataclass(frozen=True, slots=True)
class Row:
    mail: TransactionalMail

    @property
    def tone(self) -> str:
        return TONES.get(State(self.mail.state), "")

    @property
    def kind(self) -> str:
        return KINDS.get(self.mail.kind, self.mail.kind.replace("_", " ").capitalize())

    @property
    def decided(self) -> str:
        """What a person said of it."""
        if not self.mail.decision:
            return ""
        who = str(self.mail.decided_by or "Somebody")
        said = {"send": "sent it again", "arrived": "said it arrived"}
        return f"{who} {said.get(self.mail.decision, self.mail.decision)}"


@role_required(Role.MARKETER)
@require_GET
def mail_list(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    chosen = request.GET.get("show", "trouble")
    page = keyset_page(
        filtered(queries.mails(user), chosen),
        ordering=["-pk"],
        size=50,
        cursor=request.GET.get("cursor") or None,
    )
    context = {
        "page": page,
        "rows": [Row(mail) for mail in page.rows],
        "show": chosen,
        "filters": FILTERS,
        "trouble": queries.trouble(user),
    }
    return render(request, "leads/mails/list.html", context)


def filtered(mails: Any, chosen: str) -> Any:
    if chosen == "queued":
        return mails.filter(state__in=(State.QUEUED, State.HANDED_OFF))
    if chosen == "sent":
        return mails.filter(state=State.SENT)
    return mails if chosen == "all" else mails.filter(state__in=TransactionalMail.TROUBLE)


@role_required(Role.MARKETER)
@require_http_methods(["GET", "POST"])
def mail_page(request: HttpRequest, mail_id: int) -> HttpResponse:
    """One mail, without its text: that is between us and whom it is for."""
    mail = get_object_or_404(queries.mails(user_of(request)), pk=mail_id)
    if request.method == "POST":
        return decide(request, mail)
    return render(request, "leads/mails/mail.html", {"mail": mail, "row": Row(mail)})


def decide(request: HttpRequest, mail: TransactionalMail) -> HttpResponse:
    do, user, now = request.POST.get("do", ""), user_of(request), timezone.now()
    try:
        if do == "arrived":
            actions.call_arrived(mail.pk, by=user, at=now)
            words = "Noted: it arrived. Nothing is sent."
        elif mail.state == State.QUEUED:
            actions.try_now(mail.pk)
            words = "It is tried again now."
        else:
            sure = request.POST.get("twice") == "on"
            actions.send_again(mail.pk, by=user, at=now, twice_is_fine=sure)
            words = f"It is sent to {mail.to_address} again."
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, words)
    return redirect("mail-page", mail_id=mail.pk)
