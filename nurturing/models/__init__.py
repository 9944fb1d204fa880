"""Drip campaigns, the mails they send, and what became of each."""

from nurturing.models.campaigns import DripCampaign, DripVersion, Step
from nurturing.models.enrollments import Enrollment
from nurturing.models.policy import FrequencyPolicy, Sender
from nurturing.models.sends import DeliveryEvent, Link, Send
from nurturing.models.templates import EmailTemplate, TemplateVersion, Topic

__all__ = [
    "DeliveryEvent",
    "DripCampaign",
    "DripVersion",
    "EmailTemplate",
    "Enrollment",
    "FrequencyPolicy",
    "Link",
    "Send",
    "Sender",
    "Step",
    "TemplateVersion",
    "Topic",
]
