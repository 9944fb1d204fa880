"""A toast after an htmx request; after a full page load `django.contrib.messages` does the same."""

from typing import TypeVar

from django.http import HttpResponse
from django_htmx.http import trigger_client_event

Response = TypeVar("Response", bound=HttpResponse)


def toast(response: Response, text: str, *, tone: str = "", undo: str = "") -> Response:
    """Say `text` at the foot of the page; `tone="bad"` refuses, `undo` is a path to POST to."""
    trigger_client_event(response, "toast", {"text": text, "tone": tone, "undo": undo})
    return response
