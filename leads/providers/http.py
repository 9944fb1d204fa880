"""Asking a provider's API: one JSON document, no redirects, never for long, never for much."""

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from leads.providers.base import FetchProblem

TIMEOUT_SECONDS = 15.0
MOST_BYTES = 5_000_000


@dataclass(frozen=True, slots=True)
class Answered:
    status: int
    body: bytes
    retry_after: float | None = None

    @property
    def document(self) -> dict[str, Any]:
        """An empty one where the body is no JSON object."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError):
            return {}
        return found if isinstance(found, dict) else {}


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), _NoRedirects)


def get(url: str, headers: Mapping[str, str]) -> Answered:
    """:raises FetchProblem: nobody answered in time."""
    return _ask(urllib.request.Request(url, headers=dict(headers)))  # noqa: S310  # base: settings


def post(url: str, headers: Mapping[str, str], document: Any) -> Answered:
    """:raises FetchProblem: nobody answered in time; it may have arrived all the same."""
    named = {**headers, "Content-Type": "application/json"}
    body = json.dumps(document).encode()
    return _ask(urllib.request.Request(url, body, named))  # noqa: S310  # base: settings


def _ask(request: urllib.request.Request) -> Answered:
    try:
        with _OPENER.open(request, timeout=TIMEOUT_SECONDS) as response:
            return Answered(response.status, response.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            wait = error.headers.get("Retry-After", "")
            seconds = float(wait) if wait.isdigit() else None
            return Answered(error.code, error.read(MOST_BYTES), seconds)
    except (OSError, urllib.error.URLError, ValueError) as error:
        raise FetchProblem(f"No answer: {error}.") from error
