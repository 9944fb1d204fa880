"""Contact Form 7, through one of the plugins that post its entries."""

from typing import Any

from leads.providers.answers import Answer
from leads.providers.base import PROOF_HEADER, Delivery, Provider, header_refusal


class ContactForm7(Provider):
    key = "contact-form-7"
    label = "Contact Form 7"
    about = "Entries of a WordPress site with Contact Form 7 and a webhook plugin."
    icon = "panels-top-left"
    steps = (
        "In WordPress, install a plugin that sends Contact Form 7 entries to a webhook.",
        "In the form's Webhook tab, paste the address and choose JSON.",
        f"Add the header {PROOF_HEADER} with the secret below. "
        "Where the plugin cannot add headers, press “Do not ask for it”.",
    )
    proof_label = "Secret header"
    proof_is_ours = True

    def refusal(self, delivery: Delivery, secrets: list[str]) -> str:
        return header_refusal(delivery, secrets)

    def answers(self, document: Any, notes: list[str]) -> list[Answer]:
        found = super().answers(document, notes)
        return [each for each in found if not each.names[0].startswith("_wpcf7")]
