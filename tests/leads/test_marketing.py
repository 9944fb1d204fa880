"""Campaigns in their spellings, and what was spent: by hand, from a file, by a program."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from leadcrm.accounts.models import Role
from leads.actions.inquiries import add_touch
from leads.models import CampaignAlias, ExchangeRate, MarketingCampaign, SpendEntry, Touch
from tests.factories import NOON, LeadFactory, UserFactory

pytestmark = pytest.mark.django_db

NOVEMBER = {
    "channel": "email",
    "first_day": "2026-11-01",
    "last_day": "2026-11-30",
    "amount": "300.50",
    "currency": "EUR",
}


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(UserFactory(name="Alice", role=Role.MARKETER))
    return client


def visit(tag: str) -> Touch:
    return add_touch(
        LeadFactory().pk,
        None,
        channel="email",
        utm={"utm_campaign": tag},
        click_ids={},
        referrer="",
        landing_page="",
        at=NOON,
    )


def upload(client: Client, text: str | bytes) -> Any:
    raw = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile("spend.csv", raw, "text/csv")
    return client.post("/marketing/spend/file/", {"file": file, "do": "read"})


class TestCampaigns:
    def test_spellings_that_look_alike_become_one_and_stay_one(self, office: Client) -> None:
        first, second = visit("Spring-Sale"), visit("spring_sale")
        kept, lost = first.campaign, second.campaign
        assert kept is not None
        assert lost is not None
        SpendEntry.objects.create(**{**NOVEMBER, "campaign": lost})

        page = office.get("/marketing/").content.decode()
        office.post(f"/marketing/{lost.pk}/change/", {"do": "merge", "into": kept.pk})
        third = visit("SPRING_sale")

        assert "These look like one campaign" in page
        assert third.campaign == kept
        assert set(Touch.objects.values_list("campaign", flat=True)) == {kept.pk}
        assert SpendEntry.objects.get().campaign == kept
        assert not MarketingCampaign.objects.filter(pk=lost.pk).exists()

    def test_a_spelling_can_be_split_off_again(self, office: Client) -> None:
        kept, lost = visit("spring").campaign, visit("Sping").campaign
        assert kept is not None
        assert lost is not None
        office.post(f"/marketing/{lost.pk}/change/", {"do": "merge", "into": kept.pk})

        office.post(f"/marketing/{kept.pk}/change/", {"do": "split", "spelling": "sping"})

        made = MarketingCampaign.objects.get(utm_campaign="sping")
        assert [touch.utm_campaign for touch in made.touches.all()] == ["Sping"]
        assert not CampaignAlias.objects.exists()

    def test_one_with_visits_is_archived_and_not_deleted(self, office: Client) -> None:
        campaign = visit("spring").campaign
        assert campaign is not None

        refused = office.post(f"/marketing/{campaign.pk}/change/", {"do": "delete"}, follow=True)
        office.post(f"/marketing/{campaign.pk}/change/", {"do": "archive"})

        assert "Visits or spend belong to" in refused.content.decode()
        assert [row["campaign"] for row in office.get("/marketing/").context["rows"]] == []
        archived = office.get("/marketing/?archived").context["rows"]
        assert [row["campaign"] for row in archived] == [campaign]

    def test_budget_and_spend_stand_beside_each_other(self, office: Client) -> None:
        office.post("/marketing/", {"name": "Expo", "channel": "event", "budget": "1000"})
        campaign = MarketingCampaign.objects.get(name="Expo")
        office.post("/marketing/spend/", {**NOVEMBER, "campaign": campaign.pk})

        page = office.get("/marketing/").content.decode()

        assert "€301" in page or "€300" in page
        assert "30%" in page

    def test_a_tag_is_given_once(self, office: Client) -> None:
        visit("spring")

        answer = office.post(
            "/marketing/", {"name": "A", "utm_campaign": "spring", "channel": "email"}
        )

        assert answer.status_code == 422
        assert "Merge them" in answer.content.decode()


class TestSpend:
    def test_is_entered_changed_and_deleted(self, office: Client) -> None:
        office.post("/marketing/spend/", NOVEMBER)
        entry = SpendEntry.objects.get()
        office.post(f"/marketing/spend/{entry.pk}/", {**NOVEMBER, "amount": "20"})
        changed = SpendEntry.objects.get()
        office.post(f"/marketing/spend/{entry.pk}/delete/")

        assert (entry.amount, changed.amount) == (Decimal("300.50"), Decimal(20))
        assert not SpendEntry.objects.exists()

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"amount": "-1"}, "greater than or equal"),
            ({"last_day": "2026-10-01"}, "lies before the first"),
            ({"currency": "XX1"}, "currency’s code"),
            ({"channel": "nowhere"}, "valid choice"),
            ({"first_day": "1026-11-01", "last_day": ""}, "beyond 2000"),
            ({"campaign": "999999"}, "valid choice"),
        ],
    )
    def test_what_cannot_be_meant_is_refused_in_words(
        self, changes: dict[str, str], words: str, office: Client
    ) -> None:
        answer = office.post("/marketing/spend/", {**NOVEMBER, **changes})

        assert answer.status_code == 422
        assert words in answer.content.decode()
        assert not SpendEntry.objects.exists()

    def test_rates_are_of_a_month(self, office: Client) -> None:
        for rate in ("0.9", "0.92"):
            office.post("/marketing/rates/", {"currency": "usd", "month": "2026-11", "rate": rate})
        refused = office.post(
            "/marketing/rates/", {"currency": "USD", "month": "2026-11", "rate": "0"}
        )

        row = ExchangeRate.objects.get()
        assert (row.currency, row.month, row.rate) == ("USD", date(2026, 11, 1), Decimal("0.92"))
        assert refused.status_code == 422


class TestFile:
    def test_is_shown_before_it_is_kept(self, office: Client) -> None:
        text = (
            "Day;Channel;Amount;Campaign\n"
            "01.11.2026;E-mail;1.234,50;spring\n"
            "2026-11-02;paid_search;99;\n"
            "2026-11-31;E-mail;5;\n"
            "2026-11-03;Nowhere;-5;\n"
        )

        shown = upload(office, text)
        before = SpendEntry.objects.count()
        kept = office.post("/marketing/spend/file/", {"text": text, "do": "keep"})
        again = upload(office, text)

        page = shown.content.decode()
        assert "2 rows to keep" in page
        assert "Line 4: “2026-11-31” is not a day" in page
        assert "There is no channel “Nowhere”" in page
        assert (before, kept.status_code) == (0, 302)
        rows = SpendEntry.objects.order_by("first_day").values_list("amount", "campaign__name")
        assert list(rows) == [(Decimal("1234.50"), "spring"), (Decimal(99), None)]
        assert "2 rows stand there already" in again.content.decode()

    def test_a_row_with_an_id_replaces_itself(self, office: Client) -> None:
        for amount in (5, 7):
            text = f"id,from,to,channel,amount\nads-1,2026-11-01,2026-11-02,display,{amount}\n"
            office.post("/marketing/spend/file/", {"text": text, "do": "keep"})

        assert SpendEntry.objects.get().amount == 7

    @pytest.mark.parametrize(
        "raw",
        [
            b"",
            b"\x00\x01",
            b"day,channel\n",
            b"a,b\n1,2\n",
            b"\xff\xfe\x00",
            b'day,channel,amount\n"',
        ],
    )
    def test_what_is_no_such_file_is_told(self, raw: bytes, office: Client) -> None:
        answer = upload(office, raw)

        assert answer.status_code in (200, 422)
        assert not SpendEntry.objects.exists()


class TestApi:
    def test_spend_that_is_sent_again_replaces_itself(self, office: Client) -> None:
        sent = {**NOVEMBER, "external_id": "ads-1"}

        made = office.post("/api/v1/spend/", sent, content_type="application/json")
        again = office.post(
            "/api/v1/spend/", {**sent, "amount": "10"}, content_type="application/json"
        )
        entry = made.json()["id"]
        patched = office.patch(
            f"/api/v1/spend/{entry}/", {"note": "Less"}, content_type="application/json"
        )

        assert (made.status_code, again.status_code, patched.status_code) == (201, 200, 200)
        assert patched.json() | {"id": 0} == {
            "id": 0,
            "channel": "email",
            "campaign": None,
            "first_day": "2026-11-01",
            "last_day": "2026-11-30",
            "amount": "10.00",
            "currency": "EUR",
            "note": "Less",
            "external_id": "ads-1",
            "origin": "api",
        }
        assert len(office.get("/api/v1/spend/?channel=email").json()["results"]) == 1
        assert office.get("/api/v1/spend/?campaign=x").status_code == 422
        assert office.delete(f"/api/v1/spend/{entry}/").status_code == 204
        assert office.get(f"/api/v1/spend/{entry}/").status_code == 404

    def test_campaigns_are_made_found_by_spelling_and_merged(self, office: Client) -> None:
        made = [
            office.post(
                "/api/v1/marketing-campaigns/",
                {"name": name, "channel": "event"},
                content_type="application/json",
            ).json()
            for name in ("Expo", "EXPO 26")
        ]
        merged = office.patch(
            f"/api/v1/marketing-campaigns/{made[1]['id']}/",
            {"merge_into": made[0]["id"]},
            content_type="application/json",
        )

        found = office.get("/api/v1/marketing-campaigns/?utm_campaign=Expo%2026").json()["results"]

        assert merged.json()["spellings"] == ["expo 26"]
        assert [row["id"] for row in found] == [made[0]["id"]]
        gone = office.get(f"/api/v1/marketing-campaigns/{made[1]['id']}/")
        assert gone.status_code == 404
        deleted = office.delete(f"/api/v1/marketing-campaigns/{made[0]['id']}/")
        assert deleted.status_code == 204

    def test_a_wrong_channel_is_named(self, office: Client) -> None:
        answer = office.post(
            "/api/v1/spend/", {**NOVEMBER, "channel": "x"}, content_type="application/json"
        )

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"] == "channel"
