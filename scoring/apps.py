from importlib import import_module

from django.apps import AppConfig


class ScoringConfig(AppConfig):
    name = "scoring"

    def ready(self) -> None:
        import_module("scoring.catalogue")
        import_module("scoring.surveys.capturing")
        import_module("scoring.surveys.adrift")
        import_module("scoring.surveys.mailing")
        import_module("scoring.lately")
