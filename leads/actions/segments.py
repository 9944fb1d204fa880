"""Making segments, changing what they hold, and filling lists by hand."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import publish_many
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound, StaleVersion
from leadcrm.lib.normalise import clean_text
from leads import conditions
from leads.actions.activities import mark_dirty
from leads.actions.membership import QUEUE
from leads.events import LeadEnteredSegment, LeadLeftSegment
from leads.models import Segment, SegmentMembership
from leads.segments import users_of
from leads.segments.references import circle

NAME_LIMIT = 80
DESCRIPTION_LIMIT = 300
MOST_AT_ONCE = 1000
Cause = SegmentMembership.Cause
EVERYBODY: dict[str, Any] = {"all": []}


class SegmentNameTaken(Conflict):
    code = "name_taken"

    def __init__(self, name: str) -> None:
        message = f"Another segment is called “{name}”. Choose another name."
        super().__init__(message, errors=[FieldError("name", message, self.code)])


class SegmentInUse(Conflict):
    code = "in_use"


@transaction.atomic
def create_segment(
    *,
    name: str,
    kind: str = Segment.Kind.LIVE,
    tree: Any = None,
    description: str = "",
    public_id: str | None = None,
    user: User | None = None,
) -> Segment:
    """A segment whose members are found at once, by a worker.

    :param public_id: the id it shall have; a new one if left out.

    :raises Invalid: no name, or a condition that cannot be read; the errors name the place.
    :raises SegmentNameTaken:
    """
    if kind not in Segment.Kind.values:
        raise Invalid.field("kind", "A segment is live or frozen.", "unknown_choice")
    segment = Segment(kind=kind, created_by=user)
    if public_id is not None:
        segment.public_id = _free_id(public_id)
    _name(segment, name)
    segment.description = clean_text(description, limit=DESCRIPTION_LIMIT)
    segment.conditions = _checked(segment, EVERYBODY if tree is None else tree)
    if kind == Segment.Kind.FROZEN:
        segment.due_at, segment.conditions = None, {}
    segment.save()
    pump.wake(QUEUE)
    return segment


@transaction.atomic
def update_segment(
    segment_id: int,
    *,
    at: datetime,
    version: int | None = None,
    name: str | None = None,
    tree: Any = None,
    description: str | None = None,
) -> Segment:
    """Change the name or the conditions; who is in it then is found at once, by a worker.

    :raises StaleVersion: somebody saved it since `version`.
    """
    segment = _locked(segment_id)
    if version is not None and version != segment.version:
        raise StaleVersion("Somebody else saved this segment. Reload, then change it again.")
    if name is not None:
        _name(segment, name)
    if description is not None:
        segment.description = clean_text(description, limit=DESCRIPTION_LIMIT)
    if tree is not None and segment.kind == Segment.Kind.FROZEN:
        raise Invalid.field("conditions", "A list is filled by hand: it has no conditions.")
    if tree is not None and tree != segment.conditions:
        segment.conditions = _checked(segment, tree)
        segment.next_id, segment.counted_at = 0, None
        segment.due_at, segment.lease_token, segment.attempts = at, None, 0
    segment.version, segment.updated_at = segment.version + 1, at
    segment.save()
    pump.wake(QUEUE)
    return segment


@transaction.atomic
def archive_segment(segment_id: int, *, at: datetime) -> Segment:
    """Take it out of use; whoever was in it leaves, without being told to anybody.

    :raises SegmentInUse: a rule, campaign or segment names it.
    """
    segment = _locked(segment_id)
    if used := users_of(segment.public_id):
        where = ", ".join(f"{use.kind.lower()} “{use.name}”" for use in used[:5])
        raise SegmentInUse(f"It is used by {where}. Take it out there first.")
    segment.archived_at, segment.due_at, segment.size = at, None, 0
    segment.save()
    members = SegmentMembership.objects.filter(segment=segment, left_at=None)
    members.update(left_at=Greatest(F("entered_at"), at), went_by=Cause.ARCHIVED)
    return segment


@transaction.atomic
def restore_segment(segment_id: int, *, at: datetime) -> Segment:
    """Take it into use again. A list has lost its members; a live one finds them.

    :raises SegmentNameTaken: another one has its name by now.
    """
    segment = _locked(segment_id)
    _name(segment, segment.name)
    segment.archived_at = None
    segment.due_at = at if segment.kind == Segment.Kind.LIVE else None
    segment.next_id, segment.counted_at = 0, None
    segment.save()
    pump.wake(QUEUE)
    return segment


@transaction.atomic
def add_to_list(
    segment_id: int, lead_ids: Iterable[int], *, at: datetime, user: User | None = None
) -> int:
    """Put leads on a frozen list; how many were not on it.

    :raises Invalid: it is a live segment, which fills itself.
    """
    segment = _list(segment_id)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO leads_segmentmembership "
            "(segment_id, lead_id, entered_at, came_by, added_by_id) "
            "SELECT %s, id, %s, %s, %s FROM leads_lead WHERE id = ANY(%s) "
            "AND merged_into_id IS NULL AND deleted_at IS NULL "
            "ON CONFLICT DO NOTHING RETURNING lead_id",
            [segment.pk, at, Cause.HAND, user.pk if user else None, list(lead_ids)],
        )
        came = [row[0] for row in cursor.fetchall()]
    _count(segment, len(came))
    events = [LeadEnteredSegment(lead_id=lead_id, segment_id=segment.pk) for lead_id in came]
    publish_many(events, at=at)
    mark_dirty(came)
    return len(came)


@transaction.atomic
def remove_from_list(
    segment_id: int, lead_ids: Iterable[int], *, at: datetime, user: User | None = None
) -> int:
    """Take leads off a frozen list; how many were on it."""
    segment = _list(segment_id)
    on_it = SegmentMembership.objects.filter(segment=segment, left_at=None, lead__in=list(lead_ids))
    gone = list(on_it.select_for_update(of=("self",)).values_list("lead_id", flat=True))
    on_it.update(left_at=Greatest(F("entered_at"), at), went_by=Cause.HAND, removed_by=user)
    _count(segment, -len(gone))
    events = [LeadLeftSegment(lead_id=lead_id, segment_id=segment.pk) for lead_id in gone]
    publish_many(events, at=at)
    mark_dirty(gone)
    return len(gone)


def _list(segment_id: int) -> Segment:
    segment = _locked(segment_id)
    if segment.kind != Segment.Kind.FROZEN:
        raise Invalid("A live segment fills itself by its conditions. Choose a frozen list.")
    return segment


def _count(segment: Segment, by: int) -> None:
    Segment.objects.filter(pk=segment.pk).update(
        size=F("size") + by, counted_at=Now(), updated_at=Now()
    )


def _locked(segment_id: int) -> Segment:
    segment = Segment.objects.select_for_update(of=("self",)).filter(pk=segment_id).first()
    if segment is None:
        raise NotFound
    return segment


def _free_id(public_id: str) -> str:
    """The id that another installation gave it, so that what names it there names it here."""
    taken = Segment.objects.filter(public_id=public_id).first()
    if taken is not None:
        raise Conflict(f"“{taken}” has this id and is archived. Restore it, or leave the id out.")
    return public_id


def _name(segment: Segment, name: str) -> None:
    segment.name = clean_text(name, limit=NAME_LIMIT)
    if not segment.name:
        raise Invalid.field("name", "Give the segment a name.", "required")
    same = Segment.objects.filter(name__iexact=segment.name, archived_at=None)
    if same.exclude(pk=segment.pk).exists():
        raise SegmentNameTaken(segment.name)


def _checked(segment: Segment, tree: Any) -> Any:
    conditions.validate(tree, path="conditions")
    if through := circle(segment.public_id, tree):
        names = " → ".join(name or segment.name for name in through)
        raise Invalid.field(
            "conditions",
            f"It would depend on itself: {names} → {segment.name}. Leave one of them out.",
            "circular",
        )
    return tree
