"""What one row would do: the same judgement for the dry run and for the import itself."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from leads.actions import uniques
from leads.importing.cleaning import Prepared
from leads.importing.options import Existing, Options
from leads.importing.people import Found, Known
from leads.models import ImportRow

Outcome = ImportRow.Outcome


@dataclass(slots=True)
class Verdict:
    """`changes` are columns with their new values; the rest is added to the lead."""

    row: Prepared
    outcome: str
    reason: str = ""
    known: Known | None = None
    changes: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    note: str = ""
    external: str = ""
    consent: bool | None = None  # the receipt to write, if any
    before: dict[str, Any] = field(default_factory=dict)  # what the changes replaced

    @property
    def lead_id(self) -> int | None:
        return self.known.lead.pk if self.known else None


def judge(row: Prepared, found: Found, options: Options) -> Verdict:
    if row.problem or found.problem:
        return Verdict(row, Outcome.INVALID, row.problem or found.problem)
    if found.known is None:
        if not options.create:
            return Verdict(row, Outcome.SKIPPED, "Nobody like this is here, and only updates.")
        if row.problem_if_new:
            return Verdict(row, Outcome.INVALID, row.problem_if_new)
        return _new(row, options)
    if options.existing == Existing.SKIP:
        return Verdict(row, Outcome.SKIPPED, "Is here already.", found.known)
    return _update(row, found.known, options)


def keep_unique(verdicts: Sequence[Verdict], *, lock: bool = False) -> None:
    """Set aside rows with a value that another lead, or an earlier row, has in a unique field."""
    unique = uniques.unique_fields()
    if not unique:
        return
    writing = [v for v in verdicts if v.outcome in (Outcome.CREATED, Outcome.UPDATED)]
    customs = {v.row.line: _own_values(v) for v in writing}
    owners = uniques.owners_of(customs.values(), lock=lock)
    for verdict in writing:
        for definition in unique:
            value = customs[verdict.row.line].get(definition.key)
            holders = owners.get((definition.key, json.dumps(value, sort_keys=True)))
            if value in uniques.EMPTY or holders is None:
                continue
            mine = verdict.lead_id or -verdict.row.line  # a new lead has no key yet
            if holders - {mine}:
                verdict.outcome = Outcome.INVALID
                verdict.reason = uniques.taken_words(definition, value)
                break
            holders.add(mine)


def _own_values(verdict: Verdict) -> dict[str, Any]:
    """The custom values that a row is about to write."""
    if verdict.known is None:
        return verdict.row.custom
    before, after = verdict.known.lead.custom, verdict.changes.get("custom") or {}
    return {key: value for key, value in after.items() if before.get(key) != value}


def external_of(row: Prepared) -> str:
    return next((key[2:] for key in row.keys if key.startswith("x:")), "")


def _said(row: Prepared, options: Options) -> bool | None:
    """What the row says about marketing mail; the words for all do not outdo a “no”."""
    return True if row.consent is None and options.consent else row.consent


def _new(row: Prepared, options: Options) -> Verdict:
    return Verdict(
        row,
        Outcome.CREATED,
        tags=row.tags,
        note=row.note,
        external=external_of(row),
        consent=True if _said(row, options) else None,
    )


def _update(row: Prepared, known: Known, options: Options) -> Verdict:
    verdict = Verdict(row, Outcome.UNCHANGED, known=known)
    verdict.changes = _changes(row, known, replace=options.existing == Existing.REPLACE)
    verdict.tags = [name for name in row.tags if name.casefold() not in known.tags]
    verdict.note = row.note if row.note not in known.notes else ""
    external = external_of(row)
    verdict.external = external if external not in known.externals else ""
    verdict.consent = _consent(_said(row, options), known)
    comes_back = known.lead.deleted_at is not None
    news = (verdict.changes, verdict.tags, verdict.note, verdict.external, comes_back)
    if any(news) or verdict.consent is not None:
        verdict.outcome = Outcome.UPDATED
        verdict.reason = _words(verdict, comes_back=comes_back)
    return verdict


def _consent(said: bool | None, known: Known) -> bool | None:  # noqa: FBT001
    """A “no” withdraws; a “yes” never outdoes what the person said before."""
    if said is False and known.consent is True:
        return False
    return True if said and known.consent is None else None


def _changes(row: Prepared, known: Known, *, replace: bool) -> dict[str, Any]:
    lead = known.lead
    changes = {
        name: value
        for name, value in row.contact.items()
        if _wanted(getattr(lead, name), value, replace=replace)
    }
    custom = {
        key: value
        for key, value in row.custom.items()
        if _wanted(lead.custom.get(key), value, replace=replace)
    }
    if custom:
        changes["custom"] = {**lead.custom, **custom}
    return changes


def _wanted(present: Any, value: Any, *, replace: bool) -> bool:
    empty = present in ("", None, [])
    return bool(present != value if replace or empty else False)


def _words(verdict: Verdict, *, comes_back: bool) -> str:
    """“Job title, city, 2 tags”."""
    parts = [name.replace("_", " ") for name in verdict.changes]
    if verdict.tags:
        parts.append("1 tag" if len(verdict.tags) == 1 else f"{len(verdict.tags)} tags")
    parts += [
        word
        for word, there in (
            ("note", verdict.note),
            ("external id", verdict.external),
            ("consent", verdict.consent is not None),
            ("was deleted and comes back", comes_back),
        )
        if there
    ]
    return ", ".join(parts)[:500].capitalize()
