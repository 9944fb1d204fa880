"""What happens at the addresses in a mail, asked as mail programs, people and scanners do."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from leadcrm.lib import pump
from leads.actions import delete_lead, suppress
from leads.models import Activity, Consent, Lead, Suppression
from nurturing import tracking
from nurturing.models import DeliveryEvent, Enrollment, Send
from nurturing.tracking import Recipient
from tests.conftest import Mailbox
from tests.factories import NOON
from tests.nurturing.factories import make_campaign, make_lead, make_topic, plan_mails

pytestmark = pytest.mark.django_db

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


def sent_mail(*, minutes_ago: float = 60, lead: Lead | None = None) -> Send:
    """A mail that was accepted a while ago, and a next one that waits."""
    campaign = make_campaign(waits=(60,))
    [send] = plan_mails(campaign, lead or make_lead())
    then = timezone.now() - timedelta(minutes=minutes_ago)
    Send.objects.filter(pk=send.pk).update(
        state="accepted", handed_off_at=then, accepted_at=then, due_at=None
    )
    send.refresh_from_db()
    return send


def path_of(url: str) -> str:
    return "/" + url.partition("/e/")[2].join(["e/", ""])


def unsubscribe_path(send: Send) -> str:
    return path_of(tracking.unsubscribe_url(Recipient(send.public_id, send.email_hash)))


def preferences_path(send: Send) -> str:
    return path_of(tracking.preferences_url(Recipient(send.public_id, send.email_hash)))


def click_paths(send: Send) -> list[str]:
    return [path_of(url) for url in re.findall(r'href="([^"]*/e/c/[^"]+)"', send.html)]


def browser(agent: str = FIREFOX) -> Client:
    return Client(enforce_csrf_checks=True, headers={"User-Agent": agent})


def allowed(lead: Lead) -> bool:
    newest = Consent.objects.filter(lead=lead, purpose="marketing_email").order_by("-at", "-pk")
    return bool(newest.values_list("granted", flat=True).first())


class TestUnsubscribing:
    @pytest.mark.parametrize(
        "content_type", ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x"]
    )
    def test_one_click_works_without_cookies_and_redirects(self, content_type: str) -> None:
        send = sent_mail()
        body = (
            b"List-Unsubscribe=One-Click"
            if "url" in content_type
            else b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
            b"One-Click\r\n--x--\r\n"
        )

        answer = browser().post(unsubscribe_path(send), data=body, content_type=content_type)

        assert answer.status_code == 200
        assert not answer.cookies
        assert not allowed(send.lead)
        assert Suppression.objects.get().reason == "unsubscribed"
        assert Enrollment.objects.get().exit_reason == "unsubscribed"
        assert Activity.objects.filter(type="unsubscribe").count() == 1

    def test_a_get_never_unsubscribes(self) -> None:
        send = sent_mail()

        for _ in range(20):
            assert browser().get(unsubscribe_path(send)).status_code == 200
            assert browser().head(unsubscribe_path(send)).status_code == 200

        assert allowed(send.lead)
        assert not Suppression.objects.exists()

    def test_the_page_has_one_button_and_sets_no_cookie(self) -> None:
        send = sent_mail()

        answer = browser().get(unsubscribe_path(send))

        assert answer.content.decode().count("<button") == 1
        assert not answer.cookies
        assert answer["Referrer-Policy"] == "no-referrer"

    def test_a_second_time_changes_nothing(self) -> None:
        send = sent_mail()

        for _ in range(3):
            assert browser().post(unsubscribe_path(send)).status_code == 200

        assert Suppression.objects.count() == 1
        assert Consent.objects.filter(granted=False).count() == 1
        assert DeliveryEvent.objects.filter(kind="unsubscribe").count() == 1

    @pytest.mark.django_db(transaction=True)
    def test_ten_at_once_are_one(self) -> None:
        send = sent_mail()
        path = unsubscribe_path(send)

        def post(_: int) -> int:
            status = browser().post(path).status_code
            connection.close()
            return status

        with ThreadPoolExecutor(5) as pool:
            statuses = list(pool.map(post, range(10)))

        assert statuses == [200] * 10
        assert Suppression.objects.count() == 1
        assert Consent.objects.filter(granted=False).count() == 1

    def test_the_mail_that_waits_is_not_sent(self, mailbox: Mailbox) -> None:
        lead = make_lead()
        [first] = plan_mails(make_campaign("One"), lead)
        plan_mails(make_campaign("Two"), lead)

        browser().post(unsubscribe_path(first))
        pump.run_all()

        assert len(mailbox) == 0
        assert set(Send.objects.values_list("reason_code", flat=True)) == {"unsubscribed"}

    def test_a_claimed_mail_is_not_sent_either(self, mailbox: Mailbox) -> None:
        [send] = plan_mails(make_campaign(), make_lead())
        pump.claim(Send, limit=1)
        Send.objects.update(state="claimed")

        browser().post(unsubscribe_path(send))
        Send.objects.update(due_at=timezone.now())
        pump.run_all()

        send.refresh_from_db()
        assert len(mailbox) == 0
        assert (send.state, send.reason_code) == ("skipped", "unsubscribed")

    def test_works_for_a_lead_that_was_merged(self) -> None:
        send, survivor = sent_mail(), make_lead()
        Lead.objects.filter(pk=send.lead_id).update(merged_into=survivor)

        browser().post(unsubscribe_path(send))

        assert not allowed(survivor)

    def test_works_for_a_deleted_lead_and_an_erased_one(self) -> None:
        send = sent_mail()
        path = unsubscribe_path(send)
        delete_lead(send.lead_id, at=NOON)
        assert browser().post(path).status_code == 200
        Suppression.objects.all().delete()
        Lead.objects.filter(pk=send.lead_id).delete()

        answer = browser().post(path)

        assert answer.status_code == 200
        assert Suppression.objects.get().email_hash == send.email_hash

    def test_a_token_somebody_made_up_is_not_found(self) -> None:
        send = sent_mail()

        for path in (unsubscribe_path(send)[:-1] + "x", "/e/u/abc", "/e/u/a.b.c", "/e/p/abc"):
            assert browser().post(path).status_code == 404
            assert browser().get(path).status_code == 404


class TestPreferences:
    def test_one_topic_can_be_refused(self, mailbox: Mailbox) -> None:
        make_topic("news")
        send = sent_mail()

        answer = browser().post(preferences_path(send), {"topics": ["tips"]})

        assert answer.status_code == 200
        assert Suppression.objects.get().scope == "news"
        assert allowed(send.lead)

    def test_none_at_all_unsubscribes(self) -> None:
        send = sent_mail()

        browser().post(preferences_path(send), {})

        assert Suppression.objects.filter(scope="global").exists()
        assert not allowed(send.lead)

    def test_ticking_a_topic_again_subscribes(self) -> None:
        send = sent_mail()
        browser().post(unsubscribe_path(send))

        browser().post(preferences_path(send), {"topics": ["tips"]})

        assert not Suppression.objects.filter(scope="global", released_at=None).exists()
        assert allowed(send.lead)
        assert Consent.objects.filter(granted=True, source="preferences").get().wording

    def test_a_bounce_is_not_undone_by_a_link(self) -> None:
        send = sent_mail()
        suppress(send.to_address, reason="bounced", at=NOON)

        browser().post(preferences_path(send), {"topics": ["tips"]})

        assert Suppression.objects.filter(reason="bounced", released_at=None).exists()

    def test_looking_changes_nothing(self) -> None:
        send = sent_mail()

        browser().get(preferences_path(send))

        assert not Suppression.objects.exists()


class TestClicking:
    def test_leads_to_where_the_mail_pointed_and_is_noted(self) -> None:
        send = sent_mail()

        answer = browser().get(click_paths(send)[0])

        activity = Activity.objects.get(type="email_click")
        assert answer.status_code == 302
        assert answer["Location"] == "https://marlow.example/guide?a=1&b=2"
        assert answer["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer["X-Robots-Tag"]
        assert (activity.klass, activity.lead_id) == ("human", send.lead_id)
        assert activity.properties["url"] == "https://marlow.example/guide?a=1&b=2"
        send.refresh_from_db()
        assert send.clicked_at is not None

    def test_a_forged_token_is_not_found_and_leads_nowhere(self) -> None:
        path = click_paths(sent_mail())[0]

        assert browser().get(path[:-2] + "aa").status_code == 404
        assert browser().get("/e/c/https://evil.example").status_code == 404

    @pytest.mark.parametrize(
        ("agent", "method", "minutes_ago"),
        [
            (FIREFOX, "head", 60.0),
            (FIREFOX, "get", 0.01),
            ("Mozilla/5.0 (compatible; Barracuda Sentinel)", "get", 60.0),
            ("python-requests/2.32", "get", 60.0),
            ("", "get", 60.0),
        ],
    )
    def test_a_machine_is_sent_on_but_not_counted(
        self, agent: str, method: str, minutes_ago: float
    ) -> None:
        send = sent_mail(minutes_ago=minutes_ago)

        answer = getattr(browser(agent), method)(click_paths(send)[0])

        send.refresh_from_db()
        assert answer.status_code == 302
        assert send.clicked_at is None
        assert DeliveryEvent.objects.get().klass == "machine"
        assert Activity.objects.get(type="email_click").klass == "machine"

    def test_following_every_link_at_once_unmasks_the_first_clicks_too(self) -> None:
        send = sent_mail()

        for path in click_paths(send):
            browser().get(path)

        send.refresh_from_db()
        klasses = DeliveryEvent.objects.values_list("klass", flat=True)
        assert set(klasses) == {"machine"}
        assert set(Activity.objects.filter(type="email_click").values_list("klass", flat=True)) == {
            "machine"
        }
        assert send.clicked_at is None

    def test_a_quick_double_click_is_human(self) -> None:
        send = sent_mail()

        browser().get(click_paths(send)[0])
        browser().get(click_paths(send)[0])

        assert set(DeliveryEvent.objects.values_list("klass", flat=True)) == {"human"}

    def test_a_click_proves_that_a_mail_in_doubt_arrived(self) -> None:
        send = sent_mail()
        Send.objects.update(state="unknown", accepted_at=None)

        browser().get(click_paths(send)[0])

        send.refresh_from_db()
        assert send.state == "accepted"

    def test_the_way_is_free_when_nothing_can_be_written_down(self) -> None:
        send = sent_mail()
        path = click_paths(send)[0]
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE nurturing_deliveryevent RENAME TO gone")

        answer = browser().get(path)

        assert answer.status_code == 302

    def test_stores_the_network_and_not_the_person(self) -> None:
        send = sent_mail()

        browser().get(click_paths(send)[0], REMOTE_ADDR="203.0.113.77")

        assert DeliveryEvent.objects.get().ip == "203.0.113.0"


class TestOpening:
    @pytest.mark.parametrize(
        ("agent", "minutes_ago", "klass"),
        [
            (FIREFOX, 60.0, "human"),
            ("Mozilla/5.0", 60.0, "unknown"),
            ("Mozilla/5.0 (Windows NT 5.1) GoogleImageProxy", 60.0, "human"),
            ("Mozilla/5.0 (Windows NT 5.1) GoogleImageProxy", 0.05, "machine"),
            ("x Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0", 60.0, "machine"),
            ("YahooMailProxy; https://help.yahoo.com", 60.0, "unknown"),
        ],
    )
    def test_is_judged(self, agent: str, minutes_ago: float, klass: str) -> None:
        send = sent_mail(minutes_ago=minutes_ago)

        answer = browser(agent).get(path_of(tracking.open_url(send.public_id)))

        send.refresh_from_db()
        assert answer.content.startswith(b"GIF89a")
        assert "no-store" in answer["Cache-Control"]
        assert not answer.cookies
        assert DeliveryEvent.objects.get().klass == klass
        assert (send.opened_at is not None) == (klass == "human")
