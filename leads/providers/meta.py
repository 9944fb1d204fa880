"""Meta lead ads. The notice holds ids only; leads are fetched, and forms looked through again."""

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from leadcrm.lib.tokens import keyed_hash
from leads.capture.envelopes import Submission, moment
from leads.models import Connection, ConnectionSecret, InboxItem, RemoteLead
from leads.models.attribution import Channel
from leads.providers.announcing import announced
from leads.providers.base import (
    Delivery,
    Keep,
    Option,
    Provider,
    Reply,
    any_same,
    same,
    signed,
    text_at,
)
from leads.providers.graph import GraphClient, graph_of

KEPT_BY_META = timedelta(days=90)
OVERLAP = timedelta(days=1)
TEST_MARK = "<test lead: dummy data"
ID = re.compile(r"\d{1,40}")
Use = ConnectionSecret.Use


class Meta(Provider):
    key = "meta"
    label = "Meta lead ads"
    about = (
        "Leads from instant forms on Facebook and Instagram, with a nightly look for missed ones."
    )
    icon = "thumbs-up"
    channel = Channel.PAID_SOCIAL
    steps = (
        "At developers.facebook.com, open your app, then Webhooks, choose “Page”.",
        "Paste the address as Callback URL and the verify token below, and subscribe to “leadgen”.",
        "Paste the app's secret (Settings, Basic) below: it proves that a notice is Meta's.",
        "Paste a page access token with leads_retrieval below: notices hold ids only, "
        "the leads are fetched with it.",
        "Add the ids of your forms, so that leads missed while anything was down are found again.",
        "Send one with Meta's Lead Ads Testing Tool; it counts nowhere.",
    )
    proof_label = "App secret"
    proof_required = True
    access_label = "Page access token"
    access_help = "Kept encrypted. When it expires, leads wait here until you paste a new one."
    options = (
        Option("form_ids", "Ids of lead forms", "One a line. Each is looked through twice a day."),
    )
    own_targets = {"campaign_name": "utm_campaign"}

    def challenge(
        self, connection: Connection, delivery: Delivery, secrets: list[str]
    ) -> Reply | None:
        query = delivery.query
        right = same(query.get("hub.verify_token", ""), verify_token(connection))
        if query.get("hub.mode") == "subscribe" and right:
            return Reply(200, query.get("hub.challenge", "")[:200], "text/plain")
        return Reply.json({"message": "The verify token does not fit."}, 403)

    def refusal(self, delivery: Delivery, secrets: list[str]) -> str:
        given = delivery.headers.get("x-hub-signature-256", "")
        right = [f"sha256={signed(delivery.body, secret).hex()}" for secret in secrets]
        return "" if any_same(given, right) else "The header X-Hub-Signature-256 does not fit."

    def read(self, item: InboxItem, connection: Connection) -> Submission:
        document = self.document(bytes(item.body), item.content_type, [])
        if isinstance(document, dict) and "field_data" in document:
            return self.submission(document, connection, [])
        return announced(connection, named_in(document))

    def submission(self, document: Any, connection: Connection, notes: list[str]) -> Submission:
        submission = super().submission(document, connection, notes)
        submission.submitted_at = moment(text_at(document, "created_time"))
        said = json.dumps(document.get("field_data"), ensure_ascii=False)
        submission.is_test = TEST_MARK in said
        return submission

    def fetch(self, connection: Connection, remote: RemoteLead) -> bytes:
        return client(connection).lead(remote.external_id)

    def places(self, connection: Connection) -> list[str]:
        return ID.findall(str(connection.options.get("form_ids") or ""))[:200]

    def poll(
        self, connection: Connection, name: str, checkpoint: dict[str, Any], keep: Keep
    ) -> dict[str, Any]:
        """Newest come first, so only a whole run tells how far everything is stored."""
        newest = since = begin(checkpoint)
        for lead in client(connection).leads(name, since=int((since - OVERLAP).timestamp())):
            keep(json.dumps(lead).encode(), "application/json", text_at(lead, "id"))
            newest = max(newest, moment(text_at(lead, "created_time")) or newest)
        return {"created": newest.isoformat()}


def client(connection: Connection) -> GraphClient:
    tokens = connection.plain_secrets(Use.ACCESS)
    secrets = connection.plain_secrets(Use.SIGNING)
    return graph_of(tokens[0] if tokens else "", secrets[0] if secrets else "")


def verify_token(connection: Connection) -> str:
    return keyed_hash("meta-verify", str(connection.pk))[:32]


def begin(checkpoint: Mapping[str, Any]) -> datetime:
    known = moment(str(checkpoint.get("created") or ""))
    return known or timezone.now() - KEPT_BY_META


def named_in(document: Any) -> dict[str, dict[str, Any]]:
    """The leads a notice names, with what it tells beside their ids."""
    found = ((text_at(value, "leadgen_id"), value) for value in _changes(document))
    return {lead_id: value for lead_id, value in found if ID.fullmatch(lead_id)}


def _changes(document: Any) -> Iterator[dict[str, Any]]:
    for entry in _rows(document, "entry"):
        for change in _rows(entry, "changes"):
            value = change.get("value")
            if change.get("field") == "leadgen" and isinstance(value, dict):
                yield value


def _rows(document: Any, name: str) -> list[dict[str, Any]]:
    found = document.get(name) if isinstance(document, dict) else None
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
