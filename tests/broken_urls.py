"""Addresses with a page that breaks."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import path

from leadcrm.urls import handler404, handler500
from leadcrm.urls import urlpatterns as ours


@login_not_required
def broken(request: HttpRequest) -> HttpResponse:
    raise ZeroDivisionError


urlpatterns = [path("broken/", broken), *ours]
__all__ = ["handler404", "handler500", "urlpatterns"]
