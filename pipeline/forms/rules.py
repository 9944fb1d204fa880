"""Routing rules and pools as forms. The condition is the builder's."""

from typing import Any

from django import forms

from leadcrm.accounts.models import Team
from leads.conditions.builder import ConditionField
from pipeline import queries
from pipeline.actions.pools import PoolTerms
from pipeline.models import Pool, PoolMember, RoutingRule

OF_THE_LEAD = [
    (RoutingRule.Target.COMPANY_OWNER.value, RoutingRule.Target.COMPANY_OWNER.label),
    (RoutingRule.Target.PREVIOUS_OWNER.value, RoutingRule.Target.PREVIOUS_OWNER.label),
]


class RuleForm(forms.Form):
    name = forms.CharField(max_length=80)
    condition = ConditionField(required=False, label="When")
    target = forms.ChoiceField(label="Goes to")
    skills = forms.CharField(
        required=False,
        max_length=420,
        label="Skills it takes",
        help_text="With commas between them. Only people of the pool who have all of them are "
        "asked. Skills are written down with each person’s working hours.",
    )
    enabled = forms.BooleanField(required=False, label="In use")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["target"].choices = target_choices()  # type: ignore[attr-defined]

    @property
    def tree(self) -> dict[str, Any]:
        return dict(self.cleaned_data.get("condition") or {})

    @property
    def wanted_skills(self) -> list[str]:
        return [part.strip() for part in self.cleaned_data["skills"].split(",") if part.strip()]

    @property
    def aim(self) -> tuple[str, int | None]:
        kind, _, key = self.cleaned_data["target"].partition(":")
        return kind, int(key) if key else None


def target_choices() -> list[Any]:
    return [
        ("Pools", [(f"pool:{pool.pk}", pool.name) for pool in Pool.objects.order_by("name")]),
        ("People", [(f"user:{user.pk}", user.name) for user in queries.assignable_users()]),
        ("Queues", [(f"queue:{team.pk}", team.name) for team in Team.objects.order_by("name")]),
        ("Depends on the lead", OF_THE_LEAD),
    ]


def initial_of(rule: RoutingRule) -> dict[str, Any]:
    ids = rule.target_pool_id or rule.target_user_id or rule.target_queue_id
    return {
        "name": rule.name,
        "enabled": rule.enabled,
        "condition": rule.condition,
        "skills": ", ".join(rule.skills),
        "target": f"{rule.target_kind}:{ids}" if ids else rule.target_kind,
    }


class PoolForm(forms.ModelForm):  # type: ignore[type-arg]
    class Meta:
        model = Pool
        fields = (
            "name",
            "method",
            "language",
            "territory",
            "at_work_only",
            "accept_minutes",
            "queue",
            "includes_everyone",
        )
        labels = {
            "method": "Who is next",
            "language": "Speaks the lead’s language",
            "territory": "Works in the lead’s country",
            "at_work_only": "Only people who are at work at that moment",
            "accept_minutes": "Minutes to accept",
            "queue": "When nobody has room, wait with",
            "includes_everyone": "Every active rep joins by themselves",
        }
        help_texts = {
            "at_work_only": "Off: people get leads at night, too, and the clock runs by their "
            "working hours.",
            "accept_minutes": "Of working time. Whoever does not accept by then loses the lead to "
            "the next. Empty: nobody has to accept.",
            "queue": "Its manager is told, and leads go out oldest first as soon as there is room.",
        }

    def validate_unique(self) -> None:
        """The action says it in its own words."""

    @property
    def terms(self) -> PoolTerms:
        return PoolTerms(**self.cleaned_data)


class MemberForm(forms.ModelForm):  # type: ignore[type-arg]
    user = forms.ChoiceField(label="Person")

    class Meta:
        model = PoolMember
        fields = ("weight", "open_cap", "day_cap", "paused")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {user.public_id: user for user in queries.assignable_users()}
        self.fields["user"].choices = [(key, user.name) for key, user in self.people.items()]  # type: ignore[attr-defined]


class FallbackForm(forms.Form):
    team = forms.ModelChoiceField(Team.objects.order_by("name"), label="Queue of")


class AskForm(forms.Form):
    """What is asked of a decision: about whom, and what would have been so."""

    who = forms.ChoiceField(required=False, label="Why not")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people = {user.public_id: user for user in queries.assignable_users()}
        names = [(key, user.name) for key, user in self.people.items()]
        self.fields["who"].choices = [("", "Choose a colleague"), *names]  # type: ignore[attr-defined]


class DryRunForm(forms.Form):
    version = forms.TypedChoiceField(required=False, coerce=int, label="Rules")
    days = forms.IntegerField(
        required=False, min_value=1, max_value=92, initial=30, label="Leads of the last … days"
    )

    def __init__(self, *args: Any, versions: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["version"].choices = versions  # type: ignore[attr-defined]
