"""What a browser is told on every page, forged requests, links that scanners follow, sign-in."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client

from leadcrm.accounts.models import User
from leads.models import Suppression
from tests.factories import PASSWORD, UserFactory
from tests.test_permissions import contents, endpoints, pages
from tests.world import World, make_world

pytestmark = pytest.mark.django_db

LOGIN = "/accounts/login/"
HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


@pytest.fixture
def world() -> World:
    return make_world()


def policy_of(answer: Any) -> dict[str, str]:
    parts = [part.strip() for part in answer["Content-Security-Policy"].split(";")]
    return {name: value for name, _, value in (part.partition(" ") for part in parts)}


class TestHeaders:
    @pytest.mark.parametrize(
        "path",
        [
            LOGIN,
            "/",
            "/leads/",
            "/settings/profile/",
            "/no-such-page/",
            "/f/book-a-demo/",
            "/f/no-such-form/",
            "/api/v1/leads/",
            "/api/v1/no-such-endpoint/",
            "/api/v1/docs/",
            "/healthz",
        ],
    )
    def test_forbid_what_the_page_does_not_need(self, world: World, path: str) -> None:
        for who in ("anonymous", "owner"):
            answer = world.client(who).get(path)

            policy = policy_of(answer)
            assert policy["default-src"] == "'none'"
            assert policy["base-uri"] == "'none'"
            assert "unsafe" not in answer["Content-Security-Policy"]
            assert policy["frame-ancestors"] == "'none'"
            assert answer["X-Frame-Options"] == "DENY"
            assert {name: answer[name] for name in HEADERS} == HEADERS
            assert re.fullmatch(r"[0-9a-f]{32}", answer["X-Request-ID"])

    def test_let_a_form_be_framed_only_where_it_is_embedded(self, world: World) -> None:
        answer = world.client("anonymous").get("/f/book-a-demo/frame/")

        policy = policy_of(answer)
        assert policy["default-src"] == "'none'"
        assert "unsafe" not in answer["Content-Security-Policy"]
        assert policy["frame-ancestors"] != "*"

    def test_keep_private_pages_out_of_the_cache(self, world: World) -> None:
        client = world.client("admin")

        for route, address, may in pages(world):
            answer = client.get(address)
            if "admin" in may and "e/o/" not in route:
                assert "no-store" in answer["Cache-Control"], address

    def test_protect_static_files(self, client: Client) -> None:
        answer = client.get("/static/css/tokens.css")
        answer.close()

        assert answer.status_code == 200
        assert answer["X-Content-Type-Options"] == "nosniff"

    def test_are_there_when_something_breaks(self, settings: Any) -> None:
        settings.ROOT_URLCONF = "tests.broken_urls"

        answer = Client(raise_request_exception=False).get("/broken/")

        assert answer.status_code == 500
        assert policy_of(answer)["default-src"] == "'none'"
        assert {name: answer[name] for name in HEADERS} == HEADERS
        assert answer["X-Request-ID"]


class TestForgedRequests:
    def test_to_any_page_or_endpoint_are_refused_without_the_token(self, world: World) -> None:
        client = world.client("admin", enforce_csrf_checks=True)
        before = contents()

        for _, address, may in pages(world):
            if "admin" in may:
                assert client.post(address).status_code in {403, 405}, address
        for address, _, _ in endpoints(world):
            for method in ("post", "put", "patch", "delete"):
                assert getattr(client, method)(address).status_code in {403, 405}, address

        assert contents() == before

    def test_to_sign_in_are_refused_without_the_token(self) -> None:
        alice = UserFactory(name="Alice")
        client = Client(enforce_csrf_checks=True)

        answer = client.post(LOGIN, {"login": alice.email, "password": PASSWORD})

        assert answer.status_code == 403


class TestLooking:
    """Scanners and browsers follow links ahead of people."""

    def test_at_any_page_changes_no_lead_mail_or_rule(self, world: World) -> None:
        client = world.client("admin")
        before = contents()

        for route, address in world.addresses():
            if not route.startswith(("e/c/", "e/o/")):
                client.get(address)

        assert contents() == before

    def test_at_a_link_to_unsubscribe_or_to_undo_does_neither(self, world: World) -> None:
        client = world.client("owner")
        before = contents()

        for route, address in world.addresses():
            if route.startswith(("e/u/", "e/p/", "leads/undo/", "pipeline/undo/")):
                client.get(address)

        assert contents() == before
        assert not Suppression.objects.exists()


class TestSigningIn:
    @pytest.fixture
    def alice(self) -> User:
        return UserFactory(name="Alice", email="alice@example.com")

    def test_is_held_up_after_five_wrong_passwords(self, client: Client, alice: User) -> None:
        for _ in range(5):
            sign_in(client, "wrong")

        answer = sign_in(client, PASSWORD)

        assert "Too many failed login attempts" in answer.content.decode()
        assert "_auth_user_id" not in client.session

    def test_by_somebody_else_is_not_held_up_with_her(self, client: Client, alice: User) -> None:
        bob = UserFactory(name="Bob", email="bob@example.com")
        for _ in range(5):
            sign_in(client, "wrong")

        sign_in(client, PASSWORD, bob.email)

        assert client.session["_auth_user_id"] == str(bob.pk)

    def test_counts_the_address_that_the_proxy_vouches_for(
        self, client: Client, alice: User, settings: Any
    ) -> None:
        settings.TRUSTED_PROXIES = 1
        for guess in range(10):  # each for another person, each with another made-up address
            hops = f"198.51.100.{guess}, 203.0.113.9"
            sign_in(client, "wrong", f"person{guess}@example.com", hops=hops)

        same = sign_in(client, PASSWORD, hops="198.51.100.77, 203.0.113.9")
        other = sign_in(client, PASSWORD, hops="203.0.113.10")

        assert "Too many failed login attempts" in same.content.decode()
        assert other.status_code == 302

    def test_works_while_valkey_is_away(self, alice: User, settings: Any) -> None:
        settings.CACHES = {
            "default": {**configured.CACHES["default"], "LOCATION": "redis://127.0.0.1:1/0"}
        }
        client = Client()

        sign_in(client, "wrong")
        sign_in(client, PASSWORD)

        assert client.session["_auth_user_id"] == str(alice.pk)
        assert client.get("/leads/").status_code == 200
        assert client.get("/scoring/").status_code == 200

    def test_gives_a_cookie_that_scripts_and_other_sites_do_not_get(
        self, client: Client, alice: User
    ) -> None:
        sign_in(client, PASSWORD)

        session = client.cookies[configured.SESSION_COOKIE_NAME]
        token = client.cookies[configured.CSRF_COOKIE_NAME]
        assert session["httponly"]
        assert session["samesite"] == "Lax"
        assert token["httponly"]

    def test_says_the_same_for_a_wrong_password_and_an_unknown_address(
        self, client: Client, alice: User
    ) -> None:
        known = sign_in(client, "wrong").content.decode()
        unknown = sign_in(client, "wrong", "nobody@example.com").content.decode()

        words = "The email address and/or password you specified are not correct."
        assert (words in known) is (words in unknown) is True

    @pytest.mark.parametrize("weak", ["short-one", "qwerty123456", "alice@example.com"])
    def test_takes_no_weak_password(self, client: Client, alice: User, weak: str) -> None:
        sign_in(client, PASSWORD)

        answer = client.post(
            "/accounts/password/change/",
            {"oldpassword": PASSWORD, "password1": weak, "password2": weak},
        )

        alice.refresh_from_db()
        assert answer.status_code == 200
        assert alice.check_password(PASSWORD)


def sign_in(
    client: Client, password: str, email: str = "alice@example.com", *, hops: str = ""
) -> Any:
    headers = {"X-Forwarded-For": hops} if hops else {}
    return client.post(LOGIN, {"login": email, "password": password}, headers=headers)


def test_production_settings_pass_the_checks_of_the_framework() -> None:
    environment = {
        **{k: v for k, v in os.environ.items() if not k.startswith(("LEADCRM_", "DJANGO_"))},
        "DJANGO_SETTINGS_MODULE": "leadcrm.settings",
        "DEBUG": "0",
        "SECRET_KEY": "k3y-" * 3 + "R7q9ZpX2vLmN8tYwB4cD6fGhJ1sA5eUoI0xKrTnVbQ",
        "SITE_URL": "https://crm.example.com",
        "DATABASE_URL": "postgres://leadcrm@127.0.0.1:1/leadcrm",
        "REDIS_URL": "redis://127.0.0.1:1/0",
        "EMAIL_URL": "smtp+tls://user:password@127.0.0.1:587",
    }

    checked = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=Path(__file__).parent.parent,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert checked.returncode == 0, checked.stderr
