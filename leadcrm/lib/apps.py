from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class LibConfig(AppConfig):
    name = "leadcrm.lib"
    label = "lib"

    def ready(self) -> None:
        """Load every app's handlers and tasks, so that web and worker know the same queues."""
        import_module("leadcrm.celery")
        autodiscover_modules(
            "handlers",
            "tasks",
            "panels",
            "schema",
            "merging",
            "fielduses",
            "segmentuses",
            "catalogue",
            "milestones",
        )
        autodiscover_modules("foresight")
