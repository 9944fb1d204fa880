"""`make run` as its user meets it: a process, an address, signals."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from leadcrm.embedded import postgres, state

ROOT = Path(__file__).resolve().parent.parent.parent
PATIENCE = 180.0  # a busy machine of CI subsets fonts and migrates meanwhile

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("supervisor")]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One var/ for the whole module, as on a real machine: started many times."""
    yield (home := tmp_path_factory.mktemp("supervised") / "var")
    for process in belonging_to(home):
        process.kill()
    postgres.erase(home)


@pytest.fixture(scope="module")
def port() -> int:
    return state.free_port()


@pytest.fixture
def launch(home: Path, port: int) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []

    def launch(**environment: str) -> subprocess.Popen[str]:
        started.append(supervisor(home, port, **environment))
        return started[-1]

    yield launch
    for process in started:
        process.terminate()
        process.communicate(timeout=PATIENCE)


def supervisor(home: Path, port: int, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "leadcrm.run", "--port", str(port)],
        cwd=ROOT,
        env=clean_environment(home) | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def clean_environment(home: Path) -> dict[str, str]:
    ours = ("DATABASE_URL", "REDIS_URL", "EMAIL_URL", "SECRET_KEY", "SITE_URL", "DEBUG")
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    kept.pop("DJANGO_SETTINGS_MODULE", None)
    return kept | {"LEADCRM_VAR": str(home), "LEADCRM_DEMO": "0", "WEB_WORKERS": "1"}


def belonging_to(home: Path) -> list[psutil.Process]:
    """Every living process of this var/, whoever its parent is now."""
    return [process for process in psutil.process_iter() if _belongs(process, str(home))]


def _belongs(process: psutil.Process, home: str) -> bool:
    """By environment, arguments or directory: some servers overwrite one or the other."""
    try:
        words = [*process.environ().values(), *process.cmdline(), process.cwd()]
    except psutil.Error:
        return False
    return process.pid != os.getpid() and any(word.startswith(home) for word in words)


def eventually(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.05)


def await_start(process: subprocess.Popen[str], home: Path) -> None:
    def is_up() -> bool:
        assert process.poll() is None, process.stdout and process.stdout.read()
        note = state.read(home / "run.json")
        return (note.get("state"), note.get("pid")) == ("running", process.pid)

    eventually(is_up, "the start")


def get(port: int, path: str) -> int:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
        return int(response.status)


def pid_of(home: Path, name: str) -> int:
    return int(state.read(home / "children.json")[name]["pid"])


class TestRunning:
    def test_answers_revives_what_crashes_and_leaves_nothing_behind(
        self, home: Path, port: int, launch: Callable[..., subprocess.Popen[str]]
    ) -> None:
        process = launch()
        await_start(process, home)
        crashed = pid_of(home, "web")

        ready = get(port, "/readyz")
        beside = command_beside(home, "check", "--database", "default")
        second, _ = supervisor(home, port + 1).communicate(timeout=PATIENCE)
        os.kill(crashed, signal.SIGKILL)
        eventually(lambda: pid_of(home, "web") != crashed and answers(port), "a new web process")
        process.terminate()
        output, _ = process.communicate(timeout=PATIENCE)

        assert ready == 200
        assert beside.returncode == 0, beside.stderr
        assert f"already running from this directory, at http://127.0.0.1:{port}" in second
        assert f"LeadCRM is running at http://127.0.0.1:{port}" in output
        assert "web was ended by SIGKILL; starting it again in 1 s (see web.log)." in output
        assert process.returncode == 0
        assert belonging_to(home) == []

    def test_a_killed_one_is_cleared_up_by_the_next_start_or_else_by_its_guardian(
        self, home: Path, port: int, launch: Callable[..., subprocess.Popen[str]]
    ) -> None:
        killed = launch(REDIS_URL=os.environ["REDIS_URL"])
        await_start(killed, home)
        orphans = belonging_to(home)

        kill_with_guardian(killed)
        again = launch(REDIS_URL=os.environ["REDIS_URL"])
        await_start(again, home)
        survivors = [process for process in orphans if process.is_running()]
        answered = answers(port)
        again.kill()
        output, _ = again.communicate(timeout=PATIENCE)

        assert survivors == []
        assert answered
        assert "Stopped what an earlier run left behind" in output
        assert "postgres is ready." in output
        assert "valkey is ready." not in output  # REDIS_URL names another one
        eventually(lambda: belonging_to(home) == [], "the end of every child")


def kill_with_guardian(process: subprocess.Popen[str]) -> None:
    """As when the machine's memory runs out: nobody is left to clean up."""
    for child in psutil.Process(process.pid).children():
        if "leadcrm.embedded.guardian" in child.cmdline():
            child.kill()
    process.kill()
    process.communicate()


def command_beside(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=clean_environment(home),
        capture_output=True,
        text=True,
        check=False,
    )


def answers(port: int) -> bool:
    try:
        return get(port, "/healthz") == 200
    except OSError:
        return False


class TestRefusing:
    def test_a_taken_port_is_said_in_one_sentence(self, tmp_path: Path) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]

            process = supervisor(tmp_path / "var", port)
            output, _ = process.communicate(timeout=PATIENCE)

        assert process.returncode == 1
        assert output.count("\n") == 1
        assert output.startswith(
            f"Port {port} on 127.0.0.1 cannot be used (address already in use)"
        )

    def test_a_wrong_port_is_said_in_one_sentence(self, tmp_path: Path) -> None:
        process = supervisor(tmp_path / "var", 70000)
        output, _ = process.communicate(timeout=PATIENCE)

        assert process.returncode == 2
        assert "“70000” is not a port; choose one from 1 to 65535." in output
