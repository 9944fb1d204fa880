"""Making segments in the browser: the builder with and without scripts, and whom it takes."""

from typing import Any

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadcrm.accounts.models import Role
from leadcrm.lib import pump
from leads import conditions
from leads.actions import segments
from leads.conditions import editing
from leads.models import Segment, SegmentMembership
from tests.factories import NOON, LeadFactory, UserFactory, make_funnel

pytestmark = pytest.mark.django_db

CARE = {"field": "industry", "op": "is", "value": "Care"}
WANTED = {
    "all": [
        {"field": "country", "op": "in", "value": ["NL", "BE"]},
        {"field": "company_size", "op": "gte", "value": 120},
        {
            "any": [
                {"field": "industry", "op": "contains", "value": ["care", "logistics"]},
                {
                    "activity": "page_view",
                    "times": {"at_least": 3},
                    "where": {"url": {"contains": ["/pricing"]}},
                    "within_days": 30,
                },
            ]
        },
        {"not": {"any": [{"field": "stage", "op": "in", "value": ["won"]}]}},
    ]
}


@pytest.fixture
def marketer(client: Client) -> Client:
    make_funnel()
    client.force_login(UserFactory(role=Role.MARKETER))
    return client


def inputs(draft: editing.Draft) -> dict[str, Any]:
    """What a browser would post of the builder."""
    found: dict[str, Any] = {}

    def add(part: editing.Part, path: str) -> None:
        if isinstance(part, editing.Set):
            found[f"{path}-match"], found[f"{path}-size"] = part.match, len(part.parts)
            for index, inner in enumerate(part.parts):
                add(inner, f"{path}.{index}")
            return
        found.update({
            f"{path}-what": part.what, f"{path}-was": part.what, f"{path}-op": part.op,
            f"{path}-value": list(part.values), f"{path}-count": part.count,
            f"{path}-most": part.most, f"{path}-days": part.days,
            f"{path}-where": [test.name for test in part.where],
            f"{path}-where-op": [test.op for test in part.where],
            f"{path}-where-value": [test.value for test in part.where],
        })  # fmt: skip

    add(draft.root, draft.name)
    return found


def posted(tree: Any, **more: Any) -> dict[str, Any]:
    return inputs(editing.draft_of(tree)) | more


class TestBuilder:
    def test_brings_a_condition_back_as_it_was(self) -> None:
        make_funnel()

        assert editing.draft_of(WANTED).tree == WANTED

    @settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
    @given(
        words=st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1)
                       .map(str.strip).filter(bool), min_size=1, max_size=4)
    )  # fmt: skip
    def test_keeps_commas_and_quotes_inside_values(self, words: list[str]) -> None:
        assert editing.parted(editing.joined(words)) == words

    def test_adds_and_removes_without_scripts_and_forgets_nothing(self, marketer: Client) -> None:
        page = marketer.post("/segments/new/", posted({"all": [CARE]}, name="Care", do="add:c"))

        html = page.content.decode()
        assert page.status_code == 200
        assert 'name="c.1-what"' in html
        assert 'value="Care"' in html

    def test_another_field_brings_its_own_tests(self, marketer: Client) -> None:
        data = posted({"all": [CARE]}) | {"c.0-what": "field:company_size"}

        html = marketer.post("/conditions/builder/", data).content.decode()

        assert '<option value="gte" selected>is at least</option>' in html
        assert 'value="Care"' not in html

    def test_mistakes_stand_beside_their_condition(self, marketer: Client) -> None:
        data = posted({"all": [CARE, {"field": "company_size", "op": "gte", "value": "many"}]})

        page = marketer.post("/segments/new/", data | {"name": "Large", "kind": "live"})

        html = page.content.decode()
        assert page.status_code == 422
        assert html.index("Write a number here.") > html.index('name="c.1-what"')
        assert not Segment.objects.exists()


class TestPages:
    def test_a_marketer_makes_a_segment_and_sees_who_is_in_it(self, marketer: Client) -> None:
        alice = LeadFactory(industry="Care", first_name="Alice")
        LeadFactory(industry="Retail")

        marketer.post("/segments/new/", posted({"all": [CARE]}, name="Care", kind="live"))
        pump.run_all()

        segment = Segment.objects.get(name="Care")
        listed = marketer.get(f"/leads/?segment={segment.public_id}").content.decode()
        assert segment.conditions == {"all": [CARE]}
        assert alice.name in listed
        assert "Raman" in listed
        assert "Care" in marketer.get("/segments/").content.decode()

    def test_whom_it_would_take_is_shown_before_it_is_saved(self, marketer: Client) -> None:
        for _ in range(3):
            LeadFactory(industry="Care", company_size=500)
        LeadFactory(industry="Care", company_size=5)
        large = {"field": "company_size", "op": "gte", "value": 100}

        html = marketer.post("/segments/preview/", posted({"all": [CARE, large]})).content.decode()

        assert '<span class="v">3</span>' in html
        assert "75% of 4" in html
        assert not Segment.objects.exists()

    def test_a_condition_half_written_is_told_of_instead_of_counted(self, marketer: Client) -> None:
        page = marketer.post("/segments/preview/", posted({"all": [CARE, {}]}))

        assert page.status_code == 200
        assert "The count follows" in page.content.decode()

    def test_saving_over_a_colleague_is_refused_and_keeps_what_was_typed(
        self, marketer: Client
    ) -> None:
        segment = segments.create_segment(name="Care", tree=CARE)
        segments.update_segment(segment.pk, name="Caring", at=NOON)

        page = marketer.post(
            f"/segments/{segment.public_id}/", posted({"all": [CARE]}, name="Mine", version=1)
        )

        assert page.status_code == 422
        assert "Somebody else saved this segment" in page.content.decode()
        assert 'value="Mine"' in page.content.decode()

    def test_says_why_somebody_is_in_or_out(self, marketer: Client) -> None:
        lead = LeadFactory(industry="Retail")
        segment = segments.create_segment(name="Care", tree={"all": [CARE]})

        html = marketer.get(
            f"/segments/{segment.public_id}/why/?lead={lead.public_id}"
        ).content.decode()

        assert "Not in the segment" in html
        assert "has Retail" in html

    def test_chosen_leads_are_put_on_a_list(self, marketer: Client) -> None:
        lead = LeadFactory()
        guests = segments.create_segment(name="Guests", kind="frozen")

        marketer.post("/leads/bulk/list/", {"ids": [lead.public_id], "segment": guests.public_id})

        assert SegmentMembership.objects.filter(segment=guests, lead=lead, left_at=None).exists()

    def test_reps_do_not_make_lists(self, client: Client) -> None:
        client.force_login(UserFactory(role=Role.REP))
        guests = segments.create_segment(name="Guests", kind="frozen")

        answer = client.post("/leads/bulk/list/", {"ids": ["a"], "segment": guests.public_id})

        assert answer.status_code == 404

    def test_one_in_use_is_not_archived(self, marketer: Client) -> None:
        care = segments.create_segment(name="Care", tree=CARE)
        segments.create_segment(name="Large", tree={"segment": care.public_id})

        answer = marketer.post(f"/segments/{care.public_id}/archive/")

        assert answer.status_code == 409
        assert "segment “Large”" in answer.content.decode()

    def test_a_copy_has_a_name_of_its_own(self, marketer: Client) -> None:
        care = segments.create_segment(name="Care", tree=CARE)

        marketer.post(f"/segments/{care.public_id}/duplicate/")

        assert conditions.describe(Segment.objects.get(name="Care (2)").conditions) == (
            "Industry is Care"
        )


class TestListsByConditions:
    def test_are_asked_for_in_the_builder_and_kept_in_the_address(self, marketer: Client) -> None:
        alice = LeadFactory(industry="Care", last_name="Archer")
        LeadFactory(industry="Retail", last_name="Baker")
        tree = {"all": [CARE]}
        data = inputs(editing.draft_of(tree, "conditions"))

        page = marketer.post("/leads/filter/conditions/?sort=name", data, follow=True)

        html = page.content.decode()
        assert "sort=name" in page.redirect_chain[-1][0]
        assert alice.last_name in html
        assert "Baker" not in html
        assert "Industry is Care" in html

    def test_half_a_condition_is_refused_beside_its_row(self, marketer: Client) -> None:
        data = inputs(editing.draft_of({"all": [CARE, {}]}, "conditions"))

        page = marketer.post("/leads/filter/conditions/", data)

        assert page.status_code == 422
        assert 'name="conditions.1-what"' in page.content.decode()

    @pytest.mark.parametrize(
        "given", ["{", "[]", '{"field": "nope"}', '{"all": ' * 500, '{"tag": "\x00"}', "9" * 4000]
    )
    def test_what_is_no_condition_is_refused_in_words(self, marketer: Client, given: str) -> None:
        answer = marketer.get("/api/v1/leads/", {"conditions": given})

        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "conditions"


class TestAddingAndRemoving:
    def test_a_button_of_the_builder_shows_it_again_in_any_form(self, marketer: Client) -> None:
        data = inputs(editing.draft_of({"all": [CARE]}, "conditions")) | {"do": "add:conditions"}

        page = marketer.post("/leads/filter/conditions/", data)

        html = page.content.decode()
        assert 'name="conditions.1-what"' in html
        assert "Fill in the condition, then save." in html
