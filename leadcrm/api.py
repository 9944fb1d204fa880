"""The REST API: one router of each app under `/api/v1/`, the schema and its reading page."""

from importlib import import_module
from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, path
from drf_spectacular.views import SpectacularAPIView

APPS = ["leads", "scoring", "pipeline", "nurturing", "leadcrm.accounts", "leadcrm.dashboard"]


def _urls_of(app: str) -> list[URLPattern | URLResolver]:
    if find_spec(f"{app}.api") is None:
        return []
    patterns: list[URLPattern | URLResolver] = import_module(f"{app}.api").urlpatterns
    return patterns


urlpatterns: list[URLPattern | URLResolver] = [
    *(pattern for app in APPS for pattern in _urls_of(app)),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
]
