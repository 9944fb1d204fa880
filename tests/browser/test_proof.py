"""Proof of work as a visitor's browser does it, unseen."""

import pytest

from leadcrm.lib.recent import forget_all
from leads import capture
from leads.capture import proof
from leads.models import Form, InboxItem, SpamPolicy
from tests.browser.conftest import SignIn
from tests.factories import make_form

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


class TestABrowser:
    def test_does_the_work_while_a_form_is_filled_in(self, sign_in: SignIn) -> None:
        SpamPolicy.objects.create(pk=1, proof_effort=2000)
        make_form()
        Form.objects.update(proof="always")
        forget_all()
        page = sign_in(None, "/f/book-a-demo/")

        page.locator('input[name="first_name"]').fill("Alice")
        page.locator('input[name="email"]').fill("alice@x.example")
        page.locator("form button").last.click()
        page.wait_for_url("**sent=**")

        item = InboxItem.objects.get()
        done = capture.read(item).proof
        assert proof.verify(done, form="book-a-demo", user=str(item.receipt_id)).is_valid
