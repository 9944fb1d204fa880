"""Jotform. It signs nothing, so the address is the secret; `pretty` is ambiguous and never read."""

import json
import re
from typing import Any

from leadcrm.lib.errors import FieldError
from leadcrm.lib.normalise import clean_json
from leads.capture import parsing
from leads.models import Connection
from leads.providers.answers import Answer, flatten
from leads.providers.base import Delivery, Provider, Received, Reply, text_at

QUESTION = re.compile(r"q\d+_")


class Jotform(Provider):
    key = "jotform"
    label = "Jotform"
    about = "Entries of a Jotform form, every question under its own name."
    icon = "clipboard-pen"
    steps = (
        "In Jotform, open the form, then Settings, Integrations, and choose WebHooks.",
        "Paste the address and press “Complete Integration”.",
        "Jotform does not sign what it sends: keep the address to yourself.",
    )

    def event_id(self, delivery: Delivery) -> str:
        try:
            answers = parsing.answers_of(delivery.body, delivery.content_type)
        except parsing.Unreadable:
            return ""
        return text_at(answers.values, "submissionID")

    def reply(self, connection: Connection, delivery: Delivery, received: Received) -> Reply:
        return Reply.json({"receipt_id": received.receipt_id})

    def document(self, body: bytes, content_type: str, notes: list[str]) -> Any:
        posted = super().document(body, content_type, notes)
        raw = posted.get("rawRequest") if isinstance(posted, dict) else None
        if not isinstance(raw, str):
            return posted
        try:
            return {**_about(posted), **clean_json(json.loads(raw))}
        except (ValueError, TypeError, RecursionError):
            problem = "The part “rawRequest” is not a JSON object."
            raise parsing.Unreadable(FieldError("rawRequest", problem, "json")) from None

    def answers(self, document: Any, notes: list[str]) -> list[Answer]:
        asked = {k: v for k, v in document.items() if QUESTION.match(k)} or document
        return [
            Answer(each.path, (QUESTION.sub("", each.names[0]), *each.names[1:]), each.value)
            for each in flatten(asked, notes)
        ]

    def context(self, document: Any) -> dict[str, Any]:
        return {"form_name": title} if (title := text_at(document, "formTitle")[:200]) else {}


def _about(posted: dict[str, Any]) -> dict[str, Any]:
    return {
        name: posted[name] for name in ("formID", "formTitle", "submissionID") if name in posted
    }
