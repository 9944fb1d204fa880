"""What attackers, old sites and broken programs send: kept or refused in words, never an error."""

import gzip
import json
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client

from leadcrm.accounts.actions import create_api_key
from leadcrm.lib import pump
from leads.models import InboxItem, Inquiry, Lead
from tests.factories import make_form

pytestmark = pytest.mark.django_db
CAPTURE, FORM = "/api/v1/capture/", "/f/book-a-demo/"
URLENCODED = "application/x-www-form-urlencoded"
EMAIL = b"email=alice%40kestrel.example"
PART = b'--b\r\nContent-Disposition: form-data; name="email"\r\n'
VALUE = b"\r\nalice@kestrel.example"


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def key() -> str:
    return create_api_key(name="Website", scopes=["capture:write"]).plain


@pytest.fixture(autouse=True)
def form() -> Any:
    return make_form()


def to_api(client: Client, key: str, body: bytes, **more: Any) -> Any:
    headers = {"Authorization": f"Bearer {key}", **more.pop("headers", {})}
    # Not `post`, which changes bytes to suit the declared charset.
    answer = client.generic(
        "POST", CAPTURE, body, more.get("content_type", "application/json"), headers=headers
    )
    pump.run_all()
    return answer


def to_form(client: Client, body: bytes, content_type: str = URLENCODED, **more: Any) -> Any:
    answer = client.generic("POST", FORM, body, content_type, **more)
    pump.run_all()
    return answer


def envelope(**fields: Any) -> bytes:
    return json.dumps({"fields": {"email": "alice@kestrel.example", **fields}}).encode()


class TestTheApiTakes:
    @pytest.mark.parametrize(
        ("body", "kept"),
        [
            (b'{"fields":{"email":"a@x.example","first_name":"A\\u0000lice"}}', "Alice"),
            (b'{"fields":{"email":"a@x.example","first_name":"A\\ud800lice"}}', "Alice"),
            (b'\xef\xbb\xbf{"fields":{"email":"a@x.example","first_name":"Alice"}}', "Alice"),
            ('{"fields":{"email":"a@x.example","first_name":"José"}}'.encode("latin-1"), "José"),
            ('{"fields":{"email":"a@x.example","first_name":"José"}}'.encode("utf-16"), "José"),
            (b'{"fields":{"email":"b@x.example","email":"a@x.example","first_name":"A"}}', "A"),
            (b'{"fields":{"email":"a@x.example","first_name":"Jose\\u0301"}}', "José"),
        ],
        ids=["nul", "surrogate", "bom", "latin-1", "utf-16", "duplicate-keys", "nfd"],
    )
    def test_and_cleans(self, client: Client, key: str, body: bytes, kept: str) -> None:
        answer = to_api(client, key, body)

        assert answer.status_code == 202
        lead = Lead.objects.get()
        assert (lead.first_name, lead.email) == (kept, "a@x.example")

    def test_json_called_text(self, client: Client, key: str) -> None:
        answer = to_api(client, key, envelope(), content_type="text/plain;charset=UTF-8")

        assert answer.status_code == 202
        assert Lead.objects.count() == 1

    def test_values_longer_than_any_column(self, client: Client, key: str) -> None:
        answer = to_api(client, key, envelope(first_name="x" * 5000, message="y" * 50_000))

        inquiry = Inquiry.objects.get()
        assert answer.status_code == 202
        assert len(Lead.objects.get().first_name) == 100
        assert len(inquiry.message) == 20_000
        assert "cut" in inquiry.context["notes"][0]
        assert len(bytes(InboxItem.objects.get().body)) > 50_000

    def test_two_thousand_fields(self, client: Client, key: str) -> None:
        answer = to_api(client, key, envelope(**{f"f{n}": "x" for n in range(2000)}))

        assert answer.status_code == 202
        assert len(Inquiry.objects.get().fields) == 500

    def test_chunks(self, client: Client, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}", "Transfer-Encoding": "chunked"}
        sent = {"wsgi.input_terminated": True, "wsgi.input": BytesIO(envelope())}

        answer = client.generic("POST", CAPTURE, b"", "application/json", headers=headers, **sent)

        assert answer.status_code == 202
        assert InboxItem.objects.get().body

    def test_numbers_where_texts_are_usual(self, client: Client, key: str) -> None:
        answer = to_api(client, key, envelope(phone=31201234567, company_size="many"))

        assert answer.status_code == 202
        assert Lead.objects.get().company_size is None


class TestTheApiRefusesAndKeeps:
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"not json",
            b'{"fields": {"a": NaN}}',
            b'{"fields": {"a": 1e999}}',
            b'{"fields": {"a": ' + b"9" * 5000 + b"}}",
            b'{"fields": ' + b"[" * 100_000,
            b'{"fields": {"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
            b'{"fields": {"a": ' + b'{"a":' * 40 + b"1" + b"}" * 42,
            b"\x00" * 100,
            b"null",
        ],
        ids=["empty", "text", "nan", "infinity", "digits", "open", "deep", "forty", "nuls", "null"],
    )
    def test_what_is_no_json_object(self, client: Client, key: str, body: bytes) -> None:
        answer = to_api(client, key, body)

        problem = answer.json()
        assert answer.status_code == 400
        assert problem["errors"][0]["field"] == "body"
        item = InboxItem.objects.get(receipt_id=problem["receipt_id"])
        assert item.state == "needs_review"
        assert bytes(item.body) == body


class TestTheApiRefuses:
    def test_six_megabytes(self, client: Client, key: str) -> None:
        answer = to_api(client, key, envelope(message="x" * 6_000_000))

        assert answer.status_code == 413
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert "5 MB" in answer.json()["detail"]

    def test_compressed_bodies(self, client: Client, key: str) -> None:
        answer = to_api(
            client, key, gzip.compress(envelope()), headers={"Content-Encoding": "gzip"}
        )

        assert answer.status_code == 415

    def test_chunks_from_a_server_that_does_not_mark_their_end(
        self, client: Client, key: str
    ) -> None:
        headers = {"Authorization": f"Bearer {key}", "Transfer-Encoding": "chunked"}

        answer = client.generic("POST", CAPTURE, b"", "application/json", headers=headers)

        assert answer.status_code == 411
        assert "Content-Length" in answer.json()["detail"]

    def test_keys_in_the_address(self, client: Client, key: str) -> None:
        answer = client.post(f"{CAPTURE}?key={key}", envelope(), content_type="application/json")

        assert answer.status_code == 401

    @pytest.mark.parametrize("method", ["put", "patch", "delete", "get"])
    def test_other_methods(self, client: Client, key: str, method: str) -> None:
        answer = getattr(client, method)(CAPTURE, headers={"Authorization": f"Bearer {key}"})

        assert answer.status_code == 405

    def test_receipts_that_are_none(self, client: Client, key: str) -> None:
        headers = {"Authorization": f"Bearer {key}"}

        assert client.get(f"{CAPTURE}nonsense/", headers=headers).status_code == 404
        unknown = client.get(f"{CAPTURE}{'0' * 8}-0000-4000-8000-{'0' * 12}/", headers=headers)
        assert unknown.status_code == 404


class TestTheFormTakes:
    @pytest.mark.parametrize(
        ("body", "content_type", "name"),
        [
            (EMAIL + b"&first_name=A%00lice", URLENCODED, "Alice"),
            (EMAIL + b"&first_name=Jos%E9", f"{URLENCODED}; charset=iso-8859-1", "José"),
            (EMAIL + b"&first_name=Jos%E9", URLENCODED, "José"),
            (EMAIL + b"&first_name=%ED%A0%80Bo", f"{URLENCODED}; charset=hex", "í\xa0€Bo"),
            (
                "email=alice@kestrel.example&first_name=José".encode("utf-16"),
                f"{URLENCODED}; charset=utf-16",
                "José",
            ),
            (EMAIL + b"&first_name=%FF%FE", URLENCODED, None),
            (EMAIL + b"&first_name=" + quote("山田").encode(), "text/plain", "山田"),
            (b'{"email":"alice@kestrel.example","first_name":"A"}', "application/json", "A"),
            (b"&&&=&%&" + EMAIL + b"&first_name", "", ""),
        ],
        ids=["nul", "latin", "bare", "codec", "utf-16", "bytes", "text", "json", "rubble"],
    )
    def test_texts_in_any_encoding(
        self, client: Client, body: bytes, content_type: str, name: str | None
    ) -> None:
        answer = to_form(client, body, content_type)

        assert answer.status_code == 303
        lead = Lead.objects.get()
        assert lead.email == "alice@kestrel.example"
        assert name is None or lead.first_name == name

    @pytest.mark.parametrize(
        "body",
        [
            PART + VALUE + b"\r\n--b--",
            PART + VALUE,
            (PART + VALUE + b"\r\n--b\r\n").replace(b"\r", b""),
            b'--b\r\nContent-Disposition: form-data; name="cv"; filename="x"\r\n\r\nMZ\r\n'
            + PART
            + VALUE
            + b"\r\n--b--",
            PART
            + b"Content-Transfer-Encoding: base64\r\n\r\nYWxpY2VAa2VzdHJlbC5leGFtcGxl\r\n--b--",
        ],
        ids=["whole", "cut-off", "bare-newlines", "with-a-file", "base64"],
    )
    @pytest.mark.parametrize("declared", ["multipart/form-data; boundary=b", "multipart/form-data"])
    def test_multipart_however_broken(self, client: Client, body: bytes, declared: str) -> None:
        answer = to_form(client, body, declared)

        assert answer.status_code == 303
        assert Lead.objects.get().email == "alice@kestrel.example"

    def test_a_hundred_thousand_fields(self, client: Client) -> None:
        answer = to_form(client, EMAIL + b"&" + b"&".join(b"f%d=x" % n for n in range(100_000)))

        assert answer.status_code == 303
        assert len(Inquiry.objects.get().fields) == 500

    def test_script_in_a_name_as_a_name(self, client: Client) -> None:
        to_form(client, EMAIL + b"&first_name=%3Cscript%3Ealert(1)%3C/script%3E")

        assert Lead.objects.get().first_name == "<script>alert(1)</script>"


class TestTheFormAnswersInWords:
    @pytest.mark.parametrize("body", [b"", b"\x00\xff\x00", b"=&=&", b"[1,2]", b"{broken"])
    def test_what_holds_no_answers_and_keeps_it(self, client: Client, body: bytes) -> None:
        answer = to_form(client, body)

        assert answer.status_code in {400, 422}
        assert b"</html>" in answer.content
        assert InboxItem.objects.get().state == "needs_review"

    def test_six_megabytes(self, client: Client) -> None:
        answer = to_form(client, EMAIL + b"&message=" + b"x" * 6_000_000)

        assert answer.status_code == 413
        assert b"5 MB" in answer.content

    def test_compressed_bodies(self, client: Client) -> None:
        answer = to_form(client, gzip.compress(EMAIL), headers={"Content-Encoding": "gzip"})

        assert answer.status_code == 415

    def test_odd_queries(self, client: Client) -> None:
        for query in ("?lc_page=%00%ff", "?sent=%00", "?utm_source=" + "x" * 5000):
            assert client.get(FORM + query).status_code == 200
