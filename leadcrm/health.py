"""Whether this process lives, and whether it can do its work."""

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from redis.exceptions import RedisError

from leadcrm.eventlog.queries import dead_deliveries, delivery_lag_seconds
from leadcrm.lib import pump, ratelimit
from leads.capture import lifeboat

LAG_LIMIT_SECONDS = 300.0


@login_not_required
@require_safe
def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers; nothing else is asked."""
    return HttpResponse("ok\n", content_type="text/plain")


@login_not_required
@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, broker, and the age of the oldest undelivered event."""
    checks = {"database": _database_answers(), "broker": _broker_answers()}
    lag = delivery_lag_seconds() if checks["database"] else None
    checks["deliveries"] = lag is not None and lag < LAG_LIMIT_SECONDS
    status = 200 if all(checks.values()) else 503
    content = {"checks": checks, "delivery_lag_seconds": lag, "lifeboat": lifeboat.describe()}
    return JsonResponse(content, status=status)


@login_not_required
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text: how long the oldest row of each queue waits, and what was given up."""
    registry = CollectorRegistry()
    afloat = Gauge("leadcrm_lifeboat_captures", "Captures saved in files", registry=registry)
    afloat.set(lifeboat.load().files)
    lag = Gauge(
        "leadcrm_queue_lag_seconds", "Age of the oldest due row", ["queue"], registry=registry
    )
    for queue in pump.QUEUES.values():
        if queue.model is not None:
            lag.labels(queue.name).set(pump.oldest_due_seconds(queue.model))
    dead = Gauge("leadcrm_dead_deliveries", "Deliveries given up", registry=registry)
    dead.set(dead_deliveries().order_by().count())
    debug = Gauge("leadcrm_debug", "1 when DEBUG is on", registry=registry)
    debug.set(int(settings.DEBUG))
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return False
    return True


def _broker_answers() -> bool:
    try:
        return bool(ratelimit.client().ping())
    except RedisError:
        return False
