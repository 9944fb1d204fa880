"""The REST API: the endpoints of every app under `/api/v1/`, the schema and its reading page."""

from importlib import import_module
from importlib.util import find_spec

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import URLPattern, URLResolver, path
from django.views.decorators.http import require_safe
from drf_spectacular.views import SpectacularAPIView

APPS = [
    "leads",
    "scoring",
    "pipeline",
    "nurturing",
    "leadcrm.accounts",
    "leadcrm.dashboard",
    "leadcrm.configuration",
]


@login_not_required
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """The API to read and to try; the schema says nothing that the source code does not."""
    return render(request, "api/docs.html")


def _urls_of(app: str) -> list[URLPattern | URLResolver]:
    if find_spec(f"{app}.api") is None:
        return []
    patterns: list[URLPattern | URLResolver] = import_module(f"{app}.api").urlpatterns
    return patterns


urlpatterns: list[URLPattern | URLResolver] = [
    *(pattern for app in APPS for pattern in _urls_of(app)),
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("docs/", docs, name="api-docs"),
]
