"""Money inside a cycle."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from leadcrm.accounts.models import User, Workspace
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound
from leadcrm.lib.normalise import clean_text
from leads.models import Lifecycle
from pipeline.actions.ledger import advance_lifecycle, lock_lead, open_cycle_of, save_lead
from pipeline.models import Deal, SalesCycle

NAME_LIMIT = 120
LARGEST_AMOUNT = Decimal("999999999999.99")


class NoOpenCycle(Conflict):
    """A deal belongs to an open cycle."""

    code = "no_open_cycle"


@transaction.atomic
def create_deal(
    lead_id: int,
    *,
    amount: Decimal,
    at: datetime,
    name: str = "",
    currency: str = "",
    expected_close: date | None = None,
    probability: int | None = None,
    actor: User | None = None,
) -> Deal:
    """Note a chance to sell; the lead becomes an opportunity.

    :raises NoOpenCycle: the lead is won or lost.
    :raises Invalid: an amount, currency or probability that cannot be meant.
    """
    lead = lock_lead(lead_id)
    cycle = open_cycle_of(lead)
    if cycle is None:
        raise NoOpenCycle("This lead has no open cycle. Reopen it before adding a deal.")
    values = _clean(
        {
            "name": name or lead.company_name or lead.name,
            "amount": amount,
            "currency": currency or Workspace.load().currency,
            "expected_close": expected_close,
            "probability": probability,
        }
    )
    deal = Deal.objects.create(
        lead=lead, cycle=cycle, created_by=actor, created_at=at, updated_at=at, **values
    )
    if changes := advance_lifecycle(lead, Lifecycle.OPPORTUNITY):
        save_lead(lead, at=at, **changes)
    return deal


@transaction.atomic
def update_deal(deal_id: int, *, at: datetime, **changes: Any) -> Deal:
    """Change name, amount, currency, expected_close or probability of an open deal.

    :raises NotFound, Conflict, Invalid:
    """
    deal = Deal.objects.select_for_update().filter(pk=deal_id).first()
    if deal is None:
        raise NotFound
    if deal.state != Deal.State.OPEN:
        raise Conflict(f"This deal is {deal.get_state_display().lower()}. Reopen the lead first.")
    for field, value in _clean(changes).items():
        setattr(deal, field, value)
    deal.updated_at = at
    deal.save()
    return deal


@transaction.atomic
def delete_deal(deal_id: int) -> None:
    Deal.objects.filter(pk=deal_id).delete()


def _clean(values: dict[str, Any]) -> dict[str, Any]:
    errors = []
    if "name" in values:
        values["name"] = clean_text(values["name"], limit=NAME_LIMIT) or "Deal"
    if "amount" in values and not 0 <= values["amount"] <= LARGEST_AMOUNT:
        errors.append(FieldError("amount", "Enter an amount of zero or more."))
    if "currency" in values:
        values["currency"] = str(values["currency"]).upper()
        if len(values["currency"]) != 3 or not values["currency"].isalpha():
            errors.append(FieldError("currency", "A currency has three letters, such as EUR."))
    probability = values.get("probability")
    if probability is not None and not 0 <= probability <= 100:
        errors.append(FieldError("probability", "Enter a percentage between 0 and 100."))
    if errors:
        raise Invalid(errors[0].message, errors=errors)
    return values


def close_open_deals(cycle: SalesCycle, *, state: str, at: datetime) -> None:
    cycle.deals.filter(state=Deal.State.OPEN).update(state=state, closed_at=at, updated_at=at)


def reopen_deals(cycle: SalesCycle, *, closed_at: datetime | None) -> None:
    """Those that closed with the cycle; what was lost before stays lost."""
    cycle.deals.filter(closed_at=closed_at).exclude(state=Deal.State.OPEN).update(
        state=Deal.State.OPEN, closed_at=None
    )
