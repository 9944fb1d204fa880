"""Importing in the browser and by the API: file, columns, dry run, progress, result, undo."""

import csv
import io
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import Notification, Role, User
from leadcrm.lib import pump
from leads.models import FieldDefinition, ImportJob, Lead, Source
from tests.factories import LeadFactory, UserFactory, make_funnel
from tests.leads.importing.files import PEOPLE, imported, reasons, workbook

pytestmark = pytest.mark.django_db

HOSTILE = (
    "Name,E-mail,Staff,Country\n"
    '"Broken,a@x.example,1,NL\n'
    "Al\x00ice,alice@x.example,1,NL\n"
    f"Long,long@x.example,1,{'x' * 40_000}\n"
    "Many,many@x.example,1,NL,more,cells\n"
    "Far,far@x.example,1,Neverland\n"
    "=HYPERLINK(1),formula@x.example,1,NL\n"
    "No,nobody@,x,NL\n"
)


@pytest.fixture
def marketer() -> User:
    make_funnel()
    return UserFactory(name="Emil Eco", role=Role.MARKETER)


@pytest.fixture
def browser(marketer: User) -> Client:
    client = Client()
    client.force_login(marketer)
    return client


def upload(browser: Client, raw: str | bytes, name: str = "people.csv") -> Any:
    content = raw.encode() if isinstance(raw, str) else raw
    return browser.post("/import/new/", {"file": SimpleUploadedFile(name, content)})


def columns_form(job: ImportJob, **changes: Any) -> dict[str, Any]:
    """What the page of columns sends, as it was filled in."""
    sent = {f"column_{n}": target for n, target in enumerate(job.mapping)}
    choices = {"existing": "fill", "create": "on", "dates": "auto", "funnel": "on",
               "owner": "queue", "match_external": "on", "route_qualified": "on"}  # fmt: skip
    return {**sent, **choices, **changes}


class TestTheWay:
    def test_goes_from_a_file_to_leads(self, browser: Client) -> None:
        answer = upload(browser, PEOPLE)
        pump.run_all()
        job = ImportJob.objects.get()
        assert answer["Location"] == f"/import/{job.public_id}/"
        page = browser.get(answer["Location"]).content.decode()
        assert "3 rows, 7 columns, semicolons, UTF-8" in page
        assert "Check 3 rows" in page

        browser.post(f"/import/{job.public_id}/columns/", columns_form(job, tags="Expo, VIP"))
        pump.run_all()
        page = browser.get(f"/import/{job.public_id}/").content.decode()
        assert "Import 3 rows" in page
        assert not Lead.objects.exists()

        browser.post(f"/import/{job.public_id}/start/")
        pump.run_all()
        page = browser.get(f"/import/{job.public_id}/").content.decode()
        assert "3 rows imported" in page
        lead = Lead.objects.get(email="alice@kestrel.example")
        assert {tag.name for tag in lead.tags.all()} == {"Expo", "VIP"}
        rows = browser.get(f"/import/{job.public_id}/rows/?outcome=created").content.decode()
        assert f"/leads/{lead.public_id}/" in rows
        assert Notification.objects.get().title == "people.csv is imported"

        browser.post(f"/import/{job.public_id}/undo/")
        pump.run_all()
        assert "This import is undone" in browser.get(answer["Location"]).content.decode()
        assert not Lead.objects.live().exists()

    def test_shows_its_progress_and_then_the_whole_page(self, browser: Client) -> None:
        upload(browser, PEOPLE)
        path = f"/import/{ImportJob.objects.get().public_id}/"

        moving = browser.get(path, headers={"HX-Request": "true"})
        pump.run_all()
        over = browser.get(path, headers={"HX-Request": "true"})

        assert "Reading people.csv" in moving.content.decode()
        assert "<html" not in moving.content.decode()
        assert over["HX-Refresh"] == "true"

    def test_makes_a_field_of_a_column_that_has_none(self, browser: Client) -> None:
        upload(browser, "E-mail,Shirt size\na@x.example,XL\n")
        pump.run_all()
        job = ImportJob.objects.get()

        browser.post(f"/import/{job.public_id}/columns/", columns_form(job, column_1="new"))
        pump.run_all()
        browser.post(f"/import/{job.public_id}/start/")
        pump.run_all()

        field = FieldDefinition.objects.get(label="Shirt size")
        assert Lead.objects.get().custom == {field.key: "XL"}

    def test_remembers_the_columns_of_files_with_these_headings(self, browser: Client) -> None:
        upload(browser, "Mail,Wo\na@x.example,Utrecht\n")
        pump.run_all()
        job = ImportJob.objects.get()
        browser.post(f"/import/{job.public_id}/columns/", columns_form(job, column_1="city"))

        upload(browser, "Mail,Wo\nb@x.example,Breda\n")

        assert ImportJob.objects.order_by("-pk")[0].mapping == ["email", "city"]

    def test_takes_a_new_source_and_an_owner(self, browser: Client) -> None:
        alice = UserFactory(name="Alice Archer")
        upload(browser, PEOPLE)
        pump.run_all()
        job = ImportJob.objects.get()
        form = columns_form(job, new_source="Expo Utrecht", owner="person", owner_id=alice.pk)

        browser.post(f"/import/{job.public_id}/columns/", form)
        pump.run_all()
        browser.post(f"/import/{job.public_id}/start/")
        pump.run_all()

        source = Source.objects.get(name="Expo Utrecht")
        assert Lead.objects.filter(source=source, owner=alice).count() == 3

    def test_reads_again_with_other_letters(self, browser: Client) -> None:
        upload(browser, "Name;Town\nЗоя;Орёл\n".encode("cp1251"))
        pump.run_all()
        job = ImportJob.objects.get()

        browser.post(
            f"/import/{job.public_id}/reading/",
            {"encoding": "cp1251", "delimiter": ";", "has_header": "on"},
        )
        pump.run_all()

        job.refresh_from_db()
        assert job.columns[0]["samples"] == ["Зоя"]
        assert job.state == "ready"

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            (
                {"column_0": "", "column_1": "", "column_2": "", "column_3": ""},
                "No column says who",
            ),
            ({"column_0": "email"}, "Two columns go to E-mail"),
            ({"column_0": "nonsense"}, "unknown field"),
            ({"owner": "person"}, "Choose who gets the new leads"),
            ({"existing": "nonsense"}, "Some choices need correcting"),
        ],
    )
    def test_is_stopped_where_something_cannot_be_meant(
        self, browser: Client, changes: dict[str, str], words: str
    ) -> None:
        upload(browser, PEOPLE)
        pump.run_all()
        job = ImportJob.objects.get()

        answer = browser.post(f"/import/{job.public_id}/columns/", columns_form(job, **changes))

        assert answer.status_code == 422
        assert words in answer.content.decode()


class TestBadFiles:
    @pytest.mark.parametrize(
        ("raw", "words"),
        [
            (b"", "This file is empty"),
            (b"Name,E-mail\n", "no rows below"),
            (b"%PDF-1.4 ...", "This is a PDF"),
            (b"PK\x03\x04....", "damaged"),
        ],
    )
    def test_are_refused_in_words(self, browser: Client, raw: bytes, words: str) -> None:
        answer = upload(browser, raw)

        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert not ImportJob.objects.exists()

    def test_that_are_too_large_are_refused(self, browser: Client, settings: Any) -> None:
        settings.MAX_IMPORT_BYTES = 20

        answer = upload(browser, PEOPLE)

        assert answer.status_code == 422
        assert "at most" in answer.content.decode()

    def test_with_bad_rows_name_each_by_its_line_and_cure(
        self, browser: Client, marketer: User
    ) -> None:
        job = imported(HOSTILE, user=marketer)

        told = reasons(job)
        assert job.counts == {"created": 2, "invalid": 5}
        assert sum(job.counts.values()) == job.rows
        assert "never closed" in told[2]
        assert "“Country” holds 40,000 characters" in told[4]
        assert "has 6 cells, the headings are 4" in told[5]
        assert "“Neverland” in “Country”" in told[6]
        assert "“nobody@” in “E-mail”" in told[8]
        assert "“x” in “Staff”" in told[8]
        assert Lead.objects.get(email="alice@x.example").first_name == "Alice"

    def test_give_their_bad_rows_back_to_be_corrected(
        self, browser: Client, marketer: User
    ) -> None:
        job = imported(HOSTILE, user=marketer)

        answer = browser.get(f"/import/{job.public_id}/set-aside/")

        text = b"".join(answer.streaming_content).decode("utf-8-sig")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [row["Line"] for row in rows] == ["2", "4", "5", "6", "8"]
        assert rows[-1]["E-mail"] == "nobody@"
        assert "This is no e-mail address" in rows[-1]["Reason"]

    def test_may_be_workbooks_with_the_wrong_extension(self, browser: Client) -> None:
        answer = upload(browser, workbook([["Name", "E-mail"], ["Alice", "a@x.example"]]), "a.csv")
        pump.run_all()

        page = browser.get(answer["Location"]).content.decode()
        assert "1 rows, 2 columns, sheet “People”" in page


class TestWho:
    def test_reps_do_not_import(self) -> None:
        client = Client()
        client.force_login(UserFactory(role=Role.REP))

        assert client.get("/import/").status_code == 404

    def test_managers_see_their_own_imports_only(self, marketer: User) -> None:
        job = imported(PEOPLE, user=marketer)
        client = Client()
        client.force_login(UserFactory(role=Role.MANAGER))

        assert client.get(f"/import/{job.public_id}/").status_code == 404


class TestPrograms:
    @pytest.fixture
    def api(self, marketer: User) -> Client:
        key = create_api_key(name="Sync", scopes=["leads:read", "leads:write"]).plain
        return Client(headers={"Authorization": f"Bearer {key}"})

    def post(self, api: Client, **body: Any) -> Any:
        return api.post("/api/v1/imports/", body, content_type="application/json")

    def test_import_a_text_in_one_call_and_watch_it(self, api: Client) -> None:
        answer = self.post(api, content=PEOPLE, name="sync.csv", options={"tags": ["Sync"]})
        pump.run_all()

        assert answer.status_code == 202
        told = api.get(answer.json()["status_url"]).json()
        assert (told["state"], told["counts"]) == ("done", {"created": 3})
        rows = api.get(answer.json()["status_url"] + "rows/?outcome=created").json()["results"]
        assert [row["line"] for row in rows] == [2, 3, 4]
        assert rows[0]["lead"] == Lead.objects.get(email="alice@kestrel.example").public_id

    def test_send_a_file(self, api: Client) -> None:
        file = SimpleUploadedFile("a.xlsx", workbook([["Mail"], ["a@x.example"]]))

        answer = api.post("/api/v1/imports/", {"file": file, "options": '{"funnel": false}'})
        pump.run_all()

        assert answer.status_code == 202
        assert Lead.objects.get().stage is None

    def test_may_only_check_first_and_undo_later(self, api: Client) -> None:
        url = self.post(api, content=PEOPLE, dry_run=True).json()["status_url"]
        pump.run_all()
        assert api.get(url).json()["state"] == "checked"

        api.post(f"{url}start/")
        pump.run_all()
        api.post(f"{url}undo/")
        pump.run_all()

        assert api.get(url).json()["state"] == "undone"
        assert not Lead.objects.live().exists()

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({}, "file"),
            ({"content": ""}, "content"),
            ({"content": "Name\nAlice\n", "mapping": {"Nome": "email"}}, "mapping"),
            ({"content": "Name\nAlice\n", "mapping": {"Name": ["x"]}}, "mapping"),
            ({"content": "Name\nAlice\n", "options": {"owner": "x"}}, "options.owner"),
            ({"content": "Name\nAlice\n", "options": {"nonsense": 1}}, "options.nonsense"),
            ({"content": "Name\nAlice\n", "source": "nowhere"}, "source"),
        ],
    )
    def test_are_told_what_cannot_be_meant(
        self, api: Client, body: dict[str, Any], field: str
    ) -> None:
        answer = self.post(api, **body)

        assert 400 <= answer.status_code < 500
        assert answer.json()["errors"][0]["field"] == field

    def test_of_a_person_change_no_lead_that_person_may_not_see(self, marketer: User) -> None:
        manager = UserFactory(role=Role.MANAGER)
        key = create_api_key(name="M", scopes=["leads:read", "leads:write"], user=manager).plain
        LeadFactory(email="alice@kestrel.example", job_title="")

        self.post(Client(headers={"Authorization": f"Bearer {key}"}), content=PEOPLE)
        pump.run_all()

        assert Lead.objects.get(email="alice@kestrel.example").job_title == ""
