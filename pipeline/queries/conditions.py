"""The one way this app asks the condition language. An empty condition holds for every lead."""

from collections.abc import Collection
from typing import Any

from leads import conditions


def leads_matching(tree: dict[str, Any], lead_ids: Collection[int]) -> set[int]:
    return conditions.matches(tree, lead_ids) if tree else set(lead_ids)


def failing_leaf(tree: dict[str, Any], lead_id: int) -> dict[str, str] | None:
    """The first part of the condition to blame, with what the lead has instead."""
    blamed = conditions.explain(tree, lead_id).failing if tree else None
    return {"text": blamed.text, "actual": blamed.actual or ""} if blamed else None


def check_condition(tree: dict[str, Any], *, path: str = "condition") -> None:
    """:raises Invalid: with an error for each mistake in it."""
    if tree:
        conditions.validate(tree, path=path)
