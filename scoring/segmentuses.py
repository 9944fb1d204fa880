"""Where scoring names segments: qualification, which waits for them, and rules."""

from collections.abc import Iterator

from leads.segments import Use, uses
from scoring.models import ModelVersion, Rule

LIVE = (ModelVersion.State.DRAFT, ModelVersion.State.PUBLISHED)


@uses
def qualification() -> Iterator[Use]:
    for version in ModelVersion.objects.filter(state__in=LIVE, model__is_default=True):
        published = version.state == ModelVersion.State.PUBLISHED
        for kind, condition in version.qualifications.items():
            name = kind.upper() if published else f"{kind.upper()} in the draft"
            yield Use("Qualification", name, "/scoring/qualification/", condition, awaits=published)


@uses
def rules() -> Iterator[Use]:
    found = Rule.objects.filter(version__state__in=LIVE).exclude(condition=None)
    for uid, label, condition in found.order_by("uid", "pk").values_list(
        "uid", "label", "condition"
    ):
        yield Use("Scoring rule", label, f"/scoring/rules/{uid}/edit/", condition)
