"""Show what a YAML file would change, and take it over when asked to."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from leadcrm.configuration import actions
from leadcrm.configuration.actions import Plan
from leadcrm.lib.errors import DomainError


class Command(BaseCommand):
    help = "Show what a YAML file would change. Nothing is written without --apply."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--apply", action="store_true", help="write it; scoring as drafts")
        parser.add_argument("--publish", action="store_true", help="and publish the scoring models")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            source = options["file"].read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise CommandError(f"The file cannot be read: {error}") from None
        write = options["apply"] or options["publish"]
        try:
            found = actions.plan(source, at=timezone.now())
            self.show(found)
            if write:
                actions.take_over(source, publish=options["publish"], at=timezone.now())
        except DomainError as error:
            for each in error.errors:
                self.stderr.write(f"{each.field}: {each.message}")
            raise CommandError(error.detail) from None
        if found.failed:
            raise CommandError("Some expectations do not come true.")
        self.stdout.write("Taken over." if write else "Nothing was written. Use --apply.")

    def show(self, found: Plan) -> None:
        for change in found.changes:
            self.stdout.write(str(change))
        if not found.changes:
            self.stdout.write("The file changes nothing.")
        for verdict in found.verdicts:
            mark = "as expected" if verdict.holds else "; ".join(verdict.mistakes)
            self.stdout.write(f"{verdict.name}: {mark}")
