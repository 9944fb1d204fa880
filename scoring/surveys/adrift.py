"""Answers that came while the database was away: they wait in the lifeboat, and count later."""

from dataclasses import replace

from django.http import Http404, QueryDict

from leads.capture import Arrival, Outcome, lifeboat, parsing
from leads.capture.envelopes import BY_ITEM, Submission
from leads.capture.lifeboat import Unplaceable
from leads.models import InboxItem
from scoring.surveys.public import find_door, take_late

KIND, DOOR = "survey", "survey-page"
State = InboxItem.State


def resolve(arrival: Arrival, token: str) -> Arrival:
    """:raises Unplaceable: nothing of ours was ever at this address."""
    try:
        find_door(token)
    except Http404:
        words = f"There was no survey at /q/{token[:60]}/ when the database was back."
        raise Unplaceable(State.NEEDS_REVIEW, "unknown", words) from None
    return replace(arrival, door=f"{DOOR}:0", path=f"/q/{token}/")


def read_item(item: InboxItem) -> Submission:
    return Submission({}, instead=settle)


def settle(item: InboxItem) -> Outcome:
    """As if the page were sent now. What names somebody becomes a capture of its own."""
    token = item.path.removeprefix("/q/").strip("/")
    post = QueryDict(mutable=True)
    read = parsing.answers_of(bytes(item.body), item.content_type)
    for name, value in read.values.items():
        post.setlist(name, [str(each) for each in (value if isinstance(value, list) else [value])])
    try:
        response = take_late(token, post, item)
    except Http404:
        return Outcome(State.NEEDS_REVIEW, "unknown", "There is no survey at this address.")
    if response is None:
        words = "No answer in it fits a question, or the survey was closed before."
        return Outcome(State.NEEDS_REVIEW, "not_answered", words)
    words = f"Kept as answers of “{response.survey.name}”."
    return Outcome(State.REJECTED, "survey_answers", words, response.lead_id)


lifeboat.RESOLVERS[KIND] = resolve
BY_ITEM[DOOR] = read_item
