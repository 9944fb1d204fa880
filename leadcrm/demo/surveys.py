"""A quiz that qualifies and a question about recommendation, with what people answered."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from random import Random
from typing import Any

from leads.models import Lead, Lifecycle
from scoring.actions import responses
from scoring.actions import surveys as actions
from scoring.models import Survey, SurveyResponse
from scoring.surveys import content as contents
from scoring.surveys.content import Content

QUIZ, NPS = "is-it-for-you", "how-are-we-doing"
MOST_PEOPLE = 60


def _options(*rows: tuple[Any, ...]) -> list[dict[str, Any]]:
    """(words, points, level, where it leads)"""
    return [
        {
            "value": f"o{n}",
            "label": row[0],
            "points": row[1],
            **({"level": row[2]} if len(row) > 2 and row[2] else {}),
            **({"go": row[3]} if len(row) > 3 else {}),
        }
        for n, row in enumerate(rows, 1)
    ]


QUIZ_CONTENT: dict[str, Any] = {
    "title": "Would Marlow save you time?",
    "intro": "Five short questions, two minutes. You get an honest answer at the end.",
    "button": "See the result",
    "questions": [
        {"key": "people", "type": "single", "label": "How many people do you plan shifts for?",
         "required": True, "maps_to": "company_size",
         "options": _options(("Fewer than 20", 2), ("20 to 99", 6), ("100 to 499", 10),
                             ("500 or more", 10))},
        {"key": "pain", "type": "several", "label": "What costs you most time today?",
         "maps_to": "bant.need",
         "options": _options(("Swaps and sick calls", 5, "yes"),
                             ("Overtime seen too late", 5, "yes"),
                             ("Payroll by hand", 4, "yes"), ("Nothing really", 0, "no"))},
        {"key": "when", "type": "single", "label": "When should it be up and running?",
         "required": True, "maps_to": "bant.timeline",
         "options": _options(("Within three months", 10, "yes"), ("This year", 5, "partial"),
                             ("I am only looking", 0, "no", "you"))},
        {"key": "budget", "type": "single", "label": "Is there a budget for it?",
         "maps_to": "bant.budget",
         "options": _options(("Yes, approved", 10, "yes"), ("Planned for next year", 5, "partial"),
                             ("Not yet", 0, "no"))},
        {"key": "role", "type": "single", "label": "What is your part in the decision?",
         "maps_to": "bant.authority",
         "options": _options(("I decide", 10, "yes"), ("I decide with others", 6, "partial"),
                             ("I prepare it", 4, "partial"), ("I would use it", 1, "no"))},
        {"key": "you", "type": "contact", "label": "Where may we send your result?",
         "required": True, "with_name": True, "with_company": True,
         "consent": "Send me one useful e-mail a month. I can stop any time."},
    ],
    "endings": [
        {"key": "great", "name": "Great fit", "title": "Yes, and soon", "from_points": 35,
         "text": "You have {points} of {most} points. Teams like yours save six hours a week.",
         "button_label": "Book a demo", "button_url": "https://marlow.example/demo",
         "tag": "Quiz: great fit"},
        {"key": "good", "name": "Good fit", "title": "It would help", "from_points": 18,
         "text": "You have {points} of {most} points. See how others began.",
         "button_label": "Read the guide", "button_url": "https://marlow.example/guide"},
        {"key": "early", "name": "Too early", "title": "Not yet, and that is fine",
         "text": "A spreadsheet serves you well for now. We will be here.", "from_points": None},
    ],
}  # fmt: skip
NPS_CONTENT: dict[str, Any] = {
    "title": "How are we doing?",
    "questions": [
        {"key": "recommend", "type": "nps", "required": True, "low": "Not at all likely",
         "high": "Extremely likely",
         "label": "How likely are you to recommend Marlow to a colleague elsewhere?",
         "ranges": [{"from": 0, "to": 6, "points": 0, "go": "wrong"},
                    {"from": 7, "to": 8, "points": 0, "go": "reason"},
                    {"from": 9, "to": 10, "points": 0, "go": "reason"}]},
        {"key": "wrong", "type": "long", "label": "What went wrong, or is missing?", "go": "end"},
        {"key": "reason", "type": "long", "label": "What is the main reason?"},
    ],
    "endings": [{"key": "thanks", "name": "Thank you", "title": "Thank you",
                 "text": "We read every word.", "from_points": None}],
}  # fmt: skip
PRAISE = (
    "Swaps used to take my Monday morning. Not any more.",
    "Payroll export just works.",
    "The team likes the app, which I did not expect.",
)
BLAME = (
    "The phone app is slow in our cellar.",
    "I would like to see overtime a week earlier.",
    "Two of our depots are still on paper.",
)


def load_surveys(*, seed: int, now: datetime) -> int:
    """Both, once, with responses of leads of the demo; return how many."""
    if Survey.objects.filter(slug=QUIZ).exists():
        return 0
    quiz = _publish("Is it for you?", QUIZ, "quiz", contents.read(QUIZ_CONTENT))
    nps = _publish("How are we doing?", NPS, "nps", contents.read(NPS_CONTENT))
    random = Random(seed)
    leads = Lead.objects.live().filter(is_test=False).order_by("-created_at", "-pk")
    customers = leads.filter(lifecycle=Lifecycle.CUSTOMER)[:MOST_PEOPLE]
    asked = leads.exclude(lifecycle__in=[Lifecycle.CUSTOMER, Lifecycle.DISQUALIFIED])[:MOST_PEOPLE]
    found = _answer_quiz(quiz, list(asked), random, now) + _answer_nps(
        nps, list(customers), random, now
    )
    for response in SurveyResponse.objects.order_by("pk"):
        responses.settle(response.pk, at=now)
    return found


def _publish(name: str, slug: str, kind: str, content: Content) -> Survey:
    survey = actions.create_survey(name=name, slug=slug, kind=kind, content=content)
    actions.publish_survey(survey.pk)
    survey.refresh_from_db()
    return survey


def _answer_quiz(survey: Survey, leads: Sequence[Lead], random: Random, now: datetime) -> int:
    """Four of ten who got the link begin, and most of them finish."""
    answered = [lead for lead in leads if random.random() < 0.55]
    for lead in answered:
        at = _moment(lead, random, now)
        given: dict[str, Any] = {"people": f"o{random.choices([1, 2, 3, 4], [2, 4, 3, 1])[0]}"}
        given["pain"] = sorted({f"o{random.randint(1, 3)}", f"o{random.randint(1, 3)}"})
        given["when"] = f"o{random.choices([1, 2, 3], [4, 4, 2])[0]}"
        given["budget"] = f"o{random.choices([1, 2, 3], [3, 4, 3])[0]}"
        given["role"] = f"o{random.choices([1, 2, 3, 4], [3, 3, 3, 1])[0]}"
        stops_after = random.choices([2, 3, 5], [1, 1, 8])[0]
        _answer(survey, lead, dict(list(given.items())[:stops_after]), at)
    return len(answered)


def _answer_nps(survey: Survey, leads: Sequence[Lead], random: Random, now: datetime) -> int:
    answered = [lead for lead in leads if random.random() < 0.7]
    for lead in answered:
        score = random.choices([3, 6, 7, 8, 9, 10], [1, 1, 2, 4, 5, 4])[0]
        given: dict[str, Any] = {"recommend": score}
        if score <= 6:
            given["wrong"] = random.choice(BLAME)
        else:
            given["reason"] = random.choice((*PRAISE, None))
        _answer(survey, lead, given, _moment(lead, random, now))
    return len(answered)


def _moment(lead: Lead, random: Random, now: datetime) -> datetime:
    """Within the last six weeks, and not before we knew them."""
    wanted = now - timedelta(hours=random.randrange(2, 24 * 42))
    return max(wanted, min(lead.created_at + timedelta(hours=3), now))


def _answer(survey: Survey, lead: Lead, given: dict[str, Any], at: datetime) -> None:
    version = survey.published
    if version is not None:
        link = f"p:demo-{survey.pk:x}-{lead.pk:x}"
        responses.answer_survey(version, given, link=link, at=at, lead_id=lead.pk)
