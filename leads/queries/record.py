"""What the page and the API show about one lead."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import JSONObject

from leadcrm.lib.errors import NotFound
from leadcrm.lib.pagination import Page, keyset_page
from leads.activity_types import ACTIVITY_TYPES, Group
from leads.fields import plain
from leads.models import Activity, Consent, Inquiry, Lead, LeadIdentifier, Note, Tag, Touch
from leads.models.lead import LeadQuerySet
from leads.queries.survivors import survivor_id, survivors_of

TIMELINE_SIZE = 30
MOST_UNREAD = 10


def find(principal: Any, public_id: str, **also: Any) -> Lead:
    """The lead, or the one it was merged into, with what its page shows.

    :param also: expressions to read in the same statement.
    :raises NotFound: there is none, or this person may not see it.
    """
    visible: LeadQuerySet = (
        Lead.objects.visible_to(principal)
        .select_related("stage", "owner", "source", "company", "score_row", "team")
        .annotate(**also)
    )
    lead = visible.filter(public_id=public_id).first()
    if lead is None and (survivor := _survivor(public_id)):
        lead = visible.filter(pk=survivor).first()
    if lead is None:
        raise NotFound
    return lead


def _survivor(public_id: str) -> int | None:
    merged = Lead.objects.filter(public_id=public_id, merged_into__isnull=False)
    lead_id = merged.values_list("pk", flat=True).first()
    return None if lead_id is None else survivor_id(lead_id)


def ids_by_name(
    principal: Any, *, public_ids: Sequence[str], emails: Sequence[str]
) -> dict[str, int]:
    """Primary keys of visible leads by public id and by canonical e-mail address."""
    visible = Lead.objects.visible_to(principal)
    named = visible.filter(public_id__in=set(public_ids)) if public_ids else Lead.objects.none()
    found: dict[str, int] = dict(named.values_list("public_id", "pk"))
    if len(found) < len(set(public_ids)):
        found |= _merged_since(visible, set(public_ids) - found.keys())
    if emails:
        identifiers = LeadIdentifier.objects.filter(
            kind=LeadIdentifier.Kind.EMAIL, value__in=set(emails), lead__in=visible
        )
        found |= dict(identifiers.values_list("value", "lead_id"))
    return found


def merged_among(lead_ids: Collection[int]) -> list[int]:
    """Those of them that other leads have become part of."""
    if not lead_ids:
        return []
    parts = Lead.objects.filter(merged_into__in=lead_ids).order_by()
    found = parts.values_list("merged_into", flat=True).distinct()
    return [lead for lead in found if lead is not None]


def _merged_since(visible: LeadQuerySet, public_ids: set[str]) -> dict[str, int]:
    """Ids of merged leads name the leads that are left, where those are visible."""
    merged = Lead.objects.filter(public_id__in=public_ids, merged_into__isnull=False)
    names = dict(merged.values_list("public_id", "pk"))
    if not names:
        return {}
    left = survivors_of(names.values())
    seen = set(visible.filter(pk__in=left.values()).values_list("pk", flat=True))
    return {name: left[pk] for name, pk in names.items() if left.get(pk) in seen}


def timeline(
    lead_id: int, *, group: str = "", cursor: str | None = None, size: int = TIMELINE_SIZE
) -> Page[Activity]:
    """What happened, newest first."""
    rows = Activity.objects.filter(in_group(group), lead=lead_id).select_related("user")
    return keyset_page(rows, ordering=["-occurred_at", "-pk"], size=size, cursor=cursor)


def in_group(group: str) -> Q:
    """Types that nobody declared come from websites, so they count as web."""
    if not group:
        return Q()
    if group == Group.WEB:
        return ~Q(type__in=[t.key for t in ACTIVITY_TYPES.values() if t.group != Group.WEB])
    return Q(type__in=[t.key for t in ACTIVITY_TYPES.values() if t.group == group])


def page_extras() -> dict[str, Any]:
    """What the page says of a lead beyond its columns, for `find`."""
    names = Tag.objects.filter(leadtag__lead=OuterRef("pk")).order_by("name").values("name")
    receipts = newest_receipts(OuterRef("pk")).values(
        receipt=JSONObject(purpose="purpose", granted="granted", at="at", source="source")
    )
    return {
        "tag_names": ArraySubquery(names),
        "receipts": ArraySubquery(receipts),
        "has_unread": Exists(_unread(OuterRef("pk"))),
    }


def tags_of(lead_id: int) -> list[str]:
    names = Tag.objects.filter(leadtag__lead=lead_id).order_by(F("name").asc())
    return list(names.values_list("name", flat=True))


def tags_of_many(lead_ids: list[int]) -> dict[int, list[str]]:
    """Tag names by lead, in one query."""
    found: dict[int, list[str]] = {lead_id: [] for lead_id in lead_ids}
    pairs = Tag.objects.filter(leadtag__lead__in=lead_ids).order_by("name")
    for lead_id, name in pairs.values_list("leadtag__lead", "name"):
        found[lead_id].append(name)
    return found


def notes_of(lead_id: int) -> QuerySet[Note]:
    return Note.objects.filter(lead=lead_id).select_related("author")


@dataclass(frozen=True, slots=True)
class Path:
    """How somebody came: the touches in order, of many the first and the newest ones."""

    touches: list[Touch]
    left_out: int
    creating: int | None  # the touch of the capture that made the lead

    @property
    def first(self) -> Touch:
        return self.touches[0]

    @property
    def last(self) -> Touch:
        return self.touches[-1]


MOST_TOUCHES = 12
READ_TOUCHES = 200


def path_of(lead_id: int) -> Path | None:
    """None for somebody of whom no touch is known."""
    found = Touch.objects.filter(lead=lead_id).select_related("campaign", "referred_by")
    touches = list(found.order_by("occurred_at", "pk")[:READ_TOUCHES])
    if not touches:
        return None
    creating = next((touch.pk for touch in touches if touch.inquiry_id), None)
    left_out = max(len(touches) - MOST_TOUCHES, 0)
    shown = [touches[0], *touches[1 + left_out :]] if left_out else touches
    return Path(shown, left_out, creating)


def newest_receipts(lead: Any) -> QuerySet[Consent]:
    """For each purpose: what holds now."""
    receipts = Consent.objects.filter(lead=lead).order_by("purpose", "-at", "-pk")
    return receipts.distinct("purpose")


def consents_in(lead: Any) -> list[Consent]:
    """:param lead: one that was found with `page_extras`."""
    return [
        Consent(**{**receipt, "at": datetime.fromisoformat(receipt["at"])})
        for receipt in lead.receipts
    ]


def unread_answers(lead_id: int) -> dict[str, str]:
    """Answers that their custom field could not hold, by `custom.<key>`; the newest of each."""
    newest_first = (
        _unread(lead_id).order_by("-received_at", "-pk").values_list("context__unread", flat=True)
    )
    said: dict[str, str] = {}
    for answers in newest_first[:MOST_UNREAD]:
        for answer in answers:
            said.setdefault(str(answer["field"]), plain(answer["value"])[:200])
    return said


def _unread(lead: Any) -> QuerySet[Inquiry]:
    return Inquiry.objects.filter(lead=lead, context__has_key="unread")
