"""Making and changing forms, without a script; and reading them by API."""

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.actions import create_api_key
from leads.models import ConsentText, Form, FormVersion, Inquiry
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


def held(answer: Any) -> dict[str, Any]:
    """What the pane of the builder's page would send."""
    data = {}
    for bound in answer.context["entry"]:
        value = bound.value()
        if value not in (None, False, ""):
            data[bound.html_name] = "on" if value is True else value
    return data


def change(browser: Client, where: str = "", **values: Any) -> Any:
    """Open a pane, type something, save it to the draft."""
    data = held(browser.get(EDIT + where)) | values
    kept = {name: value for name, value in data.items() if value != ""}
    return browser.post(EDIT + where, kept | {"do": "save"})


def publish(browser: Client) -> Any:
    return browser.post(EDIT, {"do": "publish"})


def keys(form: Form) -> list[str]:
    form.refresh_from_db()
    return [each["key"] for each in (form.draft or {})["fields"]]


class TestForms:
    def test_are_listed_with_what_they_brought(self, browser: Client, form: Form) -> None:
        for lifecycle in ("lead", "sql"):
            Inquiry.objects.create(
                lead=LeadFactory(lifecycle=lifecycle),
                form_version=form.published,
                received_at=timezone.now(),
            )

        row = browser.get("/forms/").context["rows"][0][0]

        assert (row.submissions, row.qualified, row.conversion) == (2, 1, 0.5)

    def test_say_so_when_there_is_none(self, browser: Client) -> None:
        assert b"No form yet" in browser.get("/forms/").content

    def test_do_not_exist_for_reps(self, client: Client, form: Form) -> None:
        client.force_login(UserFactory(role="rep"))

        for path in ("/forms/", "/forms/new/", "/forms/book-a-demo/", EDIT):
            assert client.get(path).status_code == 404

    def test_show_four_ways_to_use_them(self, browser: Client, form: Form) -> None:
        page = browser.get("/forms/book-a-demo/embed/").content.decode()

        assert "/f/book-a-demo/embed.js" in page
        assert "&lt;iframe data-leadcrm-frame" in page
        assert 'name="lc_confirm"' in page
        assert 'type="email" name="email" required' in page

    def test_are_made_closed_and_then_edited(self, browser: Client) -> None:
        answer = browser.post("/forms/new/", {"name": "Summer fair", "kind": "form_submit"})

        assert answer.headers["Location"] == "/forms/summer-fair/edit/"
        assert Form.objects.get().source.key == "form-summer-fair"
        assert browser.get("/f/summer-fair/").status_code == 410

    @pytest.mark.parametrize("slug", ["book-a-demo", "confirm"])
    def test_do_not_take_an_address_in_use(self, browser: Client, form: Form, slug: str) -> None:
        answer = browser.post("/forms/new/", {"name": "Other", "slug": slug, "kind": "form_submit"})

        assert answer.status_code == 422
        assert "Choose another" in answer.content.decode()

    def test_list_their_answers_with_the_version_each_saw(
        self, browser: Client, form: Form
    ) -> None:
        Inquiry.objects.create(
            lead=LeadFactory(first_name="Bob"),
            form_version=form.published,
            message="Call me",
            received_at=timezone.now(),
        )

        page = browser.get("/forms/book-a-demo/answers/").content.decode()

        assert "Bob" in page
        assert "Call me" in page


class TestBuilder:
    def test_adds_moves_removes_and_brings_back_in_the_draft_only(
        self, browser: Client, form: Form
    ) -> None:
        browser.post(EDIT, {"do": "add", "type": "yes_no"})
        browser.post(EDIT, {"do": "up:yes_or_no"})
        browser.post(EDIT, {"do": "move:email:0"})
        browser.post(EDIT, {"do": "remove:company"})
        removed = keys(form)
        browser.post("/forms/book-a-demo/undo/")

        assert removed == ["email", "first_name", "last_name", "yes_or_no", "message"]
        assert "company" in keys(form)
        assert FormVersion.objects.count() == 1
        assert "First name" in browser.get("/f/book-a-demo/").content.decode()

    def test_strangers_see_a_change_once_it_is_published(self, browser: Client, form: Form) -> None:
        change(browser, "?pane=words", **{"w-title": "See it", "w-intro": "In 20 minutes"})
        before = browser.get("/f/book-a-demo/").content.decode()

        answer = publish(browser)

        version = FormVersion.objects.get(number=2)
        assert answer.status_code == 302
        assert "See it" not in before
        assert "See it" in browser.get("/f/book-a-demo/").content.decode()
        assert (version.intro, version.published_by.name) == ("In 20 minutes", "Alice Archer")
        assert form.versions.get(number=1).title == "Book a demo"

    def test_a_question_keeps_its_key_when_its_words_change(
        self, browser: Client, form: Form
    ) -> None:
        browser.post(EDIT, {"do": "add", "type": "radio"})
        options = "This month | yes\nLater"
        change(
            browser,
            "?field=choose_one",
            **{"q-label": "When?", "q-maps_to": "bant.timeline", "q-options": options},
        )

        publish(browser)

        question = FormVersion.objects.get(number=2).fields[-1]
        assert (question["key"], question["label"]) == ("choose_one", "When?")
        assert question["options"] == [
            {"value": "This month", "label": "This month", "level": "yes"},
            "Later",
        ]

    def test_an_unchanged_form_is_not_published_again(self, browser: Client, form: Form) -> None:
        answer = publish(browser)

        assert answer.status_code == 409
        assert FormVersion.objects.count() == 1

    @pytest.mark.parametrize(
        ("pane", "values", "words"),
        [
            ("?field=email", {"q-label": ""}, "needs its words"),
            ("?field=company", {"q-type": "select"}, "Write the options"),
            ("?pane=words", {"w-title": ""}, "Give the form a title"),
            ("?pane=words", {"w-redirect_url": "https://x.example/"}, "Add https://x.example"),
            ("?field=email", {"q-maps_to": ""}, ""),
        ],
    )
    def test_says_what_must_be_right_before_it_is_published(
        self, browser: Client, form: Form, pane: str, values: dict[str, str], words: str
    ) -> None:
        change(browser, pane, **values)

        answer = publish(browser)

        if words:
            assert answer.status_code == 422
            assert words in answer.content.decode()
        assert FormVersion.objects.count() == (1 if words else 2)

    @pytest.mark.parametrize(
        ("pane", "values", "words"),
        [
            ("words", {"w-redirect_url": "javascript:alert(1)"}, "beginning with https"),
            ("words", {"w-redirect_url": "https://x;script-src/"}, "beginning with https"),
            ("look", {"l-on": "on", "l-text": "#cccccc", "l-card": "#ffffff"}, "contrast of"),
        ],
    )
    def test_does_not_save_what_cannot_be_meant(
        self, browser: Client, form: Form, pane: str, values: dict[str, str], words: str
    ) -> None:
        answer = change(browser, f"?pane={pane}", **values)

        form.refresh_from_db()
        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert form.draft is None

    def test_words_of_consent_are_numbered(self, browser: Client, form: Form) -> None:
        for words in ("Tips by e-mail.", "Tips by e-mail, weekly.", "Tips by e-mail."):
            change(browser, "?pane=words", **{"w-consent_text": words})
            publish(browser)

        numbered = ConsentText.objects.order_by("number").values_list("number", "wording")
        assert list(numbered) == [(1, "Tips by e-mail."), (2, "Tips by e-mail, weekly.")]
        assert "weekly" in browser.get("/forms/consent/").content.decode()

    def test_an_earlier_version_can_be_taken_as_the_draft(
        self, browser: Client, form: Form
    ) -> None:
        change(browser, "?pane=words", **{"w-title": "See it"})
        publish(browser)

        page = browser.get("/forms/book-a-demo/versions/").content.decode()
        browser.post("/forms/book-a-demo/versions/", {"restore": "1"})

        form.refresh_from_db()
        assert "Title: “Book a demo” became “See it”" in page
        assert form.draft["title"] == "Book a demo"
        assert form.published.title == "See it"

    def test_colours_become_a_style_sheet_of_the_form(self, browser: Client, form: Form) -> None:
        change(browser, "?pane=look", **{"l-on": "on", "l-accent": "#7a1f5c"})
        publish(browser)

        page = browser.get("/f/book-a-demo/").content.decode()
        sheet = browser.get("/f/book-a-demo/theme.css?v=2")

        assert "/f/book-a-demo/theme.css?v=2" in page
        assert "--accent:#7a1f5c" in sheet.content.decode()
        assert "style=" not in page


class TestSettings:
    def test_hold_at_once(self, browser: Client, form: Form) -> None:
        entry = browser.get("/forms/book-a-demo/settings/").context["entry"]
        data = {b.html_name: b.value() for b in entry if b.value() not in (None, "", False, [])}

        answer = browser.post(
            "/forms/book-a-demo/settings/",
            data | {"origins": "https://Marlow.example/", "tags": "fair, 2026", "proof": "always"},
        )

        form.refresh_from_db()
        assert answer.status_code == 302
        assert form.allowed_origins == ["https://marlow.example"]
        assert (form.wishes["tags"], form.proof) == (["fair", "2026"], "always")

    def test_refuse_a_site_that_is_none(self, browser: Client, form: Form) -> None:
        answer = browser.post(
            "/forms/book-a-demo/settings/",
            {"name": "X", "origins": "https://x.example; script-src *"},
        )

        assert answer.status_code == 422
        assert "is not a site" in answer.content.decode()

    def test_close_open_copy_archive_and_delete(self, browser: Client, form: Form) -> None:
        def do(what: str, slug: str = "book-a-demo") -> Any:
            return browser.post(f"/forms/{slug}/{what}/")

        do("unpublish")
        closed = browser.get("/f/book-a-demo/").status_code
        do("publish")
        opened = browser.get("/f/book-a-demo/").status_code
        do("copy")
        do("archive")
        listed = browser.get("/forms/").content.decode()
        do("delete", "book-a-demo-2")

        assert (closed, opened) == (410, 200)
        assert "/forms/book-a-demo-2/" in listed
        assert 'href="/forms/book-a-demo/"' not in listed
        assert list(Form.objects.values_list("slug", flat=True)) == ["book-a-demo"]

    def test_an_answered_form_is_not_deleted(self, browser: Client, form: Form) -> None:
        Inquiry.objects.create(
            lead=LeadFactory(), form_version=form.published, received_at=timezone.now()
        )

        page = browser.post("/forms/book-a-demo/delete/", follow=True).content.decode()

        assert Form.objects.count() == 1
        assert "Archive it" in page


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
