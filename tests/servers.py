"""Real PostgreSQL, Valkey and SMTP servers for a test run, forgotten afterwards.

python -m tests.servers COMMAND…    run a command with their addresses in its environment
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from leadcrm.embedded import guardian, mail, postgres, processes, valkey
from leadcrm.embedded.processes import Server
from leadcrm.embedded.starting import start_and_wait

SECRET_KEY = "only-for-tests-0123456789-abcdefghijklmnopqrstuvwxyz"
RUNNING: list["subprocess.Popen[bytes]"] = []


def provide() -> None:
    """Start what the environment does not name, once; child processes inherit the addresses."""
    os.environ.setdefault("SECRET_KEY", SECRET_KEY)
    makers: dict[str, Callable[[Path], Server]] = {
        "DATABASE_URL": lambda home: postgres.server(home, durable=False),
        "REDIS_URL": lambda home: valkey.server(home, durable=False),
        "EMAIL_URL": mail.server,
    }
    missing = [name for name in makers if not os.environ.get(name)]
    if not missing:
        return
    home = Path(tempfile.mkdtemp(prefix="leadcrm-tests-"))
    home.chmod(0o755)  # PostgreSQL's own account must get through when root runs the tests
    os.environ.setdefault("LEADCRM_VAR", str(home))
    guard = guardian.start(home)
    atexit.register(forget, home, guard, os.getpid())
    for name in missing:
        server = makers[name](home)
        RUNNING.append(start_and_wait(server, home))
        os.environ[name] = server.url


def forget(home: Path, guard: "subprocess.Popen[bytes]", owner: int) -> None:
    if os.getpid() == owner:
        processes.stop_leftovers(home)
        guardian.dismiss(guard)
        for process in RUNNING:
            process.wait()
        shutil.rmtree(home, ignore_errors=True)


if __name__ == "__main__":
    provide()
    sys.exit(subprocess.call(sys.argv[1:]))
