"""From whatever was sent to the one way in which a value is kept.

A reader takes text, a number or what JSON has and gives the canonical value. Where something was
said that cannot be meant it raises `BadValue`, with a sentence for whoever said it.
"""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from babel.numbers import list_currencies
from django.utils.dateparse import parse_date, parse_datetime

from leadcrm.lib import normalise
from leadcrm.lib.errors import FieldError, Invalid
from leads.countries import country_code
from leads.models.fields import FieldDefinition

Type = FieldDefinition.Type
MAX_TEXT = 1_000
MAX_LONG_TEXT = 20_000
MAX_URL = 2_000
# What JSON numbers, JavaScript and Python's floats hold without loss.
DIGITS = 15
LARGEST = 10**DIGITS
MOST_BITS = 400  # of a whole number that stands for a text, such as an id
YEARS = range(1900, 2201)
YES = frozenset({"yes", "y", "true", "t", "on", "1", "x", "checked", "ja", "j", "oui", "si", "sí"})
NO = frozenset({"no", "n", "false", "f", "off", "0", "unchecked", "nein", "nee", "non"})
SIGNS = {"€": "EUR", "$": "USD", "£": "GBP", "¥": "JPY", "₹": "INR"}
MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

Reader = Callable[[FieldDefinition, Any], Any]


class BadValue(Invalid):
    """A value that a field cannot hold. Its one `FieldError` names the field and the cure."""

    def __init__(self, definition: FieldDefinition, message: str, code: str = "invalid") -> None:
        super().__init__(
            f"{definition.label}: {message}", errors=[FieldError(definition.name, message, code)]
        )

    @property
    def message(self) -> str:
        return self.errors[0].message


class _Unfit(Exception):
    def __init__(self, message: str, code: str = "invalid") -> None:
        super().__init__(message)
        self.message, self.code = message, code


def clean_value(definition: FieldDefinition, raw: Any, *, region: str = "") -> Any:
    """The canonical JSON value; None where nothing was said.

    Cleaning what was cleaned changes nothing.

    :param region: the country of phone numbers that are written without one.
    :raises BadValue: in words, naming the field.
    """
    if isinstance(raw, str):
        raw = normalise.clean_text(raw)
    if raw is None or raw == "" or raw == []:
        return None
    try:
        value = _read(definition, raw, region)
    except _Unfit as problem:
        raise BadValue(definition, problem.message, problem.code) from None
    return None if value in ("", []) else value


def _read(definition: FieldDefinition, raw: Any, region: str) -> Any:
    if definition.type == Type.PHONE:
        return _phone(raw, region)
    return _READERS[definition.type](definition, raw)


# ---- text ----


def _line(raw: Any) -> str:
    """One text for what JSON has; lists and objects are not meant for a single field."""
    if isinstance(raw, bool):
        return "yes" if raw else "no"
    if isinstance(raw, int):
        if raw.bit_length() > MOST_BITS:
            raise _Unfit("Write a shorter number.", "too_large")
        return str(raw)
    if isinstance(raw, float):
        return _plain(_finite(raw))
    if isinstance(raw, list) and all(isinstance(item, (str, int, float)) for item in raw):
        return ", ".join(_line(item) for item in raw)
    if not isinstance(raw, str):
        raise _Unfit("Send one value here, not an object.")
    return raw


def _short(text: str, limit: int) -> str:
    if len(text) > limit:
        raise _Unfit(f"Use at most {limit:,} characters.", "too_long")
    return text


def _text(_: FieldDefinition, raw: Any) -> str:
    return _short(" ".join(normalise.clean_text(_line(raw)).split()), MAX_TEXT)


def _long_text(_: FieldDefinition, raw: Any) -> str:
    return _short(normalise.clean_text(_line(raw).replace("\r\n", "\n")), MAX_LONG_TEXT)


def _email(_: FieldDefinition, raw: Any) -> str:
    found = normalise.email(_line(raw))
    if found is None:
        raise _Unfit("This is no e-mail address. It looks like name@company.com.", "invalid_email")
    return found.address


def _phone(raw: Any, region: str) -> str:
    number = normalise.phone(_line(raw), region=region or None)
    if number is None:
        raise _Unfit("Write a phone number with its country code, such as +31 10 555 0142.")
    return number


def _url(_: FieldDefinition, raw: Any) -> str:
    text = _short(_line(raw), MAX_URL)
    whole = text if re.match(r"[a-zA-Z][a-zA-Z0-9+.-]*://", text) else f"https://{text}"
    try:
        parts = urlsplit(whole)
        host = parts.hostname or ""
    except ValueError:
        host = ""
    if not host or parts.scheme.lower() not in {"http", "https"} or re.search(r"\s", whole):
        raise _Unfit("Write a web address, such as https://example.com/page.")
    if "." not in host and host != "localhost":
        raise _Unfit("Write a whole web address, such as https://example.com/page.")
    return whole


def _country(_: FieldDefinition, raw: Any) -> str:
    code = country_code(_line(raw))
    if code is None:
        raise _Unfit("Write a country by its code of two letters, such as NL, or by its name.")
    return code


# ---- numbers ----


def _finite(raw: Any) -> Decimal:
    if isinstance(raw, float) and not math.isfinite(raw):
        raise _Unfit("Write a number, such as 12.5.", "not_a_number")
    return _bounded(Decimal(repr(raw)))


def _bounded(number: Decimal) -> Decimal:
    trimmed = number.normalize()
    if abs(number) >= LARGEST:
        raise _Unfit(f"Write a number of at most {DIGITS} digits.", "too_large")
    if len(trimmed.as_tuple().digits) > DIGITS:
        raise _Unfit(f"Write at most {DIGITS} digits: more would be rounded.", "too_long")
    return trimmed


def _plain(number: Decimal) -> str:
    return f"{number:f}"


def decimal_of(text: str) -> Decimal:
    """A number as people of several countries write it: `1,234.5`, `1.234,5`, `1 234`, `12,5`.

    A single comma before exactly three digits parts thousands; a single point is a decimal point.
    """
    plain = re.sub(r"(?<=\d)[\s\u00a0\u202f'’](?=\d{3}(\D|$))", "", text.strip()).replace("−", "-")
    last_comma, last_point = plain.rfind(","), plain.rfind(".")
    if last_comma > last_point >= 0 and re.fullmatch(r"[-+]?\d{1,3}(\.\d{3})+,\d+", plain):
        plain = plain.replace(".", "").replace(",", ".")
    elif re.fullmatch(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?", plain):
        plain = plain.replace(",", "")
    elif re.fullmatch(r"[-+]?\d{1,3}(\.\d{3}){2,}", plain):
        plain = plain.replace(".", "")
    elif re.fullmatch(r"[-+]?\d+,\d+", plain):
        plain = plain.replace(",", ".")
    if not re.fullmatch(r"[-+]?(\d{1,40}(\.\d{0,40})?|\.\d{1,40})(e[-+]?\d{1,2})?", plain, re.I):
        raise _Unfit("Write a number, such as 12.5.", "not_a_number")
    try:
        return _bounded(Decimal(plain))
    except InvalidOperation:
        raise _Unfit("Write a number, such as 12.5.", "not_a_number") from None


def _decimal(raw: Any) -> Decimal:
    if isinstance(raw, bool) or not isinstance(raw, (int, float, str)):
        raise _Unfit("Write a number, such as 12.5.", "not_a_number")
    if isinstance(raw, str):
        return decimal_of(raw)
    if isinstance(raw, int) and abs(raw) >= LARGEST:  # repr of a huge one would take long
        raise _Unfit(f"Write a number of at most {DIGITS} digits.", "too_large")
    return _finite(raw)


def _json_number(number: Decimal) -> int | float:
    return int(number) if number == number.to_integral_value() else float(number)


def _number(_: FieldDefinition, raw: Any) -> int | float:
    return _json_number(_decimal(raw))


def _integer(_: FieldDefinition, raw: Any) -> int:
    if isinstance(raw, str) and re.fullmatch(r"[-+]?\d{1,3}\.\d{3}", raw):
        raw = raw.replace(".", "")  # here a point can only part thousands
    number = _decimal(raw)
    if number != number.to_integral_value():
        raise _Unfit("Write a whole number, such as 12.", "not_a_number")
    return int(number)


def _money(definition: FieldDefinition, raw: Any) -> dict[str, Any]:
    amount, currency = _parts_of_money(raw)
    code = (currency or definition.currency).upper()
    if not code:
        raise _Unfit("Name the currency too, such as EUR 1,200.", "no_currency")
    if code not in list_currencies():
        raise _Unfit(f"“{code[:10]}” is not a currency. Write its code, such as EUR.")
    return {"amount": _json_number(_decimal(amount)), "currency": code}


def _parts_of_money(raw: Any) -> tuple[Any, str]:
    if isinstance(raw, Mapping):
        if raw.keys() - {"amount", "currency"} or not isinstance(raw.get("currency") or "", str):
            raise _Unfit('Send {"amount": 1200, "currency": "EUR"}.')
        return raw.get("amount"), str(raw.get("currency") or "")
    if not isinstance(raw, str):
        return raw, ""
    found = re.fullmatch(r"([^\d\s+.,−-]{0,3})\s*([-+−\d][\d\s\u00a0\u202f.,'’]*)\s*(\D{0,3})", raw)
    if not found:
        raise _Unfit("Write an amount of money, such as 1,200 or EUR 1,200.", "not_a_number")
    name = found[1] or found[3].strip()
    return found[2].strip(), SIGNS.get(name, name)


# ---- yes and no, choices ----


def _yes_no(_: FieldDefinition, raw: Any) -> bool:
    if isinstance(raw, bool):
        return raw
    word = _line(raw).lower()
    if word in YES or word in NO:
        return word in YES
    raise _Unfit("Write yes or no.")


def _option(definition: FieldDefinition, raw: Any) -> str:
    word = _line(raw)
    keys = dict(definition.choices)
    if word in keys:
        return word
    folded = word.casefold()
    for key, label in keys.items():
        if folded in (key.casefold(), label.casefold()):
            return key
    known = ", ".join(label for _, label in definition.offered[:12])
    raise _Unfit(f"“{word[:40]}” is not one of its options: {known}.", "unknown_option")


def _options(definition: FieldDefinition, raw: Any) -> list[str]:
    chosen = {_option(definition, word) for word in _several(definition, raw)}
    return [key for key, _ in definition.choices if key in chosen]


def _several(definition: FieldDefinition, raw: Any) -> list[Any]:
    if isinstance(raw, list):
        return [item for item in raw if item not in ("", None)]
    text = _line(raw)
    known = {word.casefold() for pair in definition.choices for word in pair}
    if text.casefold() in known:  # a label may hold a comma
        return [text]
    parts = re.split(r"[;|\n]" if re.search(r"[;|\n]", text) else ",", text)
    return [part.strip() for part in parts if part.strip()]


# ---- time ----


def _date(_: FieldDefinition, raw: Any) -> str:
    day = _day_of(_line(raw)) if isinstance(raw, str) else None
    if day is None or day.year not in YEARS:
        raise _Unfit("Write a day as 2026-11-30.", "not_a_date")
    return day.isoformat()


def _day_of(text: str) -> date | None:
    try:
        if re.fullmatch(r"\d{4}-\d\d?-\d\d?", text):
            return parse_date(text)
        if "T" in text or ":" in text:
            moment = parse_datetime(text)
            return moment.date() if moment and moment.time() == time() else None
        return _written_day(text)
    except ValueError:
        return None


def _written_day(text: str) -> date | None:
    """`30.11.2026`, `11/30/2026` where only one reading is possible, `30 Nov 2026`."""
    if found := re.fullmatch(r"(\d{1,2})\.(\d{1,2})\.(\d{4})", text):
        return date(int(found[3]), int(found[2]), int(found[1]))
    if found := re.fullmatch(r"(\d{4})[/.](\d{1,2})[/.](\d{1,2})", text):
        return date(int(found[1]), int(found[2]), int(found[3]))
    if found := re.fullmatch(r"(\d{1,2})[/-](\d{1,2})[/-](\d{4})", text):
        return _either_way(int(found[1]), int(found[2]), int(found[3]))
    if found := re.fullmatch(r"(\d{1,2})(?:st|nd|rd|th)?\.? ([A-Za-z]{3,9})\.?,? (\d{4})", text):
        return _named(found[2], int(found[1]), int(found[3]))
    if found := re.fullmatch(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:st|nd|rd|th)?,? (\d{4})", text):
        return _named(found[1], int(found[2]), int(found[3]))
    return None


def _either_way(first: int, second: int, year: int) -> date:
    """Day first or month first: told by a number above 12, or by both being the same."""
    if first > 12 or first == second:
        return date(year, second, first)
    if second > 12:
        return date(year, first, second)
    raise _Unfit(
        f"Is this {first} {MONTHS[second - 1].title()} or {second} {MONTHS[first - 1].title()}? "
        "Write the day as 2026-11-30.",
        "ambiguous_date",
    )


def _named(month: str, day: int, year: int) -> date | None:
    short = month[:3].lower()
    return date(year, MONTHS.index(short) + 1, day) if short in MONTHS else None


def _moment(_: FieldDefinition, raw: Any) -> str:
    moment = _moment_of(raw) if isinstance(raw, str) else None
    if moment is None or moment.year not in YEARS:
        raise _Unfit("Write a moment as 2026-11-30T09:30:00Z.", "not_a_moment")
    return moment.isoformat().replace("+00:00", "Z")


def _moment_of(text: str) -> datetime | None:
    """In UTC; so is what names no zone."""
    try:
        moment = parse_datetime(text)
        if moment is None:
            day = _day_of(text)
            moment = datetime.combine(day, time()) if day else None
        if moment is None:
            return None
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


_READERS: dict[str, Reader] = {
    Type.TEXT: _text,
    Type.LONG_TEXT: _long_text,
    Type.NUMBER: _number,
    Type.INTEGER: _integer,
    Type.YES_NO: _yes_no,
    Type.DATE: _date,
    Type.MOMENT: _moment,
    Type.SELECT: _option,
    Type.MULTI_SELECT: _options,
    Type.EMAIL: _email,
    Type.URL: _url,
    Type.MONEY: _money,
    Type.COUNTRY: _country,
}
