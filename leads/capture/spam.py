"""A score, not a verdict to drop: what looks like spam waits in quarantine, with its reasons."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from disposable_email_domains import blocklist as DISPOSABLE

from leadcrm.lib.normalise import host
from leads.capture import language
from leads.capture.envelopes import Submission
from leads.capture.mapping import Person, text_of
from leads.capture.proof import Verdict
from leads.models import SpamPolicy, SpamRule

THRESHOLD = 5  # of a workspace that never changed its policy
CERTAIN = 10  # as strict as the most lenient policy
TOO_FAST_SECONDS = 2.0
TOO_OLD_SECONDS = 24 * 3600.0
MANY_LINKS = 5
SAME_LINK = 3
SAME_MESSAGE, SAME_MESSAGE_SURELY = 3, 10  # other addresses that sent it within a day
_LINK = re.compile(r"(?:https?://|www\.)[^\s<>\"\]]*", re.IGNORECASE)
_MARKUP = re.compile(r"\[url[=\]]|<a\s+href", re.IGNORECASE)
# Few on purpose: what no customer writes, but everybody with a contact form has read.
_PHRASES = re.compile(
    r"\b(first page of google|rank(?:ing)? (?:higher )?(?:on|in) google|quality backlinks?"
    r"|guest post(?:s|ing)?\b.{0,40}\bsite|search engine submission|(?:bitcoin|crypto) investment"
    r"|online casino|viagra|cialis|(?:make|earn) \$ ?\d[\d,.]* (?:a|per) (?:day|week))\b",
    re.IGNORECASE,
)

FLAGS = {
    "rate_address": "Too many posts from one network address in a short time.",
    "rate_form": "Far more posts to this form than usual in one minute.",
    "rate_key": "Far more posts with this publishable key than usual in one minute.",
    "rate_email": "More than 5 posts with this e-mail address in ten minutes.",
}
# Set by a person or by trust, not by suspicion.
RELEASED, TRUSTED = "released", "trusted"


@dataclass(frozen=True, slots=True)
class Sign:
    points: int
    code: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """Everything that may speak for or against a capture."""

    submission: Submission
    flags: Sequence[str]
    received: float  # seconds since the epoch
    person: Person = field(default_factory=Person)
    policy: SpamPolicy = field(default_factory=SpamPolicy)
    questions: str = ""  # the words of the form that was filled in
    proof: Verdict | None = None  # None: none was asked for
    proof_is_strict: bool = False
    others: int = 0  # other addresses that sent this message
    origin: str = ""  # the site it was posted from, if that is none of the form's

    @property
    def text(self) -> str:
        values = self.submission.values.values()
        return " ".join(text_of(value) for value in values)[:100_000]

    @property
    def rules(self) -> dict[str, str]:
        """What a person decided about the address or its domain: `{value: kind}`."""
        names = names_of(self.person)
        found = SpamRule.objects.filter(value__in=names) if names else SpamRule.objects.none()
        return dict(found.values_list("value", "kind"))


def names_of(person: Person) -> list[str]:
    """An address and its domains, as rules name them: `a@mail.x.example`, `mail.x.example`, …"""
    if person.email is None:
        return []
    address = person.email.canonical
    labels = address.rpartition("@")[2].split(".")
    return [address, *(".".join(labels[n:]) for n in range(max(len(labels) - 1, 1)))]


def signs(case: Case) -> list[Sign]:
    """What speaks against a submission; nothing does once a person let it go."""
    if RELEASED in case.flags:
        return []
    found = [Sign(CERTAIN, flag, FLAGS[flag]) for flag in case.flags if flag in FLAGS]
    rules = case.rules
    blocked = [value for value, kind in rules.items() if kind == SpamRule.Kind.BLOCK]
    if blocked:
        return [*found, Sign(CERTAIN, "blocked", f"“{blocked[0]}” is on the block list.")]
    if rules:
        return found
    if TRUSTED not in case.flags:
        found += [*_trap(case.submission), *_pace(case), *_proof(case), *_repeated(case)]
        found += _strange_site(case)
    found += [*_sender(case), *_links(case), *_letters(case)]
    return [*found, *_unproven(case)] if found else found


def score(found: Sequence[Sign]) -> int:
    return sum(sign.points for sign in found)


def _trap(submission: Submission) -> Iterator[Sign]:
    if submission.trap:
        words = "The hidden trap field was filled in; people do not see it."
        yield Sign(CERTAIN, "honeypot", words)


def _pace(case: Case) -> Iterator[Sign]:
    rendered = case.submission.rendered_at
    if rendered is None:
        return
    age = case.received - rendered
    if rendered == 0.0 or age < 0:
        yield Sign(3, "forged_time", "The mark that tells when the form was opened is not ours.")
    elif age < TOO_FAST_SECONDS:
        words = f"Sent {age:.1f} s after the form was opened; people need longer."
        yield Sign(5, "too_fast", words)
    elif age > TOO_OLD_SECONDS:
        yield Sign(2, "too_old", "Sent more than a day after the form was opened.")


def _proof(case: Case) -> Iterator[Sign]:
    code = case.proof.code if case.proof else ""
    if code == "forged":
        yield Sign(5, "proof_forged", "The proof of work is not one that this form asked for.")
    elif code == "replayed":
        yield Sign(5, "proof_replayed", "The proof of work was used by an earlier post.")
    elif code in {"missing", "expired"} and case.proof_is_strict:
        yield Sign(3, "proof_missing", "The browser did not do the proof of work it was asked for.")


def _unproven(case: Case) -> Iterator[Sign]:
    """Where proof is asked for on suspicion: its absence counts once something else does."""
    if not case.proof_is_strict and case.proof and case.proof.code in {"missing", "expired"}:
        yield Sign(2, "proof_missing", "The browser did not do the proof of work it was asked for.")


def _repeated(case: Case) -> Iterator[Sign]:
    if not case.policy.judges_repetition or case.others < SAME_MESSAGE:
        return
    points = 5 if case.others >= SAME_MESSAGE_SURELY else 3
    words = f"{case.others} other addresses sent the same message within a day."
    yield Sign(points, "same_message", words)


def _strange_site(case: Case) -> Iterator[Sign]:
    """Only where the form names its sites; what sends no Origin is no browser, or an old one."""
    if case.origin:
        words = f"Posted from {case.origin[:100]}, which is none of the sites of this form."
        yield Sign(2, "strange_site", words)


def _sender(case: Case) -> Iterator[Sign]:
    if not case.policy.judges_disposable:
        return
    domain = next((name for name in names_of(case.person)[1:] if name in DISPOSABLE), "")
    if domain:
        yield Sign(3, "disposable", f"“{domain}” gives out throw-away addresses.")


def _links(case: Case) -> Iterator[Sign]:
    found = _LINK.findall(case.text)
    if len(found) > case.policy.most_links:
        points = 5 if len(found) > MANY_LINKS else 2
        yield Sign(points, "links", f"{len(found)} links in the answers.")
    site, times = Counter(map(_site, found)).most_common(1)[0] if found else ("", 0)
    if SAME_LINK <= times <= MANY_LINKS:
        yield Sign(2, "same_link", f"Links to {site} {times} times.")
    if _MARKUP.search(case.text):
        yield Sign(3, "markup", "Link markup as spam programs write it.")
    if any(_LINK.search(name) for name in _names(case.person)):
        yield Sign(3, "link_as_name", "A link stands where a name should.")


def _site(link: str) -> str:
    return host(link if "//" in link else f"http://{link}") or link[:60]


def _names(person: Person) -> list[str]:
    names: Sequence[Any] = ("first_name", "last_name", "company_name", "job_title")
    return [str(person.contact.get(name) or "") for name in names]


def _letters(case: Case) -> Iterator[Sign]:
    if phrase := _PHRASES.search(case.text):
        yield Sign(3, "phrase", f"“{phrase[0][:60]}”, as in adverts.")
    if not case.policy.judges_language:
        return
    noise = [
        word for name in _names(case.person) for word in name.split() if language.is_noise(word)
    ]
    if noise:
        points = 5 if len(noise) > 1 else 3
        yield Sign(points, "noise", f"“{noise[0][:40]}” is no word of any language.")
    if (mixed := language.mixed_words(case.text)) >= 2:
        yield Sign(3, "mixed_letters", f"Latin and Cyrillic letters mixed in {mixed} words.")
    script, asked = language.script_of(case.text), language.script_of(case.questions)
    if script and asked and script != asked:
        words = f"Written in {script} letters; the form is in {asked} ones."
        yield Sign(2, "other_script", words)
