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
    rule = {"name": "Benelux", "enabled": "on", "match": "all"}
    rows = {"field_0": "country", "op_0": "in", "value_0": "NL, BE"}
    return {**rule, **rows, **fields}


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
        assert saved.condition == {"all": [{"field": "country", "op": "in", "value": ["NL", "BE"]}]}

    def test_open_again_with_what_was_written(self, browser: Client, alice: User) -> None:
        pool = make_pool(alice)
        browser.post("/routing/rules/new/", new_rule(target=f"pool:{pool.pk}"))
        rule = RoutingRule.objects.get(name="Benelux")

        page = browser.get(f"/routing/rules/{rule.key}/").content.decode()

        assert 'value="NL, BE"' in page

    def test_a_nested_condition_is_written_as_json(self, browser: Client, alice: User) -> None:
        pool = make_pool(alice)
        tree = '{"any": [{"not": {"field": "country", "op": "is", "value": "NL"}}]}'

        browser.post("/routing/rules/new/", new_rule(target=f"pool:{pool.pk}", condition=tree))
        rule = RoutingRule.objects.get(name="Benelux")
        page = browser.get(f"/routing/rules/{rule.key}/").content.decode()

        assert "not" in rule.condition["any"][0]
        assert "&quot;any&quot;" in page

    @pytest.mark.parametrize(
        ("fields", "words"),
        [
            ({"condition": "{"}, "This is not JSON"),
            ({"condition": "[]"}, "A condition is an object"),
            ({"field_0": "company_size", "op_0": "gte", "value_0": "many"}, "many"),
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

        assert "Needs: Country is DE" in page
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
