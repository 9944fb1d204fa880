"""Looking for leads that are one person, and what people decide about them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict
from leads.matching import Likeness, Reason, likeness
from leads.models import DuplicateCandidate, DuplicateCheck, DuplicateSearch, Inquiry, Lead
from leads.queries.twins import twins_of

CHECK_QUEUE = "duplicate_checks"
SEARCH_QUEUE = "duplicate_search"
BATCH = 200
SHARED_ID_SCORE = 90
SHARED = ["email", "external_id"]  # reasons that only a capture sees
RANGE = 1_000  # ids at a time in a search through everything

Pair = tuple[int, int]


class SearchRuns(Conflict):
    """Somebody started a search before."""

    code = "search_runs"


class AlreadyDecided(Conflict):
    code = "already_decided"


# Looking -----------------------------------------------------------------------------------------


def look_for_twins(lead_ids: Iterable[int]) -> None:
    """Queue leads for a look; one row for each, however often it changes. No wake-up call: the
    tick comes every few seconds, and nobody waits for it."""
    ids = sorted(set(lead_ids))
    if not ids:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO leads_duplicatecheck (lead_id, due_at, attempts)
            SELECT id, now(), 0 FROM unnest(%s::bigint[]) AS id
            ON CONFLICT (lead_id) DO UPDATE SET due_at = now(), lease_token = NULL, attempts = 0
            """,
            [ids],
        )


def drain_checks(*, limit: int = BATCH) -> int:
    """Look for the twins of one batch of changed leads; return how many were taken."""
    claim = pump.claim(DuplicateCheck, limit=limit)
    if not claim:
        return 0
    ids = [item.pk for item in claim.items]
    find_twins(ids)
    # One that changed meanwhile has lost its token, and stays queued.
    DuplicateCheck.objects.filter(pk__in=ids, lease_token=claim.token).delete()
    return len(ids)


@transaction.atomic
def find_twins(lead_ids: Sequence[int]) -> int:
    """Write down who may be the same as one of these leads; return how many pairs matter."""
    found = {(twins.a, twins.b): likeness(twins.facts) for twins in twins_of(lead_ids)}
    mattering = {pair: like for pair, like in found.items() if like.matters}
    _forget(lead_ids, mattering)
    _keep(mattering)
    _tell_inquiries(lead_ids, mattering)
    return len(mattering)


def _forget(lead_ids: Sequence[int], found: dict[Pair, Likeness]) -> None:
    """Open pairs that are alike no more, since somebody corrected one of them."""
    rows = DuplicateCandidate.objects.open().filter(Q(lead_a__in=lead_ids) | Q(lead_b__in=lead_ids))
    rows = rows.exclude(reasons__0__code__in=SHARED, score=SHARED_ID_SCORE)
    gone = [pk for pk, a, b in rows.values_list("pk", "lead_a", "lead_b") if (a, b) not in found]
    if gone:
        DuplicateCandidate.objects.open().filter(pk__in=gone).delete()


def _keep(found: dict[Pair, Likeness]) -> None:
    """New pairs, and new reasons of open ones. What people decided is not asked again."""
    if not found:
        return
    known = DuplicateCandidate.objects.filter(lead_a__in=[a for a, _ in found])
    known_by_pair = {(row.lead_a_id, row.lead_b_id): row for row in known}
    fresh, changed = [], []
    for (a, b), like in sorted(found.items()):
        row = known_by_pair.get((a, b))
        values = {"score": like.score, "is_same": like.is_same, "reasons": reasons_of(like)}
        if row is None:
            fresh.append(DuplicateCandidate(lead_a_id=a, lead_b_id=b, **values))
        elif row.state == DuplicateCandidate.State.OPEN and any(
            getattr(row, name) != value for name, value in values.items()
        ):
            for name, value in values.items():
                setattr(row, name, value)
            changed.append(row)
    DuplicateCandidate.objects.bulk_create(fresh, ignore_conflicts=True)
    DuplicateCandidate.objects.bulk_update(changed, ["score", "is_same", "reasons"])


def reasons_of(like: Likeness) -> list[dict[str, str]]:
    return [{"code": reason.code, "words": reason.words} for reason in like.reasons]


def _tell_inquiries(lead_ids: Sequence[int], found: dict[Pair, Likeness]) -> None:
    """A capture that seemed new may be somebody known: its answer says so from now on."""
    alike: dict[int, list[tuple[int, Likeness]]] = {}
    for (a, b), like in found.items():
        alike.setdefault(a, []).append((b, like))
        alike.setdefault(b, []).append((a, like))
    asked = [pk for pk in lead_ids if pk in alike]
    if not asked:
        return
    rows = Inquiry.objects.filter(lead__in=asked, match__verdict="new")
    others = Lead.objects.filter(pk__in={other for pk in asked for other, _ in alike[pk]})
    public: dict[int, str] = dict(others.values_list("pk", "public_id"))
    for row in rows.only("pk", "lead_id", "match"):
        reasons = [
            {"code": reason.code, "words": reason.words, "lead": public[other]}
            for other, like in sorted(alike[row.lead_id], key=lambda each: -each[1].score)[:3]
            for reason in like.reasons
        ]
        Inquiry.objects.filter(pk=row.pk).update(match={"verdict": "suggest", "reasons": reasons})


# Searching everything ----------------------------------------------------------------------------


@transaction.atomic
def start_search(*, user: User | None) -> DuplicateSearch:
    """Look through all leads, from the newest search's point of view of “all”.

    :raises SearchRuns: one is under way.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('duplicate-search'))")
    if DuplicateSearch.objects.filter(done_at=None).exists():
        raise SearchRuns("A search is under way. Its results appear here as they are found.")
    last = Lead.objects.aggregate(Max("pk"))["pk__max"] or 0
    search = DuplicateSearch.objects.create(last_id=last, started_by=user)
    pump.wake(SEARCH_QUEUE)
    return search


def drain_search() -> int:
    """Look at one range of ids of a search; return whether there was one."""
    claim = pump.claim(DuplicateSearch, limit=1)
    for search in claim.items:
        _search_range(search, claim.token)
    return len(claim.items)


@transaction.atomic
def _search_range(search: DuplicateSearch, token: UUID) -> None:
    ids = list(
        Lead.objects.live()
        .filter(pk__gt=search.next_id, pk__lte=search.last_id)
        .order_by("pk")
        .values_list("pk", flat=True)[:RANGE]
    )
    found = find_twins(ids)
    is_over = len(ids) < RANGE
    DuplicateSearch.objects.filter(pk=search.pk, lease_token=token).update(
        next_id=search.last_id if is_over else ids[-1],
        checked=F("checked") + len(ids),
        found=F("found") + found,
        due_at=None if is_over else Now(),
        done_at=Now() if is_over else None,
        lease_token=None,
        attempts=0,
    )


# Deciding ----------------------------------------------------------------------------------------


@transaction.atomic
def dismiss(candidate_id: int, *, at: datetime, user: User | None) -> None:
    """These are two people. Nobody is asked again, whatever else they come to share.

    :raises AlreadyDecided: they were merged.
    """
    row = DuplicateCandidate.objects.select_for_update().get(pk=candidate_id)
    if row.state == DuplicateCandidate.State.MERGED:
        raise AlreadyDecided("These two were merged. Take them apart to undo that.")
    row.state, row.decided_at, row.decided_by = DuplicateCandidate.State.DISMISSED, at, user
    row.save(update_fields=["state", "decided_at", "decided_by"])


@transaction.atomic
def ask_again(candidate_id: int) -> None:
    """Take “not duplicates” back."""
    DuplicateCandidate.objects.filter(
        pk=candidate_id, state=DuplicateCandidate.State.DISMISSED
    ).update(state=DuplicateCandidate.State.OPEN, decided_at=None, decided_by=None)


def suggest_pair(one: int, other: int, reason: Reason) -> None:
    """Something certain names both; ask, unless somebody has decided."""
    low, high = sorted((one, other))
    reasons = [{"code": reason.code, "words": reason.words}]
    row = DuplicateCandidate(
        lead_a_id=low, lead_b_id=high, score=SHARED_ID_SCORE, is_same=True, reasons=reasons
    )
    DuplicateCandidate.objects.bulk_create([row], ignore_conflicts=True)


def dismiss_pair(one: int, other: int, *, at: datetime, user: User | None) -> None:
    """The same by the two leads, whether or not anybody thought them alike."""
    low, high = sorted((one, other))
    decided = {"state": DuplicateCandidate.State.DISMISSED, "decided_at": at, "decided_by": user}
    DuplicateCandidate.objects.update_or_create(
        lead_a_id=low,
        lead_b_id=high,
        defaults=decided,
        create_defaults={**decided, "score": 0, "reasons": []},
    )
