"""The pure rules behind capture: reading, mapping, matching, attribution."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leads.capture.mapping import first_number, person_of, target_of
from leads.capture.origin import origin_of
from leads.capture.parsing import Unreadable, answers_of, json_of
from leads.countries import country_code
from leads.matching import Facts, Known, likeness, match, split_name
from leads.models import Source


class TestSplitName:
    @pytest.mark.parametrize(
        ("full", "parts"),
        [
            ("Alice Archer", ("Alice", "Archer")),
            ("Pieter van den Berg", ("Pieter", "van den Berg")),
            ("Archer, Alice", ("Alice", "Archer")),
            ("Cher", ("Cher", "")),
            ("  Mary   Jane  Watson ", ("Mary Jane", "Watson")),
            ("van Dyke", ("van", "Dyke")),
            ("Archer,", ("Archer", "")),
            ("", ("", "")),
        ],
    )
    def test_finds_first_and_last(self, full: str, parts: tuple[str, str]) -> None:
        assert split_name(full) == parts


class TestTargetOf:
    @pytest.mark.parametrize(
        ("key", "target"),
        [
            ("email", "email"),
            ("E-Mail", "email"),
            ("your-email", "email"),
            ("Work Email", "email"),
            ("firstName", "first_name"),
            ("lname", "last_name"),
            ("Full name", "name"),
            ("organisation", "company_name"),
            ("title", "job_title"),
            ("URL", "website"),
            ("Number of employees", "company_size"),
            ("description", "message"),
            ("bant_budget", "bant.budget"),
            ("custom.sites", "custom.sites"),
            ("favourite colour", ""),
            ("lead_source", ""),
        ],
    )
    def test_knows_the_usual_names(self, key: str, target: str) -> None:
        assert target_of(key) == target


class TestPersonOf:
    def test_takes_salesforce_names(self) -> None:
        person = person_of(
            {"first_name": "Jane", "last_name": "Döe", "title": "CTO", "country": "DE",
             "employees": "50", "URL": "https://acme.test", "00N000000012345": "custom"},
            {},
        )  # fmt: skip

        assert person.contact == {
            "first_name": "Jane",
            "last_name": "Döe",
            "job_title": "CTO",
            "country": "DE",
            "company_size": 50,
            "website": "https://acme.test",
        }

    def test_a_separate_first_name_wins_over_the_full_one(self) -> None:
        person = person_of({"name": "Dr. Alice Archer", "first_name": "Alice"}, {})

        assert person.contact["first_name"] == "Alice"
        assert person.contact["last_name"] == "Archer"

    @pytest.mark.parametrize(
        ("text", "code"),
        [("Germany", "DE"), ("österreich", "AT"), ("nl", "NL"), ("U.S.A", None), ("XX1", None)],
    )
    def test_countries(self, text: str, code: str | None) -> None:
        assert country_code(text) == code

    @pytest.mark.parametrize(
        ("text", "number"),
        [("30 to 199", 30), ("1,000+", 1000), ("under 10", 10), ("10 000", 10000), ("many", None)],
    )
    def test_sizes(self, text: str, number: int | None) -> None:
        assert first_number(text) == number


class TestMatch:
    def test_an_address_decides(self) -> None:
        found = match(by_email=7, by_phone=[Known(7), Known(9)])

        assert (found.verdict, found.lead_id, found.hints) == ("same", 7, (9,))

    def test_an_id_of_the_same_source_decides(self) -> None:
        found = match(by_external=9)

        assert (found.verdict, found.lead_id) == ("same", 9)

    def test_an_address_goes_before_an_id(self) -> None:
        found = match(by_email=7, by_external=9)

        assert (found.lead_id, found.hints) == (7, (9,))

    def test_a_number_alone_never_does(self) -> None:
        found = match(by_phone=[Known(9, "Alice Archer")], name="Bob Baker")

        assert (found.verdict, found.lead_id, found.hints) == ("suggest", None, (9,))

    def test_a_number_and_the_same_name_do(self) -> None:
        found = match(by_phone=[Known(9, "José Weber")], name="weber, jose")

        assert (found.verdict, found.lead_id) == ("same", 9)

    def test_a_number_and_a_name_do_not_over_two_addresses(self) -> None:
        known = Known(9, "Bob Weber", has_email=True)

        found = match(by_phone=[known], name="Bob Weber", has_email=True)

        assert (found.verdict, found.lead_id) == ("suggest", None)

    def test_a_number_and_a_name_of_two_leads_do_not(self) -> None:
        twins = [Known(8, "Bob Weber"), Known(9, "Bob Weber")]

        assert match(by_phone=twins, name="Bob Weber").lead_id is None

    def test_a_first_name_is_no_name(self) -> None:
        assert match(by_phone=[Known(9, "Bob")], name="Bob").lead_id is None

    def test_nobody_is_somebody_new(self) -> None:
        assert match().verdict == "new"


class TestLikeness:
    def test_a_mailbox_with_a_tag_matters(self) -> None:
        like = likeness(Facts(same_mailbox=True, name=1.0))

        assert like.matters
        assert like.is_same
        assert [reason.code for reason in like.reasons] == ["mailbox", "name"]

    def test_a_number_of_people_with_other_names_does_not(self) -> None:
        assert not likeness(Facts(same_phone=True, name=0.1)).matters

    def test_a_name_alone_does_not(self) -> None:
        assert not likeness(Facts(name=1.0)).matters

    def test_a_name_in_one_company_matters_but_is_not_sure(self) -> None:
        like = likeness(Facts(name=0.6, same_company=True))

        assert like.matters
        assert not like.is_same

    def test_is_never_certain(self) -> None:
        every = Facts(
            same_mailbox=True, same_phone=True, same_external=True, name=1.0, same_company=True
        )

        assert likeness(every).score == 99


@pytest.mark.django_db
class TestOrigin:
    @pytest.mark.parametrize(
        ("context", "channel"),
        [
            ({"gclid": "x"}, "paid_search"),
            ({"page_url": "https://a.example/?utm_medium=cpc&utm_source=google"}, "paid_search"),
            ({"utm_medium": "cpc", "utm_source": "facebook"}, "paid_social"),
            ({"utm_medium": "newsletter"}, "email"),
            ({"utm_source": "linkedin"}, "organic_social"),
            ({"fbclid": "x"}, "organic_social"),
            ({"li_fat_id": "x"}, "paid_social"),
            ({"referrer": "https://www.google.co.uk/"}, "organic_search"),
            ({"referrer": "https://l.facebook.com/l.php?u=x"}, "organic_social"),
            ({"referrer": "https://mail.google.com/"}, "email"),
            ({"referrer": "https://notgoogle.example/"}, "referral"),
            ({"referrer": "https://a.example/x", "page_url": "https://a.example/"}, "direct"),
            ({"page_url": "https://a.example/"}, "direct"),
            ({"pk_campaign": "june", "pk_medium": "affiliate"}, "affiliate"),
            ({"page_url": "http://[broken"}, "direct"),
            ({"page_url": 7, "referrer": None}, "api"),
            ({}, "api"),
        ],
    )
    def test_channels(self, context: dict[str, object], channel: str) -> None:
        assert origin_of(context, {}, Source(key="api", kind="api")).channel == channel

    def test_a_sources_own_channel_stands_in_for_an_unknown_one(self) -> None:
        origin = origin_of({}, {}, Source(key="expo", kind="api", channel="event"))

        assert origin.channel == "event"


def tried(read: Callable[[], Any]) -> Any:
    """What was read, or why it could not be; any other error is a bug."""
    try:
        return read()
    except Unreadable as problem:
        return problem


class TestAnyBytes:
    @given(st.binary(max_size=300), st.text(max_size=60))
    @settings(max_examples=300, deadline=None)
    def test_are_read_or_refused_in_words(self, body: bytes, content_type: str) -> None:
        read = tried(lambda: answers_of(body, content_type))

        if isinstance(read, Unreadable):
            assert read.errors[0].message
        else:
            assert read.values
            assert all("\x00" not in name for name in read.values)

    @given(st.binary(max_size=300))
    @settings(max_examples=200, deadline=None)
    def test_are_json_or_refused_in_words(self, body: bytes) -> None:
        read = tried(lambda: json_of(body))

        assert not isinstance(read, Unreadable) or read.detail

    @pytest.mark.django_db
    @given(
        st.dictionaries(
            st.sampled_from(["email", "name", "phone", "country", "company size", "bant", "x"]),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
                max_leaves=5,
            ),
        )
    )
    @settings(max_examples=200, deadline=None)
    def test_any_values_make_a_person(self, values: dict[str, object]) -> None:
        person = person_of(values, {})

        assert person.email is None or "@" in person.contact["email"]
