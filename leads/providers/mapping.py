"""What each answer of a source means: by a person's rule, the provider's own words, or its name.

A target is a lead field, `name`, `message`, `custom.<key>`, `bant.<dimension>`,
`consent.<purpose>`, a tag of the visit (`utm_source`, `gclid` …), `page_url`, `landing_page`,
`referrer`, `keep` (only with the inquiry) or `ignore` (only in the body).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from leadcrm.lib import normalise
from leads import criteria
from leads.capture.envelopes import Consented, Submission
from leads.capture.mapping import CONTACT_FIELDS, MESSAGE, NAME, target_of, text_of
from leads.capture.origin import TAGS
from leads.matching import plain_key
from leads.models import Connection, Consent
from leads.providers.answers import Answer

KEEP, IGNORE = "keep", "ignore"
PAGE_FIELDS = ("page_url", "landing_page", "referrer")
CONTEXT = frozenset([*TAGS, *PAGE_FIELDS])
CONTEXT_WORDS = {
    "pageurl": "page_url",
    "pageuri": "page_url",
    "sourceurl": "page_url",
    "formurl": "page_url",
    "landingpage": "landing_page",
    "landingurl": "landing_page",
    "referrer": "referrer",
    "referer": "referrer",
}
# Two words that together mean something else than the last of them alone.
TOGETHER = {
    "namefirst": "first_name",
    "namelast": "last_name",
    "accountname": "company_name",
    "phonefull": "phone",
    "namefull": NAME,
}
# What stands below these is about the form, the advertisement or the sender's own record.
ABOUT_OTHERS = {"form", "forms", "definition", "survey", "campaign", "adset", "ad", "page", "meta"}
ABOUT_OTHERS |= {"metadata", "owner", "event", "workspace", "settings", "theme", "webhook", "app"}
# Names that say something of a person only where the answers stand, not deep in a record.
WRAPPERS = frozenset({"full", "value", "values", "text", "answer", "raw"})
NOT_DEEP = frozenset({"title", "name", "description", "url", "type", "site", "state", "note"})
OF_ANSWERS = ("field", "answer", "data", "form_data", "entry")
OF_PEOPLE = ("lead", "contact", "user", "person", "customer", "address", "location")
NO_WORDS = frozenset({"", "0", "no", "n", "false", "off", "none", "declined", "unchecked"})
ONE_ANSWER = frozenset([*CONTACT_FIELDS, NAME])


@dataclass(frozen=True, slots=True)
class Sample:
    """A capture's answers, and the target that each has without a person's rule."""

    answers: list[Answer]
    automatic: dict[str, str]


def is_target(target: str) -> bool:
    """Whether a rule may name this."""
    head, _, rest = target.partition(".")
    if head == "bant":
        return criteria.is_known(rest)
    if head == "consent":
        return rest in Consent.Purpose.values
    if head == "custom":
        return 0 < len(rest) <= 40
    return target in {*CONTACT_FIELDS, *CONTEXT, NAME, MESSAGE, KEEP, IGNORE}


def suggested(names: tuple[str, ...]) -> str:
    """What an answer of these names usually means; empty when that is not clear."""
    if not names or ABOUT_OTHERS & {name.lower() for name in names[:-1]}:
        return ""
    last = names[-1]
    if last.lower() in TAGS:
        return last.lower()
    together = plain_key("".join(names[-2:])) if len(names) > 1 else ""
    if found := TOGETHER.get(together) or (target_of(together) if together else ""):
        return found
    plain = plain_key(last)
    if plain in WRAPPERS and len(names) > 1:
        return suggested(names[:-1])
    deep = len(names) > 1 and not names[-2].lower().startswith((*OF_ANSWERS, *OF_PEOPLE))
    if deep and plain in NOT_DEEP:
        return ""
    return CONTEXT_WORDS.get(plain) or target_of(last)


def sample_of(answers: Iterable[Answer], own: Mapping[str, str]) -> Sample:
    """What answers mean by the provider's words, else by their names."""
    listed = list(answers)
    targets = {each.path: own.get(each.path) or suggested(each.names) for each in listed}
    if "email" not in targets.values() and (path := _address_among(listed, targets)):
        targets[path] = "email"
    return Sample(listed, targets)


def _address_among(answers: list[Answer], targets: Mapping[str, str]) -> str:
    """An answer that is an e-mail address, whatever its sender calls it."""
    for answer in answers:
        about_others = ABOUT_OTHERS & {name.lower() for name in answer.names[:-1]}
        if targets[answer.path] or about_others or not isinstance(answer.value, str):
            continue
        if "@" in answer.value[:254] and normalise.email(answer.value):
            return answer.path
    return ""


def submission_of(
    sample: Sample,
    rules: Mapping[str, str],
    *,
    context: Mapping[str, Any] | None = None,
    notes: list[str] | None = None,
) -> Submission:
    """One capture from answers; what has no target stays with the inquiry."""
    submission = Submission({}, context=dict(context or {}), notes=notes or [], sample=sample)
    targets = _targets(sample, rules)
    for answer in sample.answers:
        target = targets.get(answer.path, "") or KEEP
        if target == IGNORE:
            continue
        key = (
            answer.label if answer.label and answer.label not in submission.values else answer.path
        )
        submission.values[key] = answer.value
        submission.questions[key] = {"maps_to": target}
        if target in CONTEXT:
            submission.context.setdefault(target, text_of(answer.value))
        elif target.startswith("consent."):
            agreed = text_of(answer.value).lower() not in NO_WORDS
            submission.consent[target[8:]] = Consented(agreed)
    return submission


def _targets(sample: Sample, rules: Mapping[str, str]) -> dict[str, str]:
    """Where a rule says which of these answers fills a field, a guess must not fill it first."""
    given = {each.path for each in sample.answers if text_of(each.value)}
    chosen = {target for path, target in rules.items() if path in given} & ONE_ANSWER
    guessed = {
        path: KEEP if target in chosen else target for path, target in sample.automatic.items()
    }
    return {**guessed, **rules}


def rules_of(connection: Connection) -> dict[str, str]:
    """What people have said of this source's answers."""
    return connection.mapping.targets if connection.mapping else {}
