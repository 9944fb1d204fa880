"""How visitors got on with the forms: counters that agree with the answers, and who stopped."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random

from django.db.models import Count
from django.db.models.functions import TruncDate

from leads import questions
from leads.capture import unfinished
from leads.models import Form, FormCount, FormVersion, Inquiry, Unfinished

DAYS = 180
What = FormCount.What
# Of those who see the form so many begin, and of those so many send it.
BEGIN, SEND = (0.34, 0.5), (0.55, 0.8)
# What people would rather not say: the weight with which a question is the last one.
HARD = {"phone": 5.0, "size": 3.0, "timeline": 3.0, "message": 2.5, "email": 2.0, "company": 1.5}
QUIET = (0.5, 0.3)  # weekends
KEEPS = "cost-calculator"
# hours ago, how many questions were answered, who
STOPPED = (
    (3, 4, ("Ines", "Carvalho", "ines.carvalho@lindenhof-care.example", "Lindenhof Care")),
    (9, 4, ("Pieter", "Smit", "p.smit@harbourlogistics.example", "Harbour Logistics")),
    (26, 3, ("Aoife", "Brennan", "aoife@brennanfoods.example", "")),
    (31, 4, ("Matteo", "Greco", "m.greco@alpinahotels.example", "Alpina Hotels")),
    (52, 3, ("Hanna", "Vogel", "hanna.vogel@nordklinik.example", "")),
    (75, 3, ("Sam", "Okoro", "sam.okoro@brightcall.example", "")),
)


def load_visits(*, seed: int, now: datetime) -> None:
    random = Random(seed)
    for form in Form.objects.exclude(published=None).select_related("published").order_by("pk"):
        FormCount.objects.bulk_create(counters(form, random, today=now.date()), batch_size=2000)
    load_stopped(now=now)


def counters(form: Form, random: Random, *, today: date) -> Iterator[FormCount]:
    sent = sent_by_day(form, since=today - timedelta(days=DAYS))
    begin, send = random.uniform(*BEGIN), random.uniform(*SEND)
    usual = sum(sent.values()) / DAYS
    for ago in range(DAYS):
        day = today - timedelta(days=ago)
        quiet = QUIET[day.weekday() - 5] if day.weekday() > 4 else 1.0
        others = int(random.gauss(quiet * usual * (1 / send - 1), 1) + 0.5)
        starts = sent[day] + max(others, 0)
        views = starts + max(int(random.gauss(quiet * usual * (1 / begin - 1) / send, 3)), 0)
        counted: dict[tuple[str, str], int] = {
            (What.VIEW, ""): views,
            (What.START, ""): starts,
            (What.SUBMIT, ""): sent[day],
        }
        counted |= by_field(form, random, starts=starts, sent=sent[day])
        for (what, field), number in counted.items():
            if number:
                yield FormCount(
                    version=form.published, day=day, what=what, field=field, number=number
                )


def sent_by_day(form: Form, *, since: date) -> Counter[date]:
    rows = Inquiry.objects.filter(
        form_version__form=form, is_test=False, received_at__date__gte=since
    )
    by_day = rows.annotate(day=TruncDate("received_at")).values_list("day")
    return Counter(dict(by_day.annotate(n=Count("pk")).order_by()))


def by_field(form: Form, random: Random, *, starts: int, sent: int) -> dict[tuple[str, str], int]:
    """Each who stops does so at one question; all before it are filled in."""
    keys = [questions.key_of(each) for each in questions.asked(form.published.fields)]  # type: ignore[union-attr]
    weights = [HARD.get(key, 1.0) for key in keys]
    last = random.choices(range(len(keys)), weights, k=starts - sent)
    left = Counter(last)
    found: dict[tuple[str, str], int] = {}
    for place, key in enumerate(keys):
        found[What.LEFT, key] = left[place]
        found[What.FILLED, key] = sent + sum(n for at, n in left.items() if at > place)
    return found


# ---- typed and not sent ----


def load_stopped(*, now: datetime) -> None:
    """The calculator keeps what is typed, to see where it is hard."""
    version = Form.objects.select_related("published").get(slug=KEEPS).published
    if version is None:
        return
    version.settings = {**version.settings, "keep": unfinished.SHOW, "keep_days": 14}
    version.save(update_fields=["settings"])
    keys = [questions.key_of(each) for each in questions.asked(version.fields)]
    Unfinished.objects.bulk_create(stopped(version, keys, now=now))


def stopped(version: FormVersion, keys: list[str], *, now: datetime) -> Iterator[Unfinished]:
    for hours, answered, person in STOPPED:
        seen = now - timedelta(hours=hours)
        answers = dict(zip(keys[:answered], person, strict=False))
        yield Unfinished(
            version=version,
            visit=unfinished.visit_of(version.form_id, f"demo-{hours}"),
            answers={key: value for key, value in answers.items() if value},
            email=person[2],
            last_field=keys[answered] if answered < len(keys) else keys[-1],
            state=Unfinished.State.STOPPED,
            started_at=seen - timedelta(minutes=4),
            seen_at=seen,
            expires_at=seen + timedelta(days=14),
            due_at=None,
        )
