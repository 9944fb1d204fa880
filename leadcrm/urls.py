"""Every address of the product, from the roof down."""

from importlib.util import find_spec

from django.urls import URLPattern, URLResolver, include, path

from leadcrm import health

APPS = [
    "leadcrm.dashboard",
    "leadcrm.configuration",
    "pipeline",
    "leads",
    "scoring",
    "nurturing",
    "leadcrm.accounts",
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", health.metrics, name="metrics"),
    path("api/v1/", include("leadcrm.api")),
    path("accounts/", include("allauth.urls")),
    *(path("", include(f"{app}.urls")) for app in APPS if find_spec(f"{app}.urls")),
]

handler404 = "leadcrm.lib.error_pages.not_found"
handler500 = "leadcrm.lib.error_pages.server_error"
