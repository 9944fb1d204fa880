"""Writing the configuration out, looking what a file would change, and taking it over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.configuration import comparing, expecting, reading, scoring, segments, text
from leadcrm.configuration.comparing import Change
from leadcrm.configuration.expecting import Verdict
from leadcrm.lib import memo
from leadcrm.lib.errors import Conflict, FieldError, Invalid
from scoring import actions as scoring_actions
from scoring import frameworks, queries
from scoring.models import ModelVersion

FORMAT = 1
PARTS = ("leadcrm", "frameworks", "segments", "scoring", "expect")


class ExpectationsNotMet(Conflict):
    """An expectation of the file does not come true by its own rules; nothing was changed."""

    code = "expectations_not_met"

    def __init__(self, failed: Sequence[Verdict]) -> None:
        words = "; ".join(f"“{each.name}” {each.mistakes[0]}" for each in failed[:3])
        errors = [
            FieldError("expect", f"{each.name}: {mistake}", self.code)
            for each in failed
            for mistake in each.mistakes
        ]
        message = f"Nothing was changed, because what the file expects does not come true: {words}."
        super().__init__(message, errors=errors)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file changes, and whether what it expects comes true."""

    changes: tuple[Change, ...]
    verdicts: tuple[Verdict, ...]
    versions: tuple[ModelVersion, ...] = ()

    @property
    def failed(self) -> list[Verdict]:
        return expecting.failures(self.verdicts)


def export(*, drafts: bool = False) -> dict[str, Any]:
    """The configuration as plain data.

    :param drafts: the drafts of models instead of what is published.
    """
    return {
        "leadcrm": FORMAT,
        "frameworks": scoring.read_frameworks(),
        "segments": segments.read(),
        "scoring": scoring.read_models(drafts=drafts),
    }


def export_text(*, drafts: bool = False) -> str:
    return text.dump(export(drafts=drafts))


def plan(source: str, *, at: datetime, user: User | None = None) -> Plan:
    """What taking the file over would change and whether its expectations hold; writes nothing.

    :raises Invalid: naming each place and the cure.
    """
    document = _document(source)
    with transaction.atomic():
        found = _apply(document, at=at, user=user)
        transaction.set_rollback(True)
    memo.forget(frameworks.MEMO)
    return found


def take_over(source: str, *, publish: bool, at: datetime, user: User | None = None) -> Plan:
    """Make it so, all or nothing; scoring becomes a draft, or with `publish` what counts.

    :raises ExpectationsNotMet: nothing was changed then.
    :raises Invalid: naming each place and the cure.
    """
    document = _document(source)
    try:
        with transaction.atomic():
            found = _apply(document, at=at, user=user)
            if found.failed:
                raise ExpectationsNotMet(found.failed)
            if publish:
                for version in found.versions:
                    scoring_actions.publish_version(version.pk, at=at, user=user)
    except BaseException:
        memo.forget(frameworks.MEMO)
        raise
    return found


def _document(source: str) -> dict[str, Any]:
    document = text.load(source)
    if not isinstance(document, dict):
        raise Invalid.field("yaml", f"Write the parts of a configuration: {', '.join(PARTS)}.")
    reading.mapping(document, "", PARTS)
    if document.get("leadcrm") != FORMAT:
        raise Invalid.field("leadcrm", f"Begin with leadcrm: {FORMAT}, the format of this file.")
    return document


def _apply(document: dict[str, Any], *, at: datetime, user: User | None) -> Plan:
    before = export()
    scoring.write_frameworks(document.get("frameworks"), path="frameworks", at=at, user=user)
    segments.write(document.get("segments"), path="segments", at=at, user=user)
    versions = scoring.write_models(document.get("scoring"), path="scoring", at=at, user=user)
    after = export(drafts=True)
    named = {row["id"] for row in after["scoring"]} & {version.model.key for version in versions}
    for key in ("scoring",):  # drafts that the file does not speak of are no change of it
        old = {row["id"]: row for row in before[key]}
        after[key] = [row if row["id"] in named else old.get(row["id"], row) for row in after[key]]
    verdicts = _try(document, versions, at=at)
    changes = tuple(comparing.compare(before, after))
    return Plan(changes, tuple(verdicts), tuple(versions))


def _try(
    document: dict[str, Any], versions: Sequence[ModelVersion], *, at: datetime
) -> list[Verdict]:
    """On leads that are gone again afterwards."""
    shown = next((version for version in versions if version.model.is_default), None)
    with transaction.atomic():
        version = shown or _published()
        verdicts = expecting.try_all(document.get("expect"), version, at=at)
        transaction.set_rollback(True)
    return verdicts


def _published() -> ModelVersion | None:
    return queries.published_version()
