"""Outlives a killed supervisor by a moment and stops the programs it left behind.

python -m leadcrm.embedded.guardian VAR < pipe whose other end only the supervisor holds
"""

import subprocess
import sys
from pathlib import Path

from leadcrm.embedded import processes, state

FAREWELL = b"stopped"


def start(home: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "leadcrm.embedded.guardian", str(home)]
    return subprocess.Popen(
        command, cwd=state.BASE_DIR, stdin=subprocess.PIPE, start_new_session=True
    )


def dismiss(guard: "subprocess.Popen[bytes]") -> None:
    guard.communicate(FAREWELL)


def watch(home: Path) -> None:
    if sys.stdin.buffer.read() == FAREWELL:
        return
    try:
        with state.sole_supervisor(home):
            state.write_json(home / "run.json", {"state": "stopping"})
            processes.stop_leftovers(home)
    except state.AlreadyRunning:
        return  # the next start was quicker and has cleaned up itself


if __name__ == "__main__":
    watch(Path(sys.argv[1]))
