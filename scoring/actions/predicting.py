"""Predictions: learning from closed sales in steps, then foretelling the open ones."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leads.foresight import Asked, leads_with_open_sales, sales
from scoring import frameworks
from scoring.backtest.judging import scores_then
from scoring.backtest.sample import Sample, sample_of
from scoring.models import ModelVersion, Prediction, ScoringModel, Training, TrainingCase
from scoring.predict.facts import activity_labels, known_at, value_names
from scoring.predict.features import features_of
from scoring.predict.learning import Example, as_data, from_data, learn, refusal

TRAINING_QUEUE = "trainings"
STEP = 250
PART = 1_000
MOST = 3_000  # sales, the newest
LOOK_BACK = timedelta(days=3 * 365)
DAILY_SECONDS = 24 * 3600.0
LEFT_OUT = timedelta(hours=12)  # not foretold in the round that just ended
LEASE = timedelta(minutes=10)
KEPT = 5


@transaction.atomic
def start_training(model: ScoringModel, *, at: datetime, user: User | None = None) -> Training:
    """Note down what is learnt from; too little is refused in words at once.

    The training in use stays in use until a new one is better informed: has learnt something.
    """
    Training.objects.filter(done_at=None).update(
        done_at=at, due_at=None, lease_token=None, refusal="A newer training took its place."
    )
    sample = sample_of(sales(Asked(at - LOOK_BACK, at, MOST)), moment="mql")
    words = refusal(sample.won, sample.lost)
    row = Training.objects.create(
        model=model,
        total=len(sample.closed),
        asked_by=user,
        started_at=at,
        refusal=words,
        **({"done_at": at, "due_at": None} if words else {}),
    )
    if not words:
        _note_down(row, sample)
        pump.wake(TRAINING_QUEUE)
    _forget_old()
    return row


def _note_down(row: Training, sample: Sample) -> None:
    TrainingCase.objects.bulk_create(
        (
            TrainingCase(
                training=row,
                lead_id=case.lead_id,
                cycle=case.cycle,
                at=case.at,
                won=bool(case.won),
                score=0,
            )
            for case in sample.closed
        ),
        batch_size=1000,
        ignore_conflicts=True,
    )


def _forget_old() -> None:
    kept = list(Training.objects.order_by("-pk").values_list("pk", flat=True)[:KEPT])
    old = Training.objects.exclude(pk__in=kept).filter(is_active=False)
    TrainingCase.objects.filter(training__in=old).delete()
    old.delete()


def stop_predicting(*, at: datetime) -> None:
    """Nothing is foretold any more; what was learnt is kept."""
    with transaction.atomic():
        Training.objects.filter(is_active=True).update(is_active=False, due_at=None)
        Prediction.objects.all().delete()


# Steps --------------------------------------------------------------------------------------------


def continue_training(*, at: datetime) -> int:
    """The next step of a training, or the next part of the leads that the one in use foretells."""
    claim = pump.claim(Training, limit=1, lease=LEASE)
    for item in claim.items:
        step = _foretell if item.is_active else _next_step
        step(item, claim.token, at)
    return len(claim.items)


def _next_step(item: Training, token: UUID, at: datetime) -> None:
    cases = list(item.cases.filter(pk__gt=item.next_id).order_by("pk")[:STEP])
    if not cases:
        _learn(item, token, at=at)
        return
    _fill(item, cases)
    changes = {"next_id": cases[-1].pk, "done": item.done + len(cases), "attempts": 0}
    with transaction.atomic():
        if pump.postpone(Training, item.pk, token=token, seconds=0, **changes):
            TrainingCase.objects.bulk_update(cases, ["known", "score"])


def _fill(item: Training, cases: Sequence[TrainingCase]) -> None:
    pairs = [(case.lead_id, case.at) for case in cases]
    published = item.model.versions.filter(state=ModelVersion.State.PUBLISHED).first()
    scores = (
        scores_then(published, list(published.rules.order_by("position", "pk")), pairs)
        if published
        else [None] * len(pairs)
    )
    for case, known, scored in zip(cases, known_at(pairs), scores, strict=True):
        case.known = known or {}
        case.score = scored.score if scored else 0


def _learn(item: Training, token: UUID, *, at: datetime) -> None:
    """What is better than no model at all comes into use."""
    examples = [
        Example(case.known, case.won, case.score)
        for case in item.cases.exclude(known={}).order_by("at", "pk")
    ]
    won = sum(example.won for example in examples)
    changes: dict[str, Any] = {"done_at": at, "refusal": refusal(won, len(examples) - won)}
    if not changes["refusal"]:
        changes |= _learnt(examples)
    if not changes.get("is_active"):
        pump.finish(Training, [item.pk], token=token, **changes)
        return
    with transaction.atomic():
        Training.objects.filter(is_active=True).update(is_active=False, due_at=None)
        pump.postpone(Training, item.pk, token=token, seconds=0, next_id=0, attempts=0, **changes)


def _learnt(examples: Sequence[Example]) -> dict[str, Any]:
    criteria = {criterion.key: criterion.label for criterion in frameworks.active().criteria}
    features = features_of(
        [example.known for example in examples],
        activities=activity_labels(),
        criteria=criteria,
        words=value_names(),
    )
    if not features:
        return {"refusal": "The closed sales are alike in all that is known of them."}
    learnt = learn(examples, features)
    figures = learnt.figures
    if figures["brier"] >= figures["brier_base"] or figures["auc_low"] <= 0.5:
        return {
            "result": as_data(learnt),
            "refusal": "What is known of the closed sales does not tell the won from the lost: "
            "foretelling the average for everybody does as well. Nothing is foretold.",
        }
    return {"result": as_data(learnt), "is_active": True}


# Foretelling --------------------------------------------------------------------------------------


def _foretell(item: Training, token: UUID, at: datetime) -> None:
    """Once a day all open sales, in the order of their leads; who has none loses the prediction."""
    leads = leads_with_open_sales(after=item.next_id, limit=PART)
    if leads:
        predict(item, leads, at=at)
        pump.postpone(Training, item.pk, token=token, seconds=0, next_id=leads[-1], attempts=0)
        return
    Prediction.objects.filter(Q(at__lt=at - LEFT_OUT) | ~Q(training=item)).delete()
    pump.postpone(Training, item.pk, token=token, seconds=DAILY_SECONDS, next_id=0, attempts=0)


def predict(training: Training, lead_ids: Sequence[int], *, at: datetime) -> int:
    """Write the chances of these leads; return how many."""
    model = from_data(training.result or {})
    facts = known_at([(lead, at) for lead in lead_ids])
    rows = [
        (lead, model.chance(known))
        for lead, known in zip(lead_ids, facts, strict=True)
        if known is not None
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO scoring_prediction (lead_id, training_id, chance, at) "
            "SELECT x.lead, %s, x.chance, %s FROM unnest(%s::bigint[], %s::float8[]) "
            "AS x (lead, chance) ORDER BY x.lead "
            "ON CONFLICT (lead_id) DO UPDATE SET training_id = excluded.training_id, "
            "chance = excluded.chance, at = excluded.at",
            [training.pk, at, [lead for lead, _ in rows], [chance for _, chance in rows]],
        )
    return len(rows)
