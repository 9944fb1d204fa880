"""WPForms' webhooks add-on: names as mapped there, and a header of our own as proof."""

from leads.providers.base import (
    PROOF_HEADER,
    Delivery,
    Provider,
    header_refusal,
    json_document,
    text_at,
)


class WPForms(Provider):
    key = "wpforms"
    label = "WPForms"
    about = "Entries of a WordPress site with WPForms and its Webhooks add-on."
    icon = "panels-top-left"
    steps = (
        "In WordPress, edit the form, open Settings, then Webhooks, and switch them on.",
        "Paste the address as Request URL, choose POST and JSON.",
        f"Under Request Headers, add {PROOF_HEADER} with the secret below as a secure value.",
        "Under Request Body, map your fields to names such as email, name, company and message; "
        "add entry_id so that an entry sent twice counts once.",
    )
    proof_label = "Secret header"
    proof_is_ours = True

    def refusal(self, delivery: Delivery, secrets: list[str]) -> str:
        return header_refusal(delivery, secrets)

    def event_id(self, delivery: Delivery) -> str:
        return text_at(json_document(delivery.body), "entry_id")
