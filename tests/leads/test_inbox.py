"""The inbox as the office works with it."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from leadcrm.accounts.models import Notification, User
from leadcrm.audit import checks
from leadcrm.lib import pump
from leads import capture
from leads.capture import proof, reconciling
from leads.models import (
    Form,
    InboxDeed,
    InboxItem,
    Inquiry,
    Lead,
    Reconciliation,
    SpamPolicy,
    SpamRule,
)
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


class TestHowFarItCame:
    def test_stands_on_the_page_of_a_capture(self, browser: Client, form: Form) -> None:
        waiting = arrive(form, "message=Who+am+I")

        page = browser.get(f"/inbox/{waiting.receipt_id}/").content.decode()

        assert "1 answer to “Book a demo”, version 1" in page
        assert 'Applied</span><span class="sr"> not reached' in page


class TestFinding:
    def test_by_address_and_by_receipt(self, browser: Client, form: Form) -> None:
        alice = arrive(form, "email=Alice%40X.example")
        arrive(form, "email=bob%40x.example")

        for query in ("alice@x.example", " ALICE@x.example ", "alic", str(alice.receipt_id)):
            rows = browser.get("/inbox/", {"q": query}).context["rows"]
            assert [row.item for row in rows] == [alice], query
        assert not browser.get("/inbox/", {"q": "%_"}).context["rows"]

    def test_by_reason_way_in_and_days(self, browser: Client, form: Form) -> None:
        arrive(form, "email=alice%40x.example")
        advert = spam(form)
        today = timezone.localdate()
        tomorrow = today + timezone.timedelta(days=1)

        def found(**query: object) -> list[InboxItem]:
            return [row.item for row in browser.get("/inbox/", query).context["rows"]]

        assert found(reason="honeypot") == [advert]
        assert len(found(door="form", after=today, before=today)) == 2
        assert found(door="api") == []
        assert found(after=tomorrow) == []


class TestCorrecting:
    def correct(self, browser: Client, item: InboxItem, *lines: tuple[str, str, str]) -> object:
        data: dict[str, str] = {}
        for number, (key, value, target) in enumerate(lines):
            data |= {f"key-{number}": key, f"value-{number}": value, f"target-{number}": target}
        answer = browser.post(f"/inbox/{item.receipt_id}/correct/", data)
        item.refresh_from_db()
        return answer

    def test_an_answer_fills_the_field_it_was_meant_for(self, browser: Client, form: Form) -> None:
        item = arrive(form, "wie=Charlie+Cook&wohin=charlie%40x.example")

        self.correct(
            browser, item,
            ("wie", "Charlie Cook", "name"), ("wohin", "charlie@x.example", "email"),
        )  # fmt: skip

        lead = Lead.objects.get()
        assert item.state == "applied"
        assert (lead.first_name, lead.last_name) == ("Charlie", "Cook")
        assert lead.email == "charlie@x.example"

    def test_lies_over_the_body_which_stays(self, browser: Client, form: Form) -> None:
        item = arrive(form, "email=charlie%40x&first_name=Charlie&email2=x")
        before = bytes(item.body)
        Inquiry.objects.all().delete()
        InboxItem.objects.update(state="needs_review")

        self.correct(
            browser, item, ("email", "charlie@x.example", ""), ("first_name", "Charlie", "")
        )

        inquiry = Inquiry.objects.get()
        assert bytes(item.body) == before
        assert inquiry.fields["email"] == "charlie@x.example"
        assert "“email” was corrected by hand." in inquiry.context["notes"]
        assert item.corrections["by"] == "Alice Archer"

    def test_makes_a_lead_of_what_could_not_be_read(self, browser: Client, form: Form) -> None:
        item = InboxItem.objects.create(
            door="api:1", body=b"{broken", state="needs_review", due_at=None
        )

        self.correct(browser, item, ("", "Charlie Cook", "name"), ("", "c@x.example", "email"))

        assert item.state == "applied"
        assert Lead.objects.get().email == "c@x.example"
        assert "could not be read" in Inquiry.objects.get().context["notes"][0]

    def test_keeps_an_answer_out_of_every_field(self, browser: Client, form: Form) -> None:
        item = arrive(form, "title=order+4711&message=Hello")

        self.correct(
            browser, item,
            ("title", "order 4711", "-"), ("message", "Hello", ""), ("", "c@x.example", "email"),
        )  # fmt: skip

        assert Lead.objects.get().job_title == ""
        assert Inquiry.objects.get().fields["title"] == "order 4711"

    def test_says_what_is_wrong_beside_the_line(self, browser: Client, form: Form) -> None:
        item = arrive(form, "message=Hello")

        answer = self.correct(browser, item, ("message", "nonsense", "email"))
        unknown = self.correct(browser, item, ("message", "x", "password"))

        assert answer.status_code == unknown.status_code == 422
        assert "“nonsense” is not an e-mail address." in answer.content.decode()
        assert item.corrections == {}

    def test_may_be_done_twice_and_taken_back(self, browser: Client, form: Form) -> None:
        item = arrive(form, "message=Hello")

        self.correct(browser, item, ("message", "Hullo", ""))
        self.correct(browser, item, ("message", "Hello", ""))

        assert item.corrections == {}
        assert item.state == "needs_review"

    def test_is_for_captures_that_are_no_lead_yet(self, browser: Client, form: Form) -> None:
        item = arrive(form, "email=alice%40x.example")

        answer = self.correct(browser, item, ("email", "bob@x.example", ""))

        assert answer.status_code == 302
        assert Lead.objects.get().email == "alice@x.example"

    def test_shows_every_answer_and_every_field(self, browser: Client, form: Form) -> None:
        item = arrive(form, "wie=Charlie&email=")

        page = browser.get(f"/inbox/{item.receipt_id}/correct/").content.decode()

        assert 'value="Charlie"' in page
        assert "E-mail (by its name)" in page
        assert '<option value="bant.budget">Budget</option>' in page


class TestTrust:
    def test_of_an_address_lets_its_next_capture_through(self, browser: Client, form: Form) -> None:
        browser.post(f"/inbox/{spam(form).receipt_id}/release/")

        again = arrive(form, "email=bob%40x.example&lc_confirm=1&message=Again")

        assert again.state == "applied"
        assert SpamRule.objects.get().value == "bob@x.example"

    def test_of_a_domain_lets_colleagues_through(self, browser: Client, form: Form) -> None:
        browser.post(f"/inbox/{spam(form).receipt_id}/release/", {"trust": "domain"})

        colleague = arrive(form, "email=charlie%40x.example&lc_confirm=1")

        assert colleague.state == "applied"

    def test_is_not_given_to_everybody_at_a_mail_provider(
        self, browser: Client, form: Form
    ) -> None:
        item = arrive(form, "email=bob%40gmail.com&lc_confirm=1")

        answer = browser.post(
            f"/inbox/{item.receipt_id}/release/", {"trust": "domain"}, follow=True
        )

        item.refresh_from_db()
        assert item.state == "quarantined"
        assert "Anybody may have an address at gmail.com" in answer.content.decode()

    def test_may_be_for_once(self, browser: Client, form: Form) -> None:
        browser.post(f"/inbox/{spam(form).receipt_id}/release/", {"trust": "once"})

        assert not SpamRule.objects.exists()
        assert Lead.objects.count() == 1


class TestTakingBack:
    def test_a_rejection_puts_the_capture_where_it_was(self, browser: Client, form: Form) -> None:
        item = spam(form)
        reason = item.reason
        browser.post(f"/inbox/{item.receipt_id}/reject/", {"reason": "An advert"})

        browser.post(f"/inbox/{item.receipt_id}/restore/")

        item.refresh_from_db()
        assert (item.state, item.reason_code, item.reason) == ("quarantined", "honeypot", reason)

    def test_changes_nothing_that_was_not_rejected_by_hand(
        self, browser: Client, form: Form
    ) -> None:
        item = arrive(form, "email=alice%40x.example")

        browser.post(f"/inbox/{item.receipt_id}/restore/")

        item.refresh_from_db()
        assert item.state == "applied"


class TestManyAtOnce:
    def many(self, form: Form, count: int) -> list[InboxItem]:
        capture_of = form.published
        assert capture_of is not None
        return InboxItem.objects.bulk_create(
            InboxItem(
                door=f"form:{form.pk}", form_version=capture_of, source=form.source, due_at=None,
                content_type="application/x-www-form-urlencoded", state="quarantined",
                reason_code="too_fast", body=b"email=p%d%%40x.example" % n,
            )
            for n in range(count)
        )  # fmt: skip

    def test_ticked_ones_are_let_through(self, browser: Client, form: Form) -> None:
        items = self.many(form, 3)

        answer = browser.post(
            "/inbox/bulk/",
            {"do": "release", "ids": [str(i.receipt_id) for i in items[:2]]},
            follow=True,
        )

        assert Lead.objects.count() == 2
        assert "Let 2 through; 2 became part of a lead." in answer.content.decode()
        assert not SpamRule.objects.exists()

    def test_all_that_match_are_rejected_and_taken_back(self, browser: Client, form: Form) -> None:
        self.many(form, 5)
        applied = arrive(form, "email=alice%40x.example")
        query = {"query": "reason=too_fast", "all": "1"}

        browser.post("/inbox/bulk/", {"do": "reject", "reason": "Adverts", **query})
        rejected = InboxItem.objects.filter(state="rejected").count()
        deed = InboxDeed.objects.get()
        browser.post(f"/inbox/deeds/{deed.pk}/undo/")

        applied.refresh_from_db()
        assert rejected == 5
        assert applied.state == "applied"
        assert InboxItem.objects.filter(state="quarantined", reason_code="too_fast").count() == 5

    def test_many_are_worked_on_in_the_background(self, browser: Client, form: Form) -> None:
        self.many(form, 45)

        answer = browser.post(
            "/inbox/bulk/", {"do": "release", "query": "state=quarantined", "all": "1"}, follow=True
        )
        at_first = Lead.objects.count()
        pump.run_all()

        deed = InboxDeed.objects.get()
        assert "in the background" in answer.content.decode()
        assert at_first == 0
        assert Lead.objects.count() == deed.changed == deed.seen == 45
        assert deed.finished_at

    def test_what_arrives_later_is_not_meant(self, browser: Client, form: Form) -> None:
        self.many(form, 25)
        browser.post(
            "/inbox/bulk/",
            {"do": "reject", "reason": "Adverts", "query": "state=quarantined", "all": "1"},
        )
        later = self.many(form, 1)[0]

        pump.run_all()

        later.refresh_from_db()
        assert later.state == "quarantined"
        assert InboxItem.objects.filter(state="rejected").count() == 25

    def test_nothing_is_rejected_without_a_reason(self, browser: Client, form: Form) -> None:
        self.many(form, 1)

        answer = browser.post(
            "/inbox/bulk/", {"do": "reject", "query": "", "all": "1"}, follow=True
        )

        assert "Say why" in answer.content.decode()
        assert not InboxItem.objects.filter(state="rejected").exists()

    def test_a_manager_reaches_only_what_she_may_see(self, client: Client, form: Form) -> None:
        charlie = UserFactory(role="manager", team=TeamFactory())
        theirs = LeadFactory(email="theirs@x.example", owner=UserFactory())
        InboxItem.objects.create(
            door="api:1", body=b"{}", lead=theirs, state="needs_review", due_at=None
        )
        client.force_login(charlie)

        client.post("/inbox/bulk/", {"do": "reject", "reason": "No", "query": "", "all": "1"})

        assert InboxItem.objects.get().state == "needs_review"


class TestTheBody:
    def test_is_saved_as_bytes_and_never_shown_by_a_browser(
        self, browser: Client, form: Form
    ) -> None:
        item = arrive(form, "email=a%40x.example&message=<script>")

        answer = browser.get(f"/inbox/{item.receipt_id}/body/")

        assert answer.content == bytes(item.body)
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"].startswith("attachment")

    def test_that_is_no_text_is_shown_as_numbers(self, browser: Client) -> None:
        item = InboxItem.objects.create(
            door="api:1", body=bytes(range(256)) * 4, due_at=None, state="rejected"
        )

        page = browser.get(f"/inbox/{item.receipt_id}/").content.decode()

        assert "000000  00 01 02 03" in page


class TestReconciliation:
    @pytest.fixture
    def admin(self) -> User:
        return UserFactory(role="admin")

    def test_counts_what_arrived_and_what_became_of_it(self, browser: Client, form: Form) -> None:
        arrive(form, "email=alice%40x.example")
        arrive(form, "message=hello")
        spam(form)

        browser.post("/inbox/reconciliation/count/")

        whole, source = Reconciliation.objects.order_by("key")
        assert (whole.received, whole.applied, whole.quarantined, whole.needs_review) == (
            3,
            1,
            1,
            1,
        )
        assert (source.key, source.received, source.inquiries) == ("form-book-a-demo", 3, 1)
        assert whole.adds_up
        assert not whole.breach

    def test_leads_to_the_captures_it_counts(self, browser: Client, form: Form) -> None:
        advert = spam(form)
        arrive(form, "email=alice%40x.example")
        browser.post("/inbox/reconciliation/count/")
        today = timezone.now().date()

        page = browser.get(f"/inbox/reconciliation/?day={today}").content.decode()
        rows = browser.get(
            f"/inbox/?utc_day={today}&source=form-book-a-demo&state=quarantined"
        ).context["rows"]

        assert f"utc_day={today}&amp;source=form-book-a-demo&amp;state=quarantined" in page
        assert [row.item for row in rows] == [advert]

    def test_tells_of_captures_that_are_gone(self, form: Form, admin: User) -> None:
        for number in range(3):
            arrive(form, f"message=hello+{number}")
        reconciling.reconcile(at=timezone.now())
        InboxItem.objects.order_by("pk").first().delete()

        for _ in range(2):
            reconciling.reconcile(at=timezone.now())

        whole = Reconciliation.objects.get(key="")
        assert whole.breach == "1 of 3 captures counted before are gone."
        told = Notification.objects.get(user=admin, kind="reconciliation")
        assert "do not add up" in told.title
        assert any("what became of them" in breach.rule for breach in checks.breaches())

    def test_tells_of_a_day_of_which_nothing_is_left(self, form: Form) -> None:
        arrive(form, "message=hello")
        reconciling.reconcile(at=timezone.now())
        InboxItem.objects.all().delete()

        reconciling.reconcile(at=timezone.now())

        assert Reconciliation.objects.get().breach == "1 of 1 captures counted before are gone."

    def test_tells_of_inquiries_that_are_missing(self, form: Form) -> None:
        arrive(form, "email=alice%40x.example")
        Inquiry.objects.all().delete()

        reconciling.reconcile(at=timezone.now())

        assert "no inquiry tells of it" in Reconciliation.objects.get(key="").breach

    def test_tells_of_captures_that_nobody_works_on(self, form: Form) -> None:
        InboxItem.objects.create(
            door="api:1", body=b"{}", received_at=timezone.now() - timezone.timedelta(hours=2)
        )

        reconciling.reconcile(at=timezone.now())

        whole = Reconciliation.objects.filter(key="", received=1).get()
        assert "waited for more than an hour" in whole.breach

    def test_follows_a_capture_that_is_settled_later(self, browser: Client, form: Form) -> None:
        item = spam(form)
        reconciling.reconcile(at=timezone.now())
        browser.post(f"/inbox/{item.receipt_id}/release/")

        reconciling.reconcile(at=timezone.now())

        whole = Reconciliation.objects.get(key="")
        assert (whole.applied, whole.quarantined, whole.breach) == (1, 0, "")

    def test_says_so_when_nothing_was_counted_yet(self, browser: Client) -> None:
        assert "Not counted yet" in browser.get("/inbox/reconciliation/").content.decode()
        assert browser.get("/inbox/reconciliation/?day=%00").status_code == 200


class TestSpamSettings:
    def test_say_how_strict_a_workspace_is(self, browser: Client, form: Form) -> None:
        values = {"threshold": "8", "most_links": "2", "proof_effort": "20000"}

        browser.post("/settings/spam/", values)
        lenient = arrive(form, "email=a%40mailinator.com&message=www.a.nl+www.b.nl+www.c.nl")
        proof.forget_policy()

        assert SpamPolicy.load().threshold == 8
        assert lenient.state == "applied"

    def test_refuse_what_would_mean_nothing(self, browser: Client) -> None:
        answer = browser.post(
            "/settings/spam/", {"threshold": "0", "most_links": "99", "proof_effort": "1"}
        )

        assert answer.status_code == 422
        assert not SpamPolicy.objects.exists()

    def test_block_and_forget(self, browser: Client, form: Form) -> None:
        browser.post("/settings/spam/rules/", {"kind": "block", "value": "@Rival.example"})
        blocked = arrive(form, "email=a%40rival.example")
        rule = SpamRule.objects.get()
        browser.post(f"/settings/spam/rules/{rule.pk}/delete/")
        forgotten = arrive(form, "email=b%40rival.example")

        assert rule.value == "rival.example"
        assert (blocked.state, forgotten.state) == ("quarantined", "applied")

    @pytest.mark.parametrize("value", ["", "no domain", "\x00", "a@b", "x" * 300])
    def test_refuse_what_is_no_address(self, browser: Client, value: str) -> None:
        answer = browser.post("/settings/spam/rules/", {"kind": "block", "value": value})

        assert answer.status_code == 422
        assert not SpamRule.objects.exists()
