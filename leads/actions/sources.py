"""Setting up what other people's programs send to."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import PROTECT, Max, ProtectedError, Q
from django.db.models.functions import Now
from django.utils.text import slugify

from leadcrm.accounts.actions import notify
from leadcrm.accounts.models import Role, User
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, Invalid
from leadcrm.lib.normalise import clean_text
from leadcrm.lib.sealing import seal
from leadcrm.lib.tokens import keyed_hash, new_public_id, new_secret
from leads.models import (
    Connection,
    ConnectionSecret,
    InboxItem,
    Inquiry,
    Lead,
    Poll,
    RemoteLead,
    Source,
    SourceMapping,
)

FETCH_QUEUE, POLL_QUEUE = "remote-leads", "polls"
GRACE = timedelta(days=7)  # long enough to paste a new address everywhere
SECRET_GRACE = timedelta(hours=24)
MOST_RULES = 500
MOST_SECRET = 4000
Use = ConnectionSecret.Use


class SourceInUse(Conflict):
    code = "source_in_use"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSource:
    """`secret` is what the provider gave us, or empty; `makes_secret`: we make one for it."""

    name: str
    provider: str
    kind: str = Source.Kind.WEBHOOK
    channel: str
    secret: str = ""
    makes_secret: bool = False
    access: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)
    places: Sequence[str] = ()


@transaction.atomic
def create_source(new: NewSource) -> Connection:
    """A source with an address of its own.

    :raises Invalid: it has no name.
    """
    name = clean_text(new.name, limit=80)
    if not name:
        raise Invalid.field("name", "Give the source a name.", "required")
    source = Source.objects.create(
        key=free_key(name), name=name, kind=new.kind, channel=new.channel
    )
    connection = Connection.objects.create(
        source=source, provider=new.provider, options=dict(new.options)
    )
    add_secret(connection, Use.ADDRESS, new_secret())
    if new.secret or new.makes_secret:
        add_secret(connection, Use.SIGNING, new.secret or new_secret())
    if new.access:
        add_secret(connection, Use.ACCESS, new.access)
    watch_places(connection, new.places)
    return connection


def free_key(name: str) -> str:
    key = slugify(name)[:50] or new_public_id()
    if not Source.objects.filter(key=key).exists():
        return key
    return f"{key[:37]}-{new_public_id()}"


def fingerprint(plain: str) -> str:
    """By which an address is found without its secret being readable in the database."""
    return keyed_hash("source-secret", plain)


def add_secret(connection: Connection, use: str, plain: str) -> ConnectionSecret:
    plain = clean_text(plain)
    if not plain or len(plain) > MOST_SECRET:
        raise Invalid.field("secret", "Paste the secret as the provider shows it.", "required")
    return ConnectionSecret.objects.create(
        connection=connection, use=use, fingerprint=fingerprint(plain), sealed=seal(plain)
    )


@transaction.atomic
def replace_secret(
    connection: Connection, use: str, plain: str, *, at: datetime, grace: timedelta
) -> None:
    """A new secret from now on; the one before is taken as well for `grace`."""
    live = connection.secrets.filter(use=use).filter(Q(expires_at=None) | Q(expires_at__gt=at))
    live.update(expires_at=at + grace)
    add_secret(connection, use, plain)
    if use == Use.ACCESS:
        fetch_again(connection)


def rotate_address(connection: Connection, *, at: datetime) -> None:
    replace_secret(connection, Use.ADDRESS, new_secret(), at=at, grace=GRACE)


def forget_former(connection: Connection, use: str) -> None:
    """The former secret has leaked: it is taken no longer."""
    connection.secrets.filter(use=use, expires_at__isnull=False).delete()


def drop_secret(connection: Connection, use: str) -> None:
    """Nothing is asked for any more."""
    connection.secrets.filter(use=use).delete()


@transaction.atomic
def update_source(
    connection: Connection,
    *,
    name: str,
    channel: str,
    is_test: bool,
    allowed_hosts: Sequence[str],
    options: Mapping[str, Any],
    places: Sequence[str],
    watchers: Iterable[User],
    wishes: Mapping[str, Any],
) -> None:
    """:raises Invalid: it has no name."""
    if not (name := clean_text(name, limit=80)):
        raise Invalid.field("name", "Give the source a name.", "required")
    Source.objects.filter(pk=connection.pk).update(name=name, channel=channel, wishes=dict(wishes))
    connection.is_test, connection.options = is_test, dict(options)
    connection.allowed_hosts = list(allowed_hosts)
    connection.save(update_fields=["is_test", "options", "allowed_hosts"])
    connection.watchers.set(watchers)
    watch_places(connection, places)


def watch_places(connection: Connection, names: Sequence[str]) -> None:
    """Look into these from now on, and no longer into others; each keeps how far it came."""
    connection.polls.exclude(name__in=names).delete()
    for name in names:
        Poll.objects.get_or_create(connection=connection, name=name[:100])
    if names:
        pump.wake(POLL_QUEUE)


def poll_now(connection: Connection) -> int:
    """Look at once, as the button asks."""
    count = connection.polls.filter(lease_token=None).update(due_at=Now(), attempts=0, problem="")
    pump.wake(POLL_QUEUE)
    return count


@transaction.atomic
def switch(connection: Connection, *, on: bool) -> int:
    """Take leads, or hold what comes in the inbox; return how many held ones go on now."""
    Source.objects.filter(pk=connection.pk).update(is_active=on)
    connection.source.is_active = on
    if not on:
        return 0
    watching = connection.polls.filter(lease_token=None)
    watching.update(due_at=Now())
    held = waiting(connection).filter(reason_code="source_off")
    return go_on(held)


# ---- putting one away ----


@transaction.atomic
def archive_source(source: Source, *, at: datetime) -> None:
    """Off the list and switched off. What still comes is kept, and waits in the inbox.

    :raises SourceInUse: a form or a survey sends through it.
    """
    user = _user_of(source)
    if user:
        words = f"“{user}” sends through it. Give that another source first, then archive this one."
        raise SourceInUse(words)
    Source.objects.filter(pk=source.pk).update(archived_at=at, is_active=False)
    source.archived_at, source.is_active = at, False


def unarchive_source(source: Source) -> None:
    """Back on the list, and still switched off: that is decided there."""
    Source.objects.filter(pk=source.pk).update(archived_at=None)
    source.archived_at = None


@transaction.atomic
def delete_source(source: Source) -> None:
    """Remove a source through which nothing has come.

    :raises SourceInUse: something belongs to it.
    """
    user = _user_of(source)
    if user:
        raise SourceInUse(f"“{user}” sends through it. Give that another source first.")
    if _has_history(source):
        words = "Captures or leads came through it. Archive it: they keep naming their source."
        raise SourceInUse(words)
    try:
        with transaction.atomic():
            source.delete()
    except (ProtectedError, IntegrityError):  # something arrived at this moment
        raise SourceInUse("A capture came through it just now. Archive it instead.") from None


def _user_of(source: Source) -> str:
    """The form or survey that sends through it now."""
    form = source.forms.filter(archived_at=None).order_by("pk").first()
    if form is not None:
        return str(form)
    rows = (manager.order_by("pk").first() for manager in _senders(source))
    return next((str(row) for row in rows if row is not None), "")


def _senders(source: Source) -> list[Any]:
    """What the apps above let send through sources, such as surveys: it protects its source."""
    known = {"forms", "inbox_items", "inquiries"}
    related: Any = source._meta.related_objects
    names = [
        each.get_accessor_name()
        for each in related
        if each.on_delete is PROTECT and each.get_accessor_name() not in known
    ]
    return [getattr(source, name) for name in names if name]


def _has_history(source: Source) -> bool:
    managers = (source.inbox_items, source.inquiries, source.leads, source.forms)
    return any(manager.exists() for manager in managers)


def waiting(connection: Connection) -> Any:
    """Captures of this source that need a person, quarantine left out: that is a judgement."""
    states = (InboxItem.State.NEEDS_REVIEW, InboxItem.State.FAILED)
    return InboxItem.objects.filter(source=connection.pk, state__in=states)


def go_on(items: Any) -> int:
    """Process these again, with what is known now."""
    count: int = items.update(
        state=InboxItem.State.RECEIVED,
        reason_code="",
        reason="",
        attempts=0,
        due_at=Now(),
        lease_token=None,
        settled_at=None,
    )
    if count:
        pump.wake("inbox")
    return count


@transaction.atomic
def save_mapping(
    connection: Connection, rules: Sequence[Mapping[str, str]], *, by: User | None
) -> SourceMapping:
    """What the answers mean from now on; earlier inquiries keep what was read from theirs.

    :raises Invalid: too many rules.
    """
    if len(rules) > MOST_RULES:
        raise Invalid.field("rules", f"A mapping has at most {MOST_RULES} rules.", "too_many")
    Connection.objects.select_for_update(of=("self",)).get(pk=connection.pk)
    newest = connection.mappings.aggregate(newest=Max("number"))["newest"] or 0
    kept = [{"path": rule["path"], "target": rule["target"]} for rule in rules]
    mapping = SourceMapping.objects.create(
        connection=connection, number=newest + 1, rules=kept, created_by=by
    )
    connection.mapping = mapping
    connection.save(update_fields=["mapping"])
    return mapping


def tell_watchers_of_source(inquiry_id: int) -> None:
    """Each only of leads they may see; test leads are nobody's news."""
    inquiries = Inquiry.objects.select_related("lead", "source__connection")
    inquiry = inquiries.filter(pk=inquiry_id, is_test=False).first()
    connection = getattr(inquiry.source, "connection", None) if inquiry else None
    if inquiry is None or connection is None:
        return
    for user in connection.watchers.filter(is_active=True):
        if Lead.objects.visible_to(user).filter(pk=inquiry.lead_id).exists():
            notify(
                user,
                kind="capture",
                title=f"{inquiry.lead.name} came in through “{inquiry.source}”",
                body=inquiry.message,
                dedupe_key=f"capture:{inquiry.pk}",
                url=f"/leads/{inquiry.lead.public_id}/",
                lead_id=inquiry.lead_id,
            )


def tell_of_trouble(connection: Connection, words: str, *, at: datetime, title: str = "") -> None:
    """Once a day to those who watch the source, or to the office: leads are waiting because of it.

    It goes to nobody who could not set it right.
    """
    office = Q(role__in=(Role.MARKETER, Role.MANAGER)) | Q(role=Role.ADMIN)
    people = User.objects.filter(office, is_active=True)
    watchers = connection.watchers.values("pk")
    for user in people.filter(pk__in=watchers) or people:
        notify(
            user,
            kind="source",
            title=title or f"Leads of “{connection.source}” are waiting",
            body=words,
            dedupe_key=f"source:{connection.pk}:{at:%Y-%m-%d}{':told' if title else ''}",
            url=f"/sources/{connection.source.key}/",
        )


# ---- leads that are named only ----


def announce(connection: Connection, named: Mapping[str, dict[str, Any]]) -> int:
    """Queue leads to be fetched by their ids; one that is known already stays as it is."""
    rows = [
        RemoteLead(connection=connection, external_id=external_id, details=details)
        for external_id, details in named.items()
    ]
    pump.wake(FETCH_QUEUE)
    return len(RemoteLead.objects.bulk_create(rows, ignore_conflicts=True))


def fetch_again(connection: Connection) -> int:
    """Try again what waits for access or failed."""
    open_ = connection.remote_leads.filter(state__in=RemoteLead.OPEN)
    count = open_.update(
        state=RemoteLead.State.WAITING, reason="", due_at=Now(), lease_token=None, attempts=0
    )
    pump.wake(FETCH_QUEUE)
    poll_now(connection)
    return count
