"""The only Celery tasks: drain a queue, and the tick that looks into all of them."""

import time

import structlog
from celery import shared_task
from django.db import close_old_connections
from kombu.exceptions import OperationalError

from leadcrm.lib import pump as pumps

logger = structlog.get_logger(__name__)

BREAKER_SECONDS = 5.0
_broker_down_until = 0.0


@shared_task(name="pump", ignore_result=True)
def pump(queue: str, **_: object) -> None:
    close_old_connections()
    if not pumps.is_at_rest() and pumps.run(queue):
        send_pump(queue)


@shared_task(name="tick", ignore_result=True)
def tick(**_: object) -> None:
    for queue in pumps.QUEUES:
        send_pump(queue)


def send_pump(queue: str) -> None:
    """Ask for a pump; a broker that is away is left alone for a few seconds."""
    global _broker_down_until
    if time.monotonic() < _broker_down_until:
        return
    try:
        pump.apply_async(args=(queue,), expires=60)
    except (OperationalError, OSError):
        _broker_down_until = time.monotonic() + BREAKER_SECONDS
        logger.warning("broker_unreachable", queue=queue)


pumps.set_nudge(send_pump)
