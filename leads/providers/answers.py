"""A document of any shape as a flat list of answers, each with an address that a mapping can name.

`{"data": {"user": {"email": "…"}}}` has `data.user.email`, a list `answers[2].text`. A list of
names and values, as form builders send, is addressed by the names: `fields[email]`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from leads.capture.parsing import MAX_FIELDS, clean_value, cut

MAX_PATH = 200
NAMES = ("name", "label", "question", "title", "field_name", "column_id", "key", "ref", "id")
VALUES = ("value", "values", "string_value", "answer", "answers", "text", "response")


@dataclass(frozen=True, slots=True)
class Answer:
    """`names` are the words of the address from the outside in, without list positions.

    `label` is the question as it was asked, where the sender tells it beside a key of its own.
    """

    path: str
    names: tuple[str, ...]
    value: Any
    label: str = ""


def flatten(document: Any, notes: list[str]) -> list[Answer]:
    """Every text, number and yes or no in a document; the first `MAX_FIELDS` of them."""
    found: dict[str, Answer] = {}
    for answer in _walk(document, "", ()):
        if answer.path in found:
            found[answer.path] = _joined(found[answer.path], answer)
        elif len(found) >= MAX_FIELDS:
            notes.append(f"Only the first {MAX_FIELDS} answers were read; the rest is in the body.")
            break
        else:
            value = cut(clean_value(answer.value), answer.path, notes)
            found[answer.path] = Answer(answer.path, answer.names, value)
    return list(found.values())


def _joined(first: Answer, second: Answer) -> Answer:
    """A name that was given twice becomes a list."""
    values = first.value if isinstance(first.value, list) else [first.value]
    return Answer(first.path, first.names, [*values, second.value])


def _walk(value: Any, path: str, names: tuple[str, ...]) -> Iterator[Answer]:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name:
                yield from _walk(inner, _below(path, name), (*names, name[:100]))
    elif isinstance(value, list):
        yield from _walk_list(value, path, names)
    elif value is not None and path:
        yield Answer(path, names, value)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}"[-MAX_PATH:] if path else name[:MAX_PATH]


def _walk_list(values: list[Any], path: str, names: tuple[str, ...]) -> Iterator[Answer]:
    plain = [value for value in values if value is not None]
    if not any(isinstance(value, (list, Mapping)) for value in plain):
        if plain and path:
            yield Answer(path, names, plain[0] if len(plain) == 1 else plain[:100])
        return
    if pairs := named_values(values):
        for name, value in pairs:
            yield from _walk(value, f"{path}[{name}]"[-MAX_PATH:], (*names, name))
        return
    for number, value in enumerate(values):
        yield from _walk(value, f"{path}[{number}]"[-MAX_PATH:], names)


def named_values(values: Sequence[Any]) -> list[tuple[str, Any]]:
    """`[{"name": "email", "value": "…"}, …]` as pairs; nothing for a list of another kind."""
    if not all(isinstance(value, Mapping) for value in values):
        return []
    name_key = next((key for key in NAMES if _all_name(values, key)), None)
    value_key = next((key for key in VALUES if any(key in value for value in values)), None)
    if name_key is None or value_key is None or name_key == value_key:
        return []
    return [(str(value[name_key])[:100], value.get(value_key)) for value in values]


def _all_name(values: Sequence[Mapping[str, Any]], key: str) -> bool:
    return all(isinstance(value.get(key), str) and value[key].strip() for value in values)
