"""Routing rules in the browser: who may change them, drafts, trying a lead, pools."""

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Role, Team, User
from pipeline import actions, queries
from pipeline.models import Assignment, Pool, PoolMember, RoutingRule, RuleSet
from tests.factories import TeamFactory, UserFactory
from tests.pipeline.factories import make_pool, open_lead, pool_rule, publish_rules

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Team:
    return TeamFactory(name="Inbound")


@pytest.fixture
def alice(team: Team) -> User:
    return UserFactory(name="Alice Archer", team=team)


@pytest.fixture
def browser(client: Client, team: Team) -> Client:
    client.force_login(UserFactory(name="Charlie", role=Role.MANAGER, team=team))
    return client


def new_rule(**fields: object) -> dict[str, object]:
    rule = {"name": "Benelux", "enabled": "on"}
    built = {
        "condition-match": "all",
        "condition-size": "1",
        "condition.0-what": "field:country",
        "condition.0-op": "in",
        "condition.0-value": ["NL", "BE"],
    }
    return {**rule, **built, **fields}


class TestRules:
    def test_are_shown_in_words(self, browser: Client, alice: User) -> None:
        pool = make_pool(alice)
        condition = {"all": [{"field": "company_size", "op": "gte", "value": 1000}]}
        publish_rules(pool_rule(pool, name="Large accounts", condition=condition))

        page = browser.get("/routing/").content.decode()

        assert "Large accounts" in page
        assert "Staff is at least 1,000" in page

    def test_can_be_read_but_not_changed_by_reps(self, client: Client, alice: User) -> None:
        pool = make_pool(alice)
        rule = publish_rules(pool_rule(pool)).rules.get()
        client.force_login(alice)

        page = client.get("/routing/")
        answers = [
            client.get("/routing/rules/new/").status_code,
            client.get(f"/routing/rules/{rule.key}/").status_code,
            client.post(f"/routing/rules/{rule.key}/change/", {"do": "off"}).status_code,
            client.post("/routing/publish/").status_code,
            client.post("/routing/discard/").status_code,
            client.post(f"/routing/pools/{pool.pk}/members/", {"weight": 9}).status_code,
            client.get("/routing/pools/new/").status_code,
        ]

        assert page.status_code == 200
        assert b"Add rule" not in page.content
        assert set(answers) == {404}
        assert queries.draft_rule_set() is None

    def test_decide_only_after_publishing(self, browser: Client, alice: User) -> None:
        pool = make_pool(alice)
        publish_rules(pool_rule(pool, name="Everybody"))

        answer = browser.post("/routing/rules/new/", new_rule(target=f"pool:{pool.pk}"))
        before = [rule.name for rule in queries.rules_of(queries.published_rule_set())]
        browser.post("/routing/publish/")
        after = [rule.name for rule in queries.rules_of(queries.published_rule_set())]

        assert answer.status_code == 302
        assert before == ["Everybody"]
        assert after == ["Everybody", "Benelux"]
        saved = RoutingRule.objects.get(name="Benelux", rule_set__state="published")
        leaf = {"field": "country", "op": "in", "value": ["NL", "BE"]}
        assert saved.condition in (leaf, {"all": [leaf]})

    def test_open_again_with_what_was_written(self, browser: Client, alice: User) -> None:
        pool = make_pool(alice)
        browser.post("/routing/rules/new/", new_rule(target=f"pool:{pool.pk}"))
        rule = RoutingRule.objects.get(name="Benelux")

        page = browser.get(f"/routing/rules/{rule.key}/").content.decode()

        assert 'value="field:country" selected' in page
        assert 'value="NL" checked' in page

    def test_grow_a_condition_without_scripts(self, browser: Client, alice: User) -> None:
        target = f"pool:{make_pool(alice).pk}"

        answer = browser.post(
            "/routing/rules/new/", new_rule(target=target, do="add:condition")
        ).content.decode()

        assert 'name="condition.1-what"' in answer
        assert not RoutingRule.objects.filter(name="Benelux").exists()

    def test_ask_for_skills_only_of_a_pool(self, browser: Client, alice: User) -> None:
        pool = make_pool(alice)

        refused = browser.post(
            "/routing/rules/new/", new_rule(target=f"user:{alice.pk}", skills="SAP")
        )
        browser.post(
            "/routing/rules/new/", new_rule(target=f"pool:{pool.pk}", skills="SAP, Dutch law ,SAP")
        )

        assert refused.status_code == 422
        assert "Only people of a pool are chosen by skill" in refused.content.decode()
        assert RoutingRule.objects.get(name="Benelux").skills == ["SAP", "Dutch law"]

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            (
                {
                    "condition.0-what": "field:company_size",
                    "condition.0-op": "gte",
                    "condition.0-value": "many",
                },
                "number",
            ),
            ({"name": ""}, "required"),
            ({"target": "pool:999"}, "999"),
        ],
    )
    def test_that_cannot_be_meant_are_refused(
        self, browser: Client, alice: User, fields: dict[str, str], words: str
    ) -> None:
        target = {"target": f"pool:{make_pool(alice).pk}"}

        answer = browser.post("/routing/rules/new/", new_rule(**{**target, **fields}))

        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert not RoutingRule.objects.filter(name="Benelux").exists()

    def test_move_up_go_off_and_out_in_the_draft(self, browser: Client, alice: User) -> None:
        pool = make_pool(alice)
        publish_rules(pool_rule(pool, name="One"), pool_rule(pool, name="Two"))
        one, two = RoutingRule.objects.filter(rule_set__state="published").order_by("order")

        browser.post(f"/routing/rules/{two.key}/change/", {"do": "up"})
        browser.post(f"/routing/rules/{one.key}/change/", {"do": "off"})
        draft = queries.draft_rule_set()
        assert draft is not None
        shown = [(rule.name, rule.enabled) for rule in draft.rules.order_by("order")]
        browser.post(f"/routing/rules/{two.key}/change/", {"do": "remove"})

        assert shown == [("Two", True), ("One", False)]
        assert draft.rules.count() == 1

    def test_a_discarded_draft_leaves_no_trace(self, browser: Client, alice: User) -> None:
        browser.post("/routing/rules/new/", new_rule(target=f"pool:{make_pool(alice).pk}"))

        browser.post("/routing/discard/")

        assert not RuleSet.objects.filter(state="draft").exists()


class TestTrying:
    def test_shows_each_rule_tried_and_who_would_get_it(
        self, browser: Client, alice: User, team: Team
    ) -> None:
        pool = make_pool(alice)
        german = {"field": "country", "op": "is", "value": "DE"}
        publish_rules(
            pool_rule(pool, name="Germans", condition=german), pool_rule(pool, name="Everybody")
        )
        lead = open_lead(at=timezone.now(), first_name="Ingrid", country="NO")
        actions.assign(lead.pk, owner=alice, at=timezone.now())

        page = browser.get("/routing/?q=Ingrid").content.decode()

        assert "Needs: Country is" in page
        assert "Would go to <strong>Alice Archer</strong>" in page
        assert not lead.routing_decisions.exists()

    def test_finds_no_lead_that_the_reader_cannot_see(self, client: Client, alice: User) -> None:
        open_lead(at=timezone.now(), first_name="Secretive", owner=UserFactory())
        client.force_login(alice)

        page = client.get("/routing/?q=Secretive").content.decode()

        assert "No lead you can see" in page


class TestPools:
    def test_weights_and_caps_are_changed_in_place(self, browser: Client, alice: User) -> None:
        pool = make_pool(alice)
        person = {"user": alice.public_id}

        browser.post(
            f"/routing/pools/{pool.pk}/members/",
            {**person, "weight": "3", "open_cap": "30", "paused": "on"},
        )

        member = PoolMember.objects.get(pool=pool)
        assert (member.weight, member.open_cap, member.paused) == (3, 30, True)

    def test_a_cap_of_zero_is_refused_with_the_cure(self, browser: Client, alice: User) -> None:
        pool = make_pool(alice)

        answer = browser.post(
            f"/routing/pools/{pool.pk}/members/",
            {"user": alice.public_id, "weight": "1", "open_cap": "0"},
        )

        assert answer.status_code == 422
        assert b"Pause them instead" in answer.content

    def test_people_join_and_leave(self, browser: Client, alice: User) -> None:
        pool = Pool.objects.create(name="Nordics")
        person = {"user": alice.public_id, "weight": "1"}

        browser.post(f"/routing/pools/{pool.pk}/members/", person)
        joined = pool.members.count()
        browser.post(f"/routing/pools/{pool.pk}/members/", {**person, "remove": "1"})

        assert (joined, pool.members.count()) == (1, 0)

    def test_two_pools_cannot_have_one_name(self, browser: Client) -> None:
        Pool.objects.create(name="Nordics")

        answer = browser.post("/routing/pools/new/", {"name": "Nordics", "method": "weighted"})

        assert answer.status_code == 422
        assert Pool.objects.filter(name="Nordics").count() == 1


class TestVersions:
    def test_go_back_to_an_earlier_one_at_once(self, browser: Client, alice: User) -> None:
        pool = make_pool(alice)
        first = publish_rules(pool_rule(pool, name="Early"))
        publish_rules(pool_rule(pool, name="Late"))

        shown = browser.get("/routing/versions/").content.decode()
        browser.post(f"/routing/versions/{first.number}/restore/", {"do": "roll_back"})

        in_force = queries.published_rule_set()
        assert in_force is not None
        assert "Go back to it" in shown
        assert [rule.name for rule in queries.rules_of(in_force)] == ["Early"]
        assert (in_force.restored_from, in_force.number) == (first, first.number + 2)

    def test_say_what_each_does_differently(self, browser: Client, alice: User) -> None:
        pool = make_pool(alice)
        first = publish_rules(pool_rule(pool, name="Early"))
        publish_rules(pool_rule(pool, name="Late"))

        page = browser.get(f"/routing/versions/{first.number}/").content.decode()

        assert "Early" in page
        assert "Gone" in page

    def test_that_name_somebody_who_left_are_not_restored(
        self, browser: Client, alice: User
    ) -> None:
        named = publish_rules(
            actions.NewRule(name="Alice’s", target_kind="user", target_id=alice.pk)
        )
        publish_rules(pool_rule(make_pool(alice), name="All"))
        User.objects.filter(pk=alice.pk).update(is_active=False)

        answer = browser.post(f"/routing/versions/{named.number}/restore/", {"do": "roll_back"})

        assert answer.status_code == 409
        assert "choose somebody else" in answer.content.decode()

    def test_begin_a_draft_with_an_earlier_one(self, browser: Client, alice: User) -> None:
        pool = make_pool(alice)
        first = publish_rules(pool_rule(pool, name="Early"))
        publish_rules(pool_rule(pool, name="Late"))

        browser.post(f"/routing/versions/{first.number}/restore/", {"do": "draft"})

        draft = queries.draft_rule_set()
        assert draft is not None
        assert [rule.name for rule in draft.rules.all()] == ["Early"]


class TestDryRun:
    def test_shows_who_would_have_got_what_against_who_did(
        self, browser: Client, alice: User, team: Team
    ) -> None:
        bob = UserFactory(name="Bob Baker", team=team)
        publish_rules(pool_rule(make_pool(alice, name="Alice only"), name="Old"))
        now = timezone.now()
        lead = open_lead(at=now, team=team)
        actions.route(lead.pk, at=now)
        actions.save_draft(
            [actions.NewRule(name="New", target_kind="user", target_id=bob.pk)], at=now
        )
        before = lead.assignments.count()

        page = browser.get("/routing/dry-run/").content.decode()

        assert "1 of 1 leads would have gone elsewhere" in page
        assert "Alice Archer" in page
        assert "Bob Baker" in page
        assert lead.assignments.count() == before
        assert lead.routing_decisions.count() == 1


class TestADecision:
    def test_answers_why_not_and_what_if(self, browser: Client, alice: User, team: Team) -> None:
        bob = UserFactory(name="Bob Baker", team=team)
        pool = make_pool(bob, alice, method="priority")
        actions.set_pool_member(pool, bob, paused=True)
        publish_rules(pool_rule(pool))
        lead = open_lead(at=timezone.now())
        decision = actions.route(lead.pk, at=timezone.now())
        assert decision is not None
        url = f"/routing/decisions/{decision.pk}/"

        why = browser.get(url, {"who": bob.public_id}).content.decode()
        then = browser.get(url, {"who": bob.public_id, "if": "not_paused"}).content.decode()
        still = browser.get(url, {"who": bob.public_id, "if": "on_shift"}).content.decode()

        assert "it comes out the same" in why
        assert "Takes no leads from this pool for now" in why
        assert "Then Bob Baker would have got it" in then
        assert "Still not Bob Baker: takes no leads" in still

    def test_says_whose_turn_it_was(self, browser: Client, alice: User, team: Team) -> None:
        bob = UserFactory(name="Bob Baker", team=team)
        outsider = UserFactory(name="Charlie Clark", team=team)
        publish_rules(pool_rule(make_pool(alice, bob)))
        lead = open_lead(at=timezone.now())
        decision = actions.route(lead.pk, at=timezone.now())
        assert decision is not None
        url = f"/routing/decisions/{decision.pk}/"

        turn = browser.get(url, {"who": bob.public_id}).content.decode()
        unasked = browser.get(url, {"who": outsider.public_id}).content.decode()

        assert "It was Alice Archer’s turn" in turn
        assert "Charlie Clark was not in the pool" in unasked

    def test_of_a_strangers_lead_does_not_exist(self, client: Client, alice: User) -> None:
        lead = open_lead(at=timezone.now())
        publish_rules(pool_rule(make_pool(UserFactory())))
        decision = actions.route(lead.pk, at=timezone.now())
        assert decision is not None
        client.force_login(alice)

        assert client.get(f"/routing/decisions/{decision.pk}/").status_code == 404


class TestTheQueue:
    def test_lists_the_oldest_first_and_lets_one_be_taken(
        self, client: Client, alice: User, team: Team
    ) -> None:
        pool = make_pool(alice, queue=team)
        actions.set_pool_member(pool, alice, paused=True)
        publish_rules(pool_rule(pool))
        lead = open_lead(at=timezone.now(), first_name="Ingrid")
        actions.route(lead.pk, at=timezone.now())
        client.force_login(alice)

        page = client.get("/routing/queue/").content.decode()
        client.post(f"/leads/{lead.public_id}/take/")

        lead.refresh_from_db()
        assert "Ingrid" in page
        assert lead.owner == alice
        assert "Nobody waits" in client.get("/routing/queue/").content.decode()


class TestHistory:
    def test_says_why_somebody_did_not_get_a_lead(self, client: Client, alice: User) -> None:
        bob = UserFactory(name="Bob Baker")
        pool = make_pool(alice, bob)
        actions.set_pool_member(pool, bob, paused=True)
        publish_rules(pool_rule(pool, name="Everybody"))
        lead = open_lead(at=timezone.now())
        actions.route(lead.pk, at=timezone.now())
        client.force_login(alice)

        page = client.get(f"/leads/{lead.public_id}/routing/").content.decode()

        assert "Takes no leads from this pool for now" in page
        assert "Alice Archer" in page
        assert Assignment.objects.filter(lead=lead, owner=alice).exists()

    def test_of_a_strangers_lead_does_not_exist(self, client: Client, alice: User) -> None:
        lead = open_lead(at=timezone.now(), owner=UserFactory())
        client.force_login(alice)

        assert client.get(f"/leads/{lead.public_id}/routing/").status_code == 404
        assert lead.name not in client.get("/routing/log/").content.decode()


class TestTheLeadsPage:
    def test_offers_to_accept_until_a_moment_or_decline(self, client: Client, alice: User) -> None:
        publish_rules(pool_rule(make_pool(alice, accept_minutes=30)))
        lead = open_lead(at=timezone.now())
        actions.route(lead.pk, at=timezone.now())
        client.force_login(alice)

        page = client.get(f"/leads/{lead.public_id}/").content.decode()

        assert f"/leads/{lead.public_id}/accept/" in page
        assert "Why can you not take it?" in page
        assert '<span class="sm muted">by ' in page
