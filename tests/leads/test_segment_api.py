"""Segments and lists as programs make, count, explain and fill them."""

from typing import Any

import pytest
from django.test import Client

from leadcrm.accounts.models import Role
from leadcrm.lib import pump
from leads.actions import segments
from tests.factories import LeadFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db

URL = "/api/v1/segments/"
CARE = {"field": "industry", "op": "is", "value": "Care"}


class Api:
    def __init__(self, client: Client) -> None:
        self.client = client

    def __call__(self, method: str, path: str = "", body: Any = None) -> Any:
        send = getattr(self.client, method)
        if method == "get":
            return send(URL + path)
        return send(URL + path, body, content_type="application/json")


@pytest.fixture
def api(client: Client) -> Api:
    client.force_login(UserFactory(role=Role.MARKETER))
    return Api(client)


class TestSegments:
    def test_are_made_read_changed_and_archived(self, api: Api) -> None:
        LeadFactory(industry="Care")

        made = api("post", body={"name": "Care", "conditions": CARE})
        pump.run_all()

        public_id = made.json()["id"]
        read = api("get", f"{public_id}/").json()
        assert made.status_code == 201
        assert (read["size"], read["is_counting"]) == (1, False)
        assert read["words"] == "Industry is Care"

        changed = api("patch", f"{public_id}/", {"name": "Carers", "version": 1})
        stale = api("patch", f"{public_id}/", {"name": "Mine", "version": 1})

        assert (changed.json()["name"], changed.json()["version"]) == ("Carers", 2)
        assert stale.status_code == 412

        assert api("delete", f"{public_id}/").status_code == 204
        assert api("get").json()["results"] == []
        assert api("patch", f"{public_id}/", {"archived": False}).json()["archived_at"] is None

    def test_mistakes_in_conditions_are_named_with_path_and_cure(self, api: Api) -> None:
        tree = {"all": [CARE, {"activity": "page_view", "within_days": 99999}]}

        refused = api("post", body={"name": "Care", "conditions": tree})

        assert refused.status_code == 422
        assert refused.json()["errors"][0]["field"] == "conditions.all.1.within_days"
        assert "1 to 3650" in refused.json()["errors"][0]["message"]

    def test_one_in_use_is_not_archived(self, api: Api) -> None:
        care = segments.create_segment(name="Care", tree=CARE)
        segments.create_segment(name="Large", tree={"segment": care.public_id})

        refused = api("delete", f"{care.public_id}/")

        assert refused.status_code == 409
        assert "segment “Large”" in refused.json()["detail"]


class TestPreview:
    def test_counts_and_writes_nothing(self, api: Api) -> None:
        alice = LeadFactory(industry="Care")
        LeadFactory(industry="Retail")

        found = api("post", "preview/", {"conditions": {"all": [CARE]}}).json()

        assert (found["count"], found["of"]) == (1, 2)
        assert found["sample"] == [{"id": alice.public_id, "name": alice.name}]
        assert api("get").json()["results"] == []


class TestExplain:
    def test_answers_each_condition(self, api: Api) -> None:
        alice = LeadFactory(industry="Care", company_size=5)
        large = {"field": "company_size", "op": "gte", "value": 100}
        tree = {"all": [CARE, {"not": large}]}

        found = api("post", "explain/", {"lead": alice.public_id, "conditions": tree}).json()

        assert found["holds"] is True
        assert [(leaf["path"], leaf["holds"], leaf["actual"]) for leaf in found["leaves"]] == [
            ("all.0", True, "Care"),
            ("all.1.not", False, "5"),
        ]

    def test_tells_since_when_somebody_is_in_a_segment(self, api: Api) -> None:
        alice = LeadFactory(industry="Care")
        care = segments.create_segment(name="Care", tree=CARE)
        pump.run_all()

        body = {"lead": alice.public_id, "segment": care.public_id}
        [stay] = api("post", "explain/", body).json()["stays"]

        assert (stay["came_by"], stay["left_at"]) == ("conditions", None)


class TestMembers:
    def test_are_put_on_a_list_and_taken_off(self, api: Api) -> None:
        alice, bob = LeadFactory(), LeadFactory()
        guests = segments.create_segment(name="Guests", kind="frozen")
        path = f"{guests.public_id}/members/"

        added = api("post", path, {"leads": [alice.public_id, bob.public_id, "nobody"]})
        removed = api("post", f"{path}remove/", {"leads": [bob.public_id]})

        assert added.json() == {"changed": 2, "size": 2}
        assert removed.json() == {"changed": 1, "size": 1}
        assert [row["lead"] for row in api("get", path).json()["results"]] == [alice.public_id]
        left = api("get", f"{path}?show=left").json()["results"]
        assert [(row["lead"], row["went_by"]) for row in left] == [(bob.public_id, "hand")]

    def test_of_other_teams_are_not_shown_to_a_manager(self, client: Client) -> None:
        mine = LeadFactory(industry="Care", owner=None, team=(team := TeamFactory()))
        LeadFactory(industry="Care")
        care = segments.create_segment(name="Care", tree=CARE)
        pump.run_all()
        client.force_login(UserFactory(role=Role.MANAGER, team=team))

        rows = client.get(f"{URL}{care.public_id}/members/").json()["results"]

        assert [row["lead"] for row in rows] == [mine.public_id]


class TestCatalogue:
    def test_names_what_conditions_can_be_about(self, api: Api) -> None:
        found = api("get", "catalogue/").json()

        fields = {field["key"]: field for field in found["fields"]}
        assert "between" in fields["company_size"]["operators"]
        assert {"value": "NL", "label": "Netherlands"} in fields["country"]["options"]
        assert {"segment", "tag", "drip"} <= {each["key"] for each in found["memberships"]}
        assert "utm_source" in found["touch_properties"]
