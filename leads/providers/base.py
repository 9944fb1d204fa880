"""What every provider answers: how to set it up, who sent this, what it says, what to reply."""

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

from leadcrm.lib.errors import FieldError
from leads.capture import parsing
from leads.capture.envelopes import Submission
from leads.models import Connection, InboxItem, RemoteLead, Source
from leads.models.attribution import Channel
from leads.providers.answers import Answer, flatten
from leads.providers.mapping import rules_of, sample_of, submission_of

BAD_SIGNATURE, REPEATED = "bad_signature", "repeated"


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came to the address of a source. Header names are in lower case."""

    body: bytes = b""
    content_type: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: str = ""
    content_type: str = "application/json"
    location: str = ""

    @classmethod
    def json(cls, document: Any, status: int = 200) -> "Reply":
        return cls(status, json.dumps(document))


@dataclass(frozen=True, slots=True)
class Received:
    """What the sender may be told of a stored capture."""

    receipt_id: str
    state: str
    is_new: bool


@dataclass(frozen=True, slots=True)
class Option:
    """One thing a provider's set-up page asks for; nothing secret."""

    name: str
    label: str
    help: str = ""
    default: str = ""
    required: bool = False
    choices: tuple[tuple[str, str], ...] = ()


class FetchProblem(Exception):
    """Why a provider's API did not give what was asked for, in words for the office."""

    def __init__(self, words: str, *, seconds: float | None = None) -> None:
        super().__init__(words)
        self.words, self.seconds = words, seconds


class NoAccess(FetchProblem):
    """The token is missing, expired or may not; nothing is tried until a person acts."""


class Gone(FetchProblem):
    """It is not there, and trying again does not bring it back."""


Keep = Callable[[bytes, str, str], bool]  # body, content type, id → whether it was new


class Provider:
    """One kind of sender. The defaults suit one that posts its answers and proves nothing."""

    key: ClassVar[str]
    label: ClassVar[str]
    about: ClassVar[str]
    icon: ClassVar[str] = "webhook"
    kind: ClassVar[str] = Source.Kind.WEBHOOK
    channel: ClassVar[str] = Channel.OTHER
    steps: ClassVar[tuple[str, ...]] = ()
    # A secret that proves who sends; `proof_is_ours` when we make it and the provider is told.
    proof_label: ClassVar[str] = ""
    proof_help: ClassVar[str] = ""
    proof_is_ours: ClassVar[bool] = False
    proof_required: ClassVar[bool] = False
    makes_proof: ClassVar[bool] = True  # from the start; else when the office asks for it
    # A token or password with which we ask the provider.
    access_label: ClassVar[str] = ""
    access_help: ClassVar[str] = ""
    options: ClassVar[tuple[Option, ...]] = ()
    own_targets: ClassVar[Mapping[str, str]] = {}

    def challenge(
        self, connection: Connection, delivery: Delivery, secrets: list[str]
    ) -> Reply | None:
        """The answer to a GET that asks whether we are who we say."""
        return None

    def refusal(self, delivery: Delivery, secrets: list[str]) -> str:
        """Why this did not come from the provider, in words; empty when it did."""
        return ""

    def event_id(self, delivery: Delivery) -> str:
        """What the provider calls this event: sent twice, it is one capture."""
        return ""

    def reply(self, connection: Connection, delivery: Delivery, received: Received) -> Reply:
        return Reply.json({})

    def read(self, item: InboxItem, connection: Connection) -> Submission:
        """:raises parsing.Unreadable: the body does not say what it must."""
        notes: list[str] = []
        document = self.document(bytes(item.body), item.content_type, notes)
        if not isinstance(document, dict) or not document:
            problem = f"This is not what {self.label} sends: an object with answers."
            raise parsing.Unreadable(FieldError("body", problem, "type"))
        return self.submission(document, connection, notes)

    def document(self, body: bytes, content_type: str, notes: list[str]) -> Any:
        media_type, charset = parsing.read_content_type(content_type)
        if parsing.looks_like_json(body, media_type):
            return parsing.json_of(body, charset)
        answers = parsing.answers_of(body, content_type)
        notes += answers.notes
        return answers.values

    def submission(self, document: Any, connection: Connection, notes: list[str]) -> Submission:
        sample = sample_of(self.answers(document, notes), self.targets(document))
        context = self.context(document)
        return submission_of(sample, rules_of(connection), context=context, notes=notes)

    def answers(self, document: Any, notes: list[str]) -> list[Answer]:
        return flatten(document, notes)

    def targets(self, document: Any) -> Mapping[str, str]:
        return self.own_targets

    def context(self, document: Any) -> dict[str, Any]:
        return {}

    def fetch(self, connection: Connection, remote: RemoteLead) -> bytes:
        """The lead that a notice named. :raises FetchProblem:"""
        raise NotImplementedError

    def places(self, connection: Connection) -> list[str]:
        """What is to be looked into from time to time."""
        return []

    def poll(
        self, connection: Connection, name: str, checkpoint: dict[str, Any], keep: Keep
    ) -> dict[str, Any]:
        """Store what is new; return how far everything is stored now.

        :raises FetchProblem: the checkpoint stays where it was.
        """
        raise NotImplementedError


def signed(body: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), body, hashlib.sha256).digest()


def same(given: str, expected: str) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(given.encode("utf-8", "replace"), expected.encode())


def any_same(given: str, expected: list[str]) -> bool:
    return any(same(given, each) for each in expected)


def json_document(body: bytes) -> Any:
    """A body for the door's quick look; what cannot be read is an empty object."""
    try:
        return parsing.json_of(body)
    except parsing.Unreadable:
        return {}


def text_at(document: Any, *names: str) -> str:
    """A text or number deep in a document, or an empty string."""
    for name in names:
        document = document.get(name) if isinstance(document, dict) else None
    return str(document) if isinstance(document, (str, int)) else ""


PROOF_HEADER = "X-LeadCRM-Secret"


def header_refusal(delivery: Delivery, secrets: list[str]) -> str:
    """For senders that sign nothing but can add a header."""
    if not secrets or any_same(delivery.headers.get(PROOF_HEADER.lower(), ""), secrets):
        return ""
    return f"The header {PROOF_HEADER} is missing or does not fit."
