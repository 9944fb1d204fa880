"""Five models share the credit of the same conversions: each as defined, all to the same total."""

import random
from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from django.http import QueryDict
from django.test import Client

from leadcrm.accounts.models import Role, User
from leadcrm.dashboard.forms import Asked, ReportForm
from leads.attribution.credit import KINDS, MODELS, UNITS, Sharing
from leads.models import AttributionSettings, ExchangeRate, MarketingCampaign, SpendEntry, Touch
from pipeline.models import Deal, SalesCycle
from pipeline.reports import attribution, sources
from tests.dashboard.credit_oracle import Seen, shares
from tests.factories import NOON, LeadFactory, SourceFactory, UserFactory, make_funnel

pytestmark = pytest.mark.django_db

CHANNELS = ("paid_search", "email", "event", "direct")
SETTINGS = [
    Sharing(),
    Sharing(window_days=10, half_life_days=0.5, ends_percent=30),
    Sharing(ends_percent=50, ignore_direct=True),
    Sharing(window_days=730, half_life_days=0.5, ends_percent=0),
]


@dataclass
class Told:
    """A cycle that was made up, with the moments at which it counts."""

    cycle: SalesCycle
    path: list[Seen]
    fallback: str
    moments: dict[str, datetime]
    cents: int = 0


@pytest.fixture
def admin() -> User:
    return UserFactory(name="Charlie", role=Role.ADMIN)


@pytest.fixture
def browser(client: Client, admin: User) -> Client:
    client.force_login(admin)
    return client


def ask(principal: Any, query: str = "period=90d") -> Asked:
    form = ReportForm(QueryDict(query), principal=principal, now=NOON)
    assert form.is_valid(), form.errors
    return form.asked


def made_up(seed: int, count: int = 30) -> list[Told]:
    chance = random.Random(seed)
    new = make_funnel()["new"]
    campaigns = [
        MarketingCampaign.objects.create(name=name, utm_campaign=name)
        for name in ("spring", "expo")
    ]
    fair = SourceFactory(key="fair", channel="event")
    other = SourceFactory(key="other", channel="other")
    return [_one(chance, new, campaigns, [fair, other, None]) for _ in range(count)]


def _one(chance: random.Random, new: Any, campaigns: list[Any], some: list[Any]) -> Told:
    opened = NOON - timedelta(minutes=chance.randint(60_000, 120_000))
    source = chance.choice(some)
    lead = LeadFactory(source=source, created_at=opened)
    moments = {"lead": opened}
    for kind in KINDS[1 : chance.randint(1, 4)]:
        moments[kind] = max(moments.values()) + timedelta(minutes=chance.randint(1, 15_000))
    cycle = SalesCycle.objects.create(
        lead=lead,
        pipeline=new.pipeline,
        source=source,
        opened_at=opened,
        received_at=opened,
        mql_at=moments.get("mql"),
        sql_at=moments.get("sql"),
        closed_at=moments.get("won"),
        outcome="won" if "won" in moments else "",
    )
    cents = chance.randint(1, 10_000_000) if "won" in moments else 0
    if cents:
        Deal.objects.create(
            lead=lead,
            cycle=cycle,
            name="Deal",
            amount=Decimal(cents) / 100,
            currency="EUR",
            state="won",
            closed_at=moments["won"],
        )
    fallback = "event" if source is some[0] else "unknown"
    return Told(cycle, _path(chance, lead, opened, campaigns), fallback, moments, cents)


def _path(chance: random.Random, lead: Any, opened: datetime, campaigns: list[Any]) -> list[Seen]:
    path = []
    for _ in range(chance.choice([0, 1, 1, 2, 3, 5, 8])):
        at = opened - timedelta(minutes=chance.randint(-20_000, 60_000))
        campaign = chance.choice([*campaigns, None])
        channel = chance.choice(CHANNELS)
        Touch.objects.create(lead=lead, channel=channel, campaign=campaign, occurred_at=at)
        path.append(Seen(at, channel, campaign.pk if campaign else None))
    return path


def set_up(sharing: Sharing) -> None:
    AttributionSettings.objects.create(
        pk=AttributionSettings.PK,
        window_days=sharing.window_days,
        half_life_days=sharing.half_life_days,
        ends_percent=sharing.ends_percent,
        ignore_direct=sharing.ignore_direct,
    )


class TestModels:
    @pytest.mark.parametrize(("seed", "sharing"), list(enumerate(SETTINGS)))
    def test_share_as_defined_and_to_the_same_total(
        self, seed: int, sharing: Sharing, admin: User
    ) -> None:
        told = made_up(seed)
        set_up(sharing)

        found = attribution.credits_of(ask(admin).scope)

        for model in MODELS:
            expected: dict[Any, Fraction] = defaultdict(Fraction)
            money: dict[Any, Fraction] = defaultdict(Fraction)
            for one in told:
                for kind, at in one.moments.items():
                    parts = shares(model, one.path, at, one.fallback, sharing)
                    for place, part in parts.items():
                        expected[place, kind] += part
                        money[place] += part * one.cents if kind == "won" else 0
            for kind in KINDS:
                units = [credit.units.get((model, kind), 0) for credit in found.values()]
                assert sum(units) == UNITS * sum(kind in one.moments for one in told)
            cents = [credit.cents.get(model, 0) for credit in found.values()]
            assert sum(cents) == sum(one.cents for one in told)
            for (place, kind), part in expected.items():
                # Each touch is rounded down to a unit or up: never by a whole one.
                assert abs(found[place].units.get((model, kind), 0) - part * UNITS) <= 300
            for place, part in money.items():
                assert abs(found[place].cents.get(model, 0) - part) <= 300

    def test_say_what_each_lead_gives_to_a_channel(self, admin: User) -> None:
        told = made_up(9)
        scope = ask(admin).scope
        sharing = Sharing()

        rows = sources.credited(scope, "linear", "email", "sql")
        found = attribution.shares_of(
            scope, [row.pk for row in rows], "linear", "sql", channel="email"
        )

        expected = {
            one.cycle.pk: sum(
                part
                for (channel, _), part in shares(
                    "linear", one.path, one.moments["sql"], one.fallback, sharing
                ).items()
                if channel == "email"
            )
            for one in told
            if "sql" in one.moments
        }
        assert set(found) == {pk for pk, part in expected.items() if part}
        assert all(
            abs(share.credit - Decimal(float(expected[pk]))) < Decimal("0.0001")
            for pk, share in found.items()
        )
        total = sum(share.credit for share in found.values())
        whole = sum(
            credit.count("linear", "sql")
            for (channel, _), credit in attribution.credits_of(scope).items()
            if channel == "email"
        )
        assert total == whole

    def test_a_visit_of_the_very_moment_counts_and_one_before_the_window_does_not(
        self, admin: User
    ) -> None:
        (one,) = made_up(3, count=1)
        Touch.objects.all().delete()
        at = one.moments["lead"]
        for channel, moment in (("email", at), ("event", at - timedelta(days=90))):
            Touch.objects.create(lead=one.cycle.lead, channel=channel, occurred_at=moment)

        found = attribution.credits_of(ask(admin).scope)

        assert found["email", None].count("linear", "lead") == 1
        assert ("event", None) not in found


class TestSpend:
    def test_goes_to_its_campaign_and_both_add_up(self, admin: User) -> None:
        made_up(4)
        spring = MarketingCampaign.objects.get(utm_campaign="spring")
        day = (NOON - timedelta(days=50)).date()
        for campaign, amount in ((spring, "300"), (None, "100.50")):
            SpendEntry.objects.create(
                channel="email",
                campaign=campaign,
                first_day=day,
                last_day=day,
                amount=amount,
                currency="EUR",
            )

        found = sources.sources(ask(admin).scope, "linear")

        email = next(row for row in found.rows if row.channel == "email")
        assert {part.label: part.spend for part in email.campaigns if part.spend} == {
            "spring": Decimal("300.00"),
            "Without a campaign": Decimal("100.50"),
        }
        assert (email.spend, found.total.spend) == (Decimal("400.50"), Decimal("400.50"))
        assert email.leads == sum(part.leads for part in email.campaigns)

    def test_in_another_currency_counts_by_the_rate_of_its_month(self, admin: User) -> None:
        make_funnel()
        ExchangeRate.objects.create(currency="USD", month="2026-10-01", rate="0.9")
        ExchangeRate.objects.create(currency="USD", month="2026-11-01", rate="0.5")
        for currency in ("USD", "GBP"):
            SpendEntry.objects.create(
                channel="email",
                first_day="2026-10-31",
                last_day="2026-11-01",
                amount="20",
                currency=currency,
            )

        found = sources.sources(ask(admin).scope)

        assert found.total.spend == Decimal("14.00")
        assert found.other_currencies == ("GBP",)


class TestPage:
    @pytest.fixture(autouse=True)
    def at_noon(self, time_machine: Any) -> None:
        time_machine.move_to(NOON, tick=False)

    @pytest.mark.parametrize("model", list(MODELS))
    def test_shows_the_numbers_that_programs_get(self, model: str, browser: Client) -> None:
        made_up(5)

        page = browser.get(f"/dashboard/sources/?period=90d&model={model}").context["found"]
        api = browser.get(f"/api/v1/reports/sources/?period=90d&model={model}&measure=won").json()

        assert [
            (row["channel"], row["leads"], row["won"], Decimal(row["revenue"]))
            for row in api["rows"]
        ] == [(row.channel, float(row.leads), float(row.won), row.revenue) for row in page.rows]
        assert api["total"]["leads"] == 30
        assert set(api["models"]["total"]) == set(MODELS)
        assert len(set(api["models"]["total"].values())) == 1

    def test_the_rows_behind_a_share_sum_to_it(self, browser: Client) -> None:
        made_up(6)
        page = browser.get("/dashboard/sources/?period=90d&model=position&open=email")
        email = next(row for row in page.context["found"].rows if row.channel == "email")

        listed = browser.get(
            "/dashboard/rows/?metric=credited&period=90d&model=position&credit=email&reached=mql"
        )

        assert sum(row["credit"] for row in listed.context["rows"]) == email.mql
        assert "Credit" in listed.content.decode()
        assert 'aria-expanded="true"' in page.content.decode()

    def test_a_campaign_has_rows_of_its_own(self, browser: Client) -> None:
        made_up(6)
        page = browser.get("/dashboard/sources/?period=90d&model=last").context["found"]
        part = next(part for row in page.rows for part in row.campaigns if part.leads)

        listed = browser.get(
            "/dashboard/rows/?metric=credited&period=90d&model=last"
            f"&credit={part.channel}&campaign={part.campaign}"
        )

        assert listed.context["count"].value == part.leads

    @pytest.mark.parametrize("query", ["model=x", "measure=x", "open=%00", "open=nothing"])
    def test_takes_nonsense_for_nothing(self, query: str, browser: Client) -> None:
        made_up(7, count=2)

        assert browser.get(f"/dashboard/sources/?{query}").status_code == 200

    @pytest.mark.parametrize("query", ["model=x", "measure=x"])
    def test_the_api_names_a_wrong_parameter(self, query: str, browser: Client) -> None:
        assert browser.get(f"/api/v1/reports/sources/?{query}").status_code == 422
