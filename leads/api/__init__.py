"""The ground floor's part of the REST API."""

from django.urls import URLPattern

from leadcrm.lib import converters  # noqa: F401  # registers <public_id:…>
from leads.api.activities import urlpatterns as activity_urls
from leads.api.capture import urlpatterns as capture_urls
from leads.api.conversions import urlpatterns as conversion_urls
from leads.api.exports import urlpatterns as export_urls
from leads.api.fields import urlpatterns as field_urls
from leads.api.forms import urlpatterns as form_urls
from leads.api.imports import urlpatterns as import_urls
from leads.api.leads import urlpatterns as lead_urls
from leads.api.lookups import urlpatterns as lookup_urls
from leads.api.marketing import urlpatterns as marketing_urls
from leads.api.merging import urlpatterns as merging_urls
from leads.api.segments import urlpatterns as segment_urls
from leads.api.sources import urlpatterns as source_urls

urlpatterns: list[URLPattern] = [
    *capture_urls,
    *lead_urls,
    *activity_urls,
    *lookup_urls,
    *marketing_urls,
    *conversion_urls,
    *source_urls,
    *segment_urls,
    *merging_urls,
    *form_urls,
    *field_urls,
    *import_urls,
    *export_urls,
]
