"""The ground floor's own rows when two leads become one, and when they are taken apart."""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q

from leadcrm.lib import normalise
from leads.actions.leads import find_company
from leads.activity_types import NAMED
from leads.merging.registry import (
    Found,
    Identity,
    Merging,
    after_moving,
    before_moving,
    carrying_identity,
    moves,
    stays,
)
from leads.merging.values import chosen_columns, compare
from leads.models import (
    Activity,
    AssetGrant,
    Attachment,
    Confirmation,
    Consent,
    DirtyLead,
    DuplicateCandidate,
    DuplicateCheck,
    FieldProposal,
    IdentityLink,
    ImportRow,
    InboxItem,
    Inquiry,
    Lead,
    LeadIdentifier,
    LeadOwnText,
    LeadScore,
    LeadTag,
    Merge,
    Note,
    SegmentClock,
    SegmentMembership,
    Touch,
    TransactionalMail,
    Visit,
)
from leads.tracking.visits import as_uuid

MERGE_SOURCE = "merge"


def _tagged_alike(merging: Merging) -> Q:
    return Q(tag__in=LeadTag.objects.filter(lead=merging.survivor.pk).values("tag"))


def _in_segment_alike(merging: Merging) -> Q:
    mine = SegmentMembership.objects.filter(lead=merging.survivor.pk, left_at=None)
    return Q(left_at=None, segment__in=mine.values("segment"))


def _proposed_alike(merging: Merging) -> Q:
    mine = FieldProposal.objects.filter(
        lead=merging.survivor.pk, state="open", field=OuterRef("field")
    )
    return Q(Exists(mine), state="open")


moves(LeadIdentifier, one="identifier")
moves(Inquiry, one="inquiry", many="inquiries")
moves(Activity, one="activity", many="activities")
moves(Note, one="note")
moves(Attachment, one="file")
moves(Touch, one="visit")
moves(Touch, field="referred_by", one="referral")
moves(Consent, one="consent receipt")
moves(InboxItem)
moves(Confirmation, one="confirmation")
moves(AssetGrant, one="download")
moves(TransactionalMail, one="mail")
moves(LeadTag, one="tag", collides=_tagged_alike)
moves(IdentityLink, one="browser")
moves(SegmentMembership, one="segment", collides=_in_segment_alike)
moves(FieldProposal, one="proposed change", collides=_proposed_alike)

stays(
    ImportRow, why="It tells what became of a line of a file; undoing that must not delete another."
)
stays(LeadOwnText, why="Words of a lead's own values, kept by the database.")
stays(LeadScore, why="It is worked out anew from everything the survivor has.")
stays(DirtyLead, why="A mark to work out a score; the survivor gets its own.")
stays(SegmentClock, why="When to look at its segments again; the survivor gets its own.")
stays(DuplicateCheck, why="A mark to look for twins; the survivor gets its own.")
stays(DuplicateCandidate, field="lead_a", why="A pair says who was compared; see `carry_verdicts`.")
stays(DuplicateCandidate, field="lead_b", why="A pair says who was compared; see `carry_verdicts`.")
stays(Merge, field="survivor", why="History.")
stays(Merge, field="loser", why="History.")
stays(Lead, field="merged_into", why="Chains are followed, so that each link can be undone.")


# Before: what was allowed ------------------------------------------------------------------------


@before_moving(0)
def keep_the_stricter_consent(merging: Merging) -> None:
    """A withdrawal of either holds for the one they become, whoever spoke last."""
    mine, theirs = _newest(merging.survivor), _newest(merging.loser)
    for purpose in mine.keys() | theirs.keys():
        both = [row for row in (mine.get(purpose), theirs.get(purpose)) if row is not None]
        newest = max(both, key=lambda row: (row.at, row.pk))
        withdrawn = next((row for row in both if not row.granted), None)
        if withdrawn is None or not newest.granted:
            continue
        receipt = Consent(
            lead=merging.survivor,
            purpose=purpose,
            granted=False,
            basis=withdrawn.basis,
            source=MERGE_SOURCE,
            at=max(merging.at, newest.at),
        )
        merging.journal.create(receipt)


def _newest(lead: Lead) -> dict[str, Consent]:
    rows = Consent.objects.filter(lead=lead).order_by("purpose", "-at", "-pk").distinct("purpose")
    return {row.purpose: row for row in rows}


@before_moving(0)
def carry_verdicts(merging: Merging) -> None:
    """Who was found not to be the loser's duplicate is not the survivor's either."""
    survivor, loser = merging.survivor, merging.loser
    pairs = DuplicateCandidate.objects.filter(Q(lead_a=loser) | Q(lead_b=loser))
    for pair in pairs.filter(state=DuplicateCandidate.State.DISMISSED):
        other = pair.lead_b_id if pair.lead_a_id == loser.pk else pair.lead_a_id
        if other != survivor.pk:
            _dismiss_too(merging, survivor.pk, other, pair)
    low, high = sorted((survivor.pk, loser.pk))
    for pair in pairs.filter(lead_a=low, lead_b=high):
        merging.journal.change(
            pair,
            state=DuplicateCandidate.State.MERGED,
            decided_at=merging.at,
            decided_by=merging.actor,
        )


def _dismiss_too(merging: Merging, one: int, other: int, like: DuplicateCandidate) -> None:
    low, high = sorted((one, other))
    known = DuplicateCandidate.objects.filter(lead_a=low, lead_b=high).first()
    decided = {
        "state": DuplicateCandidate.State.DISMISSED,
        "decided_at": like.decided_at,
        "decided_by": like.decided_by,
    }
    if known is not None:
        if known.state == DuplicateCandidate.State.OPEN:
            merging.journal.change(known, **decided)
        return
    merging.journal.create(
        DuplicateCandidate(
            lead_a_id=low, lead_b_id=high, score=like.score, reasons=like.reasons, **decided
        )
    )


# After: the columns ------------------------------------------------------------------------------


@after_moving(0)
def choose_values(merging: Merging) -> None:
    survivor, loser = merging.survivor, merging.loser
    columns = chosen_columns(compare(survivor, loser, merging.choices), dict(survivor.custom or {}))
    columns["created_at"] = min(survivor.created_at, loser.created_at)
    columns["is_test"] = survivor.is_test and loser.is_test
    if survivor.source_id is None:
        columns["source"] = loser.source
    merging.journal.change(survivor, **columns)
    if survivor.company_id is None or {"email", "website", "company_name"} & columns.keys():
        merging.journal.change(survivor, company=find_company(survivor))


@after_moving(0)
def keep_the_livelier(merging: Merging) -> None:
    """What happened last, of both; scoring works out the rest."""
    mine, theirs = (
        LeadScore.objects.filter(lead=lead).first() for lead in (merging.survivor, merging.loser)
    )
    if mine is None or theirs is None or theirs.last_activity_at is None:
        return
    if mine.last_activity_at is None or mine.last_activity_at < theirs.last_activity_at:
        merging.journal.change(
            mine,
            last_activity_at=theirs.last_activity_at,
            last_activity_type=theirs.last_activity_type,
        )


# Apart again -------------------------------------------------------------------------------------


@carrying_identity
def by_their_words(whose: Identity) -> Iterator[Found]:
    """Inquiries in which they gave their own address or number, with all that came of them."""
    rows = Inquiry.objects.filter(lead=whose.survivor_id, received_at__gte=whose.since)
    inquiries = [row.pk for row in rows if _names(row.fields, whose)]
    items = list(
        Inquiry.objects.filter(pk__in=inquiries, inbox_item__isnull=False).values_list(
            "inbox_item", flat=True
        )
    )
    yield Found(Inquiry, inquiries)
    yield Found(InboxItem, items)
    yield _of(Touch, whose, Q(inquiry__in=inquiries))
    yield _of(Consent, whose, Q(inbox_item__in=items))
    yield _of(Activity, whose, Q(occurred_at__gte=whose.since, properties__inquiry__in=inquiries))


@carrying_identity
def by_their_name(whose: Identity) -> Iterator[Found]:
    """What programs said of them since, by their id from before or an address of theirs."""
    names = [_public_id(whose), *whose.emails]
    said = Q(received_at__gte=whose.since, **{f"properties__{NAMED}__in": names})
    yield _of(Activity, whose, said)


@carrying_identity
def by_their_browsers(whose: Identity) -> Iterator[Found]:
    """What the browsers did since that went over with the merged lead, and are back with it."""
    new = _browsers_that_named_them(whose)
    yield Found(IdentityLink, new)
    yield _of(Touch, whose, Q(pk__in=Visit.objects.filter(link__in=new).values("touch")))
    yield _of(Activity, whose, Q(link__in=new))
    links = list(IdentityLink.objects.filter(lead=whose.loser_id).values_list("pk", flat=True))
    visits = Visit.objects.filter(link__in=links, last_at__gte=whose.since, touch__isnull=False)
    yield _of(Touch, whose, Q(pk__in=visits.values("touch"), occurred_at__gte=whose.since))
    yield _of(Activity, whose, Q(link__in=links, received_at__gte=whose.since))


def _browsers_that_named_them(whose: Identity) -> list[int]:
    """Links made since: by a form or a word of theirs, or a mail that was sent to them."""
    forms = Inquiry.objects.filter(lead=whose.loser_id, received_at__gte=whose.since)
    browsers = {text for text in forms.values_list("context__visitor", flat=True) if text}
    rows = IdentityLink.objects.filter(lead=whose.survivor_id, at__gte=whose.since)
    by_form = Q(method=IdentityLink.Method.FORM, visitor__token__in=_tokens(browsers))
    found = rows.filter(Q(named__in=[_public_id(whose), *whose.emails]) | by_form)
    return list(found.order_by("pk").values_list("pk", flat=True))


def _public_id(whose: Identity) -> str:
    return Lead.objects.values_list("public_id", flat=True).get(pk=whose.loser_id)


def _tokens(texts: Iterable[Any]) -> list[UUID]:
    return [token for text in texts if (token := as_uuid(text)) is not None]


def _of(model: type[Any], whose: Identity, which: Q) -> Found:
    rows = model.objects.filter(which, lead=whose.survivor_id)
    return Found(model, list(rows.order_by(F("pk").asc()).values_list("pk", flat=True)))


def _names(fields: Any, whose: Identity) -> bool:
    """Whether any answer is one of their addresses, or, with no address in it, their number."""
    texts = list(_texts(fields))
    emails = {found.canonical for text in texts if (found := normalise.email(text))}
    if emails:
        return bool(emails & whose.emails)
    return any(normalise.phone(text) in whose.phones for text in texts if text.startswith("+"))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
