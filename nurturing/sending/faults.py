"""What an answer of a mail server, or its silence, means for the mail at hand."""

import re
from enum import StrEnum


class Stage(StrEnum):
    """How far the conversation had come."""

    CONNECT = "connect"
    SIGN_IN = "sign-in"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BODY = "body"
    END = "end"  # the terminator is out: from here on silence leaves doubt


class Meaning(StrEnum):
    RETRY = "retry"  # not accepted; try again later
    NO_SUCH_ADDRESS = "bounced"  # not accepted, never will be: suppress the address
    POLICY = "policy"  # refused for who we are or what we say: the address is fine
    REJECTED = "rejected"  # refused for good
    SENDER = "sender_paused"  # the server refuses us, whoever the mail is for
    IN_DOUBT = "in_doubt"  # perhaps accepted


class SmtpFault(Exception):
    """The conversation ended without acceptance; `code` 0 when the connection broke."""

    def __init__(self, stage: Stage, code: int = 0, text: str = "") -> None:
        self.stage = stage
        self.code = code
        self.text = " ".join(text.split())
        super().__init__(f"{stage}: {code} {self.text}")

    @property
    def words(self) -> str:
        said = f"{self.code} {self.text}".strip() if self.code else self.text or "no answer"
        return f"At {self.stage}: {said}"[:300]


_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_UNKNOWN_ADDRESS = ("5.1.1", "5.1.2", "5.1.10")


def meaning_of(fault: SmtpFault) -> Meaning:
    """RFC 5321 reply codes, sharpened by the enhanced codes of RFC 3463 where there are any."""
    if not fault.code:
        return Meaning.IN_DOUBT if fault.stage == Stage.END else Meaning.RETRY
    if fault.code < 500:
        return Meaning.RETRY
    if fault.stage in {Stage.CONNECT, Stage.SIGN_IN, Stage.MAIL}:
        return Meaning.SENDER
    found = _ENHANCED.search(fault.text)
    enhanced = found[1] if found else ""
    if enhanced in _UNKNOWN_ADDRESS:
        return Meaning.NO_SUCH_ADDRESS
    if enhanced == "5.2.2" or fault.code == 552:
        return Meaning.RETRY  # the mailbox is full, which passes
    if enhanced.startswith("5.7."):
        return Meaning.POLICY
    return Meaning.REJECTED
