"""Pools: seen by everybody, changed by managers."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role
from leadcrm.lib.errors import DomainError, Invalid
from pipeline import actions, queries
from pipeline.forms import show_refusal
from pipeline.forms.rules import MemberForm, PoolForm
from pipeline.models import Pool
from pipeline.queries import trial
from pipeline.views.doors import done

editors = role_required(Role.MANAGER)


@require_GET
def pool(request: HttpRequest, pool_id: int) -> HttpResponse:
    found = get_object_or_404(Pool.objects.select_related("queue"), pk=pool_id)
    members = list(queries.members_of(found))
    verdicts = {
        v.candidate.user_id: v for v in trial.verdicts_of(found, members, at=timezone.now())
    }
    context = {
        "pool": found,
        "members": [(member, verdicts[member.user_id]) for member in members],
        "new_member": MemberForm(),
        "waiting": found.waiting.count(),
        "may_edit": user_of(request).has_role(Role.MANAGER),
    }
    return render(request, "pipeline/pool.html", context)


@editors
def pool_edit(request: HttpRequest, pool_id: int | None = None) -> HttpResponse:
    found = get_object_or_404(Pool, pk=pool_id) if pool_id else None
    form = PoolForm(request.POST or None, instance=found)
    if form.is_valid():
        fresh = Pool.objects.get(pk=pool_id) if pool_id else None
        try:
            made = actions.save_pool(fresh, form.terms)
        except DomainError as error:
            show_refusal(form, error)
        else:
            return done(request, f"Saved the pool “{made.name}”.", to=f"/routing/pools/{made.pk}/")
    context = {"form": form, "pool": found}
    return render(request, "pipeline/pool_form.html", context, status=422 if form.errors else 200)


@editors
@require_POST
def pool_delete(request: HttpRequest, pool_id: int) -> HttpResponse:
    found = get_object_or_404(Pool, pk=pool_id)
    actions.delete_pool(found)
    return done(request, f"The pool “{found.name}” is gone.", to="/routing/")


@editors
@require_POST
def pool_member(request: HttpRequest, pool_id: int) -> HttpResponse:
    """Put somebody into a pool, change how they share or where they stand, or take them out."""
    found, form = get_object_or_404(Pool, pk=pool_id), MemberForm(request.POST)
    if not form.is_valid():
        name, messages = next(iter(form.errors.items()))
        raise Invalid.field(name, f"{form[name].label}: {messages[0]}")
    given = dict(form.cleaned_data)
    person = form.people[given.pop("user")]
    if "remove" in request.POST:
        actions.remove_pool_member(found, person)
    elif request.POST.get("move") in {"up", "down"}:
        actions.move_pool_member(found, person, up=request.POST["move"] == "up")
    else:
        actions.set_pool_member(found, person, **given)
    return done(request, f"Saved {person.name}.", to=f"/routing/pools/{found.pk}/")
