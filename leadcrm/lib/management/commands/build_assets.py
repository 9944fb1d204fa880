from typing import Any

from django.core.management.base import BaseCommand

from leadcrm.lib import assets


class Command(BaseCommand):
    help = "Build icons and fonts from the installed packages (collectstatic does it too)."
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        for name in assets.build_all():
            size = (assets.assets_dir() / name).stat().st_size
            self.stdout.write(f"{name} {size / 1024:.0f} KB")
