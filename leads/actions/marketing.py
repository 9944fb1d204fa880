"""Marketing campaigns and what they cost: by hand, from a file, or by a program."""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, TypedDict

from babel.numbers import list_currencies
from django.db import IntegrityError, transaction
from django.db.models.functions import Lower

from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leads.attribution import channels
from leads.models import (
    AttributionSettings,
    CampaignAlias,
    ExchangeRate,
    MarketingCampaign,
    SpendEntry,
    Touch,
)

MOST_MONEY = Decimal("9999999999.99")
EARLIEST, LATEST = date(2000, 1, 1), date(2100, 1, 1)
LONGEST_DAYS = 3_660


class CampaignInUse(Conflict):
    """Touches or spend name it; archive or merge it instead."""

    code = "campaign_in_use"

    def __init__(self, campaign: MarketingCampaign) -> None:
        super().__init__(
            f"Visits or spend belong to “{campaign}”. Archive it, or merge it into another."
        )


class CampaignValues(TypedDict, total=False):
    """What people decide about a campaign."""

    name: str
    utm_campaign: str
    channel: str
    budget: Decimal | None
    is_archived: bool


class SpendValues(TypedDict, total=False):
    """What people say of money spent; `last_day` is the first one when left out."""

    channel: str
    campaign: int | None
    first_day: date
    last_day: date | None
    amount: Decimal
    currency: str
    note: str
    external_id: str


# ---- campaigns ----


@transaction.atomic
def save_campaign(values: CampaignValues, campaign_id: int | None = None) -> MarketingCampaign:
    """Make a campaign, or change what is given of one.

    :raises Invalid, NotFound:
    """
    campaign = _campaign(campaign_id) if campaign_id else MarketingCampaign()
    for name, value in values.items():
        setattr(campaign, name, value)
    campaign.name = clean_text(campaign.name, limit=100)
    tag = clean_text(campaign.utm_campaign, limit=200) or campaign.name
    campaign.utm_campaign = tag
    _check(campaign)
    try:
        with transaction.atomic():
            campaign.save()
    except IntegrityError:
        raise _taken(tag) from None
    return campaign


def _check(campaign: MarketingCampaign) -> None:
    problems = [] if campaign.name else [FieldError("name", "Give the campaign a name.")]
    if campaign.channel not in channels.known_keys():
        problems.append(FieldError("channel", "Choose a channel."))
    if campaign.budget is not None and not 0 <= campaign.budget <= MOST_MONEY:
        problems.append(FieldError("budget", "Write an amount from 0 to 9,999,999,999.99."))
    if problems:
        raise Invalid(problems[0].message, errors=problems)
    others = CampaignAlias.objects.filter(spelling=campaign.utm_campaign.lower())
    if others.exclude(campaign=campaign.pk).exists():
        raise _taken(campaign.utm_campaign)


def _taken(tag: str) -> Invalid:
    return Invalid.field("utm_campaign", f"Another campaign has the tag “{tag}”. Merge them.")


def _campaign(campaign_id: int) -> MarketingCampaign:
    found = MarketingCampaign.objects.select_for_update(no_key=True).filter(pk=campaign_id).first()
    if found is None:
        raise NotFound
    return found


@transaction.atomic
def merge_campaigns(campaign_id: int, *, into: int) -> MarketingCampaign:
    """One is another spelling of the other: its visits, spend and spellings move there.

    :raises Invalid, NotFound:
    """
    if campaign_id == into:
        raise Invalid.field("into", "Choose another campaign to merge it into.")
    rows = {row.pk: row for row in map(_campaign, sorted({campaign_id, into}))}
    lost, kept = rows[campaign_id], rows[into]
    for model in (Touch, SpendEntry, CampaignAlias):
        model._default_manager.filter(campaign=lost).update(campaign=kept)
    spelling = lost.utm_campaign.lower()
    lost.delete()
    if spelling != kept.utm_campaign.lower():
        CampaignAlias.objects.get_or_create(spelling=spelling, defaults={"campaign": kept})
    return kept


@transaction.atomic
def split_spelling(campaign_id: int, spelling: str) -> MarketingCampaign:
    """A spelling becomes a campaign of its own again, with the visits that were tagged with it.

    :raises NotFound:
    """
    campaign = _campaign(campaign_id)
    if not campaign.aliases.filter(spelling=spelling).delete()[0]:
        raise NotFound
    made = MarketingCampaign.objects.create(
        name=spelling[:100], utm_campaign=spelling, channel=campaign.channel
    )
    touches = Touch.objects.filter(campaign=campaign).annotate(tag=Lower("utm_campaign"))
    touches.filter(tag=spelling).update(campaign=made)
    return made


@transaction.atomic
def delete_campaign(campaign_id: int) -> None:
    """:raises CampaignInUse, NotFound:"""
    campaign = _campaign(campaign_id)
    if campaign.touches.exists() or campaign.spend.exists():
        raise CampaignInUse(campaign)
    campaign.delete()


# ---- spend ----


@transaction.atomic
def save_spend(
    values: SpendValues, *, entry_id: int | None = None, origin: str = SpendEntry.Origin.HAND
) -> tuple[SpendEntry, bool]:
    """Keep money that was spent, or change an entry; whether it is new.

    What comes with an `external_id` that is known replaces that entry.

    :raises Invalid, NotFound:
    """
    external_id = clean_text(values.get("external_id", ""), limit=100)
    known = SpendEntry.objects.select_for_update()
    entry = known.filter(pk=entry_id).first() if entry_id else None
    if entry_id and entry is None:
        raise NotFound
    if entry is None and external_id:
        entry = known.filter(external_id=external_id).first()
    is_new = entry is None
    entry = entry or SpendEntry(origin=origin)
    _fill(entry, values)
    try:
        with transaction.atomic():
            entry.save()
    except IntegrityError:
        raise Invalid.field("external_id", f"Another entry is called “{external_id}”.") from None
    return entry, is_new


def _fill(entry: SpendEntry, values: SpendValues) -> None:
    """Take what is given, and refuse what cannot be meant."""
    taken: Mapping[str, Any] = values
    for name in ("channel", "first_day", "last_day", "amount"):
        if name in taken:
            setattr(entry, name, taken[name])
    if entry.last_day is None:
        entry.last_day = entry.first_day
    if "campaign" in taken:
        entry.campaign_id = taken["campaign"]
    for name, limit in (("note", 200), ("external_id", 100), ("currency", 3)):
        if name in taken:
            setattr(entry, name, clean_text(taken[name], limit=limit))
    entry.currency = entry.currency.upper()
    problems = list(_problems(entry))
    if problems:
        raise Invalid(problems[0].message, errors=problems)


def _problems(entry: SpendEntry) -> Sequence[FieldError]:
    found = []
    if entry.channel not in channels.known_keys():
        found.append(FieldError("channel", f"There is no channel “{entry.channel[:40]}”."))
    campaign = entry.campaign_id
    if campaign and not MarketingCampaign.objects.filter(pk=campaign).exists():
        found.append(FieldError("campaign", "There is no such campaign."))
    if entry.first_day is None:
        found.append(FieldError("first_day", "Give the day, or the first one."))
    elif not EARLIEST <= entry.first_day <= entry.last_day <= LATEST:
        found.append(
            FieldError("last_day", "The last day lies before the first, or beyond 2000 to 2100.")
        )
    elif (entry.last_day - entry.first_day).days >= LONGEST_DAYS:
        found.append(FieldError("last_day", "Choose at most ten years."))
    if not 0 <= entry.amount <= MOST_MONEY:
        found.append(FieldError("amount", "Write an amount from 0 to 9,999,999,999.99."))
    elif entry.amount != round(entry.amount, 2):
        found.append(FieldError("amount", "Write at most two decimals."))
    if entry.currency not in list_currencies():
        found.append(FieldError("currency", "Write a currency’s code, such as EUR."))
    return found


def delete_spend(entry_id: int) -> None:
    """:raises NotFound:"""
    if not SpendEntry.objects.filter(pk=entry_id).delete()[0]:
        raise NotFound


@transaction.atomic
def add_rows(rows: Sequence[SpendValues], tags: Mapping[int, str]) -> int:
    """Keep the rows of a file; `tags` names the campaigns that are new, by the row's number."""
    for number, row in enumerate(rows):
        if tag := tags.get(number):
            campaign, _ = MarketingCampaign.objects.get_or_create(
                utm_campaign=tag, defaults={"name": tag[:100], "channel": row["channel"]}
            )
            row["campaign"] = campaign.pk
        save_spend(row, origin=SpendEntry.Origin.FILE)
    return len(rows)


# ---- rates ----


@transaction.atomic
def save_rate(currency: str, month: date, rate: Any) -> ExchangeRate:
    """What a unit of another currency is worth in the workspace's from this month on.

    :raises Invalid:
    """
    currency = clean_text(currency, limit=3).upper()
    if currency not in list_currencies():
        raise Invalid.field("currency", "Write a currency’s code, such as USD.")
    try:
        value = Decimal(str(rate))
    except InvalidOperation:
        value = Decimal(0)
    if not Decimal("0.00000001") <= value < Decimal(10) ** 8:
        raise Invalid.field("rate", "Write how much one unit is worth, such as 0.92.")
    row, _ = ExchangeRate.objects.update_or_create(
        currency=currency, month=month.replace(day=1), defaults={"rate": value}
    )
    return row


def delete_rate(rate_id: int) -> None:
    """:raises NotFound:"""
    if not ExchangeRate.objects.filter(pk=rate_id).delete()[0]:
        raise NotFound


def name_conversions(names: Mapping[str, str]) -> None:
    """What Google Ads calls each kind of conversion; one without a name is not told."""
    settings = AttributionSettings.load()
    settings.google_names = {kind: clean_text(name, limit=100) for kind, name in names.items()}
    settings.save()
