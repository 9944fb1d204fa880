"""Making a drip campaign, deciding when it starts and stops, pausing and resuming it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, TypedDict

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now
from django.utils.text import slugify

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict, FieldError, Invalid
from leadcrm.lib.normalise import clean_text
from leadcrm.lib.tokens import new_public_id
from leads.models import Form, Segment
from nurturing.engine import leave
from nurturing.engine.entering import QUEUE
from nurturing.models import (
    DripCampaign,
    DripVersion,
    Enrollment,
    FrequencyPolicy,
    Send,
    Topic,
)
from nurturing.reasons import REASONS

State = DripCampaign.State
RESERVED_KEYS = frozenset({"new", "sending", "templates"})  # pages beside those of campaigns
TRIGGERS = {
    "capture": "Somebody sends a form",
    "qualified": "A lead is qualified",
    "segment": "A lead enters a segment or list",
    "manual": "Added by hand",
}
KINDS = {"mql": "marketing-qualified", "sql": "sales-qualified", "pql": "product-qualified"}


class WrongState(Conflict):
    """The campaign is not in the state for this."""

    code = "wrong_state"


class Settings(TypedDict, total=False):
    """What a marketer decides about a campaign besides its steps."""

    name: str
    trigger: dict[str, Any]
    exit_mode: str
    goal: str
    stop_on: list[str]
    topic: Topic | None


@transaction.atomic
def create_campaign(
    name: str,
    *,
    at: datetime,
    user: User | None = None,
    key: str = "",
    trigger: dict[str, Any] | None = None,
) -> DripCampaign:
    """A draft without steps.

    :raises Invalid: the name is empty, or the trigger unknown.
    """
    title = clean_text(name, limit=80)
    if not title:
        raise Invalid.field("name", "Give the campaign a name.", "required")
    campaign = DripCampaign.objects.create(
        key=free_key(key or title),
        name=title,
        trigger=clean_trigger(trigger or {"on": "manual"}),
        created_by=user,
        created_at=at,
    )
    DripVersion.objects.create(campaign=campaign, number=1, created_at=at)
    return campaign


def free_key(text: str) -> str:
    """A key for addresses: from the name, with something added when that is taken."""
    base = slugify(text)[:50] or "campaign"
    taken = DripCampaign.objects.filter(key=base).exists() or base in RESERVED_KEYS
    return f"{base}-{new_public_id()[:4]}" if taken else base


def clean_trigger(trigger: dict[str, Any]) -> dict[str, Any]:
    """:raises Invalid: an unknown trigger, form or kind."""
    kind = trigger.get("on")
    if kind not in TRIGGERS:
        raise Invalid.field("trigger", f"A campaign starts on one of: {', '.join(TRIGGERS)}.")
    if kind == "capture":
        return {"on": kind, "forms": _known_forms(_words(trigger.get("forms")))}
    if kind == "qualified":
        kinds = [word for word in _words(trigger.get("kinds")) if word in KINDS]
        return {"on": kind, "kinds": kinds or ["mql"]}
    if kind == "segment":
        return {"on": kind, "segments": _known_segments(_words(trigger.get("segments")))}
    return {"on": kind}


def _words(raw: Any) -> list[str]:
    return [str(word) for word in raw] if isinstance(raw, list) else []


def _known_forms(slugs: Sequence[str]) -> list[str]:
    known = set(Form.objects.filter(slug__in=slugs).values_list("slug", flat=True))
    if unknown := [slug for slug in slugs if slug not in known]:
        raise Invalid.field("trigger", f"There is no form called “{unknown[0]}”.")
    return list(slugs)


def _known_segments(ids: Sequence[str]) -> list[str]:
    if not ids:
        raise Invalid.field("trigger", "Choose the segment that starts the campaign.", "required")
    known = set(
        Segment.objects.filter(public_id__in=ids, archived_at=None).values_list(
            "public_id", flat=True
        )
    )
    if unknown := [public_id for public_id in ids if public_id not in known]:
        raise Invalid.field("trigger", f"There is no segment “{unknown[0][:20]}” (any more).")
    return list(ids)


@transaction.atomic
def change_settings(campaign_id: int, changes: Settings) -> DripCampaign:
    """:raises Invalid: a value that no campaign can have."""
    campaign = DripCampaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign_id)
    if "trigger" in changes:
        campaign.trigger = clean_trigger(changes["trigger"])
    if "name" in changes:
        campaign.name = clean_text(changes["name"], limit=80) or campaign.name
    if "stop_on" in changes:
        _refuse_unknown("stop_on", changes["stop_on"], DripCampaign.StopOn.values)
        campaign.stop_on = changes["stop_on"]
    if "goal" in changes:
        _refuse_unknown("goal", [changes["goal"]], DripCampaign.Goal.values)
        campaign.goal = changes["goal"]
    if "exit_mode" in changes:
        _refuse_unknown("exit_mode", [changes["exit_mode"]], DripCampaign.ExitMode.values)
        campaign.exit_mode = changes["exit_mode"]
    if "topic" in changes:
        campaign.topic = changes["topic"]
    campaign.save(update_fields=["name", "trigger", "stop_on", "goal", "exit_mode", "topic"])
    return campaign


def _refuse_unknown(field: str, given: Sequence[str], known: Sequence[str]) -> None:
    wrong = [value for value in given if value not in known]
    if wrong:
        message = f"“{wrong[0]}” is not one of: {', '.join(known)}."
        raise Invalid(message, errors=[FieldError(field, message, "unknown_choice")])


@transaction.atomic
def pause(campaign_id: int, *, at: datetime) -> DripCampaign:
    """Everybody stays where they stand; nothing is sent until it is resumed.

    :raises WrongState: it is not running.
    """
    campaign = _in_state(campaign_id, State.ACTIVE, "Only a running campaign can be paused.")
    campaign.state = State.PAUSED
    campaign.save(update_fields=["state"])
    Enrollment.objects.filter(campaign=campaign, state=Enrollment.State.ACTIVE).update(
        state=Enrollment.State.PAUSED, resume_at=F("due_at"), due_at=None, lease_token=None
    )
    Send.objects.filter(campaign=campaign, state__in=Send.WAITING).update(
        state=Send.State.DEFERRED,
        reason_code="campaign_paused",
        reason=REASONS["campaign_paused"],
        due_at=None,
        lease_token=None,
    )
    return campaign


@transaction.atomic
def resume(campaign_id: int, *, at: datetime) -> DripCampaign:
    """Waits that ended during the pause end now.

    :raises WrongState: it is not paused.
    """
    campaign = _in_state(campaign_id, State.PAUSED, "Only a paused campaign can be resumed.")
    campaign.state = State.ACTIVE
    campaign.save(update_fields=["state"])
    Enrollment.objects.filter(campaign=campaign, state=Enrollment.State.PAUSED).update(
        state=Enrollment.State.ACTIVE, due_at=Greatest(F("resume_at"), Now()), resume_at=None
    )
    Send.objects.filter(
        campaign=campaign, state=Send.State.DEFERRED, reason_code="campaign_paused"
    ).update(state=Send.State.PLANNED, reason_code="", reason="", due_at=Now())
    pump.wake(QUEUE, "sends")
    return campaign


@transaction.atomic
def archive(campaign_id: int, *, at: datetime) -> DripCampaign:
    """Take everybody out and keep the numbers."""
    campaign = DripCampaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign_id)
    campaign.state = State.ARCHIVED
    campaign.save(update_fields=["state"])
    rows = Enrollment.objects.filter(campaign=campaign).exclude(state=Enrollment.State.EXITED)
    leave(rows, reason="archived", at=at)
    return campaign


def _in_state(campaign_id: int, state: str, refusal: str) -> DripCampaign:
    campaign = DripCampaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign_id)
    if campaign.state != state:
        raise WrongState(f"{refusal} “{campaign.name}” is {campaign.get_state_display().lower()}.")
    return campaign


def change_policy(**changes: Any) -> FrequencyPolicy:
    """How often and when anybody is mailed, from the next mail on."""
    policy, _ = FrequencyPolicy.objects.update_or_create(pk=1, defaults=changes)
    return policy
