"""What forms do beyond asking: conditions, steps, consent, confirmation, magnets, numbers."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
import time_machine
from django.conf import settings as django_settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from leadcrm.lib import pump
from leads import profiling
from leads.actions import suppress
from leads.models import (
    Activity,
    Asset,
    AssetGrant,
    Consent,
    CouponCode,
    Form,
    FormCount,
    FormVersion,
    InboxItem,
    Inquiry,
    Lead,
    Pipeline,
    Stage,
    Suppression,
    TransactionalMail,
)
from nurturing import tracking
from nurturing.models import Enrollment
from tests.conftest import Mailbox
from tests.factories import LeadFactory, TeamFactory, UserFactory, make_form, make_funnel
from tests.nurturing.factories import make_campaign, plan_mails

pytestmark = pytest.mark.django_db
FORM = "application/x-www-form-urlencoded"
PATH = "/f/book-a-demo/"
HIDDEN = re.compile(r'<input type="hidden" name="(lc_\w+)" value="([^"]*)"')
LINK = re.compile(r"https?://[^/\s]+(/f/(?:confirm|asset)/[^\s\"<]+)")
PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
EMAIL = {"key": "email", "label": "E-mail", "type": "email", "required": True, "maps_to": "email"}


class Visitor:
    """Somebody with a browser that keeps no cookies and runs no scripts."""

    def __init__(self, path: str = PATH, **headers: str) -> None:
        self.client = Client(
            raise_request_exception=False,
            enforce_csrf_checks=True,
            headers={"User-Agent": PERSON, **headers},
        )
        self.path = path
        self.hidden: dict[str, str] = {}

    def open(self, query: str = "") -> str:
        answer = self.client.get(self.path + query)
        page = answer.content.decode()
        self.hidden = dict(HIDDEN.findall(page.replace("&amp;", "&")))
        return page

    def send(self, *, after: float = 30, accept: str = "text/html", **answers: Any) -> Any:
        data = urlencode({**self.hidden, **answers}, doseq=True)
        with time_machine.travel(datetime.now(UTC) + timedelta(seconds=after)):
            answer = self.client.post(
                self.path, data, content_type=FORM, headers={"Accept": accept}
            )
            pump.run_all()
        return answer

    def follow(self, answer: Any) -> str:
        return self.client.get(answer.headers["Location"]).content.decode()


def fill_in(**answers: Any) -> tuple[Visitor, Any]:
    visitor = Visitor()
    visitor.open()
    return visitor, visitor.send(**answers)


def link_in(mailbox: Mailbox, number: int = -1) -> str:
    text = mailbox[number].get_body(("plain",)).get_content()
    found = LINK.search(text)
    assert found
    return found[1]


def settings(**values: Any) -> None:
    FormVersion.objects.update(settings=values)


class TestQuestionsThatWait:
    @pytest.fixture(autouse=True)
    def form(self) -> Form:
        when = {"field": "kind", "op": "is", "value": "Company"}
        name = {"key": "firm", "label": "Its name", "type": "text", "required": True, "when": when}
        kind = {
            "key": "kind",
            "label": "You are",
            "type": "radio",
            "options": ["Company", "Person"],
        }
        return make_form(fields=[EMAIL, kind, name | {"maps_to": "company_name"}])

    def test_are_not_missed_by_those_they_are_not_for(self) -> None:
        _, answer = fill_in(email="alice@x.example", kind="Person")

        assert answer.status_code == 303

    def test_are_required_of_those_they_are_for(self) -> None:
        _, answer = fill_in(email="alice@x.example", kind="Company")

        assert answer.status_code == 422
        assert "id_firm-error" in answer.content.decode()

    def test_tell_the_script_what_they_wait_for(self) -> None:
        page = Visitor().open()

        assert 'data-when="kind" data-op="is" data-value="Company"' in page


class TestKindsOfQuestions:
    def test_several_choices_become_tags(self) -> None:
        topics = {"key": "topics", "label": "Topics", "type": "checkboxes", "maps_to": "tag"}
        make_form(fields=[EMAIL, topics | {"options": ["Rotas", "Payroll", "Leave"]}])

        fill_in(email="alice@x.example", topics=["Rotas", "Leave"])

        lead, inquiry = Lead.objects.get(), Inquiry.objects.get()
        assert sorted(lead.tags.values_list("name", flat=True)) == ["Leave", "Rotas"]
        assert inquiry.fields["topics"] == ["Rotas", "Leave"]

    @pytest.mark.parametrize(
        ("kind", "wrong", "right"),
        [
            ("number", "many", "40"),
            ("date", "tomorrow", "2026-11-30"),
            ("url", "nowhere", "kestrel.example"),
        ],
    )
    def test_ask_again_for_what_cannot_be_meant(self, kind: str, wrong: str, right: str) -> None:
        make_form(fields=[EMAIL, {"key": "extra", "label": "Extra", "type": kind}])

        _, refused = fill_in(email="alice@x.example", extra=wrong)
        _, taken = fill_in(email="alice@x.example", extra=right)

        assert (refused.status_code, taken.status_code) == (422, 303)

    def test_a_hidden_one_is_filled_from_the_address_also_of_the_page_around(self) -> None:
        partner = {"key": "partner", "label": "Partner", "type": "hidden", "param": "ref"}
        make_form(fields=[EMAIL, partner | {"default": "none"}])

        own = Visitor().open("?ref=kestrel")
        framed = Visitor("/f/book-a-demo/frame/").open("?lc_page=https%3A//x.example/%3Fref%3Dbob")

        assert 'name="partner" value="kestrel"' in own
        assert 'name="partner" value="bob"' in framed

    def test_steps_stand_on_one_page_without_a_script_and_are_sent_at_once(self) -> None:
        step = {"key": "next", "label": "About you", "type": "page"}
        name = {"key": "name", "label": "Name", "type": "text", "maps_to": "name"}
        make_form(fields=[EMAIL, step, name])

        page = Visitor().open()
        fill_in(email="alice@x.example", name="Alice Archer")

        assert page.count("data-step>") + page.count("data-step ") == 2
        assert 'aria-label="About you"' in page
        assert Lead.objects.get().name == "Alice Archer"

    def test_a_box_of_consent_keeps_its_words_and_purpose(self) -> None:
        box = {"key": "calls", "label": "You may call me.", "type": "consent", "purpose": "phone"}
        make_form(fields=[EMAIL, box])

        fill_in(email="alice@x.example", calls="on")

        receipt = Consent.objects.get()
        assert (receipt.purpose, receipt.wording) == ("phone", "You may call me.")


class TestSending:
    def test_answers_keep_the_version_that_the_visitor_saw(self) -> None:
        form = make_form()
        alice = Visitor()
        alice.open()
        phone = {"key": "phone", "label": "Phone", "type": "tel", "required": True}
        newer = FormVersion.objects.create(form=form, number=2, title="New", fields=[EMAIL, phone])
        Form.objects.update(published=newer)

        answer = alice.send(email="alice@x.example")

        assert answer.status_code == 303
        assert Inquiry.objects.get().form_version.number == 1

    def test_the_thanks_use_the_name_that_was_typed(self) -> None:
        make_form(thank_you="Thank you, {first_name|friend}. {other}")

        alice, answer = fill_in(first_name="<b>Alice", email="alice@x.example")
        bob, unnamed = fill_in(email="bob@x.example")

        assert "Thank you, &lt;b&gt;Alice. {other}" in alice.follow(answer)
        assert "Thank you, friend." in bob.follow(unnamed)

    def test_a_script_of_an_allowed_site_gets_json_and_may_read_it(self) -> None:
        make_form()
        Form.objects.update(allowed_origins=["https://marlow.example"])
        script = Visitor(Origin="https://marlow.example")
        stranger = Visitor(Origin="https://evil.example")

        refused = script.send(accept="application/json", first_name="Alice")
        taken = script.send(accept="application/json", email="alice@x.example")
        other = stranger.send(accept="application/json", email="bob@x.example")

        assert refused.json()["errors"][0]["field"] == "email"
        assert taken.status_code == 202
        assert taken.headers["Access-Control-Allow-Origin"] == "https://marlow.example"
        assert "Access-Control-Allow-Origin" not in other.headers

    def test_a_plain_form_may_send_its_visitor_on_to_an_allowed_site_only(self) -> None:
        make_form()
        Form.objects.update(allowed_origins=["https://marlow.example"])

        there = Visitor().send(email="a@x.example", lc_redirect="https://marlow.example/thanks")
        stays = Visitor().send(email="b@x.example", lc_redirect="https://evil.example/")

        assert there.headers["Location"] == "https://marlow.example/thanks"
        assert stays.headers["Location"].startswith(PATH)

    def test_opens_and_closes_at_its_dates(self) -> None:
        make_form()
        now = timezone.now()
        Form.objects.update(opens_at=now + timedelta(days=1), closes_at=now + timedelta(days=2))

        early = Visitor().client.get(PATH)
        with time_machine.travel(now + timedelta(days=1, hours=1)):
            open_ = Visitor().client.get(PATH)
        with time_machine.travel(now + timedelta(days=3)):
            late = Visitor().client.get(PATH)

        assert (early.status_code, open_.status_code, late.status_code) == (410, 200, 410)
        assert "not open yet" in early.content.decode()

    def test_a_kiosk_starts_afresh_and_knows_no_visitor(self) -> None:
        make_form()
        Form.objects.update(is_kiosk=True)

        alice, answer = fill_in(email="alice@x.example")

        assert 'http-equiv="refresh"' in alice.follow(answer)
        assert "lc_visitor" not in alice.hidden


class TestWishes:
    def test_begin_at_a_stage_with_an_owner_tags_and_a_word_to_colleagues(self) -> None:
        make_funnel()
        make_form()
        alice = UserFactory(name="Alice Archer", team=TeamFactory())
        charlie = UserFactory(role="marketer")
        wishes = {"stage": "mql", "owner": f"user:{alice.pk}", "tags": ["Fair"]}
        Form.objects.update(wishes=wishes | {"notify": [charlie.pk]})

        fill_in(email="bob@x.example")

        lead = Lead.objects.get()
        assert (lead.stage.key, lead.owner) == ("mql", alice)
        assert lead.tags.get().name == "Fair"
        assert charlie.notifications.filter(kind="capture").count() == 1

    def test_begin_in_the_pipeline_that_the_form_names(self) -> None:
        here = make_funnel()["mql"]
        partners = Pipeline.objects.create(key="partners", name="Partners", position=1)
        for position, (key, name) in enumerate({"intro": "Intro", "mql": "Qualified"}.items()):
            Stage.objects.create(
                pipeline=partners,
                key=key,
                name=name,
                short_name=name,
                position=position,
                type=here.type,
            )
        make_form()
        Form.objects.update(wishes={"stage": "mql", "pipeline": "partners"})

        fill_in(email="bob@x.example")

        stage = Lead.objects.select_related("stage__pipeline").get().stage
        assert (stage.pipeline.key, stage.name) == ("partners", "Qualified")

    def test_leave_alone_whoever_has_the_lead_already(self) -> None:
        make_funnel()
        make_form()
        bob = UserFactory(name="Bob Baker")
        LeadFactory(email="priya@x.example", owner=bob)
        Form.objects.update(wishes={"owner": f"user:{UserFactory().pk}", "stage": "no-such"})

        fill_in(email="priya@x.example")

        assert Lead.objects.get().owner == bob

    def test_enter_the_drip_campaign_that_the_form_names(self) -> None:
        make_form()
        campaign = make_campaign("welcome", trigger={"on": "manual"})
        Form.objects.update(wishes={"drip": campaign.key})

        fill_in(email="bob@x.example")

        assert Enrollment.objects.get().campaign == campaign

    def test_enter_it_once_consent_is_confirmed(self, mailbox: Mailbox) -> None:
        make_form()
        settings(confirm="consent")
        campaign = make_campaign("welcome", trigger={"on": "manual"})
        Form.objects.update(wishes={"drip": campaign.key})
        fill_in(email="bob@x.example", lc_consent="on")
        before = Enrollment.objects.count()

        Visitor(link_in(mailbox)).send()

        assert (before, Enrollment.objects.count()) == (0, 1)


class TestConfirmingTheAddress:
    def test_nothing_is_allowed_before_the_button_is_pressed(self, mailbox: Mailbox) -> None:
        make_form()
        settings(confirm="consent")
        _, answer = fill_in(email="alice@x.example", lc_consent="on")
        link = link_in(mailbox)

        shown = Visitor(link).open()  # as a scanner does
        before = Consent.objects.count()
        Visitor(link).send()

        receipt = Consent.objects.get()
        assert answer.status_code == 303
        assert "Yes, confirm" in shown
        assert before == 0
        assert Lead.objects.count() == 1
        assert receipt.wording == "Yes, send me tips on shift planning by e-mail."
        assert receipt.source == "form:book-a-demo v1, confirmed"

    def test_a_lead_comes_into_being_only_then_where_the_form_says_so(
        self, mailbox: Mailbox
    ) -> None:
        make_form()
        settings(confirm="lead")
        alice, answer = fill_in(email="alice@x.example", lc_consent="on")
        item = InboxItem.objects.get()
        waiting = (item.state, item.reason_code, Lead.objects.count())
        thanks = alice.follow(answer)

        page = Visitor(link_in(mailbox)).send().content.decode()
        Visitor(link_in(mailbox)).send()

        assert "One more step" in thanks
        assert waiting == ("rejected", "unconfirmed", 0)
        assert "that is confirmed" in page
        assert Inquiry.objects.count() == Lead.objects.count() == 1
        assert Consent.objects.get().granted

    def test_a_link_ends_and_a_new_one_can_be_had(self, mailbox: Mailbox) -> None:
        make_form()
        settings(confirm="lead", confirm_days=2)
        fill_in(email="alice@x.example")
        link = link_in(mailbox)

        with time_machine.travel(timezone.now() + timedelta(days=3)):
            late = Visitor(link).send(after=0)
            Visitor(f"{link}again/").send(after=0)
            again = Visitor(link_in(mailbox)).send(after=0)

        assert late.status_code == 410
        assert len(mailbox) == 2
        assert again.status_code == 200
        assert Lead.objects.count() == 1

    def test_who_has_just_sent_it_can_ask_for_the_mail_again_but_not_confirm(
        self, mailbox: Mailbox
    ) -> None:
        make_form()
        settings(confirm="lead")
        alice, answer = fill_in(email="alice@x.example")
        page = alice.follow(answer)
        again = re.search(r'action="(/f/confirm/[^"]+again/)"', page)
        assert again

        for _ in range(6):
            last = Visitor(again[1]).send(after=0)
        confirmed = Visitor(again[1].removesuffix("again/")).send()

        assert len(mailbox) == 5
        assert last.status_code == 429
        assert confirmed.status_code == 404

    def test_whoever_allowed_mail_before_is_not_asked(self, mailbox: Mailbox) -> None:
        make_form()
        fill_in(email="alice@x.example", lc_consent="on")
        settings(confirm="lead")

        fill_in(email="alice@x.example", message="Again")

        assert Inquiry.objects.count() == 2
        assert len(mailbox) == 0

    def test_undoes_an_unsubscription_but_no_complaint(self, mailbox: Mailbox) -> None:
        make_form()
        settings(confirm="consent")
        suppress("alice@x.example", reason="unsubscribed", at=timezone.now())
        suppress("bob@x.example", reason="complained", at=timezone.now())

        for address in ("alice@x.example", "bob@x.example"):
            fill_in(email=address, lc_consent="on")
            Visitor(link_in(mailbox)).send()

        left = Suppression.objects.filter(released_at=None)
        assert list(left.values_list("reason", flat=True)) == ["complained"]

    def test_a_forged_link_is_no_link(self) -> None:
        assert Visitor("/f/confirm/1.aaaaaaaaaaaaaaaaaaaa/").send().status_code == 404

    def test_a_mail_in_doubt_is_not_sent_twice(self, mailbox: Mailbox) -> None:
        make_form()
        settings(confirm="lead")
        fill_in(email="alice@x.example")
        TransactionalMail.objects.update(state="handed_off", due_at=timezone.now())

        pump.run_all()

        assert TransactionalMail.objects.get().state == "unknown"
        assert len(mailbox) == 1


class TestSomethingInReturn:
    @pytest.fixture
    def guide(self, settings: Any, tmp_path: Any) -> Asset:
        settings.MEDIA_ROOT = tmp_path
        client = Client()
        client.force_login(UserFactory(role="marketer"))
        file = SimpleUploadedFile("../Guide é.pdf", b"%PDF-1.7 guide", "text/html")
        data = {"name": "The guide", "kind": "file", "valid_days": "7", "upload": file}
        answer = client.post("/forms/assets/new/", data)
        assert answer.status_code == 302
        return Asset.objects.get()

    def test_a_file_comes_with_the_thanks_and_by_mail_and_is_counted(
        self, guide: Asset, mailbox: Mailbox
    ) -> None:
        make_form()
        settings(asset=guide.pk)
        alice, answer = fill_in(first_name="Alice", email="alice@x.example")
        thanks = alice.follow(answer)
        link = link_in(mailbox)

        opened = Visitor(link).open()
        untouched = AssetGrant.objects.get().downloads
        file = Visitor(link).send()

        activity = Activity.objects.get(type="asset_download")
        assert "Download The guide" in thanks
        assert "Download" in opened
        assert untouched == 0
        assert b"".join(file.streaming_content) == b"%PDF-1.7 guide"
        assert file.headers["Content-Disposition"].startswith("attachment")
        assert file.headers["X-Content-Type-Options"] == "nosniff"
        assert file.headers["Content-Type"] == "application/pdf"
        assert AssetGrant.objects.get().downloads == 1
        assert activity.properties["asset"] == "The guide"

    def test_its_link_ends(self, guide: Asset, mailbox: Mailbox) -> None:
        make_form()
        settings(asset=guide.pk)
        fill_in(email="alice@x.example")

        with time_machine.travel(timezone.now() + timedelta(days=8)):
            answer = Visitor(link_in(mailbox)).send(after=0)

        assert answer.status_code == 410
        assert AssetGrant.objects.get().downloads == 0

    def test_each_gets_a_code_of_the_list_until_it_runs_out(self, mailbox: Mailbox) -> None:
        make_form()
        coupon = Asset.objects.create(name="10 % off", kind="coupon")
        CouponCode.objects.bulk_create([CouponCode(asset=coupon, code=c) for c in ("ONE", "TWO")])
        settings(asset=coupon.pk)

        pages = []
        for name in ("alice", "bob", "charlie"):
            visitor, answer = fill_in(email=f"{name}@x.example")
            pages.append(visitor.follow(answer))

        assert ["ONE" in pages[0], "TWO" in pages[1], "Your code" in pages[2]] == [
            True,
            True,
            False,
        ]
        assert len(mailbox) == 2

    def test_spam_gets_nothing(self, guide: Asset, mailbox: Mailbox) -> None:
        make_form()
        settings(asset=guide.pk)

        fill_in(email="bot@x.example", lc_confirm="x")

        assert not AssetGrant.objects.exists()
        assert len(mailbox) == 0

    @pytest.mark.parametrize("name", ["page.html", "run.exe", "x.svg", "noname"])
    def test_only_plain_kinds_of_files_are_taken(self, client: Client, name: str) -> None:
        client.force_login(UserFactory(role="marketer"))
        data = {"name": "X", "kind": "file", "valid_days": "7"}

        answer = client.post(
            "/forms/assets/new/", data | {"upload": SimpleUploadedFile(name, b"x")}
        )

        assert answer.status_code == 422
        assert not Asset.objects.exists()


class TestAskingOnlyWhatIsNotKnown:
    @pytest.fixture
    def priya(self) -> Lead:
        skip = {"skip_known": True}
        make_form(
            fields=[
                EMAIL | skip,
                {"key": "job", "label": "Your role", "maps_to": "job_title"} | skip,
                {"key": "city", "label": "Your city", "maps_to": "city"} | skip,
            ]
        )
        return LeadFactory(email="priya@x.example", job_title="Planner")

    def test_skips_what_a_link_knows_and_shows_none_of_it(self, priya: Lead) -> None:
        visitor = Visitor()
        token = profiling.token_for(priya, at=timezone.now())

        page = visitor.open(f"?lc_known={token}")
        answer = visitor.send(city="Antwerp")

        priya.refresh_from_db()
        assert 'name="email"' not in page
        assert token not in Inquiry.objects.get().context["page_url"]
        assert "Planner" not in page
        assert "priya@x.example" not in page
        assert answer.status_code == 303
        assert (priya.city, Lead.objects.count()) == ("Antwerp", 1)

    def test_a_link_in_a_mail_knows_who_follows_it(self, priya: Lead, mailbox: Mailbox) -> None:
        form = f"{django_settings.SITE_URL}/f/book-a-demo/"
        links = tracking.ensure_links([form])
        [send] = plan_mails(make_campaign("guide"), priya)
        click = tracking.click_url(send.public_id, links[form])

        answer = Client().get("/e/c/" + click.rpartition("/e/c/")[2])

        where = answer.headers["Location"]
        assert where.startswith(f"{form}?lc_known={priya.public_id}-")
        assert 'name="email"' not in Visitor().open(where.removeprefix(form))

    def test_another_address_is_another_person(self, priya: Lead) -> None:
        visitor = Visitor()
        visitor.open(f"?lc_known={profiling.token_for(priya, at=timezone.now())}")

        visitor.send(city="Antwerp", email="bob@x.example")

        priya.refresh_from_db()
        assert priya.city == ""
        assert Lead.objects.filter(email="bob@x.example", city="Antwerp").exists()

    def test_a_link_that_ended_or_was_forged_knows_nobody(self, priya: Lead) -> None:
        old = profiling.token_for(priya, at=timezone.now() - timedelta(days=90))

        for token in (old, f"{priya.public_id}-9999999999.aaaaaaaaaaaaaaaaaaaa"):
            assert 'name="email"' in Visitor().open(f"?lc_known={token}")

    def test_asks_no_more_than_so_many_at_once(self, priya: Lead) -> None:
        settings(max_asked=2)

        page = Visitor().open()

        assert 'name="job"' in page
        assert 'name="city"' not in page


class TestNumbers:
    def count(self, visitor: Visitor, *events: list[str]) -> int:
        body = json.dumps({"at": visitor.hidden["lc_at"], "events": events})
        path = f"{PATH}count/"
        return visitor.client.post(path, body, content_type="text/plain").status_code

    def test_count_views_starts_fields_and_sent_without_a_row_for_each(self) -> None:
        make_form()
        for name in ("alice", "bob"):
            visitor = Visitor()
            visitor.open()
            self.count(visitor, ["view"], ["start"], ["filled", "email"], ["left", "company"])
            visitor.send(email=f"{name}@x.example")

        counts = {(c.what, c.field): c.number for c in FormCount.objects.all()}
        assert counts == {
            ("view", ""): 2,
            ("start", ""): 2,
            ("filled", "email"): 2,
            ("left", "company"): 2,
            ("submit", ""): 2,
        }

    @pytest.mark.parametrize(
        "headers", [{"User-Agent": "Googlebot/2.1"}, {"Sec-GPC": "1"}, {"User-Agent": ""}]
    )
    def test_leave_out_programs_and_who_wants_privacy(self, headers: dict[str, str]) -> None:
        make_form()
        visitor = Visitor(**headers)
        visitor.open()

        assert self.count(visitor, ["view"]) == 204
        assert not FormCount.objects.exists()

    @pytest.mark.parametrize(
        "body",
        [b"", b"{", b"[]", b'{"at": 1}', b'{"at": "x", "events": [["view"]]}', b"[" * 3000],
    )
    def test_are_not_moved_by_nonsense(self, body: bytes) -> None:
        make_form()

        answer = Visitor().client.post(f"{PATH}count/", body, content_type="text/plain")

        assert answer.status_code == 204
        assert not FormCount.objects.exists()

    def test_stand_on_the_forms_page(self, client: Client) -> None:
        make_form()
        settings(confirm="consent")
        client.force_login(UserFactory(role="marketer"))
        visitor = Visitor()
        visitor.open()
        self.count(visitor, ["view"], ["start"], ["filled", "email"])
        visitor.send(email="alice@x.example", lc_consent="on")

        page = client.get("/forms/book-a-demo/")

        stats = page.context["stats"]
        assert page.context["confirmations"] == (1, 0)
        assert (stats.views, stats.starts, stats.rate) == (1, 1, 1.0)
        assert [f.filled for f in stats.fields if f.label == "Work e-mail"] == [1]
