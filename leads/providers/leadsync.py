"""LinkedIn's Lead Sync API, as far as leads need it. Another client may be put in its place.

https://learn.microsoft.com/linkedin/marketing/lead-sync/leadsync
"""

from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from django.conf import settings
from django.utils.module_loading import import_string

from leads.providers import http
from leads.providers.base import FetchProblem, Gone, NoAccess, text_at

PAGE = 100
MOST_PAGES = 10_000
LIMIT_SECONDS = 600.0
# What may own lead forms, as a person names it, and how the API does.
OWNERS = {"account": "sponsoredAccount", "organization": "organization"}
LEAD_TYPES = {"account": "SPONSORED", "organization": "COMPANY"}


class LeadSyncClient(Protocol):
    def lead(self, lead_id: str) -> dict[str, Any]:
        """One response to a form. :raises FetchProblem:"""

    def form(self, form_id: str) -> dict[str, Any]:
        """A form with its questions. :raises FetchProblem:"""

    def leads(self, owner: str, number: str, *, since: int) -> Iterator[dict[str, Any]]:
        """All responses of an owner since a moment, in milliseconds. :raises FetchProblem:"""


def lead_sync_of(token: str) -> LeadSyncClient:
    client: LeadSyncClient = import_string(settings.LINKEDIN_CLIENT)(token)
    return client


class HttpLeadSync:
    def __init__(self, token: str) -> None:
        if not token:
            raise NoAccess("There is no access token yet. Paste one on the source's page.")
        self._headers = {
            "Authorization": f"Bearer {token}",
            "LinkedIn-Version": settings.LINKEDIN_API_VERSION,
            "X-Restli-Protocol-Version": "2.0.0",
        }

    def lead(self, lead_id: str) -> dict[str, Any]:
        return self._get(f"leadFormResponses/{quote(lead_id, safe='')}")

    def form(self, form_id: str) -> dict[str, Any]:
        return self._get(f"leadForms/{quote(form_id, safe='')}")

    def leads(self, owner: str, number: str, *, since: int) -> Iterator[dict[str, Any]]:
        kind = OWNERS[owner]
        urn = quote(f"urn:li:{kind}:{number}", safe="")
        # Rest.li's own brackets must not be escaped; what stands in them must be.
        asked = (
            f"q=owner&owner=({kind}:{urn})&leadType=(leadType:{LEAD_TYPES[owner]})"
            f"&limitedToTestLeads=false&submittedAtTimeRange=(start:{since})"
        )
        for page in range(MOST_PAGES):
            paging = urlencode({"start": page * PAGE, "count": PAGE})
            rows = self._get(f"leadFormResponses?{asked}&{paging}").get("elements")
            found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
            yield from found
            if len(found) < PAGE:
                return

    def _get(self, path: str) -> dict[str, Any]:
        answered = http.get(f"{settings.LINKEDIN_API_URL}/rest/{path}", self._headers)
        if answered.status == 200:
            return answered.document
        raise problem_of(answered)


def problem_of(answered: http.Answered) -> FetchProblem:
    said = text_at(answered.document, "message")[:300] or f"HTTP {answered.status}"
    words = f"LinkedIn says: {said}"
    if answered.status == 429:
        return FetchProblem(words, seconds=answered.retry_after or LIMIT_SECONDS)
    if answered.status in {401, 403}:
        return NoAccess(f"{words} Paste a new access token on the source's page.")
    if answered.status == 404:
        return Gone(words)
    return FetchProblem(words, seconds=answered.retry_after)
