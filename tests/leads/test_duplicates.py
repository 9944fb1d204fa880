"""The queue of duplicates, merging by page and by program, and what ids lead to afterwards."""

import threading
from collections.abc import Callable
from typing import Any, cast

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import Role, User
from leadcrm.audit.checks import breaches
from leadcrm.lib import pump
from leadcrm.lib.errors import Conflict
from leads.actions import ContactFields, create_lead, record_activity, update_lead
from leads.actions.duplicates import start_search
from leads.actions.fields import create_field
from leads.actions.merging import gather_stragglers, merge_leads
from leads.models import (
    Activity,
    DuplicateCandidate,
    DuplicateCheck,
    DuplicateSearch,
    Inquiry,
    Lead,
    Merge,
    Suppression,
)
from nurturing import tracking
from nurturing.tracking import Recipient
from pipeline import queries as pipeline_queries
from tests.factories import NOON, LeadFactory, TeamFactory, UserFactory, make_funnel
from tests.nurturing.factories import make_campaign, plan_mails
from tests.pipeline.factories import make_inquiry, open_lead

PHONE = "+4930123456"


def make_twins(domain: str = "weber.example", **more: Any) -> tuple[Lead, Lead]:
    """Bob Weber twice, of whom the first is older; known as duplicates."""
    names = {"first_name": "Bob", "last_name": "Weber", "phone": PHONE, **more}
    first, second = (
        create_lead(
            cast(ContactFields, {**names, "email": f"{mailbox}@{domain}"}), at=NOON, announce=False
        )
        for mailbox in ("bob", "robert")
    )
    pump.run_all()
    return first, second


@pytest.fixture
def dora(db: None) -> User:
    return UserFactory(name="Dora Dahl", role=Role.ADMIN)


@pytest.fixture
def page(dora: User) -> Client:
    client = Client()
    client.force_login(dora)
    return client


@pytest.fixture
def program(db: None) -> Client:
    key = create_api_key(name="CRM", scopes=["leads:read", "leads:write"]).plain
    return Client(headers={"Authorization": f"Bearer {key}"})


@pytest.mark.django_db
class TestFinding:
    def test_happens_when_leads_are_made(self) -> None:
        first, second = make_twins()

        pair = DuplicateCandidate.objects.get()

        assert (pair.lead_a, pair.lead_b) == (first, second)
        assert [reason["code"] for reason in pair.reasons] == ["phone", "name"]
        assert not DuplicateCheck.objects.exists()

    def test_happens_again_when_one_changes(self) -> None:
        first, _ = make_twins()

        update_lead(first.pk, {"first_name": "Alice", "last_name": "Jones"}, at=NOON)
        pump.run_all()

        assert not DuplicateCandidate.objects.exists()

    def test_does_not_ask_again_what_was_decided(self, page: Client) -> None:
        first, _ = make_twins()
        pair = DuplicateCandidate.objects.get()

        page.post(f"/duplicates/{pair.pk}/dismiss/")
        update_lead(first.pk, {"company_name": "Weber"}, at=NOON)
        pump.run_all()

        pair.refresh_from_db()
        assert (pair.state, DuplicateCandidate.objects.count()) == ("dismissed", 1)

    def test_remembers_for_the_one_that_is_left_as_well(self, page: Client) -> None:
        first, second = make_twins()
        page.post(f"/duplicates/{DuplicateCandidate.objects.get().pk}/dismiss/")
        third = create_lead(
            {"first_name": "Bob", "last_name": "Weber", "email": "b@weber.example"}, at=NOON
        )

        merge_leads(third.pk, second.pk, at=NOON)
        pump.run_all()

        states = DuplicateCandidate.objects.values_list("lead_a", "lead_b", "state")
        assert (first.pk, third.pk, "dismissed") in list(states)

    def test_leaves_out_test_entries(self) -> None:
        for _ in range(2):
            create_lead(
                {"first_name": "Bob", "last_name": "W", "phone": PHONE}, at=NOON, is_test=True
            )

        pump.run_all()

        assert not DuplicateCandidate.objects.exists()

    def test_goes_through_everything_on_request(self, page: Client) -> None:
        make_twins()
        DuplicateCandidate.objects.all().delete()

        page.post("/duplicates/search/")
        pump.run_all()

        search = DuplicateSearch.objects.get()
        assert (search.checked, search.found, search.percent) == (2, 1, 100)
        assert search.done_at is not None
        assert DuplicateCandidate.objects.count() == 1

    def test_goes_through_everything_once_at_a_time(self, dora: User, page: Client) -> None:
        start_search(user=dora)

        page.post("/duplicates/search/")

        assert DuplicateSearch.objects.count() == 1


@pytest.mark.django_db
class TestTheQueue:
    def test_shows_pairs_side_by_side_with_reasons(self, page: Client) -> None:
        make_twins()

        answer = page.get("/duplicates/").content.decode()

        assert "bob@weber.example" in answer
        assert "robert@weber.example" in answer
        assert "Same phone" in answer

    def test_shows_only_pairs_of_which_both_may_be_seen(self) -> None:
        alice = UserFactory(team=TeamFactory())
        first, _ = make_twins()
        Lead.objects.filter(pk=first.pk).update(owner=alice)
        client = Client()
        client.force_login(alice)

        pair = DuplicateCandidate.objects.get()

        assert "No duplicates" in client.get("/duplicates/").content.decode()
        assert client.post(f"/duplicates/{pair.pk}/dismiss/").status_code == 404
        assert "Looks like" not in client.get(f"/leads/{first.public_id}/").content.decode()

    def test_takes_a_verdict_back(self, page: Client) -> None:
        make_twins()
        pair = DuplicateCandidate.objects.get()

        page.post(f"/duplicates/{pair.pk}/dismiss/")
        page.post(f"/duplicates/{pair.pk}/reopen/")

        pair.refresh_from_db()
        assert pair.state == "open"

    def test_can_be_narrowed(self, page: Client) -> None:
        make_twins()

        assert "bob@weber" in page.get("/duplicates/?kind=same&why=phone").content.decode()
        assert "Nothing matches" in page.get("/duplicates/?why=mailbox").content.decode()

    def test_needs_as_many_queries_for_many_pairs(
        self, page: Client, django_assert_max_num_queries: Callable[[int], Any]
    ) -> None:
        for number in range(4):
            make_twins(f"w{number}.example", phone=f"+493012345{number}")

        with django_assert_max_num_queries(14):
            page.get("/duplicates/")

    def test_merges_many_sure_pairs_after_showing_what_that_does(self, page: Client) -> None:
        first, second = make_twins()
        pair = DuplicateCandidate.objects.get()

        shown = page.post("/duplicates/merge/", {"ids": [pair.pk]}).content.decode()
        page.post("/duplicates/merge/", {"ids": [pair.pk], "confirmed": "1"})

        assert "1 identifier" in shown or "2 identifiers" in shown
        second.refresh_from_db()
        assert second.merged_into == first
        page.post(f"/duplicates/undo/{Merge.objects.get().batch}/")
        second.refresh_from_db()
        assert second.merged_into is None

    def test_does_not_merge_unsure_pairs_in_bulk(self, page: Client) -> None:
        make_twins()
        DuplicateCandidate.objects.update(is_same=False)

        answer = page.post(
            "/duplicates/merge/", {"ids": [DuplicateCandidate.objects.get().pk], "confirmed": "1"}
        )

        assert answer.status_code == 404
        assert not Merge.objects.exists()


@pytest.mark.django_db
class TestMergingFromThePage:
    def test_hints_at_the_twin(self, page: Client) -> None:
        first, second = make_twins()

        answer = page.get(f"/leads/{first.public_id}/").content.decode()

        assert f"/leads/{first.public_id}/merge/?with={second.public_id}" in answer
        assert "Same phone, same name" in answer

    def test_finds_the_other_lead(self, page: Client) -> None:
        first, second = make_twins()

        answer = page.get(f"/leads/{first.public_id}/merge/?q=robert").content.decode()

        assert f"with={second.public_id}" in answer
        assert f"with={first.public_id}" not in answer

    def test_compares_and_takes_the_chosen_values(self, page: Client) -> None:
        first, second = make_twins()
        path = f"/leads/{first.public_id}/merge/"
        compared = page.get(f"{path}?with={second.public_id}").content.decode()

        page.post(path, {"with": second.public_id, "keep-email": "loser", "keep-nonsense": "x"})

        first.refresh_from_db()
        assert 'name="keep-email"' in compared
        assert first.email == "robert@weber.example"

    def test_compares_own_fields_in_words(self, page: Client) -> None:
        options = [{"key": "xl", "label": "Extra large"}, {"key": "s", "label": "Small"}]
        create_field({"label": "Size", "type": "multi_select", "options": options}, key="size")
        create_field({"label": "Signed", "type": "yes_no"}, key="signed")
        first, second = make_twins()
        custom = {"size": ["xl", "s"], "signed": False}
        Lead.objects.filter(pk=second.pk).update(custom=custom, country="NL")

        path = f"/leads/{first.public_id}/merge/?with={second.public_id}"
        compared = page.get(path).content.decode()

        assert "Extra large, Small" in compared
        assert "<td>No <span" in compared
        assert "Netherlands" in compared

    def test_sends_old_addresses_to_the_one_that_is_left(self, page: Client) -> None:
        first, second = make_twins()
        page.post(f"/leads/{first.public_id}/merge/", {"with": second.public_id})

        answer = page.get(f"/leads/{second.public_id}/")

        assert (answer.status_code, answer["Location"]) == (301, f"/leads/{first.public_id}/")
        assert "no-store" in answer["Cache-Control"]  # for it can be undone

    def test_is_taken_back_after_showing_what_goes_where(self, page: Client) -> None:
        first, second = make_twins()
        page.post(f"/leads/{first.public_id}/merge/", {"with": second.public_id})
        path = f"/leads/{first.public_id}/unmerge/{Merge.objects.get().pk}/"

        shown = page.get(path).content.decode()
        still = Merge.objects.filter(Merge.ACTIVE).exists()
        page.post(path)

        second.refresh_from_db()
        assert "identifiers" in shown
        assert still
        assert second.merged_into is None
        assert page.get(f"/leads/{second.public_id}/").status_code == 200

    def test_with_itself_is_refused(self, page: Client) -> None:
        first, _ = make_twins()

        answer = page.post(f"/leads/{first.public_id}/merge/", {"with": first.public_id})

        assert answer.status_code == 422


@pytest.mark.django_db
class TestPrograms:
    def test_list_pairs_and_decide(self, program: Client) -> None:
        make_twins()

        [pair] = program.get("/api/v1/duplicates/?same=true").json()["results"]
        answer = program.patch(
            f"/api/v1/duplicates/{pair['id']}/", {"state": "dismissed"}, "application/json"
        )

        assert [lead["email"] for lead in pair["leads"]] == [
            "bob@weber.example",
            "robert@weber.example",
        ]
        assert answer.json()["state"] == "dismissed"
        assert program.get("/api/v1/duplicates/").json()["results"] == []

    def test_try_out_merge_and_undo(self, program: Client) -> None:
        first, second = make_twins()
        path = f"/api/v1/leads/{first.public_id}/merge/"
        body = {"lead": second.public_id, "keep": {"email": "other"}}

        tried = program.post(path, {**body, "dry_run": True}, "application/json").json()
        stands = Lead.objects.get(pk=second.pk).merged_into_id
        done = program.post(path, body, "application/json").json()
        old = program.get(f"/api/v1/leads/{second.public_id}/").json()
        undone = program.post(f"/api/v1/leads/{second.public_id}/unmerge/", {}, "application/json")

        assert (tried["merge"], stands) == (None, None)
        assert {"what": "identifiers", "count": 2} in tried["moved"]
        assert done["lead"]["email"] == "robert@weber.example"
        assert old["id"] == first.public_id
        assert undone.json()["unmerged"] == second.public_id
        assert program.get(f"/api/v1/leads/{second.public_id}/").json()["id"] == second.public_id

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, 422),
            ({"lead": "nobody"}, 422),
            ({"lead": "self"}, 422),
            ({"lead": "twin", "keep": {"shoe": "this"}}, 422),
            ({"lead": "twin", "keep": {"email": "both"}}, 422),
        ],
    )
    def test_are_told_what_is_wrong(self, program: Client, body: dict[str, Any], code: int) -> None:
        first, second = make_twins()
        ids = {"self": first.public_id, "twin": second.public_id}
        if "lead" in body:
            body = {**body, "lead": ids.get(body["lead"], body["lead"])}

        answer = program.post(f"/api/v1/leads/{first.public_id}/merge/", body, "application/json")

        assert answer.status_code in {400, code}
        assert not Merge.objects.exists()

    def test_send_activities_under_the_old_id(self, program: Client) -> None:
        first, second = make_twins()
        merge_leads(first.pk, second.pk, at=NOON)

        answer = program.post(
            "/api/v1/activities/",
            [{"lead": second.public_id, "type": "page_view"}],
            "application/json",
        )

        assert answer.json()["results"][0]["status"] == "recorded"
        assert Activity.objects.get(type="page_view").lead == first

    def test_name_people_by_ids_of_their_own(self, program: Client) -> None:
        body = {"external_id": "42", "email": "bob@weber.example"}
        first = program.post("/api/v1/leads/", body, "application/json")

        again = program.post(
            "/api/v1/leads/", {"external_id": "42", "job_title": "CFO"}, "application/json"
        )

        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json()["id"] == first.json()["id"]
        assert again.json()["job_title"] == "CFO"


@pytest.mark.django_db
class TestOldLinks:
    def test_to_unsubscribe_stop_mail_to_the_one_that_is_left(self) -> None:
        loser, survivor = LeadFactory(), LeadFactory()
        send = plan_mails(make_campaign(), loser)[0]
        merge_leads(survivor.pk, loser.pk, at=NOON)

        url = tracking.unsubscribe_url(Recipient(send.public_id, send.email_hash))
        Client().post(url[url.index("/e/") :])

        assert Suppression.objects.filter(email_hash=send.email_hash).exists()
        consents = survivor.consents.order_by("-at", "-pk")
        assert not consents.first().granted

    def test_of_receipts_name_the_one_that_is_left(self, program: Client) -> None:
        make_funnel()
        answer = program.post("/api/v1/leads/", {"email": "a@weber.example"}, "application/json")
        loser = Lead.objects.get(public_id=answer.json()["id"])
        survivor = LeadFactory()
        inquiry = make_inquiry(loser)

        merge_leads(survivor.pk, loser.pk, at=NOON)

        inquiry.refresh_from_db()
        assert inquiry.lead == survivor


@pytest.mark.django_db
class TestWritersWhoCameTooLate:
    def test_find_their_rows_with_the_one_that_is_left(self) -> None:
        first, second = make_twins()
        third = LeadFactory()
        merge = merge_leads(first.pk, second.pk, at=NOON)
        merge_leads(third.pk, first.pk, at=NOON)
        late = Inquiry.objects.create(lead=second, received_at=NOON)

        gather_stragglers(merge.pk)

        late.refresh_from_db()
        assert late.lead == third


def all_at_once(work: list[Callable[[], Any]]) -> list[Exception | None]:
    gate = threading.Barrier(len(work))
    errors: list[Exception | None] = [None] * len(work)

    def run(index: int) -> None:
        try:
            gate.wait(timeout=30)
            work[index]()
        except Exception as error:
            errors[index] = error
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


@pytest.mark.django_db(transaction=True)
class TestAtTheSameMoment:
    def test_both_ways_make_no_circle(self) -> None:
        pairs = [(LeadFactory(), LeadFactory()) for _ in range(4)]
        work = [
            lambda one=one, other=other: merge_leads(one.pk, other.pk, at=timezone.now())
            for pair in pairs
            for one, other in (pair, pair[::-1])
        ]

        errors = all_at_once(work)  # type: ignore[arg-type]

        assert sum(error is None for error in errors) == 4
        assert all(isinstance(error, Conflict) for error in errors if error)
        assert Lead.objects.live().count() == 4

    def test_merging_editing_and_writing_lose_nothing(self) -> None:
        make_funnel()
        leads = [open_lead() for _ in range(6)]
        ids = [lead.pk for lead in leads]
        work: list[Callable[[], Any]] = []
        for number in range(18):
            one, other = ids[number % 6], ids[(number * 5 + 1) % 6]
            work += [
                lambda one=one, other=other: merge_leads(one, other, at=timezone.now()),  # type: ignore[misc]
                lambda one=one: record_activity(one, "page_view", at=timezone.now()),  # type: ignore[misc]
                lambda one=one, n=number: update_lead(  # type: ignore[misc]
                    one, {"job_title": f"Title {n}"}, at=timezone.now()
                ),
            ]

        all_at_once(work)
        pump.run_all()

        left = Lead.objects.live()
        assert left.count() < 6
        assert Activity.objects.filter(type="page_view", lead__in=left).count() == 18
        assert Inquiry.objects.filter(lead__in=left).count() == 6
        assert pipeline_queries.breaches() == {}
        assert not [breach for breach in breaches() if "merge" in breach.rule]
