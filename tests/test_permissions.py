"""Who may do what, at every address. An address that stands in no table here fails."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.db import connection
from django.test import Client

from tests.factories import LeadFactory
from tests.test_public_routes import PUBLIC, routes
from tests.world import World, make_world

pytestmark = pytest.mark.django_db

PEOPLE = ("owner", "stranger", "other manager", "manager", "marketer", "admin")

ALL = frozenset(PEOPLE)
SEES_LEAD = ALL - {"stranger", "other manager"}
OFFICE = ALL - {"owner", "stranger"}
MANAGERS = frozenset({"manager", "other manager", "admin"})
MARKETERS = frozenset({"marketer", "admin"})
ADMIN = frozenset({"admin"})
OWNER = frozenset({"owner"})
IMPORTED = frozenset({"manager", "marketer", "admin"})  # the import is the manager's
EXPORTED = frozenset({"owner", "marketer", "admin"})  # the export is Alice's
PLANNERS = frozenset({"owner", "manager", "admin"})  # the hours are Alice's
RATERS = frozenset({"manager", "admin"})
NOBODY: frozenset[str] = frozenset()

# Pages, by who may open them and do what they do. The lead, its task and deal are Alice's.
PAGES = {
    ALL: """
        /deals/
        /pipeline/views/
        /settings/email-templates/
        /settings/email-templates/new/
        /settings/notifications/live/
        /settings/notifications/choices/
        /conditions/builder/
        /leads/filter/conditions/
        /conditions/count/
        /dashboard/
        /dashboard/funnel/
        /dashboard/response-time/
        /dashboard/reps/
        /dashboard/rows/
        /
        /pipeline/
        /pipeline/filter/
        /pipeline/lanes/<slug:stage>/
        /pipeline/bulk/assign/
        /pipeline/bulk/stage/
        /tasks/
        /routing/
        /routing/log/
        /routing/queue/
        /routing/watch/
        /routing/targets/
        /routing/versions/
        /routing/versions/<int:number>/
        /settings/hours/
        /routing/pools/<int:pool_id>/
        /leads/
        /leads/filter/
        /leads/columns/
        /leads/export/
        /leads/export/columns/
        /exports/
        /leads/views/counts/
        /leads/views/new/
        /leads/bulk/assign/
        /leads/bulk/stage/
        /leads/bulk/tag/
        /leads/bulk/delete/
        /leads/new/
        /duplicates/
        /duplicates/merge/
        /duplicates/undo/<uuid:batch>/
        /search/
        /scoring/
        /scoring/preview/
        /scoring/simulation/
        /scoring/backtest/
        /scoring/prediction/
        /scoring/progress/
        /scoring/versions/
        /scoring/versions/<int:number>/
        /scoring/models/
        /settings/
        /settings/profile/
        /settings/notifications/
        /settings/notifications/read/
    """,
    SEES_LEAD: """
        /leads/<public_id:lead_id>/meetings/
        /leads/<public_id:lead_id>/files/
        /leads/<public_id:lead_id>/entries/<int:activity_id>/correct/
        /meetings/<public_id:meeting_id>/
        /meetings/<public_id:meeting_id>/close/
        /meetings/<public_id:meeting_id>/invite.ics
        /files/<public_id:file_id>/
        /files/<public_id:file_id>/remove/
        /deals/<int:deal_id>/
        /deals/<int:deal_id>/lines/
        /deals/<int:deal_id>/delete/
        /pipeline/<public_id:lead_id>/move/
        /leads/<public_id:lead_id>/call/
        /leads/<public_id:lead_id>/email/
        /leads/<public_id:lead_id>/tasks/
        /leads/<public_id:lead_id>/deals/
        /leads/<public_id:lead_id>/owner/
        /leads/<public_id:lead_id>/accept/
        /leads/<public_id:lead_id>/decline/
        /leads/<public_id:lead_id>/verdict/
        /leads/<public_id:lead_id>/bring-back/
        /leads/<public_id:lead_id>/snooze/
        /leads/<public_id:lead_id>/done/
        /leads/<public_id:lead_id>/reopen/
        /leads/<public_id:lead_id>/routing/
        /leads/<public_id:lead_id>/take/
        /routing/decisions/<int:decision_id>/
        /tasks/<int:task_id>/done/
        /tasks/<int:task_id>/reopen/
        /tasks/<int:task_id>/snooze/
        /leads/<public_id:lead_id>/
        /leads/<public_id:lead_id>/edit/
        /leads/<public_id:lead_id>/fields/<slug:name>/
        /leads/<public_id:lead_id>/timeline/
        /leads/<public_id:lead_id>/panels/
        /leads/<public_id:lead_id>/notes/
        /leads/<public_id:lead_id>/tags/
        /leads/<public_id:lead_id>/tracking/
        /leads/<public_id:lead_id>/browsers/<int:link_id>/cut/
        /leads/<public_id:lead_id>/browsers/<int:link_id>/confirm/
        /leads/<public_id:lead_id>/delete/
        /leads/<public_id:lead_id>/merge/
        /leads/<public_id:lead_id>/unmerge/<int:merge_id>/
        /leads/<public_id:lead_id>/proposals/<int:proposal_id>/<slug:deed>/
        /duplicates/<int:pair_id>/dismiss/
        /duplicates/<int:pair_id>/reopen/
        /leads/<str:lead_id>/score/
        /leads/<str:lead_id>/score/prospects/
        /leads/<str:lead_id>/adjustments/
        /leads/<str:lead_id>/adjustments/<int:adjustment_id>/revoke/
        /leads/<str:lead_id>/bant/
        /leads/<str:lead_id>/bant/<int:answer_id>/undo/
        /leads/<str:lead_id>/surveys/
        /surveys/<slug:slug>/responses/<str:response_id>/
        /leads/<public_id:lead_id>/drips/
        /leads/<public_id:lead_id>/drips/<slug:key>/stop/
    """,
    OWNER: """
        /pipeline/views/<int:view_id>/delete/
        /settings/email-templates/<int:template_id>/
        /pipeline/undo/<slug:deed>/<str:token>/
        /leads/views/<int:view_id>/share/
        /leads/views/<int:view_id>/delete/
        /leads/undo/<str:token>/
        /settings/notifications/<int:notification_id>/
    """,
    IMPORTED: """
        /import/<public_id:job_id>/
        /import/<public_id:job_id>/columns/
        /import/<public_id:job_id>/reading/
        /import/<public_id:job_id>/rows/
        /import/<public_id:job_id>/set-aside/
        /import/<public_id:job_id>/<slug:deed>/
    """,
    EXPORTED: """
        /exports/<public_id:job_id>/
    """,
    OFFICE: """
        /import/
        /import/new/
        /duplicates/search/
        /dashboard/sources/
        /settings/channels/
        /settings/channels/list/
        /settings/channels/list/<slug:key>/
        /settings/channels/rules/
        /settings/channels/rules/new/
        /settings/channels/rules/<slug:key>/
        /settings/channels/rules/<slug:key>/move/
        /settings/channels/rules/<slug:key>/delete/
        /marketing/
        /marketing/<int:campaign_id>/
        /marketing/<int:campaign_id>/change/
        /marketing/spend/
        /marketing/spend/file/
        /marketing/spend/<int:entry_id>/
        /marketing/spend/<int:entry_id>/delete/
        /marketing/conversions/
        /marketing/conversions/file/
        /marketing/rates/
        /marketing/rates/<int:rate_id>/delete/
        /segments/
        /segments/new/
        /segments/preview/
        /segments/<public_id:segment_id>/
        /segments/<public_id:segment_id>/members/
        /segments/<public_id:segment_id>/remove/
        /surveys/
        /surveys/new/
        /surveys/<slug:slug>/
        /surveys/<slug:slug>/edit/
        /surveys/<slug:slug>/try/
        /surveys/<slug:slug>/responses/
        /surveys/<slug:slug>/versions/
        /surveys/<slug:slug>/settings/
        /surveys/<slug:slug>/<slug:deed>/
        /segments/<public_id:segment_id>/why/
        /segments/<public_id:segment_id>/archive/
        /segments/<public_id:segment_id>/duplicate/
        /leads/bulk/list/
        /sources/
        /sources/new/
        /sources/<slug:key>/
        /sources/<slug:key>/edit/
        /sources/<slug:key>/fields/
        /sources/<slug:key>/address/
        /sources/<slug:key>/secret/<slug:use>/
        /sources/<slug:key>/switch/
        /sources/<slug:key>/archive/
        /sources/<slug:key>/delete/
        /sources/<slug:key>/retry/
        /sources/<slug:key>/feedback/
        /sources/<slug:key>/feedback/retry/
        /inbox/
        /inbox/<uuid:receipt_id>/
        /inbox/<uuid:receipt_id>/release/
        /inbox/<uuid:receipt_id>/process/
        /inbox/<uuid:receipt_id>/reject/
        /inbox/<uuid:receipt_id>/restore/
        /inbox/<uuid:receipt_id>/correct/
        /inbox/<uuid:receipt_id>/body/
        /inbox/bulk/
        /inbox/deeds/<int:deed_id>/undo/
        /settings/spam/
        /settings/spam/rules/
        /settings/spam/rules/<int:rule_id>/delete/
        /forms/
        /forms/new/
        /forms/<slug:slug>/
        /forms/assets/
        /forms/assets/new/
        /forms/assets/<int:asset_id>/
        /forms/assets/<int:asset_id>/archive/
        /forms/consent/
        /forms/<slug:slug>/edit/
        /forms/<slug:slug>/undo/
        /forms/<slug:slug>/discard/
        /forms/<slug:slug>/preview.css
        /forms/<slug:slug>/embed/
        /forms/<slug:slug>/versions/
        /forms/<slug:slug>/answers/
        /forms/<slug:slug>/unfinished/
        /forms/<slug:slug>/unfinished/<int:row_id>/
        /forms/<slug:slug>/settings/
        /forms/<slug:slug>/publish/
        /forms/<slug:slug>/unpublish/
        /forms/<slug:slug>/copy/
        /forms/<slug:slug>/archive/
        /forms/<slug:slug>/delete/
        /nurturing/
        /nurturing/templates/
        /nurturing/templates/<slug:key>/
        /nurturing/templates/<slug:key>/preview/
        /nurturing/<slug:key>/
        /nurturing/<slug:key>/people/
        /nurturing/<slug:key>/log/
    """,
    PLANNERS: """
        /settings/hours/<slug:public_id>/
        /settings/hours/<slug:public_id>/absences/
        /settings/absences/<int:absence_id>/end/
    """,
    RATERS: """
        /settings/hours/<slug:public_id>/abilities/
    """,
    MANAGERS: """
        /settings/pipelines/
        /settings/pipelines/<slug:key>/
        /settings/pipelines/<slug:key>/change/
        /settings/pipelines/<slug:key>/stages/new/
        /settings/pipelines/<slug:key>/stages/<slug:stage>/
        /settings/pipelines/<slug:key>/stages/<slug:stage>/change/
        /settings/pipelines/<slug:key>/stages/<slug:stage>/moves/
        /settings/reasons/<slug:kind>/new/
        /settings/reasons/<slug:kind>/<int:reason_id>/
        /settings/products/
        /settings/products/new/
        /settings/products/categories/
        /settings/products/<public_id:product_id>/
        /routing/rules/new/
        /routing/rules/<slug:key>/
        /routing/rules/<slug:key>/change/
        /routing/publish/
        /routing/discard/
        /routing/pools/new/
        /routing/pools/<int:pool_id>/edit/
        /routing/pools/<int:pool_id>/delete/
        /routing/fallback/
        /routing/queue/drain/
        /routing/watch/<slug:kind>/
        /routing/targets/new/
        /routing/targets/<int:target_id>/
        /routing/targets/<int:target_id>/change/
        /routing/versions/<int:number>/restore/
        /routing/dry-run/
        /settings/calendar/
        /settings/calendar/holidays/new/
        /settings/calendar/holidays/<int:calendar_id>/
        /settings/calendar/holidays/<int:calendar_id>/delete/
        /routing/pools/<int:pool_id>/members/
    """,
    MARKETERS: """
        /settings/automatic-mail/
        /settings/automatic-mail/<int:mail_id>/
        /settings/qualification/
        /settings/qualification/new/
        /settings/qualification/<slug:key>/
        /settings/qualification/<slug:key>/use/
        /settings/qualification/<slug:key>/delete/
        /settings/tracking/
        /settings/tracking/new/
        /settings/tracking/<int:site_id>/
        /settings/tracking/<int:site_id>/check/
        /settings/tracking/<int:site_id>/secret/
        /settings/tracking/<int:site_id>/stop/
        /inbox/reconciliation/
        /inbox/reconciliation/count/
        /scoring/thresholds/
        /scoring/prediction/stop/
        /scoring/qualification/
        /scoring/publish/
        /scoring/discard/
        /scoring/versions/<int:number>/restore/
        /scoring/models/new/
        /scoring/models/<slug:key>/archive/
        /scoring/rules/new/
        /scoring/rules/<uuid:uid>/
        /scoring/rules/<uuid:uid>/edit/
        /scoring/rules/<uuid:uid>/delete/
        /nurturing/new/
        /nurturing/sending/
        /nurturing/templates/new/
        /nurturing/templates/<slug:key>/test/
        /nurturing/<slug:key>/log/again/
        /nurturing/<slug:key>/settings/
        /nurturing/<slug:key>/state/
        /nurturing/<slug:key>/publish/
        /nurturing/<slug:key>/enrol/
        /nurturing/<slug:key>/steps/
        /nurturing/<slug:key>/steps/<str:step>/
    """,
    ADMIN: """
        /settings/configuration/
        /settings/configuration/file/
        /settings/workspace/
        /settings/fields/
        /settings/fields/new/
        /settings/fields/<slug:key>/
        /settings/fields/<slug:key>/move/
        /settings/fields/<slug:key>/archive/
        /settings/fields/<slug:key>/delete/
        /settings/people/
        /settings/people/new/
        /settings/people/<slug:public_id>/
        /settings/people/<slug:public_id>/active/
        /settings/people/<slug:public_id>/invite/
        /settings/people/<slug:public_id>/leave/
        /settings/teams/new/
        /settings/teams/<int:team_id>/
        /settings/api-keys/
        /settings/api-keys/new/
        /settings/api-keys/<int:key_id>/revoke/
        /settings/events/
        /settings/events/retry/
        /settings/mail/
        /settings/mail/<str:key>/
        /settings/mail/<str:key>/html/
    """,
    NOBODY: """
        /settings/components/
    """,
}

# The API, by who may read and who may write; under /api/v1.
API = {
    (ALL, ALL): """
        /exports/
        /capture/
        /leads/
        /leads/bulk/
        /activities/
    """,
    (ALL, OFFICE): """
        /sources/
    """,
    (ALL, NOBODY): """
        /duplicates/
        /sources/<slug:key>/
        /companies/
        /forms/
        /forms/<slug:slug>/
        /stages/
        /users/
        /users/<slug:user_id>/
        /teams/
        /teams/<int:team_id>/
        /routing-rules/versions/
        /close-reasons/
        /deals/
        /pools/
        /tasks/
        /reports/overview/
        /reports/funnel/
        /reports/response-time/
        /reports/reps/
    """,
    (OFFICE, OFFICE): """
        /surveys/
        /surveys/<slug:slug>/
        /surveys/<slug:slug>/publish/
        /surveys/<slug:slug>/links/
        /surveys/<slug:slug>/responses/
        /segments/
        /segments/preview/
        /segments/explain/
        /segments/<public_id:segment_id>/
        /segments/<public_id:segment_id>/members/
        /segments/<public_id:segment_id>/members/remove/
        /marketing-campaigns/
        /marketing-conversions/
        /marketing-campaigns/<int:campaign_id>/
        /spend/
        /spend/<int:entry_id>/
        /imports/
    """,
    (IMPORTED, IMPORTED): """
        /imports/<public_id:job_id>/
        /imports/<public_id:job_id>/rows/
        /imports/<public_id:job_id>/<slug:deed>/
    """,
    (EXPORTED, NOBODY): """
        /exports/<public_id:job_id>/
        /exports/<public_id:job_id>/file/
    """,
    (OFFICE, NOBODY): """
        /segments/catalogue/
        /capture/<uuid:receipt_id>/
        /reports/sources/
    """,
    (SEES_LEAD, NOBODY): """
        /companies/<public_id:company_id>/
    """,
    (SEES_LEAD, SEES_LEAD): """
        /leads/<public_id:lead_id>/
        /leads/<public_id:lead_id>/timeline/
        /leads/<public_id:lead_id>/activities/
        /leads/<public_id:lead_id>/notes/
        /leads/<public_id:lead_id>/merge/
        /leads/<public_id:lead_id>/unmerge/
        /duplicates/<int:pair_id>/
        /leads/<str:public_id>/score/
        /leads/<str:public_id>/score/history/
        /leads/<str:public_id>/score/prospects/
        /leads/<str:public_id>/prediction/
        /leads/<str:public_id>/adjustments/
        /leads/<str:public_id>/adjustments/<int:adjustment_id>/
        /leads/<str:public_id>/qualifications/
        /leads/<str:public_id>/bant/
        /leads/<str:public_id>/standing/
        /leads/<public_id:lead_id>/emails/
        /leads/<public_id:lead_id>/meetings/
        /leads/<public_id:lead_id>/stage/
        /leads/<public_id:lead_id>/reopen/
        /leads/<public_id:lead_id>/deals/
        /leads/<public_id:lead_id>/owner/
        /leads/<public_id:lead_id>/acceptance/
        /leads/<public_id:lead_id>/rejection/
        /leads/<public_id:lead_id>/disqualification/
        /leads/<public_id:lead_id>/routing/
        /leads/<public_id:lead_id>/response/
        /leads/<public_id:lead_id>/tasks/
        /leads/<public_id:lead_id>/calls/
        /leads/<public_id:lead_id>/enrollments/
        /leads/<public_id:lead_id>/enrollments/<slug:key>/
        /leads/<public_id:lead_id>/sends/
        /deals/<int:deal_id>/
        /tasks/<int:task_id>/
        /tasks/<int:task_id>/done/
        /tasks/<int:task_id>/snooze/
    """,
    (ALL, MARKETERS): """
        /scoring-models/
        /scoring-models/<slug:key>/
        /scoring-models/<slug:key>/draft/
        /scoring-models/<slug:key>/rules/
        /scoring-models/<slug:key>/rules/<uuid:uid>/
        /scoring-models/<slug:key>/publish/
        /scoring-models/<slug:key>/simulate/
        /scoring-models/<slug:key>/backtest/
        /prediction/
        /scoring-models/<slug:key>/versions/
        /scoring-models/<slug:key>/versions/<int:number>/
        /scoring-models/<slug:key>/versions/<int:number>/restore/
    """,
    (ADMIN, ADMIN): """
        /configuration/
    """,
    (ALL, ADMIN): """
        /fields/
        /fields/<slug:key>/
    """,
    (ALL, MANAGERS): """
        /pipelines/
        /pipelines/<slug:key>/
        /stages/
        /stages/<int:stage_id>/
        /products/
        /products/<public_id:product_id>/
        /routing-rules/
        /routing-rules/roll-back/
        /routing-rules/publish/
        /routing-rules/dry-run/
    """,
    (OFFICE, MARKETERS): """
        /drip-campaigns/
        /drip-campaigns/<slug:key>/
        /drip-campaigns/<slug:key>/pause/
        /drip-campaigns/<slug:key>/resume/
        /drip-campaigns/<slug:key>/sends/
        /templates/
        /templates/<slug:key>/
    """,
}

# What an address needs to know besides itself.
QUERIES = {
    "pipeline/lanes/<slug:stage>/": "?after=50_1",
    "dashboard/rows/": "?metric=new_leads",
}

WRITES = ("post", "put", "patch", "delete")
SHOWN = {200, 302}
CLOSED = {403, 404}
# When a key was used, when somebody signed in, who took out which leads.
OWN_MARKS = {"accounts_apikey", "accounts_user", "leads_exportjob"}
# Copies that are brought up to date before they are read.
COPIES = {"pipeline_cyclefact", "pipeline_changedlead"}


@pytest.fixture
def world(settings: Any, tmp_path: Path) -> World:
    settings.EMAIL_CATCHER, settings.MAIL_DIR = True, tmp_path
    settings.API_RATE_PER_MINUTE = 100_000
    return make_world()


def table(rows: dict[Any, str], prefix: str = "") -> dict[str, Any]:
    return {prefix + route[1:]: who for who, block in rows.items() for route in block.split()}


def is_ours(route: str) -> bool:
    """Not public, and not the sign-in library's."""
    return route not in PUBLIC and not route.startswith("accounts/")


def pages(world: World) -> Iterator[tuple[str, str, frozenset[str]]]:
    known = table(PAGES)
    for route, address in world.addresses():
        if route in known:
            yield route, address + QUERIES.get(route, ""), known[route]


def endpoints(world: World) -> Iterator[tuple[str, frozenset[str], frozenset[str]]]:
    known = table(API, "api/v1/")
    for route, address in world.addresses():
        if route in known:
            yield address, *known[route]


def contents() -> dict[str, str]:
    """A fingerprint of every table of ours."""
    found = {}
    with connection.cursor() as cursor:
        for model in apps.get_models():
            name = model._meta.db_table
            if name.startswith(("accounts_", "leads_", "scoring_", "pipeline_", "nurturing_")):
                rows = "SELECT md5(string_agg(t::text, '' ORDER BY t::text)) FROM"
                cursor.execute(f"{rows} {name} t")
                found[name] = cursor.fetchone()[0]
    return {name: mark for name, mark in found.items() if name not in OWN_MARKS | COPIES}


def test_every_address_stands_in_a_table_and_every_line_is_an_address() -> None:
    present = {route for route, _ in routes() if is_ours(route)}

    assert present == set(table(PAGES)) | set(table(API, "api/v1/"))


def test_each_page_opens_for_those_who_may_and_is_missing_for_others(world: World) -> None:
    for who in PEOPLE:
        client = world.client(who)
        for _, address, may in pages(world):
            status = client.get(address).status_code
            if status != 405:  # nothing to see there for anybody
                assert status in (SHOWN if who in may else CLOSED), (who, address, status)


def test_who_may_not_open_a_page_may_not_send_it_anything_either(world: World) -> None:
    clients = {who: world.client(who) for who in PEOPLE}
    before = contents()

    for who, client in clients.items():
        for route, address, may in pages(world):
            if who not in may:
                only_shown = client.get(address).status_code != 405
                refusals = CLOSED | ({405} if only_shown else {409} if "undo/" in route else set())
                status = client.post(address).status_code
                assert status in refusals, (who, address, status)

    assert contents() == before


def test_strangers_and_programs_are_sent_to_the_sign_in_page(world: World) -> None:
    clients = [world.client("anonymous"), world.client("full key")]
    before = contents()

    for _, address, _ in pages(world):
        for client in clients:
            for answer in (client.get(address), client.post(address)):
                assert answer.status_code == 302, address
                assert answer["Location"].startswith("/accounts/login/"), address

    assert contents() == before


def test_each_endpoint_answers_those_who_may_read_it(world: World) -> None:
    for who in PEOPLE:
        client = world.client(who)
        for address, readers, writers in endpoints(world):
            status = client.get(address).status_code
            expected = {200} if who in readers else CLOSED
            assert status in expected | ({405} if writers else set()), (who, address, status)


def test_who_may_not_write_through_the_api_changes_nothing(world: World) -> None:
    clients = {who: world.client(who) for who in PEOPLE}
    before = contents()

    for who, client in clients.items():
        for address, _, writers in endpoints(world):
            for method in WRITES if who not in writers else ():
                status = getattr(client, method)(
                    address, {}, content_type="application/json"
                ).status_code
                assert status in CLOSED | {405}, (who, method, address, status)

    assert contents() == before


class TestKeys:
    def test_without_one_programs_are_told_to_show_one(self, world: World) -> None:
        client = world.client("anonymous")

        for address, _, _ in endpoints(world):
            for method in ("get", *WRITES):
                answer = getattr(client, method)(address)
                assert answer.status_code == 401, (method, address)
                assert answer["WWW-Authenticate"] == "Bearer"

    def test_for_something_else_open_nothing(self, world: World) -> None:
        client = world.client("wrong key")

        for address, _, _ in endpoints(world):
            for method in ("get", *WRITES):
                assert getattr(client, method)(address).status_code == 403, (method, address)

    def test_for_reading_read_and_change_nothing(self, world: World) -> None:
        client = world.client("reading key")
        before = contents()

        for address, _, _ in endpoints(world):
            if "/capture/" not in address:
                assert client.get(address).status_code in {200, 405}, address
            for method in WRITES:
                assert getattr(client, method)(address).status_code == 403, (method, address)

        assert contents() == before

    def test_of_a_person_may_no_more_than_that_person(self, world: World) -> None:
        client = world.client("owner's key")

        for address, readers, writers in endpoints(world):
            if "owner" not in readers:
                assert client.get(address).status_code in CLOSED, address
            if "owner" not in writers:
                answer = client.post(address, {}, content_type="application/json")
                assert answer.status_code in CLOSED | {405}, address


class TestNamingALeadThatOneMayNotSee:
    """Addresses for many leads name them in the body."""

    @pytest.fixture
    def bob(self, world: World) -> Client:
        return world.client("stranger")

    @pytest.mark.parametrize(
        ("address", "said"),
        [
            ("/pipeline/bulk/assign/", {"owner": ""}),
            ("/pipeline/bulk/stage/", {"stage": "contacted"}),
            ("/leads/bulk/tag/", {"tags": "mine"}),
            ("/leads/bulk/delete/", {}),
        ],
    )
    def test_among_many_leaves_it_alone(
        self, world: World, bob: Client, address: str, said: dict[str, str]
    ) -> None:
        before = contents()

        bob.post(address, {"ids": [world.lead.public_id], **said})

        assert contents() == before

    def test_in_an_export_leaves_it_out(self, world: World, bob: Client) -> None:
        own = LeadFactory(owner=world.people["stranger"])

        answer = bob.post("/leads/export/", {"ids": [world.lead.public_id, own.public_id]})

        text = b"".join(answer.streaming_content).decode()
        assert own.email in text
        assert world.lead.email not in text

    def test_for_an_activity_or_a_bulk_row_is_refused_for_that_row(
        self, world: World, bob: Client
    ) -> None:
        before = contents()
        activity = {"type": "note", "lead": world.lead.public_id}
        by_email = {"type": "note", "email": world.lead.email}

        sent = to_api(bob, "activities/", [activity, by_email])
        bulk = to_api(bob, "leads/bulk/", [{"email": world.lead.email, "first_name": "Mine"}])

        assert {row["status"] for row in [*sent["results"], *bulk["results"]]} == {"error"}
        assert contents() == before

    def test_by_its_address_says_nothing_about_it(self, world: World, bob: Client) -> None:
        page = bob.post("/leads/new/", {"first_name": "Bob", "email": world.lead.email})
        answer = to_api(bob, "leads/", {"email": world.lead.email})

        for text in (page.content.decode(), str(answer)):
            assert world.lead.public_id not in text
            assert world.lead.last_name not in text

    def test_in_a_search_a_list_or_a_board_finds_nothing(self, world: World, bob: Client) -> None:
        for path in ("search/?q={}", "leads/?search={}", "pipeline/?search={}", "routing/?q={}"):
            page = bob.get("/" + path.format(world.lead.last_name)).content.decode()
            assert world.lead.public_id not in page, path

        assert to_api(bob, f"leads/?search={world.lead.last_name}")["results"] == []


def to_api(client: Client, path: str, body: Any = None) -> Any:
    if body is None:
        return client.get(f"/api/v1/{path}").json()
    return client.post(f"/api/v1/{path}", body, content_type="application/json").json()
