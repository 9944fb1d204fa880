"""Sources: where leads come in, how each does, and setting one up."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from leadcrm.accounts.doors import role_required, user_of
from leadcrm.accounts.models import Role, User
from leadcrm.lib.errors import DomainError, NotFound
from leadcrm.lib.sealing import unseal
from leadcrm.lib.tokens import new_secret
from leads import capture
from leads.actions import sources as actions
from leads.capture.mapping import person_of
from leads.forms import mapping as editor
from leads.forms.sources import NewSourceForm, SecretForm, SourceForm
from leads.models import (
    Connection,
    ConnectionSecret,
    Feedback,
    InboxItem,
    Source,
    SourceMapping,
)
from leads.providers import PROVIDERS, Provider, provider_of
from leads.providers.meta import verify_token
from leads.queries import sources as queries
from leads.queries.feedback import told

OFFICE = (Role.MARKETER, Role.MANAGER)
DAYS = 30
SAMPLES = 10
Use = ConnectionSecret.Use


@role_required(*OFFICE)
@require_GET
def source_list(request: HttpRequest) -> HttpResponse:
    since = timezone.now() - timedelta(days=DAYS)
    archived = "archived" in request.GET
    rows = queries.source_rows(user_of(request), since=since, archived=archived)
    context = {
        "archived": archived,
        "has_archived": Source.objects.exclude(archived_at=None).exists(),
        "connected": [(row, provider_of(row.connection)) for row in rows if row.connection],
        "others": [row for row in rows if row.connection is None],
        "days": DAYS,
    }
    return render(request, "leads/sources/list.html", context)


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def source_new(request: HttpRequest) -> HttpResponse:
    """Choose who sends, then say what it needs."""
    provider = PROVIDERS.get(request.GET.get("provider", ""))
    if provider is None:
        return render(request, "leads/sources/choose.html", {"providers": PROVIDERS.values()})
    form = NewSourceForm(provider, request.POST or None)
    if form.is_valid():
        try:
            connection = create(provider, form.cleaned_data)
        except DomainError as error:
            form.add_error(None, error.detail)
        else:
            return redirect("source-page", key=connection.source.key)
    context = {"form": form, "provider": provider}
    return render(request, "leads/sources/new.html", context, status=422 if form.errors else 200)


def create(provider: Provider, given: Mapping[str, Any]) -> Connection:
    connection = Connection(options=given["options"])
    return actions.create_source(
        actions.NewSource(
            name=given["name"],
            provider=provider.key,
            kind=provider.kind,
            channel=given["channel"],
            secret=given.get("secret", ""),
            makes_secret=provider.proof_is_ours and provider.makes_proof,
            access=given.get("access", ""),
            options=given["options"],
            places=provider.places(connection),
        )
    )


def find(key: str) -> Connection:
    found = queries.connections().filter(source__key=key).first()
    if found is None:
        raise NotFound
    return found


@role_required(*OFFICE)
@require_GET
def source_page(request: HttpRequest, key: str) -> HttpResponse:
    return show(request, find(key))


def show(
    request: HttpRequest, connection: Connection, *, error: str = "", status: int = 200
) -> HttpResponse:
    since = timezone.now() - timedelta(days=DAYS)
    provider = provider_of(connection)
    row = queries.source_rows(user_of(request), since=since, key=connection.source.key)[0]
    context = {
        "connection": connection,
        "source": connection.source,
        "provider": provider,
        "row": row,
        "states": [(s, InboxItem.State(s).label, n) for s, n in row.balance.states.items() if n],
        "days": DAYS,
        "address": address_of(connection),
        "former": connection.secrets.filter(use=Use.ADDRESS, expires_at__isnull=False).last(),
        "proof": proof_of(connection, provider),
        "access": connection.secrets.filter(use=Use.ACCESS, expires_at=None).last(),
        "verify_token": verify_token(connection) if provider.key == "meta" else "",
        "remote": queries.remote_counts(connection),
        "remote_problem": queries.remote_problem(connection),
        "polls": connection.polls.order_by("name"),
        "waiting": actions.waiting(connection).count(),
        "secret_error": error,
        "feedback": feedback_of(connection, user_of(request)) if provider.key == "meta" else None,
    }
    return render(request, "leads/sources/source.html", context, status=status)


def feedback_of(connection: Connection, user: User) -> dict[str, Any]:
    """How it goes with telling the advertiser."""
    on = Feedback.objects.filter(pk=connection.pk, is_on=True).exists()
    return {"on": on, "told": told(connection, user)}


def address_of(connection: Connection) -> str:
    newest = connection.plain_secrets(Use.ADDRESS)
    path = f"{connection.provider}/{newest[0]}" if newest else ""
    return f"{settings.SITE_URL}/in/{path}/" if newest else ""


def proof_of(connection: Connection, provider: Provider) -> dict[str, Any]:
    """The secret that proves who sends: in full where we made it, else its last characters."""
    secret = connection.secrets.filter(use=Use.SIGNING, expires_at=None).last()
    plain = unseal(secret.sealed) if secret else ""
    return {
        "label": provider.proof_label,
        "set": bool(plain),
        "since": secret.created_at if secret else None,
        "shown": plain if provider.proof_is_ours else plain[-4:] if len(plain) > 11 else "",
    }


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def source_edit(request: HttpRequest, key: str) -> HttpResponse:
    connection = find(key)
    provider = provider_of(connection)
    form = SourceForm(connection, provider, request.POST or None)
    if form.is_valid():
        try:
            save(connection, provider, form)
        except DomainError as error:
            form.add_error(None, error.detail)
        else:
            messages.success(request, "Saved.")
            return redirect("source-page", key=key)
    context = {
        "form": form,
        "wishes": form,
        "connection": connection,
        "source": connection.source,
    }
    return render(request, "leads/sources/edit.html", context, status=422 if form.errors else 200)


def save(connection: Connection, provider: Provider, form: SourceForm) -> None:
    given = form.cleaned_data
    asked = ("name", "channel", "is_test", "allowed_hosts", "watchers", "options")
    actions.update_source(
        connection,
        places=provider.places(Connection(options=given["options"])),
        wishes=form.wishes,
        **{name: given[name] for name in asked},
    )


@role_required(*OFFICE)
@require_POST
def source_address(request: HttpRequest, key: str) -> HttpResponse:
    """A new address; the former one goes on for a week, or ends at once if it leaked."""
    connection = find(key)
    if request.POST.get("do") == "forget":
        actions.forget_former(connection, Use.ADDRESS)
        messages.success(request, "The former address is closed.")
    else:
        actions.rotate_address(connection, at=timezone.now())
        messages.success(request, "Here is the new address. The former one works for a week.")
    return redirect("source-page", key=key)


@role_required(*OFFICE)
@require_POST
def source_secret(request: HttpRequest, key: str, use: str) -> HttpResponse:
    """Paste, make or drop a secret."""
    connection = find(key)
    provider, form = provider_of(connection), SecretForm(request.POST)
    if use not in {Use.SIGNING, Use.ACCESS}:
        raise NotFound
    if request.POST.get("do") == "drop":
        return dropped(request, connection, provider, use)
    if provider.proof_is_ours and use == Use.SIGNING:
        plain = new_secret()
    elif form.is_valid():
        plain = form.cleaned_data["secret"]
    else:
        return show(request, connection, error=use, status=422)
    now = timezone.now()
    actions.replace_secret(connection, use, plain, at=now, grace=actions.SECRET_GRACE)
    messages.success(request, "Saved. The one before works for another day.")
    return redirect("source-page", key=key)


def dropped(
    request: HttpRequest, connection: Connection, provider: Provider, use: str
) -> HttpResponse:
    if use == Use.SIGNING and provider.proof_required:
        messages.error(request, f"{provider.label} always proves itself; replace the secret.")
    else:
        actions.drop_secret(connection, use)
        messages.success(request, "It is no longer asked for.")
    return redirect("source-page", key=connection.source.key)


@role_required(*OFFICE)
@require_POST
def source_switch(request: HttpRequest, key: str) -> HttpResponse:
    connection = find(key)
    on = request.POST.get("on") == "1"
    held = actions.switch(connection, on=on)
    if not on:
        words = "Switched off. What still comes is kept and waits in Captures."
    else:
        words = f"Switched on. {held} held captures go on." if held else "Switched on."
    messages.success(request, words)
    return redirect("source-page", key=key)


@role_required(*OFFICE)
@require_POST
def source_archive(request: HttpRequest, key: str) -> HttpResponse:
    """Off the list and switched off; posted again it comes back."""
    source = find(key).source
    if source.archived_at is not None:
        actions.unarchive_source(source)
        messages.success(request, "It is back on the list. Switch it on when it shall take leads.")
        return redirect("source-page", key=key)
    try:
        actions.archive_source(source, at=timezone.now())
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("source-page", key=key)
    path = reverse("source-archive", args=[key])
    words = f"“{source}” is archived. What still comes waits in Captures."
    messages.success(request, words, extra_tags=f"undo:{path}")
    return redirect("source-list")


@role_required(*OFFICE)
@require_POST
def source_delete(request: HttpRequest, key: str) -> HttpResponse:
    source = find(key).source
    try:
        actions.delete_source(source)
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("source-page", key=key)
    messages.success(request, f"“{source}” is deleted. Its address answers nobody any more.")
    return redirect("source-list")


@role_required(*OFFICE)
@require_POST
def source_retry(request: HttpRequest, key: str) -> HttpResponse:
    """Fetch again what could not be fetched, and look into mailboxes and forms now."""
    actions.fetch_again(find(key))
    messages.success(request, "Trying again now.")
    return redirect("source-page", key=key)


# ---- fields ----


@role_required(*OFFICE)
@require_http_methods(["GET", "POST"])
def source_fields(request: HttpRequest, key: str) -> HttpResponse:
    """Which answer fills which field, over a real sample; only “Save” writes."""
    connection = find(key)
    do = request.POST.get("do", "")
    if do == "apply":
        return apply_now(request, connection)
    if request.method == "POST":
        rules = editor.posted_rules(request.POST)
        if do == "save":
            return save_fields(request, connection, rules)
        return show_fields(request, connection, rules)
    return show_fields(
        request, connection, dict(connection.mapping.targets if connection.mapping else {})
    )


def save_fields(
    request: HttpRequest, connection: Connection, rules: dict[str, str]
) -> HttpResponse:
    listed = [{"path": path, "target": target} for path, target in rules.items()]
    mapping = actions.save_mapping(connection, listed, by=user_of(request))
    messages.success(request, f"Saved as version {mapping.number}. It holds for what comes now.")
    return redirect("source-fields", key=connection.source.key)


def apply_now(request: HttpRequest, connection: Connection) -> HttpResponse:
    count = actions.go_on(actions.waiting(connection))
    messages.success(request, f"{count} captures are read again with these fields.")
    return redirect("source-page", key=connection.source.key)


def show_fields(
    request: HttpRequest, connection: Connection, rules: dict[str, str]
) -> HttpResponse:
    items = queries.samples(connection, most=SAMPLES)
    chosen = request.GET.get("sample", "")
    item = next((each for each in items if str(each.receipt_id) == chosen), None)
    submission, item = understood(connection, [item] if item else items, rules)
    form = editor.MappingForm(submission.sample if submission else None, rules)
    context = {
        "connection": connection,
        "source": connection.source,
        "form": form,
        "rows": list(form.rows()),
        "item": item,
        "items": items,
        "lead": lead_of(submission),
        "kept": kept_of(submission),
        "waiting": actions.waiting(connection).count(),
    }
    return render(request, "leads/sources/fields.html", context)


def understood(
    connection: Connection, items: list[InboxItem], rules: dict[str, str]
) -> tuple[capture.Submission | None, InboxItem | None]:
    """The newest sample that can be read, as these rules read it."""
    listed = [{"path": path, "target": target} for path, target in rules.items()]
    connection.mapping = SourceMapping(rules=listed)
    for item in items:
        try:
            submission = provider_of(connection).read(item, connection)
        except capture.Unreadable:
            continue
        if submission.sample:
            return submission, item
    return None, None


def lead_of(submission: capture.Submission | None) -> list[tuple[str, str]]:
    if submission is None:
        return []
    person = person_of(submission.values, submission.questions)
    tags = [(name, str(value)) for name, value in submission.context.items() if value]
    agreed = [(purpose, "yes" if c.granted else "no") for purpose, c in submission.consent.items()]
    return [*editor.person_rows(person), *tags, *agreed]


def kept_of(submission: capture.Submission | None) -> list[str]:
    """Answers that stay with the inquiry only."""
    questions = submission.questions if submission else {}
    return [key for key, question in questions.items() if question["maps_to"] == "keep"]
