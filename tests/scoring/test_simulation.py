"""A draft over the live database, before it counts: who moves, and what follows."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Role, Team, User
from leadcrm.lib import pump
from leads.actions.segments import create_segment
from leads.models import Lead, LeadScore
from scoring import actions, sketches, studies
from scoring.actions.simulating import RANGE, continue_simulation, start_simulation
from scoring.actions.sketching import sketch_with
from scoring.models import ModelVersion, Qualification, ScoreChange, Simulation
from scoring.simulate.showing import examples, shown
from tests.factories import NOON, LeadFactory, UserFactory
from tests.nurturing.factories import make_campaign
from tests.pipeline.factories import make_pool, open_lead
from tests.scoring.factories import attribute_rule, make_version

pytestmark = pytest.mark.django_db
SQL = {"field": "score", "op": "gte", "value": 30}


@pytest.fixture
def alice() -> User:
    return UserFactory(role=Role.MARKETER)


@pytest.fixture
def live() -> ModelVersion:
    return make_version(attribute_rule(12, override_note=""), warm_from=20, hot_from=40, sql=SQL)


def scored(**fields: Any) -> Lead:
    lead = LeadFactory(**fields)
    actions.rescore([lead.pk], at=NOON)
    return lead


def draft(version: ModelVersion, **rule: Any) -> sketches.Sketch:
    """The published version with another first rule, as data."""
    changes = {"id": str(version.rules.get().uid), "override_note": "for a test", **rule}
    return sketch_with(version, studies.rules_of(version), {"rules": [changes]})


def simulated(version: ModelVersion, **rule: Any) -> Simulation:
    return start_simulation(version.model, draft(version, **rule), at=NOON)


def everybody(row: Simulation) -> Any:
    return shown(row, {lead.pk: lead for lead in Lead.objects.all()})


class TestSimulation:
    def test_names_who_would_move_and_counts_before_and_after(self, live: ModelVersion) -> None:
        dora = scored(industry="Care")
        scored(industry="Retail")

        found = everybody(simulated(live, points=45))

        moves = {
            move.key: [(m.lead, m.now, m.then) for m in move.movers] for move in found.movements
        }
        assert moves == {"cold>hot": [(dora, 12, 45)], "+sql": [(dora, 12, 45)]}
        counts = {each.key: (each.now.count, each.then.count) for each in found.standings}
        assert counts == {"hot": (0, 1), "cold": (2, 1), "sql": (0, 1)}
        assert (found.changed.count, found.leads, found.is_sample) == (1, 2, False)

    def test_writes_nothing_about_leads(self, live: ModelVersion) -> None:
        scored(industry="Care")
        before = (
            list(LeadScore.objects.values()),
            ScoreChange.objects.count(),
            Qualification.objects.count(),
            ModelVersion.objects.count(),
        )

        simulated(live, points=45)

        after = (
            list(LeadScore.objects.values()),
            ScoreChange.objects.count(),
            Qualification.objects.count(),
            ModelVersion.objects.count(),
        )
        assert after == before

    def test_agrees_with_what_publishing_does(self, live: ModelVersion) -> None:
        for industry in ("Care", "Care", "Retail"):
            scored(industry=industry)
        found = everybody(simulated(live, points=45))

        changed = actions.create_draft(live.model.pk, at=NOON)
        actions.save_rule(
            changed.pk, {"points": 45, "override_note": "now"}, rule_id=changed.rules.get().pk
        )
        actions.publish_version(changed.pk, at=NOON)
        pump.run_all()

        hot = LeadScore.objects.filter(temperature="hot").count()
        sql = Qualification.objects.filter(kind="sql", left_at=None).count()
        then = {each.key: each.then.count for each in found.standings}
        assert (then["hot"], then["sql"]) == (hot, sql) == (2, 2)

    def test_who_qualifies_stays_so_within_the_slack(self) -> None:
        version = make_version(attribute_rule(30), warm_from=20, hot_from=40, hysteresis=3, sql=SQL)
        scored(industry="Care")

        within = everybody(simulated(version, points=28))
        below = everybody(simulated(version, points=26))

        assert "-sql" not in {move.key for move in within.movements}
        assert "-sql" in {move.key for move in below.movements}

    def test_tells_which_segments_would_take_somebody_in(self, live: ModelVersion) -> None:
        create_segment(name="Promising", tree=SQL, kind="live")
        create_segment(
            name="In care", tree={"field": "industry", "op": "is", "value": "Care"},
            kind="live",
        )  # fmt: skip
        scored(industry="Care")

        found = everybody(simulated(live, points=45))

        assert [(f.name, f.starts.count, f.stops.count) for f in found.follows] == [
            ("Promising", 1, 0)
        ]

    def test_tells_which_campaigns_would_start(self, live: ModelVersion) -> None:
        campaign = make_campaign(trigger={"on": "qualified", "kinds": ["sql"]})
        scored(industry="Care")

        found = everybody(simulated(live, points=45))

        assert [(f.name, f.starts.count) for f in found.follows] == [(campaign.name, 1)]

    def test_tells_whose_work_it_would_be_and_who_has_no_room(
        self, live: ModelVersion, alice: User
    ) -> None:
        bob = UserFactory(role=Role.REP, name="Bob Beck")
        make_pool(bob).members.update(open_cap=0)
        lead = open_lead(industry="Care", owner=bob)
        actions.rescore([lead.pk], at=NOON)

        loads = {load.name: load for load in everybody(simulated(live, points=45)).loads}

        assert loads["Bob Beck"].ready.count == 1
        assert (loads["Bob Beck"].now, loads["Bob Beck"].over) == (1, 1)

    def test_examples_say_which_rule_made_the_difference(self, live: ModelVersion) -> None:
        dora = scored(industry="Care")
        row = simulated(live, points=45)

        example = examples(row, {dora.pk: dora}, at=NOON)[0]

        assert (example.before.value, example.after.value) == (12, 45)
        assert example.reasons == (("Works in care", 33.0),)


class TestManyLeads:
    def test_a_sample_at_once_with_its_bound_then_everybody_in_steps(
        self, live: ModelVersion
    ) -> None:
        for number in range(8):
            scored(industry="Care" if number % 2 else "Retail")

        row = start_simulation(live.model, draft(live, points=45), at=NOON, at_once=4)
        first = everybody(row)
        pump.run_all()
        row.refresh_from_db()
        last = everybody(row)

        assert (first.is_sample, first.leads, first.whole) == (True, 4, 8)
        assert all(move.count.reach > 0 for move in first.movements)
        assert (last.is_sample, last.leads, row.percent) == (False, 8, 100)
        assert [move.count.count for move in last.movements] == [4, 4]

    def test_a_killed_worker_loses_nothing(self, live: ModelVersion) -> None:
        for _ in range(3):
            scored(industry="Care")
        row = start_simulation(live.model, draft(live, points=45), at=NOON, at_once=1)
        killed = pump.claim(Simulation, limit=1)
        Simulation.objects.update(due_at=timezone.now())  # its lease ran out

        while continue_simulation(at=NOON):
            pass
        late = pump.finish(Simulation, [row.pk], token=killed.token, result=None)

        row.refresh_from_db()
        assert late == 0
        assert row.result["leads"] == 3
        assert RANGE > 3

    def test_a_newer_one_takes_the_place_of_one_that_runs(self, live: ModelVersion) -> None:
        scored(industry="Care")
        scored(industry="Care")
        old = start_simulation(live.model, draft(live, points=45), at=NOON, at_once=1)

        start_simulation(live.model, draft(live, points=40), at=NOON)

        old.refresh_from_db()
        assert not old.is_running
        assert "newer" in old.refusal


class TestPage:
    def test_simulates_and_says_when_the_rules_have_changed_since(
        self, client: Client, alice: User, live: ModelVersion
    ) -> None:
        scored(industry="Care", first_name="Dora", last_name="Diaz", owner=alice)
        changed = actions.create_draft(live.model.pk, at=NOON)
        rule = changed.rules.get()
        actions.save_rule(changed.pk, {"points": 45, "override_note": "x"}, rule_id=rule.pk)
        client.force_login(alice)

        client.post("/scoring/simulation/")
        fresh = client.get("/scoring/simulation/").content.decode()
        actions.save_rule(changed.pk, {"points": 41}, rule_id=rule.pk)
        stale = client.get("/scoring/simulation/").content.decode()

        assert "Dora Diaz" in fresh
        assert "The rules have changed" not in fresh
        assert "The rules have changed" in stale

    def test_names_only_leads_that_the_reader_may_see(
        self, client: Client, live: ModelVersion
    ) -> None:
        scored(
            industry="Care", first_name="Dora", last_name="Diaz", team=Team.objects.create(name="S")
        )
        simulated(live, points=45)
        client.force_login(UserFactory(role=Role.REP))

        page = client.get("/scoring/simulation/").content.decode()

        assert "Dora" not in page
        assert "Becoming sales-qualified" in page

    def test_readers_cannot_start_one(self, client: Client, live: ModelVersion) -> None:
        client.force_login(UserFactory(role=Role.REP))

        assert client.post("/scoring/simulation/").status_code == 403

    def test_before_the_first_one_the_page_says_what_it_is_for(
        self, client: Client, alice: User, live: ModelVersion
    ) -> None:
        client.force_login(alice)

        assert b"Nothing simulated yet" in client.get("/scoring/simulation/").content
        assert client.get("/scoring/simulation/?model=none").status_code == 404


class TestApi:
    def test_takes_a_draft_as_data_and_saves_none(
        self, client: Client, alice: User, live: ModelVersion
    ) -> None:
        dora = scored(industry="Care", owner=alice)
        client.force_login(alice)
        body = {
            "thresholds": {"hot_from": 25},
            "rules": [
                {
                    "label": "In care, too", "group": "fit", "weight_class": "most_important",
                    "points": 15,
                    "condition": {"field": "industry", "op": "is", "value": "Care"},
                }
            ],
        }  # fmt: skip

        answer = client.post(
            "/api/v1/scoring-models/default/simulate/", body, content_type="application/json"
        )

        assert answer.status_code == 200
        assert answer.json()["movements"][0]["key"] == "cold>hot"
        assert answer.json()["movements"][0]["leads"][0]["lead"] == dora.public_id
        assert answer.json()["examples"][0]["reasons"] == [{"label": "In care, too", "points": 15}]
        assert live.rules.count() == 1
        assert not live.model.versions.filter(state="draft").exists()

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"rules": [{"points": 4000}]}, "rules[0].points"),
            ({"rules": [{"id": "nobody"}]}, "rules[0].id"),
            ({"rules": "all"}, "rules"),
            ({"rules": [3]}, "rules[0]"),
            ({"thresholds": {"hot_from": -1}}, "thresholds.hot_from"),
            ({"thresholds": {"colour": 1}}, "thresholds.colour"),
            ({"thresholds": [1]}, "thresholds"),
            ({"remove": "x"}, "remove"),
            ({"more": 1}, "more"),
        ],
    )
    def test_names_what_is_wrong_with_a_draft(
        self, client: Client, alice: User, live: ModelVersion, body: Any, field: str
    ) -> None:
        client.force_login(alice)

        answer = client.post(
            "/api/v1/scoring-models/default/simulate/", body, content_type="application/json"
        )

        assert answer.status_code == 422
        assert field in [error["field"] for error in answer.json()["errors"]]
