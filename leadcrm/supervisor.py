"""Runs the embedded servers, web, worker and beat as one program that stops as one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from leadcrm import healthcheck
from leadcrm.embedded import guardian, mail, postgres, processes, state, valkey
from leadcrm.embedded.processes import Program, Server
from leadcrm.embedded.starting import DidNotStart, start_and_wait, tail

SERVERS: dict[str, Callable[[Path], Server]] = {
    "DATABASE_URL": postgres.server,
    "REDIS_URL": valkey.server,
    "EMAIL_URL": mail.server,
}
LOOPBACK = ("127.0.0.1", "localhost")
POLL_SECONDS = 0.2
STEADY_SECONDS = 60.0  # a program that ran this long has earned a quick restart again
LONGEST_PAUSE_SECONDS = 30.0
WEB_READY_SECONDS = 60.0


class Stop(Exception):
    """Somebody asked the supervisor to stop."""


@dataclass(slots=True)
class Child:
    program: Program
    process: "subprocess.Popen[bytes]"
    started_at: float
    failures: int = 0
    restart_at: float | None = None


class Supervisor:
    def __init__(self, home: Path, *, host: str, port: int, say: Callable[[str], None]) -> None:
        self.home = home
        self.host = host
        self.port = port
        self.say = say
        self.children: dict[str, Child] = {}
        self.parent = os.getppid()
        self.stop_asked = False

    @property
    def url(self) -> str:
        return f"http://{self.reached_at}:{self.port}"

    @property
    def reached_at(self) -> str:
        return "127.0.0.1" if self.host == "0.0.0.0" else self.host  # noqa: S104

    def run(self) -> None:
        """Until SIGINT, SIGTERM, or the end of the `make` that started it.

        :raises DidNotStart: something essential failed; everything is stopped again.
        """
        for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(sign, self._ask_to_stop)
        self._note("starting")
        guard = guardian.start(self.home)
        try:
            self._start_all()
            self._supervise()
        except Stop:
            pass
        finally:
            self._stop_all()
            guardian.dismiss(guard)
            self._note("stopped")

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self.stop_asked = True

    def _note(self, word: str) -> None:
        state.write_json(
            self.home / "run.json", {"state": word, "pid": os.getpid(), "url": self.url}
        )

    # Starting

    def _start_all(self) -> None:
        state.ensure_secret_key(self.home)
        self._start_servers()
        self._prepare()
        for program in programs(self.home, self.host, self.port, self._environment()):
            self._start(program)
        self._wait_for_web()
        self._note("running")
        self.say(self._welcome())

    def _start_servers(self) -> None:
        addresses = {"SITE_URL": self.url}
        for variable, make in SERVERS.items():
            if os.environ.get(variable) or os.environ.get(f"{variable}_FILE"):
                continue
            self._check_stop()
            server = make(self.home)
            process = start_and_wait(server, self.home)
            self.children[server.program.name] = Child(server.program, process, time.monotonic())
            addresses[variable] = server.url
            self.say(f"{server.program.name} is ready.")
        state.write_json(self.home / "servers.json", addresses)

    def _environment(self) -> dict[str, str]:
        defaults = {"LEADCRM_DEMO": "1", "SITE_URL": self.url}
        if self.host not in LOOPBACK:
            defaults["ALLOWED_HOSTS"] = "*"  # the names of this machine are not known here
        return {
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "",  # five processes import the same modules at each start
            "LEADCRM_VAR": str(self.home),
            **{name: os.environ.get(name, value) for name, value in defaults.items()},
        }

    def _prepare(self) -> None:
        self.say("Preparing the database and the static files …")
        program = Program(
            name="prepare",
            command=[sys.executable, "-m", "leadcrm.prepare"],
            cwd=state.BASE_DIR,
            env=self._environment(),
        )
        process = processes.start(program, self.home)
        while process.poll() is None:
            self._check_stop()
            time.sleep(POLL_SECONDS / 4)
        if process.returncode:
            raise DidNotStart(f"Preparing the database failed:\n{tail(self.home, program.name)}")

    def _start(self, program: Program, failures: int = 0) -> None:
        process = processes.start(program, self.home)
        self.children[program.name] = Child(program, process, time.monotonic(), failures)

    def _wait_for_web(self) -> None:
        deadline = time.monotonic() + WEB_READY_SECONDS
        while not healthcheck.answers(self.reached_at, self.port):
            self._check_stop()
            self._revive()
            if time.monotonic() > deadline:
                raise DidNotStart(f"The web server does not answer:\n{tail(self.home, 'web')}")
            time.sleep(POLL_SECONDS / 2)

    def _welcome(self) -> str:
        lines = ["", f"LeadCRM is running at {self.url}", ""]
        if state.read(self.home / "prepared.json").get("demo"):
            lines += [
                "Sign in with the password leadcrm-demo as",
                "  admin@example.com     administrator",
                "  manager@example.com   sales manager",
                "  marketer@example.com  marketer",
                "  rep@example.com       sales representative",
            ]
        else:
            lines += ["Make the first account with: .venv/bin/python manage.py createsuperuser"]
        lines += ["", f"Logs are in {self.home / 'log'}, data in {self.home}. Ctrl-C stops it all."]
        return "\n".join(lines)

    # Running

    def _supervise(self) -> None:
        while True:
            self._check_stop()
            self._revive()
            time.sleep(POLL_SECONDS)

    def _check_stop(self) -> None:
        """Also stop when the `make` in front of us was killed and can pass no signal on."""
        orphaned = "MAKELEVEL" in os.environ and os.getppid() != self.parent
        if self.stop_asked or orphaned:
            raise Stop

    def _revive(self) -> None:
        now = time.monotonic()
        for child in list(self.children.values()):
            if child.process.poll() is None:
                continue
            if child.restart_at is None:
                self._plan_restart(child, now)
            elif now >= child.restart_at:
                self._start(child.program, child.failures)

    def _plan_restart(self, child: Child, now: float) -> None:
        name = child.program.name
        processes.stop(self.home, name)  # its children may have survived it
        child.failures = 1 if now - child.started_at > STEADY_SECONDS else child.failures + 1
        pause = min(0.5 * 2**child.failures, LONGEST_PAUSE_SECONDS)
        child.restart_at = now + pause
        how = describe_end(child.process.returncode)
        self.say(f"{name} {how}; starting it again in {pause:g} s (see {name}.log).")

    # Stopping

    def _stop_all(self) -> None:
        self._note("stopping")
        self.say("Stopping …")
        ours = [name for name in self.children if name not in ("postgres", "valkey", "mail")]
        processes.stop(self.home, "prepare", *ours)
        processes.stop(self.home, "mail", "valkey", "postgres")
        for child in self.children.values():
            child.process.wait()
        state.write_json(self.home / "children.json", {})
        (self.home / "servers.json").unlink(missing_ok=True)
        self.say("LeadCRM has stopped.")


def programs(home: Path, host: str, port: int, environment: dict[str, str]) -> list[Program]:
    web_workers = os.environ.get("WEB_WORKERS") or str(min(4, max(2, os.cpu_count() or 2)))
    celery = [sys.executable, "-m", "celery", "-A", "leadcrm.celery"]
    commands = {
        "web": [
            *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi"),
            *("--host", host, "--port", str(port), "--workers", web_workers),
            *("--blocking-threads", "8", "--no-ws", "--respawn-failed-workers"),
            *("--workers-kill-timeout", "10", "leadcrm.wsgi:application"),
        ],
        "worker": [
            *(*celery, "worker", "--concurrency", os.environ.get("WORKERS") or "2"),
            *("--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "INFO"),
        ],
        # The schedule lives in memory: a tick that is missed is made up by the next one.
        "beat": [*celery, "beat", "--scheduler", "celery.beat:Scheduler", "--pidfile", ""],
    }
    return [
        Program(name=name, command=command, cwd=state.BASE_DIR, env=environment)
        for name, command in commands.items()
    ]


def describe_end(code: int) -> str:
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with code {code}"
