"""Which channel a touch belongs to: by rules that Python and the database read alike."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Role
from leadcrm.lib import pump
from leads.actions import channels as actions
from leads.actions.inquiries import add_touch
from leads.attribution import sql
from leads.attribution.defaults import DEFAULTS, SEARCH_CLICKS, SOCIAL_CLICKS
from leads.attribution.rules import (
    FIELDS,
    OF_SOURCE,
    OPS,
    OPS_OF_LIST,
    Condition,
    Rule,
    RuleSet,
    Seen,
    decide,
)
from leads.models import ChannelRuleSet, ClickId, Inquiry, MarketingChannel, Regrouping, Touch
from tests.factories import NOON, LeadFactory, SourceFactory, UserFactory

pytestmark = pytest.mark.django_db

WORDS = (
    "google",
    "CPC",
    "t.co",
    "news.example",
    "Spring-Sale",
    "l.facebook.com",
    "notgoogle.com",
    "İx",
)
SITES = (
    "",
    "https://www.Google.co.uk/search",
    "http://mail.example.com:8080/x",
    "https://marlow.example/a",
    "https://shop.marlow.example./b",
    "android-app://com.linkedin.android/",
    "x.com",
    "https://notgoogle.com/",
)


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(UserFactory(name="Alice", role=Role.MARKETER))
    return client


def touches(chance: random.Random, count: int) -> dict[int, Seen]:
    """Touches in the database with what each would look like to Python."""
    lead = LeadFactory()
    sources = [
        SourceFactory(key="Fair", kind="import", channel="event"),
        SourceFactory(key="site", kind="form", channel="other"),
        None,
    ]
    found = {}
    for _ in range(count):
        source = chance.choice(sources)
        inquiry = Inquiry.objects.create(lead=lead, source=source, received_at=NOON)
        utm = {
            f"utm_{name}": chance.choice(["", *WORDS])
            for name in ("source", "medium", "campaign", "term", "content")
        }
        clicks = chance.sample(["gclid", "fbclid", "dclid", "epik"], chance.choice([0, 0, 1, 2]))
        where = {"referrer": chance.choice(SITES), "landing_page": chance.choice(SITES)}
        touch = Touch.objects.create(
            lead=lead,
            inquiry=inquiry,
            channel="other",
            click_ids=clicks,
            occurred_at=NOON,
            **utm,
            **where,
        )
        kind = (source.key, source.kind, source.channel) if source else ("", "", "")
        found[touch.pk] = Seen(utm, clicks, where["referrer"], where["landing_page"], *kind)
    return found


def any_rules(chance: random.Random) -> RuleSet:
    rules = tuple(
        Rule(
            f"rule-{n}",
            "A rule",
            chance.choice(["email", "event", "display", "referral", OF_SOURCE]),
            tuple(_condition(chance) for _ in range(chance.randint(0 if n > 6 else 1, 3))),
        )
        for n in range(9)
    )
    return RuleSet(1, rules, tuple(chance.sample(["marlow.example", "google.co.uk"], 1)))


def _condition(chance: random.Random) -> Condition:
    field = chance.choice(list(FIELDS))
    if field == "click_id":
        return Condition(field, chance.choice(OPS_OF_LIST), ("gclid", "epik"))
    words = [*WORDS, "form", "fair", "https://marlow", "com", "%", "_"]
    return Condition(field, chance.choice(list(OPS)), tuple(chance.sample(words, 2)))


def by_database(rules: RuleSet) -> dict[int, str]:
    text, params = sql.of_touches(rules, "true", [])
    with connection.cursor() as cursor:
        cursor.execute(text, params)
        return {pk: chosen for pk, _, chosen in cursor.fetchall()}


class TestRules:
    @pytest.mark.parametrize("seed", range(6))
    def test_mean_the_same_in_python_and_in_the_database(self, seed: int) -> None:
        chance = random.Random(seed)
        seen = touches(chance, 40)

        for rules in (DEFAULTS, *(any_rules(chance) for _ in range(5))):
            expected = {pk: decide(rules, each).channel for pk, each in seen.items()}
            assert by_database(rules) == expected

    def test_clicks_that_are_paid_for_are_those_of_the_begin(self) -> None:
        for name in (*SEARCH_CLICKS, *SOCIAL_CLICKS, "dclid"):
            channel = decide(DEFAULTS, Seen(clicks=[name])).channel
            assert channel.startswith(("paid_", "display"))


class TestPublishing:
    def test_a_draft_tells_what_would_move_and_moves_it_when_published(
        self, office: Client
    ) -> None:
        lead = LeadFactory()
        podcast = [_touch(lead, utm_source="podcast") for _ in range(3)]
        stated = _touch(lead, utm_source="podcast", is_stated=True)
        office.post("/settings/channels/list/", {"name": "Podcast", "do": "channel"})
        office.post(
            "/settings/channels/rules/new/",
            {
                "name": "Our podcast",
                "channel": "podcast",
                "field": ["utm_source", "", ""],
                "op": ["is", "is", "is"],
                "values": ["Podcast, spotify", "", ""],
            },
        )

        before = office.get("/settings/channels/?preview").content.decode()
        published = office.post(
            "/settings/channels/rules/", {"do": "publish", "regroup": "on"}, follow=True
        )
        pump.run_all()

        assert "3 of 3 touches would move" in before
        assert "3 from Direct to Podcast" in before
        assert published.status_code == 200
        assert {Touch.objects.get(pk=touch.pk).channel for touch in podcast} == {"podcast"}
        assert Touch.objects.get(pk=stated.pk).channel == "direct"
        job = Regrouping.objects.get()
        assert (job.seen, job.changed, job.share) == (3, 3, 1.0)
        assert "3 of 3 touches moved" in office.get("/settings/channels/").content.decode()

    def test_new_touches_go_by_the_published_version_and_not_by_the_draft(
        self, office: Client
    ) -> None:
        actions.delete_rule("sites")
        tried = {"url": "https://a.example/", "referrer": "https://b.example/"}

        drafted = office.get("/settings/channels/", tried).content.decode()
        office.post("/settings/channels/rules/", {"do": "discard"})
        held = office.get("/settings/channels/", tried).content.decode()

        assert "by the rule “Straight to a page”" in drafted
        assert "by the rule “From another site”" in held

    def test_batches_go_on_where_a_killed_worker_stopped(self, monkeypatch: Any) -> None:
        monkeypatch.setattr(actions, "BATCH", 2)
        lead = LeadFactory()
        for _ in range(5):
            _touch(lead, utm_source="podcast", channel="email")
        actions.restore(0)
        rules = actions.publish(at=NOON, user=None, regroup=False)
        job = actions.start_regrouping(rules)
        Regrouping.objects.filter(pk=job.pk).update(done_to=Touch.objects.order_by("pk")[1].pk - 1)

        pump.run_all()

        job.refresh_from_db()
        assert job.finished_at is not None
        assert list(Touch.objects.order_by("pk").values_list("channel", flat=True)) == [
            "email",
            *["direct"] * 4,
        ]

    def test_an_earlier_version_can_be_taken_up_again(self, office: Client) -> None:
        actions.delete_rule("webmail")
        actions.publish(at=NOON, user=None, regroup=False)

        office.post("/settings/channels/rules/", {"do": "restore", "number": "0"})
        office.post("/settings/channels/rules/", {"do": "publish"})

        row = ChannelRuleSet.objects.get(state="published")
        assert row.number == 2
        assert "webmail" in {rule["key"] for rule in row.rules}

    @pytest.mark.parametrize(
        ("sent", "words"),
        [
            ({"name": "", "channel": "email", "field": "utm_source"}, "required"),
            ({"name": "A", "channel": "nowhere", "field": "utm_source"}, "valid choice"),
            ({"name": "A", "channel": "email"}, "Say when the rule holds"),
            ({"name": "A", "channel": "email", "field": "x"}, "what the condition is about"),
            ({"name": "A", "channel": "email", "field": "click_id", "op": "contains"}, "cannot"),
            ({"name": "A", "channel": "email", "field": "utm_source", "values": ","}, "one word"),
        ],
    )
    def test_a_rule_that_cannot_be_meant_is_refused_in_words(
        self, sent: dict[str, str], words: str, office: Client
    ) -> None:
        answer = office.post("/settings/channels/rules/new/", {"op": "is", "values": "x", **sent})

        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert not ChannelRuleSet.objects.exists()


class TestOwnSites:
    def test_links_from_below_them_are_no_origin(self, office: Client) -> None:
        office.post(
            "/settings/channels/rules/",
            {"do": "hosts", "own_hosts": "https://www.marlow.example/\npay.example"},
        )

        tried = office.get(
            "/settings/channels/",
            {"url": "https://marlow.io/x", "referrer": "https://app.marlow.example/"},
        ).content.decode()

        assert "one of your own" in tried
        assert "Straight to a page" in tried


class TestChannels:
    def test_a_usual_one_is_renamed_ordered_and_archived(self, office: Client) -> None:
        office.post("/settings/channels/list/", {"key": "event", "name": "Fairs", "do": "channel"})
        office.post("/settings/channels/list/event/", {"do": "up"})
        office.post("/settings/channels/list/event/", {"do": "archive"})

        row = MarketingChannel.objects.get(key="event")

        assert (row.name, row.is_archived) == ("Fairs", True)
        page = office.get("/settings/channels/list/").content.decode()
        assert page.index("Fairs") < page.index("Affiliate") or page.index("Fairs") > 0
        rule = office.get("/settings/channels/rules/new/").content.decode()
        assert "Fairs" not in rule

    @pytest.mark.parametrize("name", ["", "E-MAIL", "Direct / unknown"])
    def test_a_name_is_given_once(self, name: str, office: Client) -> None:
        answer = office.post("/settings/channels/list/", {"name": name, "do": "channel"})

        assert answer.status_code == 422
        assert not MarketingChannel.objects.exists()


class TestClickIds:
    def test_are_kept_apart_and_only_for_a_while(self) -> None:
        lead = LeadFactory()
        now = timezone.now()
        for days in (1, 91):
            add_touch(
                lead.pk,
                None,
                channel="paid_search",
                utm={},
                click_ids={"gclid": f"secret-{days}"},
                referrer="",
                landing_page="",
                at=now - timedelta(days=days),
            )

        pump.run_all()

        assert [click.value for click in ClickId.objects.all()] == ["secret-1"]
        assert [touch.click_ids for touch in Touch.objects.all()] == [["gclid"], ["gclid"]]


class TestEnteredByHand:
    def test_somebody_met_at_a_fair_or_sent_by_a_lead_says_so(self, client: Client) -> None:
        alice = UserFactory(name="Alice")
        client.force_login(alice)
        sender = LeadFactory(email="bob@example.com", owner=alice)
        said = {"event": "Expo 26", "referred_by": "Bob@example.com"}

        made = client.post("/leads/new/", {"email": "carol@example.com", **said})

        page = client.get(f"{made.headers['Location']}?open=all")
        touch = Touch.objects.select_related("campaign").get()
        assert (touch.channel, touch.is_stated, touch.referred_by) == ("referral", True, sender)
        assert touch.campaign is not None
        assert touch.campaign.name == "Expo 26"
        assert f"/leads/{sender.public_id}/" in page.content.decode()

    def test_nobody_is_named_whom_the_reader_may_not_see(self, client: Client) -> None:
        client.force_login(UserFactory(name="Alice"))
        LeadFactory(email="bob@example.com", owner=UserFactory(name="Bob"))

        answer = client.post(
            "/leads/new/", {"email": "carol@example.com", "referred_by": "bob@example.com"}
        )

        assert answer.status_code == 422
        assert "You see no lead with this address" in answer.content.decode()
        assert not Touch.objects.exists()


def _touch(lead: Any, channel: str = "direct", **more: Any) -> Touch:
    return Touch.objects.create(
        lead=lead, channel=channel, landing_page="https://a.example/", occurred_at=NOON, **more
    )
