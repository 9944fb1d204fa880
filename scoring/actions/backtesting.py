"""Backtests: closed sales are noted down, scored in steps in the background, and then judged."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid
from leads.foresight import Asked, sales
from scoring import sketches
from scoring.backtest.judging import scores_then
from scoring.backtest.report import Row, RuleFacts, report
from scoring.backtest.sample import Sample, refusal, sample_of
from scoring.engine.hindsight import tells_the_outcome
from scoring.models import Backtest, BacktestCase, ModelVersion, Rule, ScoringModel

BACKTEST_QUEUE = "backtests"
STEP = 250  # sales in one step
MOST = 5_000  # the newest
LEASE = timedelta(minutes=5)
KEPT = 10
LONGEST = timedelta(days=3660)


@transaction.atomic
def start_backtest(
    model: ScoringModel,
    sketch: sketches.Sketch,
    *,
    since: datetime,
    until: datetime,
    moment: str,
    at: datetime,
    user: User | None = None,
) -> Backtest:
    """Note down which sales are judged; what is too little is refused in words at once.

    :raises Invalid: a period or moment that makes no sense.
    """
    _check(since, until, moment)
    Backtest.objects.filter(model=model, done_at=None).update(
        done_at=at, due_at=None, lease_token=None, refusal="A newer backtest took its place."
    )
    sample = sample_of(sales(Asked(since, until, MOST)), moment=moment)
    row = Backtest.objects.create(
        model=model,
        draft={**sketch, "unqualified": sample.unqualified},
        fingerprint=sketches.fingerprint(sketch),
        since=since,
        until=until,
        moment=moment,
        total=len(sample.cases),
        asked_by=user,
        started_at=at,
        **_refused(sample, at),
    )
    if row.is_running:
        _note_down(row, sample)
        pump.wake(BACKTEST_QUEUE)
    _forget_old(model)
    return row


def _check(since: datetime, until: datetime, moment: str) -> None:
    if moment not in Backtest.Moment.values:
        raise Invalid.field("moment", "Choose mql or sql.", "unknown_choice")
    if not since < until:
        raise Invalid.field("until", "The period must end after it starts.")
    if until - since > LONGEST:
        raise Invalid.field("since", "A backtest looks back at most ten years.")


def _refused(sample: Sample, at: datetime) -> dict[str, Any]:
    words = refusal(sample.won, sample.lost, sample.unqualified)
    return {"refusal": words, "done_at": at, "due_at": None} if words else {}


def _note_down(row: Backtest, sample: Sample) -> None:
    BacktestCase.objects.bulk_create(
        (
            BacktestCase(
                backtest=row,
                lead_id=case.lead_id,
                cycle=case.cycle,
                at=case.at,
                won=case.won,
                rejected=case.rejected,
                reason=case.reason[:200],
                score=0,
                live_score=0,
                points=[],
            )
            for case in sample.cases
        ),
        batch_size=1000,
        ignore_conflicts=True,
    )


def _forget_old(model: ScoringModel) -> None:
    newest = Backtest.objects.filter(model=model).order_by("-pk").values_list("pk", flat=True)
    old = Backtest.objects.filter(model=model).exclude(pk__in=list(newest[:KEPT]))
    BacktestCase.objects.filter(backtest__in=old).delete()
    old.delete()


# Steps --------------------------------------------------------------------------------------------


def continue_backtest(*, at: datetime) -> int:
    """Score the next sales; a backtest that was interrupted goes on where it was."""
    claim = pump.claim(Backtest, limit=1, lease=LEASE)
    for item in claim.items:
        _next_step(item, claim.token, at=at)
    return len(claim.items)


def _next_step(item: Backtest, token: UUID, *, at: datetime) -> None:
    cases = list(item.cases.filter(pk__gt=item.next_id).order_by("pk")[:STEP])
    if cases:
        _score(item, cases)
        changes = {"next_id": cases[-1].pk, "done": item.done + len(cases), "attempts": 0}
        with transaction.atomic():
            if pump.postpone(Backtest, item.pk, token=token, seconds=0, **changes):
                BacktestCase.objects.bulk_update(cases, ["score", "live_score", "points"])
        return
    pump.finish(Backtest, [item.pk], token=token, done_at=at, **_judged(item))


def _score(item: Backtest, cases: Sequence[BacktestCase]) -> None:
    pairs = [(case.lead_id, case.at) for case in cases]
    draft = scores_then(*sketches.built(item.model, item.draft), pairs)
    live = draft
    published = item.model.versions.filter(state=ModelVersion.State.PUBLISHED).first()
    if published is not None:
        rules = list(published.rules.order_by("position", "pk"))
        live = scores_then(published, rules, pairs)
    for case, mine, theirs in zip(cases, draft, live, strict=True):
        if mine is not None and theirs is not None:
            case.score, case.live_score = mine.score, theirs.score
            case.points = list(mine.points)


def _judged(item: Backtest) -> dict[str, Any]:
    version, rules = sketches.built(item.model, item.draft)
    published = item.model.versions.filter(state=ModelVersion.State.PUBLISHED).first() or version
    found = item.cases.exclude(points=[]).filter(Q(won__isnull=False) | Q(rejected=True))
    rows = [
        Row(c.won, c.rejected, c.reason, c.score, c.live_score, c.points)
        for c in found.iterator(chunk_size=1000)
    ]
    unqualified = int(item.draft.get("unqualified") or 0)
    won, lost = (sum(row.won is value for row in rows) for value in (True, False))
    if words := refusal(won, lost, unqualified):
        return {"refusal": words}
    result = report(
        rows,
        [_facts(rule) for rule in rules],
        borders={"warm": version.warm_from, "hot": version.hot_from},
        live_borders={"warm": published.warm_from, "hot": published.hot_from},
        top=version.total_cap,
        unqualified=unqualified,
    )
    return {"result": result}


def _facts(rule: Rule) -> RuleFacts:
    return RuleFacts(
        uid=str(rule.uid),
        label=rule.label,
        group=rule.group,
        weight_class=rule.weight_class,
        points=rule.points,
        enabled=rule.enabled,
        speaks_of_outcome=tells_the_outcome(rule.condition),
    )
