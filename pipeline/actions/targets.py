"""Response targets: how soon whom must hear from a person, and the steps when they do not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from leadcrm.accounts.models import User
from leadcrm.lib.errors import FieldError, Invalid
from leadcrm.lib.normalise import clean_json, clean_text
from pipeline import queries
from pipeline.models import Pool, ResponseStep, ResponseTarget

LONGEST_MINUTES = 90 * 24 * 60
MOST_TARGETS = 50
MOST_STEPS = 10
Deed = ResponseStep.Deed


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStep:
    """`minutes` after the target, counted as the target is."""

    minutes: int
    deed: str
    person: User | None = None
    pool: Pool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetTerms:
    name: str
    minutes: int
    uses_working_hours: bool = True
    warn_minutes: int | None = None
    condition: dict[str, Any] = field(default_factory=dict)
    enabled: bool = True
    steps: Sequence[NewStep] = ()


@transaction.atomic
def save_target(target: ResponseTarget | None, terms: TargetTerms) -> ResponseTarget:
    """Make a target, or change it for clocks that start from now on.

    :raises Invalid: names each field, and each step, that cannot be meant.
    """
    saved = target or ResponseTarget(order=_last_place())
    name, condition = clean_text(terms.name, limit=80), clean_json(terms.condition)
    errors = [*_mistakes(name, terms), *_mistaken_steps(terms.steps)]
    try:
        queries.check_condition(condition)
    except Invalid as error:
        errors.extend(error.errors)
    if target is None and ResponseTarget.objects.count() >= MOST_TARGETS:
        errors.append(FieldError("name", f"Keep to {MOST_TARGETS} targets."))
    if errors:
        raise Invalid(errors[0].message, errors=errors)
    saved.name, saved.condition, saved.enabled = name, condition, terms.enabled
    saved.minutes, saved.warn_minutes = terms.minutes, terms.warn_minutes
    saved.uses_working_hours = terms.uses_working_hours
    saved.save()
    saved.steps.all().delete()
    ResponseStep.objects.bulk_create(
        ResponseStep(target=saved, minutes=s.minutes, deed=s.deed, person=s.person, pool=s.pool)
        for s in sorted(terms.steps, key=lambda step: step.minutes)
    )
    return saved


def _last_place() -> int:
    last = ResponseTarget.objects.order_by("-order").first()
    return last.order + 1 if last else 0


def _mistakes(name: str, terms: TargetTerms) -> Iterator[FieldError]:
    if not name:
        yield FieldError("name", "Give the target a name, such as Hot leads.", "required")
    if not 1 <= terms.minutes <= LONGEST_MINUTES:
        yield FieldError(
            "minutes", "A target lies between 1 minute and 90 days: nobody answers in no time."
        )
    if terms.warn_minutes is not None and not 1 <= terms.warn_minutes < terms.minutes:
        yield FieldError(
            "warn_minutes",
            "Warn at least a minute before the target and after the lead came in, or leave it "
            "empty: then a quarter of the time before, at most 15 minutes.",
        )


def _mistaken_steps(steps: Sequence[NewStep]) -> Iterator[FieldError]:
    if len(steps) > MOST_STEPS:
        yield FieldError("steps", f"Keep to {MOST_STEPS} steps; nobody can follow more.")
    seen: set[tuple[int, str]] = set()
    given: dict[int, int] = {}
    for step in sorted(steps, key=lambda each: each.minutes):
        yield from _mistaken_step(step)
        if (step.minutes, step.deed) in seen:
            yield FieldError("steps", f"Two steps after {step.minutes} min do the same. Keep one.")
        seen.add((step.minutes, step.deed))
        if step.deed == Deed.TO_PERSON and step.person is not None:
            before = given.setdefault(step.person.pk, step.minutes)
            if before != step.minutes:
                yield FieldError(
                    "steps",
                    f"These steps go round in a circle: {step.person.name} gets the lead after "
                    f"{before} min and again after {step.minutes} min. Let the last step tell a "
                    "manager instead.",
                    "circle",
                )


def _mistaken_step(step: NewStep) -> Iterator[FieldError]:
    what = f"The step after {step.minutes} min"
    if step.deed not in Deed.values:
        yield FieldError("steps", f"{what} does nothing known. Choose one of the deeds.")
    elif not 1 <= step.minutes <= LONGEST_MINUTES:
        yield FieldError("steps", f"{what} must come between 1 minute and 90 days after it.")
    elif step.deed in {Deed.TELL_PERSON, Deed.TO_PERSON}:
        if step.person is None or not step.person.is_active:
            yield FieldError("steps", f"{what} needs a person whose account is on.", "required")
    elif step.deed == Deed.TO_POOL:
        if step.pool is None:
            yield FieldError("steps", f"{what} needs a pool.", "required")
        elif not (step.pool.includes_everyone or step.pool.members.exists()):
            yield FieldError(
                "steps", f"{what} gives leads to {step.pool}, but nobody is in it. Add people."
            )


@transaction.atomic
def move_target(target: ResponseTarget, *, up: bool) -> None:
    """The first target whose condition holds counts, so their order matters."""
    targets = list(ResponseTarget.objects.select_for_update().order_by("order", "pk"))
    index = targets.index(target)
    targets.insert(max(0, index - 1 if up else index + 1), targets.pop(index))
    for order, each in enumerate(targets):
        each.order = order
    ResponseTarget.objects.bulk_update(targets, ["order"])


def delete_target(target: ResponseTarget) -> None:
    """Clocks that run by it go on as they are, without its steps."""
    target.delete()
