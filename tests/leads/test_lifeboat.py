"""The database is away: what strangers send is kept in files, and becomes leads later, once."""

import json
import os
import stat
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.actions import create_api_key, revoke_api_key
from leadcrm.embedded.state import free_port
from leadcrm.lib import pump
from leads import arrivals, capture
from leads.capture import lifeboat
from leads.models import Form, InboxItem, Inquiry, Lead
from tests.factories import UserFactory, make_form

pytestmark = pytest.mark.django_db(transaction=True)
CAPTURE, FORM = "/api/v1/capture/", "/f/book-a-demo/"
URLENCODED = "application/x-www-form-urlencoded"


@pytest.fixture(autouse=True)
def spool(settings: Any, tmp_path: Path) -> Iterator[Path]:
    settings.SPOOL_DIR = tmp_path / "spool"
    lifeboat._count.forget()
    yield settings.SPOOL_DIR
    lifeboat._count.forget()
    arrivals.SHORE.__init__()  # type: ignore[misc]


@pytest.fixture
def form() -> Form:
    return make_form()


@contextmanager
def database_away() -> Iterator[None]:
    """Nobody listens where PostgreSQL was."""
    settings_dict, port = connection.settings_dict, connection.settings_dict["PORT"]
    connection.close()
    settings_dict["PORT"] = str(free_port(None))
    try:
        yield
    finally:
        connection.close()
        settings_dict["PORT"] = port
        arrivals.SHORE.__init__()  # type: ignore[misc]


def post_form(client: Client, email: str = "alice@x.example", **more: str) -> Any:
    body = "&".join(f"{k}={v}" for k, v in {"email": email, **more}.items())
    return client.generic("POST", FORM, body.encode(), URLENCODED)


def post_api(client: Client, key: str, email: str = "bob@x.example", **headers: str) -> Any:
    return client.post(
        CAPTURE,
        json.dumps({"fields": {"email": email}}),
        content_type="application/json",
        headers={"Authorization": f"Bearer {key}", **headers},
    )


def saved(spool: Path) -> list[Path]:
    return sorted((spool / "new").glob("*.json"))


class TestAForm:
    def test_thanks_with_a_receipt_that_becomes_a_lead(self, form: Form, spool: Path) -> None:
        with database_away():
            answer = post_form(Client(), first_name="Alice")
        (file,) = saved(spool)

        pump.run_all()

        item = InboxItem.objects.get()
        assert answer.status_code == 202
        assert str(item.receipt_id) in answer.content.decode()
        assert (item.state, item.door, item.screened) == ("applied", f"form:{form.pk}", False)
        assert Lead.objects.get().email == "alice@x.example"
        assert not file.exists()

    def test_cannot_be_shown_but_says_when_to_come_again(self, form: Form) -> None:
        with database_away():
            page = Client().get(FORM)
            counted = Client(headers={"User-Agent": "Mozilla/5.0"}).post(
                f"{FORM}count/", "{}", content_type="text/plain"
            )

        assert (page.status_code, page["Retry-After"]) == (503, "30")
        assert "back in a moment" in page.content.decode()
        assert counted.status_code == 204

    def test_that_is_in_nobody_elses_reach(self, form: Form, spool: Path) -> None:
        with database_away():
            post_form(Client())

        (file,) = saved(spool)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700

    def test_sent_twice_counts_once_and_both_receipts_hold(self, form: Form) -> None:
        with database_away():
            answers = [post_form(Client(), lc_nonce="n1") for _ in range(2)]

        pump.run_all()

        assert Inquiry.objects.count() == 1
        receipts = {str(item.receipt_id) for item in InboxItem.objects.all()}
        assert all(any(r in a.content.decode() for r in receipts) for a in answers)
        assert sorted(item.state for item in InboxItem.objects.all()) == ["applied", "rejected"]

    def test_that_never_was_waits_for_a_person(self, form: Form) -> None:
        with database_away():
            answer = Client().generic("POST", "/f/gone/", b"email=a%40x.example", URLENCODED)

        pump.run_all()

        assert answer.status_code == 202
        item = InboxItem.objects.get()
        assert (item.state, item.reason) == (
            "needs_review",
            "There was no form “gone” when the database was back.",
        )

    def test_that_is_too_large_is_refused_as_ever(self, form: Form) -> None:
        with database_away():
            answer = post_form(Client(), message="x" * 6_000_000)

        assert answer.status_code == 413


class TestTheApi:
    @pytest.fixture
    def key(self) -> str:
        return create_api_key(name="Server", scopes=["capture:write"]).plain

    def test_answers_with_a_receipt_that_becomes_a_lead(self, key: str) -> None:
        with database_away():
            answer = post_api(Client(), key)

        pump.run_all()

        item = InboxItem.objects.get(receipt_id=answer.json()["receipt_id"])
        assert answer.status_code == 202
        assert item.state == "applied"
        told = Client().get(answer.json()["status_url"], headers={"Authorization": f"Bearer {key}"})
        assert told.json()["state"] == "applied"

    def test_keeps_the_promise_of_an_idempotency_key(self, key: str) -> None:
        before = post_api(Client(), key, **{"Idempotency-Key": "k1"}).json()["receipt_id"]
        with database_away():
            again = post_api(Client(), key, **{"Idempotency-Key": "k1"}).json()["receipt_id"]

        pump.run_all()

        assert Inquiry.objects.count() == 1
        repeated = InboxItem.objects.get(receipt_id=again)
        assert (repeated.state, repeated.reason_code) == ("rejected", "repeated")
        assert before in repeated.reason

    def test_judges_keys_when_the_database_is_back(self, key: str) -> None:
        revoked = create_api_key(name="Old", scopes=["capture:write"])
        revoke_api_key(revoked.key, at=timezone.now())
        with database_away():
            answers = [post_api(Client(), plain) for plain in (revoked.plain, "nonsense")]

        pump.run_all()

        assert [answer.status_code for answer in answers] == [202, 202]
        assert {item.state for item in InboxItem.objects.all()} == {"quarantined"}
        assert not Lead.objects.exists()

    def test_judges_sites_when_the_database_is_back(self) -> None:
        key = create_api_key(
            name="Website",
            publishable=True,
            scopes=["capture:write"],
            origins=["https://x.example"],
        ).plain
        with database_away():
            ours = post_api(Client(), key, Origin="https://x.example")
            theirs = post_api(Client(), key, "eve@x.example", Origin="https://y.example")

        pump.run_all()

        states = {item.email: item.state for item in InboxItem.objects.all()}
        assert ours.headers["Access-Control-Allow-Origin"] == "https://x.example"
        assert theirs.status_code == 202
        assert states == {"bob@x.example": "applied", "": "quarantined"}


class TestSomebodySignedIn:
    @pytest.fixture
    def bob(self) -> Client:
        browser = Client(enforce_csrf_checks=True)
        browser.force_login(UserFactory(role="marketer"))
        browser.get("/settings/profile/")
        return browser

    def post(self, browser: Client, email: str = "alice@x.example", token: str = "") -> Any:
        token = token or browser.cookies["leadcrm_csrf"].value
        return browser.post(
            CAPTURE,
            json.dumps({"fields": {"email": email}}),
            content_type="application/json",
            headers={"X-CSRFToken": token},
        )

    def test_reaches_forms_as_everybody(self, bob: Client, form: Form) -> None:
        with database_away():
            answer = post_form(bob)

        pump.run_all()

        assert answer.status_code == 202
        assert Lead.objects.get().email == "alice@x.example"

    def test_is_known_again_when_the_database_is_back(self, bob: Client, spool: Path) -> None:
        with database_away():
            answer = self.post(bob)
        (file,) = saved(spool)
        cookie = bob.cookies["leadcrm_session"].value
        secret = cookie in file.read_text()

        pump.run_all()

        item = InboxItem.objects.get(receipt_id=answer.json()["receipt_id"])
        assert answer.status_code == 202
        assert (item.state, item.door.startswith("api:user:")) == ("applied", True)
        assert not secret

    def test_who_has_signed_out_since_waits_for_a_person(self, bob: Client) -> None:
        with database_away():
            self.post(bob)
        Session.objects.all().delete()

        pump.run_all()

        item = InboxItem.objects.get()
        assert (item.state, item.reason_code) == ("quarantined", "unknown_session")

    def test_is_not_spoken_for_by_another_site(self, bob: Client, spool: Path) -> None:
        with database_away():
            answer = self.post(bob, token="guess")

        assert answer.status_code == 403
        assert saved(spool) == []


class TestTheLifeboat:
    def arrival(self) -> capture.Arrival:
        return capture.Arrival(door="api:1", body=b'{"fields":{"email":"a@x.example"}}')

    def test_full_of_files_refuses_with_a_time_to_try_again(
        self, form: Form, settings: Any
    ) -> None:
        settings.SPOOL_MAX_FILES = 1
        with database_away():
            taken, refused = post_form(Client()), post_form(Client(), "b@x.example")

        assert (taken.status_code, refused.status_code) == (202, 503)
        assert refused.headers["Retry-After"] == "30"

    def test_full_of_bytes_refuses(self, form: Form, settings: Any) -> None:
        settings.SPOOL_MAX_BYTES = 100
        key = create_api_key(name="Server", scopes=["capture:write"]).plain
        with database_away():
            answer = post_api(Client(), key)

        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "30")
        assert answer.headers["Content-Type"] == "application/problem+json"

    def test_on_a_disk_that_refuses_refuses(self, form: Form, settings: Any) -> None:
        settings.SPOOL_DIR = Path("/proc/nowhere")
        with database_away():
            answer = post_form(Client())

        assert answer.status_code == 503

    def test_comes_ashore_once_however_often_it_is_drained(self, spool: Path) -> None:
        arrival = self.arrival()
        for _ in range(2):
            lifeboat.save(arrival, at=timezone.now())
            pump.run_all()

        assert Inquiry.objects.count() == InboxItem.objects.count() == 1

    def test_brings_back_what_was_committed_before_the_answer_was_lost(self) -> None:
        arrival = self.arrival()
        capture.store(arrival, at=timezone.now())
        lifeboat.save(arrival, at=timezone.now())

        pump.run_all()

        assert Inquiry.objects.count() == 1

    def test_keeps_its_files_while_the_database_is_away(self, spool: Path) -> None:
        lifeboat.save(self.arrival(), at=timezone.now())
        with database_away():
            drained = lifeboat.drain()

        assert drained == 0
        assert len(saved(spool)) == 1

    def test_puts_rubble_aside(self, spool: Path) -> None:
        lifeboat.save(self.arrival(), at=timezone.now())
        (spool / "new" / f"{uuid.uuid4()}.json").write_text("{")

        pump.run_all()

        assert InboxItem.objects.count() == 1
        assert len(list((spool / "unreadable").iterdir())) == 1

    def test_is_counted(self) -> None:
        lifeboat.save(self.arrival(), at=timezone.now())

        assert Client().get("/readyz").json()["lifeboat"]["captures"] == 1
        assert "leadcrm_lifeboat_captures 1.0" in Client().get("/metrics").content.decode()


class TestAServerWithoutADatabase:
    """A process of its own, whose database nobody ever started."""

    @pytest.fixture
    def port(self, spool: Path) -> Iterator[int]:
        port, dead = free_port(None), free_port(None)
        server = subprocess.Popen(
            [
                *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi"),
                *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
                *("--no-ws", "leadcrm.wsgi:application"),
            ],
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "leadcrm.settings",
                "DATABASE_URL": f"postgres://nobody@127.0.0.1:{dead}/nothing",
                "REDIS_URL": django_settings.REDIS_URL,
                "EMAIL_URL": "smtp://127.0.0.1:1",
                "SECRET_KEY": django_settings.SECRET_KEY,
                "DEBUG": "1",
                "LEADCRM_SPOOL": str(spool),
                "ALLOWED_HOSTS": "*",
            },
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(port)
            yield port
        finally:
            server.terminate()
            server.wait(timeout=20)

    def test_loses_nothing(self, port: int, form: Form) -> None:
        key = create_api_key(name="Server", scopes=["capture:write"]).plain
        posts = [
            (FORM, f"email=p{n}%40x.example".encode(), {"Content-Type": URLENCODED})
            for n in range(10)
        ]
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
        posts += [
            (CAPTURE, json.dumps({"fields": {"email": f"q{n}@x.example"}}).encode(), headers)
            for n in range(10)
        ]

        answers = [send(port, "POST", *post) for post in posts]
        ready = send(port, "GET", "/readyz", b"", {})
        pump.run_all()

        assert {status for status, _ in answers} == {202}
        assert ready[0] == 503
        assert json.loads(ready[1])["lifeboat"]["captures"] == 20
        assert Lead.objects.count() == Inquiry.objects.count() == 20


def send(port: int, method: str, path: str, body: bytes, headers: dict[str, str]) -> Any:
    link = HTTPConnection("127.0.0.1", port, timeout=20)
    link.request(method, path, body, headers)
    answer = link.getresponse()
    content = answer.status, answer.read()
    link.close()
    return content


def wait_for(port: int) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            send(port, "GET", "/healthz", b"", {})
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("The server did not start.")
