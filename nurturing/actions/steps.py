"""Editing the steps of a draft, and publishing it: people move to the same place."""

from datetime import datetime

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid, NotFound
from leadcrm.lib.tokens import new_public_id
from nurturing.actions.campaigns import WrongState
from nurturing.engine.advancing import place_all
from nurturing.engine.entering import QUEUE
from nurturing.models import DripCampaign, DripVersion, EmailTemplate, Step

LONGEST_WAIT_MINUTES = 365 * 24 * 60
MOST_STEPS = 50


def draft_of(campaign_id: int, *, at: datetime) -> DripVersion:
    """The version being edited; a copy of the published one when there is none yet.

    The campaign is locked, so two editors get the same draft.
    """
    campaign = DripCampaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign_id)
    draft = campaign.versions.filter(published_at=None).first()
    if draft is not None:
        return draft
    newest = campaign.versions.order_by("-number").first()
    draft = DripVersion.objects.create(
        campaign=campaign, number=newest.number + 1 if newest else 1, created_at=at
    )
    if campaign.published is not None:
        Step.objects.bulk_create(
            step.copy_of(draft) for step in campaign.published.steps.order_by("position")
        )
    return draft


@transaction.atomic
def add_email(campaign_id: int, template: EmailTemplate, *, at: datetime) -> Step:
    return _append(campaign_id, at=at, kind=Step.Kind.EMAIL, template=template)


@transaction.atomic
def add_wait(campaign_id: int, minutes: int, *, at: datetime) -> Step:
    """:raises Invalid: no wait at all, or longer than a year."""
    return _append(campaign_id, at=at, kind=Step.Kind.WAIT, wait_minutes=checked_wait(minutes))


@transaction.atomic
def add_exit(campaign_id: int, *, at: datetime) -> Step:
    return _append(campaign_id, at=at, kind=Step.Kind.EXIT)


def checked_wait(minutes: int) -> int:
    if not 1 <= minutes <= LONGEST_WAIT_MINUTES:
        raise Invalid.field("wait", "A wait lasts between a minute and a year.")
    return minutes


def _append(
    campaign_id: int,
    *,
    at: datetime,
    kind: str,
    wait_minutes: int = 0,
    template: EmailTemplate | None = None,
) -> Step:
    draft = draft_of(campaign_id, at=at)
    count = draft.steps.count()
    if count >= MOST_STEPS:
        raise Invalid(f"A campaign has at most {MOST_STEPS} steps.")
    return Step.objects.create(
        version=draft,
        key=new_public_id(),
        position=count,
        kind=kind,
        wait_minutes=wait_minutes,
        template=template,
    )


@transaction.atomic
def change_step(
    campaign_id: int,
    key: str,
    *,
    at: datetime,
    minutes: int | None = None,
    template: EmailTemplate | None = None,
) -> Step:
    """Another wait, or another mail, at the same place."""
    step = _step(draft_of(campaign_id, at=at), key)
    if minutes is not None and step.kind == Step.Kind.WAIT:
        step.wait_minutes = checked_wait(minutes)
    if template is not None and step.kind == Step.Kind.EMAIL:
        step.template = template
    step.save(update_fields=["wait_minutes", "template"])
    return step


@transaction.atomic
def remove_step(campaign_id: int, key: str, *, at: datetime) -> None:
    draft = draft_of(campaign_id, at=at)
    _step(draft, key).delete()
    _number(list(draft.steps.order_by("position")))


@transaction.atomic
def move_step(campaign_id: int, key: str, *, by: int, at: datetime) -> None:
    """Earlier (`by` −1) or later (+1); at an end nothing happens."""
    draft = draft_of(campaign_id, at=at)
    steps = list(draft.steps.order_by("position"))
    here = steps.index(_step(draft, key))
    there = min(max(here + by, 0), len(steps) - 1)
    steps.insert(there, steps.pop(here))
    _number(steps)


def _step(draft: DripVersion, key: str) -> Step:
    step = draft.steps.filter(key=key).first()
    if step is None:
        raise NotFound("This step is gone. Reload the page.")
    return step


def _number(steps: list[Step]) -> None:
    for position, step in enumerate(steps):
        step.position = position
    Step.objects.bulk_update(steps, ["position"])


@transaction.atomic
def discard_draft(campaign_id: int) -> None:
    """Back to what is published.

    :raises WrongState: nothing was ever published.
    """
    campaign = DripCampaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign_id)
    if campaign.published_id is None:
        raise WrongState("Nothing is published yet, so there is nothing to go back to.")
    campaign.versions.filter(published_at=None).delete()


@transaction.atomic
def publish(campaign_id: int, *, at: datetime, user: User | None = None) -> DripVersion:
    """Make the draft what runs, and set everybody inside down at the same place in it.

    Who stands at a step that was removed goes on with the next one that is left. Nobody gets a
    mail twice: a mail is known by its step's key, which the versions share.

    :raises Invalid: the draft has no mail, or a mail without a text.
    :raises WrongState: there are no changes, or the campaign is archived.
    """
    campaign = DripCampaign.objects.select_for_update(of=("self",), no_key=True).get(pk=campaign_id)
    draft = campaign.versions.filter(published_at=None).first()
    if draft is None or campaign.state == DripCampaign.State.ARCHIVED:
        raise WrongState("There are no changes to publish.")
    steps = list(draft.steps.select_related("template__current").order_by("position"))
    _refuse_unready(steps)
    draft.published_at, draft.published_by = at, user
    draft.save(update_fields=["published_at", "published_by"])
    if campaign.published is not None:
        old = list(campaign.published.steps.order_by("position"))
        place_all(draft, moves=fate_of(old, steps))
    campaign.published = draft
    if campaign.state == DripCampaign.State.DRAFT:
        campaign.state, campaign.activated_at = DripCampaign.State.ACTIVE, at
    campaign.save(update_fields=["published", "state", "activated_at"])
    pump.wake(QUEUE)
    return draft


def fate_of(old: list[Step], new: list[Step]) -> dict[int, int | None]:
    """Where people at each old step go: the same step, else the next that is left, else the end."""
    by_key = {step.key: step.pk for step in new}
    fate: dict[int, int | None] = {}
    following: int | None = None
    for step in reversed(old):
        following = by_key.get(step.key, following)
        fate[step.pk] = following
    return fate


def _refuse_unready(steps: list[Step]) -> None:
    mails = [step for step in steps if step.kind == Step.Kind.EMAIL]
    if not mails:
        raise Invalid("Add at least one e-mail before publishing.")
    for step in mails:
        if step.template is None or step.template.current is None:
            raise Invalid(f"Step {step.position + 1}: write the e-mail “{step.template}” first.")
    first_exit = next((i for i, s in enumerate(steps) if s.kind == Step.Kind.EXIT), None)
    if first_exit is not None and first_exit < len(steps) - 1:
        raise Invalid(
            f"Everybody leaves at step {first_exit + 1}, so what follows is never reached. "
            "Move that step to the end, or remove it."
        )
