"""One normal form for what people type: text, e-mail addresses, phone numbers, web addresses.

Nothing here raises for odd input: a capture is never refused for being odd. What cannot be
understood comes back as None, and the caller keeps the raw value.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

import phonenumbers
from email_validator import EmailNotValidError, validate_email

MAX_JSON_DEPTH = 32
_UNSTORABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def clean_text(value: str, *, limit: int | None = None) -> str:
    """Trimmed NFC text without control characters and lone surrogates, at most `limit` long."""
    text = unicodedata.normalize("NFC", _UNSTORABLE.sub("", value)).strip()
    return text if limit is None else text[:limit].rstrip()


def clean_json(value: Any, *, depth: int = 0) -> Any:
    """The same JSON with storable strings.

    :raises ValueError: nested deeper than `MAX_JSON_DEPTH`, or a number PostgreSQL cannot hold.
    """
    if depth > MAX_JSON_DEPTH:
        raise ValueError(f"nesting deeper than {MAX_JSON_DEPTH} levels")
    if isinstance(value, str):
        return _UNSTORABLE.sub("", value)
    if isinstance(value, dict):
        return {
            _UNSTORABLE.sub("", key): clean_json(item, depth=depth + 1)
            for key, item in value.items()
        }
    if isinstance(value, list):
        return [clean_json(item, depth=depth + 1) for item in value]
    if isinstance(value, float) and value in (float("inf"), float("-inf")):
        raise ValueError("a number too large")
    return value


@dataclass(frozen=True, slots=True)
class Email:
    """`address` is for sending, `canonical` for telling whether two are the same person's."""

    address: str
    canonical: str

    @property
    def domain(self) -> str:
        return self.canonical.rpartition("@")[2]


def email(raw: str) -> Email | None:
    """The normal form of an e-mail address, or None when it is not one.

    Canonical: local part case-folded, domain in IDNA form. Plus-tags and dots stay: they may be
    different mailboxes, so they are hints for a human and never identity.
    """
    text = clean_text(raw).strip("<>\"' ")
    text = text.removeprefix("mailto:")
    if not text or len(text) > 254:
        return None
    try:
        valid = validate_email(text, check_deliverability=False, strict=True, test_environment=True)
    except EmailNotValidError:
        return None
    local = unicodedata.normalize("NFC", valid.local_part.casefold())
    return Email(valid.normalized, f"{local}@{valid.ascii_domain.lower()}")


def phone(raw: str, *, region: str | None = None) -> str | None:
    """The number in E.164 (`+4930123456`), or None when it is not a possible number.

    :param region: ISO country code for numbers written without a country prefix.
    """
    text = clean_text(raw)
    if not text or len(text) > 40 or not text.isascii():
        return None
    try:
        number = phonenumbers.parse(text, region or None)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def readable_phone(number: str) -> str:
    """E.164 in groups of digits, `+49 30 123456`; anything else as it is."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return number
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


def host(url: str) -> str:
    """The bare host of a web address: `https://www.Example.com/x` and `example.com` agree."""
    text = clean_text(url).lower()
    text = re.sub(r"^[a-z][a-z0-9+.-]*://", "", text)
    text = re.split(r"[/?#:]", text, maxsplit=1)[0]
    return text.removeprefix("www.").rstrip(".")
