"""Programs of others, as tests play them."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.test import Client

from leadcrm.lib import pump
from leadcrm.lib.sealing import unseal
from leads import capture
from leads.actions import sources as actions
from leads.models import Connection, ConnectionSecret, InboxItem
from leads.providers import PROVIDERS
from tests.factories import make_funnel

PAYLOADS = Path(__file__).parent / "payloads"
Use = ConnectionSecret.Use


def payload(name: str) -> bytes:
    return (PAYLOADS / name).read_bytes().strip()


def document(name: str) -> Any:
    return json.loads(payload(name))


def connect(provider: str, *, name: str = "", **more: Any) -> Connection:
    """A source as the page makes it."""
    kind = PROVIDERS[provider]
    return actions.create_source(
        actions.NewSource(
            name=name or kind.label,
            provider=provider,
            kind=kind.kind,
            channel=kind.channel,
            **more,
        )
    )


def secret_of(connection: Connection, use: str) -> str:
    return unseal(connection.secrets.filter(use=use).order_by("-pk")[0].sealed)


def hexed(secret: str, body: bytes) -> str:
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def encoded(secret: str, body: bytes) -> str:
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


@dataclass
class Sender:
    """A provider's servers: posts to the address it was given."""

    connection: Connection
    content_type: str = "application/json"
    headers: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        make_funnel()
        self.client = Client(raise_request_exception=False)

    @property
    def address(self) -> str:
        return f"/in/{secret_of(self.connection, Use.ADDRESS)}/"

    def post(
        self, body: Any, *, content_type: str = "", settle: bool = True, **headers: str
    ) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        answer = self.client.generic(
            "POST",
            self.address,
            raw,
            content_type=content_type or self.content_type,
            headers={**self.headers, **named},
        )
        if settle:
            settle_captures()
        return answer

    def item(self) -> InboxItem:
        return InboxItem.objects.order_by("-pk")[0]

    def items(self, state: str = "") -> int:
        found = InboxItem.objects.filter(source=self.connection.pk)
        return (found.filter(state=state) if state else found).count()


def settle_captures() -> None:
    """Only what captures need: the other queues cost time in every test."""
    for queue in (capture.QUEUE, actions.FETCH_QUEUE, actions.POLL_QUEUE, capture.QUEUE):
        pump.run(queue)


def multipart(fields: dict[str, str], *, boundary: str = "xXx") -> tuple[bytes, str]:
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join(parts) + f"--{boundary}--\r\n"
    return body.encode(), f"multipart/form-data; boundary={boundary}"
