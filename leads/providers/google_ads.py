"""Google Ads lead forms. The key in the body is the proof; failures of ours are answered 5xx."""

from typing import Any

from leads.capture.envelopes import Submission, moment
from leads.models import Connection
from leads.models.attribution import Channel
from leads.providers.answers import Answer
from leads.providers.base import Delivery, Provider, any_same, json_document, text_at

NOT_ANSWERS = ("google_key", "api_version", "is_test")
COLUMNS = {
    "FULL_NAME": "name",
    "FIRST_NAME": "first_name",
    "LAST_NAME": "last_name",
    "EMAIL": "email",
    "WORK_EMAIL": "email",
    "PHONE_NUMBER": "phone",
    "WORK_PHONE": "phone",
    "COMPANY_NAME": "company_name",
    "JOB_TITLE": "job_title",
    "CITY": "city",
    "REGION": "region",
    "COUNTRY": "country",
}


class GoogleAds(Provider):
    key = "google-ads"
    label = "Google Ads lead forms"
    about = "Leads from the form under your ads, the moment they are sent."
    icon = "megaphone"
    channel = Channel.PAID_SEARCH
    steps = (
        "In Google Ads, open the lead form asset, then “Export leads from Google Ads”.",
        "Choose “Other data integration options”, then “Webhook”.",
        "Paste the address as “Webhook URL” and the key below as “Key”.",
        "Press “Send test data”. The test arrives here marked as a test and counts nowhere.",
    )
    proof_label = "Key"
    proof_is_ours = True
    proof_required = True
    own_targets = {f"user_column_data[{name}]": target for name, target in COLUMNS.items()}

    def refusal(self, delivery: Delivery, secrets: list[str]) -> str:
        given = text_at(json_document(delivery.body), "google_key")
        return "" if any_same(given, secrets) else "The key in the body does not fit."

    def event_id(self, delivery: Delivery) -> str:
        return text_at(json_document(delivery.body), "lead_id")

    def submission(self, document: Any, connection: Connection, notes: list[str]) -> Submission:
        submission = super().submission(document, connection, notes)
        submission.is_test = text_at(document, "is_test") == "True"
        submission.submitted_at = moment(text_at(document, "lead_submit_time"))
        return submission

    def answers(self, document: Any, notes: list[str]) -> list[Answer]:
        rest = {name: value for name, value in document.items() if name not in NOT_ANSWERS}
        return super().answers(rest, notes)

    def context(self, document: Any) -> dict[str, Any]:
        click = text_at(document, "gcl_id")
        return {"gclid": click[:200]} if click else {}
