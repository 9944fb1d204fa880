"""Write the configuration as YAML to the standard output or a file."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from leadcrm.configuration import actions


class Command(BaseCommand):
    help = "Write scoring models, frameworks and segments as YAML."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--to", type=Path, help="a file; else the standard output")
        parser.add_argument("--drafts", action="store_true", help="drafts of models instead")

    def handle(self, *args: Any, **options: Any) -> None:
        text = actions.export_text(drafts=options["drafts"])
        if options["to"]:
            options["to"].write_text(text, encoding="utf-8")
        else:
            self.stdout.write(text)
