"""Whose leads somebody sees: one gate before every page, endpoint, search and export."""

import pytest
from django.contrib.auth.models import AnonymousUser

from leadcrm.accounts.access import KeyPrincipal
from leadcrm.accounts.actions import create_api_key
from leadcrm.accounts.models import Role, User
from leads.models import Lead
from tests.factories import NOON, LeadFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def leads() -> dict[str, Lead]:
    """Alice and Bob in the north with manager Charlie; Dora in the south."""
    europe = TeamFactory(name="Europe")
    north = TeamFactory(name="North", parent=europe)
    south = TeamFactory(name="South", parent=europe)
    alice = UserFactory(name="Alice", team=north)
    bob = UserFactory(name="Bob", team=north)
    UserFactory(name="Charlie", role=Role.MANAGER, team=north)
    UserFactory(name="Erin", role=Role.MANAGER, team=europe)
    UserFactory(name="Mia", role=Role.MARKETER)
    UserFactory(name="Ada", role=Role.ADMIN)
    dora = UserFactory(name="Dora", team=south)
    return {
        "alice": LeadFactory(owner=alice),
        "bob": LeadFactory(owner=bob),
        "dora": LeadFactory(owner=dora),
        "north queue": LeadFactory(owner=None, team=north),
        "nobody": LeadFactory(owner=None, team=None),
    }


@pytest.mark.parametrize(
    ("person", "sees"),
    [
        ("Alice", {"alice", "north queue"}),
        ("Dora", {"dora"}),
        ("Charlie", {"alice", "bob", "north queue"}),
        ("Erin", {"alice", "bob", "dora", "north queue"}),
        ("Mia", {"alice", "bob", "dora", "north queue", "nobody"}),
        ("Ada", {"alice", "bob", "dora", "north queue", "nobody"}),
    ],
)
def test_each_role_sees_its_own(leads: dict[str, Lead], person: str, sees: set[str]) -> None:
    user = User.objects.get(name=person)

    visible = set(Lead.objects.visible_to(user))

    assert visible == {leads[name] for name in sees}


def test_nobody_who_is_not_signed_in_or_was_deactivated_sees_anything(
    leads: dict[str, Lead],
) -> None:
    former = UserFactory(role=Role.ADMIN, is_active=False)

    assert not Lead.objects.visible_to(AnonymousUser()).exists()
    assert not Lead.objects.visible_to(former).exists()


def test_a_key_sees_what_its_user_sees(leads: dict[str, Lead]) -> None:
    alice = User.objects.get(name="Alice")
    bound = create_api_key(name="Alice's script", scopes=["leads:read"], user=alice).key
    free = create_api_key(name="Warehouse", scopes=["leads:read"]).key

    assert Lead.objects.visible_to(KeyPrincipal(bound)).count() == 2
    assert Lead.objects.visible_to(KeyPrincipal(free)).count() == 5


def test_merged_and_deleted_leads_are_nowhere(leads: dict[str, Lead]) -> None:
    ada = User.objects.get(name="Ada")
    Lead.objects.filter(pk=leads["bob"].pk).update(merged_into=leads["alice"])
    Lead.objects.filter(pk=leads["dora"].pk).update(deleted_at=NOON)

    visible = set(Lead.objects.visible_to(ada))

    assert leads["bob"] not in visible
    assert leads["dora"] not in visible


def test_a_circle_of_teams_does_not_hang() -> None:
    first = TeamFactory()
    second = TeamFactory(parent=first)
    first.parent = second
    first.save()
    manager = UserFactory(role=Role.MANAGER, team=first)

    assert not Lead.objects.visible_to(manager).exists()
