"""A mailbox on 127.0.0.1 that speaks as much IMAP as reading it needs (RFC 3501)."""

import re
import socketserver
from threading import Thread


class Mailbox:
    """Messages by id. `commands` is what was asked."""

    def __init__(self) -> None:
        self.messages: dict[int, bytes] = {}
        self.validity = 7
        self.password = "correct"
        self.commands: list[str] = []
        mailbox = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.wfile.write(b"* OK ready\r\n")
                for line in self.rfile:
                    tag, _, rest = line.decode("latin-1").strip().partition(" ")
                    mailbox.commands.append(rest)
                    self.wfile.write(mailbox.answer(tag, rest))
                    if rest.upper() == "LOGOUT":
                        return

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        Thread(target=self.server.serve_forever, args=[0.02], daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, tag: str, rest: str) -> bytes:
        word = rest.upper()
        if word == "CAPABILITY":
            return f"* CAPABILITY IMAP4rev1\r\n{tag} OK done\r\n".encode()
        if word.startswith("LOGIN"):
            good = f'"{self.password}"' in rest or rest.endswith(f" {self.password}")
            return f"{tag} {'OK' if good else 'NO'} login\r\n".encode()
        if word.startswith(("EXAMINE", "SELECT")):
            exists = f"* {len(self.messages)} EXISTS\r\n* OK [UIDVALIDITY {self.validity}] ok\r\n"
            found = "INBOX" in word
            return f"{exists if found else ''}{tag} {'OK' if found else 'NO'} folder\r\n".encode()
        if word.startswith("UID SEARCH"):
            return self.search(tag, word)
        if word.startswith("UID FETCH"):
            return self.fetch(tag, int(rest.split()[2]), word)
        return f"{tag} OK\r\n".encode()

    def search(self, tag: str, word: str) -> bytes:
        found = sorted(self.messages)
        if since := re.search(r"UID (\d+):\*", word):
            # As servers do: `*` is the last message, whatever comes before it.
            found = [uid for uid in found if uid >= int(since[1])] or found[-1:]
        ids = " ".join(map(str, found))
        return f"* SEARCH {ids}\r\n{tag} OK done\r\n".encode()

    def fetch(self, tag: str, uid: int, word: str) -> bytes:
        raw = self.messages[uid]
        if "RFC822.SIZE" in word:
            return f"* 1 FETCH (UID {uid} RFC822.SIZE {len(raw)})\r\n{tag} OK done\r\n".encode()
        if part := re.search(r"<0\.(\d+)>", word):
            raw = raw[: int(part[1])]
        head = f"* 1 FETCH (UID {uid} BODY[]<0> {{{len(raw)}}}\r\n".encode()
        return head + raw + f")\r\n{tag} OK done\r\n".encode()
