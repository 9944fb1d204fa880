"""Own fields that tell one lead from all others, that the search knows, and old wrong values."""

from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.models import Role, User
from leadcrm.lib import pump
from leadcrm.lib.errors import Invalid
from leads import actions
from leads.actions.fields import change_field, create_field
from leads.actions.knowing import accept_proposal
from leads.actions.uniques import ValueTaken
from leads.models import FieldProposal, Lead, LeadOwnText
from leads.queries.search import search
from tests.factories import NOON, LeadFactory, UserFactory, make_funnel
from tests.leads.importing.files import checked, imported, outcomes, reasons

pytestmark = pytest.mark.django_db
TAKEN = "Another lead has “K-17” as “Customer no.”."


@pytest.fixture
def marketer() -> User:
    make_funnel()
    return UserFactory(role=Role.MARKETER)


@pytest.fixture
def browser(client: Client, marketer: User) -> Client:
    client.force_login(marketer)
    return client


@pytest.fixture
def customer_no() -> Any:
    return create_field({"label": "Customer no.", "type": "text", "is_unique": True})


@pytest.fixture
def bob(customer_no: Any) -> Lead:
    return LeadFactory(first_name="Bob", last_name="Baker", custom={"customer_no": "K-17"})  # type: ignore[no-any-return]


def capture(client: Client, **fields: str) -> Lead:
    body = {"fields": {"email": "carol@heron.example", **fields}}
    answer = client.post("/api/v1/capture/", body, content_type="application/json")
    assert answer.status_code == 202
    pump.run_all()
    return Lead.objects.get(email="carol@heron.example")


class TestAUniqueValue:
    def test_of_another_lead_is_refused_beside_its_field(self, browser: Client, bob: Lead) -> None:
        alice = LeadFactory()
        path = f"/leads/{alice.public_id}/fields/custom_customer_no/"

        page = browser.post(path, {"custom_customer_no": "K-17", "version": "1", "was": ""})
        program = browser.patch(
            f"/api/v1/leads/{alice.public_id}/",
            {"custom": {"customer_no": "K-17"}},
            content_type="application/json",
        )

        assert page.status_code == 422
        assert TAKEN in page.content.decode()
        assert program.status_code == 409
        assert program.json()["errors"] == [
            {"field": "custom.customer_no", "code": "value_taken", "message": TAKEN}
        ]
        alice.refresh_from_db()
        assert alice.custom == {}

    def test_may_be_saved_again_by_its_lead_and_taken_once_it_is_free(self, bob: Lead) -> None:
        alice = LeadFactory()

        actions.update_lead(bob.pk, {"custom": {"customer_no": "K-17"}}, at=NOON)
        actions.update_lead(bob.pk, {"custom": {"customer_no": None}}, at=NOON)
        actions.update_lead(alice.pk, {"custom": {"customer_no": "K-17"}}, at=NOON)

        with pytest.raises(ValueTaken):
            actions.create_lead({"custom": {"customer_no": "K-17"}}, at=NOON)

    @pytest.mark.parametrize("is_known", [False, True])
    def test_in_a_capture_becomes_a_proposal(
        self, browser: Client, bob: Lead, is_known: bool
    ) -> None:
        if is_known:
            LeadFactory(email="carol@heron.example")

        carol = capture(browser, **{"custom.customer_no": "K-17", "custom.colour": "red"})

        proposal = FieldProposal.objects.get()
        assert carol.custom == {"colour": "red"}
        assert (proposal.lead, proposal.field, proposal.value) == (
            carol,
            "custom.customer_no",
            "K-17",
        )
        with pytest.raises(ValueTaken):
            accept_proposal(proposal.pk, at=NOON)

    def test_in_a_file_sets_its_row_aside(self, marketer: User, bob: Lead) -> None:
        file = (
            "E-mail,No\na@heron.example,K-17\nb@heron.example,K-18\nc@heron.example,K-18\n"
            f"{bob.email},K-17\n"
        )
        columns = ["email", "custom.customer_no"]

        dry = checked(file, user=marketer, mapping=columns)
        job = imported(file, user=marketer, mapping=columns)

        assert outcomes(dry) == outcomes(job)
        assert outcomes(job) == {2: "invalid", 3: "created", 4: "invalid", 5: "unchanged"}
        assert reasons(job)[2] == TAKEN
        assert Lead.objects.filter(custom__customer_no="K-18").count() == 1

    def test_cannot_be_asked_for_while_leads_share_one(self) -> None:
        create_field({"label": "Customer no.", "type": "text"})
        LeadFactory.create_batch(2, custom={"customer_no": "K-17"})

        with pytest.raises(Invalid, match="Several leads have one value: “K-17”"):
            change_field("customer_no", {"is_unique": True})

    @pytest.mark.parametrize(("type_", "flag"), [("yes_no", "is_unique"), ("money", "is_searched")])
    def test_is_of_a_type_that_can_tell(self, type_: str, flag: str) -> None:
        with pytest.raises(Invalid):
            create_field({"label": "Field", "type": type_, flag: True})  # type: ignore[misc]


class TestTheSearch:
    def test_knows_the_words_of_fields_that_ask_for_it(
        self, browser: Client, marketer: User
    ) -> None:
        create_field({"label": "Contract", "type": "text"})
        create_field({"label": "Secret", "type": "text"})
        old = LeadFactory(last_name="Baker", custom={"contract": "Frame 2031", "secret": "Frame"})
        other = LeadFactory(last_name="Cole", custom={"secret": "Frame 2031"})
        before = search(marketer, "frame 2031").leads

        change_field("contract", {"is_searched": True})
        new = LeadFactory(last_name="Baker", custom={"contract": "FRAME-2031-B"})
        actions.update_lead(other.pk, {"custom": {"contract": "Frame 9"}}, at=NOON)

        assert before == []
        assert set(search(marketer, "frame 2031").leads) == {old, new}
        assert set(search(marketer, "baker frame").leads) == {old, new}
        assert search(marketer, "frame 9").leads == [other]
        page = browser.get("/api/v1/leads/", {"search": "2031 baker"}).json()
        assert {row["id"] for row in page["results"]} == {old.public_id, new.public_id}

    def test_forgets_them_with_the_value_or_the_wish(self) -> None:
        create_field({"label": "Contract", "type": "text", "is_searched": True})
        one, other = LeadFactory.create_batch(2, custom={"contract": "Frame"})

        actions.update_lead(one.pk, {"custom": {"contract": None}}, at=NOON)
        kept = list(LeadOwnText.objects.values_list("lead", "text"))
        change_field("contract", {"is_searched": False})

        assert kept == [(other.pk, "frame")]
        assert not LeadOwnText.objects.exists()

    def test_holds_the_words_of_imported_leads(self, marketer: User) -> None:
        create_field({"label": "Contract", "type": "text", "is_searched": True})

        imported(
            "E-mail,Contract\na@heron.example,Frame 7\n",
            user=marketer,
            mapping=["email", "custom.contract"],
        )

        assert [lead.email for lead in search(marketer, "frame 7").leads] == ["a@heron.example"]


class TestAWrongOldValue:
    def test_is_shown_with_a_warning(self, browser: Client) -> None:
        create_field({"label": "Depots", "type": "integer"})
        create_field({"label": "Since", "type": "date"})
        lead = LeadFactory(custom={"depots": "many", "since": "2024-03-01"})

        page = browser.get(f"/leads/{lead.public_id}/").content.decode()

        assert "many" in page
        assert page.count('<span class="row tone sm" data-tone="bad"') == 1
        assert "Write a number" in page
