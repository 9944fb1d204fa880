"""Check what must always hold, and print every breach."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from leadcrm.audit import checks


class Command(BaseCommand):
    help = "Check the invariants. Ends with an error when one is broken."

    def handle(self, *args: Any, **options: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET statement_timeout = 0")
        found = list(checks.breaches())
        for breach in found:
            self.stdout.write(str(breach))
        if found:
            raise CommandError(f"{len(found)} rules are broken.")
        self.stdout.write("All rules hold.")
