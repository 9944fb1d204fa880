"""What visitors typed into a form and did not send."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.lib.errors import DomainError
from leadcrm.lib.pagination import keyset_page
from leads.capture import unfinished as actions
from leads.capture.mapping import Person
from leads.models import Form, FormVersion, Unfinished
from leads.queries import unfinished as queries
from leads.views.forms.pages import frame_of
from leads.views.forms.shared import OFFICE, find


@dataclass(frozen=True, slots=True)
class Row:
    """One visit as the page shows it."""

    unfinished: Unfinished
    label: str  # of the last question

    @property
    def person(self) -> Person:
        return actions.person_in(self.unfinished.version, self.unfinished.answers)

    @property
    def who(self) -> str:
        contact = self.person.contact
        name = f"{contact.get('first_name', '')} {contact.get('last_name', '')}".strip()
        return name or str(contact.get("email") or contact.get("phone") or "Somebody")

    @property
    def reach(self) -> str:
        contact = self.person.contact
        return str(contact.get("email") or contact.get("phone") or "")

    @property
    def may_be_lead(self) -> bool:
        """The page it was typed on said so."""
        is_open = self.unfinished.state != Unfinished.State.LEAD
        return is_open and actions.mode_of(self.unfinished.version) == actions.LEAD

    @property
    def answers(self) -> list[tuple[str, str]]:
        return queries.answers_of(self.unfinished)

    @property
    def reached(self) -> tuple[int, int]:
        return queries.reached(self.unfinished)


@role_required(*OFFICE)
@require_GET
def unfinished_list(request: HttpRequest, slug: str) -> HttpResponse:
    form = find(slug)
    page = keyset_page(
        queries.unfinished_of(form, user_of(request)),
        ordering=["-seen_at", "-pk"],
        size=50,
        cursor=request.GET.get("cursor"),
    )
    labels = queries.labels_of(form)
    context: dict[str, Any] = {
        **frame_of(form, "unfinished"),
        "page": page,
        "rows": [Row(row, labels.get(row.last_field, "")) for row in page.rows],
        "stops": queries.stops_of(form),
        **says(form),
    }
    return render(request, "leads/forms/unfinished.html", context)


def says(form: Form) -> dict[str, Any]:
    """What the published version says of what is not sent."""
    version = form.published or FormVersion(form=form)
    return {
        "mode": actions.mode_of(version),
        "keep_days": actions.days_of(version),
        "notice": actions.notice_of(version),
    }


@role_required(*OFFICE)
@require_POST
def unfinished_do(request: HttpRequest, slug: str, row_id: int) -> HttpResponse:
    """Make a lead of it now, if the page it was typed on said so; or delete it."""
    form = find(slug)
    row = get_object_or_404(queries.unfinished_of(form, user_of(request)), pk=row_id)
    if request.POST.get("do") == "delete":
        actions.discard(row.pk)
        messages.success(request, "Deleted. What became a lead stays.")
        return redirect("form-unfinished", slug=slug)
    try:
        actions.make_lead(row.pk, at=timezone.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, "It goes the way of every capture now; a lead follows at once.")
    return redirect("form-unfinished", slug=slug)
