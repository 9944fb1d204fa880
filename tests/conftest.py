"""Fixtures everybody needs. The servers behind them are started by `tests.settings`."""

import socket
from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage

import hypothesis
import pytest

# The same examples in every run: what is green here is green elsewhere. To look for new ones, run
# pytest with --hypothesis-profile=searching.
hypothesis.settings.register_profile("steady", derandomize=True)
hypothesis.settings.register_profile("searching", derandomize=False)
hypothesis.settings.load_profile("steady")


@pytest.fixture(autouse=True)
def _clean_cache() -> Iterator[None]:
    """No rate limit, flag or cached page of one test reaches the next."""
    from django.core.cache import cache

    from leadcrm.lib import recent

    yield
    cache.clear()
    recent.forget_all()


class Mailbox:
    """What arrived over real SMTP, oldest first."""

    def __init__(self) -> None:
        self.messages: list[EmailMessage] = []

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        message = message_from_bytes(envelope.content, policy=policy.default)  # type: ignore[attr-defined]
        message["X-Envelope-From"] = envelope.mail_from  # type: ignore[attr-defined]
        message["X-Envelope-To"] = ", ".join(envelope.rcpt_tos)  # type: ignore[attr-defined]
        self.messages.append(message)  # type: ignore[arg-type]
        return "250 OK"

    def __len__(self) -> int:
        return len(self.messages)

    def __iter__(self) -> Iterator[EmailMessage]:
        return iter(self.messages)

    def __getitem__(self, index: int) -> EmailMessage:
        return self.messages[index]


@pytest.fixture(scope="session")
def _post_office() -> Iterator[tuple[int, Mailbox]]:
    from aiosmtpd.controller import Controller

    mailbox = Mailbox()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    controller = Controller(mailbox, hostname="127.0.0.1", port=port, enable_SMTPUTF8=True)
    controller.start()
    yield port, mailbox
    controller.stop()


@pytest.fixture
def mailbox(_post_office: tuple[int, Mailbox], settings: object) -> Mailbox:
    """An SMTP server for this test; Django's mail settings point to it."""
    port, box = _post_office
    box.messages.clear()
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"  # type: ignore[attr-defined]
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port  # type: ignore[attr-defined]
    settings.EMAIL_URL = f"smtp://127.0.0.1:{port}"  # type: ignore[attr-defined]
    return box
