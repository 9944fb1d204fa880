"""Start programs so that all of them, with their children, can be found and stopped again."""

import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from leadcrm.embedded import state

LOG_BYTES = 20_000_000
GRACE_SECONDS = 25.0


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged owner of a server that refuses to run as root."""

    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Program:
    name: str
    command: list[str]
    cwd: Path
    env: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    stop_signal: int = signal.SIGTERM


@dataclass(frozen=True, slots=True)
class Server:
    """An embedded server: how to start it, how to tell it answers, and its address."""

    variable: str
    url: str
    program: Program
    is_ready: Callable[[], bool]


def start(program: Program, home: Path) -> "subprocess.Popen[bytes]":
    """Start it in a session of its own and note it in var/, for whoever must clean up."""
    log = home / "log" / f"{program.name}.log"
    log.parent.mkdir(mode=0o700, exist_ok=True)
    if log.exists() and log.stat().st_size > LOG_BYTES:
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as output:
        process = subprocess.Popen(
            program.command,
            cwd=program.cwd,
            env={**os.environ, **program.env},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **as_account(program.account),
        )
    _note(home, program, process.pid)
    return process


def as_account(account: Account | None) -> dict[str, Any]:
    """Keyword arguments of subprocess that drop root's rights."""
    if account is None:
        return {}
    return {"user": account.uid, "group": account.gid, "extra_groups": []}


def stop(home: Path, *names: str) -> None:
    """Ask, wait, insist: afterwards neither these programs nor their children are alive."""
    notes = state.read(home / "children.json")
    _end([notes[name] for name in names if name in notes])


def stop_leftovers(home: Path) -> list[str]:
    """End what a killed supervisor left behind, last started first; return the names."""
    notes = state.read(home / "children.json")
    left = [name for name in reversed(notes) if _members(notes[name])]
    for name in left:
        stop(home, name)
    state.write_json(home / "children.json", {})
    return left


def _note(home: Path, program: Program, pid: int) -> None:
    path = home / "children.json"
    notes = state.read(path)
    notes.pop(program.name, None)
    notes[program.name] = {"pid": pid, "created": _created(pid), "signal": program.stop_signal}
    state.write_json(path, notes)


def _created(pid: int) -> float:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return 0.0


def _members(note: Mapping[str, Any]) -> list[psutil.Process]:
    """The living processes of the session; none if the number now belongs to somebody else."""
    created = _created(note["pid"])
    if created and abs(created - note["created"]) > 2:
        return []
    return [process for process in psutil.process_iter() if _belongs(process, note["pid"])]


def _belongs(process: psutil.Process, session: int) -> bool:
    try:
        return os.getsid(process.pid) == session and process.status() != psutil.STATUS_ZOMBIE
    except (ProcessLookupError, PermissionError, psutil.Error):
        return False


def _end(notes: list[dict[str, Any]]) -> None:
    for note in notes:
        members = _members(note)
        leader = [process for process in members if process.pid == note["pid"]]
        _signal(leader or members, note["signal"])
    psutil.wait_procs([p for note in notes for p in _members(note)], timeout=GRACE_SECONDS)
    for note in notes:
        _signal(_members(note), signal.SIGKILL)
    psutil.wait_procs([p for note in notes for p in _members(note)], timeout=GRACE_SECONDS)


def _signal(processes: list[psutil.Process], sign: int) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(sign)
