"""Making and changing forms, without a script; and reading them by API."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.actions import create_api_key
from leads.models import Form, FormVersion, Inquiry
from tests.factories import LeadFactory, UserFactory, make_form

pytestmark = pytest.mark.django_db
EDIT = "/forms/book-a-demo/edit/"


@pytest.fixture
def browser(client: Client) -> Client:
    client.force_login(UserFactory(name="Alice Archer", role="marketer"))
    return client


@pytest.fixture
def form() -> Form:
    return make_form()


def held(answer: Any) -> dict[str, str]:
    """What the editor's page would send."""
    content, questions = answer.context["content"], answer.context["questions"]
    data = {
        "field-TOTAL_FORMS": str(len(questions.forms)),
        "field-INITIAL_FORMS": str(len(questions.forms)),
    }
    for bound in (*content, *(field for each in questions for field in each)):
        value = bound.value()
        if value not in (None, False, ""):
            data[bound.html_name] = "on" if value is True else str(value)
    return data


def labels(answer: Any) -> list[str]:
    return [each["label"].value() for each in answer.context["questions"]]


class TestForms:
    def test_are_listed_with_what_they_brought(self, browser: Client, form: Form) -> None:
        for lifecycle in ("lead", "sql"):
            Inquiry.objects.create(
                lead=LeadFactory(lifecycle=lifecycle),
                form_version=form.published,
                received_at=timezone.now(),
            )

        row = browser.get("/forms/").context["rows"][0]

        assert (row.submissions, row.qualified, row.conversion) == (2, 1, 0.5)

    def test_say_so_when_there_is_none(self, browser: Client) -> None:
        assert b"No form yet" in browser.get("/forms/").content

    def test_do_not_exist_for_reps(self, client: Client, form: Form) -> None:
        client.force_login(UserFactory(role="rep"))

        for path in ("/forms/", "/forms/new/", "/forms/book-a-demo/", EDIT):
            assert client.get(path).status_code == 404

    def test_show_the_ways_to_use_them(self, browser: Client, form: Form) -> None:
        page = browser.get("/forms/book-a-demo/").content.decode()

        assert "/f/book-a-demo/embed.js" in page
        assert "&lt;form method=&quot;post&quot;" in page or '&lt;form method="post"' in page

    def test_are_made_closed_and_then_edited(self, browser: Client) -> None:
        answer = browser.post("/forms/new/", {"name": "Summer fair", "kind": "form_submit"})

        assert answer.headers["Location"] == "/forms/summer-fair/edit/"
        assert Form.objects.get().source.key == "form-summer-fair"
        assert browser.get("/f/summer-fair/").status_code == 410

    def test_do_not_share_an_address(self, browser: Client, form: Form) -> None:
        answer = browser.post(
            "/forms/new/", {"name": "Other", "slug": "book-a-demo", "kind": "form_submit"}
        )

        assert answer.status_code == 422
        assert "Another form" in answer.content.decode()


class TestEditor:
    def test_rearranging_saves_nothing(self, browser: Client, form: Form) -> None:
        page = browser.get(EDIT)

        moved = browser.post(EDIT, held(page) | {"do": "down:0"})
        removed = browser.post(EDIT, held(moved) | {"do": "remove:4"})
        added = browser.post(EDIT, held(removed) | {"do": "add"})

        assert labels(moved)[:2] == ["Last name", "First name"]
        assert labels(removed)[-1] == "Company"
        assert labels(added)[-1] is None
        assert FormVersion.objects.count() == 1

    def test_publishing_makes_a_new_version(self, browser: Client, form: Form) -> None:
        data = held(browser.get(EDIT)) | {
            "title": "See it",
            "kind": "demo_requested",
            "field-0-label": "Your first name",
            "field-4-type": "radio",
            "field-4-maps_to": "bant.timeline",
            "field-4-options": "This month | yes\nLater",
            "allowed_origins": "https://Marlow.example/",
            "do": "publish",
        }

        answer = browser.post(EDIT, data)

        form.refresh_from_db()
        version = form.published
        assert answer.status_code == 302
        assert version is not None
        assert (version.number, version.title, form.kind) == (2, "See it", "demo_requested")
        assert version.fields[0]["key"] == "first_name"
        assert version.fields[4]["options"] == [
            {"value": "This month", "label": "This month", "level": "yes"},
            "Later",
        ]
        assert form.allowed_origins == ["https://marlow.example"]
        assert form.versions.get(number=1).title == "Book a demo"

    def test_an_unchanged_form_keeps_its_questions(self, browser: Client, form: Form) -> None:
        assert form.published is not None
        before = [(f["key"], f.get("maps_to")) for f in form.published.fields]

        browser.post(EDIT, held(browser.get(EDIT)) | {"do": "publish"})

        form.refresh_from_db()
        assert [(f["key"], f.get("maps_to")) for f in form.published.fields] == before

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"field-0-label": ""}, "required"),
            ({"field-0-type": "select"}, "Write the options"),
            ({"title": ""}, "required"),
            ({"redirect_url": "javascript:alert(1)"}, "beginning with https"),
            ({"redirect_url": "https://x;script-src/"}, "beginning with https"),
            ({"redirect_url": "//evil.example"}, "beginning with https"),
            ({"allowed_origins": "https://x.example; script-src *"}, "is not a site"),
            ({"field-TOTAL_FORMS": "0"}, "at least one question"),
        ],
    )
    def test_says_what_is_wrong_and_keeps_what_was_typed(
        self, browser: Client, form: Form, change: dict[str, str], words: str
    ) -> None:
        data = held(browser.get(EDIT)) | {"intro": "Typed", **change, "do": "publish"}

        answer = browser.post(EDIT, data)

        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert "Typed" in answer.content.decode()
        assert FormVersion.objects.count() == 1

    def test_closing_a_form(self, browser: Client, form: Form) -> None:
        browser.post("/forms/book-a-demo/unpublish/")

        form.refresh_from_db()
        assert not form.is_published


class TestFormsApi:
    def test_lists_and_gets_forms(self, client: Client, form: Form) -> None:
        key = create_api_key(name="Reader", scopes=["leads:read"]).plain
        headers = {"Authorization": f"Bearer {key}"}

        listed = client.get("/api/v1/forms/", headers=headers).json()
        one = client.get("/api/v1/forms/book-a-demo/", headers=headers).json()

        assert listed["results"] == [one]
        assert (one["id"], one["version"], one["is_published"]) == ("book-a-demo", 1, True)
        assert one["questions"][2]["maps_to"] == "email"

    def test_a_form_that_is_not_there(self, client: Client) -> None:
        key = create_api_key(name="Reader", scopes=["leads:read"]).plain

        answer = client.get("/api/v1/forms/x/", headers={"Authorization": f"Bearer {key}"})

        assert answer.status_code == 404
