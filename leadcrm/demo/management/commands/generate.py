"""Fill the database with many generated leads, to measure and to try things at size."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from leadcrm.demo import bulk
from pipeline import facts


class Command(BaseCommand):
    help = "Generate leads with activities, cycles, response clocks, owners and deals."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--leads", type=int, required=True)
        parser.add_argument("--activities", type=int, default=0)
        parser.add_argument("--seed", type=int, default=1)

    def handle(self, *args: Any, **options: Any) -> None:
        leads, activities = options["leads"], options["activities"]
        if leads < 1 or activities < 0:
            raise CommandError("--leads must be 1 or more, --activities 0 or more.")
        started = time.monotonic()
        bulk.generate(leads=leads, activities=activities, seed=options["seed"], now=timezone.now())
        seconds = time.monotonic() - started
        self.stdout.write(
            f"{leads:,} leads with {activities:,} activities in {seconds:.1f} s "
            f"({leads / seconds:,.0f} leads a second)."
        )
        started = time.monotonic()
        facts.count_anew()
        self.stdout.write(f"Reports read them {time.monotonic() - started:.1f} s later.")
