"""Celery is the muscle: it runs `pump(queue)` and nothing else. Truth and order are in PostgreSQL.

The settings follow from that: a message may be lost or doubled without harm, a web request never
waits for a broker that hangs, and a worker that dies gives its message back.
"""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "leadcrm.settings")

from django.conf import settings

TICK_SECONDS = 5.0
VISIBILITY_SECONDS = 1800

app = Celery("leadcrm")
app.conf.update(
    broker_url=settings.REDIS_URL,
    result_backend=None,
    task_ignore_result=True,
    task_serializer="json",
    accept_content=["json"],
    timezone="UTC",
    enable_utc=True,
    task_acks_late=True,
    task_reject_on_worker_lost=True,
    worker_prefetch_multiplier=1,
    task_time_limit=900,  # longer than the 600 s an SMTP server may take to answer the final dot
    task_soft_time_limit=840,
    visibility_timeout=VISIBILITY_SECONDS,
    broker_transport_options={
        "visibility_timeout": VISIBILITY_SECONDS,
        "socket_timeout": 5,
        "socket_connect_timeout": 2,
        "socket_keepalive": True,
        "health_check_interval": 10,
        "retry_on_timeout": False,
        "global_keyprefix": "leadcrm:",
    },
    broker_connection_timeout=2,
    broker_connection_retry_on_startup=True,
    broker_connection_max_retries=None,
    task_publish_retry=False,  # a lost wake-up is harmless; a hanging request is not
    worker_cancel_long_running_tasks_on_connection_loss=False,
    worker_max_tasks_per_child=1000,
    worker_max_memory_per_child=400_000,  # KB
    worker_hijack_root_logger=False,
    worker_send_task_events=False,
    task_send_sent_event=False,
    beat_schedule={
        "tick": {"task": "tick", "schedule": TICK_SECONDS, "options": {"expires": 10}},
    },
)
app.set_default()
app.autodiscover_tasks()
