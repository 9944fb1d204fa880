"""From the stored bytes to values, whatever the sender believed it was sending.

Nothing is trusted: not the content type, not the charset, not the number or depth of the fields.
What cannot be meant is refused with `Unreadable`; what is merely odd is read, and noted.
"""

import base64
import binascii
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email.message import Message
from typing import Any
from urllib.parse import unquote_to_bytes

from leadcrm.lib.errors import FieldError
from leadcrm.lib.normalise import clean_json, clean_text

MAX_FIELDS = 500
MAX_TEXT = 20_000
JSON_STARTS = (b"{", b"[")
TEXT_BOMS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))
# Codecs of the web; Python knows others that are slow, lossy or no text at all.
_CHARSET = re.compile(
    r"utf-?(8|16|32)(le|be|-le|-be)?|(iso-?8859|windows-?125|cp125)[-_]?\d{1,2}|latin-?1|us-ascii"
    r"|shift[-_]jis|euc-(jp|kr)|iso-2022-jp|gb2312|gbk|gb18030|big5|koi8-[ru]"
)
_QUOTED = re.compile(r'(name|filename)\*?="?([^";\r\n]*)"?', re.IGNORECASE)


class Unreadable(Exception):
    """The body does not say what it must. The sender is told; the bytes stay for a person."""

    def __init__(self, *errors: FieldError) -> None:
        super().__init__(errors[0].message)
        self.errors = errors

    @property
    def detail(self) -> str:
        return " ".join(error.message for error in self.errors)


@dataclass(slots=True)
class Answers:
    """Field names and cleaned values. `notes` say in words what had to be done to read them."""

    values: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def answers_of(body: bytes, content_type: str) -> Answers:
    """The fields of a form post, in any encoding a browser or a script may use.

    :raises Unreadable: it holds no fields at all, or broken JSON.
    """
    media_type, charset = read_content_type(content_type)
    notes: list[str] = []
    if looks_like_json(body, media_type):
        value = json_of(body, charset)
        if not isinstance(value, dict):
            raise Unreadable(FieldError("body", "Send one JSON object with the fields.", "type"))
        pairs: Iterator[tuple[str, Any]] = iter(value.items())
    elif media_type == "multipart/form-data" or body.lstrip().startswith(b"--"):
        pairs = _multipart(body, boundary_of(content_type, body), charset, notes)
    else:
        pairs = _urlencoded(body, charset, notes)
    answers = Answers(collect(pairs, notes), notes)
    if not answers.values:
        raise Unreadable(FieldError("body", "The post holds no fields.", "empty"))
    return answers


def looks_like_json(body: bytes, media_type: str) -> bool:
    """By its type, or by its look: curl calls JSON a form, sendBeacon calls it text."""
    declared = media_type.endswith(("/json", "+json"))
    return declared or body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(JSON_STARTS)


def read_content_type(content_type: str) -> tuple[str, str]:
    """The media type and the declared charset, both in lower case."""
    message = Message()
    message["Content-Type"] = clean_text(content_type).replace("\n", " ")
    charset = str(message.get_param("charset") or "").lower()
    return message.get_content_type(), charset if _CHARSET.fullmatch(charset) else ""


# ---- text ----


def decode(raw: bytes, charset: str, notes: list[str] | None = None) -> str:
    """Text by its mark, its declared charset, as UTF-8, or at last as Western European."""
    marked = next((name for bom, name in TEXT_BOMS if raw.startswith(bom)), "")
    for name in filter(None, (marked, charset, "utf-8")):
        try:
            return raw.decode(name).removeprefix("\ufeff")
        except (UnicodeError, LookupError):
            continue
    note = "The text was not UTF-8 and was read as Western European (cp1252)."
    if notes is not None and note not in notes:
        notes.append(note)
    return raw.decode("cp1252", errors="replace")


def collect(pairs: Iterator[tuple[str, Any]], notes: list[str]) -> dict[str, Any]:
    """At most `MAX_FIELDS` cleaned fields; a name given twice becomes a list."""
    values: dict[str, Any] = {}
    for raw_name, raw_value in pairs:
        name = clean_text(raw_name, limit=100)
        if not name:
            continue
        if name not in values and len(values) >= MAX_FIELDS:
            notes.append(f"Only the first {MAX_FIELDS} fields were read; the rest is in the body.")
            break
        value = cut(clean_value(raw_value), name, notes)
        values[name] = [*_as_list(values[name]), value] if name in values else value
    return values


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def clean_value(value: Any) -> Any:
    return clean_text(value) if isinstance(value, str) else value


def cut(value: Any, name: str, notes: list[str]) -> Any:
    if isinstance(value, str) and len(value) > MAX_TEXT:
        notes.append(f"“{name}” was cut to {MAX_TEXT:,} characters; the whole is in the body.")
        return value[:MAX_TEXT]
    return value


# ---- JSON ----


def json_of(body: bytes, charset: str = "") -> Any:
    """:raises Unreadable: naming what is wrong and where."""
    if not body.strip():
        raise Unreadable(FieldError("body", "The body is empty. Send a JSON object.", "empty"))
    try:
        return clean_json(json.loads(decode(body, charset), parse_constant=_refuse_constant))
    except json.JSONDecodeError as error:
        problem = f"{error.msg} at line {error.lineno}, column {error.colno}"
    except RecursionError:
        problem = "it is nested too deeply; 32 levels are enough"
    except ValueError as error:
        problem = str(error)
    raise Unreadable(FieldError("body", f"The body is not valid JSON: {problem}.", "json"))


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


# ---- forms ----


def _urlencoded(body: bytes, charset: str, notes: list[str]) -> Iterator[tuple[str, str]]:
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or charset.startswith("utf-16"):
        body, charset = decode(body, charset, notes).encode(), "utf-8"
    for part in body.strip().split(b"&", 4 * MAX_FIELDS)[: 4 * MAX_FIELDS]:
        name, _, value = part.partition(b"=")
        if name:
            yield _unquote(name, charset, notes), _unquote(value, charset, notes)


def _unquote(raw: bytes, charset: str, notes: list[str]) -> str:
    return decode(unquote_to_bytes(raw.replace(b"+", b" ")), charset, notes)


def boundary_of(content_type: str, body: bytes) -> bytes:
    """From the header; a sender that forgot it starts the body with it."""
    message = Message()
    message["Content-Type"] = clean_text(content_type).replace("\n", " ")
    declared = message.get_param("boundary")
    if isinstance(declared, str) and declared:
        return b"--" + declared.encode("utf-8", "surrogateescape")
    return body.lstrip().split(b"\n", 1)[0].strip() or b"--"


def _multipart(
    body: bytes, boundary: bytes, charset: str, notes: list[str]
) -> Iterator[tuple[str, str]]:
    """The text fields, also of a body that was cut off; files are named, not read."""
    for part in body.split(boundary, MAX_FIELDS + 2)[1 : MAX_FIELDS + 2]:
        if part.startswith(b"--"):
            return
        head, content = _split_part(part)
        names = {name.lower(): value for name, value in _QUOTED.findall(decode(head, "utf-8"))}
        if "name" not in names:
            continue
        if "filename" in names:
            notes.append(f"A file was sent as “{names['name']}”; files are not taken.")
            continue
        yield names["name"], decode(_transfer(head, content), charset, notes)


def _split_part(part: bytes) -> tuple[bytes, bytes]:
    separator = b"\r\n\r\n" if b"\r\n\r\n" in part else b"\n\n"
    head, _, content = part.partition(separator)
    return head, content.removesuffix(b"\n").removesuffix(b"\r")


def _transfer(head: bytes, content: bytes) -> bytes:
    if b"base64" not in head.lower():
        return content
    try:
        return base64.b64decode(content, validate=False)
    except (binascii.Error, ValueError):
        return content
