"""What was typed into a form and not sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, QuerySet

from leads import questions
from leads.models import Form, FormVersion, Unfinished
from leads.models.lead import visible_lead

UNSEEN = frozenset({"hidden", "consent"})


@dataclass(frozen=True, slots=True)
class Stop:
    """How many left with this as the last question they were in."""

    label: str
    number: int
    share: int  # percent


def unfinished_of(form: Form, principal: Any) -> QuerySet[Unfinished]:
    """For paging by `-seen_at`; what became a lead only for those who may see it."""
    rows = Unfinished.objects.filter(version__form=form)
    hidden = rows.filter(inbox_item__lead__isnull=False).exclude(
        visible_lead(principal, path="inbox_item__lead")
    )
    found = rows.exclude(pk__in=hidden.values("pk"))
    return found.select_related("version__form", "inbox_item__lead")


def stops_of(form: Form) -> list[Stop]:
    """Where people stopped, the most frequent first."""
    rows = Unfinished.objects.filter(version__form=form).values_list("last_field")
    counted = list(rows.annotate(n=Count("pk")).order_by("-n", "last_field")[:20])
    total = sum(number for _, number in counted)
    labels = labels_of(form)
    return [Stop(labels.get(key, "Gone"), n, round(100 * n / total)) for key, n in counted if key]


def labels_of(form: Form) -> Mapping[str, str]:
    """The words of every question that any version of the form asks, the newest last."""
    versions = FormVersion.objects.filter(form=form).order_by("number")
    return {
        questions.key_of(question): str(question.get("label") or "")
        for fields in versions.values_list("fields", flat=True)
        for question in fields
    }


def answers_of(row: Unfinished) -> list[tuple[str, str]]:
    """In the form's words and order."""
    found = []
    for question in questions.asked(row.version.fields):
        value = row.answers.get(questions.key_of(question))
        if value:
            words = ", ".join(value) if isinstance(value, list) else str(value)
            found.append((str(question.get("label") or ""), words))
    return found


def reached(row: Unfinished) -> tuple[int, int]:
    """How many of the questions were answered."""
    asked = [q for q in questions.asked(row.version.fields) if q.get("type") not in UNSEEN]
    return sum(questions.key_of(q) in row.answers for q in asked), len(asked)


def waiting(form: Form) -> int:
    """Not sent and no lead; counted up to 100."""
    rows = Unfinished.objects.filter(version__form=form).exclude(state=Unfinished.State.LEAD)
    return rows.order_by().values("pk")[:100].count()
