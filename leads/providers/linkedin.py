"""LinkedIn Lead Sync. Notices hold ids, leads are fetched, and accounts looked through again."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from leads.capture.envelopes import Submission, moment
from leads.capture.processing import Outcome
from leads.models import Connection, ConnectionSecret, InboxItem, RemoteLead
from leads.models.attribution import Channel
from leads.providers.announcing import announced
from leads.providers.answers import Answer
from leads.providers.base import (
    Delivery,
    Gone,
    Keep,
    Option,
    Provider,
    Reply,
    any_same,
    json_document,
    signed,
    text_at,
)
from leads.providers.hubspot import moment_of
from leads.providers.leadsync import LeadSyncClient, lead_sync_of
from leads.providers.typeform import part, rows

# The vendor's text reads as if this stood in the header; it stands in what is signed.
PREFIX = "hmacsha256="
KEPT_BY_LINKEDIN = timedelta(days=90)
OVERLAP = timedelta(days=1)
OWNER = re.compile(r"(account|org(?:anization)?)?\W*(?:urn:li:\w+:)?(\d{1,40})\s*$")
PREDEFINED = {
    "FIRST_NAME": "first_name",
    "LAST_NAME": "last_name",
    "EMAIL": "email",
    "WORK_EMAIL": "email",
    "PHONE_NUMBER": "phone",
    "WORK_PHONE_NUMBER": "phone",
    "COMPANY_NAME": "company_name",
    "JOB_TITLE": "job_title",
    "CITY": "city",
    "STATE": "region",
    "COUNTRY": "country",
    "INDUSTRY": "industry",
    "COMPANY_SIZE": "company_size",
}
TO_ERASE = Outcome(
    InboxItem.State.NEEDS_REVIEW,
    "erase",
    "The member withdrew this lead at LinkedIn. Delete what came from it, unless they agreed "
    "otherwise, then reject this.",
)


class LinkedIn(Provider):
    key = "linkedin"
    label = "LinkedIn lead forms"
    about = "Leads from LinkedIn's lead gen forms, with a look for missed ones twice a day."
    icon = "briefcase"
    channel = Channel.PAID_SOCIAL
    steps = (
        "In the LinkedIn developer portal, open your app with Lead Sync access.",
        "Paste its client secret below first: LinkedIn checks the address at once.",
        "Register the address as the webhook of your app.",
        "Paste an access token with r_marketing_leadgen_automation below: notices hold ids only.",
        "Add the ids of your ad accounts, so that leads missed while anything was down are found.",
    )
    proof_label = "Client secret"
    proof_required = True
    access_label = "Access token"
    access_help = "Kept encrypted. When it expires, leads wait here until you paste a new one."
    options = (
        Option(
            "owners",
            "Ad accounts and pages",
            "One a line: account 512345678, or organization 1234 for a page. "
            "Each is looked through twice a day.",
        ),
    )

    def challenge(
        self, connection: Connection, delivery: Delivery, secrets: list[str]
    ) -> Reply | None:
        code = delivery.query.get("challengeCode", "")[:200]
        if not code or not secrets:
            return None
        response = signed(code.encode("utf-8", "replace"), secrets[0]).hex()
        return Reply.json({"challengeCode": code, "challengeResponse": response})

    def refusal(self, delivery: Delivery, secrets: list[str]) -> str:
        given = delivery.headers.get("x-li-signature", "").removeprefix(PREFIX)
        right = [signed(PREFIX.encode() + delivery.body, secret).hex() for secret in secrets]
        return "" if any_same(given, right) else "The header X-LI-Signature does not fit."

    def event_id(self, delivery: Delivery) -> str:
        document = json_document(delivery.body)
        names = ("leadGenFormResponse", "leadAction", "occurredAt")
        parts = [text_at(document, name) for name in names]
        return ":".join(parts) if parts[0] else ""

    def read(self, item: InboxItem, connection: Connection) -> Submission:
        document = self.document(bytes(item.body), item.content_type, [])
        if isinstance(document, dict) and "response" in document:
            return self.submission(document, connection, [])
        if text_at(document, "leadAction") == "DELETED":
            return Submission({"deleted": response_id(document)}, instead=lambda item: TO_ERASE)
        lead_id = response_id(document)
        return announced(connection, {lead_id: document} if lead_id else {})

    def submission(self, document: Any, connection: Connection, notes: list[str]) -> Submission:
        submission = super().submission(document, connection, notes)
        response = part(document, "response")
        submission.submitted_at = moment_of(response.get("submittedAt"))
        submission.is_test = response.get("testLead") is True
        return submission

    def answers(self, document: Any, notes: list[str]) -> list[Answer]:
        given = part(part(document, "response"), "formResponse").get("answers")
        asked = questions_of(document)
        return [answer_of(each, asked.get(text_at(each, "questionId"), {})) for each in rows(given)]

    def targets(self, document: Any) -> dict[str, str]:
        found = {
            f"answers[{number}]": PREDEFINED.get(text_at(question, "predefinedField"), "")
            for number, question in questions_of(document).items()
        }
        return {path: target for path, target in found.items() if target}

    def fetch(self, connection: Connection, remote: RemoteLead) -> bytes:
        api = client(connection)
        response = api.lead(remote.external_id)
        form_id = form_of(response) or text_at(remote.details, "leadGenForm").rpartition(":")[2]
        return document_of(response, api.form(form_id) if form_id else {})

    def places(self, connection: Connection) -> list[str]:
        """“account 512” of every line; each is looked through for missed leads."""
        lines = str(connection.options.get("owners") or "").lower().splitlines()
        found = [match for line in lines if (match := OWNER.search(line))]
        return [f"{kind_of(each)} {each[2]}" for each in found][:200]

    def poll(
        self, connection: Connection, name: str, checkpoint: dict[str, Any], keep: Keep
    ) -> dict[str, Any]:
        """In no order that is promised, so only a whole run tells how far everything is stored."""
        owner, _, number = name.partition(" ")
        newest = since = begin(checkpoint)
        api, forms = client(connection), Forms()
        since_ms = int((since - OVERLAP).timestamp() * 1000)
        for response in api.leads(owner, number, since=since_ms):
            external_id = text_at(response, "id").rpartition(":")[2][:200]
            if external_id:
                form = forms.find(api, form_of(response))
                keep(document_of(response, form), "application/json", external_id)
            newest = max(newest, moment_of(response.get("submittedAt")) or newest)
        return {"submitted": newest.isoformat()}


class Forms:
    """Each form is asked for once in a run; one that is gone leaves its answers without words."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def find(self, api: LeadSyncClient, form_id: str) -> dict[str, Any]:
        if form_id and form_id not in self._known:
            try:
                self._known[form_id] = api.form(form_id)
            except Gone:
                self._known[form_id] = {}
        return self._known.get(form_id, {})


def client(connection: Connection) -> LeadSyncClient:
    tokens = connection.plain_secrets(ConnectionSecret.Use.ACCESS)
    return lead_sync_of(tokens[0] if tokens else "")


def document_of(response: dict[str, Any], form: dict[str, Any]) -> bytes:
    return json.dumps({"response": response, "form": form}).encode()


def form_of(response: dict[str, Any]) -> str:
    """`urn:li:versionedLeadGenForm:(urn:li:leadGenForm:512,1)` is of form 512."""
    urn = text_at(response, "versionedLeadGenFormUrn").rpartition(":")[2].strip("()")
    return urn.partition(",")[0]


def kind_of(owner: re.Match[str]) -> str:
    return "organization" if owner[1] and owner[1].startswith("org") else "account"


def begin(checkpoint: Mapping[str, Any]) -> datetime:
    known = moment(str(checkpoint.get("submitted") or ""))
    return known or timezone.now() - KEPT_BY_LINKEDIN


def response_id(document: Any) -> str:
    """`urn:li:leadGenFormResponse:abc-1` is `abc-1`."""
    return text_at(document, "leadGenFormResponse").rpartition(":")[2][:200]


def questions_of(document: Any) -> dict[str, dict[str, Any]]:
    asked = part(part(document, "form"), "content").get("questions")
    return {text_at(question, "questionId"): question for question in rows(asked)}


def answer_of(given: dict[str, Any], question: dict[str, Any]) -> Answer:
    number = text_at(given, "questionId")
    label = (text_at(given, "name") or text_at(question, "name"))[:100]
    return Answer(f"answers[{number}]", ("answers", label or number), said(given, question), label)


def said(given: dict[str, Any], question: dict[str, Any]) -> Any:
    details = part(given, "answerDetails")
    if text := text_at(details, "textQuestionAnswer", "answer"):
        return text
    chosen = part(details, "multipleChoiceAnswer").get("options")
    offered = part(part(question, "questionDetails"), "multipleChoiceQuestionDetails")
    words = {text_at(each, "id"): localized(each) for each in rows(offered.get("options"))}
    ids = chosen if isinstance(chosen, list) else []
    return [words.get(str(each)) or str(each) for each in ids]


def localized(option: dict[str, Any]) -> str:
    """`{"text": {"localized": {"en_US": "…"}}}` or a plain text."""
    texts = part(part(option, "text"), "localized")
    return next((str(text) for text in texts.values()), text_at(option, "text"))
