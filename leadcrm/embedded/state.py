"""What `make run` leaves in var/ so that other commands find its servers."""

import fcntl
import json
import os
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BASE_DIR = Path(__file__).resolve().parent.parent.parent


def var_dir() -> Path:
    return Path(os.environ.get("LEADCRM_VAR") or BASE_DIR / "var").resolve()


def urls() -> dict[str, str]:
    """DATABASE_URL, REDIS_URL and EMAIL_URL of the embedded servers that run at this moment."""
    found = read(var_dir() / "servers.json")
    return found if found and is_running(var_dir()) else {}


def secret_key() -> str | None:
    """The key the supervisor made; only where `make run` was used."""
    path = var_dir() / "secret_key"
    return path.read_text() if path.exists() else None


def ensure_secret_key(home: Path) -> None:
    if not (home / "secret_key").exists():
        write(home / "secret_key", secrets.token_urlsafe(48))


def read(path: Path) -> dict[str, Any]:
    """A small JSON object; empty when the file is missing or was cut short."""
    try:
        value = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def write_json(path: Path, value: dict[str, Any]) -> None:
    write(path, json.dumps(value, indent=1))


def write(path: Path, text: str) -> None:
    """Replace a private file in one step: a reader sees the old or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    draft.replace(path)


def is_running(home: Path) -> bool:
    """Whether a supervisor holds this var/, told by its lock: even a killed one lets go of it."""
    try:
        with (home / "run.lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


class AlreadyRunning(Exception):
    """Another supervisor holds this var/."""


@contextmanager
def sole_supervisor(home: Path) -> Iterator[None]:
    """Be the one supervisor of this var/; wait for one that is just stopping.

    :raises AlreadyRunning: another one is at work and stays.
    """
    home.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with (home / "run.lock").open("a") as file:
        while not _locked(file.fileno()):
            if time.monotonic() - began > _patience(home):
                raise AlreadyRunning
            time.sleep(0.05)
        yield


def _patience(home: Path) -> float:
    """Seconds to wait: other commands look at the lock for a blink, a stopping one needs longer."""
    return 60 if read(home / "run.json").get("state") == "stopping" else 2


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def free_port(preferred: int | None = None) -> int:
    """The port used last time if it is still free, so that addresses stay the same."""
    for port in (preferred or 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise OSError("No free port on 127.0.0.1.")
