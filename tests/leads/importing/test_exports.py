"""Taking leads out, and bringing the same file back in without a change."""

import csv
import io
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import Notification, Role, User
from leadcrm.lib import pump
from leads import actions, exporting
from leads.actions.fields import create_field
from leads.models import ExportJob, Lead, LeadTag
from tests.factories import LeadFactory, UserFactory, make_funnel
from tests.leads.importing.files import checked, outcomes

pytestmark = pytest.mark.django_db


@pytest.fixture
def marketer() -> User:
    make_funnel()
    return UserFactory(name="Emil Eco", role=Role.MARKETER)


@pytest.fixture
def browser(marketer: User) -> Client:
    client = Client()
    client.force_login(marketer)
    return client


def body(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def table(answer: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(body(answer).decode("utf-8-sig"))))


class TestAnExport:
    def test_brings_the_same_leads_back_unchanged(self, browser: Client, marketer: User) -> None:
        create_field({"label": "Shift", "type": "select", "options": ["Day", "Night"]})
        create_field({"label": "Since", "type": "date"})
        lead = actions.create_lead(
            {
                "first_name": "=Zoë", "last_name": "O'Neil, Jr.", "email": "Zoe@Kestrel.example",
                "phone": "+31 10 555 0142", "company_name": 'The "K" Company', "country": "NL",
                "company_size": 1200, "city": "'s-Hertogenbosch",
                "custom": {"shift": "night", "since": "2026-04-03"},
            },
            at=timezone.now(),
        )  # fmt: skip
        actions.set_tags(lead.pk, ["Expo", "VIP"], at=timezone.now())
        actions.record_consent(lead.pk, "marketing_email", granted=True, at=timezone.now())
        LeadFactory.create_batch(3)

        raw = body(browser.get("/leads/export/"))
        book = body(browser.get("/leads/export/?format=xlsx"))

        for file in (raw, book):
            job = checked(file, user=marketer, existing="replace")
            assert set(outcomes(job).values()) == {"unchanged"}, list(
                job.results.values_list("name", "outcome", "reason")
            )

    def test_makes_the_same_leads_where_there_are_none(
        self, browser: Client, marketer: User
    ) -> None:
        LeadFactory(first_name="=Zoë", city="Gent", company_size=40)
        raw = body(browser.get("/leads/export/"))
        before = list(Lead.objects.values_list("first_name", "city", "company_size", "email"))
        Lead.objects.all().delete()

        job = checked(raw, user=marketer)

        assert job.counts == {"created": 1}
        assert before[0][0] == "=Zoë"

    def test_holds_tags_consent_and_custom_fields(self, browser: Client) -> None:
        create_field({"label": "Shift", "type": "text"})
        lead = LeadFactory(custom={"shift": "Night"})
        actions.set_tags(lead.pk, ["VIP", "Expo"], at=timezone.now())
        actions.record_consent(lead.pk, "marketing_email", granted=False, at=timezone.now())

        [row] = table(browser.get("/leads/export/"))

        assert (row["Tags"], row["Marketing consent"], row["Shift"]) == ("Expo, VIP", "no", "Night")

    def test_is_written_down_with_who_took_how_many(self, browser: Client, marketer: User) -> None:
        LeadFactory.create_batch(2)

        body(browser.get("/leads/export/?search=raman"))

        job = ExportJob.objects.get()
        assert (job.user, job.rows, job.query) == (marketer, 2, "search=raman")
        assert "Emil Eco" in browser.get("/exports/").content.decode()

    def test_of_a_rep_holds_what_the_rep_sees(self, marketer: User) -> None:
        rep = UserFactory()
        mine = LeadFactory(owner=rep)
        LeadFactory()
        client = Client()
        client.force_login(rep)

        assert [row["Id"] for row in table(client.get("/leads/export/"))] == [mine.public_id]

    def test_as_a_workbook_runs_no_formula(self, browser: Client) -> None:
        LeadFactory(first_name="=1+1")

        book = load_workbook(io.BytesIO(body(browser.get("/leads/export/?format=xlsx"))))

        cells = [cell for row in book.active.iter_rows() for cell in row]
        assert "'=1+1" in [cell.value for cell in cells]
        assert not [cell for cell in cells if cell.data_type == "f"]

    def test_has_the_columns_that_were_chosen_and_remembers_them(
        self, browser: Client, marketer: User
    ) -> None:
        create_field({"label": "Depots", "type": "integer"})
        LeadFactory(email="alice@example.com", custom={"depots": 3})
        page = browser.get("/leads/export/columns/?search=alice").content.decode()
        chosen = ["custom.depots", "email", "nonsense"]

        answer = browser.post("/leads/export/columns/?search=alice", {"columns": chosen})
        rows = table(browser.get(answer["Location"]))
        again = table(browser.get("/leads/export/"))
        refused = browser.post("/leads/export/columns/", {"columns": ["nonsense"]})

        assert 'value="custom.depots" checked' in page
        assert rows == again == [{"E-mail": "alice@example.com", "Depots": "3"}]
        assert ExportJob.objects.last().columns == ["email", "custom.depots"]
        assert (refused.status_code, "at least one" in refused.content.decode()) == (422, True)

    def test_asks_the_same_few_queries_for_many_leads(
        self, browser: Client, django_assert_max_num_queries: Any
    ) -> None:
        LeadFactory.create_batch(30)

        with django_assert_max_num_queries(8):
            assert len(list(exporting.lines(Lead.objects.all()))) == 30


class TestALargeOne:
    @pytest.fixture(autouse=True)
    def _everything_is_large(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(exporting.AT_ONCE, "csv", 1)
        monkeypatch.setitem(exporting.AT_ONCE, "xlsx", 1)

    @pytest.mark.parametrize("format_", ["csv", "xlsx"])
    def test_is_made_by_a_worker_and_told(
        self, browser: Client, marketer: User, format_: str
    ) -> None:
        LeadFactory.create_batch(3)

        answer = browser.get(f"/leads/export/?format={format_}")
        pump.run_all()

        job = ExportJob.objects.get()
        assert answer["Location"] == "/exports/"
        assert (job.state, job.rows) == ("ready", 3)
        assert Notification.objects.get(user=marketer).url == f"/exports/{job.public_id}/"
        assert len(body(browser.get(f"/exports/{job.public_id}/"))) == job.size

    def test_expires(self, browser: Client) -> None:
        LeadFactory.create_batch(3)
        browser.get("/leads/export/")
        pump.run_all()
        ExportJob.objects.update(due_at=timezone.now())

        pump.run_all()

        job = ExportJob.objects.get()
        assert (job.state, job.parts.count()) == ("expired", 0)
        answer = browser.get(f"/exports/{job.public_id}/")
        assert answer.status_code == 409
        assert "Export the list again" in answer.content.decode()


class TestPrograms:
    def test_order_a_file_and_fetch_it(self, marketer: User) -> None:
        LeadFactory(first_name="Hot", score=80)
        LeadFactory(first_name="Cold", score=5)
        key = create_api_key(name="BI", scopes=["leads:read", "leads:write"]).plain
        api = Client(headers={"Authorization": f"Bearer {key}"})

        made = api.post(
            "/api/v1/exports/",
            {"filters": {"score_min": "50"}, "columns": ["first_name", "score"]},
            content_type="application/json",
        ).json()
        refused = api.post(
            "/api/v1/exports/", {"columns": ["age"]}, content_type="application/json"
        )
        pump.run_all()
        told = api.get(f"/api/v1/exports/{made['id']}/").json()

        assert (told["state"], told["rows"]) == ("ready", 1)
        assert table(api.get(told["download_url"])) == [{"First name": "Hot", "Score": "80"}]
        assert refused.status_code == 422
        assert "There is no column “age”" in refused.json()["errors"][0]["message"]

    def test_are_told_of_a_mistyped_filter_instead_of_given_everything(self) -> None:
        key = create_api_key(name="BI", scopes=["leads:read", "leads:write"]).plain
        api = Client(headers={"Authorization": f"Bearer {key}"})

        refused = api.post(
            "/api/v1/exports/", {"filter": {"score_min": "50"}}, content_type="application/json"
        )

        assert refused.status_code == 400
        assert refused.json()["errors"][0]["field"] == "filter"


WORDS = st.text(alphabet=st.characters(exclude_categories=["C", "Z"]), max_size=12)
TEXTS = st.builds(lambda a, b: f"{a} {b}".strip(), WORDS, WORDS)


@settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    people=st.lists(
        st.fixed_dictionaries(
            {"first_name": TEXTS, "last_name": TEXTS, "job_title": TEXTS, "city": TEXTS}
        ),
        min_size=1,
        max_size=4,
    )
)
def test_whatever_leads_are_called_an_export_brings_them_back(
    marketer: User, people: list[dict[str, str]]
) -> None:
    LeadTag.objects.all().delete()
    Lead.objects.all().delete()
    for number, person in enumerate(people):
        actions.create_lead(
            {**person, "email": f"p{number}@x.example"},  # type: ignore[typeddict-item]
            at=timezone.now(),
        )
    rows = exporting.lines(Lead.objects.visible_to(marketer))
    raw = b"".join(exporting.csv_blocks(exporting.headings(), rows))

    job = checked(raw, user=marketer, existing="replace")

    assert set(outcomes(job).values()) == {"unchanged"}, list(
        job.results.values_list("name", "outcome", "reason")
    )
