"""The whole product running: a web server and a real Celery worker on the test's own servers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.conf import settings
from django.db import connection
from pytest_django.live_server_helper import LiveServer

from nurturing.defaults import ensure_welcome_campaign
from pipeline.actions.defaults import ensure_defaults
from scoring.defaults import ensure_default_model
from tests.conftest import Mailbox

Answer = TypeVar("Answer")
PATIENCE_SECONDS = 30.0


@pytest.fixture
def installation(transactional_db: None) -> None:
    """What a fresh installation has."""
    ensure_defaults()
    ensure_default_model()
    ensure_welcome_campaign()


@pytest.fixture
def worker(
    installation: None, live_server: LiveServer, mailbox: Mailbox, tmp_path: Path, settings: Any
) -> Iterator["subprocess.Popen[bytes]"]:
    settings.SITE_URL = live_server.url
    process = start_worker(live_server, tmp_path)
    yield process
    process.terminate()
    process.wait(timeout=30)


def start_worker(live_server: LiveServer, home: Path) -> "subprocess.Popen[bytes]":
    """`celery worker` as in production, on the database, broker and mail server of this test."""
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "leadcrm.settings",
        "DATABASE_URL": database_url(),
        "REDIS_URL": settings.REDIS_URL,
        "EMAIL_URL": settings.EMAIL_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "SITE_URL": live_server.url,
    }
    with (home / "worker.log").open("wb") as log:
        return subprocess.Popen(
            [
                *(sys.executable, "-m", "celery", "-A", "leadcrm.celery", "worker"),
                *("-c", "1", "--without-gossip", "--without-mingle", "-l", "warning"),
            ],
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )


def database_url() -> str:
    parts = connection.settings_dict
    password = f":{parts['PASSWORD']}" if parts["PASSWORD"] else ""
    return f"postgres://{parts['USER']}{password}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"


def until(what: Callable[[], Answer | None]) -> Answer:
    """Ask again and again until there is an answer."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if answer := what():
            return answer
        time.sleep(0.05)
    raise AssertionError("Nothing came of it in time")
