from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from leadcrm.accounts.authentication import find_key
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db


def create(*arguments: str) -> str:
    out = StringIO()
    call_command("create_api_key", "--name", "Website", *arguments, stdout=out)
    return out.getvalue().strip()


class TestCreateApiKey:
    def test_prints_a_key_that_works(self) -> None:
        key = find_key(create("--scopes", "capture:write, leads:read"))

        assert key is not None
        assert key.scopes == ["capture:write", "leads:read"]

    def test_makes_publishable_keys_for_sites(self) -> None:
        key = find_key(
            create("--scopes", "capture:write", "--publishable", "--origins", "https://x.example/")
        )

        assert key is not None
        assert (key.kind, key.origins) == ("publishable", ["https://x.example"])

    def test_binds_a_key_to_a_person(self) -> None:
        alice = UserFactory(email="alice@example.com")

        key = find_key(create("--scopes", "leads:read", "--user", "Alice@example.com"))

        assert key is not None
        assert key.user == alice

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["--scopes", "everything"], "There is no scope"),
            (["--scopes", "leads:read", "--publishable", "--origins", "https://x"], "publishable"),
            (["--scopes", "capture:write", "--publishable"], "Name the sites"),
            (["--scopes", "leads:read", "--user", "nobody@x"], "Nobody signs in"),
        ],
    )
    def test_says_what_is_wrong(self, arguments: list[str], words: str) -> None:
        with pytest.raises(CommandError, match=words):
            create(*arguments)
