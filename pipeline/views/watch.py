"""The page of the watch: zero, or the list with its age."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import Invalid, NotFound
from leadcrm.lib.pagination import CappedCount, capped_count, keyset_page
from leads.models import Lead
from pipeline.actions import watching
from pipeline.models import Watch
from pipeline.queries import watch as queries
from pipeline.views.doors import done

PAGE_SIZE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One question of the watch and how many of the leads one sees it finds."""

    watch: Watch
    count: CappedCount

    @property
    def grace_hours(self) -> str:
        return f"{self.watch.grace_minutes / 60:g}"

    @property
    def advice(self) -> str:
        return queries.ADVICE[self.watch.kind]


@require_GET
def watch(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    rows = [Row(each, capped_count(_found(request, each, at))) for each in queries.watches()]
    kind = request.GET.get("kind", "")
    chosen = next((row for row in rows if row.watch.kind == kind), None) or next(
        (row for row in rows if row.count.value), None
    )
    context: dict[str, Any] = {
        "rows": rows,
        "chosen": chosen,
        "is_clear": not any(row.count.value for row in rows),
        "may_edit": user_of(request).has_role(Role.MANAGER),
        "at": at,
    }
    if chosen is not None:
        found = _found(request, chosen.watch, at).select_related("owner", "team", "stage")
        cursor = request.GET.get("cursor")
        context["page"] = keyset_page(
            found, ordering=["since", "pk"], size=PAGE_SIZE, cursor=cursor
        )
    return render(request, "pipeline/watch.html", context)


def _found(request: HttpRequest, watch: Watch, at: Any) -> Any:
    return queries.found_by(watch, Lead.objects.visible_to(request.user).open(), at=at)


@role_required(Role.MANAGER)
@require_POST
def settings(request: HttpRequest, kind: str) -> HttpResponse:
    """How long something may be so before managers hear of it."""
    if kind not in Watch.Kind.values:
        raise NotFound
    try:
        minutes = round(float(request.POST.get("grace", "").replace(",", ".")) * 60)
    except (ValueError, OverflowError):
        raise Invalid.field("grace", "Say after how many hours, such as 24 or 0.5.") from None
    made = watching.set_watch(kind, enabled="enabled" in request.POST, grace_minutes=minutes)
    words = f"“{made}” is watched." if made.enabled else f"“{made}” is not watched any more."
    return done(request, words, to=f"/routing/watch/?kind={kind}")
