"""Drain every queue without a broker: the documented fallback when Valkey is gone."""

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from leadcrm.lib import pump


class Command(BaseCommand):
    help = "Work on everything that is due. With --loop, keep looking every second."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--loop", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        pump.run_all()
        while options["loop"]:
            time.sleep(1)
            pump.run_all()
