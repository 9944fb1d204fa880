"""The hosted form as strangers meet it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.test import Client

from leadcrm.lib import pump
from leads.models import Consent, Form, FormVersion, InboxItem, Inquiry, Lead, Touch
from tests.factories import make_form
from tests.leads.clock import next_minute

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
HIDDEN = re.compile(r'<input type="hidden" name="(lc_\w+)" value="([^"]*)"')


class Visitor:
    """Somebody with a browser that keeps no cookies and runs no scripts."""

    def __init__(self, path: str = "/f/book-a-demo/") -> None:
        self.client = Client(raise_request_exception=False, enforce_csrf_checks=True)
        self.path = path
        self.hidden: dict[str, str] = {}

    def open(self, query: str = "", **headers: str) -> Any:
        return self._read(self.client.get(self.path + query, headers=headers))

    def send(self, *, after: float = 30, **answers: str) -> Any:
        """Post what the page held and the answers, some seconds after it was opened."""
        data = urlencode({**self.hidden, **answers})
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=after)):
            answer = self._read(self.client.post(self.path, data, content_type=FORM))
            pump.run_all()
        return answer

    def _read(self, answer: Any) -> Any:
        if answer.status_code != 303:
            self.hidden = dict(HIDDEN.findall(answer.content.decode().replace("&amp;", "&")))
        return answer


@pytest.fixture
def form() -> Form:
    return make_form()


class TestHostedForm:
    def test_sending_it_makes_a_lead_and_thanks(self, form: Form) -> None:
        alice = Visitor()
        alice.open("?utm_source=newsletter&utm_campaign=june", Referer="https://www.bing.com/x?q=1")

        answer = alice.send(
            first_name="Alice", email="Alice@kestrel.example", message="A demo, please", extra="42"
        )
        thanks = alice.client.get(answer.headers["Location"])

        lead, inquiry, touch = Lead.objects.get(), Inquiry.objects.get(), Touch.objects.get()
        assert answer.status_code == 303
        assert "Thank you" in thanks.content.decode()
        assert (lead.first_name, lead.email) == ("Alice", "Alice@kestrel.example")
        assert (inquiry.message, inquiry.fields["extra"]) == ("A demo, please", "42")
        assert inquiry.form_version == form.published
        assert (touch.utm_campaign, touch.referrer) == ("june", "https://www.bing.com/x")
        assert not any(name.startswith("lc_") for name in inquiry.fields)

    def test_a_link_may_fill_in_answers_but_tick_nothing(self, form: Form) -> None:
        page = Visitor().open("?email=a%22%3E@x.example&lc_consent=on").content.decode()

        assert 'value="a&quot;&gt;@x.example"' in page
        assert "checked" not in page

    def test_sets_no_cookie(self, form: Form) -> None:
        alice = Visitor()

        alice.open()
        alice.send(email="alice@x.example")

        assert not alice.client.cookies

    def test_a_double_click_is_one_inquiry(self, form: Form) -> None:
        alice = Visitor()
        alice.open()

        first = alice.send(email="alice@x.example")
        second = alice.send(email="alice@x.example")

        assert first.status_code == second.status_code == 303
        assert Inquiry.objects.count() == InboxItem.objects.count() == 1

    def test_the_ticked_box_is_kept_with_the_words_the_visitor_saw(self, form: Form) -> None:
        alice = Visitor()
        alice.open()
        newer = FormVersion.objects.create(form=form, number=2, title="New", consent_text="Other")
        Form.objects.update(published=newer)

        alice.send(email="alice@x.example", lc_consent="on")

        receipt = Consent.objects.get()
        assert receipt.wording == "Yes, send me tips on shift planning by e-mail."
        assert receipt.source == "form:book-a-demo v1"

    def test_an_empty_box_says_nothing(self, form: Form) -> None:
        alice = Visitor()
        alice.open()

        alice.send(email="alice@x.example")

        assert not Consent.objects.exists()

    def test_a_plain_html_form_of_another_site_may_post(self, form: Form) -> None:
        answer = Visitor().send(**{"your-name": "Bob Lee", "e-mail": "x", "email": "b@x.example"})

        assert answer.status_code == 303
        assert Lead.objects.get().name == "Bob Lee"

    def test_goes_on_to_the_page_the_form_names(self, form: Form) -> None:
        FormVersion.objects.update(redirect_url="https://marlow.example/thanks")
        alice = Visitor()

        page = alice.open()
        answer = alice.send(email="alice@x.example")

        assert answer.headers["Location"] == "https://marlow.example/thanks"
        assert (
            "form-action 'self' https://marlow.example" in page.headers["Content-Security-Policy"]
        )

    def test_an_unknown_form_does_not_exist(self) -> None:
        assert Visitor("/f/nowhere/").open().status_code == 404
        assert Visitor("/f/nowhere/").send(email="a@x.example").status_code == 404

    def test_a_closed_form_says_so_and_keeps_what_comes(self, form: Form) -> None:
        Form.objects.update(published=None)
        alice = Visitor()

        page = alice.open()
        answer = alice.send(email="alice@x.example")

        assert page.status_code == 410
        assert answer.status_code == 303
        assert InboxItem.objects.get().reason_code == "form_unpublished"

    def test_works_framed_only_on_the_sites_it_allows(self, form: Form) -> None:
        Form.objects.update(allowed_origins=["https://marlow.example"])

        framed = Visitor("/f/book-a-demo/frame/").open()
        alone = Visitor().open()

        policy = framed.headers["Content-Security-Policy"]
        assert "frame-ancestors 'self' https://marlow.example" in policy
        assert "X-Frame-Options" not in framed.headers
        assert "frame-ancestors 'none'" in alone.headers["Content-Security-Policy"]

    def test_gives_a_script_that_embeds_it(self, form: Form) -> None:
        script = Visitor("/f/book-a-demo/embed.js").open()

        assert script.headers["Content-Type"].startswith("text/javascript")
        assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert "/f/book-a-demo/frame/" in script.content.decode()


class TestMissingAnswers:
    def test_are_asked_for_beside_the_field_with_the_rest_still_there(self, form: Form) -> None:
        alice = Visitor()
        alice.open()

        answer = alice.send(first_name="Alice", message="Hello <b>")

        page = answer.content.decode()
        assert answer.status_code == 422
        assert 'value="Alice"' in page
        assert "Hello &lt;b&gt;" in page
        assert 'aria-invalid="true"' in page
        assert "id_email-error" in page

    def test_the_first_try_is_kept_until_the_second_comes(self, form: Form) -> None:
        alice = Visitor()
        alice.open()

        alice.send(first_name="Alice", email="alice@kestrel")
        first = InboxItem.objects.get()
        page_was_kept = (first.state, "Add the part after" in first.reason)
        answer = alice.send(first_name="Alice", email="alice@kestrel.example", after=31)

        first.refresh_from_db()
        assert page_was_kept == ("needs_review", True)
        assert answer.status_code == 303
        assert (first.state, first.reason_code) == ("rejected", "corrected")
        assert Lead.objects.get().email == "alice@kestrel.example"

    def test_the_quick_second_try_is_not_taken_for_a_program(self, form: Form) -> None:
        alice = Visitor()
        alice.open()
        alice.send(first_name="Alice")

        alice.send(first_name="Alice", email="alice@x.example", after=30.5)

        assert InboxItem.objects.order_by("pk").last().state == "applied"


class TestSpam:
    def test_what_fills_in_the_trap_is_quarantined_but_thanked(self, form: Form) -> None:
        bot = Visitor()
        bot.open()

        answer = bot.send(email="bot@x.example", lc_confirm="yes")

        item = InboxItem.objects.get()
        assert answer.status_code == 303
        assert (item.state, item.reason_code) == ("quarantined", "honeypot")
        assert "trap" in item.reason
        assert not Lead.objects.exists()

    def test_what_is_sent_within_two_seconds_is_quarantined(self, form: Form) -> None:
        bot = Visitor()
        bot.open()

        bot.send(email="bot@x.example", after=0.4)

        item = InboxItem.objects.get()
        assert (item.state, item.reason_code) == ("quarantined", "too_fast")
        assert "people need longer" in item.reason

    def test_a_page_left_open_over_night_is_no_crime(self, form: Form) -> None:
        alice = Visitor()
        alice.open()

        alice.send(email="alice@x.example", after=30 * 3600)

        assert InboxItem.objects.get().state == "applied"

    def test_many_links_are_quarantined(self, form: Form) -> None:
        bot = Visitor()
        bot.open()

        bot.send(email="bot@x.example", message="http://spam.example " * 6)

        assert InboxItem.objects.get().reason == "6 links in the answers."

    @time_machine.travel(next_minute)
    def test_the_sixth_post_with_one_address_in_ten_minutes_is_quarantined(
        self, form: Form
    ) -> None:
        for number in range(6):
            bot = Visitor()
            bot.open()
            bot.send(email="bot@x.example", message=str(number))

        states = list(InboxItem.objects.order_by("pk").values_list("state", flat=True))
        assert states == ["applied"] * 5 + ["quarantined"]

    @time_machine.travel(next_minute)
    def test_the_twenty_first_post_of_a_minute_is_quarantined(self, form: Form) -> None:
        for number in range(21):
            Visitor().send(email=f"bot{number}@x.example", after=0)

        assert InboxItem.objects.filter(state="quarantined").count() == 1
        assert InboxItem.objects.filter(state="applied").count() == 20
