"""Pipelines, stages, moves by rule and reasons as forms. Conditions are the builder's."""

from typing import Any

from django import forms

from leads.conditions.builder import ConditionField
from leads.models import Pipeline, Segment, Stage
from pipeline import queries
from pipeline.actions.funnels import StageRules
from pipeline.models import AutoMove, CloseReason

COPY_NOTHING = [("", "The usual stages")]


class PipelineForm(forms.Form):
    name = forms.CharField(max_length=60)
    needs_next_step = forms.BooleanField(
        required=False,
        label="Open leads need a next step",
        help_text="A call or e-mail is logged with what comes next, and a last task is not ticked "
        "off without another one.",
    )
    back_needs_note = forms.BooleanField(
        required=False, label="Ask for a reason when a lead goes back a stage"
    )
    condition = ConditionField(required=False, label="New leads that begin here")

    @property
    def changes(self) -> dict[str, Any]:
        return self.cleaned_data | {"condition": self.cleaned_data["condition"] or {}}


class NewPipelineForm(forms.Form):
    name = forms.CharField(max_length=60)
    copy_of = forms.ChoiceField(required=False, label="Begin with")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(str(p.pk), f"The stages of {p.name}") for p in queries.pipelines()]
        self.fields["copy_of"].choices = [*COPY_NOTHING, *known]  # type: ignore[attr-defined]

    @property
    def source(self) -> Pipeline | None:
        return Pipeline.objects.filter(pk=self.cleaned_data["copy_of"] or 0).first()


class StageForm(forms.Form):
    name = forms.CharField(max_length=60)
    short_name = forms.CharField(
        required=False, max_length=20, help_text="For narrow places, such as MQL."
    )
    type = forms.ChoiceField(choices=Stage.Type.choices, label="Phase of the buyer")
    category = forms.ChoiceField(choices=Stage.Category.choices, label="Leads in it are")
    probability = forms.IntegerField(
        min_value=0, max_value=100, label="Likely to be won", help_text="Percent, for the forecast."
    )
    rot_days = forms.IntegerField(
        min_value=1,
        max_value=3650,
        label="Idle after",
        help_text="Days without anything that people did. The card on the board says so.",
    )
    sla_hours = forms.IntegerField(
        required=False,
        min_value=1,
        max_value=87_600,
        label="Longest stay",
        help_text="Hours. The owner is told of leads that stay longer.",
    )
    required_fields = forms.MultipleChoiceField(
        required=False, label="Needs", widget=forms.CheckboxSelectMultiple
    )
    allowed_from = forms.MultipleChoiceField(
        required=False,
        label="Reached only from",
        widget=forms.CheckboxSelectMultiple,
        help_text="None chosen: from anywhere.",
    )
    condition = ConditionField(required=False)

    def __init__(self, *args: Any, others: list[Stage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["required_fields"].choices = [
            (key, words[:1].upper() + words[1:]) for key, words in queries.requirable()
        ]
        fields["allowed_from"].choices = [(stage.key, stage.name) for stage in others]

    @property
    def rules(self) -> StageRules:
        given = self.cleaned_data
        return StageRules(**{**given, "condition": given["condition"] or {}})


def initial_of(stage: Stage) -> dict[str, Any]:
    names = StageForm.base_fields
    return {name: getattr(stage, name) for name in names}


class AutoMoveForm(forms.Form):
    to = forms.ChoiceField(label="Moves to")
    trigger = forms.ChoiceField(label="when", choices=AutoMove.Trigger.choices)
    days = forms.IntegerField(required=False, min_value=1, max_value=3650, label="Days")
    segment = forms.ChoiceField(required=False)
    reason = forms.ChoiceField(required=False, label="Lost because")

    def __init__(self, *args: Any, others: list[Stage], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        live = Segment.objects.filter(archived_at=None, kind=Segment.Kind.LIVE).order_by("name")
        fields["to"].choices = [(stage.key, stage.name) for stage in others]
        fields["segment"].choices = [("", "–"), *live.values_list("public_id", "name")]
        fields["reason"].choices = [("", "–"), *((r.key, r.label) for r in queries.reasons())]


class ReasonForm(forms.Form):
    label = forms.CharField(max_length=60, label="Reason")
    needs_note = forms.BooleanField(required=False, label="Needs a note")
    asks_competitor = forms.BooleanField(required=False, label="Asks which competitor")
    disqualifies = forms.BooleanField(required=False, label="Nobody should try again")


def reason_initial(reason: CloseReason) -> dict[str, Any]:
    return {name: getattr(reason, name) for name in ReasonForm.base_fields}
