"""One capture as the list and its own page show it."""

from dataclasses import dataclass

from leadcrm.accounts.models import Role
from leadcrm.lib.normalise import clean_text
from leads import capture
from leads.capture import corrections, words
from leads.capture.parsing import decode
from leads.models import InboxItem

OFFICE = (Role.MARKETER, Role.MANAGER)
TONES = {"applied": "good", "quarantined": "warm", "needs_review": "accent", "failed": "bad"}
PASSED_ON = ("announced", "split")  # they name leads, or hold several
STEPS = ("received", "parsed", "matched", "applied")


@dataclass(frozen=True, slots=True)
class Step:
    name: str
    words: str
    is_done: bool


@dataclass(frozen=True, slots=True)
class Row:
    item: InboxItem

    @property
    def tone(self) -> str:
        return TONES.get(self.item.state, "")

    @property
    def label(self) -> str:
        """Of what is no lead by its nature “rejected” would sound like a loss."""
        if self.item.reason_code in PASSED_ON:
            return "Passed on"
        return str(self.item.get_state_display())

    @property
    def why(self) -> str:
        """Two or three words where a whole sentence has no room."""
        return words.of_code(self.item.reason_code) if self.item.reason_code else ""

    @property
    def excerpt(self) -> str:
        """The first answers in one readable line; of a body that is no answers, its beginning."""
        beginning = bytes(self.item.beginning)  # type: ignore[attr-defined]
        item = InboxItem(
            door=self.item.door,
            body=beginning,
            content_type=self.item.content_type,
            corrections=self.item.corrections,
        )
        said = " · ".join(text for _, text in answers_of(item) if text)
        return clean_text(" ".join((said or decode(beginning, "")).split()), limit=90)

    @property
    def steps(self) -> list[Step]:
        """received → parsed → matched → applied, and how far this one came."""
        said = {step["step"]: step["words"] for step in self.item.progress}
        if self.item.state == InboxItem.State.APPLIED:
            said = dict.fromkeys(STEPS, "") | said
        received = f"As {self.item.content_type.partition(';')[0] or 'bytes'}"
        done = {"received": received, **said}
        return [Step(name, done.get(name, ""), name in done) for name in STEPS]


def answers_of(item: InboxItem) -> list[tuple[str, str]]:
    """The fields as they are understood now; none when the body cannot be read."""
    try:
        submission = corrections.understood(item)
    except capture.Unreadable:
        return []
    return [(name, corrections.wording(value)[:2000]) for name, value in submission.values.items()]
