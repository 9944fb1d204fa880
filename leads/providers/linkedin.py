"""LinkedIn Lead Sync. Notices hold ids; the answers and the form's questions are fetched."""

import json
from typing import Any
from urllib.parse import quote

from django.conf import settings

from leads.capture.envelopes import Submission
from leads.capture.processing import Outcome
from leads.models import Connection, ConnectionSecret, InboxItem, RemoteLead
from leads.models.attribution import Channel
from leads.providers import http
from leads.providers.announcing import announced
from leads.providers.answers import Answer
from leads.providers.base import (
    Delivery,
    FetchProblem,
    Gone,
    NoAccess,
    Provider,
    Reply,
    any_same,
    json_document,
    signed,
    text_at,
)
from leads.providers.hubspot import moment_of
from leads.providers.typeform import part, rows

# The vendor's text reads as if this stood in the header; it stands in what is signed.
PREFIX = "hmacsha256="
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
    about = "Leads from LinkedIn's lead gen forms."
    icon = "briefcase"
    channel = Channel.PAID_SOCIAL
    steps = (
        "In the LinkedIn developer portal, open your app with Lead Sync access.",
        "Paste its client secret below first: LinkedIn checks the address at once.",
        "Register the address as the webhook of your app.",
        "Paste an access token with r_marketing_leadgen_automation below: notices hold ids only.",
    )
    proof_label = "Client secret"
    proof_required = True
    access_label = "Access token"
    access_help = "Kept encrypted. When it expires, leads wait here until you paste a new one."

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
        response = self._ask(connection, f"leadFormResponses/{quote(remote.external_id, safe='')}")
        form_id = text_at(response, "versionedLeadGenFormUrn").rpartition(":")[2].strip("()")
        form_id = form_id.partition(",")[0] or text_at(remote.details, "leadGenForm")
        form_id = form_id.rpartition(":")[2]
        form = self._ask(connection, f"leadForms/{quote(form_id, safe='')}") if form_id else {}
        return json.dumps({"response": response, "form": form}).encode()

    def _ask(self, connection: Connection, path: str) -> dict[str, Any]:
        tokens = connection.plain_secrets(ConnectionSecret.Use.ACCESS)
        if not tokens:
            raise NoAccess("There is no access token yet. Paste one on the source's page.")
        headers = {
            "Authorization": f"Bearer {tokens[0]}",
            "LinkedIn-Version": settings.LINKEDIN_API_VERSION,
            "X-Restli-Protocol-Version": "2.0.0",
        }
        answered = http.get(f"{settings.LINKEDIN_API_URL}/rest/{path}", headers)
        if answered.status == 200:
            return answered.document
        raise problem_of(answered)


def problem_of(answered: http.Answered) -> FetchProblem:
    said = text_at(answered.document, "message")[:300] or f"HTTP {answered.status}"
    words = f"LinkedIn says: {said}"
    if answered.status in {401, 403}:
        return NoAccess(f"{words} Paste a new access token on the source's page.")
    if answered.status == 404:
        return Gone(words)
    return FetchProblem(words, seconds=answered.retry_after)


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
