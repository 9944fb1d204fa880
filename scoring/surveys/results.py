"""What came of a survey: who answered, how far they got, and what they said."""

from dataclasses import dataclass, field
from typing import Any

from django.db import connection
from django.db.models import Avg, Count, F, Max, Q, QuerySet
from django.db.models.fields.json import KeyTextTransform

from scoring.models import Survey, SurveyResponse
from scoring.surveys import content as contents
from scoring.surveys import flow
from scoring.surveys.content import Content, Question, bounds_of, kind_of

MOST_TEXTS = 8
State = SurveyResponse.State


@dataclass(frozen=True, slots=True)
class Totals:
    started: int = 0
    completed: int = 0
    left: int = 0
    points: float | None = None
    most: int = 0

    @property
    def completion(self) -> float | None:
        return self.completed / self.started if self.started else None


@dataclass(frozen=True, slots=True)
class Bar:
    label: str
    count: int
    share: float

    @property
    def percent(self) -> float:
        return 100 * self.share


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: how many it was asked, how many answered, and how the answers spread."""

    question: Question
    number: int
    reached: int
    stopped: int
    answered: int
    percent: float = 0.0  # of those who began
    bars: list[Bar] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    average: float | None = None
    nps: int | None = None


@dataclass(frozen=True, slots=True)
class Results:
    totals: Totals
    questions: list[Asked]
    endings: list[Bar]


def content_of(survey: Survey) -> Content | None:
    """What is published, or was at last."""
    version = survey.published or survey.versions.order_by("-number").first()
    return contents.read(version.content) if version else None


def counted(survey: Survey) -> QuerySet[SurveyResponse]:
    rows: QuerySet[SurveyResponse] = SurveyResponse.objects.filter(survey=survey, is_test=False)
    return rows


def results_of(survey: Survey) -> Results | None:
    content = content_of(survey)
    if content is None:
        return None
    totals = totals_of(survey)
    spread, reached = _spread(survey), _reached(survey)
    stopped = _stopped(survey)
    questions = [
        _asked(survey, totals, each, n, spread.get(each["key"], {}), reached, stopped)
        for n, each in enumerate(content.questions, 1)
        if kind_of(each).asks and (each["type"] != "contact" or reached.get(each["key"]))
    ]
    return Results(totals, questions, _endings(survey, totals))


def totals_of(survey: Survey) -> Totals:
    done = Q(state=State.COMPLETED)
    found = counted(survey).aggregate(
        started=Count("pk"),
        completed=Count("pk", filter=done),
        left=Count("pk", filter=Q(state=State.LEFT)),
        points=Avg("points", filter=done),
        most=Max("most_points", filter=done),
    )
    return Totals(**found | {"most": found["most"] or 0})


def _reached(survey: Survey) -> dict[str, int]:
    return _counts(
        "SELECT key, count(*) FROM scoring_surveyresponse r, "
        "jsonb_array_elements_text(r.path) AS key "
        "WHERE r.survey_id = %s AND NOT r.is_test GROUP BY 1",
        survey,
    )


def _stopped(survey: Survey) -> dict[str, int]:
    """How many went no further than this question."""
    rows = counted(survey).exclude(state=State.COMPLETED).values_list("last_key")
    return dict(rows.annotate(n=Count("pk")).order_by())


def _counts(sql: str, survey: Survey) -> dict[str, int]:
    with connection.cursor() as cursor:
        cursor.execute(sql, [survey.pk])
        return dict(cursor.fetchall())


def _spread(survey: Survey) -> dict[str, dict[str, int]]:
    """How often each answer was given on the way taken; those of several count each."""
    found: dict[str, dict[str, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT a.key, v.value, count(*) FROM scoring_surveyresponse r,
              jsonb_each(r.answers) AS a (key, given),
              LATERAL (SELECT jsonb_array_elements_text(CASE jsonb_typeof(a.given)
                WHEN 'array' THEN a.given WHEN 'null' THEN '[]' WHEN 'object' THEN '["given"]'
                ELSE jsonb_build_array(CASE WHEN length(a.given #>> '{}') > 60
                  THEN 'long' ELSE a.given #>> '{}' END) END) AS value) AS v
            WHERE r.survey_id = %s AND NOT r.is_test AND r.path ? a.key
            GROUP BY 1, 2 ORDER BY 3 DESC LIMIT 20000
            """,
            [survey.pk],
        )
        for key, value, count in cursor.fetchall():
            found.setdefault(key, {})[value] = count
    return found


def _asked(
    survey: Survey,
    totals: Totals,
    question: Question,
    number: int,
    spread: dict[str, int],
    reached: dict[str, int],
    stopped: dict[str, int],
) -> Asked:
    key, kind = question["key"], kind_of(question)
    seen = reached.get(key, 0)
    bars = bars_of(question, spread, seen)
    numbers = {float(value): n for value, n in spread.items() if _is_number(value)}
    answered = sum(numbers.values()) if kind.ranged else min(sum(spread.values()), seen)
    total = sum(numbers.values())
    return Asked(
        question,
        number,
        seen,
        stopped.get(key, 0),
        answered,
        100 * seen / totals.started if totals.started else 0.0,
        bars,
        texts_of(survey, key) if kind.key in {"text", "long", "date"} else [],
        sum(value * n for value, n in numbers.items()) / total if kind.ranged and total else None,
        nps_of(numbers) if kind.key == "nps" and total else None,
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def bars_of(question: Question, spread: dict[str, int], seen: int) -> list[Bar]:
    """Each option in its order, also one nobody chose."""
    kind = kind_of(question)
    if kind.optioned:
        rows = [
            (str(each["label"]), spread.get(str(each["value"]), 0)) for each in question["options"]
        ]
    elif kind.key in {"scale", "nps"}:
        low, high = bounds_of(question)
        rows = [(str(n), spread.get(str(n), 0)) for n in range(int(low or 0), int(high or 0) + 1)]
    elif kind.key == "number" and question.get("ranges"):
        rows = [(_words(part), _inside(part, spread)) for part in question["ranges"]]
    else:
        return []
    return [Bar(label, count, count / seen if seen else 0.0) for label, count in rows]


def _words(part: dict[str, Any]) -> str:
    low, high = part.get("from"), part.get("to")
    if low is None:
        return f"up to {high}"
    return f"from {low}" if high is None else f"{low} to {high}"


def _inside(part: dict[str, Any], spread: dict[str, int]) -> int:
    fake: Question = {"type": "number", "ranges": [part]}
    return sum(
        n
        for value, n in spread.items()
        if _is_number(value) and flow.chosen_parts(fake, float(value))
    )


def nps_of(numbers: dict[float, int]) -> int:
    """Promoters (9 and 10) less detractors (0 to 6), as a share of all: from −100 to 100."""
    total = sum(numbers.values())
    promoters = sum(n for value, n in numbers.items() if value >= 9)
    detractors = sum(n for value, n in numbers.items() if value <= 6)
    return round(100 * (promoters - detractors) / total)


def texts_of(survey: Survey, key: str) -> list[str]:
    """The newest answers in words."""
    said = KeyTextTransform(key, "answers")
    rows = counted(survey).filter(answers__has_key=key).order_by("-answered_at", "-pk")
    answers = list(rows.values_list(said, flat=True)[: MOST_TEXTS * 3])
    return [str(each) for each in answers if each][:MOST_TEXTS]


def _endings(survey: Survey, totals: Totals) -> list[Bar]:
    rows = counted(survey).filter(state=State.COMPLETED).values("result")
    found = rows.annotate(n=Count("pk")).order_by("-n", "result")
    return [
        Bar(row["result"] or "Thank you", row["n"], row["n"] / totals.completed) for row in found
    ]


# ---- lists ----


def survey_rows(*, archived: bool = False) -> list[Survey]:
    """With `started` and `done` for each."""
    of_all = Q(responses__is_test=False)
    rows = Survey.objects.filter(archived_at__isnull=not archived).select_related("published")
    return list(
        rows.annotate(
            started=Count("responses", filter=of_all),
            done=Count("responses", filter=of_all & Q(responses__state=State.COMPLETED)),
            points=Avg("responses__points", filter=of_all & Q(responses__state=State.COMPLETED)),
            latest=Max("responses__answered_at", filter=of_all),
        ).order_by(F("latest").desc(nulls_last=True), "name", "pk")
    )


def responses_of(survey: Survey, principal: Any) -> QuerySet[SurveyResponse]:
    rows: QuerySet[SurveyResponse] = SurveyResponse.objects.visible_to(principal).filter(
        survey=survey
    )
    return rows.select_related("lead", "version")


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    words: str
    points: int


def lines_of(response: SurveyResponse) -> list[Line]:
    """Question by question, in the words of the version that asked."""
    content = contents.read(response.version.content)
    found = [(content.question(key), response.answers.get(key)) for key in response.path]
    return [
        Line(str(each["label"]), flow.words_of(each, answer), flow.points_of(each, answer))
        for each, answer in found
        if each is not None and kind_of(each).asks
    ]
