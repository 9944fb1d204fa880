"""A draft over all leads beside the bare aggregate that `scoring` is compared with.

What a simulation adds: the present and the coming score, temperature and qualifications of every
lead side by side, segments, campaigns, owners and names. Nothing is written.
"""

import resource
import time

from django.utils import timezone

from benchmarks.measuring import Line, Options, compared, rate_of, sql
from benchmarks.scoring import ALL, aggregate
from leads.models import Lead
from scoring import studies
from scoring.actions.simulating import AT_ONCE, start_simulation
from scoring.models import ScoringModel, Simulation


def run(options: Options) -> list[Line]:
    everybody = list(Lead.objects.order_by("pk").values_list("pk", flat=True))
    sql("SET max_parallel_workers_per_gather = 0")
    looked_at = min(len(everybody), AT_ONCE)
    lines = [
        compared(
            f"simulate {looked_at:,} of {len(everybody):,} leads",
            lambda: rate_of(lambda: simulated(looked_at)),
            lambda: rate_of(lambda: aggregate(everybody, ALL)),
            pairs=options.pairs,
            unit="leads/s",
        )
    ]
    sql("RESET max_parallel_workers_per_gather")
    started = time.perf_counter()
    simulated(looked_at)
    waited = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [*lines, Line("until the page shows it", f"{waited:.1f} s, {peak:,.0f} MB at most")]


def simulated(leads: int) -> int:
    """What the button does, with every rule worth one point more."""
    model = ScoringModel.objects.get(is_default=True)
    version = studies.subject_of(model)
    assert version is not None
    sketch = studies.sketch_of(version)
    for rule in sketch["rules"]:
        rule["points"] += 1
    start_simulation(model, sketch, at=timezone.now())
    Simulation.objects.update(due_at=None)
    return leads
