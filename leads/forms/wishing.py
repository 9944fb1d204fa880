"""What happens to the leads of a form or a source: the fields that both settings pages share."""

from collections.abc import Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from django import forms

from leadcrm.accounts.models import Team, User
from leads.models import Stage
from leads.wishes import ROUTING, drips, wishes_from

Choices = Sequence[tuple[str, str]]


class WishForm(forms.Form):
    """Stage, owner, drip campaign, tags, and whom to tell in the app or by e-mail."""

    stage = forms.ChoiceField(required=False, label="Begins at stage")
    owner = forms.ChoiceField(required=False, label="Goes to")
    drip = forms.ChoiceField(required=False, label="Enters the drip campaign")
    tags = forms.CharField(required=False, label="Tags", help_text="Separated by commas.")
    notify = forms.MultipleChoiceField(
        required=False, label="Tells in the app", widget=forms.CheckboxSelectMultiple
    )
    mail = forms.MultipleChoiceField(
        required=False, label="Tells by e-mail", widget=forms.CheckboxSelectMultiple
    )

    def __init__(self, data: Any = None, *, wishes: Any = None) -> None:
        known = wishes_from(wishes)
        first = {
            "stage": f"{known.pipeline}:{known.stage}" if known.pipeline else known.stage,
            "owner": known.owner,
            "drip": known.drip,
            "tags": ", ".join(known.tags),
            "notify": [str(pk) for pk in known.notify],
            "mail": [str(pk) for pk in known.mail],
        }
        super().__init__(data, initial=first)
        people = [(str(u.pk), u.name) for u in User.objects.filter(is_active=True).order_by("name")]
        _choose(self.fields["stage"], [("", "The first one"), *stages()])
        _choose(self.fields["owner"], owners(people))
        _choose(self.fields["drip"], [("", "None"), *drips()])
        _choose(self.fields["notify"], people)
        _choose(self.fields["mail"], people)

    @property
    def tellings(self) -> list[tuple[str, Any, Any]]:
        """A row for each colleague: in the app, by e-mail."""
        rows = zip(self["notify"], self["mail"], strict=True)
        return [(str(app.choice_label), app, mail) for app, mail in rows]

    @property
    def wishes(self) -> dict[str, Any]:
        cleaned = self.cleaned_data
        pipeline, _, stage = cleaned["stage"].rpartition(":")
        wishes = {
            "stage": stage,
            "pipeline": pipeline,
            "owner": cleaned["owner"],
            "drip": cleaned["drip"],
            "tags": [tag.strip() for tag in cleaned["tags"].split(",") if tag.strip()],
            "notify": [int(pk) for pk in cleaned["notify"]],
            "mail": [int(pk) for pk in cleaned["mail"]],
        }
        return {name: value for name, value in wishes.items() if value}


def _choose(field: forms.Field, choices: Sequence[Any]) -> None:
    field.choices = choices  # type: ignore[attr-defined]


def stages() -> list[Any]:
    """Open ones; under the names of their pipelines where there are several."""
    open_ = Stage.objects.filter(category=Stage.Category.OPEN, archived_at=None)
    rows = open_.filter(pipeline__archived_at=None).order_by(
        "-pipeline__is_default", "pipeline__name", "position", "pk"
    )
    named = [
        (stage.pipeline.name, _value_of(stage), stage.name)
        for stage in rows.select_related("pipeline")
    ]
    groups = [
        (pipeline, [(value, name) for _, value, name in stages])
        for pipeline, stages in groupby(named, key=itemgetter(0))
    ]
    return groups if len(groups) > 1 else [each for _, group in groups for each in group]


def _value_of(stage: Stage) -> str:
    return stage.key if stage.pipeline.is_default else f"{stage.pipeline.key}:{stage.key}"


def owners(people: Choices) -> list[Any]:
    teams = [(f"team:{team.pk}", team.name) for team in Team.objects.order_by("name")]
    return [
        ("", "As usual: when it is sales-qualified, by routing"),
        (ROUTING, "By routing, at once"),
        ("The queue of a team", teams),
        ("A colleague", [(f"user:{pk}", name) for pk, name in people]),
    ]
