"""Salesforce's web-to-lead forms, so that a site moves by changing one address."""

from collections.abc import Mapping
from typing import Any

from leads.capture import parsing
from leads.capture.envelopes import Consented, Submission
from leads.capture.mapping import text_of
from leads.models import Connection, Consent
from leads.providers.answers import Answer
from leads.providers.base import Delivery, Provider, Received, Reply
from leads.providers.mapping import NO_WORDS

NOT_ANSWERS = frozenset({"oid", "retURL", "encoding", "debug", "debugEmail", "submit"})
OPT_OUTS = {
    "emailOptOut": Consent.Purpose.MARKETING_EMAIL,
    "doNotCall": Consent.Purpose.PHONE,
}


class Salesforce(Provider):
    key = "salesforce"
    label = "Salesforce web-to-lead"
    about = "Existing web-to-lead forms: change the form's address, keep its HTML."
    icon = "cloud"
    steps = (
        "In the form's HTML, replace the address after action= with this one.",
        "Add the website of its retURL below; visitors are only sent back to sites named there.",
        "Own fields (00N…) come along. Say in “Fields” what they mean.",
    )
    own_targets = {"URL": "website", "employees": "company_size", "state": "region"}

    def reply(self, connection: Connection, delivery: Delivery, received: Received) -> Reply:
        try:
            answers = parsing.answers_of(delivery.body, delivery.content_type).values
        except parsing.Unreadable:
            answers = {}
        return Reply(200, content_type="text/html", location=text_of(answers.get("retURL")))

    def submission(self, document: Any, connection: Connection, notes: list[str]) -> Submission:
        submission = super().submission(document, connection, notes)
        submission.consent.update(refused(document))
        return submission

    def answers(self, document: Any, notes: list[str]) -> list[Answer]:
        rest = {name: value for name, value in document.items() if name not in NOT_ANSWERS}
        return super().answers(rest, notes)


def is_salesforce(document: Mapping[str, Any]) -> bool:
    return "oid" in document


def refused(document: Mapping[str, Any]) -> dict[str, Consented]:
    return {
        purpose: Consented(granted=False)
        for name, purpose in OPT_OUTS.items()
        if text_of(document.get(name)).lower() not in NO_WORDS
    }
