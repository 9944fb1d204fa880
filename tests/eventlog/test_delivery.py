"""What happened is delivered to every handler: at least once, never half, never silently lost."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import ClassVar

import pytest
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from leadcrm.accounts.models import Notification
from leadcrm.eventlog import actions
from leadcrm.eventlog.models import DomainEvent, EventDelivery
from leadcrm.eventlog.registry import BY_EVENT, HANDLERS, Event, on
from leadcrm.lib import pump
from tests.factories import NOON, UserFactory

pytestmark = pytest.mark.django_db


@dataclass(frozen=True, slots=True, kw_only=True)
class BellRang(Event):
    name: ClassVar[str] = "test.bell_rang"
    user_id: int
    broken: bool = False


@pytest.fixture(autouse=True)
def _bell() -> Iterator[None]:
    """A handler that writes first and fails afterwards when the event says so."""

    @on(BellRang)
    def ring(event: BellRang) -> None:
        Notification.objects.create(
            user_id=event.user_id, kind="bell", title="Ding", dedupe_key=str(timezone.now())
        )
        if event.broken:
            raise RuntimeError("The bell is cracked")

    yield
    BY_EVENT.pop(BellRang.name)
    HANDLERS.pop("tests.eventlog.ring", None)


@transaction.atomic
def publish_and_fail(user_id: int) -> None:
    actions.publish(BellRang(user_id=user_id), at=NOON)
    raise RuntimeError


def due_now() -> None:
    EventDelivery.objects.filter(due_at__isnull=False).update(due_at=Now() - timedelta(seconds=1))


class TestPublishing:
    def test_writes_the_event_and_one_delivery_for_each_handler(self) -> None:
        alice = UserFactory()

        row = actions.publish(BellRang(user_id=alice.pk), at=NOON, actor=alice)

        assert (row.name, row.occurred_at, row.actor_id) == ("test.bell_rang", NOON, alice.pk)
        assert row.deliveries.get().state == EventDelivery.State.PENDING

    def test_leaves_nothing_behind_when_the_transaction_fails(self) -> None:
        alice = UserFactory()

        with pytest.raises(RuntimeError):
            publish_and_fail(alice.pk)

        assert not DomainEvent.objects.exists()
        assert not EventDelivery.objects.exists()


class TestDelivering:
    def test_runs_the_handler_once(self) -> None:
        alice = UserFactory()
        actions.publish(BellRang(user_id=alice.pk), at=NOON)

        assert actions.deliver_due() == 1
        assert actions.deliver_due() == 0

        assert alice.notifications.count() == 1
        assert EventDelivery.objects.get().state == EventDelivery.State.DONE

    def test_a_failing_handler_leaves_no_half_work_and_is_tried_again_later(self) -> None:
        alice = UserFactory()
        actions.publish(BellRang(user_id=alice.pk, broken=True), at=NOON)

        actions.deliver_due()

        delivery = EventDelivery.objects.get()
        assert alice.notifications.count() == 0
        assert delivery.state == EventDelivery.State.PENDING
        assert delivery.due_at > timezone.now()
        assert "The bell is cracked" in delivery.last_error

    def test_gives_up_after_twelve_tries_and_can_be_retried(self) -> None:
        alice = UserFactory()
        actions.publish(BellRang(user_id=alice.pk, broken=True), at=NOON)
        for _ in range(pump.MAX_ATTEMPTS):
            due_now()
            actions.deliver_due()

        assert EventDelivery.objects.get().state == EventDelivery.State.DEAD
        due_now()
        assert actions.deliver_due() == 0
        assert actions.retry_dead() == 1
        assert actions.deliver_due() == 1

    def test_a_worker_whose_lease_ran_out_changes_nothing(self) -> None:
        alice = UserFactory()
        actions.publish(BellRang(user_id=alice.pk), at=NOON)
        frozen = pump.claim(EventDelivery, limit=10)
        due_now()
        actions.deliver_due()

        done = pump.finish(EventDelivery, [frozen.items[0].pk], token=frozen.token, state="dead")

        assert done == 0
        assert EventDelivery.objects.get().state == EventDelivery.State.DONE

    def test_an_event_of_another_release_with_more_fields_is_still_understood(self) -> None:
        alice = UserFactory()
        row = actions.publish(BellRang(user_id=alice.pk), at=NOON)
        DomainEvent.objects.filter(pk=row.pk).update(
            payload={"user_id": alice.pk, "broken": False, "volume": 11}
        )

        actions.deliver_due()

        assert alice.notifications.count() == 1


class TestClaiming:
    def test_never_gives_one_row_to_two_workers(self) -> None:
        alice = UserFactory()
        for _ in range(5):
            actions.publish(BellRang(user_id=alice.pk), at=NOON)

        first = pump.claim(EventDelivery, limit=3)
        second = pump.claim(EventDelivery, limit=3)

        assert (len(first.items), len(second.items)) == (3, 2)
        assert not {row.pk for row in first.items} & {row.pk for row in second.items}

    def test_says_how_long_the_oldest_row_waits(self) -> None:
        alice = UserFactory()
        actions.publish(BellRang(user_id=alice.pk), at=NOON)
        EventDelivery.objects.update(due_at=Now() - timedelta(minutes=5))

        assert 299 <= pump.oldest_due_seconds(EventDelivery) <= 320
