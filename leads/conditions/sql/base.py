"""What every piece of a compiled condition is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

LEADS = "leads_lead lead JOIN leads_leadscore score ON score.lead_id = lead.id"
# Not now(): what the same transaction wrote a moment ago lies behind it, not before it.
PRESENT = "statement_timestamp()"

Params = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Predicate:
    """`changes`: expressions for the moments at which the passing of time alone may change it."""

    sql: str
    params: Params = ()
    changes: "tuple[Predicate, ...]" = ()


NOBODY = Predicate("false")


@dataclass(frozen=True, slots=True)
class Context:
    """`moment` is SQL; `columns` replaces the SQL of fields that a statement has at hand."""

    moment: str = PRESENT
    columns: Mapping[str, str] = field(default_factory=dict)

    def at(self, sql: str) -> str:
        """SQL of the catalogue at this moment."""
        return sql.replace("{moment}", self.moment)


def moment_sql(at: datetime | None) -> str:
    return PRESENT if at is None else f"TIMESTAMPTZ '{at.isoformat()}'"
