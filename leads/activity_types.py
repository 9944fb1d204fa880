"""Every kind of thing a timeline can show, with what it means for the rest of the product."""

import re
from dataclasses import dataclass
from enum import StrEnum

CUSTOM_TYPE = re.compile(r"^[a-z][a-z0-9_]{0,29}$")  # names that websites and programs may choose

NAMED = "named"  # the property that tells by which id or address a merged lead was meant


class Group(StrEnum):
    """The timeline's filter."""

    TALK = "talk"
    WEB = "web"
    EMAIL = "email"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class ActivityType:
    """`responds`: a human attempt to reach the lead, or a live talk; it stops the response clock.
    `inbound`: the lead reached out to us. `scored`: rules may count it as engagement.
    """

    key: str
    label: str
    icon: str
    group: Group
    responds: bool = False
    inbound: bool = False
    scored: bool = False


def _web(key: str, label: str, icon: str, *, inbound: bool = False) -> ActivityType:
    return ActivityType(key, label, icon, Group.WEB, inbound=inbound, scored=True)


def _talk(
    key: str, label: str, icon: str, *, responds: bool = False, inbound: bool = False
) -> ActivityType:
    return ActivityType(
        key, label, icon, Group.TALK, responds=responds, inbound=inbound, scored=True
    )


def _email(key: str, label: str, icon: str, *, inbound: bool = False) -> ActivityType:
    return ActivityType(key, label, icon, Group.EMAIL, inbound=inbound, scored=True)


def _system(key: str, label: str, icon: str) -> ActivityType:
    return ActivityType(key, label, icon, Group.SYSTEM)


ACTIVITY_TYPES: dict[str, ActivityType] = {
    type_.key: type_
    for type_ in [
        _web("page_view", "Viewed a page", "mouse-pointer-click"),
        _web("product_view", "Viewed a product", "package"),
        _web("pricing_view", "Viewed pricing", "badge-euro"),
        _web("form_submit", "Sent a form", "text-cursor-input", inbound=True),
        _web("form_unfinished", "Began a form and did not send it", "text-cursor-input"),
        _web("asset_download", "Downloaded", "download"),
        _web("search", "Searched the site", "search"),
        _web("video_play", "Watched a video", "play"),
        _web("webinar_registered", "Registered for a webinar", "calendar-plus"),
        _web("webinar_attended", "Attended a webinar", "presentation"),
        _web("survey_answered", "Answered part of a survey", "list-checks"),
        _web("survey_completed", "Completed a survey", "list-checks"),
        _web("quiz_completed", "Completed a quiz", "list-checks"),
        _web("social_interaction", "Interacted on social media", "share-2"),
        _web("demo_requested", "Asked for a demo", "text-cursor-input", inbound=True),
        _web("trial_started", "Started a trial", "rocket"),
        _web("product_used", "Used the product", "zap"),
        _web("purchase", "Purchased", "shopping-cart"),
        _web("repeat_purchase", "Purchased again", "shopping-cart"),
        _web("offline_purchase", "Purchased offline", "store"),
        _web("link_click", "Followed a link", "external-link"),
        _web("referral_made", "Referred somebody", "users"),
        _web("chat_message", "Wrote in the chat", "message-circle", inbound=True),
        ActivityType("email_sent", "E-mail sent", "mail", Group.EMAIL),
        ActivityType("email_delivered", "E-mail delivered", "mail-check", Group.EMAIL),
        _email("email_open", "Opened an e-mail", "mail-open"),
        ActivityType(
            "email_click", "Clicked in an e-mail", "mouse-pointer-click", Group.EMAIL, scored=True
        ),
        ActivityType(
            "email_reply", "Replied by e-mail", "reply", Group.EMAIL, inbound=True, scored=True
        ),
        _email("email_bounce", "E-mail bounced", "mail-x"),
        ActivityType(
            "email_complaint",
            "Reported an e-mail as spam",
            "mail-warning",
            Group.EMAIL,
            scored=True,
        ),
        ActivityType("email_skipped", "E-mail not sent", "mail-minus", Group.EMAIL),
        _email("unsubscribe", "Unsubscribed", "mail-x"),
        _email("resubscribe", "Subscribed again", "mail-plus"),
        _talk("call_attempt", "Called, no answer", "phone-missed", responds=True),
        _talk("call_connected", "Called and spoke", "phone-outgoing", responds=True),
        _talk("call_inbound", "Called us", "phone-incoming", responds=True, inbound=True),
        _talk("email_outbound", "Wrote an e-mail", "send", responds=True),
        _talk("meeting_booked", "Booked a meeting", "calendar-check", responds=True),
        _talk("meeting_held", "Met", "handshake", responds=True),
        _talk("meeting_no_show", "Did not come to the meeting", "calendar-x"),
        _talk("quote_sent", "Sent a quote", "file-text"),
        _system("note_added", "Noted", "sticky-note"),
        _system("lead_created", "Lead created", "user-plus"),
        _system("lead_updated", "Details changed", "pencil"),
        _system("lead_imported", "Imported", "upload"),
        _system("stage_changed", "Stage changed", "circle-dot"),
        _system("owner_changed", "Owner changed", "user-round-plus"),
        _system("score_crossed", "Temperature changed", "flame"),
        _system("score_adjusted", "Score adjusted", "sliders-horizontal"),
        _system("qualified", "Qualified", "badge-check"),
        _system("disqualified", "Laid aside", "circle-slash"),
        _system("recycled", "Back again", "refresh-cw"),
        _system("bant_answered", "BANT answered", "circle-check"),
        _system("consent_granted", "Consent given", "shield-check"),
        _system("consent_withdrawn", "Consent withdrawn", "shield-x"),
        _system("drip_entered", "Entered a drip campaign", "mails"),
        _system("drip_left", "Left a drip campaign", "mails"),
        _system("task_done", "Task done", "circle-check"),
        _system("response_late", "Reply is late", "clock-alert"),
        _system("response_escalated", "Waits too long", "siren"),
        _system("stage_late", "Stays too long in its stage", "hourglass"),
        _system("correction", "Corrected", "pencil-line"),
        _system("file_added", "File added", "paperclip"),
        _system("file_removed", "File removed", "paperclip"),
        _system("meeting_moved", "Meeting moved", "calendar-clock"),
        _system("meeting_cancelled", "Meeting cancelled", "calendar-x"),
        _system("deal_changed", "Deal changed", "hand-coins"),
        _system("merged", "Merged", "merge"),
        _system("unmerged", "Taken apart", "split"),
    ]
}

RESPONDING = frozenset(key for key, type_ in ACTIVITY_TYPES.items() if type_.responds)
SCORED = frozenset(key for key, type_ in ACTIVITY_TYPES.items() if type_.scored)


def type_of(key: str) -> ActivityType:
    """The type, or a plain one for custom events that websites send under their own names."""
    known = ACTIVITY_TYPES.get(key)
    if known:
        return known
    return ActivityType(key, key.replace("_", " ").capitalize(), "circle", Group.WEB, scored=True)
