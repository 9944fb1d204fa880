"""Forms that keep what is typed and not sent: never consent, a lead only if they say so."""

import json
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import User
from leadcrm.lib import pump
from leads.actions import suppress
from leads.capture import unfinished
from leads.models import (
    Activity,
    Consent,
    Form,
    FormVersion,
    InboxItem,
    Inquiry,
    Lead,
    Suppression,
    Unfinished,
)
from tests.conftest import Mailbox
from tests.factories import UserFactory, make_form, make_funnel
from tests.leads.test_form_features import EMAIL, PERSON, Visitor

pytestmark = pytest.mark.django_db
NAME = {"key": "name", "label": "Your name", "type": "text", "maps_to": "name"}
BOX = {"key": "calls", "label": "You may call me.", "type": "consent", "purpose": "phone"}
STEP = {"key": "next", "label": "About you", "type": "page"}
SIZE = {"key": "size", "label": "Staff", "type": "number", "maps_to": "company_size"}


@pytest.fixture(autouse=True)
def form() -> Form:
    make_funnel()
    return make_form(fields=[NAME, EMAIL, STEP, SIZE, BOX])


def says(keep: str, **more: Any) -> None:
    FormVersion.objects.update(settings={"keep": keep, **more})


class Typist(Visitor):
    """A visitor whose browser tells how far they are."""

    def type(self, *, last: str = "email", **answers: Any) -> Any:
        return self.tell(answers=answers, last=last)

    def tell(self, **more: Any) -> Any:
        said = {"at": self.hidden["lc_at"], "nonce": self.hidden["lc_nonce"], **more}
        return self.client.post(
            f"{self.path}keep/", json.dumps(said), content_type="text/plain;charset=UTF-8"
        )


def alice(**headers: str) -> Typist:
    typist = Typist(**headers)
    typist.open()
    return typist


def an_hour_later() -> None:
    Unfinished.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    pump.run_all()


class TestWhatIsKept:
    def test_is_nothing_where_the_form_does_not_say_so(self) -> None:
        page = alice()

        answer = page.type(email="alice@x.example")

        assert answer.status_code == 204
        assert not Unfinished.objects.exists()
        assert "data-keep" not in page.open()

    def test_is_told_of_on_the_page(self) -> None:
        says("show", keep_days=9)

        page = Visitor().open()

        assert 'data-keep="/f/book-a-demo/keep/"' in page
        assert "We keep what you type for 9 days, also if you do not send it" in page
        assert "We do not contact you about it." in page

    def test_begins_when_visitors_have_named_themselves(self) -> None:
        says("show")
        page = alice()

        page.type(name="Alice Archer", size="40")
        before = Unfinished.objects.count()
        page.type(name="Alice Archer", size="40", email="alice@x.example", last="size")

        row = Unfinished.objects.get()
        assert before == 0
        assert row.answers == {"name": "Alice Archer", "email": "alice@x.example", "size": "40"}
        assert (row.email, row.last_field) == ("alice@x.example", "size")

    def test_is_one_row_for_each_visit_and_no_consent(self) -> None:
        says("show")
        page = alice()

        for size in ("4", "40"):
            page.type(email="alice@x.example", size=size, calls="on", unasked="x", last="evil")

        row = Unfinished.objects.get()
        assert row.answers == {"email": "alice@x.example", "size": "40"}
        assert row.last_field == ""

    @pytest.mark.parametrize(
        "headers",
        [{"Sec-GPC": "1"}, {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1)"}],
        ids=["who asks for privacy", "a program"],
    )
    def test_is_nothing_of(self, headers: dict[str, str]) -> None:
        says("show")

        alice(**headers).type(email="alice@x.example")

        assert not Unfinished.objects.exists()

    def test_is_nothing_at_a_kiosk(self) -> None:
        says("lead")
        Form.objects.update(is_kiosk=True)
        page = alice()

        page.type(email="alice@x.example")

        assert not Unfinished.objects.exists()
        assert "data-keep" not in page.open()

    @pytest.mark.parametrize(
        "body",
        [b"", b"[]", b"\xff\x00", b'{"answers": []}', b'{"at": {}, "answers": {"email": {}}}'],
    )
    def test_is_nothing_of_what_makes_no_sense(self, body: bytes) -> None:
        says("show")

        answer = Client(headers={"User-Agent": PERSON}).post(
            "/f/book-a-demo/keep/", body, content_type="text/plain"
        )

        assert answer.status_code == 204
        assert not Unfinished.objects.exists()

    def test_can_be_forgotten_by_who_typed_it(self) -> None:
        says("show")
        page, other = alice(), alice()
        page.type(email="alice@x.example")

        other.tell(forget=True)
        kept = Unfinished.objects.count()
        page.tell(forget=True)

        assert (kept, Unfinished.objects.count()) == (1, 0)

    def test_goes_when_its_days_are_over(self) -> None:
        says("show", keep_days=2)
        alice().type(email="alice@x.example")

        Unfinished.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
        pump.run_all()

        assert not Unfinished.objects.exists()

    def test_goes_when_the_form_is_sent(self) -> None:
        says("lead")
        page = alice()
        page.type(email="alice@x.example")

        page.send(email="alice@x.example")

        assert not Unfinished.objects.exists()
        assert Inquiry.objects.count() == 1

    def test_goes_when_the_same_person_sent_the_form_in_another_tab(self) -> None:
        says("lead")
        alice().type(email="alice@x.example")
        alice().send(email="alice@x.example")

        an_hour_later()

        assert not Unfinished.objects.exists()
        assert Inquiry.objects.count() == 1


class TestWhatIsMadeOfIt:
    def test_is_no_lead_where_the_form_only_looks(self) -> None:
        says("show")
        alice().type(email="alice@x.example")

        an_hour_later()

        assert Unfinished.objects.get().state == "stopped"
        assert not Lead.objects.exists()

    def test_is_a_lead_where_the_form_says_so_after_an_hour(self) -> None:
        says("lead")
        page = alice()
        page.type(name="Alice Archer", email="alice@x.example", size="40")

        pump.run_all()
        early = Lead.objects.count()
        an_hour_later()

        lead, row = Lead.objects.get(), Unfinished.objects.get()
        assert early == 0
        assert (lead.name, lead.company_size) == ("Alice Archer", 40)
        assert (row.state, row.inbox_item.lead) == ("lead", lead)
        assert Inquiry.objects.get().context["unfinished"] is True
        assert Activity.objects.get(type="form_unfinished").lead == lead
        assert not Consent.objects.exists()

    def test_waits_for_who_goes_on_typing_at_that_moment(self) -> None:
        says("lead")
        page = alice()
        page.type(email="alice@x.example")
        Unfinished.objects.update(due_at=timezone.now() - timedelta(seconds=1))

        claim = pump.claim(Unfinished, limit=1)
        page.type(email="alice@x.example", size="40")
        unfinished.settle(claim.items[0].pk, claim)

        assert Unfinished.objects.get().state == "open"
        assert not InboxItem.objects.exists()

    def test_is_one_lead_when_the_form_is_sent_later(self) -> None:
        says("lead")
        page = alice()
        page.type(email="alice@x.example")
        an_hour_later()

        with time_machine.travel(timezone.now() + timedelta(hours=2)):
            page.send(email="alice@x.example", name="Alice Archer")

        lead = Lead.objects.get()
        assert lead.first_name == "Alice"
        assert lead.inquiries.count() == 2
        assert Activity.objects.filter(type="form_submit").count() == 1

    def test_is_never_a_lead_of_who_wants_no_mail(self) -> None:
        says("lead")
        suppress("alice@x.example", reason=Suppression.Reason.UNSUBSCRIBED, at=timezone.now())
        alice().type(email="alice@x.example")

        an_hour_later()

        assert Unfinished.objects.get().state == "stopped"

    def test_is_never_a_lead_where_addresses_are_confirmed_first(self) -> None:
        says("lead", confirm="lead")
        alice().type(email="alice@x.example")

        an_hour_later()

        assert Unfinished.objects.get().state == "stopped"

    def test_counts_as_no_answer_and_gets_nothing_in_return(
        self, client: Client, mailbox: Mailbox
    ) -> None:
        says("lead")
        alice().type(email="alice@x.example")
        an_hour_later()
        client.force_login(UserFactory(role="marketer"))

        page = client.get("/forms/book-a-demo/").content.decode()

        assert "Nobody has answered in 30 days." in page
        assert len(mailbox) == 0


class TestThePage:
    @pytest.fixture
    def marketer(self, client: Client) -> User:
        user = UserFactory.create(role="marketer")
        client.force_login(user)
        return user

    def test_shows_who_stopped_where(self, client: Client, marketer: User) -> None:
        says("show")
        alice().type(name="Alice Archer", email="alice@x.example", last="size")

        page = client.get("/forms/book-a-demo/unfinished/").content.decode()

        assert "Alice Archer" in page
        assert "2 of 3" in page
        assert "Staff" in page
        assert "Make a lead" not in page

    def test_makes_a_lead_only_where_the_form_said_so(self, client: Client, marketer: User) -> None:
        says("show")
        alice().type(email="alice@x.example")
        row = Unfinished.objects.get()
        path = f"/forms/book-a-demo/unfinished/{row.pk}/"

        refused = client.post(path, {"do": "lead"}, follow=True).content.decode()
        before = InboxItem.objects.count()
        says("lead")
        client.post(path, {"do": "lead"})
        pump.run_all()

        assert "promised not to make a lead" in refused
        assert before == 0
        assert Lead.objects.get().email == "alice@x.example"

    def test_deletes_what_was_typed(self, client: Client, marketer: User) -> None:
        says("show")
        alice().type(email="alice@x.example")

        client.post(
            f"/forms/book-a-demo/unfinished/{Unfinished.objects.get().pk}/", {"do": "delete"}
        )

        assert not Unfinished.objects.exists()
