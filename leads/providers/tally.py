"""Tally. Choices come as the ids of options; their words stand beside them."""

from collections.abc import Mapping
from typing import Any

from leads.capture.envelopes import Submission, moment
from leads.models import Connection
from leads.providers.answers import Answer
from leads.providers.base import Delivery, Provider, any_same, json_document, text_at
from leads.providers.typeform import encoded, part, rows

BY_TYPE = {"INPUT_EMAIL": "email", "INPUT_PHONE_NUMBER": "phone"}


class Tally(Provider):
    key = "tally"
    label = "Tally"
    about = "Answers of a Tally form, choices in words."
    icon = "clipboard-check"
    steps = (
        "In Tally, publish the form, open Integrations and choose Webhooks.",
        "Paste the address as the endpoint and add a signing secret.",
        "Paste the same signing secret here.",
        "Send the form once yourself to see it arrive.",
    )
    proof_label = "Signing secret"
    proof_help = "What comes without a signature made with it waits in quarantine."

    def refusal(self, delivery: Delivery, secrets: list[str]) -> str:
        right = [encoded(delivery.body, secret) for secret in secrets]
        fits = not secrets or any_same(delivery.headers.get("tally-signature", ""), right)
        return "" if fits else "The header Tally-Signature does not fit."

    def event_id(self, delivery: Delivery) -> str:
        document = json_document(delivery.body)
        return text_at(document, "data", "submissionId") or text_at(document, "eventId")

    def submission(self, document: Any, connection: Connection, notes: list[str]) -> Submission:
        submission = super().submission(part(document, "data"), connection, notes)
        submission.submitted_at = moment(text_at(document, "data", "createdAt"))
        return submission

    def answers(self, document: Any, notes: list[str]) -> list[Answer]:
        fields = list(rows(document.get("fields")))
        keys = {text_at(field, "key") for field in fields if field.get("options")}
        return [
            answer_of(field)
            for field in fields
            # A choice is sent a second time as one yes or no for each option.
            if not any(key and text_at(field, "key").startswith(f"{key}_") for key in keys)
        ]

    def targets(self, document: Any) -> Mapping[str, str]:
        return {
            answer_of(field).path: BY_TYPE[field["type"]]
            for field in rows(document.get("fields"))
            if str(field.get("type")) in BY_TYPE
        }

    def context(self, document: Any) -> dict[str, Any]:
        return {"form_name": name} if (name := text_at(document, "formName")[:200]) else {}


def answer_of(field: dict[str, Any]) -> Answer:
    key, label = text_at(field, "key")[:100], text_at(field, "label")[:100]
    return Answer(f"fields[{key}]", ("fields", label or key), in_words(field), label)


def in_words(field: dict[str, Any]) -> Any:
    value = field.get("value")
    options = {text_at(each, "id"): text_at(each, "text") for each in rows(field.get("options"))}
    if isinstance(value, list):
        found = [options.get(str(each), each) for each in value if not isinstance(each, dict)]
        links = [text_at(each, "url") for each in value if isinstance(each, dict)]
        return [*found, *filter(None, links)]
    if isinstance(value, dict):
        return ", ".join(f"{name}: {each}" for name, each in value.items())
    return options.get(str(value), value)
