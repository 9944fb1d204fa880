"""The hostile list through every door: what is accepted is stored and says in words how it stands;
what is not accepted is refused in words. Never an error of ours, never a lost body."""

import gzip
import json
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from leadcrm.accounts.actions import create_api_key
from leadcrm.lib import pump
from leads.models import ConnectionSecret, InboxItem
from tests.factories import make_form
from tests.leads.sources import connect, secret_of

pytestmark = pytest.mark.django_db
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
MULTIPART = "multipart/form-data; boundary=b"
EMAIL = b"email=alice%40kestrel.example&first_name=Alice"
SITE = "https://kestrel.example"
PART = b'--b\r\nContent-Disposition: form-data; name="email"\r\n\r\na@x.example'


def envelope(**fields: Any) -> bytes:
    return json.dumps({"fields": {"email": "alice@kestrel.example", **fields}}).encode()


@dataclass(frozen=True)
class Sent:
    """One hostile post; `headers` as the server sees them."""

    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    chunked: bool = False


HOSTILE = {
    "nothing": Sent(b"", ""),
    "white space": Sent(b" \r\n\t"),
    "one megabyte": Sent(envelope(message="x" * 1_000_000)),
    "ten megabytes": Sent(envelope(message="x" * 10_000_000)),
    "bytes that are no UTF-8": Sent(b'{"fields":{"email":"a@x.example","first_name":"\xff\xfe"}}'),
    "NUL in JSON": Sent(b'{"fields":{"email":"a@x.example","first_name":"A\\u0000"}}'),
    "NUL in names": Sent(b'{"fields":{"em\\u0000ail":"a@x.example","\\u0000":1}}'),
    "NULs": Sent(b"\x00" * 1000, FORM),
    "lone surrogates": Sent(b'{"fields":{"email":"a@x.example","first_name":"\\ud800"}}'),
    "a form with NUL": Sent(EMAIL + b"%00&company=%00", FORM),
    "a form in Latin 1": Sent(EMAIL + b"&last_name=Jos%E9", f"{FORM}; charset=iso-8859-1"),
    "a form in UTF-16": Sent("email=a@x.example&a=é".encode("utf-16"), f"{FORM}; charset=utf-16"),
    "a form in Shift JIS": Sent(
        EMAIL + b"&last_name=" + quote("山田".encode("shift_jis")).encode(),
        f"{FORM}; charset=shift_jis",
    ),
    "a charset nobody knows": Sent(EMAIL, f"{FORM}; charset=klingon"),
    "broken percents": Sent(EMAIL + b"&%&%zz=%f&=&&&;", FORM),
    "a byte order mark": Sent(b"\xef\xbb\xbf" + envelope()),
    "NaN": Sent(b'{"fields":{"email":"a@x.example","n":NaN,"i":-Infinity}}'),
    "a number past every range": Sent(b'{"fields":{"email":"a@x.example","n":1e999}}'),
    "five thousand digits": Sent(b'{"fields":{"email":"a@x.example","n":' + b"9" * 5000 + b"}}"),
    "a hundred thousand levels": Sent(b'{"fields":' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "forty levels": Sent(b'{"fields":{"a":' * 40 + b"1" + b"}}" * 40),
    "keys twice": Sent(b'{"fields":{"email":1},"fields":{"email":"a@x.example"}}'),
    "two thousand fields": Sent(envelope(**{f"f{n}": n for n in range(2000)})),
    "ten thousand form fields": Sent(EMAIL + b"&" + b"&".join(b"f=x" for _ in range(10_000)), FORM),
    "a list": Sent(b"[1,2,3]"),
    "a text": Sent(b'"hello"'),
    "fields of odd types": Sent(b'{"fields":{"email":{"a":[1]},"phone":true,"name":[null,{}]}}'),
    "a multipart cut off": Sent(PART, MULTIPART),
    "a multipart of nothing": Sent(b"--b--", MULTIPART),
    "a boundary of ten thousand letters": Sent(
        PART, f"multipart/form-data; boundary={'b' * 10_000}"
    ),
    "ten thousand parts": Sent((PART + b"\r\n") * 10_000 + b"--b--", MULTIPART),
    "bad base64": Sent(
        b'--b\r\nContent-Disposition: form-data; name="email"\r\n'
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n--b--",
        MULTIPART,
    ),
    "gzip that says so": Sent(
        gzip.compress(envelope()), headers=(("Content-Encoding", "gzip"),)
    ),
    "gzip that does not": Sent(gzip.compress(envelope())),
    "JSON called text": Sent(envelope(), "text/plain;charset=UTF-8"),
    "a type of nonsense": Sent(envelope(), "\x00/\xff; ;;=;"),
    "less than it says": Sent(EMAIL, FORM, headers=(("Content-Length", "5000"),)),
    "a length that is none": Sent(EMAIL, FORM, headers=(("Content-Length", "-1"),)),
    "chunks": Sent(envelope(), chunked=True),
    "SQL and script": Sent(
        envelope(first_name="'; DROP TABLE leads_lead; --", last_name="<script>alert(1)</script>")
    ),
    "formulas": Sent(envelope(first_name='=HYPERLINK("http://x")', company="@SUM(1)")),
    "letters that turn": Sent(envelope(first_name="\u202eecilA\u202c", message="Z\u0351" * 5000)),
    "addresses beyond all length": Sent(envelope(email="a" * 10_000 + "@x.example")),
    "an XML bomb": Sent(b'<!DOCTYPE x [<!ENTITY a "aa">]><x>&a;</x>', "application/xml"),
}  # fmt: skip


@pytest.fixture
def doors() -> dict[str, tuple[str, dict[str, str], Client]]:
    """Every way in: its address, its headers, and who comes through it."""
    make_form()
    server = create_api_key(name="Server", scopes=["capture:write"]).plain
    website = create_api_key(
        name="Website", scopes=["capture:write"], publishable=True, origins=[SITE]
    ).plain
    connection = connect("webhook", name="Partner site")
    address = secret_of(connection, ConnectionSecret.Use.ADDRESS)
    stranger = Client(raise_request_exception=False)
    return {
        "form": ("/f/book-a-demo/", {}, stranger),
        "server": ("/api/v1/capture/", {"Authorization": f"Bearer {server}"}, stranger),
        "website": (
            "/api/v1/capture/",
            {"Authorization": f"Bearer {website}", "Origin": SITE},
            stranger,
        ),
        "source": (f"/in/{address}/", {}, stranger),
    }


@pytest.mark.parametrize("sent", HOSTILE.values(), ids=HOSTILE)
def test_is_stored_with_words_or_refused_with_words(
    sent: Sent, doors: dict[str, tuple[str, dict[str, str], Client]]
) -> None:
    for door, (address, headers, client) in doors.items():
        before = InboxItem.objects.count()
        # As a server hands it on, whatever the length says.
        extra: dict[str, Any] = {"wsgi.input": BytesIO(sent.body)}
        headers = {**headers, **dict(sent.headers)}
        if sent.chunked:
            headers["Transfer-Encoding"] = "chunked"
            extra["wsgi.input_terminated"] = True

        answer = client.generic(
            "POST",
            address,
            b"" if sent.chunked else sent.body,
            sent.content_type,
            headers=headers,
            **extra,
        )

        stored = InboxItem.objects.count() - before
        said = answer.content.decode()
        assert answer.status_code < 500, (door, answer.status_code, said[:500])
        if answer.status_code < 400:
            assert stored == 1, (door, answer.status_code)
        else:
            assert "detail" in said or "</html>" in said or "message" in said, (door, said[:200])

    pump.run_all()
    for item in InboxItem.objects.all():
        assert item.state != "received", item.reason
        assert item.state == "applied" or item.reason, item.state
        assert item.state != "failed", item.reason
