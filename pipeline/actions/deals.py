"""Money inside a cycle: deals, and the lines they are made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.db import transaction

from leadcrm.accounts.models import User, Workspace
from leadcrm.eventlog.actions import publish
from leadcrm.lib.errors import Conflict, FieldError, Invalid, NotFound, StaleVersion
from leadcrm.lib.normalise import clean_text
from leads.actions import record_activity
from leads.events import DealAdded
from leads.models import Lifecycle
from pipeline.actions.ledger import advance_lifecycle, lock_lead, open_cycle_of, save_lead
from pipeline.models import Deal, DealLine, Product, SalesCycle

NAME_LIMIT = 120
MOST_LINES = 100
LARGEST_AMOUNT = Decimal("999999999999.99")
LARGEST_QUANTITY = Decimal("9999999999.99")
LONGEST_TERM = 120
CENT = Decimal("0.01")


class NoOpenCycle(Conflict):
    """A deal belongs to an open cycle."""

    code = "no_open_cycle"


@dataclass(frozen=True, slots=True, kw_only=True)
class NewLine:
    """A product and how much of it; what is left out is the product's own."""

    product: Product | None = None
    name: str = ""
    quantity: Decimal = Decimal(1)
    price: Decimal | None = None
    discount: Decimal = Decimal(0)
    billing: str = ""


@transaction.atomic
def create_deal(
    lead_id: int,
    *,
    at: datetime,
    amount: Decimal | None = None,
    name: str = "",
    currency: str = "",
    expected_close: date | None = None,
    probability: int | None = None,
    forecast: str = Deal.Forecast.PIPELINE,
    term_months: int = 12,
    lines: Sequence[NewLine] = (),
    actor: User | None = None,
) -> Deal:
    """Note a chance to sell; the lead becomes an opportunity.

    :param amount: what it is worth; with `lines` they say so.
    :raises NoOpenCycle: the lead is won or lost.
    :raises Invalid: an amount, currency or probability that cannot be meant.
    """
    lead = lock_lead(lead_id)
    cycle = open_cycle_of(lead)
    if cycle is None:
        raise NoOpenCycle("This lead has no open cycle. Reopen it before adding a deal.")
    if amount is None and not lines:
        raise Invalid.field("amount", "Say what it is worth, or add products.", "required")
    values = _clean(
        {
            "name": name or lead.company_name or lead.name,
            "amount": amount or Decimal(0),
            "currency": currency or Workspace.load().currency,
            "expected_close": expected_close,
            "probability": probability,
            "forecast": forecast,
            "term_months": term_months,
        }
    )
    deal = Deal.objects.create(
        lead=lead,
        cycle=cycle,
        created_by=actor,
        created_at=at,
        updated_at=at,
        one_off=values["amount"],
        **values,
    )
    if lines:
        _write_lines(deal, lines)
    if changes := advance_lifecycle(lead, Lifecycle.OPPORTUNITY):
        save_lead(lead, at=at, **changes)
    publish(DealAdded(lead_id=lead.pk, deal_id=deal.pk), at=at, actor=actor)
    return deal


@transaction.atomic
def update_deal(
    deal_id: int,
    *,
    at: datetime,
    version: int | None = None,
    lines: Sequence[NewLine] | None = None,
    actor: User | None = None,
    **changes: Any,
) -> Deal:
    """Change name, amount, currency, expected_close, probability, forecast or term of an open deal.

    :param lines: all of them, in their order; they make the amount.
    :raises NotFound, Conflict, Invalid: :raises StaleVersion: somebody else changed it meanwhile.
    """
    deal = _lock(deal_id, version)
    before = (deal.amount, deal.currency, deal.forecast, deal.expected_close)
    given = _clean(changes)
    has_lines = deal.lines.exists() if lines is None else bool(lines)
    if has_lines and "amount" in given:
        if given["amount"] != deal.amount:
            raise Invalid.field(
                "amount", "The products make the amount. Change them, or remove them first."
            )
        del given["amount"]
    if "currency" in given and given["currency"] != deal.currency and has_lines:
        _check_currency(deal, given["currency"], lines)
    for field, value in given.items():
        setattr(deal, field, value)
    if "amount" in given:
        deal.one_off, deal.monthly = given["amount"], Decimal(0)
    if lines is not None:
        _write_lines(deal, lines)
    elif has_lines:
        _sum_up(deal)
    deal.updated_at, deal.version = at, deal.version + 1
    deal.save()
    if before != (deal.amount, deal.currency, deal.forecast, deal.expected_close):
        _tell(deal, before, at=at, actor=actor)
    return deal


def _lock(deal_id: int, version: int | None) -> Deal:
    deal = Deal.objects.select_for_update().filter(pk=deal_id).first()
    if deal is None:
        raise NotFound
    if version is not None and version != deal.version:
        raise StaleVersion(
            f"Somebody else changed this deal (version {deal.version}, you had {version}). "
            "Reload it, then change it again."
        )
    if deal.state != Deal.State.OPEN:
        raise Conflict(f"This deal is {deal.get_state_display().lower()}. Reopen the lead first.")
    return deal


def _tell(deal: Deal, before: tuple[Any, ...], *, at: datetime, actor: User | None) -> None:
    amount, currency, *_ = before
    properties = {
        "name": deal.name,
        "text": f"{amount:,.2f} {currency} → {deal.amount:,.2f} {deal.currency}, "
        f"{deal.get_forecast_display().lower()}"
        + (f", expected {deal.expected_close:%-d %b %Y}" if deal.expected_close else ""),
    }
    record_activity(deal.lead_id, "deal_changed", at=at, user=actor, properties=properties)


@transaction.atomic
def delete_deal(deal_id: int) -> None:
    Deal.objects.filter(pk=deal_id).delete()


# Lines --------------------------------------------------------------------------------------------


def _write_lines(deal: Deal, lines: Sequence[NewLine]) -> None:
    if len(lines) > MOST_LINES:
        raise Invalid.field("lines", f"A deal has at most {MOST_LINES} lines.")
    rows, errors = [], []
    for place, line in enumerate(lines):
        wrong = _mistakes(line, deal, f"lines.{place}")
        errors += wrong
        if not wrong:
            rows.append(_row(deal, line, place))
    if errors:
        raise Invalid(errors[0].message, errors=errors)
    deal.lines.all().delete()
    DealLine.objects.bulk_create(rows)
    _sum_up(deal)
    deal.save(update_fields=["amount", "one_off", "monthly"])


def _row(deal: Deal, line: NewLine, place: int) -> DealLine:
    product = line.product
    price = line.price if line.price is not None else product.price if product else Decimal(0)
    once = Product.Billing.ONCE
    return DealLine(
        deal=deal,
        product=product,
        name=clean_text(line.name, limit=NAME_LIMIT) or (product.name if product else ""),
        quantity=line.quantity,
        price=price,
        discount=line.discount,
        billing=line.billing or (product.billing if product else once),
        position=place,
    )


def _mistakes(line: NewLine, deal: Deal, at: str) -> list[FieldError]:
    product, errors = line.product, []
    if product is None and not clean_text(line.name, limit=NAME_LIMIT):
        errors.append(FieldError(f"{at}.name", "Choose a product, or say what it is.", "required"))
    if not 0 < line.quantity <= LARGEST_QUANTITY:
        errors.append(FieldError(f"{at}.quantity", "Enter a quantity above zero."))
    if line.price is not None and not 0 <= line.price <= LARGEST_AMOUNT:
        errors.append(FieldError(f"{at}.price", "Enter a price of zero or more."))
    if product is None and line.price is None:
        errors.append(FieldError(f"{at}.price", "Say what one costs.", "required"))
    if not 0 <= line.discount <= 100:
        errors.append(FieldError(f"{at}.discount", "A discount is between 0 and 100 percent."))
    if line.billing and line.billing not in Product.Billing.values:
        known = ", ".join(Product.Billing.values)
        errors.append(FieldError(f"{at}.billing", f"Choose one of {known}.", "unknown"))
    if product is not None and line.price is None and product.currency != deal.currency:
        errors.append(
            FieldError(
                f"{at}.price",
                f"“{product.name}” is priced in {product.currency} and this deal is in "
                f"{deal.currency}. Say its price in {deal.currency}.",
                "currency",
            )
        )
    return errors


def _check_currency(deal: Deal, currency: str, lines: Sequence[NewLine] | None) -> None:
    """Prices do not turn into another currency by themselves."""
    if lines is None:
        raise Invalid.field(
            "currency",
            f"The lines of this deal are priced in {deal.currency}. Remove them, or send them "
            f"with prices in {currency}.",
        )


def _sum_up(deal: Deal) -> None:
    lines = list(deal.lines.all())
    once = [line for line in lines if line.billing == Product.Billing.ONCE]
    deal.one_off = sum((line.total for line in once), Decimal(0))
    yearly = sum(
        (line.total * (1 if line.billing == Product.Billing.YEARLY else 12)
         for line in lines if line.billing != Product.Billing.ONCE),
        Decimal(0),
    )  # fmt: skip
    deal.monthly = (yearly / 12).quantize(CENT, ROUND_HALF_UP)
    term = (yearly * deal.term_months / 12).quantize(CENT, ROUND_HALF_UP)
    deal.amount = deal.one_off + term
    if deal.amount > LARGEST_AMOUNT:
        raise Invalid.field("lines", "Together this is more than a deal can hold.")


# Checking -----------------------------------------------------------------------------------------


def _clean(values: dict[str, Any]) -> dict[str, Any]:
    errors = []
    if "name" in values:
        values["name"] = clean_text(values["name"], limit=NAME_LIMIT) or "Deal"
    if "amount" in values and not 0 <= values["amount"] <= LARGEST_AMOUNT:
        errors.append(FieldError("amount", "Enter an amount of zero or more."))
    if "currency" in values:
        values["currency"] = str(values["currency"]).upper()
        if not is_currency(values["currency"]):
            errors.append(FieldError("currency", "A currency has three letters, such as EUR."))
    probability = values.get("probability")
    if probability is not None and not 0 <= probability <= 100:
        errors.append(FieldError("probability", "Enter a percentage between 0 and 100."))
    if values.get("forecast", Deal.Forecast.PIPELINE) not in Deal.Forecast.values:
        known = ", ".join(Deal.Forecast.values)
        errors.append(FieldError("forecast", f"Choose one of {known}.", "unknown"))
    if not 1 <= values.get("term_months", 12) <= LONGEST_TERM:
        errors.append(FieldError("term_months", f"Enter 1 to {LONGEST_TERM} months."))
    if errors:
        raise Invalid(errors[0].message, errors=errors)
    return values


def is_currency(text: str) -> bool:
    return len(text) == 3 and text.isascii() and text.isalpha()


def close_open_deals(cycle: SalesCycle, *, state: str, at: datetime) -> None:
    cycle.deals.filter(state=Deal.State.OPEN).update(state=state, closed_at=at, updated_at=at)


def reopen_deals(cycle: SalesCycle, *, closed_at: datetime | None) -> None:
    """Those that closed with the cycle; what was lost before stays lost."""
    cycle.deals.filter(closed_at=closed_at).exclude(state=Deal.State.OPEN).update(
        state=Deal.State.OPEN, closed_at=None
    )
