"""The pipeline's part of the REST API."""

from django.urls import URLPattern

from leadcrm.lib import converters  # noqa: F401  # registers <public_id:…>
from pipeline.api.funnel import urlpatterns as funnel_urls
from pipeline.api.keeping import urlpatterns as keeping_urls
from pipeline.api.owners import urlpatterns as owner_urls
from pipeline.api.resting import urlpatterns as resting_urls
from pipeline.api.rules import urlpatterns as rule_urls
from pipeline.api.talks import urlpatterns as talk_urls
from pipeline.api.work import urlpatterns as work_urls

urlpatterns: list[URLPattern] = [
    *funnel_urls,
    *keeping_urls,
    *talk_urls,
    *owner_urls,
    *resting_urls,
    *rule_urls,
    *work_urls,
]
