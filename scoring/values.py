"""What people write of a budget or a date, for programs too; what is not understood stays words."""

import calendar
import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

MONEY, CHOICE, DATE = "money", "choice", "date"
MOST = 10**12
SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "zł": "PLN", "₹": "INR"}
_SIGN_OF = {code: sign for sign, code in SIGNS.items()}
_UNITS = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "mio": 1_000_000, "million": 1_000_000}
_NUMBER = r"\d{1,3}(?:[ .,']\d{3})+(?![\d])|\d+(?:[.,]\d{1,2})?"
_AMOUNT = re.compile(
    rf"({_NUMBER})\s*(k|thousand|mio|million|m)?(?![a-z])"
    rf"(?:\s*(?:-|–|to|until|bis|à)\s*(?:[€$£¥₹]\s*)?({_NUMBER})\s*(k|thousand|mio|million|m)?(?![a-z]))?",
    re.IGNORECASE,
)
_CODE = re.compile(r"\b([A-Z]{3})\b")
# fmt: off
_CODES = frozenset((
    "EUR", "USD", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "CAD",
    "AUD", "NZD", "JPY", "INR", "CNY", "SGD", "ZAR", "BRL", "MXN", "AED", "ILS", "TRY",
))
# fmt: on
_QUARTER = re.compile(r"\bQ([1-4])[\s/’'-]*(20\d\d)?\b|\b(20\d\d)[\s/-]*Q([1-4])\b", re.IGNORECASE)
_DAY = re.compile(r"\b(20\d\d)-(\d\d)-(\d\d)\b")
_MONTHS = {name.lower(): n for n, name in enumerate(calendar.month_name) if name}
_MONTHS |= {name.lower(): n for n, name in enumerate(calendar.month_abbr) if name}
_MONTH = re.compile(rf"\b(?:(\d{{1,2}})\s+)?({'|'.join(_MONTHS)})\.?\s*(20\d\d)?\b", re.IGNORECASE)


def details_of(
    kind: str, text: str, *, today: date, options: Sequence[Mapping[str, Any]] = ()
) -> dict[str, Any]:
    """`€15–20k` → {"amount": 15000, "amount_to": 20000, "currency": "EUR"}; {} for plain words."""
    text = text.strip()[:300]
    if not text:
        return {}
    if kind == MONEY:
        return _money(text)
    if kind == DATE:
        return _date(text, today)
    if kind == CHOICE:
        return _choice(text, options)
    return {}


def level_of(details: Mapping[str, Any], options: Sequence[Mapping[str, Any]]) -> str:
    """How sure the chosen option says it is; empty when it says nothing."""
    chosen = details.get("choice")
    found = next((each for each in options if each.get("label") == chosen), None)
    return str(found.get("level") or "") if found and chosen else ""


# ---- money ----


def _money(text: str) -> dict[str, Any]:
    found = _AMOUNT.search(text)
    if found is None:
        return {}
    low, low_unit, high, high_unit = found.groups()
    amount = _number(low) * _unit(low_unit or (high_unit if high else None))
    details: dict[str, Any] = {"amount": _plain(amount)}
    if high and (most := _number(high) * _unit(high_unit)) > amount:
        details["amount_to"] = _plain(most)
    if currency := _currency(text):
        details["currency"] = currency
    return details if max(details["amount"], details.get("amount_to", 0)) <= MOST else {}


def _number(text: str) -> float:
    grouped = re.fullmatch(r"\d{1,3}(?:[ .,']\d{3})+", text)
    return float(re.sub(r"\D", "", text) if grouped else text.replace(",", "."))


def _unit(word: str | None) -> int:
    return _UNITS.get((word or "").lower(), 1)


def _plain(amount: float) -> int | float:
    return int(amount) if amount == int(amount) else round(amount, 2)


def _currency(text: str) -> str:
    for sign, code in SIGNS.items():
        if sign in text:
            return code
    return next((code for code in _CODE.findall(text.upper()) if code in _CODES), "")


def words_of_money(details: Mapping[str, Any]) -> str:
    """€15,000–20,000, or 15,000 CHF where there is no sign for it."""
    amounts = [details.get("amount"), details.get("amount_to")]
    numbers = "–".join(f"{each:,}" for each in amounts if isinstance(each, (int, float)))
    currency = str(details.get("currency") or "")
    sign = _SIGN_OF.get(currency, "")
    return f"{sign}{numbers}" if sign else f"{numbers} {currency}".strip()


# ---- dates ----


def _date(text: str, today: date) -> dict[str, Any]:
    if quarter := _quarter(text, today):
        return quarter
    if found := _DAY.search(text):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _MONTH.search(text):
        return _month(found, today)
    return {}


def _quarter(text: str, today: date) -> dict[str, Any]:
    """By its last day; without a year the next one that is not over."""
    found = _QUARTER.search(text)
    if found is None:
        return {}
    number = int(found[1] or found[4])
    year = int(found[2] or found[3] or 0) or _next_year(number * 3, today)
    last = date(year, number * 3, calendar.monthrange(year, number * 3)[1])
    return {"date": last.isoformat(), "quarter": f"{year}-Q{number}"}


def _month(found: re.Match[str], today: date) -> dict[str, Any]:
    month = _MONTHS[found[2].lower()]
    year = int(found[3] or 0) or _next_year(month, today)
    return _day(year, month, int(found[1] or calendar.monthrange(year, month)[1]))


def _next_year(month: int, today: date) -> int:
    return today.year if month >= today.month else today.year + 1


def _day(year: int, month: int, day: int) -> dict[str, Any]:
    try:
        return {"date": date(year, month, day).isoformat()}
    except ValueError:
        return {}


# ---- choices ----


def _choice(text: str, options: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    for option in options:
        if str(option.get("label") or "").casefold() == text.casefold():
            return {"choice": str(option["label"])}
    return {}
