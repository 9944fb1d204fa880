"""A score, not a verdict to drop: what looks like spam waits in quarantine, with its reasons."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from leads.capture.envelopes import Submission
from leads.capture.mapping import text_of

THRESHOLD = 5
TOO_FAST_SECONDS = 2.0
TOO_OLD_SECONDS = 24 * 3600.0
_LINK = re.compile(r"https?://|www\.", re.IGNORECASE)
_MARKUP = re.compile(r"\[url[=\]]|<a\s+href", re.IGNORECASE)

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


def signs(submission: Submission, flags: list[str], *, received: float) -> list[Sign]:
    """What speaks against a submission; `received` in seconds since the epoch."""
    if RELEASED in flags:
        return []
    found = [Sign(THRESHOLD, flag, FLAGS[flag]) for flag in flags if flag in FLAGS]
    if TRUSTED not in flags:
        found += [*_trap(submission), *_pace(submission, received)]
    return [*found, *_content(submission)]


def _trap(submission: Submission) -> Iterator[Sign]:
    if submission.trap:
        yield Sign(10, "honeypot", "The hidden trap field was filled in; people do not see it.")


def _pace(submission: Submission, received: float) -> Iterator[Sign]:
    rendered = submission.rendered_at
    if rendered is None:
        return
    age = received - rendered
    if rendered == 0.0 or age < 0:
        yield Sign(3, "forged_time", "The mark that tells when the form was opened is not ours.")
    elif age < TOO_FAST_SECONDS:
        words = f"Sent {age:.1f} s after the form was opened; people need longer."
        yield Sign(THRESHOLD, "too_fast", words)
    elif age > TOO_OLD_SECONDS:
        yield Sign(2, "too_old", "Sent more than a day after the form was opened.")


def _content(submission: Submission) -> Iterator[Sign]:
    text = " ".join(text_of(value) for value in submission.values.values())[:100_000]
    links = len(_LINK.findall(text))
    if links > 5:
        yield Sign(THRESHOLD, "links", f"{links} links in the answers.")
    elif links > 2:
        yield Sign(2, "links", f"{links} links in the answers.")
    if _MARKUP.search(text):
        yield Sign(3, "markup", "Link markup as spam programs write it.")
