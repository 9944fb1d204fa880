"""From answers to a person: which answer fills which field of a lead."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from leadcrm.lib import normalise
from leads import criteria
from leads.actions import ContactFields
from leads.countries import country_code
from leads.matching import plain_key, split_name

LEVELS = ("unknown", "no", "partial", "yes")
NAME, MESSAGE, EXTERNAL = "name", "message", "external_id"
TAG = "tag"  # the answer becomes a tag of the lead

# Under the names that websites, form builders and other CRMs use; see `plain_key`.
ALIASES: dict[str, str] = {
    alias: target
    for target, aliases in {
        "first_name": "firstname fname givenname forename vorname prenom voornaam first",
        "last_name": "lastname lname surname familyname nachname nom achternaam last",
        NAME: "name fullname yourname contactname contact",
        "email": "email emailaddress mail workemail businessemail companyemail emailwork",
        "phone": "phone phonenumber tel telephone mobile mobilephone cell cellphone workphone",
        "company_name": "company companyname organisation organization business employer account",
        "job_title": "jobtitle title position role jobrole jobfunction",
        "website": "website url companywebsite homepage web site",
        "country": "country countrycode countryregion",
        "region": "region state province county",
        "city": "city town",
        "language": "language lang locale",
        "time_zone": "timezone tz",
        "industry": "industry sector",
        "company_size": "companysize employees numberofemployees noofemployees teamsize headcount"
        " staff numemployees",
        EXTERNAL: "externalid",
        MESSAGE: "message comments comment question questions notes note description inquiry"
        " enquiry details howcanwehelp",
    }.items()
    for alias in aliases.split()
}
CONTACT_FIELDS = frozenset(ContactFields.__annotations__) - {"custom"}


@dataclass(slots=True)
class Person:
    """What one submission says about somebody; `bad_email` stood where an address should."""

    contact: ContactFields = field(default_factory=ContactFields)
    custom: dict[str, Any] = field(default_factory=dict)
    bant: dict[str, dict[str, str]] = field(default_factory=dict)
    message: str = ""
    email: normalise.Email | None = None
    bad_email: str = ""
    external_id: str = ""  # what the source calls them
    tags: list[str] = field(default_factory=list)

    @property
    def is_known_somehow(self) -> bool:
        contact = self.contact
        return bool(
            self.email
            or contact.get("phone")
            or contact.get("first_name")
            or contact.get("last_name")
            or self.external_id
        )


def person_of(values: Mapping[str, Any], questions: Mapping[str, Mapping[str, Any]]) -> Person:
    """Read a person from answers; `questions` are the form's fields by key, if there is a form."""
    person = Person()
    texts: dict[str, str] = {}
    for key, value in values.items():
        question = questions.get(key, {})
        target = str(question.get("maps_to") or "") or target_of(key)
        if key == "bant" and isinstance(value, Mapping):
            person.bant.update(bant_of(value))
        elif target == TAG:
            person.tags += [text_of(each) for each in as_list(value) if text_of(each)]
        elif target.startswith("bant."):
            person.bant.update(bant_of({target[5:]: leveled(value, question)}))
        elif target.startswith("custom."):
            person.custom[target[7:][:40]] = value
        elif target and (text := text_of(value)):
            texts.setdefault(target, text)
    _fill(person, texts)
    return person


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def target_of(key: str) -> str:
    """The lead field a name is known for, or an empty string."""
    lowered = key.lower()
    for prefix in ("bant.", "bant_", "custom."):
        if lowered.startswith(prefix):
            return lowered.replace("bant_", "bant.", 1)
    return lowered if lowered in CONTACT_FIELDS else ALIASES.get(plain_key(key), "")


def text_of(value: Any) -> str:
    """One line of text for whatever was sent."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Mapping):
        return " ".join(filter(None, map(text_of, value.values())))
    if isinstance(value, list):
        return ", ".join(filter(None, map(text_of, value)))
    return "" if value is None else normalise.clean_text(str(value))


def _fill(person: Person, texts: dict[str, str]) -> None:
    person.message = texts.pop(MESSAGE, "")
    person.external_id = texts.pop(EXTERNAL, "")
    _fill_name(texts)
    raw_email = texts.pop("email", "")
    person.email = normalise.email(raw_email)
    person.bad_email = "" if person.email else raw_email
    contact = person.contact
    for name, text in texts.items():
        if name in CONTACT_FIELDS and (value := _contact_value(name, text)) not in ("", None):
            contact[name] = value  # type: ignore[literal-required]
    if person.email:
        contact["email"] = person.email.address


def _fill_name(texts: dict[str, str]) -> None:
    full = texts.pop(NAME, "")
    if full and not (texts.get("first_name") and texts.get("last_name")):
        first, last = split_name(full)
        texts.setdefault("first_name", first)
        texts.setdefault("last_name", last)


def _contact_value(name: str, text: str) -> Any:
    """The column's value; None where the text cannot be meant for it and stays in the inquiry."""
    if name == "country":
        return country_code(text)
    if name == "company_size":
        return first_number(text)
    return text


def first_number(text: str) -> int | None:
    """`30 to 199` is 30, `1,000+` is 1000."""
    found = re.search(r"\d{1,3}(?:[,. ]\d{3})+|\d{1,8}", text)
    return int(re.sub(r"\D", "", found[0])) if found else None


# ---- BANT ----


def bant_of(raw: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """`{dimension: {"level"?, "value"?, "evidence"?}}` from levels, texts or objects."""
    return {
        dimension: answer
        for dimension, value in raw.items()
        if criteria.is_known(dimension) and (answer := _bant_answer(value))
    }


def _bant_answer(value: Any) -> dict[str, str]:
    if isinstance(value, Mapping):
        return dict(_bant_parts(value))
    text = text_of(value)
    if text.lower() in LEVELS:
        return {"level": text.lower()}
    return {"value": text[:200]} if text else {}


def _bant_parts(value: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    level = text_of(value.get("level")).lower()
    if level in LEVELS:
        yield "level", level
    for part in ("value", "evidence"):
        if text := text_of(value.get(part)):
            yield part, text[:200]


def leveled(value: Any, question: Mapping[str, Any]) -> Any:
    """The answer with the level that the form gives to the chosen option."""
    for option in question.get("options") or []:
        if isinstance(option, Mapping) and str(option.get("value")) == text_of(value):
            label = option.get("label") or option.get("value")
            return {"value": label, "level": option.get("level")}
    return value
