"""Liquid with everything taken out that could reach further than the words of a mail.

Templates come from users. They see plain dictionaries only, cannot include other files, and every
loop, nesting, variable and output is limited, so that a template is never more than text.
"""

from functools import lru_cache
from typing import Any

from liquid import BoundTemplate, DictLoader, Environment, Mode
from liquid.exceptions import LiquidError
from liquid.undefined import FalsyStrictUndefined

SOURCE_LIMIT = 64_000
MOST_TAGS = 1000

TAGS_WORDS = """
    # assign break capture case comment content continue echo for if illegal liquid output
    unless
"""
TAGS = frozenset(TAGS_WORDS.split())
# `safe` switches escaping off; chains of `replace`, `append` or `split` and `join` multiply text
# before a limit sees it.
FILTERS_WORDS = """
    abs at_least at_most capitalize ceil compact date default divided_by downcase escape
    escape_once first floor join last lstrip minus modulo newline_to_br plus remove
    remove_first reverse round rstrip size slice squish strip strip_html
    strip_newlines times truncate truncatewords uniq upcase url_encode
"""
FILTERS = frozenset(FILTERS_WORDS.split())


class Sandbox(Environment):
    context_depth_limit = 10
    block_nesting_limit = 15
    loop_iteration_limit = 1000
    local_namespace_limit = 50_000
    output_stream_limit = 500_000

    def setup_tags_and_filters(self, *, extra: bool = False) -> None:
        super().setup_tags_and_filters(extra=extra)
        for name in set(self.tags) - TAGS:
            del self.tags[name]
        for name in set(self.filters) - FILTERS:
            del self.filters[name]


def _sandbox(*, autoescape: bool) -> Sandbox:
    return Sandbox(
        autoescape=autoescape,
        tolerance=Mode.STRICT,
        strict_filters=True,
        undefined=FalsyStrictUndefined,
        loader=DictLoader({}),
    )


HTML = _sandbox(autoescape=True)
TEXT = _sandbox(autoescape=False)


class TemplateBroken(Exception):
    """A template that cannot be filled in: `message` says why, `line` where (from 1)."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line

    def __str__(self) -> str:
        return f"Line {self.line}: {self.message}" if self.line else self.message


@lru_cache(maxsize=512)
def parse(source: str, *, html: bool) -> BoundTemplate:
    """:raises TemplateBroken: the source is too long or not Liquid that we allow."""
    _refuse_endless(source)
    try:
        return (HTML if html else TEXT).from_string(source)
    except LiquidError as error:
        raise broken(error, source) from None
    except RecursionError:
        raise TemplateBroken("The template is nested too deeply.") from None


def _refuse_endless(source: str) -> None:
    """What the parser would look at again and again: length, many tags, tags without an end."""
    if len(source) > SOURCE_LIMIT:
        raise TemplateBroken("The template is longer than 64,000 characters. Shorten it.")
    if source.count("{{") + source.count("{%") > MOST_TAGS:
        raise TemplateBroken(f"The template has more than {MOST_TAGS} fields and tags.")
    for start, end in (("{{", "}}"), ("{%", "%}")):
        unclosed = source.find(start, source.rfind(end) + 1)
        if unclosed >= 0:
            raise TemplateBroken(f"This {start} has no {end}.", line_at(source, unclosed))


def render(source: str, context: dict[str, Any], *, html: bool) -> str:
    """:raises TemplateBroken: it says something about the lead that does not exist, or too much."""
    template = parse(source, html=html)
    try:
        return str(template.render(**context))
    except LiquidError as error:
        raise broken(error, source) from None
    except (RecursionError, ArithmeticError, ValueError, TypeError, OverflowError, MemoryError):
        raise TemplateBroken("A filter cannot work with the value it gets.") from None


def broken(error: LiquidError, source: str) -> TemplateBroken:
    message = str(error.message).rstrip(".")
    return TemplateBroken(f"{message[:1].upper()}{message[1:]}.", _line_of(error, source))


def _line_of(error: LiquidError, source: str) -> int | None:
    token = error.token
    if token is None:
        return None
    # An unclosed block is noticed at the end of the file, which has no position.
    start = token.start_index if token.start_index >= 0 else len(source.rstrip())
    return line_at(source, start)


def line_at(source: str, index: int) -> int:
    return source.count("\n", 0, index) + 1
