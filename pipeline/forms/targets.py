"""A response target as a form: its terms, and the steps after it."""

from collections.abc import Iterator
from typing import Any

from django import forms

from leads.conditions.builder import ConditionField
from pipeline import queries
from pipeline.actions.targets import NewStep, TargetTerms
from pipeline.models import Pool, ResponseStep, ResponseTarget

ROWS = 5


class TargetForm(forms.Form):
    name = forms.CharField(max_length=80, help_text="Such as Hot leads.")
    condition = ConditionField(required=False, label="For leads that")
    minutes = forms.IntegerField(label="Minutes to the first human answer")
    uses_working_hours = forms.BooleanField(
        required=False,
        label="Count working time only",
        help_text="The clock stands still at night, at weekends, on holidays and while the owner "
        "is away.",
    )
    warn_minutes = forms.IntegerField(
        required=False,
        label="Remind the owner so many minutes before",
        help_text="Empty: after three quarters of the time, at most 15 minutes before.",
    )
    enabled = forms.BooleanField(required=False, label="In use")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {user.public_id: user for user in queries.assignable_users()}
        self.pools = {str(pool.pk): pool for pool in Pool.objects.order_by("name")}
        deeds = [("", "Nothing more"), *ResponseStep.Deed.choices]
        people = [("", "Person"), *((key, user.name) for key, user in self.people.items())]
        pools = [("", "Pool"), *((key, pool.name) for key, pool in self.pools.items())]
        for row in range(ROWS):
            fields = {
                "minutes": forms.IntegerField(required=False, label=f"Step {row + 1}: minutes"),
                "deed": forms.ChoiceField(
                    required=False, choices=deeds, label=f"Step {row + 1}: what"
                ),
                "person": forms.ChoiceField(
                    required=False, choices=people, label=f"Step {row + 1}: who"
                ),
                "pool": forms.ChoiceField(
                    required=False, choices=pools, label=f"Step {row + 1}: which pool"
                ),
            }
            for name, made in fields.items():
                self.fields[f"step_{row}_{name}"] = made

    @property
    def rows(self) -> Iterator[list[forms.BoundField]]:
        for row in range(ROWS):
            yield [self[f"step_{row}_{name}"] for name in ("minutes", "deed", "person", "pool")]

    @property
    def plain(self) -> list[forms.BoundField]:
        names = ("minutes", "uses_working_hours", "warn_minutes")
        return [self[name] for name in names]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        for row in range(ROWS):
            if given.get(f"step_{row}_deed") and given.get(f"step_{row}_minutes") is None:
                self.add_error(
                    f"step_{row}_minutes", "Say how many minutes after the target this happens."
                )
        return given

    @property
    def terms(self) -> TargetTerms:
        given = self.cleaned_data
        return TargetTerms(
            name=given["name"],
            minutes=given["minutes"],
            uses_working_hours=given["uses_working_hours"],
            warn_minutes=given["warn_minutes"],
            condition=given["condition"] or {},
            enabled=given["enabled"],
            steps=[self._step(row) for row in range(ROWS) if given[f"step_{row}_deed"]],
        )

    def _step(self, row: int) -> NewStep:
        given = {name: self.cleaned_data[f"step_{row}_{name}"] for name in ("minutes", "deed")}
        deed = given["deed"]
        wants_person = deed in {ResponseStep.Deed.TELL_PERSON, ResponseStep.Deed.TO_PERSON}
        wants_pool = deed == ResponseStep.Deed.TO_POOL
        person = self.people.get(self.cleaned_data[f"step_{row}_person"])
        pool = self.pools.get(self.cleaned_data[f"step_{row}_pool"])
        return NewStep(
            **given,
            person=person if wants_person else None,
            pool=pool if wants_pool else None,
        )


def initial_of(target: ResponseTarget | None) -> dict[str, Any]:
    if target is None:
        return {"uses_working_hours": True, "enabled": True, "minutes": 60}
    names = ("name", "condition", "minutes", "uses_working_hours", "warn_minutes", "enabled")
    initial = {name: getattr(target, name) for name in names}
    steps = target.steps.select_related("person", "pool").order_by("minutes", "pk")[:ROWS]
    for row, step in enumerate(steps):
        initial |= {
            f"step_{row}_minutes": step.minutes,
            f"step_{row}_deed": step.deed,
            f"step_{row}_person": step.person.public_id if step.person else "",
            f"step_{row}_pool": str(step.pool_id or ""),
        }
    return initial
