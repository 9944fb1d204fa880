"""The inbox as the office works with it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leads import capture
from leads.models import Form, InboxItem, Inquiry, Lead
from leads.queries.captures import balances
from tests.factories import LeadFactory, TeamFactory, UserFactory, make_form

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Archer", role="marketer")


@pytest.fixture
def browser(client: Client, alice: User) -> Client:
    client.force_login(alice)
    return client


@pytest.fixture
def form() -> Form:
    return make_form()


def arrive(form: Form, body: str, *, flags: list[str] | None = None) -> InboxItem:
    assert form.published is not None
    capture.store(
        capture.Arrival(
            door=f"form:{form.pk}",
            body=body.encode(),
            content_type="application/x-www-form-urlencoded",
            path="/f/book-a-demo/",
            source_id=form.source_id,
            form_version_id=form.published.pk,
            flags=flags or [],
        ),
        at=timezone.now(),
    )
    pump.run_all()
    return InboxItem.objects.order_by("pk").last()


def spam(form: Form) -> InboxItem:
    return arrive(form, "email=bob%40x.example&lc_confirm=1&message=%3Cb%3Ebold%3C/b%3E")


class TestInbox:
    def test_shows_what_was_sent_and_what_became_of_it(self, browser: Client, form: Form) -> None:
        arrive(form, "email=alice%40x.example&first_name=Alice")
        spam(form)

        page = browser.get("/inbox/").content.decode()

        assert "alice@x.example · Alice" in page
        assert "The hidden trap field was filled in" in page
        assert "<b>bold" not in page

    def test_filters_by_state_source_and_day(self, browser: Client, form: Form) -> None:
        arrive(form, "email=alice%40x.example")
        spam(form)
        today = timezone.localdate().isoformat()

        quarantined = browser.get("/inbox/?state=quarantined").content.decode()
        of_source = browser.get(f"/inbox/?source=form-book-a-demo&day={today}").content.decode()
        another_day = browser.get("/inbox/?day=2001-01-01").content.decode()
        nonsense = browser.get("/inbox/?state=x&source=%00&day=yesterday")

        assert "alice@x.example" not in quarantined
        assert "alice@x.example" in of_source
        assert "Nothing matches" in another_day
        assert nonsense.status_code == 200

    def test_pages_by_key(self, browser: Client, form: Form, alice: User) -> None:
        InboxItem.objects.bulk_create(
            InboxItem(door="form:1", body=b"email=p%d" % n, due_at=None, state="rejected")
            for n in range(60)
        )

        first = browser.get("/inbox/").context["page"]
        second = browser.get(f"/inbox/?cursor={first.next}").context["page"]

        assert [len(first), len(second)] == [50, 10]

    def test_asks_the_database_as_often_for_many_as_for_few(
        self, browser: Client, form: Form
    ) -> None:
        def asked() -> int:
            with CaptureQueriesContext(connection) as queries:
                browser.get("/inbox/")
            return len(queries)

        arrive(form, "email=alice%40x.example")
        browser.get("/inbox/")
        for_one = asked()
        for number in range(5):
            arrive(form, f"email=p{number}%40x.example")

        assert asked() == for_one

    def test_every_source_adds_up(self, alice: User, form: Form) -> None:
        arrive(form, "email=alice%40x.example")
        arrive(form, "message=hello")
        spam(form)

        (balance,) = balances(alice, since=timezone.now() - timezone.timedelta(days=1))

        assert balance.received == 3
        assert balance.adds_up
        assert (balance.states["applied"], balance.states["quarantined"]) == (1, 1)

    def test_does_not_exist_for_reps(self, client: Client) -> None:
        client.force_login(UserFactory(role="rep"))

        assert client.get("/inbox/").status_code == 404

    def test_managers_see_what_belongs_to_their_team_or_to_nobody(
        self, client: Client, form: Form
    ) -> None:
        team = TeamFactory()
        charlie = UserFactory(role="manager", team=team)
        ours = LeadFactory(email="ours@x.example", team=team)
        LeadFactory(email="theirs@x.example", owner=UserFactory())
        arrive(form, "email=ours%40x.example")
        theirs = arrive(form, "email=theirs%40x.example")
        client.force_login(charlie)

        page = client.get("/inbox/").content.decode()

        assert ours.email in page
        assert "theirs@x.example" not in page
        assert client.get(f"/inbox/{theirs.receipt_id}/").status_code == 404


class TestOneCapture:
    def test_shows_the_raw_body_escaped(self, browser: Client, form: Form) -> None:
        item = arrive(form, "email=a%40x.example&message=<script>alert(1)</script>")

        page = browser.get(f"/inbox/{item.receipt_id}/").content.decode()

        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page
        assert "form-urlencoded" in page

    @pytest.mark.parametrize("body", [b"", b"\x00\xff\xfe", b"{broken", b"x" * 100_000])
    def test_shows_any_bytes(self, browser: Client, form: Form, body: bytes) -> None:
        item = InboxItem.objects.create(door="api:1", body=body, due_at=None, state="rejected")

        assert browser.get(f"/inbox/{item.receipt_id}/").status_code == 200
        assert browser.get("/inbox/").status_code == 200

    def test_that_is_no_spam_becomes_a_lead_whose_clock_starts_now(
        self, browser: Client, form: Form
    ) -> None:
        item = spam(form)
        InboxItem.objects.update(received_at=timezone.now() - timezone.timedelta(days=2))

        answer = browser.post(f"/inbox/{item.receipt_id}/release/", follow=True)

        item.refresh_from_db()
        inquiry = Inquiry.objects.get()
        assert item.state == "applied"
        assert inquiry.lead.email == "bob@x.example"
        assert timezone.now() - inquiry.received_at < timezone.timedelta(minutes=1)
        assert "It is part of a lead now" in answer.content.decode()

    def test_processed_again_stays_one_inquiry(self, browser: Client, form: Form) -> None:
        item = arrive(form, "email=alice%40x.example")

        for _ in range(2):
            browser.post(f"/inbox/{item.receipt_id}/process/")
        pump.run_all()

        assert Inquiry.objects.count() == Lead.objects.count() == 1

    def test_that_failed_can_be_processed_again(self, browser: Client, form: Form) -> None:
        item = arrive(form, "email=alice%40x.example")
        Inquiry.objects.all().delete()
        InboxItem.objects.update(state="failed", due_at=None, attempts=8)

        browser.post(f"/inbox/{item.receipt_id}/process/")

        item.refresh_from_db()
        assert item.state == "applied"

    def test_can_be_rejected_with_a_reason(self, browser: Client, form: Form) -> None:
        item = spam(form)

        browser.post(f"/inbox/{item.receipt_id}/reject/", {"reason": "An advert"})

        item.refresh_from_db()
        assert (item.state, item.reason) == ("rejected", "Alice Archer: An advert")

    def test_is_not_rejected_without_a_reason(self, browser: Client, form: Form) -> None:
        item = spam(form)

        answer = browser.post(f"/inbox/{item.receipt_id}/reject/", {"reason": " "})

        item.refresh_from_db()
        assert answer.status_code == 422
        assert "Say why" in answer.content.decode()
        assert item.state == "quarantined"

    def test_that_is_a_lead_already_cannot_be_rejected(self, browser: Client, form: Form) -> None:
        item = arrive(form, "email=alice%40x.example")

        answer = browser.post(f"/inbox/{item.receipt_id}/reject/", {"reason": "No"})

        item.refresh_from_db()
        assert answer.status_code == 409
        assert item.state == "applied"

    def test_changes_only_by_post(self, browser: Client, form: Form) -> None:
        item = spam(form)

        for deed in ("release", "process", "reject"):
            assert browser.get(f"/inbox/{item.receipt_id}/{deed}/").status_code == 405
