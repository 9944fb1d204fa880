"""JSON as browsers, servers and attackers send it, read without surprises."""

import json
from typing import Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from leadcrm.lib.normalise import clean_json

MAX_BODY_BYTES = 5_000_000


class StrictJSONParser(BaseParser):
    """JSON in UTF-8, finite numbers only; NUL and lone surrogates are removed from strings.

    PostgreSQL stores neither, so they would otherwise surface as a server error.
    """

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        raw = stream.read(MAX_BODY_BYTES + 1)
        if len(raw) > MAX_BODY_BYTES:
            raise ParseError("The body is larger than 5 MB. Send it in smaller parts.")
        return parse_json(raw)


def parse_json(raw: bytes) -> Any:
    """:raises ParseError: naming what is wrong and where."""
    try:
        return clean_json(json.loads(raw.decode("utf-8-sig"), parse_constant=_refuse_constant))
    except UnicodeDecodeError:
        raise ParseError("The body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        raise ParseError(
            f"The body is not valid JSON: {error.msg} at line {error.lineno}, column {error.colno}."
        ) from None
    except RecursionError:
        raise ParseError("The JSON is nested too deeply; 32 levels are enough.") from None
    except ValueError as error:
        raise ParseError(f"The JSON holds a value that cannot be stored: {error}.") from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a number")
