"""Building a form by mouse and keys, and filling it in step by step."""

import pytest
from playwright.sync_api import Page, expect

from leadcrm.accounts.models import Role, User
from leads.models import Form, Inquiry
from tests.browser.conftest import SignIn
from tests.factories import UserFactory, make_form

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
DESK = {"width": 1440, "height": 900}


@pytest.fixture
def alice(transactional_db: None) -> User:
    return UserFactory(name="Alice Archer", role=Role.MARKETER)


def drag(page: Page, start: str, end: str) -> None:
    grip = page.locator(f'#fieldlist li[data-key="{start}"] [data-grip]').bounding_box()
    goal = page.locator(f'#fieldlist li[data-key="{end}"]').bounding_box()
    assert grip is not None
    assert goal is not None
    page.mouse.move(grip["x"] + 8, grip["y"] + 8)
    page.mouse.down()
    page.mouse.move(grip["x"] + 8, goal["y"] + 4, steps=5)
    page.mouse.up()


class TestTheBuilder:
    def test_previews_what_is_typed_and_moves_fields_by_mouse_and_keys(
        self, alice: User, sign_in: SignIn
    ) -> None:
        make_form()
        page = sign_in(alice, "/forms/book-a-demo/edit/", viewport=DESK)

        page.get_by_label("Question").fill("Your given name")
        expect(page.locator("#preview")).to_contain_text("Your given name")
        expect(page.locator("#fieldlist")).to_contain_text("Your given name")
        drag(page, "email", "first_name")
        expect(page.locator("#fieldlist li").first).to_contain_text("Work e-mail")
        page.locator('#fieldlist li[data-key="email"] [data-grip]').focus()
        with page.expect_response(lambda answer: answer.request.method == "POST"):
            page.keyboard.press("ArrowDown")
        expect(page.locator("#fieldlist li").first).to_contain_text("Your given name")

        assert [each["key"] for each in Form.objects.get().draft["fields"]][:2] == [
            "first_name",
            "email",
        ]


class TestAStranger:
    def test_goes_through_steps_and_sees_only_what_is_for_them(
        self, alice: User, sign_in: SignIn
    ) -> None:
        make_form(
            fields=[
                {"key": "email", "label": "E-mail", "type": "email", "required": True},
                {"key": "kind", "label": "You are", "type": "radio", "options": ["Firm", "Person"]},
                {"key": "more", "label": "More", "type": "page"},
                {
                    "key": "firm",
                    "label": "Which firm?",
                    "type": "text",
                    "required": True,
                    "when": {"field": "kind", "op": "is", "value": "Firm"},
                },
                {"key": "note", "label": "Anything else?", "type": "textarea"},
            ]
        )
        page = sign_in(None, "/f/book-a-demo/")

        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_text("Please fill this in.")).to_be_visible()
        page.get_by_label("E-mail", exact=True).press_sequentially("bob@x.example", delay=80)
        page.get_by_label("Person").check()
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_label("Which firm?")).to_be_hidden()
        page.get_by_label("Anything else?").press_sequentially("Call me on Monday", delay=80)
        page.locator("[data-submit]").click()

        expect(page.locator("body")).to_contain_text("Thank you")
        assert Inquiry.objects.get().fields["note"] == "Call me on Monday"
