"""Websites with our script, and browsers that visit them, for tests."""

import json
import time
import uuid
from datetime import datetime
from typing import Any

from django.test import Client
from django.utils import timezone

from leadcrm.lib import pump
from leads.models import IdentityLink, Lead, TrackedSite, Visitor
from leads.tracking import doors, sites, stitching, storing

ORIGIN = "https://www.kestrel.example"
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"


def make_site(origin: str = ORIGIN, **changes: Any) -> TrackedSite:
    site = sites.add_site("Kestrel", origins=[origin])
    TrackedSite.objects.filter(pk=site.pk).update(**changes)
    forget_all()
    return TrackedSite.objects.select_related("api_key").get(pk=site.pk)


def forget_all() -> None:
    """What a process remembers for some seconds of sites and policy."""
    doors.SITES = type(doors.SITES)(10)
    storing.forget_rules()
    storing._salts.clear()


class Browser:
    """Somebody's browser on a site; sends what the script would."""

    def __init__(self, site: TrackedSite, *, address: str = "203.0.113.77", **headers: str) -> None:
        self.site = site
        self.visitor = uuid.uuid4().hex
        self.visit = {"id": uuid.uuid4().hex, "page": f"{ORIGIN}/", "referrer": ""}
        self.headers = {
            "Origin": ORIGIN,
            "User-Agent": FIREFOX,
            "Accept-Language": "en",
            **headers,
        }
        self.client = Client(REMOTE_ADDR=address, raise_request_exception=False)

    def send(self, *events: dict[str, Any], later: bool = False, **extra: Any) -> Any:
        """Post a batch and let the worker read it, unless `later`."""
        body = {
            "key": self.site.key,
            "sent": time.time() * 1000,
            "visitor": self.visitor,
            "visit": {"at": time.time() * 1000, **self.visit},
            "events": [{"id": uuid.uuid4().hex, "at": time.time() * 1000, **e} for e in events],
            **extra,
        }
        answer = self.post(json.dumps(body).encode())
        if not later:
            pump.run_all()
        return answer

    def view(self, path: str = "/", **extra: Any) -> Any:
        return self.send({"type": "page_view", "url": ORIGIN + path, "title": path}, **extra)

    def post(self, body: bytes, content_type: str = "text/plain;charset=UTF-8") -> Any:
        return self.client.post("/t/", body, content_type=content_type, headers=self.headers)

    def leave_for(self, page: str, referrer: str = "") -> None:
        """Begin another visit, which `page` and `referrer` tell of."""
        self.visit = {"id": uuid.uuid4().hex, "page": page, "referrer": referrer}

    @property
    def stored(self) -> Visitor:
        return Visitor.objects.get(token=uuid.UUID(self.visitor))


def recognise(lead: Lead, *, at: datetime | None = None) -> IdentityLink:
    """A browser that is known to be this lead's."""
    link = stitching.link_visitor(
        uuid.uuid4(), lead, method="form", confidence="high", at=at or timezone.now()
    )
    assert link is not None
    return link
