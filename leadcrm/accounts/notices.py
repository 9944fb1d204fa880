"""What people are told of, and how each wants to hear it: in the app, by e-mail, in a digest.

In quiet hours, in the person's own zone, nothing rings and no e-mail leaves; it comes afterwards.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from django.db import transaction

from leadcrm.accounts.models import Digest, NotificationChoice, User
from leadcrm.lib.errors import Invalid

Email = NotificationChoice.Email
MOST_WAIT = timedelta(hours=36)  # whatever somebody calls night


@dataclass(frozen=True, slots=True)
class Kind:
    """`own_mail`: the app that tells of it writes an e-mail of its own, with more in it."""

    key: str
    label: str
    email: str = Email.OFF
    own_mail: bool = False


KINDS = {
    kind.key: kind
    for kind in (
        Kind("assigned", "A lead is given to you", Email.NOW, own_mail=True),
        Kind("replied", "A lead of yours replies", Email.NOW),
        Kind("inquiry", "A lead of yours asks again", Email.NOW),
        Kind("mention", "A colleague names you in a note", Email.NOW),
        Kind("response_due", "A reply is due soon"),
        Kind("response_late", "A reply is late", Email.NOW, own_mail=True),
        Kind("queued", "A lead waits in your team’s queue", Email.DIGEST),
        Kind("stage", "A lead stays too long, or a rule could not move it", Email.DIGEST),
        Kind("mail", "An e-mail of yours was not sent", Email.NOW),
        Kind("watch", "Leads need somebody", Email.NOW, own_mail=True),
        Kind("capture", "Somebody sent a form"),
        Kind("source", "A source needs attention", Email.NOW),
        Kind("import", "An import has ended"),
        Kind("export", "An export is ready"),
        Kind("reconciliation", "Captures do not add up", Email.NOW),
    )
}


def kind_of(key: str) -> Kind:
    return KINDS.get(key) or Kind(key, key.replace("_", " ").capitalize())


@dataclass(frozen=True, slots=True)
class Choice:
    in_app: bool
    email: str


def choice_of(user: User, key: str) -> Choice:
    """What somebody chose, else what is usual."""
    chosen = NotificationChoice.objects.filter(user=user, kind=key).first()
    if chosen is None:
        return Choice(in_app=True, email=kind_of(key).email)
    return Choice(chosen.in_app, chosen.email)


def choices_of(user: User) -> list[tuple[Kind, Choice]]:
    """Every kind, with what somebody chose."""
    chosen = {each.kind: each for each in NotificationChoice.objects.filter(user=user)}
    return [
        (kind, Choice(known.in_app, known.email))
        if (known := chosen.get(kind.key))
        else (kind, Choice(in_app=True, email=kind.email))
        for kind in KINDS.values()
    ]


# Quiet hours --------------------------------------------------------------------------------------


def is_quiet(user: User, at: datetime) -> bool:
    start, end = user.quiet_from, user.quiet_until
    if start is None or end is None or start == end:
        return False
    now = at.astimezone(user.zone).time()
    return start <= now < end if start < end else now >= start or now < end


def after_quiet(user: User, at: datetime) -> datetime:
    """The first moment, from `at` on, that is not quiet; on days when clocks change, too."""
    if not is_quiet(user, at) or user.quiet_until is None:
        return at
    return next_time(user, user.quiet_until, after=at)


def next_time(user: User, moment: time, *, after: datetime) -> datetime:
    """The next time the person's clock shows `moment`."""
    local = after.astimezone(user.zone)
    for days in range(3):
        day = local.date() + timedelta(days=days)
        found = datetime.combine(day, moment, tzinfo=user.zone)
        if found > after:
            return found
    return after + MOST_WAIT


def email_moment(user: User, key: str, *, at: datetime) -> datetime | None:
    """When an e-mail about this may leave; None: not by an e-mail of its own."""
    if not user.is_active or choice_of(user, key).email != Email.NOW:
        return None
    return after_quiet(user, at)


# Choosing -----------------------------------------------------------------------------------------


@transaction.atomic
def choose(
    user: User,
    choices: dict[str, Choice],
    *,
    quiet_from: time | None,
    quiet_until: time | None,
    digest_at: time | None,
    at: datetime,
) -> None:
    """Keep how somebody wants to hear of things.

    :raises Invalid: half a span of quiet hours.
    """
    if (quiet_from is None) != (quiet_until is None):
        raise Invalid.field("quiet_until", "Say both when the quiet begins and when it ends.")
    if quiet_from is not None and quiet_from == quiet_until:
        raise Invalid.field("quiet_until", "Quiet hours that end as they begin have no length.")
    for key, choice in choices.items():
        if key in KINDS and choice.email in Email.values:
            NotificationChoice.objects.update_or_create(
                user=user, kind=key, defaults={"in_app": choice.in_app, "email": choice.email}
            )
    user.quiet_from, user.quiet_until, user.digest_at = quiet_from, quiet_until, digest_at
    user.save(update_fields=["quiet_from", "quiet_until", "digest_at"])
    plan_digest(user, at=at)


def plan_digest(user: User, *, at: datetime) -> None:
    """Have the next digest made, or none."""
    if user.digest_at is None:
        Digest.objects.filter(user=user).delete()
        return
    due_at = next_time(user, user.digest_at, after=at)
    Digest.objects.update_or_create(
        user=user,
        defaults={"due_at": due_at, "covers_from": at, "lease_token": None, "attempts": 0},
    )


# What a digest says -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    text: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    lines: Sequence[Line]


Writing = Callable[[User, datetime], Sequence[Section]]
WRITERS: list[Writing] = []


def writes_digest(write: Writing) -> Writing:
    """Register what an app has to say each morning."""
    WRITERS.append(write)
    return write


def sections_for(user: User, *, at: datetime) -> list[Section]:
    return [section for write in WRITERS for section in write(user, at) if section.lines]
