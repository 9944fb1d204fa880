"""Signing in with a second step, through the pages a person sees."""

import re
import time

import pytest
import time_machine
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from leadcrm.accounts.models import User
from tests.factories import PASSWORD, UserFactory

pytestmark = pytest.mark.django_db


def code_for(secret: str) -> str:
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30))


def sign_in(client: Client, user: User) -> str:
    form = {"login": user.email, "password": PASSWORD}
    return client.post("/accounts/login/", form, follow=True).content.decode()


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice", email="alice@example.com")


@pytest.fixture
def secret(client: Client, alice: User) -> str:
    """Alice has set up an authenticator app by following the pages."""
    sign_in(client, alice)
    confirm = client.get("/accounts/2fa/totp/activate/")["Location"]
    client.post(confirm, {"password": PASSWORD})
    page = client.get("/accounts/2fa/totp/activate/").content.decode()
    found = re.search(r'value="([A-Z2-7]{16,})"', page)
    assert found
    client.post("/accounts/2fa/totp/activate/", {"code": code_for(found[1])})
    return found[1]


class TestAnAuthenticatorApp:
    def test_can_be_set_up_by_somebody_who_was_invited(self, alice: User, secret: str) -> None:
        assert Authenticator.objects.filter(user=alice, type=Authenticator.Type.TOTP).exists()

    def test_is_asked_for_after_the_password(self, alice: User, secret: str) -> None:
        browser = Client()

        page = sign_in(browser, alice)

        assert 'name="code"' in page
        assert browser.get("/settings/profile/").status_code == 302

    def test_lets_in_with_its_code_and_not_with_another(self, alice: User, secret: str) -> None:
        browser = Client()
        sign_in(browser, alice)

        refused = browser.post("/accounts/2fa/authenticate/", {"code": "000000"})
        with time_machine.travel(time.time() + 60):  # a code works once
            browser.post("/accounts/2fa/authenticate/", {"code": code_for(secret)})

        assert 'aria-invalid="true"' in refused.content.decode()
        assert browser.get("/settings/profile/").status_code == 200

    def test_comes_with_recovery_codes(self, client: Client, secret: str) -> None:
        page = client.get("/accounts/2fa/").content.decode()

        assert "Recovery codes" in page
        assert client.get("/accounts/2fa/recovery-codes/").status_code == 200


class TestAForgottenPassword:
    def test_is_answered_alike_for_everybody(self, client: Client, alice: User) -> None:
        known = client.post("/accounts/password/reset/", {"email": alice.email}, follow=True)
        unknown = client.post("/accounts/password/reset/", {"email": "x@example.com"}, follow=True)

        assert "Look in your inbox" in known.content.decode()
        assert known.redirect_chain == unknown.redirect_chain
