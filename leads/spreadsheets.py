"""Text that a spreadsheet shows and never runs, and back again."""

import re

_FORMULA = re.compile(r"[=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?[\d ().]+")
_QUOTED = re.compile(r"'+[=+\-@\t\r]")


def guarded(text: str) -> str:
    """A leading `=` would be a formula; an apostrophe before it makes it text.

    What has an apostrophe there already gets one more, so that `unguarded` gives it back.
    """
    runs = _FORMULA.match(text) and not _NUMBER.fullmatch(text)
    return f"'{text}" if runs or _QUOTED.match(text) else text


def unguarded(text: str) -> str:
    return text[1:] if _QUOTED.match(text) else text
