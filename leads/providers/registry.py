"""Every provider there is, in the order in which they are offered."""

from leads.models import Connection
from leads.providers.base import Provider
from leads.providers.contact_form_7 import ContactForm7
from leads.providers.email_in import EmailIn
from leads.providers.google_ads import GoogleAds
from leads.providers.gravity_forms import GravityForms
from leads.providers.hubspot import HubSpot
from leads.providers.jotform import Jotform
from leads.providers.linkedin import LinkedIn
from leads.providers.meta import Meta
from leads.providers.salesforce import Salesforce
from leads.providers.tally import Tally
from leads.providers.typeform import Typeform
from leads.providers.webhook import Webhook
from leads.providers.wpforms import WPForms

PROVIDERS: dict[str, Provider] = {
    provider.key: provider
    for provider in (
        Webhook(),
        GoogleAds(),
        Meta(),
        LinkedIn(),
        Typeform(),
        Tally(),
        Jotform(),
        GravityForms(),
        ContactForm7(),
        WPForms(),
        HubSpot(),
        Salesforce(),
        EmailIn(),
    )
}


def provider_of(connection: Connection) -> Provider:
    """A provider that this version does not know any more is read as a plain webhook."""
    return PROVIDERS.get(connection.provider, PROVIDERS[Webhook.key])
