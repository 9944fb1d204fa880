"""Bring an embedded server up and wait until it answers."""

import subprocess
import time
from pathlib import Path

from leadcrm.embedded import processes
from leadcrm.embedded.processes import Server

READY_SECONDS = 60.0


class DidNotStart(Exception):
    """A server ended or stayed silent; its log says why."""


def start_and_wait(server: Server, home: Path) -> "subprocess.Popen[bytes]":
    """:raises DidNotStart: with the end of its log."""
    name = server.program.name
    running = processes.start(server.program, home)
    deadline = time.monotonic() + READY_SECONDS
    while not server.is_ready():
        if running.poll() is not None or time.monotonic() > deadline:
            processes.stop(home, name)
            raise DidNotStart(f"{name} did not start:\n{tail(home, name)}")
        time.sleep(0.05)
    return running


def tail(home: Path, name: str, lines: int = 15) -> str:
    path = home / "log" / f"{name}.log"
    text = path.read_text(errors="replace") if path.exists() else ""
    return "\n".join(text.splitlines()[-lines:])
