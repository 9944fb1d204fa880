"""What counts against a capture: a score with reasons, never a dropped lead."""

import json
from typing import Any

import pytest
from django.test import Client, RequestFactory
from django.utils import timezone

from leadcrm.accounts.actions import create_api_key
from leadcrm.lib import pump, ratelimit
from leadcrm.lib.middleware import client_network
from leads import capture
from leads.capture import language, proof
from leads.models import Form, InboxItem, Inquiry, SpamPolicy, SpamRule
from tests.factories import make_form
from tests.leads.test_proof import solve


class TestLetters:
    @pytest.mark.parametrize("word", ["xKjQwZpTrLm", "bcdfghjklm", "QWrtPLkjHGfd"])
    def test_of_programs_are_noise(self, word: str) -> None:
        assert language.is_noise(word)

    @pytest.mark.parametrize(
        "word",
        ["Schwartzschild", "McDonaldson", "Krzysztof", "Nguyen", "O’Shaughnessy", "Szczepański",
         "Bhattacharya", "Wolfeschlegelstein", "山田太郎山田太郎", "AgileBits", "Strengthsfinder"],
    )  # fmt: skip
    def test_of_people_are_not(self, word: str) -> None:
        assert not language.is_noise(word)

    def test_have_a_script(self) -> None:
        assert language.script_of("Покупайте наши товары со скидкой") == "Cyrillic"
        assert language.script_of("How much is it for forty people?") == "Latin"
        assert language.script_of("山田") == ""


def arrive(
    form: Form, *, flags: tuple[str, ...] = (), at: Any = None, origin: str = "", **answers: str
) -> InboxItem:
    assert form.published is not None
    stored = capture.store(
        capture.Arrival(
            door=f"form:{form.pk}",
            body=json.dumps(answers).encode(),
            content_type="application/json",
            source_id=form.source_id,
            form_version_id=form.published.pk,
            headers={"Origin": origin} if origin else {},
            flags=list(flags),
        ),
        at=at or timezone.now(),
    )
    pump.run_all()
    return InboxItem.objects.get(pk=stored.item.pk)


@pytest.fixture
def form() -> Form:
    return make_form()


@pytest.mark.django_db
class TestQuarantine:
    @pytest.mark.parametrize(
        ("answers", "reason"),
        [
            ({"first_name": "xKjQwZpTrLm", "last_name": "QzWvBnTrKpL"}, "no word of any language"),
            ({"first_name": "http://a.example", "message": "[url=x]"}, "where a name should"),
            ({"message": "Buy quality backlinks and a guest post on our site. " * 2
              + "<a href=x>"}, "as in adverts"),
            ({"message": "Покупайте наши товары раuраl со скидкой: раuраl, viagra"},
             "Latin and Cyrillic letters mixed"),
        ],
        ids=["noise", "link-as-name", "phrase", "letters"],
    )  # fmt: skip
    def test_is_where_adverts_wait_with_their_reasons(
        self, form: Form, answers: dict[str, str], reason: str
    ) -> None:
        item = arrive(form, email="bob@x.example", **answers)

        assert item.state == "quarantined"
        assert reason in item.reason

    def test_is_not_for_customers_with_odd_names_and_other_alphabets(self, form: Form) -> None:
        names = ["Krzysztof Szczepański", "山田 太郎", "Nguyễn Văn A", "محمد علي"]
        for number, name in enumerate(names):
            message = f"Здравствуйте! Сколько это стоит для {number + 40} человек? " * (number % 2)
            item = arrive(form, email=f"p{number}@x.example", name=name, message=message)
            assert item.state == "applied", item.reason

    def test_is_not_for_a_throw_away_address_alone(self, form: Form) -> None:
        alone = arrive(form, email="a@mailinator.com")
        with_links = arrive(form, email="b@mailinator.com", message="www.a.nl www.b.nl www.c.nl")

        assert alone.state == "applied"
        assert with_links.state == "quarantined"
        assert "mailinator.com” gives out throw-away addresses" in with_links.reason

    def test_takes_what_many_addresses_send_alike(self, form: Form) -> None:
        message = "Dear sir, we can make your company known in {} days, please reply."
        states = [
            arrive(form, email=f"p{n}@x.example", message=message.format(n)).state
            for n in range(12)
        ]

        assert states[:10] == ["applied"] * 10
        assert states[-1] == "quarantined"

    def test_follows_the_workspace(self, form: Form) -> None:
        SpamPolicy.objects.create(pk=1, threshold=3)
        proof.forget_policy()

        item = arrive(form, email="a@mailinator.com")
        SpamPolicy.objects.update(judges_disposable=False)
        proof.forget_policy()
        other = arrive(form, email="b@mailinator.com")
        proof.forget_policy()

        assert (item.state, other.state) == ("quarantined", "applied")


@pytest.mark.django_db
class TestLists:
    def test_blocked_domains_are_quarantined_with_what_is_below_them(self, form: Form) -> None:
        SpamRule.objects.create(kind="block", value="rival.example")

        below = arrive(form, email="a@mail.rival.example")
        beside = arrive(form, email="a@notrival.example")

        assert below.reason == "“rival.example” is on the block list."
        assert beside.state == "applied"

    def test_allowed_addresses_are_let_through(self, form: Form) -> None:
        SpamRule.objects.create(kind="allow", value="bob@x.example")

        bob = arrive(form, email="Bob@X.example", lc_confirm="filled by his browser")
        charlie = arrive(form, email="charlie@x.example", lc_confirm="1")

        assert (bob.state, charlie.state) == ("applied", "quarantined")

    def test_but_not_past_the_limits(self, form: Form) -> None:
        SpamRule.objects.create(kind="allow", value="x.example")

        assert arrive(form, email="a@x.example", flags=("rate_address",)).state == "quarantined"


@pytest.mark.django_db
class TestTheSameAnswersWithinTenMinutes:
    def test_count_once_and_are_kept_twice(self, form: Form) -> None:
        first = arrive(form, email="alice@x.example", message="Hello")
        second = arrive(form, email="Alice@X.example ", message="Hello")
        third = arrive(form, email="alice@x.example", message="Hello")

        assert Inquiry.objects.count() == 1
        assert first.state == "applied"
        assert (third.state, third.reason_code) == ("rejected", "double_submit")
        assert str(first.receipt_id) in third.reason
        assert third.lead_id == first.lead_id
        assert second.state == "rejected"

    def test_in_other_words_count_twice(self, form: Form) -> None:
        arrive(form, email="alice@x.example", message="Hello")
        arrive(form, email="alice@x.example", message="And for fifty people?")

        assert Inquiry.objects.count() == 2

    def test_count_again_later_from_another_visit_to_a_page_of_ours(self, form: Form) -> None:
        earlier = timezone.now() - timezone.timedelta(minutes=11)
        arrive(form, email="alice@x.example", at=earlier, lc_nonce="one")
        arrive(form, email="alice@x.example", lc_nonce="two")

        assert Inquiry.objects.count() == 2

    def test_of_a_pasted_form_count_once_a_day(self, form: Form) -> None:
        now = timezone.now()
        arrive(form, email="alice@x.example", at=now - timezone.timedelta(hours=26))
        arrive(form, email="alice@x.example", at=now - timezone.timedelta(hours=23))
        arrive(form, email="bob@x.example", at=now - timezone.timedelta(hours=5))
        again = arrive(form, email="bob@x.example", at=now)

        assert Inquiry.objects.count() == 2
        assert again.state == "rejected"
        assert "came within a day" in again.reason

    def test_of_somebody_without_an_address_count_once(self, form: Form) -> None:
        for _ in range(2):
            arrive(form, phone="+4930123456")
            arrive(form, first_name="Charlie", message="Call me at the works")

        assert Inquiry.objects.count() == 2

    def test_of_two_people_count_twice(self, form: Form) -> None:
        arrive(form, phone="+4930123456")
        arrive(form, phone="+4930123457")

        assert Inquiry.objects.count() == 2


class TestTheNetworkThatLimitsCount:
    @pytest.mark.parametrize(
        ("address", "network"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8:1:2::7", "2001:db8:1:2::"),
            ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("unix:", "unix:"),
        ],
    )
    def test_is_an_address_or_all_that_one_subscriber_has(
        self, rf: RequestFactory, address: str, network: str
    ) -> None:
        assert client_network(rf.get("/", REMOTE_ADDR=address)) == network


@pytest.mark.django_db
class TestAStrangeSite:
    def test_speaks_against_a_post_where_the_form_names_its_sites(self, form: Form) -> None:
        Form.objects.update(allowed_origins=["https://marlow.example"])
        links = "http://a.example/1 http://a.example/2 http://a.example/3"
        ours, evil = "https://marlow.example", "https://evil.example"

        alone = arrive(form, email="alice@x.example", origin=evil)
        known = arrive(form, email="bob@x.example", message=links, origin=ours)
        both = arrive(form, email="charlie@x.example", message=links, origin=evil)

        assert (alone.state, known.state, both.state) == ("applied", "applied", "quarantined")
        assert f"{evil}, which is none of the sites of this form" in both.reason


@pytest.mark.django_db
class TestAQuarantinedDouble:
    def test_of_a_quarantined_one_count_once_after_its_release(self, form: Form) -> None:
        from leads.capture import reviewing

        first = arrive(form, email="bob@x.example", lc_confirm="1")
        second = arrive(form, email="bob@x.example", lc_confirm="1")

        reviewing.release(first.pk)

        first.refresh_from_db()
        assert (first.state, second.state) == ("applied", "rejected")
        assert Inquiry.objects.count() == 1


@pytest.mark.django_db
class TestProof:
    def sign(self, form: Form, mode: str, **answers: str) -> str:
        from leads.capture import processing, spam
        from leads.capture.mapping import person_of

        item = InboxItem(
            door=f"form:{form.pk}", content_type="application/json", received_at=timezone.now(),
            body=json.dumps({"email": "a@x.example", **answers}).encode(),
        )  # fmt: skip
        form.proof = mode
        version = form.published
        assert version is not None
        version.form = form
        submission = capture.read(item)
        place = processing.Place(form.source, version)
        case = processing._case(item, submission, place, person_of(submission.values, {}))
        return " ".join(sign.code for sign in spam.signs(case))

    def test_is_asked_for_only_where_the_form_says_so(self, form: Form) -> None:
        assert self.sign(form, "off") == ""
        assert self.sign(form, "suspicious") == ""
        assert self.sign(form, "always") == "proof_missing"

    def test_is_missed_where_something_else_is_odd(self, form: Form) -> None:
        odd = "www.a.nl www.b.nl www.c.nl"

        assert self.sign(form, "suspicious", message=odd) == "links proof_missing"

    def test_that_was_done_speaks_for_the_sender(self, form: Form) -> None:
        SpamPolicy.objects.create(pk=1, proof_effort=100)
        proof.forget_policy()
        done = solve(proof.challenge(form.slug))
        proof.forget_policy()

        assert self.sign(form, "always", lc_proof=done) == ""
        assert self.sign(form, "always", lc_proof="x") == "proof_forged"


class TestProgress:
    @pytest.mark.django_db
    def test_tells_how_far_a_capture_came(self, form: Form) -> None:
        applied = arrive(form, email="alice@x.example", first_name="Alice")
        waiting = arrive(form, message="Who am I?")

        steps = [step["step"] for step in applied.progress]
        assert steps == ["parsed", "matched", "applied"]
        assert applied.progress[0]["words"] == "2 answers to “Book a demo”, version 1"
        assert [step["step"] for step in waiting.progress] == ["parsed"]


@pytest.mark.django_db
class TestWithoutValkey:
    """Limits and used proofs are counted there; nothing waits for it, and nothing is lost."""

    @pytest.fixture(autouse=True)
    def away(self, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
        settings.REDIS_URL = "redis://127.0.0.1:1/0"
        monkeypatch.setattr(ratelimit, "_client", None)

    def test_captures_at_every_door_become_leads_and_say_that_nothing_was_counted(
        self, form: Form
    ) -> None:
        body = json.dumps({"fields": {"email": "bob@x.example"}})
        for publishable in (True, False):
            key = create_api_key(
                name="Key",
                scopes=["capture:write"],
                publishable=publishable,
                origins=["https://x.example"] if publishable else [],
            ).plain
            Client().post(
                "/api/v1/capture/",
                body,
                content_type="application/json",
                headers={"Authorization": f"Bearer {key}", "Origin": "https://x.example"},
            )
        Client().post("/f/book-a-demo/", {"email": "alice@x.example", "first_name": "Alice"})

        pump.run_all()

        items = list(InboxItem.objects.all())
        assert [item.state for item in items] == ["applied"] * 3
        assert {item.screened for item in items} == {False}

    def test_a_proof_of_work_is_believed(self, form: Form) -> None:
        SpamPolicy.objects.create(pk=1, proof_effort=100)
        proof.forget_policy()

        assert proof.verify(solve(proof.challenge("x")), form="x").is_valid
