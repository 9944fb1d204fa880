"""What websites send: stored at once, read later, never trusted."""

import gzip
import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.actions import create_api_key, revoke_api_key
from leadcrm.lib import pump, ratelimit
from leads.actions.inquiries import add_touch
from leads.capture.origin import origin_of
from leads.models import (
    Activity,
    ClickId,
    ClickIdScrub,
    Inquiry,
    TrackedSite,
    TrackingBatch,
    TrackingPolicy,
    Visit,
    Visitor,
    VisitorEvent,
)
from leads.tracking import doors, machines, pruning, reading
from tests.factories import NOON, LeadFactory
from tests.leads.websites import ORIGIN, Browser, forget_all, make_site

pytestmark = pytest.mark.django_db


@pytest.fixture
def site() -> TrackedSite:
    return make_site()


@pytest.fixture
def alice(site: TrackedSite) -> Browser:
    return Browser(site)


class TestTheScript:
    def test_is_small_and_holds_the_options_of_its_site(self, site: TrackedSite) -> None:
        answer = Client().get(f"/t.js?k={site.key}", headers={"Accept-Encoding": "gzip, br"})

        text = gzip.decompress(answer.content).decode()
        assert len(answer.content) < 5000
        assert site.key in text
        assert "CONFIG" not in text
        assert answer["Content-Type"].startswith("text/javascript")
        assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "max-age" in answer["Cache-Control"]
        assert answer["Vary"] == "Accept-Encoding"

    def test_needs_no_eval_and_writes_no_html(self) -> None:
        text = Client().get("/t.js").content.decode()

        for word in ("eval(", "new Function", "innerHTML", "document.write", ".style"):
            assert word not in text

    def test_is_not_sent_twice(self, site: TrackedSite) -> None:
        first = Client().get(f"/t.js?k={site.key}")

        again = Client().get(f"/t.js?k={site.key}", headers={"If-None-Match": first["ETag"]})

        assert (again.status_code, again.content) == (304, b"")

    def test_changes_its_mark_with_the_options(self, site: TrackedSite) -> None:
        first = Client().get(f"/t.js?k={site.key}")
        TrackedSite.objects.update(waits_for_consent=True)
        forget_all()

        again = Client().get(f"/t.js?k={site.key}", headers={"If-None-Match": first["ETag"]})

        assert again.status_code == 200

    def test_of_a_stopped_site_says_so(self, site: TrackedSite) -> None:
        revoke_api_key(site.api_key, at=datetime.now(UTC))

        answer = Client().get(f"/t.js?k={site.key}")

        assert answer.status_code == 404
        assert "revoked" in answer.content.decode()


class TestABatch:
    def test_becomes_a_visitor_with_a_visit_and_events(self, alice: Browser) -> None:
        alice.leave_for(
            f"{ORIGIN}/start?utm_source=news&email=x@y.example", "https://www.bing.com/?q=1"
        )

        answer = alice.view("/pricing?email=alice@kestrel.example#plans")

        event, visit, visitor = VisitorEvent.objects.get(), Visit.objects.get(), alice.stored
        assert answer.status_code == 202
        assert event.properties["url"] == f"{ORIGIN}/pricing"
        assert event.visit == visit
        assert visit.origin == {
            "utm_source": "news",
            "landing_page": f"{ORIGIN}/start",
            "referrer": "https://www.bing.com/",
        }
        assert (visitor.first, visitor.klass) == (visit.origin, "human")
        assert not TrackingBatch.objects.exists()

    def test_answers_its_site_and_sets_no_cookie(self, alice: Browser) -> None:
        answer = alice.view()

        assert answer["Access-Control-Allow-Origin"] == ORIGIN
        assert "Access-Control-Allow-Credentials" not in answer
        assert not answer.cookies

    def test_is_stored_in_one_statement(
        self, alice: Browser, django_assert_num_queries: Any
    ) -> None:
        alice.view(later=True)

        with django_assert_num_queries(1):
            alice.view(later=True)

    def test_sent_twice_counts_once(self, alice: Browser) -> None:
        event = {"type": "page_view", "id": uuid.uuid4().hex, "url": ORIGIN}

        alice.send(event)
        alice.send(event)

        assert VisitorEvent.objects.count() == 1

    def test_keeps_only_the_network_of_an_address(self, alice: Browser) -> None:
        alice.view()

        assert alice.stored.remote_address == "203.0.113.0"

    def test_keeps_the_address_where_the_workspace_says_so(self, alice: Browser) -> None:
        TrackingPolicy.objects.create(pk=1, truncates_addresses=False)

        alice.view()

        assert alice.stored.remote_address == "203.0.113.77"

    def test_is_dated_by_our_clock_however_wrong_the_browser_s_is(self, alice: Browser) -> None:
        wrong = 4_000_000_000_000  # the year 2096
        hour = 3_600_000

        alice.send({"type": "page_view", "at": wrong - hour}, sent=wrong)

        age = datetime.now(UTC) - VisitorEvent.objects.get().occurred_at
        assert timedelta(minutes=59) < age < timedelta(minutes=62)

    def test_of_many_is_read_with_few_statements(
        self, site: TrackedSite, django_assert_max_num_queries: Any
    ) -> None:
        for _ in range(30):
            Browser(site).view(later=True)

        with django_assert_max_num_queries(45):
            pump.QUEUES["tracking"].drain()

        assert VisitorEvent.objects.count() == 30

    def test_tells_how_long_a_page_was_looked_at(self, alice: Browser) -> None:
        id_ = uuid.uuid4().hex
        alice.send({"type": "page_view", "id": id_, "url": ORIGIN})

        alice.send(leaves=[{"of": id_, "seconds": 42.4, "scroll": 250}])

        properties = VisitorEvent.objects.get().properties
        assert (properties["seconds"], properties["scroll"]) == (42, 100)

    def test_that_cannot_be_applied_stops_nothing_else(
        self, alice: Browser, site: TrackedSite
    ) -> None:
        alice.view(later=True)
        TrackingBatch.objects.update(body=b"no longer JSON")

        Browser(site).view()

        batch = TrackingBatch.objects.get()
        assert (batch.due_at, VisitorEvent.objects.count()) == (None, 1)
        assert "JSON" in batch.error


class TestWhatIsRefused:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"null",
            b"[]",
            b'"text"',
            b"{",
            b"\xff\xfe",
            b'{"key": 7}',
            b'{"key": "lc_pub_unknown"}',
            b"[" * 50_000,
            b'{"key": "x", "events": {}}',
            b'{"key": "x", "events": [' + b"1," * 200 + b"1]}",
            b"x" * 70_000,
        ],
    )
    def test_nonsense_with_a_reason(self, alice: Browser, body: bytes) -> None:
        answer = alice.post(body)

        assert 400 <= answer.status_code < 500
        assert answer.json()["detail"]
        assert not TrackingBatch.objects.exists()

    @pytest.mark.parametrize(
        "odd",
        [
            {"visit": "x", "events": ["x", 1, None, {}, {"type": "page_view"}]},
            {"visitor": None},
            {"visitor": "not-a-uuid"},
            {"sent": "now", "events": [{"type": "page_view", "at": {}}]},
            {"sent": 10**300, "leaves": [{"of": 1}, "x", {"of": "\ud800"}]},
            {"identify": "x", "click": {}, "consent": "yes", "signs": "webdriver"},
            {"identify": {"email": "\x00", "signature": "\ud800"}, "click": "\x00" * 500},
        ],
    )
    def test_nothing_breaks_on_odd_values(self, alice: Browser, odd: dict[str, Any]) -> None:
        answer = alice.send(**{"events": [], **odd})

        assert answer.status_code in {202, 422}
        assert not TrackingBatch.objects.exists()

    def test_unstorable_characters_are_taken_out(self, alice: Browser) -> None:
        alice.send(
            {
                "type": "page_view",
                "title": "a\x00b\ud800",
                "url": "https://x.example/\x00\udfff",
                "properties": {"\x00key": "\ud83d", "deep": [[{"\x00": "\x00"}]], "n": 10**400},
            }
        )

        properties = VisitorEvent.objects.get().properties
        assert properties["title"] == "ab"
        assert properties["key"] == ""

    def test_other_sites(self, site: TrackedSite) -> None:
        stranger = Browser(site, Origin="https://evil.example")

        answer = stranger.view()

        assert answer.status_code == 403
        assert not Visitor.objects.exists()

    def test_what_websites_may_not_claim(self, alice: Browser) -> None:
        for type_ in ("meeting_booked", "email_reply", "stage_changed", "Bad Name", "x" * 31, 7):
            alice.send({"type": type_})

        assert not VisitorEvent.objects.exists()

    def test_too_much_at_once_but_only_until_it_calms_down(
        self, alice: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(doors, "PER_ADDRESS", 1)
        with time_machine.travel(datetime.now(UTC).replace(second=1)):
            first, second = alice.view(), alice.view()

        assert (first.status_code, second.status_code) == (202, 429)
        assert int(second["Retry-After"]) > 0
        assert second["Access-Control-Allow-Origin"] == ORIGIN

    def test_nothing_while_valkey_is_away(
        self, alice: Browser, settings: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(doors, "PER_ADDRESS", 1)
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        monkeypatch.setattr(ratelimit, "_client", None)

        assert alice.view().status_code == 202

    def test_a_revoked_key(self, alice: Browser, site: TrackedSite) -> None:
        revoke_api_key(site.api_key, at=datetime.now(UTC))

        assert alice.view().status_code == 401

    def test_keys_for_something_else(self, site: TrackedSite) -> None:
        other = create_api_key(
            name="Forms", scopes=["capture:write"], publishable=True, origins=[ORIGIN]
        )
        site.key = other.plain

        assert Browser(site).view().status_code == 401

    def test_but_any_publishable_key_for_tracking_is_good(self, site: TrackedSite) -> None:
        other = create_api_key(
            name="Shop", scopes=["tracking:write"], publishable=True, origins=[ORIGIN]
        )
        site.key = other.plain

        assert Browser(site).view().status_code == 202
        assert VisitorEvent.objects.count() == 1

    def test_a_preflight_is_answered_for_registered_sites_only(self, site: TrackedSite) -> None:
        ask = {"Access-Control-Request-Method": "POST"}

        ours = Client().options("/t/", headers={"Origin": ORIGIN, **ask})
        others = Client().options("/t/", headers={"Origin": "https://evil.example", **ask})

        assert ours["Access-Control-Allow-Origin"] == ORIGIN
        assert "Access-Control-Allow-Origin" not in others


class TestPrivacy:
    def test_global_privacy_control_is_honoured(self, site: TrackedSite) -> None:
        answer = Browser(site, **{"Sec-GPC": "1"}).view()

        assert answer.status_code == 202
        assert not Visitor.objects.exists()

    def test_do_not_track_is_honoured_where_chosen(self) -> None:
        Browser(make_site(), DNT="1").view()
        Browser(make_site(honours_dnt=True), DNT="1").view()

        assert Visitor.objects.count() == 1

    def test_excluded_addresses_and_paths_are_left_out(self, site: TrackedSite) -> None:
        TrackingPolicy.objects.create(
            pk=1, excluded_addresses="198.51.100.0/24\n2001:db8::/32", excluded_paths="/admin/*"
        )
        forget_all()

        Browser(site, address="198.51.100.9").view("/")
        Browser(site).view("/admin/users")
        Browser(site).view("/blog")

        assert [e.properties["title"] for e in VisitorEvent.objects.all()] == ["/blog"]

    def test_without_storage_a_visitor_is_known_for_a_day_only(self) -> None:
        site = make_site(storage="none")
        morning = datetime.now(UTC).replace(hour=1)

        for at, address in [(0, "203.0.113.1"), (1, "203.0.113.1"), (1, "203.0.113.2"),
                            (24, "203.0.113.1")]:  # fmt: skip
            forget_all()
            with time_machine.travel(morning + timedelta(hours=at)):
                Browser(site, address=address).view()

        assert Visitor.objects.count() == 3
        assert VisitorEvent.objects.count() == 4

    def test_a_refusal_stops_everything_that_follows(self, alice: Browser) -> None:
        alice.view("/one")

        alice.send(consent=False)
        alice.view("/two")

        assert alice.stored.consent == "denied"
        assert VisitorEvent.objects.count() == 1


class TestMachines:
    def test_are_told_by_name_script_and_haste(self, site: TrackedSite) -> None:
        crawler = Browser(site, **{"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"})
        driven, hasty, silent = Browser(site), Browser(site), Browser(site)
        del silent.headers["Accept-Language"]

        crawler.view()
        driven.view(signs=["webdriver"])
        hasty.send(*[{"type": "page_view"}] * 25)
        silent.view()

        found = [(b.stored.klass, b.stored.reasons) for b in (crawler, driven, hasty, silent)]
        assert found == [
            ("machine", ["crawler"]),
            ("machine", ["webdriver"]),
            ("machine", ["burst"]),
            ("unknown", ["no_language"]),
        ]

    def test_a_browser_is_a_person_s(self) -> None:
        edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
        edge += "Chrome/129.0.0.0 Safari/537.36 Edg/129.0.0.0"

        assert machines.judge(edge).klass == "human"
        assert machines.browser_name(edge) == "Edge on Windows"


class TestPruning:
    def test_deletes_what_nobody_was_recognised_in(self, alice: Browser, site: TrackedSite) -> None:
        bot = Browser(site, **{"User-Agent": "curl/8"})
        alice.view()
        bot.view()
        policy = TrackingPolicy.load()

        after_10_days = pruning.prune(policy, at=datetime.now(UTC) + timedelta(days=10))
        after_a_year = pruning.prune(policy, at=datetime.now(UTC) + timedelta(days=365))

        policy.refresh_from_db()
        assert (after_10_days.visitors, after_a_year.visitors) == (1, 1)
        assert (policy.pruned_visitors, policy.pruned_events) == (2, 2)
        assert not VisitorEvent.objects.exists()

    def test_runs_by_itself_once_in_a_while(self, alice: Browser) -> None:
        alice.view()
        Visitor.objects.update(last_seen_at=datetime.now(UTC) - timedelta(days=365))
        TrackingPolicy.objects.update(pruned_at=None)

        pump.run_all()

        policy = TrackingPolicy.load()
        assert policy.pruned_at is not None
        assert policy.pruned_visitors == 1


class TestClickIds:
    """What names a person to an advertiser is forgotten after some time, wherever it stands."""

    def test_of_long_ago_are_taken_out_of_forms_and_visits(self, alice: Browser) -> None:
        now = timezone.now()
        alice.view()
        said = {"gclid": "abc-1", "company": "Weber", "page": "https://x.example/?gclid=abc-1&a=1"}
        lead = LeadFactory()
        old, new = (
            Inquiry.objects.create(
                lead=lead, received_at=now - timedelta(days=days), fields=said, context=said
            )
            for days in (100, 3)
        )
        Visit.objects.update(origin=said, started_at=now - timedelta(days=100))
        Visitor.objects.update(first=said, first_seen_at=now - timedelta(days=100))
        Activity.objects.create(
            lead=lead,
            type="form_submit",
            occurred_at=now,
            dedupe_key=f"inquiry:{old.pk}",
            properties={"url": said["page"], "title": "Demo"},
        )
        ClickIdScrub.objects.update(rested_at=None)  # an hour has passed

        pump.run_all()

        kept = said | {"gclid": "deleted", "page": "https://x.example/?gclid=deleted&a=1"}
        old.refresh_from_db()
        new.refresh_from_db()
        assert (old.fields, old.context) == (kept, kept)
        assert (new.fields, new.context) == (said, said)
        assert (Visit.objects.get().origin, Visitor.objects.get().first) == (kept, kept)
        assert lead.activities.get().properties == {"url": kept["page"], "title": "Demo"}

    def test_are_not_stored_again_once_forgotten(self) -> None:
        origin = origin_of({"gclid": "deleted"}, {}, None)

        touch = add_touch(
            LeadFactory().pk,
            None,
            channel=origin.channel,
            utm={},
            click_ids=origin.click_ids,
            referrer="",
            landing_page="",
            at=NOON,
        )

        assert (origin.channel, touch.click_ids) == ("paid_search", ["gclid"])
        assert not ClickId.objects.exists()


class TestReading:
    @pytest.mark.parametrize(
        ("raw", "amount"),
        [(12, 12), ("1,200.50", 1200.5), (-3, None), (True, None), ("ten", None), (1e400, None),
         ("NaN", None), (9e99, None)],
    )  # fmt: skip
    def test_amounts(self, raw: Any, amount: Any) -> None:
        assert reading.amount_of(raw) == amount

    def test_a_purchase_told_twice_is_one(self, alice: Browser) -> None:
        paid = {"amount": "99.50", "currency": "eur", "order": "A-17"}

        for _ in range(2):
            alice.send({"type": "purchase", "properties": paid})

        properties = VisitorEvent.objects.get().properties
        assert (properties["amount"], properties["currency"]) == (99.5, "EUR")

    def test_routes_of_single_page_sites_are_pages(self) -> None:
        assert reading.bare_url("https://a.example/app?x=1#/plans?y=2") == (
            "https://a.example/app#/plans"
        )
        assert json.dumps(reading.bare_url("https://a.example/#top")) == '"https://a.example/"'
