"""Typeform. It stops for good on 404 and 410, so those are never its answer."""

import base64
from collections.abc import Iterator, Mapping
from typing import Any

from leads.capture.envelopes import Submission, moment
from leads.capture.processing import Outcome
from leads.models import Connection, InboxItem
from leads.providers.answers import Answer, flatten
from leads.providers.base import Delivery, Provider, any_same, json_document, signed, text_at

BY_TYPE = {"email": "email", "phone_number": "phone"}
UNFINISHED = Outcome(
    InboxItem.State.REJECTED,
    "unfinished",
    "The visitor has not sent the form yet; the finished answers come by themselves.",
)


class Typeform(Provider):
    key = "typeform"
    label = "Typeform"
    about = "Answers of a typeform, with its hidden fields as campaign tags."
    icon = "clipboard-list"
    steps = (
        "In Typeform, open the form, then Connect and Webhooks, and add a webhook.",
        "Paste the address, switch the webhook on.",
        "Edit the webhook, add a secret, and paste the same secret here.",
        "Press “Send test request”.",
    )
    proof_label = "Webhook secret"
    proof_help = "What comes without a signature made with it waits in quarantine."

    def refusal(self, delivery: Delivery, secrets: list[str]) -> str:
        given = delivery.headers.get("typeform-signature", "")
        right = [f"sha256={encoded(delivery.body, secret)}" for secret in secrets]
        fits = not secrets or any_same(given, right)
        return "" if fits else "The header Typeform-Signature does not fit."

    def event_id(self, delivery: Delivery) -> str:
        document = json_document(delivery.body)
        name = text_at(document, "form_response", "token") or text_at(document, "event_id")
        return f"{text_at(document, 'event_type')}:{name}" if name else ""

    def submission(self, document: Any, connection: Connection, notes: list[str]) -> Submission:
        response = part(document, "form_response")
        submission = super().submission(response, connection, notes)
        submission.submitted_at = moment(text_at(response, "submitted_at"))
        if text_at(document, "event_type") == "form_response_partial":
            submission.instead = lambda item: UNFINISHED
        return submission

    def answers(self, document: Any, notes: list[str]) -> list[Answer]:
        titles = titles_of(document)
        answered = [answer_of(each, titles) for each in rows(document.get("answers"))]
        hidden = flatten({"hidden": part(document, "hidden")}, notes)
        more = {name: document.get(name) for name in ("calculated", "variables")}
        return [*answered, *hidden, *flatten(more, notes)]

    def targets(self, document: Any) -> Mapping[str, str]:
        """Typed questions need no words: an e-mail is an e-mail in every language."""
        found = [
            (answer_of(each, {}).path, BY_TYPE.get(str(each.get("type"))))
            for each in rows(document.get("answers"))
        ]
        return {path: target for path, target in found if target}

    def context(self, document: Any) -> dict[str, Any]:
        definition = part(document, "definition")
        return {"form_name": title} if (title := text_at(definition, "title")[:200]) else {}


def encoded(body: bytes, secret: str) -> str:
    return base64.b64encode(signed(body, secret)).decode()


def part(document: Any, name: str) -> dict[str, Any]:
    found = document.get(name) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}


def rows(value: Any) -> Iterator[dict[str, Any]]:
    return (row for row in (value if isinstance(value, list) else []) if isinstance(row, dict))


def titles_of(response: Any) -> dict[str, str]:
    fields = rows(part(response, "definition").get("fields"))
    return {text_at(field, "id"): text_at(field, "title")[:100] for field in fields}


def answer_of(given: dict[str, Any], titles: Mapping[str, str]) -> Answer:
    field = part(given, "field")
    name = (text_at(field, "ref") or text_at(field, "id"))[:100]
    title = titles.get(text_at(field, "id"), "")
    path = f"answers[{name}]"
    return Answer(path, ("answers", title or name), plain(given), title)


def plain(given: dict[str, Any]) -> Any:
    """The answer itself: each type has it under its own name."""
    value = given.get(str(given.get("type")))
    if isinstance(value, dict):
        chosen = value.get("labels") or value.get("label") or value.get("other")
        if chosen is not None:
            return chosen
        return ", ".join(str(each) for each in value.values() if isinstance(each, (str, int)))
    return value
