"""HubSpot's form submissions (v3), so that a site moves by changing one address."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from leads.capture.envelopes import Consented, Submission
from leads.capture.parsing import clean_value
from leads.models import Connection, Consent
from leads.providers.answers import Answer
from leads.providers.base import Delivery, Provider, Received, Reply, text_at

OF_COMPANY = "0-2"
NOT_ANSWERS = ("context", "legalConsentOptions", "submittedAt", "skipValidation")


class HubSpot(Provider):
    key = "hubspot"
    label = "HubSpot-compatible"
    about = "Websites that post to HubSpot's forms API: change the address, keep the rest."
    icon = "replace"
    steps = (
        "Find where your site posts to api.hsforms.com/submissions/v3/… and put the address there.",
        "Add your website below, so that its visitors' browsers may send and be sent back.",
        "Send one test entry. Consent and the page are taken over as HubSpot names them.",
    )

    def reply(self, connection: Connection, delivery: Delivery, received: Received) -> Reply:
        return Reply.json({"inlineMessage": "Thank you. We will be in touch."})

    def submission(self, document: Any, connection: Connection, notes: list[str]) -> Submission:
        submission = super().submission(document, connection, notes)
        submission.consent.update(consent_of(document.get("legalConsentOptions")))
        submission.submitted_at = moment_of(document.get("submittedAt"))
        return submission

    def answers(self, document: Any, notes: list[str]) -> list[Answer]:
        rest = {key: value for key, value in document.items() if key not in NOT_ANSWERS}
        return super().answers(rest, notes)

    def targets(self, document: Any) -> Mapping[str, str]:
        fields = document.get("fields")
        return (
            {
                "fields[name]": "company_name",
                "fields[domain]": "website",
            }
            if isinstance(fields, list) and _asks_company(fields)
            else {}
        )

    def context(self, document: Any) -> dict[str, Any]:
        given = {
            "page_url": text_at(document, "context", "pageUri"),
            "page_name": text_at(document, "context", "pageName"),
            "hutk": text_at(document, "context", "hutk"),
        }
        return {name: clean_value(value)[:2000] for name, value in given.items() if value}


def _asks_company(fields: list[Any]) -> bool:
    return any(isinstance(f, dict) and f.get("objectTypeId") == OF_COMPANY for f in fields)


def is_hubspot(document: Mapping[str, Any]) -> bool:
    fields = document.get("fields")
    return (
        isinstance(fields, list)
        and bool(fields)
        and all(isinstance(each, dict) and "name" in each and "value" in each for each in fields)
    )


def consent_of(options: Any) -> dict[str, Consented]:
    """Only what was agreed to in words; a legitimate interest is no consent."""
    consent = options.get("consent") if isinstance(options, dict) else None
    given = consent.get("communications") if isinstance(consent, dict) else None
    rows = [row for row in given if isinstance(row, dict)] if isinstance(given, list) else []
    if not rows:
        return {}
    agreed = next((row for row in rows if row.get("value") is True), None)
    wording = str((agreed or rows[0]).get("text") or "")
    return {Consent.Purpose.MARKETING_EMAIL: Consented(agreed is not None, wording[:5000])}


def moment_of(milliseconds: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, tz=UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
