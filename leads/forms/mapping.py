"""The mapping editor: one row for each answer of a sample, and what the lead will be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.http import QueryDict

from leads import criteria, fields
from leads.capture.mapping import Person, text_of
from leads.models import Consent
from leads.providers.answers import MAX_PATH
from leads.providers.mapping import IGNORE, KEEP, Sample, is_target

LABELS = {
    "name": "Full name",
    "first_name": "First name",
    "last_name": "Last name",
    "email": "E-mail",
    "phone": "Phone",
    "job_title": "Job title",
    "company_name": "Company",
    "company_size": "Company, staff",
    "industry": "Industry",
    "website": "Website",
    "country": "Country",
    "region": "Region",
    "city": "City",
    "language": "Language",
    "time_zone": "Time zone",
    "message": "Message",
}
VISIT = {
    "utm_source": "utm_source",
    "utm_medium": "utm_medium",
    "utm_campaign": "utm_campaign",
    "utm_term": "utm_term",
    "utm_content": "utm_content",
    "gclid": "Google click id",
    "fbclid": "Meta click id",
    "msclkid": "Microsoft click id",
    "li_fat_id": "LinkedIn click id",
    "page_url": "Page",
    "landing_page": "Landing page",
    "referrer": "Referrer",
}
MOST_ROWS = 500


def groups() -> list[tuple[str, list[tuple[str, str]]]]:
    """Everything an answer may mean, for the list to choose from."""
    own = [(f"custom.{each.key}", each.label) for each in fields.definitions()]
    return [
        ("Lead", list(LABELS.items())),
        *([("Custom fields", own)] if own else []),
        (
            criteria.framework_name(),
            [(f"bant.{key}", label) for key, label in criteria.offered()],
        ),
        ("Consent", [(f"consent.{value}", str(label)) for value, label in Consent.Purpose.choices]),
        ("Visit", list(VISIT.items())),
        ("Nothing", [(KEEP, "Keep with the inquiry"), (IGNORE, "Leave out")]),
    ]


def word_for(target: str) -> str:
    named = dict(choice for _, choices in groups() for choice in choices)
    return named.get(target, target.partition(".")[2] or target)


@dataclass(frozen=True, slots=True)
class Row:
    """One answer: its address, what was sent, and the list to choose its meaning from."""

    number: int
    path: str
    label: str
    value: str
    field: forms.BoundField

    @property
    def is_new(self) -> bool:
        return not self.field.value()


class MappingForm(forms.Form):
    """The answers of a sample, then rules for answers that this sample does not have."""

    def __init__(self, sample: Sample | None, rules: Mapping[str, str], *args: Any) -> None:
        super().__init__(*args)
        self._texts: list[tuple[str, str, str]] = []
        automatic = sample.automatic if sample else {}
        answers = sample.answers if sample else []
        for answer in answers[:MOST_ROWS]:
            self._add(answer.path, answer.label, text_of(answer.value), automatic, rules)
        for path in [path for path in rules if path not in automatic][:MOST_ROWS]:
            self._add(path, "", "", automatic, rules)

    def _add(
        self,
        path: str,
        label: str,
        value: str,
        automatic: Mapping[str, str],
        rules: Mapping[str, str],
    ) -> None:
        guess = automatic.get(path, "")
        first = f"{word_for(guess)} (by itself)" if guess else "Keep with the inquiry (by itself)"
        name = f"target-{len(self._texts)}"
        self.fields[name] = forms.ChoiceField(
            choices=[("", first), *groups(), *unlisted(rules.get(path, ""))],
            required=False,
            initial=rules.get(path, ""),
            label=f"What “{label or path}” means",
        )
        self._texts.append((path, label, value[:200]))

    def rows(self) -> Iterator[Row]:
        for number, (path, label, value) in enumerate(self._texts):
            yield Row(number, path, label, value, self[f"target-{number}"])


def unlisted(target: str) -> list[tuple[str, str]]:
    """A field that was archived since stays what it was until a person changes it."""
    known = {value for _, choices in groups() for value, _ in choices}
    return [] if not target or target in known else [(target, word_for(target))]


def posted_rules(data: QueryDict) -> dict[str, str]:
    """The rules as sent; what cannot be meant is left out."""
    found: dict[str, str] = {}
    for number in range(MOST_ROWS * 2):
        path = data.get(f"path-{number}")
        if path is None:
            break
        target = data.get(f"target-{number}", "")
        if 0 < len(path) <= MAX_PATH and "\x00" not in path and is_target(target):
            found[path] = target
    return found


def person_rows(person: Person) -> list[tuple[str, str]]:
    """The lead that these answers make, in words."""
    contact = [(LABELS.get(name, name), text_of(value)) for name, value in person.contact.items()]
    named = {each.key: each.label for each in fields.definitions()}
    custom = [(named.get(key, key), text_of(value)) for key, value in person.custom.items()]
    bant = [
        (f"BANT: {name}", answer.get("value") or answer.get("level", ""))
        for name, answer in person.bant.items()
    ]
    message = [("Message", person.message)] if person.message else []
    return [row for row in (*contact, *custom, *bant, *message) if row[1]]
