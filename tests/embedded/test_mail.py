import smtplib
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path

import pytest

from leadcrm.embedded import mail, processes
from leadcrm.embedded.starting import start_and_wait


@pytest.fixture
def catcher(tmp_path: Path) -> Iterator[int]:
    server = mail.server(tmp_path)
    process = start_and_wait(server, tmp_path)
    yield int(server.url.rpartition(":")[2])
    processes.stop(tmp_path, "mail")
    process.wait()


def letter(subject: str) -> EmailMessage:
    message = EmailMessage()
    message["From"] = "Alice <alice@example.com>"
    message["To"] = "Bob <bob@example.com>"
    message["Subject"] = subject
    message.set_content("Grüße aus Köln\n")
    return message


class TestCatcher:
    def test_keeps_each_message_as_one_file_in_order_of_arrival(
        self, catcher: int, tmp_path: Path
    ) -> None:
        with smtplib.SMTP("127.0.0.1", catcher) as smtp:
            smtp.send_message(letter("First"))
            smtp.send_message(letter("Second"))

        first, second = sorted((tmp_path / "mail").iterdir())
        assert first.suffix == second.suffix == ".eml"
        assert b"Subject: First" in first.read_bytes()
        assert b"Subject: Second" in second.read_bytes()

    def test_notes_the_envelope_which_may_differ_from_the_headers(
        self, catcher: int, tmp_path: Path
    ) -> None:
        with smtplib.SMTP("127.0.0.1", catcher) as smtp:
            smtp.send_message(
                letter("Hello"), from_addr="bounces@example.com", to_addrs=["charlie@example.com"]
            )

        [message] = (tmp_path / "mail").iterdir()
        lines = message.read_text(encoding="utf-8").splitlines()
        assert lines[:2] == [
            "X-Envelope-From: bounces@example.com",
            "X-Envelope-To: charlie@example.com",
        ]
