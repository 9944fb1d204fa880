"""The shell in a browser: keyboard, palette, menus, bulk selection, toasts, and what axe finds."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from leadcrm.accounts import actions
from leadcrm.accounts.models import Role, User
from leadcrm.eventlog.models import DomainEvent, EventDelivery
from tests.browser.conftest import SignIn
from tests.factories import NOON, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def ada(transactional_db: None) -> User:
    return UserFactory(name="Ada Admin", email="ada@example.com", role=Role.ADMIN)


def violations(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [f"{rule['id']}: {rule['nodes'][0]['html'][:120]}" for rule in found]


class TestTheKeyboard:
    def test_walks_rows_and_presses_the_page_s_buttons(self, ada: User, sign_in: SignIn) -> None:
        for name in ("First", "Second"):
            actions.create_api_key(name=name, scopes=["capture:write"])
        page = sign_in(ada, "/settings/api-keys/")
        rows = page.locator("tbody tr")

        page.keyboard.press("j")
        page.keyboard.press("j")

        expect(rows.nth(1)).to_have_attribute("data-cursor", "")
        page.keyboard.press("n")
        page.wait_for_url("**/settings/api-keys/new/")

    def test_is_quiet_while_typing_and_when_turned_off(self, ada: User, sign_in: SignIn) -> None:
        page = sign_in(ada, "/settings/people/")
        page.locator("#find-person").press_sequentially("n?")

        assert page.url.endswith(("/settings/people/", "?q=n%3F"))
        expect(page.locator("#keys-dialog")).to_be_hidden()
        ada.keyboard_shortcuts = False
        ada.save()
        page.goto("/settings/people/")
        page.keyboard.press("?")
        expect(page.locator("#keys-dialog")).to_be_hidden()

    def test_lists_its_keys_and_gives_focus_back(self, ada: User, sign_in: SignIn) -> None:
        page = sign_in(ada, "/settings/profile/")
        page.locator(".btn[data-v=primary]").focus()

        page.keyboard.press("?")
        expect(page.locator("#keys-dialog")).to_be_visible()
        page.keyboard.press("Escape")

        expect(page.locator(".btn[data-v=primary]")).to_be_focused()


class TestThePalette:
    @pytest.mark.parametrize("keys", ["/", "Control+k"])
    def test_goes_where_its_words_say(self, keys: str, ada: User, sign_in: SignIn) -> None:
        page = sign_in(ada, "/settings/api-keys/")

        page.keyboard.press(keys)
        page.locator("#palette input").press_sequentially("settin")
        page.keyboard.press("Enter")

        page.wait_for_url("**/settings/profile/")


class TestBulkSelection:
    def test_extends_with_shift_and_counts_into_a_toast(self, ada: User, sign_in: SignIn) -> None:
        for number in range(4):
            event = DomainEvent.objects.create(name="lead.captured", occurred_at=NOON)
            EventDelivery.objects.create(
                event=event, handler=f"handler{number}", state="dead", due_at=None
            )
        page = sign_in(ada, "/settings/events/")
        boxes = page.locator("[name=ids]")

        boxes.nth(0).click()
        boxes.nth(2).click(modifiers=["Shift"])

        assert page.locator("[name=ids]:checked").count() == 3
        assert page.locator("[data-all]").evaluate("box => box.indeterminate")
        page.locator("button[value=chosen]").click()
        expect(page.locator(".toast")).to_contain_text("3 deliveries queued again.")


class TestAMenu:
    def test_opens_under_its_button_and_signs_out(self, ada: User, sign_in: SignIn) -> None:
        page = sign_in(ada, "/settings/profile/")
        button = page.locator(".ws")

        button.click()

        menu, above = page.locator("#workspace-menu").bounding_box(), button.bounding_box()
        assert menu
        assert above
        assert menu["y"] >= above["y"] + above["height"]
        page.locator("#workspace-menu").get_by_text("Sign out").click()
        page.goto("/settings/profile/")
        expect(page).to_have_url(re.compile("/accounts/login/"))


class TestWithoutJavaScript:
    def test_a_person_signs_in_searches_and_signs_out(self, ada: User, sign_in: SignIn) -> None:
        page = sign_in(ada, "/settings/people/", java_script_enabled=False)

        page.locator("#find-person").fill("ada")
        page.locator("#find-person").press("Enter")

        page.wait_for_url("**q=ada")
        expect(page.locator("#people tbody tr")).to_have_count(1)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (1440, "dark"), (390, "light")])
class TestAccessibility:
    def options(self, width: int, scheme: str) -> dict[str, object]:
        size = {"width": width, "height": 844}
        # axe is put into the page as an inline script, which our policy would block.
        return {"viewport": size, "color_scheme": scheme, "bypass_csp": True}

    @pytest.mark.parametrize("path", ["/accounts/login/", "/accounts/password/reset/"])
    def test_of_the_door(self, path: str, width: int, scheme: str, sign_in: SignIn) -> None:
        page = sign_in(None, path, **self.options(width, scheme))

        assert violations(page) == []

    def test_of_the_settings(self, width: int, scheme: str, ada: User, sign_in: SignIn) -> None:
        actions.create_api_key(name="Site", scopes=["capture:write"], created_by=ada)
        actions.notify(ada, kind="lead", title="Priya is yours", dedupe_key="1")
        page = sign_in(ada, "/settings/profile/", **self.options(width, scheme))
        found = {}

        for name in ("profile", "people", "people/new", "api-keys", "events", "notifications"):
            page.goto(f"/settings/{name}/", wait_until="networkidle")
            found[name] = violations(page)
            too_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
            found[name] += ["wider than the window"] if too_wide else []

        assert {name: rules for name, rules in found.items() if rules} == {}
