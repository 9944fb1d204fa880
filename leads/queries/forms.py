"""Forms and how they do."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Q, QuerySet

from leads.models import Form, Inquiry, Lifecycle

SALES_READY = (Lifecycle.SQL, Lifecycle.OPPORTUNITY, Lifecycle.CUSTOMER, Lifecycle.EVANGELIST)


@dataclass(frozen=True, slots=True)
class FormRow:
    """`qualified` of the `submissions` came from people who are sales-qualified or further now."""

    form: Form
    submissions: int
    qualified: int

    @property
    def conversion(self) -> float | None:
        return self.qualified / self.submissions if self.submissions else None


def forms() -> QuerySet[Form]:
    return Form.objects.select_related("published", "source").order_by("name", "pk")


def form_rows(*, since: datetime, only: Form | None = None) -> list[FormRow]:
    """Every form with its submissions since a moment; test entries count nowhere."""
    inquiries = Inquiry.objects.filter(
        received_at__gte=since, is_test=False, form_version__isnull=False
    )
    if only is not None:
        inquiries = inquiries.filter(form_version__form=only)
    counts = {
        form_id: (submissions, qualified)
        for form_id, submissions, qualified in inquiries.values_list("form_version__form")
        .annotate(
            submissions=Count("pk"),
            qualified=Count("pk", filter=Q(lead__lifecycle__in=SALES_READY)),
        )
        .order_by()
    }
    shown = [only] if only is not None else list(forms())
    return [FormRow(form, *counts.get(form.pk, (0, 0))) for form in shown]
