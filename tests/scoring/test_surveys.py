from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client

from leadcrm.accounts.models import Role, Workspace
from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid
from leads.capture import reviewing
from leads.models import Activity, Consent, InboxItem, Lead
from nurturing.models import TemplateVersion
from nurturing.rendering import context_of, refuse_broken, sandbox
from scoring.actions import responses as deeds
from scoring.actions import surveys as actions
from scoring.models import BantAnswer, Survey, SurveyResponse
from scoring.surveys import results
from tests.factories import NOON, LeadFactory, UserFactory
from tests.scoring.surveys import BUDGET, STAFF, YOU, Person, make_survey, token_of

pytestmark = pytest.mark.django_db
PRIYA = {"email": "priya@kestrel.example", "name": "Priya Raman", "company": "Kestrel"}


@pytest.fixture(autouse=True)
def at_noon() -> Any:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


class TestPersonalLink:
    def test_answers_become_part_of_the_lead(self) -> None:
        lead = LeadFactory(company_size=None)
        survey = make_survey()
        person = Person(token_of(survey, lead))

        person.send(budget="yes")
        person.send(staff="120")
        person.send(tools=["excel", "paper"])
        pump.run_all()

        assert "A good fit" in person.page
        assert "23 of 23" in person.page
        lead.refresh_from_db()
        assert lead.company_size == 120
        answer = BantAnswer.objects.get(lead=lead, dimension="budget")
        assert (answer.level, answer.value, answer.source) == ("yes", "Yes, approved", "survey")
        assert {tag.name for tag in lead.tags.all()} == {"Spreadsheets", "Paper", "Fit"}
        done = Activity.objects.get(lead=lead, type="survey_completed")
        assert done.properties["score"] == 23
        assert (done.properties["result"], done.properties["percent"]) == ("Good fit", 100)

    def test_says_nothing_of_the_lead_and_never_asks_who_it_is(self) -> None:
        lead = LeadFactory(first_name="Priya", email="priya@kestrel.example")
        person = Person(token_of(make_survey(), lead))

        pages = [person.page]
        for answers in ({"budget": "soon"}, {"staff": None}, {"tools": None}):
            person.send(**answers)
            pages.append(person.page)

        assert not any("Priya" in page or "kestrel" in page for page in pages)
        assert "Let us stay in touch" in pages[-1]

    def test_one_answer_can_lead_to_an_ending(self) -> None:
        person = Person(token_of(make_survey(), LeadFactory()))

        person.send(budget="no")

        assert "Let us stay in touch" in person.page
        assert SurveyResponse.objects.get().path == ["budget"]

    def test_one_goes_back_and_on_later(self) -> None:
        token = token_of(make_survey(), LeadFactory())
        first = Person(token)
        first.send(budget="soon")
        first.path = f"/q/{token}/?at=budget"
        first.open()
        assert 'value="soon" checked' in first.page
        first.send(budget="yes")

        again = Person(token)

        assert "How many people?" in again.page
        assert SurveyResponse.objects.get().answers == {"budget": "yes"}

    def test_answers_once_however_often_it_is_sent(self) -> None:
        lead = LeadFactory()
        person = Person(token_of(make_survey(BUDGET), lead))
        person.send(budget="yes", follow=False)
        before = person.page
        person.open()
        person.send(budget="soon")
        pump.run_all()
        pump.run_all()

        response = SurveyResponse.objects.get()
        assert (response.answers, before) == ({"budget": "yes"}, "")
        assert Activity.objects.filter(type="survey_completed").count() == 1

    def test_ends_after_its_days(self, at_noon: Any) -> None:
        lead, survey = LeadFactory(), make_survey()
        token = token_of(survey, lead)
        unsent = Person(token)
        at_noon.shift(timedelta(days=31))

        person = Person(token)

        assert "This link has ended" in person.page
        assert person.open() == 410
        late = unsent.send(budget="yes")
        assert late.status_code == 410
        assert not SurveyResponse.objects.exists()

    def test_of_a_merged_lead_belongs_to_the_one_that_is_left(self) -> None:
        survivor, loser = LeadFactory(), LeadFactory()
        token = token_of(make_survey(BUDGET), loser)
        Lead.objects.filter(pk=loser.pk).update(merged_into=survivor)

        Person(token).send(budget="yes")
        pump.run_all()

        assert BantAnswer.objects.get(dimension="budget").lead == survivor

    @pytest.mark.parametrize("token", ["nothing", "1-1-1.aaaaaaaaaaaaaaaaaaaa", "a.b", "%00", "²"])
    def test_what_we_did_not_sign_leads_nowhere(self, client: Client, token: str) -> None:
        make_survey()

        assert client.get(f"/q/{token}/").status_code == 404
        assert client.post(f"/q/{token}/", {"q": "budget"}).status_code == 404


class TestPublicLink:
    def test_makes_a_lead_by_a_capture(self, at_noon: Any) -> None:
        person = Person(make_survey().slug)
        person.send(budget="yes")
        person.send(staff="40")
        person.send(tools=["paper"])
        at_noon.shift(30)
        person.send(you={**PRIYA, "consent": "yes"})
        pump.run_all()

        lead = Lead.objects.get(email="priya@kestrel.example")
        assert (lead.first_name, lead.company_name) == ("Priya", "Kestrel")
        assert InboxItem.objects.get().state == InboxItem.State.APPLIED
        assert BantAnswer.objects.get(lead=lead).level == "yes"
        assert Consent.objects.get(lead=lead).wording == "You may write to me."
        response = SurveyResponse.objects.get()
        assert (response.lead, response.state) == (lead, "completed")
        assert Activity.objects.filter(lead=lead, type="survey_completed").exists()

    def test_one_who_stops_after_saying_who_they_are_is_no_less_a_lead(self, at_noon: Any) -> None:
        person = Person(make_survey(YOU, BUDGET, STAFF).slug)
        at_noon.shift(30)
        person.send(you=PRIYA)
        person.send(budget="soon")
        at_noon.shift(timedelta(days=2))
        pump.run_all()

        lead = Lead.objects.get(email="priya@kestrel.example")
        assert BantAnswer.objects.get(lead=lead).level == "partial"
        assert Activity.objects.filter(lead=lead, type="survey_answered").count() == 1
        assert SurveyResponse.objects.get().state == "left"

        person.send(staff="150")
        pump.run_all()

        assert Activity.objects.filter(lead=lead, type="survey_completed").count() == 1

    def test_spam_waits_and_counts_once_somebody_lets_it_go(self, at_noon: Any) -> None:
        person = Person(make_survey(YOU, BUDGET).slug)
        person.send(you=PRIYA)  # in no time: too fast for people
        person.send(budget="yes")
        pump.run_all()
        item = InboxItem.objects.get()
        assert (item.state, Lead.objects.count()) == (InboxItem.State.QUARANTINED, 0)

        reviewing.release(item.pk, by=UserFactory(role=Role.MARKETER))
        pump.run_all()

        lead = Lead.objects.get()
        assert BantAnswer.objects.get(lead=lead).level == "yes"

    def test_what_programs_fill_in_counts_for_nothing(self) -> None:
        survey = make_survey(BUDGET)
        Person(survey.slug).send(budget="yes")
        client = Client()
        client.post(f"/q/{survey.slug}/", {"q": "budget", "a-budget": "yes", "lc_confirm": "x"})

        assert results.totals_of(survey).started == 1
        assert SurveyResponse.objects.filter(is_test=True).count() == 1

    def test_who_has_begun_may_finish_when_it_is_closed(self) -> None:
        survey = make_survey(BUDGET, STAFF)
        begun, opened = Person(survey.slug), Person(survey.slug)
        begun.send(budget="yes")
        actions.unpublish_survey(survey.pk)

        begun.send(staff="10")
        opened.send(budget="soon")

        assert "Let us stay in touch" in begun.page
        assert SurveyResponse.objects.count() == 2
        assert Person(survey.slug).open() == 410

    def test_a_response_keeps_the_version_it_was_begun_with(self) -> None:
        survey = make_survey(BUDGET, STAFF)
        person = Person(survey.slug)
        person.send(budget="yes")
        draft = actions.draft_of(survey)
        draft.questions[1]["label"] = "How many now?"
        actions.save_draft(survey.pk, draft)
        actions.publish_survey(survey.pk)

        person.open()

        assert "How many people?" in person.page
        assert "How many now?" not in person.page


class TestOnePage:
    def test_asks_all_at_once_and_keeps_what_is_right(self) -> None:
        plain = {**BUDGET, "options": [o | {"go": ""} for o in BUDGET["options"]]}
        survey = make_survey(plain, STAFF, layout="all")
        person = Person(survey.slug)

        wrong = person.send(budget="yes", staff="many")

        assert wrong.status_code == 422
        assert "Write a number" in person.page
        assert 'value="yes" checked' in person.page
        person.send(budget="yes", staff="150")
        assert "A good fit" in person.page
        assert SurveyResponse.objects.get().points == 18


class TestAnswers:
    @pytest.mark.parametrize(
        ("answers", "words"),
        [
            ({}, "Choose one."),
            ({"budget": "maybe"}, "Choose one of these."),
            ({"budget": "\x00"}, "Choose one"),
            ({"budget": ["yes", "x" * 10_000]}, "Choose one of these."),
        ],
    )
    def test_that_are_none_are_asked_for_again(self, answers: Any, words: str) -> None:
        person = Person(make_survey().slug)

        response = person.send(**answers)

        assert response.status_code == 422
        assert words in person.page

    @pytest.mark.parametrize("staff", ["1e400", "nan", "inf", "٣", "-5", "1.000.000", "x" * 6000])
    def test_of_numbers_are_numbers_or_sent_back(self, staff: str) -> None:
        person = Person(make_survey(STAFF).slug)

        assert person.send(staff=staff).status_code in {303, 422}

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"q": "nothing"},
            {"q": ["budget"] * 500},
            {"lc_at": "x", "lc_nonce": "y" * 1000, "q": "budget", "a-budget": "yes"},
            {"lc_at": "1:1.mac", "q": "you", "a-you-email": "a\x00@b.example"},
        ],
    )
    def test_of_broken_programs_break_nothing(self, client: Client, body: Any) -> None:
        survey = make_survey()

        assert client.post(f"/q/{survey.slug}/", body).status_code in {303, 422}


class TestOffice:
    @pytest.fixture
    def office(self, client: Client) -> Client:
        client.force_login(UserFactory(role=Role.MARKETER))
        return client

    def test_builds_publishes_and_sees_what_came_of_it(self, office: Client) -> None:
        office.post("/surveys/new/", {"name": "Is it for you?", "kind": "quiz"})
        edit = "/surveys/is-it-for-you/edit/"
        office.post(edit, {"do": "add", "type": "single"})
        options = {
            "q-label": "When?", "q-type": "single", "q-required": "on",
            "q-maps_to": "bant.timeline",
            "o-0-label": "Now", "o-0-points": "9", "o-0-level": "yes",
            "o-1-label": "Some day", "o-1-points": "1", "o-1-level": "partial",
            "o-1-go": "end:thanks",
        }  # fmt: skip
        saved = office.post(f"{edit}?pane=question&key=new_question", options)
        assert saved.status_code == 302
        published = office.post(edit, {"do": "publish"}, follow=True)

        survey = Survey.objects.get(slug="is-it-for-you")
        assert "Version 1 is live" in published.content.decode()
        [question] = [
            q for q in survey.published.content["questions"] if q["key"] == "new_question"
        ]
        assert [o["value"] for o in question["options"]] == ["now", "some_day"]
        assert question["options"][1]["go"] == "end:thanks"
        Person(token_of(survey, LeadFactory())).send(how_many="many")
        page = office.get("/surveys/is-it-for-you/").content.decode()
        assert "More than 100" in page
        assert "Stopped there" in page
        assert "LeadCRM" in office.get("/surveys/is-it-for-you/responses/").content.decode()

    def test_is_told_what_is_missing(self, office: Client) -> None:
        survey = actions.create_survey(name="Empty", kind="survey")
        draft = actions.draft_of(survey)
        draft.questions = [BUDGET | {"options": []}]
        draft.layout = "all"
        actions.save_draft(survey.pk, draft)

        response = office.post("/surveys/empty/edit/", {"do": "publish"})

        assert response.status_code == 422
        assert "at least two options" in response.content.decode()

    def test_tries_a_draft_without_leaving_a_trace(self, office: Client) -> None:
        survey = make_survey(BUDGET, STAFF)
        path = f"/surveys/{survey.slug}/try/"
        first = office.post(path, {"q": "budget", "a-budget": "yes"}).content.decode()
        assert "How many people?" in first
        data = {"so_far": '{"budget": "yes"}', "q": "staff", "a-staff": "200"}

        last = office.post(path, data).content.decode()

        assert "A good fit" in last
        assert "18 of 18" in last
        assert not SurveyResponse.objects.exists()

    def test_copies_archives_closes_and_deletes(self, office: Client) -> None:
        survey = make_survey(BUDGET)
        base = f"/surveys/{survey.slug}/"
        office.post(f"{base}duplicate/")
        office.post(f"{base}unpublish/")
        office.post(f"{base}archive/")

        copy = Survey.objects.exclude(pk=survey.pk).get()
        assert copy.published is None
        assert actions.draft_of(copy).questions == [BUDGET]
        assert "Fit check" in office.get("/surveys/?archived").content.decode()
        office.post(f"/surveys/{copy.slug}/delete/")
        assert not Survey.objects.filter(pk=copy.pk).exists()

    def test_deletes_nothing_that_was_answered(self, office: Client) -> None:
        survey = make_survey(BUDGET)
        Person(survey.slug).send(budget="yes")

        office.post(f"/surveys/{survey.slug}/delete/")

        assert Survey.objects.filter(pk=survey.pk).exists()

    def test_every_page_opens(self, office: Client) -> None:
        survey = make_survey()
        Person(survey.slug).send(budget="yes")
        response = SurveyResponse.objects.get()
        for part in ("", "edit/", "edit/?pane=ending", "edit/?pane=words", "try/", "responses/",
                     f"responses/{response.public_id}/", "versions/", "settings/"):  # fmt: skip
            assert office.get(f"/surveys/{survey.slug}/{part}").status_code == 200, part
        assert office.get("/surveys/").status_code == 200


class TestRep:
    def test_copies_a_link_and_reads_what_was_said(self, client: Client) -> None:
        alice = UserFactory()
        lead = LeadFactory(owner=alice)
        survey = make_survey(BUDGET)
        client.force_login(alice)
        page = client.get(f"/leads/{lead.public_id}/surveys/").content.decode()
        token = token_of(survey, lead)
        assert f"/q/{token}/" in page
        Person(token).send(budget="yes")
        response = SurveyResponse.objects.get()

        answers = client.get(f"/surveys/{survey.slug}/responses/{response.public_id}/")

        assert "Yes, approved" in answers.content.decode()
        client.force_login(UserFactory())
        path = f"/surveys/{survey.slug}/responses/{response.public_id}/"
        assert client.get(path).status_code == 404


def test_answers_are_forgotten_when_their_time_is_over() -> None:
    survey = make_survey(BUDGET)
    Person(survey.slug).send(budget="yes")
    SurveyResponse.objects.update(answered_at=NOON - timedelta(days=4000))
    assert deeds.prune() == 0

    actions.change_survey(survey.pk, {"keep_days": 30})

    assert deeds.prune() == 1
    assert not SurveyResponse.objects.exists()


def test_recommendation_is_promoters_less_detractors() -> None:
    assert results.nps_of({10.0: 5, 8.0: 3, 3.0: 2}) == 30


class TestMails:
    def test_may_name_the_readers_own_link(self) -> None:
        survey, lead = make_survey(), LeadFactory()
        version = TemplateVersion(subject="Two minutes?", html="<p>{{ surveys.fit_check }}</p>")

        refuse_broken(version)
        context = context_of(lead, Workspace.load(), {"unsubscribe": "#", "preferences": "#"})

        assert f"/q/{token_of(survey, lead)}/" in sandbox.render(version.html, context, html=True)
        actions.unpublish_survey(survey.pk)
        assert "fit_check" in context_of(lead, Workspace.load(), {})["surveys"]

    def test_are_told_of_a_survey_that_is_not_there(self) -> None:
        version = TemplateVersion(subject="Hello", html="<p>{{ surveys.nothing }}</p>")

        with pytest.raises(Invalid):
            refuse_broken(version)
