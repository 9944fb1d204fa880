"""Every number against a count in plain Python, and against the rows it opens."""

import html
import re
from datetime import datetime
from statistics import median
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.http import QueryDict
from django.test import Client
from django.test.utils import CaptureQueriesContext

from leadcrm.accounts.models import Role, User
from leadcrm.dashboard.forms import Asked, ReportForm
from leadcrm.dashboard.rows import metric_of
from pipeline.reports import funnel, metrics, overview, response, sources
from tests.dashboard.histories import Told, make_histories
from tests.factories import NOON, UserFactory

pytestmark = pytest.mark.django_db

UNKNOWN = [
    "",
    "metric=x",
    "metric=reached&stage=x",
    "metric=band&band=x",
    "metric=hour&weekday=-1&hour=99",
    "metric=assigned&person=x",
    "metric=credited&model=first&credit=%00",
    "metric=lost&reason=%00",
]
PAGES = ["", "funnel/", "response-time/", "sources/", "reps/"]


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice", role=Role.REP)


@pytest.fixture
def admin() -> User:
    return UserFactory(name="Charlie", role=Role.ADMIN)


@pytest.fixture
def told(alice: User) -> list[Told]:
    bob = UserFactory.create(name="Bob")
    return make_histories(seed=7, count=60, owners=[alice, bob])


def ask(principal: Any, query: str = "period=90d", now: datetime = NOON) -> Asked:
    form = ReportForm(QueryDict(query), principal=principal, now=now)
    assert form.is_valid(), form.errors
    return form.asked


@pytest.fixture
def client_of(client: Client) -> Any:
    def sign_in(user: User) -> Client:
        client.force_login(user)
        return client

    return sign_in


def real(told: list[Told]) -> list[Told]:
    return [one for one in told if not one.is_test]


def cohort(told: list[Told], asked: Asked) -> list[Told]:
    scope = asked.scope
    return [one for one in real(told) if scope.start <= one.cycle.opened_at < scope.end]


class TestFunnel:
    def test_a_cohort_counts_whoever_came_to_a_stage_or_beyond(
        self, admin: User, told: list[Told]
    ) -> None:
        asked = ask(admin)

        found = funnel.funnel(asked.scope, asked.before)

        mine = cohort(told, asked)
        expected = [sum(one.furthest >= p for one in mine) for p in range(6)]
        assert [step.count for step in found.steps] == expected
        assert found.still_open == sum(one.cycle.closed_at is None for one in mine)

    def test_a_period_counts_first_arrivals_within_it(self, admin: User, told: list[Told]) -> None:
        asked = ask(admin, "period=30d")

        found = funnel.funnel(asked.scope, None, funnel.PERIOD)

        inside = [
            sum(
                (at := one.first_at(p)) is not None and asked.scope.start <= at < asked.scope.end
                for one in real(told)
            )
            for p in range(6)
        ]
        assert [step.count for step in found.steps] == inside

    def test_time_in_stage_counts_those_still_inside_as_at_least_this_long(
        self, admin: User, told: list[Told]
    ) -> None:
        asked = ask(admin, "period=12m")

        stays = funnel.funnel(asked.scope, None).stays

        for stay in stays:
            left, inside = plain_stays(cohort(told, asked), stay.stage.pk)
            assert (stay.left, stay.inside) == (len(left), len(inside))
            assert stay.median == plain_survival(left, inside, 0.5)
            assert stay.p75 == plain_survival(left, inside, 0.75)
            assert stay.p90 == plain_survival(left, inside, 0.9)

    def test_splits_add_up_to_the_whole(self, admin: User, told: list[Told]) -> None:
        asked = ask(admin)
        whole = [step.count for step in funnel.funnel(asked.scope, None).steps]

        for by in funnel.DIMENSIONS:
            parts = funnel.splits(asked.scope, by, funnel.COHORT)

            assert [sum(column) for column in zip(*(p.counts for p in parts), strict=True)] == whole


def plain_stays(told: list[Told], stage_id: int) -> tuple[list[int], list[int]]:
    left, inside = [], []
    for one in told:
        for (stage, since), (_, until) in zip(one.moves, one.moves[1:], strict=False):
            if stage.pk == stage_id:
                left.append(int((until - since).total_seconds()) // 60)
        last, since = one.moves[-1]
        if last.pk == stage_id:
            inside.append(int((NOON - since).total_seconds()) // 60)
    return left, inside


def plain_survival(left: list[int], inside: list[int], fraction: float) -> int | None:
    remaining = 1.0
    for time in sorted(set(left)):
        at_risk = sum(t >= time for t in left) + sum(t >= time for t in inside)
        remaining *= 1 - left.count(time) / at_risk
        if remaining <= 1 - fraction + 1e-9:
            return time
    return None


class TestResponseTime:
    def test_times_bands_and_shares(self, admin: User, told: list[Told]) -> None:
        asked = ask(admin)

        found = response.response(asked.scope, asked.before)

        mine = cohort(told, asked)
        waits = [
            (one.cycle.first_response_at - one.cycle.received_at).total_seconds()
            for one in mine
            if one.cycle.first_response_at
        ]
        assert found.times.received == len(mine)
        assert found.times.answered == len(waits)
        assert found.times.median == pytest.approx(median(waits))
        assert found.times.in_target == sum(wait <= 3600 for wait in waits)
        assert sum(bar.count for bar in found.bars) == len(waits)
        assert sum(row.count for row in found.conversions) == len(mine)
        assert sum(cell.count for cell in found.cells) == len(mine)
        assert sum(group.times.received for group in found.reps) == len(mine)
        assert found.conversions[1].count == sum(300 <= wait < 3600 for wait in waits)

    def test_waiting_now_is_who_has_no_answer_and_is_not_closed(
        self, admin: User, told: list[Told]
    ) -> None:
        asked = ask(admin)

        waiting = metrics.waiting_now(asked.scope).count()

        assert waiting == sum(
            one.cycle.first_response_at is None and one.cycle.closed_at is None
            for one in real(told)
        )


class TestOverviewAndSources:
    def test_counts(self, admin: User, told: list[Told]) -> None:
        asked = ask(admin, "period=30d")
        scope = asked.scope

        def inside(at: datetime | None) -> bool:
            return at is not None and scope.start <= at < scope.end

        mine = real(told)
        assert overview.count(scope, "new_leads") == sum(inside(o.cycle.opened_at) for o in mine)
        assert overview.count(scope, "mql") == sum(inside(o.first_at(2)) for o in mine)
        assert overview.count(scope, "sql") == sum(inside(o.first_at(3)) for o in mine)
        won = [o for o in mine if o.cycle.outcome == "won" and inside(o.cycle.closed_at)]
        assert overview.count(scope, "won") == len(won)
        assert overview.revenue(scope) == sum(o.amount for o in won)

    def test_first_and_last_touch_give_the_same_total(self, admin: User, told: list[Told]) -> None:
        asked = ask(admin)

        first = sources.sources(asked.scope, sources.FIRST)
        last = sources.sources(asked.scope, sources.LAST)

        mine = cohort(told, asked)
        assert first.total == last.total
        assert (first.total.leads, first.total.won) == (
            len(mine),
            sum(one.cycle.outcome == "won" for one in mine),
        )
        assert first.total.revenue == sum(one.amount for one in mine)


class TestRows:
    @pytest.mark.parametrize("page", PAGES)
    def test_every_number_opens_as_many_rows(
        self, page: str, admin: User, told: list[Told], client_of: Any, time_machine: Any
    ) -> None:
        time_machine.move_to(NOON, tick=False)
        browser = client_of(admin)
        body = browser.get(f"/dashboard/{page}?period=12m&view=cohort").content.decode()

        links = re.findall(
            r'<a(?: class="[^"]*")? href="(/dashboard/rows/\?[^"]*)">([\d,]+)(?=</a|<span)', body
        )

        assert links
        for href, number in links:
            listed = browser.get(html.unescape(href))
            assert listed.context["count"].value == int(number.replace(",", "")), href

    def test_rows_are_of_the_same_filters(self, admin: User, told: list[Told], alice: User) -> None:
        asked = ask(admin, f"period=12m&owner={alice.pk}")

        rows = metric_of("received").rows(asked.scope, {})

        assert {cycle.lead.owner for cycle in rows} == {alice}

    def test_another_period_keeps_the_number(self, admin: User, client_of: Any) -> None:
        page = client_of(admin).get("/dashboard/rows/?metric=reached&stage=new&source=none")

        label, href, _ = page.context["presets"][1]

        assert label == "Last 7 days"
        query = parse_qs(urlsplit(href).query)
        assert query == {
            "metric": ["reached"],
            "stage": ["new"],
            "source": ["none"],
            "period": ["7d"],
        }

    def test_an_unknown_number_is_not_found(self, admin: User, client_of: Any) -> None:
        browser = client_of(admin)

        for query in UNKNOWN:
            assert browser.get(f"/dashboard/rows/?{query}").status_code == 404


class TestWhoSeesWhat:
    def test_a_rep_counts_only_own_leads(
        self, alice: User, told: list[Told], client_of: Any
    ) -> None:
        asked = ask(alice, "period=12m")

        found = funnel.funnel(asked.scope, None)

        assert found.entered == sum(one.owner == alice for one in cohort(told, asked))
        assert client_of(alice).get("/dashboard/sources/").status_code == 404
        assert client_of(alice).get("/api/v1/reports/sources/").status_code == 403

    def test_a_rep_sees_own_figures_only(
        self, alice: User, told: list[Told], client_of: Any
    ) -> None:
        body = client_of(alice).get("/dashboard/reps/?period=12m").content.decode()

        assert "Alice" in body
        assert "Bob" not in body


class TestPages:
    @pytest.mark.parametrize("page", PAGES)
    def test_an_empty_installation_says_so(self, page: str, admin: User, client_of: Any) -> None:
        answer = client_of(admin).get(f"/dashboard/{page}")

        assert answer.status_code == 200
        assert 'class="empty"' in answer.content.decode()
        assert "NaN" not in answer.content.decode()

    @pytest.mark.parametrize("page", [*PAGES, "rows/"])
    @pytest.mark.parametrize(
        "query",
        [
            "period=custom&from=2026-05-02&to=2026-05-01",
            "period=custom&from=2026-05-02",
            "period=custom&from=yesterday&to=2026-05-02",
            "period=custom&from=0001-01-01&to=9999-12-31",
            "period=custom&from=1999-01-01&to=2026-01-01",
            "period=century",
            "source=99999&owner=x",
            "channel=%00",
        ],
    )
    def test_a_period_or_filter_that_cannot_be_meant_is_explained(
        self, page: str, query: str, admin: User, client_of: Any
    ) -> None:
        answer = client_of(admin).get(f"/dashboard/{page}?metric=won&{query}")

        assert answer.status_code == 422
        assert "This report cannot be shown" in answer.content.decode()

    @pytest.mark.parametrize(
        ("page", "most"),
        [("", 44), ("funnel/", 28), ("response-time/", 31), ("sources/", 26), ("reps/", 30)],
    )
    def test_queries_do_not_grow_with_the_data(
        self, page: str, most: int, admin: User, told: list[Told], client_of: Any
    ) -> None:
        browser = client_of(admin)
        browser.get(f"/dashboard/{page}?period=12m")

        with CaptureQueriesContext(
            connection,
        ) as queries:
            browser.get(f"/dashboard/{page}?period=12m")

        assert len(queries) <= most


class TestApi:
    def test_the_same_numbers_as_the_pages(
        self, admin: User, told: list[Told], client_of: Any
    ) -> None:
        browser = client_of(admin)
        query = "period=12m"

        page = browser.get(f"/dashboard/funnel/?{query}").context["found"]
        api = browser.get(f"/api/v1/reports/funnel/?{query}").json()
        times = browser.get(f"/dashboard/response-time/?{query}").context["found"].times
        api_times = browser.get(f"/api/v1/reports/response-time/?{query}").json()["times"]
        tiles = browser.get(f"/dashboard/?{query}").context["found"]["now"]
        api_now = browser.get(f"/api/v1/reports/overview/?{query}").json()["now"]

        assert [step["count"] for step in api["steps"]] == [step.count for step in page.steps]
        assert api["overall"] == page.overall
        assert (api_times["median_seconds"], api_times["received"]) == (
            times.median,
            times.received,
        )
        assert (api_now["sql"], api_now["won"]) == (tiles["sql"], tiles["won"])

    def test_a_wrong_parameter_is_named(self, admin: User, client_of: Any) -> None:
        browser = client_of(admin)

        answer = browser.get("/api/v1/reports/funnel/?period=custom&from=2026-02-01&to=2026-01-01")

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "to"
        assert browser.get("/api/v1/reports/funnel/?view=x").status_code == 422
