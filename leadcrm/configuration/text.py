"""YAML in and out, with fewer surprises than YAML has.

`no` and `yes` are words here, `NO` is Norway, a date is text as conditions write it; anchors,
aliases, tags and doubled keys are refused, so that nothing grows or hides.
"""

import re
from typing import Any

import yaml

from leadcrm.lib.errors import Invalid

LARGEST = 500_000  # characters
DEEPEST = 60
SURPRISING = ("tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:merge")


class _Loader(yaml.SafeLoader):
    """Plain data only."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise self.refusal("Write it out: anchors and aliases are not used here.")
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        if getattr(event, "anchor", None):
            raise self.refusal("Write it out: anchors and aliases are not used here.")
        self.depth += 1
        if self.depth > DEEPEST:
            raise self.refusal(f"Nest at most {DEEPEST} levels deep.")
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node

    def construct_mapping(self, node: Any, deep: bool = False) -> Any:  # noqa: FBT001, FBT002  # theirs
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        seen: set[str] = set()
        for (key, _), name in zip(node.value, keys, strict=True):
            if not isinstance(name, str):
                raise yaml.MarkedYAMLError(problem=f"Put the key “{name}” in quotes.",
                                           problem_mark=key.start_mark)  # fmt: skip
            if name in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"“{name}” stands here twice. Keep one.", problem_mark=key.start_mark
                )
            seen.add(name)
        return super().construct_mapping(node, deep=deep)

    def refusal(self, words: str) -> yaml.MarkedYAMLError:
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        return yaml.MarkedYAMLError(problem=words, problem_mark=event.start_mark)


_Loader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in pairs if tag not in SURPRISING]
    for letter, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile("^(?:true|false)$"), list("tf"))


class _Dumper(yaml.SafeDumper):
    """Lists indented below their key, long texts unbroken."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> Any:  # noqa: FBT001, FBT002
        return super().increase_indent(flow, False)  # noqa: FBT003

    def ignore_aliases(self, data: Any) -> bool:
        return True


def load(text: str) -> Any:
    """:raises Invalid: it is no YAML, or more than plain data; naming line and column."""
    if len(text) > LARGEST:
        raise Invalid.field("yaml", f"Use at most {LARGEST:,} characters.", "too_long")
    try:
        return yaml.load(text, Loader=_Loader)  # noqa: S506  # a SafeLoader with less
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"Line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        problem = str(error.problem or "This is no YAML.")
        raise Invalid.field("yaml", f"{where}{problem}", "not_yaml") from None
    except (yaml.YAMLError, RecursionError, ValueError, OverflowError):
        raise Invalid.field("yaml", "This cannot be read as YAML.", "not_yaml") from None


def dump(document: Any) -> str:
    text: str = yaml.dump(
        document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=100,
        default_flow_style=False,
    )  # fmt: skip
    return text
