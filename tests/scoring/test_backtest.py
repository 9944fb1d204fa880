"""Rules judged by sales whose end is known, as of the day they qualified."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Role, User
from leadcrm.lib import pump
from leads.actions.leads import update_lead
from leads.models import Activity, Lead, LeadScore, Pipeline
from pipeline.models import SalesCycle
from scoring import studies
from scoring.actions.backtesting import continue_backtest, start_backtest
from scoring.actions.predicting import start_training
from scoring.backtest.judging import scores_then
from scoring.models import (
    Backtest,
    BacktestCase,
    ModelVersion,
    Prediction,
    ScoringModel,
    Training,
)
from tests.factories import NOON, LeadFactory, UserFactory, make_funnel
from tests.scoring.factories import DAY, activity_rule, attribute_rule, did, make_version

pytestmark = pytest.mark.django_db
QUALIFIED = NOON - 60 * DAY


@pytest.fixture
def alice() -> User:
    return UserFactory(role=Role.MARKETER)


def closed(lead: Lead, *, won: bool, at: Any = QUALIFIED, **fields: Any) -> SalesCycle:
    """A sale that qualified at `at` and was closed ten days later."""
    values: dict[str, Any] = {"mql_at": at, "sql_at": at + DAY, **fields}
    return SalesCycle.objects.create(
        lead=lead,
        number=lead.cycles.count() + 1,
        pipeline=Pipeline.objects.get(),
        opened_at=at - DAY,
        received_at=at - DAY,
        closed_at=at + 10 * DAY,
        outcome="won" if won else "lost",
        lost_reason="" if won else "price",
        **values,
    )


def history(sales: int = 60) -> None:
    """Three in four who looked at prices bought, one of the others; trade meant nothing."""
    make_funnel()
    looks, ends = [], []
    for number in range(sales):
        lead = LeadFactory(industry=("Care", "Retail")[number // 8 % 2])
        looked, is_odd_one = number % 2 == 0, number // 2 % 4 == 0
        if looked:
            looks.append(Activity(lead=lead, type="pricing_view", occurred_at=QUALIFIED - DAY))
        ends.append((lead, looked != is_odd_one))
    Activity.objects.bulk_create(looks)
    for lead, won in ends:
        closed(lead, won=won)


def judged(version: ModelVersion, **changes: Any) -> Backtest:
    values: dict[str, Any] = {"since": NOON - 100 * DAY, "until": NOON, "moment": "mql"}
    row = start_backtest(
        version.model, studies.sketch_of(version), at=NOON, **{**values, **changes}
    )
    while continue_backtest(at=NOON):
        pass
    row.refresh_from_db()
    return row


def rules(**changes: Any) -> ModelVersion:
    return make_version(
        activity_rule("pricing_view", 50, label="Looked at prices"),
        attribute_rule(10, label="In care"),
        attribute_rule(
            10, label="Customer", condition={"field": "lifecycle", "op": "is", "value": "customer"}
        ),
        activity_rule("trial_started", 10, label="Trial"),
        warm_from=20,
        hot_from=40,
        **changes,
    )


class TestBacktest:
    def test_tells_what_rules_are_worth_and_what_the_score_told(self) -> None:
        history()
        result = judged(rules()).result

        said = {rule["label"]: rule for rule in result["rules"]}
        assert said["Looked at prices"]["verdict"] == "works"
        assert said["Looked at prices"]["low"] > 1
        assert said["Looked at prices"]["suggested"] in ("very_important", "")
        assert said["In care"]["verdict"] == "none"
        assert said["Trial"]["verdict"] == "dead"
        assert said["Customer"]["verdict"] == "outcome"
        assert result["draft"]["auc"] > 0.65
        assert result["cases"] == result["won"] + result["lost"] == 60
        hot = next(row for row in result["draft"]["thresholds"] if row["at"] == 40)
        assert hot["precision"]["whole"] == 30

    def test_knows_nothing_of_what_came_later(self) -> None:
        version = rules()
        make_funnel()
        lead = LeadFactory(industry="Retail")
        did(lead, "pricing_view", at=QUALIFIED + DAY)
        update_lead(lead.pk, {"industry": "Care"}, at=QUALIFIED + DAY)
        other = LeadFactory(industry="Care")
        did(other, "pricing_view", at=QUALIFIED - DAY)
        closed(lead, won=True)
        closed(other, won=True)
        judged_ = start_backtest(
            version.model, studies.sketch_of(version), since=NOON - 100 * DAY, until=NOON,
            moment="mql", at=NOON,
        )  # fmt: skip

        assert judged_.refusal  # two sales are too few to judge by
        found = scores_then(
            version, studies.rules_of(version), [(lead.pk, QUALIFIED), (other.pk, QUALIFIED)]
        )

        assert [row.score for row in found if row] == [0, 60]

    def test_judges_each_pass_of_a_lead_at_its_own_moment(self) -> None:
        version = rules()
        make_funnel()
        lead = LeadFactory()
        did(lead, "pricing_view", at=QUALIFIED)
        found = scores_then(
            version, studies.rules_of(version),
            [(lead.pk, QUALIFIED - DAY), (lead.pk, QUALIFIED + DAY), (-1, QUALIFIED)],
        )  # fmt: skip

        assert [row.score if row else None for row in found] == [0, 50, None]

    def test_tells_which_rules_sent_sales_what_they_sent_back(self) -> None:
        history()
        version = rules()
        for _ in range(3):
            lead = LeadFactory()
            did(lead, "pricing_view", at=QUALIFIED - DAY)
            closed(
                lead, won=False, rejected_at=QUALIFIED + 2 * DAY, rejected_reason="No budget at all"
            )

        result = judged(version).result

        said = {rule["label"]: rule["rejected"] for rule in result["rules"]}
        assert (said["Looked at prices"], said["Trial"]) == (3, 0)
        assert result["reasons"][0] == ["No budget at all", 3]

    def test_compares_the_draft_with_the_live_rules(self) -> None:
        history()
        version = rules()
        sketch = studies.sketch_of(version)
        sketch["rules"][0]["points"] = 1

        row = start_backtest(
            version.model, sketch, since=NOON - 100 * DAY, until=NOON, moment="mql", at=NOON
        )
        pump.run_all()
        row.refresh_from_db()

        assert row.result["draft"]["auc"] < row.result["live"]["auc"]

    def test_too_little_is_refused_in_words(self) -> None:
        version = rules()
        history(sales=12)

        row = judged(version)

        assert "too little to go by: 12 closed sales" in row.refusal
        assert row.result is None
        assert not BacktestCase.objects.exists()

    def test_a_killed_worker_loses_nothing(self) -> None:
        history()
        version = rules()
        row = start_backtest(
            version.model, studies.sketch_of(version), since=NOON - 100 * DAY, until=NOON,
            moment="mql", at=NOON,
        )  # fmt: skip
        pump.claim(Backtest, limit=1)
        Backtest.objects.update(due_at=timezone.now())  # its lease ran out

        pump.run_all()

        row.refresh_from_db()
        assert row.result["cases"] == 60


class TestPage:
    def test_judges_and_shows_what_came_out(self, client: Client, alice: User) -> None:
        history()
        rules()
        client.force_login(alice)

        client.post(
            "/scoring/backtest/",
            {"since": f"{NOON - 100 * DAY:%Y-%m-%d}", "until": f"{NOON:%Y-%m-%d}", "moment": "mql"},
        )
        running = client.get("/scoring/backtest/").content.decode()
        pump.run_all()
        done = client.get("/scoring/backtest/").content.decode()

        assert "Scoring 60 sales as of the day they qualified" in running
        assert "Tells won from lost" in done
        assert "Never true: dead" in done
        assert "Asks how the sale went" in done

    @pytest.mark.parametrize(
        "period",
        [
            {},
            {"since": "x", "until": "2026-01-01", "moment": "mql"},
            {"since": "2026-01-02", "until": "2025-01-01", "moment": "mql"},
            {"since": "0001-01-01", "until": "2025-01-01", "moment": "mql"},
            {"since": "2001-01-01", "until": "2025-01-01", "moment": "mql"},
            {"since": "2024-01-01", "until": "2025-01-01", "moment": "won"},
        ],
    )
    def test_a_period_that_makes_no_sense_is_refused_in_words(
        self, client: Client, alice: User, period: dict[str, str]
    ) -> None:
        rules()
        client.force_login(alice)

        response = client.post("/scoring/backtest/", period)

        assert response.status_code == 422
        assert not Backtest.objects.exists()


class TestApi:
    def test_starts_and_answers(self, client: Client, alice: User) -> None:
        history()
        rules()
        client.force_login(alice)
        path = "/api/v1/scoring-models/default/backtest/"
        body = {"since": (NOON - 100 * DAY).isoformat(), "until": NOON.isoformat()}

        started = client.post(path, body, content_type="application/json")
        pump.run_all()
        found = client.get(path).json()

        assert (started.status_code, started.json()["running"]) == (202, True)
        assert found["result"]["cases"] == 60

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"since": "yesterday"}, "since"),
            ({"until": 5}, "until"),
            ({"moment": "won"}, "moment"),
            ({"until": "2001-01-01T00:00:00Z"}, "until"),
            ({"color": "red"}, "color"),
        ],
    )
    def test_names_what_is_wrong(
        self, client: Client, alice: User, body: dict[str, Any], field: str
    ) -> None:
        rules()
        client.force_login(alice)

        answer = client.post(
            "/api/v1/scoring-models/default/backtest/", body, content_type="application/json"
        )

        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]


class TestPrediction:
    def learnt(self) -> Training:
        history(sales=128)
        rules()
        row = start_training(ScoringModel.objects.get(), at=NOON)
        pump.run_all()
        row.refresh_from_db()
        return row

    def test_learns_what_was_known_then_and_foretells_open_sales(
        self, client: Client, alice: User
    ) -> None:
        row = self.learnt()
        eager, quiet = LeadFactory(owner=alice), LeadFactory(owner=alice)
        did(eager, "pricing_view", at=timezone.now() - timedelta(hours=1))
        for lead in (eager, quiet):
            SalesCycle.objects.create(
                lead=lead, pipeline=Pipeline.objects.get(), opened_at=NOON, received_at=NOON
            )
        Training.objects.update(due_at=timezone.now())
        pump.run_all()
        client.force_login(alice)

        page = client.get(f"/leads/{eager.public_id}/score/").content.decode()
        answer = client.get(f"/api/v1/leads/{eager.public_id}/prediction/").json()

        assert row.is_active
        assert row.result["figures"]["auc"] > 0.65
        assert "Foretold from closed sales" in page
        assert answer["parts"][0]["label"] == "Viewed pricing"
        chances = dict(Prediction.objects.values_list("lead", "chance"))
        assert chances[eager.pk] > chances[quiet.pk]
        assert answer["chance"] == pytest.approx(chances[eager.pk], abs=1e-3)

    def test_too_little_is_refused_in_words_and_nothing_is_foretold(
        self, client: Client, alice: User
    ) -> None:
        history(sales=30)
        rules()
        client.force_login(alice)

        client.post("/scoring/prediction/")
        page = client.get("/scoring/prediction/").content.decode()

        assert "too little to learn from: 30 closed sales" in page
        assert not Training.objects.filter(is_active=True).exists()

    def test_what_tells_nothing_does_not_come_into_use(self) -> None:
        make_funnel()
        rules()
        dice = random.Random(8)
        for number in range(140):
            lead = LeadFactory(industry=dice.choice(["Care", "Retail"]))
            closed(lead, won=number % 2 == 0)

        row = start_training(ScoringModel.objects.get(), at=NOON)
        pump.run_all()

        row.refresh_from_db()
        assert not row.is_active
        assert row.refusal

    def test_never_changes_a_score_and_can_be_turned_off(self, client: Client, alice: User) -> None:
        self.learnt()
        scores = set(LeadScore.objects.values_list("score", flat=True))
        client.force_login(alice)

        client.post("/scoring/prediction/stop/")

        assert scores == {0}
        assert client.get("/api/v1/prediction/").json()["active"] is False
        assert not Prediction.objects.exists()
        assert b"Nothing is foretold" in client.get("/scoring/prediction/").content
