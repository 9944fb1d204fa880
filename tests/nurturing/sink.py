"""Mail servers for tests: one that behaves like a real one, and one that misbehaves on cue."""

import asyncio
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy

from aiosmtpd.controller import Controller
from django.db import connection


class Sink:
    """Accepts every message once it is whole, also when the sender dies before the answer."""

    def __init__(self) -> None:
        self.accepted: list[str] = []

    @property
    def counts(self) -> Counter[str]:
        return Counter(self.accepted)

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        # aiosmtpd cancels this when the client hangs up, which no real server does.
        return await asyncio.shield(self._accept(envelope))

    async def _accept(self, envelope: object) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)  # type: ignore[attr-defined]
        await asyncio.sleep(0)
        self.accepted.append(str(message["Message-ID"]))
        return "250 2.0.0 Ok: queued as ABC123"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running_sink() -> Iterator[tuple[Sink, int]]:
    sink, port = Sink(), free_port()
    controller = Controller(sink, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield sink, port
    finally:
        controller.stop()


class FaultyServer:
    """Answers as told at one stage: with a line, or by hanging up (`drop`)."""

    def __init__(self, *, meanwhile: Callable[[], object] | None = None, **answers: str) -> None:
        self.answers = answers
        self.meanwhile = meanwhile  # done between DATA and the message
        self.accepted = 0
        self.connections = 0
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self.socket.getsockname()[1])
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.socket.close()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            with client, client.makefile("rwb") as stream:
                try:
                    self._talk(client, stream)
                except (OSError, ValueError):
                    continue

    def _talk(self, client: socket.socket, stream: object) -> None:
        def say(stage: str, usual: str) -> bool:
            """Answer; False when the conversation ends here."""
            answer = self.answers.get(stage, usual)
            if answer == "drop":
                return False
            stream.write(f"{answer}\r\n".encode())  # type: ignore[attr-defined]
            stream.flush()  # type: ignore[attr-defined]
            return True

        if not say("connect", "220 test"):
            return
        for raw in stream:  # type: ignore[attr-defined]
            verb = raw.split(b" ")[0].split(b":")[0].strip().upper().decode()
            if verb == "DATA":
                self._do_meanwhile()
                if not say("data", "354 go on"):
                    return
                if self.answers.get("data", "354").startswith("354") and not self._body(
                    client, stream, say
                ):
                    return
            elif verb == "QUIT":
                say("quit", "221 bye")
                return
            elif not say({"MAIL": "mail", "RCPT": "rcpt"}.get(verb, "other"), "250 ok"):
                return

    def _do_meanwhile(self) -> None:
        if self.meanwhile:
            act, self.meanwhile = self.meanwhile, None
            act()
            connection.close()  # this thread's own

    def _body(self, client: socket.socket, stream: object, say: object) -> bool:
        if self.answers.get("body") == "drop":
            client.shutdown(socket.SHUT_RDWR)
            return False
        for line in stream:  # type: ignore[attr-defined]
            if line == b".\r\n":
                self.accepted += self.answers.get("end", "250").startswith(("250", "drop"))
                return bool(say("end", "250 2.0.0 queued"))  # type: ignore[operator]
        return False
