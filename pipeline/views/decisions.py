"""What routing decided, and asking it why."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import NotFound
from leadcrm.lib.pagination import keyset_page
from leads.models import Lead
from pipeline import actions, queries
from pipeline.actions.routing import drain_waiting
from pipeline.forms.rules import AskForm
from pipeline.models import Assignment, RoutingDecision, WaitingLead
from pipeline.queries import explaining
from pipeline.views.doors import done, is_fragment

PAGE_SIZE = 50


@require_GET
def log(request: HttpRequest) -> HttpResponse:
    """The newest decisions about leads this person sees."""
    visible = Lead.objects.visible_to(request.user).values("pk")
    found = RoutingDecision.objects.filter(lead__in=visible).select_related(
        "lead", "chosen", "queue"
    )
    if rule := request.GET.get("rule", "")[:12].replace("\x00", ""):
        found = found.filter(rule_key=rule)
    cursor = request.GET.get("cursor")
    page = keyset_page(found, ordering=["-decided_at", "-pk"], size=PAGE_SIZE, cursor=cursor)
    return render(request, "pipeline/routing_log.html", {"page": page, "rule": rule})


@require_GET
def decision(request: HttpRequest, decision_id: int) -> HttpResponse:
    found = _decision(request, decision_id)
    form = AskForm(request.GET)
    person = form.people.get(request.GET.get("who", ""))
    cures = [cure for cure in request.GET.getlist("if") if cure in explaining.CURE_WORDS]
    context = {
        "decision": found,
        "same": explaining.comes_out_the_same(found),
        "behind": explaining.stood_behind(found),
        "turns": explaining.turns(found),
        "form": form,
        "who": person,
        "cures": cures,
        "cure_words": explaining.CURE_WORDS,
        "why": explaining.why_not(found, person) if person else None,
        "supposed": explaining.suppose(found, person, cures) if person else None,
        "became": Assignment.objects.filter(decision=found).select_related("owner", "team").first(),
    }
    template = "pipeline/decision.html#ask" if is_fragment(request) else "pipeline/decision.html"
    return render(request, template, context)


def _decision(request: HttpRequest, decision_id: int) -> RoutingDecision:
    """:raises NotFound: there is none, or its lead is not for these eyes."""
    visible = Lead.objects.visible_to(request.user).values("pk")
    found = (
        RoutingDecision.objects.filter(pk=decision_id, lead__in=visible)
        .select_related("lead", "chosen", "queue", "pool", "rule_set", "cycle")
        .first()
    )
    if found is None:
        raise NotFound
    return found


# Who waits ----------------------------------------------------------------------------------------


@require_GET
def queue(request: HttpRequest) -> HttpResponse:
    """Leads that wait for somebody with room, the oldest first."""
    visible = Lead.objects.visible_to(request.user).values("pk")
    found = WaitingLead.objects.filter(lead__in=visible).select_related(
        "lead__score_row", "lead__team", "pool", "user"
    )
    cursor = request.GET.get("cursor")
    page = keyset_page(found, ordering=["queued_at", "pk"], size=PAGE_SIZE, cursor=cursor)
    context = {"page": page, "may_edit": user_of(request).has_role(Role.MANAGER)}
    return render(request, "pipeline/routing_queue.html", context)


@role_required(Role.MANAGER)
@require_POST
def drain(request: HttpRequest) -> HttpResponse:
    """Look for room now; the worker does the same by itself every few seconds."""
    served = drain_waiting(at=timezone.now())
    words = f"{served} found somebody." if served else "Nobody has room yet."
    return done(request, words, to="/routing/queue/")


@require_POST
def take(request: HttpRequest, lead_id: str) -> HttpResponse:
    """Somebody takes a lead that nobody owns."""
    lead = Lead.objects.visible_to(request.user).filter(public_id=lead_id).first()
    if lead is None:
        raise NotFound
    actions.claim(lead.pk, user=user_of(request), at=timezone.now())
    return done(request, f"{lead.name} is yours.", to=f"/leads/{lead.public_id}/")


def waiting_count(request: HttpRequest) -> int:
    visible = Lead.objects.visible_to(request.user).values("pk")
    return queries.waiting_leads().filter(lead__in=visible).count()
