"""Simulations: a draft over all leads in the background, shown on a sample at once."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Max, Min

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leads.models import Lead
from scoring import engine, sketches
from scoring.models import ScoringModel, Simulation
from scoring.simulate.running import simulate
from scoring.simulate.tally import Tally, from_data

SIMULATION_QUEUE = "simulations"
AT_ONCE = 100_000  # leads; of more a sample is shown until all are looked at
RANGE = 50_000
LEASE = timedelta(minutes=5)
KEPT = 20  # simulations of a model


def start_simulation(
    model: ScoringModel,
    sketch: sketches.Sketch,
    *,
    at: datetime,
    user: User | None = None,
    at_once: int = AT_ONCE,
) -> Simulation:
    """Work out what can be shown at once; of many leads the rest goes on in the background."""
    Simulation.objects.filter(model=model, done_at=None).update(
        done_at=at, due_at=None, lease_token=None, refusal="A newer simulation took its place."
    )
    everybody = Lead.objects.live().filter(is_test=False)
    total = everybody.count()
    scope = engine.Everyone() if total <= at_once else engine.Sample(at_once, seed=total)
    version, rules = sketches.built(model, sketch)
    tally = simulate(version, rules, scope=scope, at=at, tally=Tally())
    whole = total <= at_once
    edges = everybody.aggregate(first=Min("pk"), last=Max("pk"))
    row = Simulation.objects.create(
        model=model,
        draft=sketch,
        fingerprint=sketches.fingerprint(sketch),
        total=total,
        done=total if whole else 0,
        next_id=edges["first"] or 0,
        last_id=edges["last"] or 0,
        result={**tally.as_data(), "whole": tally.leads if whole else total},
        asked_by=user,
        started_at=at,
        done_at=at if whole else None,
        **({"due_at": None} if whole else {}),
    )
    if not whole:
        pump.wake(SIMULATION_QUEUE)
    _forget_old(model)
    return row


def _forget_old(model: ScoringModel) -> None:
    newest = Simulation.objects.filter(model=model).order_by("-pk").values_list("pk", flat=True)
    kept = list(newest[:KEPT])
    Simulation.objects.filter(model=model).exclude(pk__in=kept).delete()


def continue_simulation(*, at: datetime) -> int:
    """Look at the next range of leads; one that was interrupted goes on where it was."""
    claim = pump.claim(Simulation, limit=1, lease=LEASE)
    for item in claim.items:
        _next_range(item, claim.token, at=at)
    return len(claim.items)


def _next_range(item: Simulation, token: UUID, *, at: datetime) -> None:
    version, rules = sketches.built(item.model, item.draft)
    scope = engine.IdRange(item.next_id, item.next_id + RANGE)
    tally = simulate(version, rules, scope=scope, at=at, tally=_so_far(item.tally))
    changes: dict[str, Any] = {
        "next_id": scope.end,
        "done": tally.leads,
        "tally": tally.as_data(),
        "attempts": 0,
    }
    if scope.end <= item.last_id:
        pump.postpone(Simulation, item.pk, token=token, seconds=0, **changes)
        return
    changes |= {"done": item.total, "done_at": at, "tally": None}
    result = {**tally.as_data(), "whole": tally.leads}
    pump.finish(Simulation, [item.pk], token=token, result=result, **changes)


def _so_far(tally: Mapping[str, Any] | None) -> Tally:
    return from_data(tally) if tally else Tally()
