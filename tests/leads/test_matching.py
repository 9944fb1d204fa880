"""Whom a capture belongs to: recognised, suggested or new, and always told why."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Notification, Role, User
from leadcrm.lib import pump
from leads import capture
from leads.actions.knowing import dismiss_proposal, propose
from leads.models import (
    DuplicateCandidate,
    FieldProposal,
    Inquiry,
    Lead,
    LeadIdentifier,
    Source,
)
from pipeline import actions as pipeline
from pipeline.models import SalesCycle
from tests.factories import NOON, LeadFactory, SourceFactory, UserFactory, make_funnel
from tests.pipeline.factories import open_lead


def send(source: str = "", **fields: Any) -> Inquiry:
    """Capture these answers, as a program sends them, and work on all that follows."""
    body = json.dumps({"fields": fields, **({"source": source} if source else {})}).encode()
    arrival = capture.Arrival(door="api:1", body=body, flags=["trusted"])
    item = capture.store(arrival, at=timezone.now()).item
    pump.run_all()
    return Inquiry.objects.get(inbox_item=item.pk)


def codes(inquiry: Inquiry) -> list[str]:
    return [reason["code"] for reason in inquiry.match["reasons"]]


@pytest.fixture(autouse=True)
def _funnel(db: None) -> None:
    make_funnel()


class TestTheSame:
    def test_is_who_has_the_address_however_it_is_written(self) -> None:
        lead = send(email="bob@exämple.example", name="Bob Weber").lead

        again = send(email="BOB@xn--exmple-cua.example")

        assert again.lead == lead
        assert (again.match["verdict"], codes(again)) == ("same", ["email"])

    def test_is_who_has_the_id_of_the_same_source(self) -> None:
        SourceFactory(key="crm", name="CRM")
        lead = send("crm", external_id="42", email="bob@weber.example").lead

        again = send("crm", external_id="42", email="robert@weber.example")

        assert (again.lead, codes(again)) == (lead, ["external_id"])
        assert LeadIdentifier.objects.filter(lead=lead, kind="email").count() == 2

    def test_is_nobody_of_another_source_with_that_id(self) -> None:
        SourceFactory(key="crm", name="CRM")
        SourceFactory(key="shop", name="Shop")
        lead = send("crm", external_id="42", email="bob@weber.example").lead

        other = send("shop", external_id="42", email="eve@ewing.example")

        assert other.lead != lead

    def test_is_who_has_the_number_and_the_name(self) -> None:
        lead = send(phone="+4930123456", name="Bob Weber").lead

        again = send(phone="+49 30 123456", name="Weber, Bob", email="bob@weber.example")

        assert (again.lead, codes(again)) == (lead, ["phone_and_name"])
        lead.refresh_from_db()
        assert lead.email == "bob@weber.example"

    def test_is_asked_about_when_address_and_id_name_two(self) -> None:
        SourceFactory(key="crm", name="CRM")
        one = send(email="bob@weber.example").lead
        other = send("crm", external_id="42", phone="+4930123456").lead

        again = send("crm", external_id="42", email="bob@weber.example")

        assert again.lead == one
        pair = DuplicateCandidate.objects.get()
        assert {pair.lead_a, pair.lead_b} == {one, other}
        assert pair.is_same


class TestSomebodyPerhapsKnown:
    def test_has_the_number_of_another(self) -> None:
        lead = send(phone="+4930123456", email="front@desk.example", name="Ann Admin").lead

        other = send(phone="+4930123456", email="bob@desk.example", name="Bob Weber")

        assert other.lead != lead
        assert other.match["verdict"] == "suggest"
        assert other.match["reasons"] == [
            {"code": "phone", "words": "The same phone number", "lead": lead.public_id}
        ]

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("bob@weber.example", "bob+news@weber.example"),
            ("bob.weber@gmail.com", "bobweber+x@googlemail.com"),
        ],
    )
    def test_has_the_same_mailbox_but_for_a_tag_or_dots(self, one: str, other: str) -> None:
        lead = send(email=one, name="Bob Weber").lead

        second = send(email=other, name="Bob Weber")

        second.refresh_from_db()
        assert second.lead != lead
        assert (second.match["verdict"], codes(second)[0]) == ("suggest", "mailbox")
        assert DuplicateCandidate.objects.get().is_same

    def test_has_a_similar_name_in_the_same_company(self) -> None:
        lead = send(email="j.smith@kestrel.example", name="Jon Smith", company="Kestrel").lead

        send(email="john@kestrel.example", name="John Smith", company="Kestrel")

        pair = DuplicateCandidate.objects.get()
        assert lead in {pair.lead_a, pair.lead_b}
        assert [reason["code"] for reason in pair.reasons] == ["similar_name", "company"]
        assert not pair.is_same

    def test_has_the_same_name_in_a_company_of_a_similar_name(self) -> None:
        send(email="jo@kestrel.example", name="Jo Smith", company="Kestrel Logistics")

        send(email="jo@klog.example", name="Jo Smith", company="Kestrel Logistics GmbH")

        assert DuplicateCandidate.objects.count() == 1

    def test_is_no_pattern_of_the_search(self) -> None:
        send(email="a@kestrel.example", name="Al Smith", company="Kestrel Logistics")

        send(email="b@klog.example", name="A% Smith_", company="Kestrel Logistics GmbH")

        assert not DuplicateCandidate.objects.exists()


class TestSomebodyNew:
    def test_is_told_so(self) -> None:
        inquiry = send(email="eve@ewing.example")

        assert (inquiry.match["verdict"], codes(inquiry)) == ("new", ["unknown"])


class TestAHit:
    def test_opens_the_next_cycle_of_a_closed_lead_and_tells_its_owner(self) -> None:
        alice = UserFactory()
        lead = open_lead(email="bob@weber.example")
        pipeline.assign(lead.pk, owner=alice, at=NOON)
        pipeline.close_cycle(
            lead.pk, to=make_funnel()["lost"], at=NOON, reason="timing", actor=alice
        )

        send(email="bob@weber.example")

        numbers = SalesCycle.objects.filter(lead=lead).order_by("number")
        assert [(cycle.number, cycle.outcome) for cycle in numbers] == [(1, "lost"), (2, "")]
        assert Notification.objects.filter(user=alice, kind="inquiry").count() == 1

    def test_fills_what_is_empty_and_proposes_the_rest(self) -> None:
        lead = send(email="bob@weber.example", first_name="Bob", company="Weber").lead

        inquiry = send(email="bob@weber.example", first_name="Robert", job_title="CFO")

        lead.refresh_from_db()
        assert (lead.first_name, lead.job_title) == ("Bob", "CFO")
        proposal = FieldProposal.objects.get()
        assert (proposal.field, proposal.value) == ("first_name", "Robert")
        assert proposal.inquiry == inquiry

    def test_finds_the_lead_that_is_left_of_two(self) -> None:
        lead = LeadFactory()
        loser = LeadFactory(email="bob@weber.example", merged_into=lead)

        inquiry = send(email=loser.email)

        assert inquiry.lead == lead


class TestProposals:
    @pytest.fixture
    def alice(self) -> User:
        return UserFactory(role=Role.REP)

    @pytest.fixture
    def lead(self, alice: User) -> Lead:
        made = LeadFactory(owner=alice, job_title="CEO", email="bob@weber.example")
        return Lead.objects.get(pk=made.pk)

    @pytest.fixture
    def page(self, alice: User) -> Client:
        client = Client()
        client.force_login(alice)
        return client

    def decide(self, page: Client, lead: Lead, deed: str) -> None:
        proposal = FieldProposal.objects.get()
        page.post(f"/leads/{lead.public_id}/proposals/{proposal.pk}/{deed}/")
        lead.refresh_from_db()

    def test_stand_on_the_page_of_the_lead(self, page: Client, lead: Lead) -> None:
        send(email=lead.email, job_title="CFO")

        answer = page.get(f"/leads/{lead.public_id}/").content.decode()

        assert "Title is now given as <strong>CFO</strong>" in answer

    def test_are_accepted_with_one_click_and_taken_back(self, page: Client, lead: Lead) -> None:
        propose(lead.pk, {"job_title": "CFO"}, at=NOON)

        self.decide(page, lead, "accept")
        accepted = lead.job_title
        self.decide(page, lead, "undo")

        assert (accepted, lead.job_title) == ("CFO", "CEO")
        assert FieldProposal.objects.get().state == "open"

    def test_that_are_dismissed_do_not_come_again(self, page: Client, lead: Lead) -> None:
        propose(lead.pk, {"job_title": "CFO"}, at=NOON)

        self.decide(page, lead, "dismiss")
        send(email=lead.email, job_title="CFO")

        assert lead.job_title == "CEO"
        assert FieldProposal.objects.get().state == "dismissed"

    def test_of_a_later_capture_take_the_place_of_earlier_ones(self, lead: Lead) -> None:
        send(email=lead.email, job_title="CFO")
        send(email=lead.email, job_title="COO")

        assert FieldProposal.objects.get().value == "COO"

    def test_of_another_leads_address_say_so(self, page: Client, lead: Lead) -> None:
        LeadFactory(email="eve@ewing.example")
        propose(lead.pk, {"email": "eve@ewing.example"}, at=NOON)

        self.decide(page, lead, "accept")

        assert lead.email == "bob@weber.example"
        assert FieldProposal.objects.get().state == "open"

    def test_of_a_stranger_are_not_there(self, lead: Lead) -> None:
        propose(lead.pk, {"job_title": "CFO"}, at=NOON)
        client = Client()
        client.force_login(UserFactory())

        answer = client.post(
            f"/leads/{lead.public_id}/proposals/{FieldProposal.objects.get().pk}/accept/"
        )

        assert answer.status_code == 404

    def test_decided_twice_are_refused(self, lead: Lead) -> None:
        [proposal] = propose(lead.pk, {"job_title": "CFO"}, at=NOON)
        dismiss_proposal(proposal.pk, at=NOON)

        with pytest.raises(Exception, match="before"):
            dismiss_proposal(proposal.pk, at=NOON)


def all_at_once(count: int, work: Callable[[int], Any]) -> None:
    gate = threading.Barrier(count)

    def run(index: int) -> None:
        try:
            gate.wait(timeout=30)
            work(index)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.django_db(transaction=True)
class TestFiftyAtOnce:
    WRITTEN = [
        "josé@exämple.example",
        "JOSÉ@EXÄMPLE.example",
        "jose\u0301@exämple.example",
        "josé@xn--exmple-cua.example",
        " José@Exämple.example ",
    ]

    def capture(self, bodies: list[dict[str, Any]]) -> None:
        Source.objects.get_or_create(key="api", defaults={"name": "API"})
        items = [
            capture.store(
                capture.Arrival(
                    door="api:1",
                    body=json.dumps({"fields": body}).encode(),
                    flags=["trusted"],
                ),
                at=timezone.now(),
                hold=True,
            ).item
            for body in bodies
        ]
        all_at_once(
            len(items), lambda index: capture.process(items[index], token=items[index].lease_token)
        )
        pump.run_all()

    def test_of_one_new_person_make_one_lead(self) -> None:
        bodies = [{"email": self.WRITTEN[n % 5], "name": "José Weber"} for n in range(50)]

        self.capture(bodies)

        assert Lead.objects.count() == 1
        assert Inquiry.objects.count() == 50
        assert Inquiry.objects.filter(match__verdict="new").count() == 1

    def test_of_one_number_and_name_make_one_lead(self) -> None:
        bodies = [{"phone": "+4930123456", "name": "José Weber"} for _ in range(12)]

        self.capture(bodies)

        assert Lead.objects.count() == 1
        assert Inquiry.objects.count() == 12

    def test_of_one_id_make_one_lead(self) -> None:
        bodies = [{"external_id": "42", "email": f"j{n % 2}@weber.example"} for n in range(12)]

        self.capture(bodies)

        assert Lead.objects.count() == 1
        assert Inquiry.objects.count() == 12
