"""Publishing a version: everybody is scored by it in the background, then it takes its place.

First the coming scores are worked out beside those that pages show, range by range; no score row
is locked for it. What changes meanwhile is scored by both versions. Then the version becomes the
published one, and its scores are put in their places. Each range is a transaction that also writes
how far it came, so that another worker goes on where one died.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import OperationalError, transaction
from django.db.models import Count, F, Max, Min

from leadcrm.accounts.models import User
from leadcrm.eventlog.actions import publish
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, NotFound
from leadcrm.lib.normalise import clean_text
from leads.events import ScoringPublished
from leads.models import LeadScore
from scoring import engine, queries
from scoring.actions.authoring import copy_of, draft_to_change, lock_model, next_number
from scoring.actions.rescoring import RANGE, Told, announce, gently, lock
from scoring.models import Cause, ModelVersion, Rescore, Rule

RESCORE_QUEUE = "rescore"
LEASE = timedelta(minutes=2)
State = ModelVersion.State


class NothingToRestore(Conflict):
    """The version to go back to is not one that was once published."""

    code = "nothing_to_restore"


@transaction.atomic
def publish_version(
    version_id: int,
    *,
    at: datetime,
    user: User | None = None,
    note: str = "",
    hand_over: bool = True,
) -> ModelVersion:
    """Let a draft take the place of the published version, once everybody is scored by it.

    Another version that is still being published gives way to it.

    :param hand_over: tell sales and campaigns of those who qualify by it; else it is only noted.
    :raises NotADraft: it was published already.
    """
    version = draft_to_change(version_id)
    version.note = clean_text(note, limit=300)
    return _begin(version, at=at, user=user, hand_over=hand_over)


@transaction.atomic
def roll_back(
    model_id: int, number: int, *, at: datetime, user: User | None = None, hand_over: bool = True
) -> ModelVersion:
    """Publish the rules of an earlier version again, as a new version; a draft stays as it is.

    :raises NothingToRestore: it is the published one, or never was.
    """
    model = lock_model(model_id)
    earlier = model.versions.filter(number=number).first()
    if earlier is None:
        raise NotFound
    if earlier.state != State.RETIRED or earlier.published_at is None:
        raise NothingToRestore(
            f"Version {number} was never replaced by another. Choose an earlier published one."
        )
    version: ModelVersion = copy_of(earlier, number=next_number(model), state=State.RETIRED)
    version.created_by, version.created_at, version.restored_from = user, at, earlier
    version.note = f"Back to version {number}"
    version.save(force_insert=True)
    rules = queries.rules_of(earlier)
    Rule.objects.bulk_create(copy_of(rule, version=version) for rule in rules)
    return _begin(version, at=at, user=user, hand_over=hand_over)


def _begin(
    version: ModelVersion, *, at: datetime, user: User | None, hand_over: bool
) -> ModelVersion:
    _give_way(version, at)
    version.state, version.published_by, version.published_at = State.PUBLISHING, user, at
    version.save()
    edges = LeadScore.objects.aggregate(first=Min("lead_id"), last=Max("lead_id"), all=Count("pk"))
    if edges["first"] is None:
        _take_place(version, at)
        return version
    Rescore.objects.create(
        version=version,
        first_id=edges["first"],
        next_id=edges["first"],
        last_id=edges["last"],
        total=edges["all"],
        hand_over=hand_over,
        started_at=at,
    )
    pump.wake(RESCORE_QUEUE)
    return version


def _give_way(version: ModelVersion, at: datetime) -> None:
    """A newer publication takes the place of one that still runs; its version was never shown.

    One that is already switching over goes on: what it has not reached yet, the newer one will.
    """
    running = Rescore.objects.filter(done_at=None, version__model=version.model)
    running.exclude(version=version).update(done_at=at, due_at=None, lease_token=None)
    version.model.versions.filter(state=State.PUBLISHING).update(
        state=State.RETIRED, published_at=None
    )


def _take_place(version: ModelVersion, at: datetime) -> None:
    version.model.versions.filter(state=State.PUBLISHED).update(state=State.RETIRED)
    version.state, version.published_at = State.PUBLISHED, at
    version.save(update_fields=["state", "published_at"])


# In the background --------------------------------------------------------------------------------


def continue_rescore(*, at: datetime | None = None) -> int:
    """Work on the next range; what was interrupted goes on where it was."""
    claim = pump.claim(Rescore, limit=1, lease=LEASE)
    for item in claim.items:
        try:
            with transaction.atomic():
                _work_on_range(item, claim.token, at=at)
        except OperationalError:  # somebody holds a lead of this range
            pump.postpone(Rescore, item.pk, token=claim.token, seconds=1)
    return len(claim.items)


def _work_on_range(item: Rescore, token: UUID, *, at: datetime | None) -> None:
    gently()
    version = ModelVersion.objects.select_related("model").get(pk=item.version_id)
    scope = engine.IdRange(item.next_id, item.next_id + RANGE)
    if item.phase == Rescore.Phase.SCORING:
        scored = engine.keep(version, queries.rules_of(version), scope=scope, at=at)
        progress: dict[str, Any] = {"scored": F("scored") + scored}
    else:
        progress = _switch_range(item, version, scope, at)
    if scope.end <= item.last_id:
        pump.postpone(
            Rescore, item.pk, token=token, seconds=0, next_id=scope.end, attempts=0, **progress
        )
    else:
        _end_phase(item, token, version, progress, scope.end, at or queries.present())


def _switch_range(
    item: Rescore, version: ModelVersion, scope: engine.IdRange, at: datetime | None
) -> dict[str, Any]:
    if not version.is_shown:
        return {}  # what others show by category is read from where it already stands
    moment = lock(scope)
    outcome = engine.switch(version, scope=scope, at=at or moment)
    qualified = engine.qualify(version, scope=scope, at=at or moment, cause=Cause.PUBLISH)
    told = Told(crossings=False, qualified=item.hand_over, cause=Cause.PUBLISH)
    announce([], qualified, at or moment, told)
    return {
        "changed": F("changed") + outcome.changed,
        "moves": _added(
            item.moves, [f"{c.from_temperature}>{c.to_temperature}" for c in outcome.crossings]
        ),
        "qualified": _added(item.qualified, [row.kind for row in qualified if not row.left]),
    }


def _added(counts: dict[str, int], found: Sequence[str]) -> dict[str, int]:
    return dict(Counter(counts) + Counter(found))


def _end_phase(
    item: Rescore,
    token: UUID,
    version: ModelVersion,
    progress: dict[str, Any],
    reached: int,
    moment: datetime,
) -> None:
    """After the scores the switch, over everybody who was added meanwhile as well."""
    if item.phase == Rescore.Phase.SCORING:
        lock_model(version.model_id)
        if not Rescore.objects.filter(pk=item.pk, lease_token=token).exists():
            return  # it gave way to another
        _take_place(version, moment)
        last = LeadScore.objects.aggregate(last=Max("lead_id"))["last"] or item.last_id
        pump.postpone(
            Rescore, item.pk, token=token, seconds=0, phase=Rescore.Phase.SWITCHING,
            next_id=item.first_id, last_id=last, attempts=0, **progress,
        )  # fmt: skip
        return
    done = pump.finish(
        Rescore, [item.pk], token=token, next_id=reached, done_at=moment, attempts=0, **progress
    )
    if done:
        _announce_published(item.pk, version, moment)


def _announce_published(pk: int, version: ModelVersion, at: datetime) -> None:
    item = Rescore.objects.get(pk=pk)
    publish(
        ScoringPublished(
            model=version.model.key,
            version=version.number,
            changed=item.changed,
            moves=item.moves,
            qualified=item.qualified,
        ),
        at=at,
    )
