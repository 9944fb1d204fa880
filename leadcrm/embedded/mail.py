"""An SMTP server that delivers nothing: each message becomes one .eml file.

python -m leadcrm.embedded.mail PORT DIRECTORY
"""

import asyncio
import secrets
import signal
import socket
import sys
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from aiosmtpd.smtp import SMTP, Envelope, Session

from leadcrm.embedded import state
from leadcrm.embedded.processes import Program, Server

MAX_BYTES = 30_000_000


def server(home: Path) -> Server:
    port = state.free_port(state.read(home / "mail.json").get("port"))
    state.write_json(home / "mail.json", {"port": port})
    return Server(
        variable="EMAIL_URL",
        url=f"smtp://127.0.0.1:{port}",
        program=Program(
            name="mail",
            command=[
                *(sys.executable, "-m", "leadcrm.embedded.mail", str(port), str(home / "mail"))
            ],
            cwd=state.BASE_DIR,
        ),
        is_ready=lambda: _greets(port),
    )


class Catcher:
    """Keeps the message as it came, with its envelope in two headers on top."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        name = f"{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}-{secrets.token_hex(4)}"
        draft = self.directory / f".{name}"
        draft.write_bytes(_envelope_headers(envelope) + (envelope.original_content or b""))
        draft.rename(self.directory / f"{name}.eml")
        return f"250 Kept as {name}.eml"


def _envelope_headers(envelope: Envelope) -> bytes:
    headers = [f"X-Envelope-From: {envelope.mail_from}"]
    headers += [f"X-Envelope-To: {recipient}" for recipient in envelope.rcpt_tos]
    return "".join(f"{header}\r\n" for header in headers).encode("utf-8", "surrogateescape")


def _greets(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return connection.recv(3) == b"220"
    except OSError:
        return False


async def serve(port: int, directory: Path) -> None:
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stopped.set)
    catcher = Catcher(directory)
    listener = await loop.create_server(
        partial(SMTP, catcher, data_size_limit=MAX_BYTES, enable_SMTPUTF8=True),
        host="127.0.0.1",
        port=port,
    )
    await stopped.wait()
    listener.close()


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1]), Path(sys.argv[2])))
