"""Keys of programs: shown once, stored as a hash, no wider than they were made."""

import pytest

from leadcrm.accounts.actions import create_api_key, revoke_api_key
from leadcrm.accounts.authentication import find_key
from leadcrm.accounts.models import ApiKey, Role
from leadcrm.lib.errors import Invalid
from tests.factories import NOON, UserFactory

pytestmark = pytest.mark.django_db


def test_the_key_is_found_by_its_text_and_is_stored_nowhere() -> None:
    new = create_api_key(name="Website", scopes=["capture:write"])

    found = find_key(new.plain)

    assert found == new.key
    row = ApiKey.objects.values().get(pk=new.key.pk)
    assert not any(new.plain in str(value) for value in row.values())


@pytest.mark.parametrize("change", ["flip", "cut", "empty", "long"])
def test_another_text_is_no_key(change: str) -> None:
    plain = create_api_key(name="Website", scopes=["capture:write"]).plain
    wrong = {
        "flip": plain[:-1] + ("a" if plain[-1] != "a" else "b"),
        "cut": plain[:-5],
        "empty": "",
        "long": plain * 50,
    }[change]

    assert find_key(wrong) is None


def test_a_revoked_key_and_a_key_of_somebody_who_left_open_nothing() -> None:
    leaver = UserFactory(role=Role.ADMIN)
    revoked = create_api_key(name="Old", scopes=["leads:read"])
    orphaned = create_api_key(name="Leaver", scopes=["leads:read"], user=leaver)
    revoke_api_key(revoked.key, at=NOON)
    leaver.is_active = False
    leaver.save()

    assert find_key(revoked.plain) is None
    assert find_key(orphaned.plain) is None


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        ({"scopes": ["leads:fly"]}, "scopes", "no scope"),
        ({"scopes": []}, "scopes", "at least one"),
        (
            {"scopes": ["leads:read"], "publishable": True, "origins": ["https://a.example"]},
            "scopes",
            "readable by anyone",
        ),
        ({"scopes": ["capture:write"], "publishable": True}, "origins", "Name the sites"),
    ],
)
def test_a_key_that_makes_no_sense_is_refused_by_field(
    arguments: dict[str, object], field: str, words: str
) -> None:
    with pytest.raises(Invalid, match=words) as refusal:
        create_api_key(name="Odd", **arguments)  # type: ignore[arg-type]

    assert [error.field for error in refusal.value.errors] == [field]
