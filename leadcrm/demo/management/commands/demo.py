"""Load the demo company, Marlow Scheduling, after two years of work."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from leadcrm.demo import company
from leadcrm.demo.actions import load_demo
from leads.models import Lead


class Command(BaseCommand):
    help = "Load demo data: about 3,000 leads in all stages, colleagues, forms, drips, spend."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--leads", type=int, default=3000)
        parser.add_argument("--seed", type=int, default=2026)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError(
                "Demo sign-ins have a known password, so they are refused here. "
                "Set LEADCRM_DEMO=1 if this is not a real installation."
            )
        if Lead.objects.exists():
            raise CommandError("There are leads already. The demo is for an empty installation.")
        leads = load_demo(count=options["leads"], seed=options["seed"], now=timezone.now())
        self.stdout.write(f"Loaded {len(leads):,} leads of {company.WORKSPACE['name']}.")
        for person in company.COLLEAGUES:
            self.stdout.write(f"  {person.email:24} {company.PASSWORD}   {person.name}")
