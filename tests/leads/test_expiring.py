"""Quarantine ends after some days; what went is still counted."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone

from leads.capture import expiring, reconciling
from leads.models import (
    ExpiredCaptures,
    Form,
    InboxItem,
    Lead,
    Reconciliation,
    SpamPolicy,
    SpamRule,
)
from tests.factories import UserFactory, make_form, make_funnel
from tests.leads.sources import Sender, connect
from tests.leads.test_form_features import Visitor

pytestmark = pytest.mark.django_db
SECRET = "app-secret-of-the-provider"


@pytest.fixture(autouse=True)
def form() -> Form:
    make_funnel()
    return make_form()


def spam(number: int = 1) -> None:
    visitor = Visitor()
    visitor.open()
    for each in range(number):
        visitor.send(email=f"bot{each}@x.example", lc_confirm="yes")


def unproven() -> Sender:
    sender = Sender(connect("meta", secret=SECRET))
    sender.post(b"{}", X_Hub_Signature_256="sha256=00")
    return sender


def age(days: int) -> None:
    ago = timedelta(days=days)
    InboxItem.objects.update(settled_at=F("settled_at") - ago, received_at=F("received_at") - ago)
    SpamPolicy.objects.update(expired_at=None)


def waiting() -> int:
    return InboxItem.objects.filter(state="quarantined").count()


class TestQuarantine:
    def test_ends_after_its_days_and_not_before(self) -> None:
        spam()

        age(29)
        expiring.drain()
        before = waiting()
        age(2)
        expiring.drain()

        assert (before, waiting()) == (1, 0)
        assert ExpiredCaptures.objects.get().number == 1

    def test_of_what_does_not_prove_itself_ends_earlier(self) -> None:
        unproven()
        spam()

        age(8)
        expiring.drain()

        assert waiting() == 1
        assert ExpiredCaptures.objects.get().key == "meta-lead-ads"

    def test_never_ends_where_the_office_says_so(self) -> None:
        SpamPolicy.objects.create(pk=1, keep_days=0, keep_unproven_days=0)
        spam()
        unproven()

        age(3000)
        expiring.drain()

        assert waiting() == 2

    def test_takes_nothing_that_became_a_lead_or_waits_for_review(self) -> None:
        visitor = Visitor()
        visitor.open()
        visitor.send(email="alice@x.example")
        visitor.send(first_name="Bob")
        before = InboxItem.objects.count()

        age(100)
        expiring.drain()

        assert before == InboxItem.objects.count() == 2
        assert Lead.objects.count() == 1

    def test_leaves_the_rules_that_were_learnt(self) -> None:
        spam()
        item = InboxItem.objects.get()
        SpamRule.objects.create(kind="block", value="x.example", learned_from=item)

        age(31)
        expiring.drain()

        assert SpamRule.objects.get().learned_from is None

    def test_still_adds_up(self, client: Client) -> None:
        spam(2)
        unproven()
        age(10)
        reconciling.reconcile(at=timezone.now())
        expiring.drain()
        expiring.drain()

        rows = reconciling.reconcile(at=timezone.now())

        whole = next(row for row in rows if row.key == Reconciliation.ALL)
        source = next(row for row in rows if row.key == "meta-lead-ads")
        assert (whole.received, whole.quarantined, whole.expired) == (3, 2, 1)
        assert (source.received, source.expired) == (1, 1)
        assert all(row.adds_up and not row.breach for row in rows)
        client.force_login(UserFactory(role="marketer"))
        assert "3 received = 2 quarantined + 1 expired" in client.get("/inbox/").content.decode()

    def test_is_set_in_the_spam_settings(self, client: Client) -> None:
        client.force_login(UserFactory(role="marketer"))
        usual = {"threshold": 5, "most_links": 2, "proof_effort": 50000}

        client.post("/settings/spam/", {**usual, "keep_days": 90, "keep_unproven_days": 0})
        refused = client.post(
            "/settings/spam/", {**usual, "keep_days": 9999, "keep_unproven_days": 0}
        )

        policy = SpamPolicy.load()
        assert (policy.keep_days, policy.keep_unproven_days) == (90, 0)
        assert refused.status_code == 422
