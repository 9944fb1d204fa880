"""Servers of the run's own, as durable as in production, forgotten afterwards."""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

from leadcrm.embedded import guardian, mail, postgres, processes, state, valkey
from leadcrm.embedded.processes import Program, Server
from leadcrm.embedded.starting import start_and_wait

ENVIRONMENT = {
    "DJANGO_SETTINGS_MODULE": "benchmarks.settings",
    "SECRET_KEY": "only-for-benchmarks-0123456789-abcdefghijklmnopqrstuvwxyz",
    "SITE_URL": "http://127.0.0.1:8000",
    "ALLOWED_HOSTS": "*",
    "DEBUG": "0",
    "LEADCRM_DEMO": "0",
    "LOG_LEVEL": "ERROR",
    "API_RATE_PER_MINUTE": "10000000",
    "TRUSTED_PROXIES": "1",
}


def provide() -> Path:
    """Start all three and name them in the environment; never those that somebody works with."""
    home = Path(tempfile.mkdtemp(prefix="leadcrm-benchmarks-"))
    home.chmod(0o755)  # PostgreSQL's own account must get through when root runs this
    (home / "static").mkdir()
    os.environ.update(ENVIRONMENT, LEADCRM_VAR=str(home))
    guard = guardian.start(home)
    atexit.register(forget, home, guard)
    for make in (postgres.server, valkey.server, mail.server):
        server = make(home)
        start_and_wait(server, home)
        os.environ[server.variable] = server.url
    return home


def forget(home: Path, guard: "subprocess.Popen[bytes]") -> None:
    processes.stop_leftovers(home)
    guardian.dismiss(guard)
    shutil.rmtree(home, ignore_errors=True)


@contextmanager
def web(name: str, settings: str) -> Iterator[int]:
    """The production web server with these settings; its port."""
    home, port = Path(os.environ["LEADCRM_VAR"]), state.free_port(None)
    program = Program(
        name=name,
        command=[
            *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi"),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "2"),
            *("--blocking-threads", "8", "--no-ws", "leadcrm.wsgi:application"),
        ],
        cwd=state.BASE_DIR,
        env={"DJANGO_SETTINGS_MODULE": settings},
    )
    start_and_wait(Server("", "", program, lambda: answers(port)), home)
    try:
        yield port
    finally:
        processes.stop(home, name)


def answers(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status < 500
    except OSError:
        return False
    finally:
        connection.close()
