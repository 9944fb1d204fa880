"""PostgreSQL refuses to run as root: find or make an account for it, and a place it can reach."""

import hashlib
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from leadcrm.embedded.processes import Account

NAME = "leadcrm-db"


class NoAccount(Exception):
    """Nobody but root exists here to run PostgreSQL."""


def for_postgres() -> Account | None:
    """None for an ordinary user, who runs it himself.

    :raises NoAccount: root could not make an account.
    """
    if os.geteuid() != 0:
        return None
    return _existing(NAME) or _created() or _existing("postgres") or _nobody()


def _existing(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(uid=entry.pw_uid, gid=entry.pw_gid)


def _created() -> Account | None:
    for command in (
        ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME],
        ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", NAME],  # BusyBox
    ):
        if shutil.which(command[0]) and not subprocess.run(command, capture_output=True).returncode:
            return _existing(NAME)
    return None


def _nobody() -> Account:
    account = _existing("nobody")
    if account is None:
        raise NoAccount(
            f"PostgreSQL cannot run as root, and no account “{NAME}” could be made for it. "
            "Start LeadCRM as an ordinary user, or set DATABASE_URL."
        )
    return account


def reachable(path: Path) -> bool:
    """Whether strangers may walk down to this directory."""
    return all(_mode(step) & stat.S_IXOTH for step in (path, *path.parents) if step.exists())


def reachable_place(home: Path) -> Path:
    """A directory for the account's files: in var/ if it gets there, else outside the checkout.

    The name outside depends on the path of var/, so two checkouts never share a database.
    """
    key = f"{home.parent.name}-{hashlib.sha256(bytes(home)).hexdigest()[:10]}"
    outside = (Path("/var/lib/leadcrm") / key, Path("/var/tmp") / f"leadcrm-{key}")  # noqa: S108
    for place in (home, *outside):
        if reachable(place) and _claimed(place):
            return place
    raise NoAccount("No directory was found that both root and PostgreSQL's account can reach.")


def _claimed(place: Path) -> bool:
    """Make the directory; refuse one that somebody else put there first."""
    try:
        place.mkdir(mode=0o755, parents=True, exist_ok=True)
    except OSError:
        return False
    return place.stat().st_uid == 0 and not _mode(place) & stat.S_IWOTH


def _mode(path: Path) -> int:
    return path.stat().st_mode
