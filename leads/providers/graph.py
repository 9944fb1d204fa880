"""Meta's Graph API, as far as leads need it. Another client may be put in its place by settings."""

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import Any, Protocol
from urllib.parse import urlencode

from django.conf import settings
from django.utils.module_loading import import_string

from leads.providers import http
from leads.providers.base import FetchProblem, Gone, NoAccess

FIELDS = (
    "id,created_time,form_id,ad_id,ad_name,adset_id,adset_name,campaign_id,campaign_name,"
    "field_data,custom_disclaimer_responses,is_organic,platform"
)
PAGE = 100
MOST_PAGES = 10_000
# https://developers.facebook.com/docs/graph-api/guides/error-handling
ACCESS_CODES = {10, 102, 190, *range(200, 300)}
LIMIT_CODES = {4, 17, 32, 341, 613, *range(80000, 80015)}
LIMIT_SECONDS = 600.0


class GraphClient(Protocol):
    def lead(self, lead_id: str) -> bytes:
        """One lead as JSON. :raises FetchProblem:"""

    def leads(self, form_id: str, *, since: int) -> Iterator[dict[str, Any]]:
        """All leads of a form created after a moment, in seconds. :raises FetchProblem:"""

    def tell(self, dataset: str, events: Sequence[dict[str, Any]], *, test_code: str = "") -> None:
        """Conversions; all of them are taken or none. :raises FetchProblem:"""


def graph_of(token: str, app_secret: str) -> GraphClient:
    client: GraphClient = import_string(settings.META_GRAPH_CLIENT)(token, app_secret)
    return client


class Refused(FetchProblem):
    """What was told is wrong, and telling it again is of no use."""


class HttpGraph:
    def __init__(self, token: str, app_secret: str) -> None:
        if not token:
            raise NoAccess("There is no access token yet. Paste one on the source's page.")
        self._headers = {"Authorization": f"Bearer {token}"}
        proof = hmac.new(app_secret.encode(), token.encode(), hashlib.sha256).hexdigest()
        self._proof = {"appsecret_proof": proof} if app_secret else {}

    def lead(self, lead_id: str) -> bytes:
        return self._get(lead_id, {"fields": FIELDS}).body

    def leads(self, form_id: str, *, since: int) -> Iterator[dict[str, Any]]:
        newer = f'[{{"field":"time_created","operator":"GREATER_THAN","value":{since}}}]'
        query = {"fields": FIELDS, "limit": str(PAGE), "filtering": newer}
        for _ in range(MOST_PAGES):
            page = self._get(f"{form_id}/leads", query).document
            yield from (lead for lead in page.get("data") or [] if isinstance(lead, dict))
            after = ((page.get("paging") or {}).get("cursors") or {}).get("after")
            if not after or "next" not in page["paging"]:
                return
            query["after"] = str(after)

    def tell(self, dataset: str, events: Sequence[dict[str, Any]], *, test_code: str = "") -> None:
        base = f"{settings.META_GRAPH_URL}/{settings.META_GRAPH_VERSION}"
        document = {"data": list(events)} | ({"test_event_code": test_code} if test_code else {})
        query = f"?{urlencode(self._proof)}" if self._proof else ""
        answered = http.post(f"{base}/{dataset}/events{query}", self._headers, document)
        if answered.status != 200 or "error" in answered.document:
            raise refusal_of(answered)

    def _get(self, path: str, query: dict[str, str]) -> http.Answered:
        base = f"{settings.META_GRAPH_URL}/{settings.META_GRAPH_VERSION}"
        answered = http.get(f"{base}/{path}?{urlencode({**query, **self._proof})}", self._headers)
        if answered.status == 200 and "error" not in answered.document:
            return answered
        raise problem_of(answered)


def refusal_of(answered: http.Answered) -> FetchProblem:
    """Of what was told: an answer of 4xx that is about neither access nor limits is final."""
    problem = problem_of(answered)
    error = answered.document.get("error")
    transient = isinstance(error, dict) and error.get("is_transient") is True
    usual = isinstance(problem, NoAccess) or problem.seconds or transient
    if usual or not 400 <= answered.status < 500 or answered.status == 408:
        return problem
    detail = str(error.get("error_user_msg") or "")[:300] if isinstance(error, dict) else ""
    return Refused(f"{problem.words} {detail}".strip())


def problem_of(answered: http.Answered) -> FetchProblem:
    error = answered.document.get("error")
    said = error if isinstance(error, dict) else {}
    code = said.get("code")
    words = f"Meta says: {str(said.get('message') or f'HTTP {answered.status}')[:300]}"
    if code in LIMIT_CODES or answered.status == 429:
        return FetchProblem(words, seconds=answered.retry_after or LIMIT_SECONDS)
    if code in ACCESS_CODES or answered.status in {401, 403}:
        return NoAccess(f"{words} Paste a new access token on the source's page.")
    if said.get("error_subcode") == 33 or answered.status == 404:
        return Gone(words)
    return FetchProblem(words, seconds=answered.retry_after)
