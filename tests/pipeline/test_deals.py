"""Deals: lines, discounts, recurring amounts, forecasts; currencies are never added up."""

from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.models import Role, User
from leadcrm.lib.errors import Conflict, Invalid, StaleVersion
from leads.models import Lead
from pipeline import actions
from pipeline.actions import NewLine
from pipeline.actions.products import add_category, archive_product, save_product
from pipeline.models import Deal, DealLine, Product
from pipeline.queries import board as boards
from pipeline.queries import selling
from tests.factories import NOON, UserFactory
from tests.pipeline.factories import open_lead

pytestmark = pytest.mark.django_db


@pytest.fixture
def alice() -> User:
    return UserFactory(name="Alice Archer")


@pytest.fixture
def lead(alice: User) -> Lead:
    return open_lead(at=timezone.now(), owner=alice)


def seat(**fields: object) -> Product:
    values = {"name": "Seat", "price": Decimal("12.50"), "currency": "EUR", "billing": "monthly"}
    return save_product(**{**values, **fields})  # type: ignore[arg-type]


class TestLines:
    def test_make_the_amount_over_the_term(self, lead: Lead) -> None:
        lines = [
            NewLine(product=seat(), quantity=Decimal(40), discount=Decimal(10)),
            NewLine(name="Set-up", price=Decimal("999.99")),
        ]

        deal = actions.create_deal(lead.pk, at=NOON, lines=lines, term_months=24)

        assert deal.monthly == Decimal("450.00")
        assert deal.one_off == Decimal("999.99")
        assert deal.amount == Decimal("999.99") + 24 * Decimal(450)

    def test_a_yearly_price_is_a_twelfth_a_month(self, lead: Lead) -> None:
        lines = [NewLine(name="Licence", price=Decimal(100), billing="yearly")]

        deal = actions.create_deal(lead.pk, at=NOON, lines=lines)

        assert (deal.monthly, deal.amount) == (Decimal("8.33"), Decimal("100.00"))

    def test_keep_the_price_they_were_offered_at(self, lead: Lead) -> None:
        product = seat()
        deal = actions.create_deal(lead.pk, at=NOON, lines=[NewLine(product=product)])

        save_product(name="Seat", price=Decimal(20), currency="EUR", product=product)
        archive_product(product, at=NOON)

        assert DealLine.objects.get(deal=deal).price == Decimal("12.50")

    def test_of_another_currency_need_a_price(self, lead: Lead) -> None:
        lines = [NewLine(product=seat(currency="USD"))]

        with pytest.raises(Invalid, match="priced in USD and this deal is in EUR"):
            actions.create_deal(lead.pk, at=NOON, lines=lines, currency="EUR")

    @pytest.mark.parametrize(
        ("line", "field"),
        [
            (NewLine(name="x", price=Decimal(-1)), "lines.0.price"),
            (NewLine(name="x", price=Decimal(1), quantity=Decimal(0)), "lines.0.quantity"),
            (NewLine(name="x", price=Decimal(1), discount=Decimal(101)), "lines.0.discount"),
            (NewLine(price=Decimal(1)), "lines.0.name"),
        ],
    )
    def test_that_cannot_be_meant_are_refused(self, lead: Lead, line: NewLine, field: str) -> None:
        with pytest.raises(Invalid) as refused:
            actions.create_deal(lead.pk, at=NOON, lines=[line])

        assert refused.value.errors[0].field == field

    def test_an_amount_that_they_do_not_make_is_refused(self, lead: Lead) -> None:
        deal = actions.create_deal(lead.pk, at=NOON, lines=[NewLine(product=seat())])

        with pytest.raises(Invalid, match="The products make the amount"):
            actions.update_deal(deal.pk, at=NOON, amount=Decimal(5))

    def test_are_edited_in_the_browser(self, lead: Lead, alice: User, client: Client) -> None:
        deal = actions.create_deal(lead.pk, at=NOON, amount=Decimal(1))
        client.force_login(alice)
        product = seat()

        client.post(
            f"/deals/{deal.pk}/lines/",
            {"lines": "2", "version": "1", "line-0-product": product.public_id,
             "line-0-quantity": "10", "line-1-name": ""},
        )  # fmt: skip

        deal.refresh_from_db()
        assert (deal.amount, deal.lines.count()) == (Decimal("1500.00"), 1)


class TestDeals:
    def test_a_change_over_somebody_elses_is_refused(self, lead: Lead) -> None:
        deal = actions.create_deal(lead.pk, at=NOON, amount=Decimal(100))
        actions.update_deal(deal.pk, at=NOON, version=1, forecast="commit")

        with pytest.raises(StaleVersion, match="Somebody else changed this deal"):
            actions.update_deal(deal.pk, at=NOON, version=1, amount=Decimal(90))

    def test_a_closed_one_stays(self, lead: Lead) -> None:
        deal = actions.create_deal(lead.pk, at=NOON, amount=Decimal(100))
        actions.move_to_stage(lead.pk, to="won", at=timezone.now())

        with pytest.raises(Conflict, match="This deal is won"):
            actions.update_deal(deal.pk, at=NOON, amount=Decimal(90))

    def test_currencies_are_never_added_up(self, lead: Lead, alice: User) -> None:
        actions.create_deal(lead.pk, at=NOON, amount=Decimal(100), currency="EUR")
        actions.create_deal(lead.pk, at=NOON, amount=Decimal(70), currency="USD")

        visible = Lead.objects.visible_to(alice)
        board = boards.board(visible, at=timezone.now(), visible=visible)

        worth = {(each.currency, each.amount) for each in board.lanes[0].worth}
        assert worth == {("EUR", Decimal(100)), ("USD", Decimal(70))}
        assert board.lanes[0].count.value == 1

    def test_the_forecast_goes_by_field_and_by_chance(self, lead: Lead, alice: User) -> None:
        actions.create_deal(
            lead.pk, at=NOON, amount=Decimal(100), probability=50, forecast="commit"
        )
        actions.create_deal(lead.pk, at=NOON, amount=Decimal(40), forecast="omitted")

        (outlook,) = selling.outlooks(selling.deals_for(alice))

        assert (outlook.commit, outlook.pipeline, outlook.likely) == (100, 0, Decimal(50))

    def test_a_stranger_sees_none_of_it(self, lead: Lead, client: Client) -> None:
        deal = actions.create_deal(lead.pk, at=NOON, amount=Decimal(100))
        client.force_login(UserFactory())

        assert client.get(f"/deals/{deal.pk}/").status_code == 404
        assert b"100" not in client.get("/deals/").content.split(b"<main")[1]


class TestCatalogue:
    def test_is_kept_by_managers_in_the_browser(self, client: Client) -> None:
        client.force_login(UserFactory(role=Role.MANAGER))
        category = add_category("Planning")
        given = {"name": "Seat", "price": "9.50", "currency": "eur", "billing": "monthly",
                 "category": category.pk, "code": "SEAT"}  # fmt: skip

        client.post("/settings/products/new/", given)
        twice = client.post("/settings/products/new/", given)

        assert Product.objects.get().currency == "EUR"
        assert twice.status_code == 422
        assert "Another product has this code" in twice.content.decode()

    def test_a_win_without_a_deal_is_refused_everywhere(
        self, lead: Lead, alice: User, client: Client
    ) -> None:
        client.force_login(alice)

        page = client.post(f"/pipeline/{lead.public_id}/move/", {"stage": "won"})

        assert page.status_code == 422
        assert not Deal.objects.exists()
