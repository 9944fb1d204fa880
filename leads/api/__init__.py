"""The ground floor's part of the REST API."""

from django.urls import URLPattern

from leads.api.capture import urlpatterns as capture_urls

urlpatterns: list[URLPattern] = [*capture_urls]
