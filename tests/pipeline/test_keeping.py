"""Pipelines as managers keep them: stages, what they ask for, moves by rule, reasons."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Notification, Role
from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid
from leads.models import Lead, Pipeline, Stage
from pipeline import actions
from pipeline.actions import automation, funnels
from pipeline.actions.entering import StageRefused
from pipeline.models import AutoMove, CloseReason, SalesCycle, StageTimer, Transition
from tests.factories import NOON, LeadFactory, UserFactory, make_funnel
from tests.pipeline.factories import cycle_of, open_lead
from tests.pipeline.test_api import Program

pytestmark = pytest.mark.django_db
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def manager(client: Client) -> Client:
    client.force_login(UserFactory(name="Charlie", role=Role.MANAGER))
    return client


def stage(key: str) -> Stage:
    return Stage.objects.get(key=key, pipeline__is_default=True)


def ask(key: str, **rules: object) -> None:
    found = stage(key)
    for name, value in rules.items():
        setattr(found, name, value)
    found.save()


def move(lead: Lead, to: str, **more: object) -> Transition | None:
    return actions.move_to_stage(lead.pk, to=to, at=LATER, **more)  # type: ignore[arg-type]


class TestEntering:
    def test_says_which_fields_are_missing_and_what_to_do(self) -> None:
        lead = open_lead(phone="")
        ask("proposal", required_fields=["email", "phone", "deal"])

        with pytest.raises(StageRefused) as refused:
            move(lead, "proposal")

        assert "needs a phone number and an open deal" in refused.value.detail
        assert [error.field for error in refused.value.errors] == ["phone", "deal"]

    def test_lets_in_who_has_everything(self) -> None:
        lead = open_lead(phone="+31201234567")
        actions.create_deal(lead.pk, amount=Decimal(100), at=NOON)
        ask("proposal", required_fields=["phone", "deal"])

        move(lead, "proposal")

        lead.refresh_from_db()
        assert lead.stage == stage("proposal")

    def test_holds_to_the_condition_of_the_stage(self) -> None:
        lead = open_lead(country="DE")
        ask("sql", condition={"field": "country", "op": "is", "value": "NL"})

        with pytest.raises(StageRefused, match="Country is"):
            move(lead, "sql")

    def test_keeps_to_the_allowed_ways(self) -> None:
        lead = open_lead()
        ask("proposal", allowed_from=["mql", "sql"])

        with pytest.raises(StageRefused) as refused:
            move(lead, "proposal")

        assert (
            "reached from “Marketing qualified” or “Sales qualified” only" in refused.value.detail
        )

    def test_asks_why_a_lead_goes_back(self) -> None:
        lead = open_lead()
        Pipeline.objects.update(back_needs_note=True)
        move(lead, "sql")

        with pytest.raises(StageRefused, match="Say why"):
            move(lead, "mql")

        assert move(lead, "mql", note="No budget until spring") is not None

    def test_won_needs_what_it_is_worth(self) -> None:
        lead = open_lead()

        with pytest.raises(StageRefused, match="worth"):
            move(lead, "won")

        assert move(lead, "won", amount=Decimal(0)) is not None

    def test_the_api_refuses_the_same(self) -> None:
        lead = open_lead(phone="")
        ask("proposal", required_fields=["phone"])
        program = Program(user=UserFactory(role=Role.ADMIN))

        answer = program.post(f"leads/{lead.public_id}/stage/", {"stage": "proposal"})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "phone"

    def test_a_move_taken_back_asks_for_nothing(self, client: Client) -> None:
        alice = UserFactory()
        lead = open_lead(owner=alice, at=timezone.now())
        client.force_login(alice)
        path = f"/pipeline/{lead.public_id}/move/"
        answer = client.post(path, {"stage": "contacted"}, headers={"HX-Request": "true"})
        ask("new", required_fields=["deal"])

        undo = answer.headers["HX-Trigger"].split('"undo": "')[1].split('"')[0]
        client.post(undo)

        lead.refresh_from_db()
        assert lead.stage == stage("new")

    def test_qualification_waits_at_a_closed_door(self) -> None:
        lead = open_lead(phone="")
        ask("sql", required_fields=["phone"])

        actions.qualify(lead.pk, kind="sql", at=LATER)

        lead.refresh_from_db()
        assert (lead.stage, lead.lifecycle) == (stage("new"), "sql")


class TestKeepingStages:
    def test_a_stage_is_added_moved_and_changed_in_the_browser(self, manager: Client) -> None:
        make_funnel()
        given = {"name": "Trial", "type": "purchase", "category": "open", "probability": 55,
                 "rot_days": 10, "required_fields": ["phone"]}  # fmt: skip

        manager.post("/settings/pipelines/default/stages/new/", given)
        manager.post("/settings/pipelines/default/stages/trial/change/", {"do": "left"})

        keys = [each.key for each in Stage.objects.order_by("position")]
        assert keys == ["new", "contacted", "mql", "sql", "trial", "proposal", "won", "lost"]
        assert stage("trial").required_fields == ["phone"]

    def test_a_stage_with_leads_is_taken_out_when_they_have_somewhere_to_go(
        self, manager: Client
    ) -> None:
        lead = open_lead()
        change = "/settings/pipelines/default/stages/new/change/"

        refused = manager.post(change, {"do": "archive"})
        manager.post(change, {"do": "archive", "move_to": "contacted"})

        lead.refresh_from_db()
        assert refused.status_code == 409
        assert "Choose the open stage they go to" in refused.content.decode()
        assert lead.stage == stage("contacted")
        assert "new" not in [each.key for each in Stage.objects.filter(archived_at=None)]

    def test_one_taken_out_keeps_its_place_in_history(self) -> None:
        lead = open_lead()
        move(lead, "contacted")
        move(lead, "sql")

        funnels.archive_stage(stage("contacted").pk, at=LATER)
        funnels.shift_stage(stage("proposal").pk, by=-1)

        keys = [each.key for each in Stage.objects.order_by("position")]
        assert keys == ["new", "contacted", "mql", "proposal", "sql", "won", "lost"]
        assert cycle_of(lead).furthest == stage("sql")

    def test_the_last_won_stage_stays(self) -> None:
        make_funnel()

        with pytest.raises(funnels.StageInUse, match="only won stage"):
            funnels.archive_stage(stage("won").pk, at=NOON)

    def test_names_are_taken_once(self) -> None:
        make_funnel()
        pipeline = Pipeline.objects.get(is_default=True)

        with pytest.raises(Invalid, match="There is a stage “Sales qualified” already"):
            funnels.create_stage(pipeline.pk, funnels.StageRules(name="Sales qualified"))

    def test_a_rep_does_not_find_the_settings(self, client: Client) -> None:
        client.force_login(UserFactory())

        assert client.get("/settings/pipelines/").status_code == 404


class TestSeveralPipelines:
    def test_a_lead_begins_in_the_one_whose_condition_holds(self) -> None:
        make_funnel()
        made = funnels.create_pipeline(name="Enterprise")
        big = {"field": "company_size", "op": "gte", "value": 1000}
        funnels.update_pipeline(made.pk, condition=big)
        large, small = LeadFactory(company_size=5000), LeadFactory(company_size=5)

        for lead in (large, small):
            actions.open_cycle(lead.pk, at=NOON)

        assert cycle_of(large).pipeline == made
        assert cycle_of(small).pipeline.is_default

    def test_a_cycle_moves_over_and_runs_in_one(self) -> None:
        lead = open_lead()
        made = funnels.create_pipeline(name="Partners")

        moved = move(lead, "talking", pipeline="partners")

        lead.refresh_from_db()
        assert moved is not None
        assert (moved.cause, lead.stage.pipeline) == ("pipeline", made)
        assert SalesCycle.objects.filter(lead=lead, closed_at=None).count() == 1

    def test_one_with_open_leads_is_not_archived(self) -> None:
        lead = open_lead()
        made = funnels.create_pipeline(name="Partners")
        move(lead, "talking", pipeline="partners")

        with pytest.raises(funnels.StageInUse, match="1 open lead runs"):
            funnels.archive_pipeline(made.pk, at=LATER)

    def test_each_has_its_own_board(self, manager: Client) -> None:
        make_funnel()
        funnels.create_pipeline(name="Partners")

        page = manager.get("/pipeline/?pipeline=partners").content.decode()

        assert "In talks" in page
        assert "Marketing qualified" not in page


class TestAutoMoves:
    def test_a_reply_moves_a_lead_once(self) -> None:
        lead = open_lead()
        ends = {"to": "mql", "trigger": AutoMove.Trigger.REPLIED}
        funnels.add_auto_move(stage("new").pk, **ends)
        funnels.add_auto_move(stage("mql").pk, to="sql", trigger=AutoMove.Trigger.REPLIED)

        for _ in range(2):
            automation.apply_moves(lead.pk, {"replied"}, at=LATER, since=LATER)

        lead.refresh_from_db()
        assert lead.stage == stage("mql")

    def test_idle_leads_are_lost_after_some_days_but_not_while_something_is_planned(self) -> None:
        now = timezone.now()
        idle, planned = open_lead(at=now), open_lead(at=now)
        actions.create_task(planned.pk, title="Call", due_at=now + timedelta(days=40), at=now)
        funnels.add_auto_move(
            stage("new").pk, to="lost", trigger="idle", days=30, reason="no_response"
        )

        StageTimer.objects.update(due_at=now)
        automation.sweep_timers(at=now + timedelta(days=31))

        idle.refresh_from_db()
        planned.refresh_from_db()
        assert (idle.stage, planned.stage) == (stage("lost"), stage("new"))
        assert cycle_of(idle).lost_reason == "no_response"

    def test_a_refused_move_is_told_to_the_owner(self) -> None:
        alice = UserFactory()
        lead = open_lead(owner=alice, phone="")
        ask("mql", required_fields=["phone"])
        funnels.add_auto_move(stage("new").pk, to="mql", trigger="hot")

        automation.apply_moves(lead.pk, {"hot"}, at=LATER, since=LATER)

        told = Notification.objects.get(user=alice, kind="stage")
        assert "was not moved to Marketing qualified" in told.title
        assert "phone number" in told.body

    def test_time_alone_does_not_lead_in_circles(self) -> None:
        make_funnel()
        funnels.add_auto_move(stage("new").pk, to="mql", trigger="stayed", days=3)

        with pytest.raises(Invalid, match="in a circle"):
            funnels.add_auto_move(stage("mql").pk, to="new", trigger="stayed", days=3)

    def test_who_stays_too_long_is_told_once(self) -> None:
        now = timezone.now()
        alice = UserFactory()
        make_funnel()
        ask("new", sla_hours=24)
        lead = open_lead(owner=alice, at=now)

        for hours in (23, 25, 26):
            StageTimer.objects.filter(lead=lead).update(due_at=now)
            automation.sweep_timers(at=now + timedelta(hours=hours))

        assert Notification.objects.filter(user=alice, kind="stage").count() == 1


class TestReasons:
    def test_a_new_one_can_be_chosen_and_an_archived_one_cannot(self, manager: Client) -> None:
        lead = open_lead()
        actions.ensure_defaults()
        manager.post("/settings/reasons/lost/new/", {"label": "Bought last year"})
        price = CloseReason.objects.get(kind="lost", key="price")
        manager.post(f"/settings/reasons/lost/{price.pk}/", {"do": "archive"})

        with pytest.raises(Invalid, match="Say why it was lost"):
            move(lead, "lost", reason="price")
        move(lead, "lost", reason="bought_last_year", competitor="Rota Ltd")

        assert cycle_of(lead).lost_reason == "bought_last_year"
        assert cycle_of(lead).competitor == "Rota Ltd"


class TestNextStep:
    @pytest.fixture
    def wanting(self) -> None:
        make_funnel()
        Pipeline.objects.update(needs_next_step=True)

    def test_a_call_is_logged_with_what_comes_next(self, wanting: None, client: Client) -> None:
        alice = UserFactory()
        lead = open_lead(owner=alice, at=timezone.now())
        client.force_login(alice)
        path = f"/leads/{lead.public_id}/call/"

        refused = client.post(path, {"outcome": "no_answer"})
        logged = client.post(path, {"outcome": "no_answer", "follow_up_days": "usual"})

        assert refused.status_code == 422
        assert "without a next step" in refused.content.decode()
        assert logged.status_code == 302
        assert lead.tasks.get().title == f"Call {lead.first_name} again"

    def test_the_last_task_is_not_ticked_off_without_another(self, wanting: None) -> None:
        lead = open_lead()
        task = actions.create_task(lead.pk, title="Call", at=NOON)

        with pytest.raises(Invalid, match="next step"):
            actions.complete_task(task.pk, user=UserFactory(), at=LATER)


def test_events_move_leads_from_the_door_to_the_stage(client: Client) -> None:
    alice = UserFactory()
    lead = open_lead(owner=alice, at=timezone.now() - timedelta(minutes=5))
    funnels.add_auto_move(stage("new").pk, to="proposal", trigger="deal_added")
    client.force_login(alice)

    client.post(f"/leads/{lead.public_id}/deals/", {"amount": "900"})
    pump.run_all()

    lead.refresh_from_db()
    assert lead.stage == stage("proposal")
