"""Two workers, kill -9 at the worst moments, one backlog: nothing twice, nothing lost."""

import os
import subprocess
import sys
from collections.abc import Iterable
from datetime import datetime

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone

from nurturing import actions
from nurturing.models import Send
from nurturing.sending.crash import POINTS
from nurturing.tracking import Recipient
from tests.nurturing.factories import make_campaign, make_lead, plan_mails
from tests.nurturing.sink import running_sink

WORKER = """
import django; django.setup()
from leadcrm.lib import pump
from nurturing import sending
while sending.drain_sends(limit=4): pass
"""
KILLED = 137


def database_clock() -> datetime:
    """The clock that hand-overs are stamped by."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


def start_worker(port: int, crash_at: str = "") -> "subprocess.Popen[bytes]":
    database = connection.settings_dict
    url = (
        f"postgres://{database['USER']}:{database['PASSWORD']}@{database['HOST']}"
        f":{database['PORT']}/{database['NAME']}"
    )
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "leadcrm.settings",
        "DATABASE_URL": url,
        "EMAIL_URL": f"smtp://127.0.0.1:{port}",
        "SECRET_KEY": settings.SECRET_KEY,
        "DEBUG": "1",
        "LEADCRM_CRASH_AT": crash_at,
        "PYTHONPATH": str(settings.BASE_DIR),
    }
    return subprocess.Popen(
        [sys.executable, "-c", WORKER], env=environment, cwd=settings.BASE_DIR,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def run_together(port: int, crash_at: Iterable[str]) -> int:
    """Run one worker for each crash point; return how many of them died."""
    workers = [start_worker(port, point) for point in crash_at]
    codes = [worker.wait(timeout=60) for worker in workers]
    # Their leases run out: nobody is left to hold them.
    Send.objects.filter(lease_token__isnull=False).update(due_at=Now())
    return codes.count(KILLED)


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_killed_workers_send_nothing_twice_and_lose_nothing() -> None:
    plan_mails(make_campaign(), *(make_lead() for _ in range(60)))

    with running_sink() as (sink, port):
        kills = run_together(port, [POINTS[0], f"{POINTS[1]}:2", f"{POINTS[2]}:3"])
        kills += run_together(port, [f"{POINTS[3]}:2", f"{POINTS[4]}:3", f"{POINTS[5]}:2"])
        run_together(port, ["", ""])

    states = list(Send.objects.values_list("state", flat=True))
    accepted = set(Send.objects.filter(state="accepted").values_list("message_id", flat=True))
    in_doubt = set(Send.objects.filter(state="unknown").values_list("message_id", flat=True))
    assert kills == 6
    assert max(sink.counts.values()) == 1
    assert set(states) <= {"accepted", "unknown"}
    assert len(in_doubt) <= kills
    assert len(accepted) + len(in_doubt) == 60
    assert accepted <= set(sink.counts)
    assert set(sink.counts) <= accepted | in_doubt


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_no_mail_is_handed_over_after_its_reader_unsubscribed() -> None:
    """People unsubscribe one after the other while two workers send to them."""
    sends = plan_mails(make_campaign(), *(make_lead() for _ in range(80)))
    done: dict[str, datetime] = {}

    with running_sink() as (sink, port):
        workers = [start_worker(port), start_worker(port)]
        while any(worker.poll() is None for worker in workers) and sends:
            send = sends.pop()
            who = Recipient(send.public_id, send.email_hash)
            actions.unsubscribe(who, at=timezone.now())
            done[send.email_hash] = database_clock()
        codes = [worker.wait(timeout=60) for worker in workers]

    handed_off = Send.objects.filter(handed_off_at__isnull=False, email_hash__in=done)
    late = [send for send in handed_off if send.handed_off_at > done[send.email_hash]]
    assert codes == [0, 0]
    assert late == []
    assert len(sink.accepted) == Send.objects.filter(state="accepted").count()
    assert set(Send.objects.values_list("state", flat=True)) <= {"accepted", "skipped"}
