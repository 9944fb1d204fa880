"""Settings → Custom fields: defining, changing, ordering, archiving, deleting."""

from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.models import Role, SavedView
from leads.models import FieldDefinition, Lead
from leads.queries import fields as queries
from scoring.defaults import ensure_default_model
from scoring.models import ModelVersion, Rule
from tests.factories import LeadFactory, UserFactory, make_form
from tests.leads.factories import PLANS, FieldFactory

pytestmark = pytest.mark.django_db
PAGE = "/settings/fields/"


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(UserFactory(name="Alice Archer", role=Role.ADMIN))
    return client


def answers(**changes: Any) -> dict[str, Any]:
    """What the form sends."""
    return {"label": "Seats", "type": "integer", "do": "save", **changes}


def field(key: str) -> FieldDefinition:
    return FieldDefinition.objects.get(key=key)


def values(key: str) -> list[Any]:
    return [lead.custom.get(key) for lead in Lead.objects.order_by("pk")]


class TestDefining:
    def test_makes_the_programs_name_of_the_label(self, admin: Client) -> None:
        admin.post(f"{PAGE}new/", answers(label="Vertragsende (Jahr)", group="Contract"))

        made = field("vertragsende_jahr")
        assert (made.label, made.type, made.group) == ("Vertragsende (Jahr)", "integer", "Contract")

    def test_gives_each_option_a_key_that_stays(self, admin: Client) -> None:
        admin.post(
            f"{PAGE}new/", answers(label="Plan", type="select", more_options="Pro\nStarter\n")
        )

        admin.post(
            f"{PAGE}plan/",
            answers(
                label="Plan",
                type="select",
                option_key=["pro", "starter"],
                option_label=["Professional", "Starter"],
                option_offered=["pro"],
                more_options="Enterprise",
            ),
        )

        assert field("plan").options == [
            {"key": "pro", "label": "Professional"},
            {"key": "starter", "label": "Starter", "archived": True},
            {"key": "enterprise", "label": "Enterprise"},
        ]

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"label": " "}, "This field is required"),
            ({"label": "plan"}, "There is a field “plan” already"),
            ({"type": "colour"}, "Select a valid choice"),
            ({"type": "select"}, "Write at least one option to choose"),
            ({"type": "select", "more_options": "A\na"}, "Two options have the same name"),
            ({"default": "many"}, "Write a number"),
            ({"type": "money", "currency": "ZZZ"}, "currency’s code"),
            ({"type": "money", "currency": ""}, "Name the currency too"),
        ],
    )
    def test_says_what_is_wrong(self, admin: Client, changes: Any, words: str) -> None:
        FieldFactory(label="Plan")

        answer = admin.post(f"{PAGE}new/", answers(**changes))

        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert FieldDefinition.objects.count() == 1

    def test_moves_options_before_saving_them(self, admin: Client) -> None:
        FieldFactory(type="select", options=PLANS)

        page = admin.post(
            f"{PAGE}plan/",
            answers(
                label="Plan",
                type="select",
                option_key=["starter", "pro"],
                option_label=["Starter", "Pro"],
                do="down:starter",
            ),
        ).content.decode()

        assert page.index('value="Pro"') < page.index('value="Starter"')
        assert field("plan").options == PLANS


class TestTheList:
    def test_groups_fields_and_counts_leads_with_a_value(self, admin: Client) -> None:
        FieldFactory(label="Seats", key="seats", group="Contract")
        FieldFactory(label="Fax", key="fax", is_active=False)
        LeadFactory(custom={"seats": "12"})

        page = admin.get(PAGE).content.decode()

        assert "Contract" in page
        assert "custom.seats" in page
        assert queries.filled().by_key == {"seats": 1}
        assert "Archived" in page

    def test_moves_a_field_over_archived_ones(self, admin: Client) -> None:
        for position, key in enumerate(["one", "two", "three"]):
            FieldFactory(key=key, position=position, is_active=key != "two")

        admin.post(f"{PAGE}three/move/", {"way": "up"})

        order = FieldDefinition.objects.filter(is_active=True).values_list("key", flat=True)
        assert list(order) == ["three", "one"]

    def test_archives_and_restores(self, admin: Client) -> None:
        FieldFactory()
        LeadFactory(custom={"plan": "pro"})

        admin.post(f"{PAGE}plan/archive/")
        archived = not field("plan").is_active
        admin.post(f"{PAGE}plan/archive/", {"archived": "0"})

        assert archived
        assert field("plan").is_active
        assert values("plan") == ["pro"]

    def test_is_for_administrators(self, client: Client) -> None:
        client.force_login(UserFactory(role=Role.MANAGER))

        assert client.get(PAGE).status_code == 404


class TestValuesNobodyDescribed:
    def test_are_proposed_with_a_type(self, admin: Client) -> None:
        for number in range(8):
            LeadFactory(custom={"Plan Size": "12", "tier": ["Gold", "Silver"][number % 2]})

        page = admin.get(PAGE).content.decode()
        sizes = admin.get(f"{PAGE}new/?found=Plan+Size").content.decode()
        tiers = admin.get(f"{PAGE}new/?found=tier").content.decode()

        assert "Found in your leads" in page
        assert '<option value="integer" selected>' in sizes
        assert '<option value="select" selected>' in tiers
        assert 'value="Gold"' in tiers

    def test_become_values_of_the_new_field_where_they_fit(self, admin: Client) -> None:
        for text in ("12", "1,200", "about ten"):
            LeadFactory(custom={"Plan Size": text, "other": 1})

        admin.post(f"{PAGE}new/", answers(label="Plan size", found="Plan Size"))

        assert values("plan_size") == [12, 1200, "about ten"]
        assert values("other") == [1, 1, 1]
        assert values("Plan Size") == [None, None, None]


class TestChangingTheType:
    def test_shows_what_would_happen_first(self, admin: Client) -> None:
        FieldFactory(key="seats", label="Seats")
        LeadFactory(custom={"seats": "1,200"})

        page = admin.post(f"{PAGE}seats/", answers()).content.decode()

        assert "All 1 values fit the new type" in page
        assert "1 of them will be written anew" in page
        assert field("seats").type == "text"

    def test_converts_all_values(self, admin: Client) -> None:
        FieldFactory(key="seats", label="Seats")
        LeadFactory(custom={"seats": "1,200"})
        LeadFactory(custom={"plan": "pro"})

        admin.post(f"{PAGE}seats/", answers(do="convert"))

        assert field("seats").type == "integer"
        assert values("seats") == [1200, None]

    @pytest.mark.parametrize("text", ["a dozen", "007", "12.5"])
    def test_is_refused_where_a_value_would_be_lost(self, admin: Client, text: str) -> None:
        FieldFactory(key="seats", label="Seats")
        LeadFactory(custom={"seats": text})
        LeadFactory(custom={"seats": "12"})

        preview = admin.post(f"{PAGE}seats/", answers()).content.decode()
        answer = admin.post(f"{PAGE}seats/", answers(do="convert"))

        assert "1 of 2 values do not fit the new type" in preview
        assert text in answer.content.decode()
        assert answer.status_code == 422
        assert (field("seats").type, values("seats")) == ("text", [text, "12"])

    def test_keeps_the_labels_of_a_list_that_becomes_text(self, admin: Client) -> None:
        FieldFactory(type="select", options=PLANS)
        LeadFactory(custom={"plan": "classic"})

        admin.post(f"{PAGE}plan/", answers(label="Plan", type="text", do="convert"))

        assert values("plan") == ["Classic"]

    def test_refuses_to_lose_an_option_that_leads_have(self, admin: Client) -> None:
        FieldFactory(type="select", options=PLANS)
        LeadFactory(custom={"plan": "classic"})

        answer = admin.post(
            f"{PAGE}plan/",
            answers(
                label="Plan",
                type="select",
                option_key=["pro"],
                option_label=["Pro"],
                option_offered=["pro"],
            ),
        )

        assert "Leads have “Classic”" in answer.content.decode()
        assert field("plan").options == PLANS


class TestDeleting:
    def test_takes_an_unused_field_away(self, admin: Client) -> None:
        FieldFactory()

        admin.post(f"{PAGE}plan/delete/")

        assert not FieldDefinition.objects.exists()

    def test_is_refused_while_leads_have_values(self, admin: Client) -> None:
        FieldFactory()
        LeadFactory(custom={"plan": "pro"})

        page = admin.post(f"{PAGE}plan/delete/", follow=True).content.decode()

        assert "Archive it" in page
        assert field("plan")

    def test_names_what_uses_it(self, admin: Client) -> None:
        FieldFactory()
        make_form(fields=[{"key": "q", "label": "Q", "type": "text", "maps_to": "custom.plan"}])
        SavedView.objects.create(user=UserFactory(), name="Pros", query="custom.plan=pro")
        condition = {"all": [{"field": "custom.plan", "op": "is", "value": "pro"}]}
        ensure_default_model()
        Rule.objects.create(
            version=ModelVersion.objects.get(),
            condition=condition,
            label="On Pro",
            group="fit",
            points=3,
            weight_class="valid",
        )

        page = admin.post(f"{PAGE}plan/delete/", follow=True).content.decode()

        assert field("plan")
        for name in ("Book a demo", "Pros", "On Pro"):
            assert name in page
