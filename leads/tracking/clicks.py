"""From a mail to a website of ours: the address says for half an hour who follows it."""

from datetime import datetime
from urllib.parse import urlsplit

from leads.models import Lead, TrackedSite
from leads.tracking.sites import click_token
from leads.tracking.visits import objects

PARAMETER = "lc_click"


def is_tracked(url: str) -> bool:
    """Only a website with our script gets to know: it takes the mark out of its address bar."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    origin = f"{parts.scheme}://{parts.netloc}".lower()
    live = TrackedSite.objects.filter(api_key__revoked_at=None).exclude(storage="none")
    return live.filter(api_key__origins__contains=[origin]).exists()


def with_click(url: str, lead_id: int | None, *, at: datetime) -> str:
    """Unmarked for people who do not want to be tracked."""
    lead = Lead.objects.filter(pk=lead_id, deleted_at=None).first() if lead_id else None
    if lead is None or objects(lead.pk):
        return url
    head, mark, fragment = url.partition("#")
    joint = "&" if "?" in head else "?"
    return f"{head}{joint}{PARAMETER}={click_token(lead, at=at)}{mark}{fragment}"
