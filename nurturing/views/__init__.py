"""The pages of nurturing."""

from nurturing.views.campaigns import (
    campaign_enrol,
    campaign_list,
    campaign_log,
    campaign_new,
    campaign_people,
    campaign_publish,
    campaign_settings,
    campaign_state,
    campaign_steps,
    mail_again,
    sending_policy,
    step_add,
    step_change,
)
from nurturing.views.leads import lead_enrol, lead_stop
from nurturing.views.templates import (
    template_editor,
    template_list,
    template_new,
    template_preview,
    template_test,
)

__all__ = [
    "campaign_enrol",
    "campaign_list",
    "campaign_log",
    "campaign_new",
    "campaign_people",
    "campaign_publish",
    "campaign_settings",
    "campaign_state",
    "campaign_steps",
    "lead_enrol",
    "lead_stop",
    "mail_again",
    "sending_policy",
    "step_add",
    "step_change",
    "template_editor",
    "template_list",
    "template_new",
    "template_preview",
    "template_test",
]
