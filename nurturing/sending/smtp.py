"""An SMTP conversation that stops one step before the end.

`begin` sends the whole message except for the final dot, so the server cannot have accepted it.
The caller then commits that it is about to; `complete` sends the dot and waits for the answer.
"""

import re
import select
import smtplib
import socket
import ssl
from types import TracebackType
from typing import Self

from django.conf import settings

from nurturing.sending import crash
from nurturing.sending.faults import SmtpFault, Stage

TERMINATOR = b".\r\n"
ANSWER_TIMEOUT = 600.0  # RFC 5321 §4.5.3.2.6: a shorter one makes duplicates (RFC 1047)
_BROKEN = (OSError, smtplib.SMTPServerDisconnected)


class Conversation:
    """One connection, used for many messages. Opened when the first needs it."""

    def __init__(self) -> None:
        self._smtp: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.quit()

    @property
    def takes_any_address(self) -> bool:
        """Whether the server takes addresses beyond ASCII (RFC 6531)."""
        return self._open().has_extn("smtputf8")

    def begin(self, sender: str, recipient: str, message: bytes) -> None:
        """Everything up to the last line of the body.

        :raises SmtpFault: nothing was accepted.
        """
        smtp = self._open()
        utf8 = [] if (sender + recipient).isascii() else ["SMTPUTF8"]
        body = ["BODY=8BITMIME"] if utf8 else []
        self._ask(smtp, Stage.MAIL, f"MAIL FROM:<{sender}>{''.join(f' {o}' for o in body + utf8)}")
        self._ask(smtp, Stage.RCPT, f"RCPT TO:<{recipient}>")
        crash.point("after_rcpt")
        self._ask(smtp, Stage.DATA, "DATA", wanted=354)
        try:
            smtp.send(stuffed(message))
            self._refuse_early_answer(smtp)
        except _BROKEN as error:
            raise self._broken(Stage.BODY, error) from None

    def complete(self) -> str:
        """The terminator, and the server's word of acceptance.

        :raises SmtpFault: with a code nothing was accepted; without one nobody knows.
        """
        smtp = self._smtp
        if smtp is None or smtp.sock is None:
            raise SmtpFault(Stage.BODY, 0, "the conversation is over")
        try:
            smtp.sock.settimeout(ANSWER_TIMEOUT)
            smtp.send(TERMINATOR)
            code, text = smtp.getreply()
            smtp.sock.settimeout(settings.EMAIL_TIMEOUT)
        except _BROKEN as error:
            raise self._broken(Stage.END, error) from None
        if code != 250:
            raise SmtpFault(Stage.END, code, _readable(text))
        return f"{code} {_readable(text)}"[:300]

    def abandon(self) -> None:
        """Hang up without the terminator: the server throws the message away."""
        if self._smtp is not None:
            self._smtp.close()
            self._smtp = None

    def quit(self) -> None:
        if self._smtp is None:
            return
        try:
            self._smtp.quit()
        except (*_BROKEN, smtplib.SMTPException):
            self._smtp.close()
        self._smtp = None

    def _open(self) -> smtplib.SMTP:
        if self._smtp is None:
            self._smtp = _connect()
        return self._smtp

    def _ask(self, smtp: smtplib.SMTP, stage: Stage, line: str, *, wanted: int = 250) -> None:
        try:
            smtp.putcmd(line)
            code, text = smtp.getreply()
        except _BROKEN as error:
            raise self._broken(stage, error) from None
        if code == wanted or (wanted == 250 and code == 251):
            return
        if code == 421:
            self.abandon()  # the server is closing the channel
        else:
            self._reset(smtp)
        raise SmtpFault(stage, code, _readable(text))

    def _reset(self, smtp: smtplib.SMTP) -> None:
        try:
            smtp.rset()
        except _BROKEN:
            self.abandon()

    def _refuse_early_answer(self, smtp: smtplib.SMTP) -> None:
        """A server that speaks or hangs up during the body will not accept the message."""
        sock = smtp.sock
        if sock is None or isinstance(sock, ssl.SSLSocket):
            return  # TLS may have records of its own waiting
        if select.select([sock], [], [], 0)[0]:
            raise smtplib.SMTPServerDisconnected("the server ended the conversation early")

    def _broken(self, stage: Stage, error: Exception) -> SmtpFault:
        self.abandon()
        return SmtpFault(stage, 0, str(error) or type(error).__name__)


def _connect() -> smtplib.SMTP:
    """:raises SmtpFault: nobody answers, or we are not let in."""
    smtp: smtplib.SMTP | None = None
    patience = float(settings.EMAIL_TIMEOUT or 30)
    try:
        if settings.EMAIL_USE_SSL:
            smtp = smtplib.SMTP_SSL(
                settings.EMAIL_HOST,
                settings.EMAIL_PORT,
                timeout=patience,
                context=ssl.create_default_context(),
            )
        else:
            smtp = smtplib.SMTP(settings.EMAIL_HOST, settings.EMAIL_PORT, timeout=patience)
        # The dot follows the body as a packet of its own; without this it waits for the body's
        # delayed acknowledgement, 40 ms with every mail.
        if smtp.sock is not None:
            smtp.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        smtp.ehlo_or_helo_if_needed()
        if settings.EMAIL_USE_TLS:
            smtp.starttls(context=ssl.create_default_context())
            smtp.ehlo()
        if settings.EMAIL_HOST_USER:
            smtp.login(settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD)
    except smtplib.SMTPAuthenticationError as error:
        raise SmtpFault(Stage.SIGN_IN, error.smtp_code, _readable(error.smtp_error)) from None
    except smtplib.SMTPResponseException as error:
        raise SmtpFault(Stage.CONNECT, error.smtp_code, _readable(error.smtp_error)) from None
    except (smtplib.SMTPException, OSError) as error:
        if smtp is not None:
            smtp.close()
        raise SmtpFault(Stage.CONNECT, 0, str(error)) from None
    return smtp


def stuffed(message: bytes) -> bytes:
    """Lines end in CRLF, and one that starts with a dot gets another (RFC 5321 §4.5.2).

    Bare CR or LF would let a body smuggle a second message past a lenient server.
    """
    lines = re.sub(rb"\r\n|\r|\n", b"\r\n", message)
    if not lines.endswith(b"\r\n"):
        lines += b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", lines)


def _readable(raw: bytes | str) -> str:
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
