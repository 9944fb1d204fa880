"""Where mails and campaigns name fields."""

from collections.abc import Iterator

from django.db.models import Q

from leads.fields.uses import Use, names_fields, naming
from nurturing.models import DripCampaign, EmailTemplate, Step


@names_fields
def mails(name: str) -> Iterator[Use]:
    told = rf"lead[.]{name.replace('.', '[.]')}\y"
    says = (
        Q(current__subject__regex=told)
        | Q(current__html__regex=told)
        | Q(current__text__regex=told)
        | Q(current__preheader__regex=told)
    )
    for key, label in EmailTemplate.objects.filter(says, archived_at=None).values_list(
        "key", "name"
    ):
        yield Use("e-mail", label, f"/nurturing/templates/{key}/")


@names_fields
def campaigns(name: str) -> Iterator[Use]:
    started = naming(DripCampaign.objects.all(), "trigger", name).values_list("pk", flat=True)
    steps = naming(Step.objects.all(), "settings", name).values_list("version__campaign", flat=True)
    live = DripCampaign.objects.exclude(state=DripCampaign.State.ARCHIVED)
    for key, label in live.filter(Q(pk__in=started) | Q(pk__in=steps)).values_list("key", "name"):
        yield Use("campaign", label, f"/nurturing/{key}/")
