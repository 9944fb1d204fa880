"""Any program that can post: JSON, a form, or either of two formats that people migrate from."""

import json
from typing import Any

from leadcrm.lib.errors import FieldError
from leads.capture import parsing
from leads.capture.envelopes import Submission
from leads.models import Connection, InboxItem
from leads.providers.base import Delivery, Provider, Received, Reply, header_refusal
from leads.providers.hubspot import HubSpot, is_hubspot
from leads.providers.salesforce import Salesforce, is_salesforce
from leads.providers.splitting import split

DOCUMENTS = "Send one JSON object with the answers, or a list of such objects."


class Webhook(Provider):
    key = "webhook"
    label = "Webhook"
    about = "Any program or website that can send JSON or a form: Zapier, Make, n8n, your own."
    steps = (
        "Paste the address into the program that sends, as the target of a POST.",
        "Send one test entry from there.",
        "Open “Fields” here, look at what came, and say which answer fills which field.",
    )
    proof_label = "Shared secret"
    proof_help = (
        "Optional. The sender then adds the header X-LeadCRM-Secret with it; "
        "what comes without waits in quarantine."
    )
    proof_is_ours = True
    makes_proof = False

    def refusal(self, delivery: Delivery, secrets: list[str]) -> str:
        return header_refusal(delivery, secrets)

    def event_id(self, delivery: Delivery) -> str:
        named = ("idempotency-key", "webhook-id", "x-event-id")
        return next((delivery.headers[name] for name in named if delivery.headers.get(name)), "")

    def reply(self, connection: Connection, delivery: Delivery, received: Received) -> Reply:
        content = {"receipt_id": received.receipt_id, "state": received.state}
        return Reply.json(content, 202)

    def read(self, item: InboxItem, connection: Connection) -> Submission:
        notes: list[str] = []
        document = self.document(bytes(item.body), item.content_type, notes)
        if isinstance(document, list):
            rows = [row for row in document if isinstance(row, dict) and row]
            if len(rows) > 1:
                return split([json.dumps(row).encode() for row in rows])
            document = rows[0] if rows else None
        if not isinstance(document, dict) or not document:
            raise parsing.Unreadable(FieldError("body", DOCUMENTS, "type"))
        return style_of(document, self).submission(document, connection, notes)


def style_of(document: dict[str, Any], plain: Provider) -> Provider:
    if is_hubspot(document):
        return HubSpot()
    return Salesforce() if is_salesforce(document) else plain
