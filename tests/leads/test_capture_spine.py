"""The promises behind capture: nothing is lost, nothing is doubled."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from leadcrm.accounts.actions import create_api_key
from leadcrm.eventlog.models import DomainEvent
from leadcrm.lib import pump
from leads import capture
from leads.capture import processing, storing
from leads.capture.pacing import PACE, Pace
from leads.models import Company, InboxItem, Inquiry, Lead, MarketingCampaign

BODY = b'{"fields":{"email":"alice@x.example"},"context":{"utm_campaign":"spring"}}'


def arrival(body: bytes = BODY, **more: Any) -> capture.Arrival:
    return capture.Arrival(door="api:1", body=body, flags=["trusted"], **more)


def all_at_once(count: int, work: Callable[[int], Any]) -> list[Any]:
    """Run `work` in as many threads with connections of their own, started together."""
    gate, results = threading.Barrier(count), [None] * count

    def run(index: int) -> None:
        try:
            gate.wait(timeout=10)
            results[index] = work(index)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(index,)) for index in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
class TestManyAtOnce:
    def test_captures_of_one_new_person_make_one_lead(self) -> None:
        tokens = [capture.store(arrival(), at=timezone.now(), hold=True).item for _ in range(6)]

        outcomes = all_at_once(6, lambda i: capture.process(tokens[i], token=tokens[i].lease_token))
        pump.run_all()

        assert {outcome.state for outcome in outcomes} == {"applied"}
        assert Lead.objects.count() == 1
        assert Inquiry.objects.count() == 6
        assert MarketingCampaign.objects.count() == 1
        news = DomainEvent.objects.filter(name="lead.captured", payload__is_new=True)
        assert news.count() == 1

    def test_people_of_one_new_company_make_one_company(self) -> None:
        bodies = [
            b'{"fields":{"email":"p%d@kestrel.example","company":"Kestrel %d"}}' % (n, n)
            for n in range(6)
        ]
        items = [capture.store(arrival(b), at=timezone.now(), hold=True).item for b in bodies]

        outcomes = all_at_once(6, lambda i: capture.process(items[i], token=items[i].lease_token))

        assert [outcome.state for outcome in outcomes] == ["applied"] * 6
        assert Company.objects.count() == 1
        assert Lead.objects.filter(company=Company.objects.get()).count() == 6

    def test_posts_with_one_idempotency_key_are_one_item(self) -> None:
        stored = all_at_once(
            6, lambda _: capture.store(arrival(idempotency_key="k"), at=timezone.now())
        )

        assert len({each.item.receipt_id for each in stored}) == 1
        assert [each.is_new for each in stored].count(True) == 1

    def test_two_workers_on_one_item_make_one_inquiry(self) -> None:
        item = capture.store(arrival(), at=timezone.now(), hold=True).item
        twin = InboxItem.objects.get(pk=item.pk)

        all_at_once(2, lambda i: capture.process([item, twin][i], token=item.lease_token))

        assert Inquiry.objects.count() == 1


@pytest.mark.django_db(transaction=True)
class TestTheConnection:
    @pytest.fixture(autouse=True)
    def statements(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(storing, "STATEMENTS", storing.Statements())

    def test_may_have_died_since_the_last_capture(self) -> None:
        capture.store(arrival(), at=timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            pid = cursor.fetchone()[0]
        other = connection.copy()
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
        other.close()

        stored = capture.store(arrival(), at=timezone.now())

        assert stored.is_new
        assert InboxItem.objects.count() == 2

    def test_may_forget_its_statements_as_a_pooler_s_do(self) -> None:
        capture.store(arrival(), at=timezone.now())
        with connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")

        stored = [capture.store(arrival(), at=timezone.now()) for _ in range(2)]

        assert all(each.is_new for each in stored)
        assert InboxItem.objects.count() == 3

    def test_may_know_the_statement_of_somebody_else(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute("PREPARE keep_capture AS SELECT 1")

        stored = capture.store(arrival(), at=timezone.now())

        assert stored.is_new
        connection.close()


@pytest.mark.django_db
class TestAfterACrash:
    def test_what_was_stored_is_processed_by_the_pump(self) -> None:
        capture.store(arrival(), at=timezone.now())

        pump.run_all()

        assert InboxItem.objects.get().state == "applied"
        assert Lead.objects.count() == 1

    def test_what_a_dead_process_held_is_taken_over_when_its_lease_ends(self) -> None:
        capture.store(arrival(), at=timezone.now(), hold=True)
        pump.run_all()
        held = InboxItem.objects.get().state
        InboxItem.objects.update(due_at=timezone.now() - timezone.timedelta(minutes=1))

        pump.run_all()

        assert held == "received"
        assert InboxItem.objects.get().state == "applied"

    def test_a_worker_that_wakes_too_late_changes_nothing(self) -> None:
        item = capture.store(arrival(), at=timezone.now(), hold=True).item
        late = item.lease_token
        InboxItem.objects.update(lease_token=None, due_at=timezone.now())
        pump.run_all()

        outcome = capture.process(item, token=late)

        assert outcome is None or outcome.state == "applied"
        assert Inquiry.objects.count() == 1


@pytest.mark.django_db
class TestErrors:
    @pytest.fixture
    def broken(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fail(*_: Any, **__: Any) -> None:
            raise RuntimeError("out of paper")

        monkeypatch.setattr(processing, "add_inquiry", fail)

    def test_are_tried_again_later_and_seen(self, broken: None) -> None:
        capture.store(arrival(), at=timezone.now())

        pump.run_all()

        item = InboxItem.objects.get()
        assert (item.state, item.reason_code, item.attempts) == ("received", "retrying", 1)
        assert item.due_at > timezone.now()
        assert not Lead.objects.exists()

    def test_fail_for_good_after_eight_tries(self, broken: None) -> None:
        capture.store(arrival(), at=timezone.now())

        for _ in range(8):
            InboxItem.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
            pump.run_all()

        item = InboxItem.objects.get()
        assert (item.state, item.attempts, item.due_at) == ("failed", 8, None)
        assert "RuntimeError" in item.reason

    def test_never_reach_the_sender(self, broken: None) -> None:
        key = create_api_key(name="Website", scopes=["capture:write"]).plain

        answer = Client().post(
            "/api/v1/capture/",
            BODY,
            content_type="application/json",
            headers={"Authorization": f"Bearer {key}"},
        )

        assert answer.status_code == 202


@pytest.mark.django_db
class TestRush:
    def test_only_the_first_few_are_processed_in_the_request(self) -> None:
        entered = 0
        for _ in range(50):
            entered += PACE.enter()
            PACE.leave()

        assert entered < 10

    def test_a_capture_is_processed_at_once_only_where_it_is_alone(self) -> None:
        pace = Pace()
        first, second = pace.enter(), pace.enter()
        pace.leave()
        pace.leave()

        assert (first, second) == (True, False)
