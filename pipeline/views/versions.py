"""Versions of the rules: what each said and changed, playing one over the past, going back."""

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import Invalid, NotFound
from leadcrm.lib.pagination import keyset_page
from leads.models import Lead
from pipeline import actions, queries
from pipeline.forms.rules import DryRunForm
from pipeline.models import RuleSet
from pipeline.queries import trial
from pipeline.views.doors import done

PAGE = "/routing/"
PAGE_SIZE = 30
MOST_DIFFERENCES = 200
LATEST = 50
USUAL_DAYS = 30
editors = role_required(Role.MANAGER)


@require_GET
def version_list(request: HttpRequest) -> HttpResponse:
    actions.ensure_default_routing()
    found = RuleSet.objects.select_related("published_by", "restored_from")
    cursor = request.GET.get("cursor")
    page = keyset_page(found, ordering=["-number"], size=PAGE_SIZE, cursor=cursor)
    context = {"page": page, "may_edit": user_of(request).has_role(Role.MANAGER)}
    return render(request, "pipeline/versions.html", context)


@require_GET
def version(request: HttpRequest, number: int) -> HttpResponse:
    shown = _version(number)
    published = actions.ensure_default_routing()
    context = {
        "shown": shown,
        "published": published,
        "rows": trial.rule_rows(shown, at=timezone.now()),
        "changes": trial.changes(published, shown) if shown.pk != published.pk else [],
        "may_edit": user_of(request).has_role(Role.MANAGER),
    }
    return render(request, "pipeline/version.html", context)


def _version(number: int) -> RuleSet:
    found = RuleSet.objects.filter(number=number).select_related("published_by").first()
    if found is None:
        raise NotFound
    return found


@editors
@require_POST
def restore(request: HttpRequest, number: int) -> HttpResponse:
    """Go back to a version at once, or begin a draft with it."""
    what, at = request.POST.get("do", ""), timezone.now()
    if what == "roll_back":
        made = actions.roll_back(number, at=at, actor=user_of(request))
        words = f"The rules of v{number} decide again, as v{made.number}."
    elif what == "draft":
        draft = actions.copy_into_draft(number, at=at)
        words = f"Draft v{draft.number} begins with the rules of v{number}."
    else:
        raise Invalid.field("do", "A version is restored at once, or copied into the draft.")
    return done(request, words, to=PAGE)


# Dry run ------------------------------------------------------------------------------------------


@editors
@require_GET
def dry_run(request: HttpRequest) -> HttpResponse:
    """Who would have got the leads of the last weeks by other rules. Writes nothing."""
    at = timezone.now()
    actions.ensure_default_routing()
    latest = list(RuleSet.objects.order_by("-number")[:LATEST])
    choices = [(str(s.number), f"v{s.number}, {s.get_state_display().lower()}") for s in latest]
    form = DryRunForm(request.GET or None, versions=choices)
    chosen = form.cleaned_data if form.is_valid() else {}
    wanted = chosen.get("version") or _newest(latest).number
    rule_set = next(s for s in latest if s.number == wanted)
    days = chosen.get("days") or USUAL_DAYS
    context = {
        "form": form,
        "shown": rule_set,
        "days": days,
        **_played(request, rule_set, days, at),
    }
    status = 422 if form.is_bound and form.errors else 200
    return render(request, "pipeline/dry_run.html", context, status=status)


def _newest(latest: list[RuleSet]) -> RuleSet:
    """The draft if there is one, else the version in force."""
    return min(latest, key=lambda s: (s.state != "draft", s.state != "published"))


def _played(request: HttpRequest, rule_set: RuleSet, days: int, at: datetime) -> dict[str, Any]:
    routed = queries.routed_leads(request.user, at=at, days=days)
    found = queries.compare(list(queries.rules_of(rule_set)), routed)
    shown = found.differences[-MOST_DIFFERENCES:][::-1]
    leads = Lead.objects.visible_to(request.user).in_bulk([row.lead_id for row in shown])
    most = max((max(share.did, share.would) for share in found.shares), default=1)
    return {
        "found": found,
        "most": most,
        "differences": [(leads[row.lead_id], row) for row in shown if row.lead_id in leads],
        "more": len(found.differences) - len(shown),
    }
