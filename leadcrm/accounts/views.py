"""Settings: the person's own, and for administrators people, keys, events and caught mail."""

from csp.constants import NONE, SELF, UNSAFE_INLINE
from csp.decorators import csp_replace
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.clickjacking import xframe_options_sameorigin
from django.views.decorators.http import require_GET, require_POST

from leadcrm.accounts import actions, invitations, leaving, mailcatcher, people, queries
from leadcrm.accounts.availability import announce
from leadcrm.accounts.doors import admin_required, user_of
from leadcrm.accounts.forms import (
    ApiKeyForm,
    ChangePersonForm,
    LeavingForm,
    PersonForm,
    ProfileForm,
    TeamForm,
    WorkspaceForm,
    show_refusal,
)
from leadcrm.accounts.models import ApiKey, Notification, Team, User, Workspace
from leadcrm.eventlog import actions as events
from leadcrm.eventlog import queries as event_queries
from leadcrm.lib.errors import DomainError
from leadcrm.lib.pagination import capped_count, keyset_page

PAGE = 50


@require_GET
def settings_home(request: HttpRequest) -> HttpResponse:
    return redirect("profile")


def profile(request: HttpRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=user_of(request))
    if form.is_valid():
        form.save()
        if "time_zone" in form.changed_data:
            announce([user_of(request)], at=timezone.now(), actor=user_of(request))
        messages.success(request, "Saved.")
        return redirect("profile")
    return render(request, "settings/profile.html", {"form": form}, status=status_of(form))


@admin_required
def workspace(request: HttpRequest) -> HttpResponse:
    form = WorkspaceForm(request.POST or None, instance=Workspace.load())
    if form.is_valid():
        form.save()
        if "time_zone" in form.changed_data:
            announce([], at=timezone.now(), actor=user_of(request))
        messages.success(request, "Saved for everybody.")
        return redirect("workspace")
    return render(request, "settings/workspace.html", {"form": form}, status=status_of(form))


# ---- people and teams ----


@admin_required
def people_list(request: HttpRequest) -> HttpResponse:
    found = queries.people(request.GET.get("q", "").strip())
    context = {"people": found, "teams": queries.teams(), "q": request.GET.get("q", "")}
    return render(request, "settings/people.html", context)


@admin_required
def person_new(request: HttpRequest) -> HttpResponse:
    form = PersonForm(request.POST or None)
    if form.is_valid():
        try:
            user = people.invite(**form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
        else:
            send_invitation(request, user)
            return redirect("people")
    return render(request, "settings/person_form.html", {"form": form}, status=status_of(form))


def send_invitation(request: HttpRequest, user: User) -> None:
    if invitations.send(user, invited_by=user_of(request)):
        messages.success(request, f"Invitation sent to {user.email}.")
    else:
        messages.error(
            request,
            f"{user.name} is added, but the mail server refused the invitation. "
            "Look at the e-mail settings, then send it again.",
        )


@admin_required
def person_edit(request: HttpRequest, public_id: str) -> HttpResponse:
    person = get_object_or_404(User, public_id=public_id)
    initial = {"name": person.name, "role": person.role, "teams": person.teams.all()}
    form = ChangePersonForm(request.POST or None, initial=initial)
    if form.is_valid():
        try:
            people.change(person.pk, **form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, f"Saved {form.cleaned_data['name']}.")
            return redirect("people")
    context = {"form": form, "person": person}
    return render(request, "settings/person_form.html", context, status=status_of(form))


@admin_required
@require_POST
def person_active(request: HttpRequest, public_id: str) -> HttpResponse:
    person = get_object_or_404(User, public_id=public_id)
    active = request.POST.get("active") == "yes"
    if not active and leaving.holdings_of(person):
        return redirect("person-leave", person.public_id)
    people.set_active(person.pk, active=active)
    words = "may sign in again" if active else "is signed out everywhere and may not sign in"
    messages.success(request, f"{person.name} {words}.")
    return redirect("people")


@admin_required
def person_leave(request: HttpRequest, public_id: str) -> HttpResponse:
    """Asks what becomes of open leads and tasks, and does it with switching the account off."""
    person = get_object_or_404(User, public_id=public_id, is_active=True)
    form = LeavingForm(request.POST or None, leaving=person, initial={"to": leaving.To.RULES})
    if form.is_valid():
        try:
            at = timezone.now()
            leaving.leave(person.pk, **form.values, at=at, actor=user_of(request))
        except DomainError as error:
            show_refusal(form, error)
        else:
            words = "is signed out everywhere, and what they held is handed over"
            messages.success(request, f"{person.name} {words}.")
            return redirect("people")
    context = {"person": person, "form": form, "holdings": leaving.holdings_of(person)}
    return render(request, "settings/leaving.html", context, status=status_of(form))


@admin_required
@require_POST
def person_invite_again(request: HttpRequest, public_id: str) -> HttpResponse:
    send_invitation(request, get_object_or_404(User, public_id=public_id, is_active=True))
    return redirect("people")


@admin_required
def team_edit(request: HttpRequest, team_id: int | None = None) -> HttpResponse:
    team = get_object_or_404(Team, pk=team_id) if team_id else None
    form = TeamForm(request.POST or None, instance=team)
    if form.is_valid():
        form.save()
        messages.success(request, f"Saved {form.instance.name}.")
        return redirect("people")
    context = {"form": form, "team": team}
    return render(request, "settings/team_form.html", context, status=status_of(form))


# ---- API keys ----


@admin_required
def api_keys(request: HttpRequest) -> HttpResponse:
    return render(request, "settings/api_keys.html", {"keys": queries.api_keys()})


@admin_required
def api_key_new(request: HttpRequest) -> HttpResponse:
    form = ApiKeyForm(request.POST or None)
    if form.is_valid():
        try:
            made = make_key(request, form)
        except DomainError as error:
            show_refusal(form, error)
        else:
            # Shown in this answer and nowhere else: not in a message, a session or a redirect.
            return render(request, "settings/api_key_once.html", {"made": made}, status=201)
    return render(request, "settings/api_key_form.html", {"form": form}, status=status_of(form))


def make_key(request: HttpRequest, form: ApiKeyForm) -> actions.NewKey:
    given = form.cleaned_data
    return actions.create_api_key(
        name=given["name"],
        scopes=given["scopes"],
        publishable=given["kind"] == ApiKey.Kind.PUBLISHABLE,
        origins=given["origins"],
        user=given["user"],
        created_by=user_of(request),
    )


@admin_required
def api_key_revoke(request: HttpRequest, key_id: int) -> HttpResponse:
    key = get_object_or_404(ApiKey, pk=key_id, revoked_at=None)
    if request.method != "POST":
        return render(request, "settings/api_key_revoke.html", {"key": key})
    actions.revoke_api_key(key, at=timezone.now())
    messages.success(request, f"The key “{key.name}” no longer works.")
    return redirect("api-keys")


# ---- events ----


@admin_required
def event_list(request: HttpRequest) -> HttpResponse:
    dead = event_queries.dead_deliveries()
    page = keyset_page(dead, ordering=["-pk"], size=PAGE, cursor=request.GET.get("cursor"))
    context = {
        "page": page,
        "count": capped_count(dead),
        "lag": event_queries.delivery_lag_seconds(),
    }
    return render(request, "settings/events.html", context)


@admin_required
@require_POST
def event_retry(request: HttpRequest) -> HttpResponse:
    chosen = [int(value) for value in request.POST.getlist("ids") if value.isdigit()]
    everything = request.POST.get("do") == "all"
    count = events.retry_dead(None if everything else chosen)
    noun = "delivery" if count == 1 else "deliveries"
    messages.success(request, f"{count} {noun} queued again.")
    return redirect("events")


# ---- caught mail ----


def catcher_required() -> None:
    if not mailcatcher.is_on():
        raise Http404("Mail goes to a real server, so nothing is caught here.")


@admin_required
def mail_list(request: HttpRequest) -> HttpResponse:
    catcher_required()
    return render(request, "settings/mail.html", {"mails": mailcatcher.newest()})


@admin_required
def mail_one(request: HttpRequest, key: str) -> HttpResponse:
    catcher_required()
    return render(request, "settings/mail_one.html", {"mail": mailcatcher.one(key)})


@admin_required
@xframe_options_sameorigin
@csp_replace(  # type: ignore[arg-type]  # typed for views without further arguments
    {
        "default-src": [NONE],
        "script-src": [NONE],
        "style-src": [UNSAFE_INLINE],
        "img-src": ["data:"],
        "frame-ancestors": [SELF],
        "form-action": [NONE],
        "sandbox": True,
    }
)
def mail_html(request: HttpRequest, key: str) -> HttpResponse:
    """The message as its reader sees it: no scripts, no forms, no same-origin rights."""
    catcher_required()
    return HttpResponse(mailcatcher.one(key).html)


# ---- notifications ----


def notification_list(request: HttpRequest) -> HttpResponse:
    rows = queries.notifications_of(user_of(request))
    cursor = request.GET.get("cursor")
    page = keyset_page(rows, ordering=["-created_at", "-pk"], size=PAGE, cursor=cursor)
    return render(request, "settings/notifications.html", {"page": page})


@require_POST
def notifications_read(request: HttpRequest) -> HttpResponse:
    actions.mark_notifications_read(user_of(request), at=timezone.now())
    return redirect("notifications")


@require_POST
def notification_open(request: HttpRequest, notification_id: int) -> HttpResponse:
    """Mark one as read and go where it points."""
    own = queries.notifications_of(user_of(request))
    found: Notification = get_object_or_404(own, pk=notification_id)
    actions.mark_notification_read(found, at=timezone.now())
    return redirect(found.url or "notifications")


def status_of(form: object) -> int:
    """422 for a form that comes back with errors, so that programs and htmx can tell."""
    return 422 if getattr(form, "errors", None) else 200
