import pytest
from django.test import Client

from leadcrm.eventlog.models import DomainEvent
from leadcrm.lib import pump
from leads.actions import create_lead
from leads.events import LeadCaptured
from leads.models import Activity, DirtyLead, Inquiry
from scoring import actions, handlers
from scoring.defaults import ensure_default_model
from scoring.models import BantAnswer
from tests.factories import NOON, LeadFactory, UserFactory
from tests.scoring.factories import DAY

pytestmark = pytest.mark.django_db


class TestAnswers:
    def test_are_kept_announced_and_scored(self) -> None:
        lead, alice = LeadFactory(), UserFactory(name="Alice")

        changed = actions.answer_bant(
            lead.pk,
            {"budget": {"level": "yes", "value": "€20k"}, "need": {"level": "partial"}},
            source="rep",
            at=NOON,
            user=alice,
        )

        assert changed == ["budget", "need"]
        budget = BantAnswer.objects.get(lead=lead, dimension="budget")
        assert (budget.level, budget.value, budget.answered_by) == ("yes", "€20k", alice)
        assert DomainEvent.objects.get(name="lead.bant_answered").payload["dimensions"] == changed
        assert Activity.objects.get(type="bant_answered").user == alice
        assert DirtyLead.objects.filter(lead=lead).exists()

    def test_the_same_answer_again_is_nothing_new(self) -> None:
        lead = LeadFactory()
        for days in range(3):
            actions.answer_bant(
                lead.pk, {"need": {"level": "yes"}}, source="rep", at=NOON + days * DAY
            )

        assert BantAnswer.objects.count() == 1
        assert DomainEvent.objects.filter(name="lead.bant_answered").count() == 1

    def test_a_newer_answer_supersedes_and_history_stays(self) -> None:
        lead = LeadFactory()
        actions.answer_bant(lead.pk, {"need": {"level": "yes"}}, source="rep", at=NOON)
        actions.answer_bant(lead.pk, {"need": {"level": "no"}}, source="rep", at=NOON + DAY)
        late: dict[str, actions.Answer] = {"need": {"level": "partial"}}
        actions.answer_bant(lead.pk, late, source="form", at=NOON - DAY)

        history = BantAnswer.objects.order_by("at").values_list("level", "superseded_at")
        assert list(history) == [("partial", NOON), ("yes", NOON + DAY), ("no", None)]


class TestCaptures:
    def captured(self, bant: object) -> None:
        lead = create_lead({"email": "priya@kestrel.example"}, at=NOON, announce=False)
        inquiry = Inquiry.objects.create(lead=lead, fields={"bant": bant}, received_at=NOON)
        event = LeadCaptured(lead_id=lead.pk, inquiry_id=inquiry.pk, is_new=True)
        handlers.take_bant_answers(event)
        handlers.take_bant_answers(event)

    def test_answer_bant_by_what_a_form_asked(self) -> None:
        self.captured({"budget": {"level": "yes", "value": "€20k"}, "timeline": "before March"})

        rows = BantAnswer.objects.order_by("dimension").values_list("dimension", "level", "value")
        assert list(rows) == [("budget", "yes", "€20k"), ("timeline", "partial", "before March")]

    @pytest.mark.parametrize(
        "bant",
        [None, [], "yes", {"budget": 5}, {"luck": {"level": "yes"}}, {"need": {"level": []}}],
    )
    def test_nonsense_answers_nothing_and_breaks_nothing(self, bant: object) -> None:
        self.captured(bant)

        assert not BantAnswer.objects.exists()


class TestLeadPage:
    def test_a_rep_answers_in_place(self, client: Client) -> None:
        alice = UserFactory()
        lead = LeadFactory(owner=alice)
        client.force_login(alice)

        form = client.get(
            f"/leads/{lead.public_id}/bant/?edit=budget", headers={"HX-Request": "true"}
        )
        answer = {"dimension": "budget", "level": "yes", "value": "€20k <b>"}
        saved = client.post(
            f"/leads/{lead.public_id}/bant/", answer, headers={"HX-Request": "true"}
        )

        assert 'name="level"' in form.content.decode()
        assert "1 of 4 known" in saved.content.decode()
        assert "€20k &lt;b&gt;" in saved.content.decode()

    def test_it_works_without_javascript(self, client: Client) -> None:
        alice = UserFactory()
        lead = LeadFactory(owner=alice)
        client.force_login(alice)
        assert client.get(f"/leads/{lead.public_id}/bant/?edit=need").status_code == 200

        answer = {"dimension": "need", "level": "partial", "value": "Swaps"}
        response = client.post(f"/leads/{lead.public_id}/bant/", answer)

        assert response.headers["Location"] == f"/leads/{lead.public_id}/"
        assert BantAnswer.objects.get().level == "partial"

    @pytest.mark.parametrize(
        "answer",
        [
            {"dimension": "need", "level": "perhaps"},
            {"dimension": "luck", "level": "yes"},
            {"dimension": "need", "level": "yes", "value": "x" * 400},
            {},
        ],
    )
    def test_a_mistake_is_said_in_words(self, client: Client, answer: dict[str, str]) -> None:
        alice = UserFactory()
        lead = LeadFactory(owner=alice)
        client.force_login(alice)

        response = client.post(f"/leads/{lead.public_id}/bant/", answer)

        assert response.status_code == 422
        assert not BantAnswer.objects.exists()

    def test_others_leads_are_not_there(self, client: Client) -> None:
        lead = LeadFactory(owner=UserFactory())
        client.force_login(UserFactory())

        for path in ("bant", "score"):
            assert client.get(f"/leads/{lead.public_id}/{path}/").status_code == 404


def test_the_whole_way_from_answer_to_score() -> None:
    ensure_default_model()
    lead = LeadFactory()
    actions.answer_bant(lead.pk, {"budget": {"level": "yes"}}, source="rep", at=NOON)

    pump.run_all()

    lead.score_row.refresh_from_db()
    assert lead.score_row.bant == 14
