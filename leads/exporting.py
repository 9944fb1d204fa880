"""Leads as lines of a spreadsheet."""

import re
from collections.abc import Iterator

from leadcrm.lib.pagination import keyset_page
from leads.models import Lead
from leads.models.lead import LeadQuerySet

BATCH = 1000
HEADINGS = [
    "Id", "First name", "Last name", "E-mail", "Phone", "Job title", "Company", "Country", "City",
    "Industry", "Source", "Lifecycle", "Status", "Stage", "Owner", "Score", "Temperature",
    "Created", "Last activity",
]  # fmt: skip
Line = list[str | int]
_FORMULA = re.compile(r"^[=+\-@\t\r]")
_NUMBER = re.compile(r"^[+-]?[\d ().]+$")


def lines(leads: LeadQuerySet) -> Iterator[Line]:
    """One line for each lead, newest first, read in batches so that memory stays flat."""
    rows = leads.select_related("source", "stage", "owner", "score_row").defer("custom")
    cursor: str | None = None
    while True:
        page = keyset_page(rows, ordering=["-created_at", "-pk"], size=BATCH, cursor=cursor)
        yield from (_line(lead) for lead in page)
        if page.next is None:
            return
        cursor = page.next


def _line(lead: Lead) -> Line:
    score = lead.score_row
    last = score.last_activity_at
    return [
        lead.public_id,
        *(
            harmless(text)
            for text in (
                lead.first_name,
                lead.last_name,
                lead.email,
                lead.phone,
                lead.job_title,
                lead.company_name,
                lead.country,
                lead.city,
                lead.industry,
                lead.source.name if lead.source else "",
                lead.lifecycle,
                lead.status,
                lead.stage.name if lead.stage else "",
                str(lead.owner) if lead.owner else "",
            )
        ),
        score.score,
        score.temperature,
        lead.created_at.isoformat(timespec="seconds"),
        last.isoformat(timespec="seconds") if last else "",
    ]


def harmless(text: str) -> str:
    """Text that a spreadsheet shows and never runs: a leading `=` would be a formula."""
    if _FORMULA.match(text) and not _NUMBER.match(text):
        return f"'{text}"
    return text
