"""The data all benchmarks share: the demo company with as many generated leads as asked for."""

import time

from django.core.management import call_command
from django.utils import timezone

from benchmarks.measuring import sql
from leadcrm.demo import bulk
from leadcrm.demo.load import load_company
from leads.models import Lead
from pipeline import facts
from scoring.actions import rescore_everyone


def prepare() -> None:
    call_command("migrate", interactive=False, verbosity=0)
    load_company(now=timezone.now())


def grow_to(leads: int, activities: int = 3) -> tuple[int, float, float]:
    """:param activities: for each lead.
    :returns: new leads, seconds to generate them, and seconds to score everybody."""
    missing = leads - Lead.objects.count()
    if missing <= 0:
        return 0, 0.0, 0.0
    started = time.perf_counter()
    bulk.generate(leads=missing, activities=missing * activities, seed=leads, now=timezone.now())
    generated = time.perf_counter()
    rescore_everyone(at=timezone.now())
    scored = time.perf_counter()
    facts.count_anew()
    sql("VACUUM ANALYZE")
    return missing, generated - started, scored - generated
