"""Gravity Forms' webhooks: an entry whose answers have numbers for names, or names as mapped."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from leads.capture.envelopes import Submission
from leads.models import Connection
from leads.providers.answers import Answer
from leads.providers.base import (
    PROOF_HEADER,
    Delivery,
    Provider,
    header_refusal,
    json_document,
    text_at,
)

# Of the parts of a field: a name has a first and a last one, an address a street and a postcode.
NAME_PARTS = {"3": "first_name", "6": "last_name"}
ADDRESS_PARTS = {"3": "city", "4": "region", "6": "country"}
PART = re.compile(r"(\d+)\.(\d+)")
ABOUT = frozenset(
    [
        "id",
        "form_id",
        "post_id",
        "date_created",
        "date_updated",
        "is_starred",
        "is_read",
        "ip",
        "user_agent",
        "currency",
        "payment_status",
        "payment_date",
        "payment_amount",
        "payment_method",
        "transaction_id",
        "is_fulfilled",
        "created_by",
        "transaction_type",
        "status",
        "source_id",
        "submission_speeds",
    ]
)


class GravityForms(Provider):
    key = "gravity-forms"
    label = "Gravity Forms"
    about = "Entries of a WordPress site with Gravity Forms and its Webhooks add-on."
    icon = "panels-top-left"
    steps = (
        "In WordPress, open the form's Settings, then Webhooks, and add a new one.",
        "Paste the address as Request URL, choose POST and JSON.",
        f"Under Request Headers, choose a custom key {PROOF_HEADER} with the secret below.",
        "Send “All Fields”, or select fields and give them names such as email and company.",
    )
    proof_label = "Secret header"
    proof_is_ours = True

    def refusal(self, delivery: Delivery, secrets: list[str]) -> str:
        return header_refusal(delivery, secrets)

    def event_id(self, delivery: Delivery) -> str:
        document = json_document(delivery.body)
        entry, form = text_at(document, "id"), text_at(document, "form_id")
        return f"{form}:{entry}" if entry and form else ""

    def submission(self, document: Any, connection: Connection, notes: list[str]) -> Submission:
        submission = super().submission(document, connection, notes)
        submission.submitted_at = utc(text_at(document, "date_created"))
        return submission

    def answers(self, document: Any, notes: list[str]) -> list[Answer]:
        rest = {name: value for name, value in document.items() if name not in ABOUT}
        return [each for each in super().answers(rest, notes) if each.value not in ("", [])]

    def targets(self, document: Any) -> Mapping[str, str]:
        parts = [found for name in document if (found := PART.fullmatch(str(name)))]
        given = {(part[1], part[2]) for part in parts if document[part[0]] not in ("", None)}
        return {
            f"{number}.{part}": target
            for number, part in given
            if (target := meaning(number, part, given))
        }


def meaning(number: str, part: str, given: set[tuple[str, str]]) -> str:
    if {(number, "1"), (number, "5")} & given:
        return ADDRESS_PARTS.get(part, "") if (number, "5") in given else ""
    return NAME_PARTS.get(part, "")


def utc(text: str) -> datetime | None:
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
