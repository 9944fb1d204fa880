"""What custom fields take, and how they keep it."""

import contextlib
from typing import Any

import pytest

from leads.fields import BadValue, clean_value, display
from leads.models import FieldDefinition

PLANS = [
    {"key": "starter", "label": "Starter"},
    {"key": "pro", "label": "Pro, for teams"},
    {"key": "old", "label": "Classic", "archived": True},
]


def a_field(type_: str, **more: Any) -> FieldDefinition:
    options = PLANS if type_ in FieldDefinition.HAS_OPTIONS else []
    return FieldDefinition(key="extra", label="Extra", type=type_, options=options, **more)


TAKEN: list[tuple[str, Any, Any]] = [
    ("text", "  two\nlines\x00 ", "two lines"),
    ("text", 12.5, "12.5"),
    ("text", True, "yes"),
    ("text", 123456789012345678, "123456789012345678"),
    ("text", ["a", "b"], "a, b"),
    ("long_text", "one\r\ntwo", "one\ntwo"),
    ("number", "1,234.5", 1234.5),
    ("number", "1.234,5", 1234.5),
    ("number", "1 234", 1234),
    ("number", "1,234", 1234),
    ("number", "1.234", 1.234),
    ("number", "12,5", 12.5),
    ("number", "1.234.567", 1234567),
    ("number", "−0.10", -0.1),
    ("number", "1e3", 1000),
    ("number", 0, 0),
    ("integer", "12.0", 12),
    ("integer", 3.0, 3),
    ("integer", "1.250", 1250),
    ("yes_no", "Ja", True),
    ("yes_no", 0, False),
    ("yes_no", "unchecked", False),
    ("date", "2026-11-30", "2026-11-30"),
    ("date", "2026-11-30T00:00:00Z", "2026-11-30"),
    ("date", "30.11.2026", "2026-11-30"),
    ("date", "11/30/2026", "2026-11-30"),
    ("date", "30/11/2026", "2026-11-30"),
    ("date", "4/4/2026", "2026-04-04"),
    ("date", "30 Nov 2026", "2026-11-30"),
    ("date", "November 30, 2026", "2026-11-30"),
    ("moment", "2026-11-30T10:30:00+01:00", "2026-11-30T09:30:00Z"),
    ("moment", "2026-11-30 09:30", "2026-11-30T09:30:00Z"),
    ("moment", "2026-11-30", "2026-11-30T00:00:00Z"),
    ("select", "PRO, for Teams", "pro"),
    ("select", "old", "old"),
    ("multi_select", "pro; starter; pro", ["starter", "pro"]),
    ("multi_select", "Pro, for teams", ["pro"]),
    ("multi_select", ["Classic"], ["old"]),
    ("email", "mailto:Alice@Example.COM", "Alice@example.com"),
    ("phone", "+31 10 555 0142", "+31105550142"),
    ("url", "example.com/plans?x=1", "https://example.com/plans?x=1"),
    ("money", "1,200", {"amount": 1200, "currency": "EUR"}),
    ("money", "$ 1,200.50", {"amount": 1200.5, "currency": "USD"}),
    ("money", "1.200,50 chf", {"amount": 1200.5, "currency": "CHF"}),
    ("money", {"amount": "12", "currency": "gbp"}, {"amount": 12, "currency": "GBP"}),
    ("country", "The Netherlands", "NL"),
    ("country", "de", "DE"),
]
REFUSED: list[tuple[str, Any, str]] = [
    ("text", {"a": 1}, "one value"),
    ("text", 10**200, "shorter number"),
    ("text", "x" * 1001, "at most 1,000"),
    ("number", "a dozen", "Write a number"),
    ("number", "1,23,4", "Write a number"),
    ("number", float("nan"), "Write a number"),
    ("number", 10**400, "at most 15 digits"),
    ("number", "9" * 5000, "Write a number"),
    ("number", "0.1234567890123456", "rounded"),
    ("number", True, "Write a number"),
    ("integer", "12.5", "whole number"),
    ("yes_no", "perhaps", "yes or no"),
    ("date", "04/03/2026", "4 Mar or 3 Apr"),
    ("date", "31/02/2026", "as 2026-11-30"),
    ("date", "2026-02-31", "as 2026-11-30"),
    ("date", "0026-02-01", "as 2026-11-30"),
    ("date", "2026-11-30T10:00:00Z", "as 2026-11-30"),
    ("date", 46000, "as 2026-11-30"),
    ("moment", "soon", "Write a moment"),
    ("moment", "9999-12-31T23:59:59-23:59", "Write a moment"),
    ("select", "Gold", "“Gold” is not one of its options: Starter, Pro, for teams"),
    ("select", ["pro", "starter"], "not one of its options"),
    ("multi_select", ["pro", {"x": 1}], "one value"),
    ("email", "nobody", "no e-mail address"),
    ("phone", "010 555 0142", "country code"),
    ("url", "javascript:alert(1)", "web address"),
    ("url", "ftp://example.com", "web address"),
    ("url", "http://[", "web address"),
    ("url", "not an address", "web address"),
    ("money", "a lot", "amount of money"),
    ("money", {"amount": 1, "currency": "XYZW"}, "not a currency"),
    ("money", {"amount": 1, "currency": ["EUR"]}, "Send {"),
    ("country", "Atlantis", "two letters"),
]

ODD: list[Any] = [
    "\ud800", "𝟙𝟚", "1" * 10_000, -1e308, 1e-320, {"amount": {}}, [[1]], [None], {}, "٣", "-", ".",
]  # fmt: skip


class TestCleanValue:
    @pytest.mark.parametrize(("type_", "raw", "value"), TAKEN)
    def test_keeps_what_was_meant(self, type_: str, raw: Any, value: Any) -> None:
        field = a_field(type_, currency="EUR")

        cleaned = clean_value(field, raw)

        assert cleaned == value
        assert type(cleaned) is type(value)
        assert clean_value(field, cleaned) == cleaned

    @pytest.mark.parametrize(("type_", "raw", "words"), REFUSED)
    def test_says_what_is_wrong_in_words(self, type_: str, raw: Any, words: str) -> None:
        with pytest.raises(BadValue) as refused:
            clean_value(a_field(type_, currency="EUR"), raw)

        assert words in refused.value.message
        assert refused.value.errors[0].field == "custom.extra"
        assert refused.value.detail.startswith("Extra: ")

    @pytest.mark.parametrize("type_", FieldDefinition.Type.values)
    @pytest.mark.parametrize("raw", [None, "", "  \x00", []])
    def test_takes_nothing_for_no_value(self, type_: str, raw: Any) -> None:
        assert clean_value(a_field(type_), raw) is None

    @pytest.mark.parametrize("type_", FieldDefinition.Type.values)
    @pytest.mark.parametrize("raw", ODD)
    def test_never_breaks_on_what_nobody_means(self, type_: str, raw: Any) -> None:
        field = a_field(type_, currency="EUR")

        with contextlib.suppress(BadValue):
            cleaned = clean_value(field, raw)

            assert clean_value(field, cleaned) == cleaned

    def test_reads_phone_numbers_of_a_region(self) -> None:
        assert clean_value(a_field("phone"), "010 555 0142", region="NL") == "+31105550142"

    def test_asks_for_the_currency_of_money_without_one(self) -> None:
        with pytest.raises(BadValue, match="currency"):
            clean_value(a_field("money"), "1,200")


class TestDisplay:
    @pytest.mark.parametrize(
        ("type_", "value", "words"),
        [
            ("text", "two words", "two words"),
            ("number", 1234.5, "1,234.5"),
            ("integer", 1200, "1,200"),
            ("yes_no", False, "No"),
            ("date", "2026-11-30", "30 Nov 2026"),
            ("moment", "2026-11-30T09:30:00Z", "30 Nov 2026, 09:30"),
            ("select", "pro", "Pro, for teams"),
            ("multi_select", ["starter", "old"], "Starter, Classic"),
            ("phone", "+31105550142", "+31 10 555 0142"),
            ("money", {"amount": 1200, "currency": "USD"}, "$1,200"),
            ("country", "NL", "Netherlands"),
        ],
    )
    def test_tells_the_value_in_words(self, type_: str, value: Any, words: str) -> None:
        assert display(a_field(type_), value) == words

    @pytest.mark.parametrize("type_", FieldDefinition.Type.values)
    @pytest.mark.parametrize("value", ["odd", 7, True, ["a"], {"b": 1}, {"amount": "x"}])
    def test_shows_values_of_another_time_as_they_are(self, type_: str, value: Any) -> None:
        assert display(a_field(type_), value)
