"""What a running `make run` leaves in var/ so that other commands find its servers."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

BASE_DIR = Path(__file__).resolve().parent.parent.parent


def var_dir() -> Path:
    return Path(os.environ.get("LEADCRM_VAR") or BASE_DIR / "var").resolve()


def urls() -> dict[str, str]:
    """DATABASE_URL, REDIS_URL and EMAIL_URL of the embedded servers that run at this moment."""
    found = read(var_dir() / "servers.json")
    return found if found and is_running() else {}


def secret_key() -> str | None:
    """The key the supervisor made; only on a machine where `make run` was used."""
    path = var_dir() / "secret_key"
    return path.read_text() if path.exists() else None


def ensure_secret_key() -> None:
    if secret_key() is None:
        write(var_dir() / "secret_key", secrets.token_urlsafe(48))


def remembered(name: str) -> dict[str, Any]:
    """Ports and passwords a server keeps from one start to the next."""
    return read(var_dir() / "servers" / f"{name}.json")


def remember(name: str, **values: Any) -> None:
    write_json(var_dir() / "servers" / f"{name}.json", {**remembered(name), **values})


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


def is_running() -> bool:
    """Whether a supervisor holds this var/, told by its lock: a killed one lets go of it."""
    try:
        with (var_dir() / "run.lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except BlockingIOError:
        return True
    return False


class AlreadyRunning(Exception):
    """Another supervisor holds this var/."""


@contextmanager
def holding_the_lock(wait_seconds: float = 2) -> Iterator[IO[str]]:
    """Be the one supervisor of this var/.

    :raises AlreadyRunning: another one keeps the lock for the whole wait.
    """
    from time import monotonic, sleep

    var_dir().mkdir(parents=True, exist_ok=True)
    deadline = monotonic() + wait_seconds
    with (var_dir() / "run.lock").open("a") as file:
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # is_running() of another command holds it for a moment.
                if monotonic() > deadline:
                    raise AlreadyRunning from None
                sleep(0.05)
        yield file
