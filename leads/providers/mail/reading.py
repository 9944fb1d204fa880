"""What a message is: somebody asking, a forward, a machine's answer, a bounce; and what it says."""

import re
from dataclasses import dataclass

from leads.capture.mapping import target_of
from leads.providers.mail.message import Address, Mail, first_address

MOST_HOPS = 40
LONGEST_LINE = 2000
LOCAL_MACHINES = frozenset({"mailer-daemon", "postmaster", "bounce", "bounces", "mail-daemon"})
AUTOMATIC = ("x-autoreply", "x-autorespond", "x-autoresponse", "x-auto-response")
AWAY = re.compile(
    r"^\W*(automatic reply|auto(matic)?[ -]?(reply|response)|out of (the )?office|abwesen|"
    r"automatische antwort|réponse automatique|respuesta automática|risposta automatica|自動返信)",
    re.IGNORECASE,
)
FORWARD_SUBJECT = re.compile(r"^\s*((fwd?|wg|tr|rv|i|doorst)\s*:\s*)+", re.IGNORECASE)
FORWARD_MARK = re.compile(
    r"[> *]{0,9}(-{2,20} ?(forwarded message|original message|weitergeleitete nachricht|"
    r"ursprüngliche nachricht|message transféré) ?-{2,20}|begin forwarded message:|"
    r"anfang der weitergeleiteten nachricht:|_{10,80})[ *]{0,9}",
    re.IGNORECASE,
)
FROM_LINE = re.compile(r"^[>\s*]*(from|von|de|da|van)\s*:\s*\*?(.+)$", re.IGNORECASE)
HEADER_LINE = re.compile(r"^[>\s*]*([\w-]{2,20})\s*:\*?\s*(.*)$")
SUBJECT_WORDS = ("subject", "betreff", "objet", "asunto", "oggetto", "onderwerp")
QUOTED = re.compile(
    r"^\s*(on .{5,200} wrote:|am .{5,200} schrieb.{0,80}:|le .{5,200} a écrit\s*:|"
    r"-+\s*(original message|ursprüngliche nachricht)\s*-+|_{20,})\s*$",
    re.IGNORECASE,
)
LABELLED = re.compile(r"^\s*\*?([^\W\d_][\w '’/&().-]{0,40}?)\*?\s*:\s*(\S.*)$")


@dataclass(frozen=True, slots=True)
class Aside:
    """Why a message is no lead."""

    code: str
    words: str
    rejected: bool = True


def aside_of(mail: Mail, *, ours: frozenset[str]) -> Aside | None:
    """What was sent by a machine, or by ourselves; RFC 3834, 3464 and 5965.

    :param ours: addresses in lower case that this installation sends from or is read at.
    """
    headers, sender = mail.headers, mail.sender.email.lower()
    if "report-type=feedback-report" in mail.content_type:
        return Aside(
            "complaint", "A mail provider's report that somebody marked an e-mail as spam."
        )
    if _is_bounce(mail):
        return Aside("bounce", "A mail server's report about an e-mail that it could not deliver.")
    if "x-crm-send" in headers or mail.hops > MOST_HOPS or (sender and sender in ours):
        return Aside("loop", "It was sent by this installation itself, or goes round in a circle.")
    if _is_automatic(mail):
        return Aside("auto_reply", "An automatic answer, such as an out-of-office note.")
    if headers.get("precedence", "").lower() in {"bulk", "junk"} and "list-unsubscribe" in headers:
        return Aside("newsletter", "It looks like a newsletter, not like a person.", rejected=False)
    return None


def _is_bounce(mail: Mail) -> bool:
    local = mail.sender.email.lower().partition("@")[0]
    report = "report-type=delivery-status" in mail.content_type
    nobody = mail.headers.get("return-path", "").strip() == "<>"
    return report or local in LOCAL_MACHINES or (nobody and mail.content_type == "multipart/report")


def _is_automatic(mail: Mail) -> bool:
    headers = mail.headers
    said = headers.get("auto-submitted", "no").partition(";")[0].strip().lower()
    if said not in {"", "no"} or any(name in headers for name in AUTOMATIC):
        # Websites mark what they send for a visitor as automatic too; then Reply-To is a person.
        return mail.person == mail.sender
    return headers.get("precedence", "").lower() == "auto_reply" or bool(AWAY.match(mail.subject))


def is_reply(mail: Mail) -> bool:
    return bool(mail.answers) and not FORWARD_SUBJECT.match(mail.subject)


@dataclass(frozen=True, slots=True)
class Letter:
    """Who asks, and what; `forwarded_by` when a colleague passed it on."""

    person: Address
    subject: str
    text: str
    forwarded_by: str = ""


def letter_of(mail: Mail) -> Letter:
    if mail.attached is not None and mail.attached.person:
        inner = mail.attached
        return Letter(inner.person, inner.subject, without_quotes(inner.text), mail.sender.email)
    forwarded = forwarded_in(mail)
    if forwarded is not None:
        return forwarded
    return Letter(mail.person, mail.subject, without_quotes(mail.text))


def forwarded_in(mail: Mail) -> Letter | None:
    """The inner message of a forward: after its mark stand its headers, then its text."""
    lines = mail.text.split("\n")
    marks = (n for n, line in enumerate(lines) if FORWARD_MARK.fullmatch(line.strip()[:200]))
    at = next(marks, None)
    if at is None:
        return None
    forwards = ("forward" in lines[at].lower()) or ("weiter" in lines[at].lower())
    if not (forwards or FORWARD_SUBJECT.match(mail.subject)):
        return None
    lines = "\n".join(lines[at + 1 :]).lstrip("\n").split("\n")
    found, subject, body_at = Address(), "", 0
    for number, whole in enumerate(lines[:25]):
        line = whole[:LONGEST_LINE]
        if not line.strip(" >\t*") and found:
            body_at = number
            break
        if header := FROM_LINE.match(line):
            found = found or first_address(_plain_address(header[2][:300]))
        elif (named := HEADER_LINE.match(line)) and named[1].lower() in SUBJECT_WORDS:
            subject = named[2].strip()
    if not found:
        return None
    text = "\n".join(line.removeprefix("> ").removeprefix(">") for line in lines[body_at:])
    words = subject or FORWARD_SUBJECT.sub("", mail.subject)
    return Letter(found, words[:300], without_quotes(text), mail.sender.email)


def _plain_address(text: str) -> str:
    """`Alice Archer <mailto:a@x.example>` and `Alice [a@x.example]` as mail programs mean them."""
    text = re.sub(r"[\[<](?:mailto:)?\s*([^\s\[\]<>]+@[^\s\[\]<>]+?)\s*[\]>]", r"<\1>", text)
    return re.sub(r"(<[^<>]+>)\s*<[^<>]+>", r"\1", text).strip(" *")


def without_quotes(text: str) -> str:
    """What the person wrote now: up to the quoted history and the signature."""
    kept: list[str] = []
    for line in text.split("\n"):
        if QUOTED.match(line) or line.rstrip() == "--":
            break
        if not line.startswith(">"):
            kept.append(line)
    return "\n".join(kept).strip() or text.strip()


def labelled(text: str) -> dict[str, str]:
    """The answers of a website's notification, `E-mail: alice@kestrel.example` on lines.

    Nothing when the text is not written that way: one such line may stand in any letter.
    """
    found: dict[str, str] = {}
    for line in text.split("\n")[:200]:
        if parts := LABELLED.match(line[:LONGEST_LINE]):
            found.setdefault(parts[1].strip()[:60], parts[2].strip())
    targets = {target_of(name) for name in found}
    return found if len(targets - {""}) >= 2 and "email" in targets else {}
