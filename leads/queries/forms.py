"""Forms and how they do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet, Sum

from leads import questions
from leads.comparing import differences
from leads.drafting import content_of
from leads.models import (
    Asset,
    Confirmation,
    ConsentText,
    Form,
    FormCount,
    FormVersion,
    InboxItem,
    Inquiry,
    Lifecycle,
)
from leads.models.lead import visible_lead

SALES_READY = (Lifecycle.SQL, Lifecycle.OPPORTUNITY, Lifecycle.CUSTOMER, Lifecycle.EVANGELIST)
What = FormCount.What
SENT = ~Q(context__has_key="unfinished")  # what was only begun may be an inquiry, too


@dataclass(frozen=True, slots=True)
class FormRow:
    """`qualified` of the `submissions` came from people who are sales-qualified or further now."""

    form: Form
    submissions: int
    qualified: int
    views: int = 0

    @property
    def conversion(self) -> float | None:
        return self.qualified / self.submissions if self.submissions else None

    @property
    def sent_share(self) -> float | None:
        """Of those who saw it; None where nobody was counted."""
        return min(self.submissions / self.views, 1.0) if self.views else None


def forms(*, archived: bool = False) -> QuerySet[Form]:
    """Also archived ones by `archived`; the API and pages of one form find both."""
    rows = Form.objects.select_related("published", "source").defer("draft")
    return rows.filter(archived_at__isnull=not archived).order_by("name", "pk")


def any_form() -> QuerySet[Form]:
    return Form.objects.select_related("published__published_by", "source")


def form_rows(
    *, since: datetime, only: Form | None = None, archived: bool = False
) -> list[FormRow]:
    """Every form with its submissions since a moment; test entries count nowhere."""
    inquiries = Inquiry.objects.filter(
        SENT, received_at__gte=since, is_test=False, form_version__isnull=False
    )
    views = FormCount.objects.filter(day__gte=since.date(), what=What.VIEW)
    if only is not None:
        inquiries = inquiries.filter(form_version__form=only)
        views = views.filter(version__form=only)
    counts = {
        form_id: (submissions, qualified)
        for form_id, submissions, qualified in inquiries.values_list("form_version__form")
        .annotate(
            submissions=Count("pk"),
            qualified=Count("pk", filter=Q(lead__lifecycle__in=SALES_READY)),
        )
        .order_by()
    }
    seen = dict(views.values_list("version__form").annotate(n=Sum("number")).order_by())
    shown = [only] if only is not None else list(forms(archived=archived))
    return [
        FormRow(form, *counts.get(form.pk, (0, 0)), views=seen.get(form.pk, 0)) for form in shown
    ]


# ---- how visitors get on ----


@dataclass(frozen=True, slots=True)
class FieldStat:
    """`left`: began the form and went away with this as the last field they were in."""

    label: str
    filled: int
    left: int
    reached: float | None  # share of those who began


@dataclass(frozen=True, slots=True)
class FormStats:
    views: int
    starts: int
    submissions: int
    fields: list[FieldStat] = field(default_factory=list)
    days: list[tuple[date, int, int]] = field(default_factory=list)  # day, views, answers

    @property
    def rate(self) -> float | None:
        return min(self.submissions / self.views, 1.0) if self.views else None

    @property
    def start_rate(self) -> float | None:
        return min(self.starts / self.views, 1.0) if self.views else None

    @property
    def finish_rate(self) -> float | None:
        return min(self.submissions / self.starts, 1.0) if self.starts else None


def stats_of(form: Form, *, since: date, until: date) -> FormStats:
    """Counters of all versions; the fields as the present version has them."""
    rows = (
        FormCount.objects.filter(version__form=form, day__range=(since, until))
        .values_list("day", "what", "field")
        .annotate(n=Sum("number"))
        .order_by()
    )
    totals: dict[tuple[str, str], int] = {}
    daily: dict[tuple[date, str], int] = {}
    for day, what, name, number in rows:
        totals[what, name] = totals.get((what, name), 0) + number
        daily[day, what] = daily.get((day, what), 0) + number
    starts = totals.get((What.START, ""), 0)
    kept = _kept_by_day(form, since, until)
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    return FormStats(
        views=totals.get((What.VIEW, ""), 0),
        starts=starts,
        submissions=totals.get((What.SUBMIT, ""), 0),
        fields=_field_stats(form, totals, starts),
        days=[(day, daily.get((day, What.VIEW), 0), kept.get(day, 0)) for day in days],
    )


def _kept_by_day(form: Form, since: date, until: date) -> dict[date, int]:
    """Answers that became part of a lead; test entries count nowhere."""
    rows = Inquiry.objects.filter(
        SENT, form_version__form=form, is_test=False, received_at__date__range=(since, until)
    )
    return dict(rows.values_list("received_at__date").annotate(n=Count("pk")).order_by())


def _field_stats(form: Form, totals: dict[tuple[str, str], int], starts: int) -> list[FieldStat]:
    version = form.published or form.versions.order_by("-number").first()
    asked = [q for q in questions.asked(version.fields if version else []) if q["type"] != "hidden"]
    return [
        FieldStat(
            label=str(question.get("label")),
            filled=(filled := totals.get((What.FILLED, questions.key_of(question)), 0)),
            left=totals.get((What.LEFT, questions.key_of(question)), 0),
            reached=min(filled / starts, 1.0) if starts else None,
        )
        for question in asked
    ]


# ---- versions, answers, consent ----


@dataclass(frozen=True, slots=True)
class VersionRow:
    version: FormVersion
    answers: int
    changes: Sequence[str]


ANSWERS = Q(inquiry__is_test=False) & ~Q(inquiry__context__has_key="unfinished")


def version_rows(form: Form) -> list[VersionRow]:
    """Newest first, each with what it changed."""
    versions = list(
        form.versions.select_related("published_by")
        .annotate(answers=Count("inquiry", filter=ANSWERS))
        .order_by("number")
    )
    rows: list[VersionRow] = []
    for before, version in zip([None, *versions], versions, strict=False):
        changes = differences(content_of(before), content_of(version)) if before else []
        rows.append(VersionRow(version, version.answers, changes))
    return rows[::-1]


def submissions_of(form: Form, principal: Any) -> QuerySet[Inquiry]:
    """The answers whose leads this person may see, for paging by `-received_at`."""
    return Inquiry.objects.filter(
        visible_lead(principal, path="lead"), form_version__form=form
    ).select_related("lead", "form_version", "inbox_item")


def waiting_items(form: Form) -> int:
    """Captures of this form that a person must look at; counted up to 100."""
    states = (InboxItem.State.QUARANTINED, InboxItem.State.NEEDS_REVIEW)
    rows = InboxItem.objects.filter(source=form.source_id, form_version__form=form)
    return rows.filter(state__in=states).order_by().values("pk")[:100].count()


def confirmations_of(form: Form, *, since: datetime) -> tuple[int, int]:
    """How many were asked to confirm their address, and how many have."""
    asked = Confirmation.objects.filter(version__form=form, created_at__gte=since)
    counted = asked.aggregate(asked=Count("pk"), confirmed=Count("confirmed_at"))
    return counted["asked"], counted["confirmed"]


def consent_texts() -> QuerySet[ConsentText]:
    return ConsentText.objects.select_related("created_by").order_by("purpose", "-number")


def assets(*, archived: bool = False) -> QuerySet[Asset]:
    return (
        Asset.objects.filter(archived_at__isnull=not archived)
        .annotate(given=Count("grants", distinct=True), fetched=Sum("grants__downloads"))
        .order_by("name", "pk")
    )
