"""The pipeline's part of the REST API."""

from django.urls import URLPattern

from leadcrm.lib import converters  # noqa: F401  # registers <public_id:…>
from pipeline.api.funnel import urlpatterns as funnel_urls
from pipeline.api.owners import urlpatterns as owner_urls
from pipeline.api.rules import urlpatterns as rule_urls
from pipeline.api.work import urlpatterns as work_urls

urlpatterns: list[URLPattern] = [*funnel_urls, *owner_urls, *rule_urls, *work_urls]
