"""What people type, brought to one form. Odd input never raises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadcrm.lib import normalise


class TestEmail:
    @pytest.mark.parametrize(
        ("raw", "canonical"),
        [
            (" Priya@Kestrel.Example ", "priya@kestrel.example"),
            ("PRIYA+crm@kestrel.example", "priya+crm@kestrel.example"),
            ("mailto:a@exämple.de", "a@xn--exmple-cua.de"),
            ("a@xn--exmple-cua.de", "a@xn--exmple-cua.de"),
            ("<a@b.example>", "a@b.example"),
            ("jose\u0301@b.example", "jos\u00e9@b.example"),
        ],
    )
    def test_has_one_canonical_form(self, raw: str, canonical: str) -> None:
        email = normalise.email(raw)

        assert email is not None
        assert email.canonical == canonical

    @pytest.mark.parametrize("raw", ["", "a", "a@", "@b", "a b@c.de", "x" * 300 + "@c.de", "a@b@c"])
    def test_says_none_when_it_is_none(self, raw: str) -> None:
        assert normalise.email(raw) is None

    @given(st.text(max_size=80))
    def test_is_stable_and_never_raises(self, raw: str) -> None:
        first = normalise.email(raw)

        if first is not None:
            again = normalise.email(first.canonical)
            assert again is not None
            assert again.canonical == first.canonical


class TestPhone:
    @pytest.mark.parametrize(
        ("raw", "region", "e164"),
        [
            ("+49 (0)30 123456", None, "+4930123456"),
            ("010 555 0142", "NL", "+31105550142"),
            ("0031 10 555 0142", "NL", "+31105550142"),
        ],
    )
    def test_becomes_e164(self, raw: str, region: str | None, e164: str) -> None:
        assert normalise.phone(raw, region=region) == e164

    @pytest.mark.parametrize("raw", ["", "911", "call me", "１２３", "+" + "1" * 60])
    def test_says_none_when_it_cannot_be_dialled(self, raw: str) -> None:
        assert normalise.phone(raw, region="NL") is None


class TestText:
    def test_loses_what_postgresql_cannot_store(self) -> None:
        assert normalise.clean_text(" a\x00b\ud800c\x07\td\n") == "abc\td"

    @given(st.text())
    def test_cleaning_twice_changes_nothing(self, raw: str) -> None:
        once = normalise.clean_text(raw)

        assert normalise.clean_text(once) == once

    def test_json_deeper_than_32_levels_is_refused(self) -> None:
        value: object = "x"
        for _ in range(40):
            value = [value]

        with pytest.raises(ValueError, match="32 levels"):
            normalise.clean_json(value)


@pytest.mark.parametrize(
    "url",
    ["https://www.Example.com/a?b", "example.com", "HTTP://example.com:8080", "www.example.com."],
)
def test_a_web_address_has_one_host(url: str) -> None:
    assert normalise.host(url) == "example.com"
