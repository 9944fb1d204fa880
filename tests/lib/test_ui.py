"""The template tags: what they print is safe, worded for people, and readable without sight."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django import forms
from django.contrib.messages import constants
from django.contrib.messages.storage.base import Message
from django.template import engines

from leadcrm.lib import charts, ui

NOON = datetime(2026, 11, 19, 12, 0, tzinfo=UTC)
NASTY = '"><script>alert(1)</script>'


def render(source: str, **context: Any) -> str:
    return engines["django"].from_string(source).render(context)


class TestWhatPeopleWrote:
    @pytest.mark.parametrize(
        "tag",
        [
            "{% av x title=True %}",
            "{% org x %}",
            "{% pill x x x %}",
            "{% stage x %}",
            "{% sla x x %}",
            "{% delta x x %}",
            "{% ring 5 x text=x %}",
            "{% meter 5 x x %}",
            "{% icon x cls=x %}",
            "{% temp x %}",
            "{% columns bars x %}",
            "{% lines series labels x %}",
            "{% funnel counts x %}",
        ],
    )
    def test_is_never_markup(self, tag: str) -> None:
        context = {
            "x": NASTY,
            "bars": [(NASTY, 3, NASTY, NASTY)],
            "series": [("s1", [1, 2], NASTY)],
            "labels": [NASTY],
            "counts": [3, 1],
        }

        printed = render(tag, **context)

        assert "<script" not in printed
        assert '""><' not in printed

    @pytest.mark.parametrize(
        ("name", "letters"),
        [
            ("Łukasz Wiśniewski", "ŁW"),
            ("Jin-woo Seo", "JS"),
            ("Cher", "C"),
            ("priya@kestrel.example", "P"),
            ("", "?"),
        ],
    )
    def test_gives_initials(self, name: str, letters: str) -> None:
        assert ui.initials(name) == letters


class TestAvatar:
    def test_is_grey_for_a_lead_and_keeps_a_colleague_in_one_colour(self) -> None:
        assert "data-tone" not in ui.av("Priya Raman")
        assert ui.av("Maya Lindqvist", colleague=True) == ui.av("Maya Lindqvist", colleague=True)
        assert 'data-tone="plum"' in ui.av("Tom Okafor", hue=2)


class TestMarksWithoutAValue:
    def test_print_nothing_or_a_dash(self) -> None:
        assert render("{% temp None %}{% spark one %}{% icon '' %}", one=[3]) == ""
        assert "–" in render("{% score None %}")
        assert render("{{ x|num }}{{ x|money }}{{ x|pct }}{{ x|duration }}", x=None) == "––––"


class TestWordsForTime:
    @pytest.mark.parametrize(
        ("seconds", "words"),
        [
            (30, "0 min"),
            (12 * 60, "12 min"),
            (80 * 60, "1 h 20"),
            (64 * 60, "1 h 04"),
            (9 * 3600, "9 h"),
            (80 * 3600, "3 d"),
        ],
    )
    def test_are_short(self, seconds: int, words: str) -> None:
        assert ui.duration(timedelta(seconds=seconds)) == words

    @pytest.mark.parametrize(
        ("at", "words"),
        [
            (NOON - timedelta(seconds=20), "now"),
            (NOON - timedelta(minutes=4), "4 min"),
            (NOON - timedelta(hours=3, minutes=50), "3 h"),
            (NOON - timedelta(days=2), "2 d"),
            (NOON - timedelta(days=10), "9 Nov"),
            (NOON - timedelta(days=400), "15 Oct 2025"),
        ],
    )
    def test_name_the_day_after_a_week(self, at: datetime, words: str) -> None:
        assert ui.short_time(at, NOON) == words

    def test_carry_the_exact_moment(self) -> None:
        with time_machine.travel(NOON, tick=False):
            printed = render("{% ago at %}", at=NOON - timedelta(hours=1))

        assert 'datetime="2026-11-19T11:00:00+00:00"' in printed
        assert "Thu 19 Nov 2026, 11:00" in printed

    def test_run_towards_a_target_and_past_it(self) -> None:
        with time_machine.travel(NOON, tick=False):
            ahead = render("{% clock due %}", due=NOON + timedelta(minutes=12))
            behind = render("{% clock due %}", due=NOON - timedelta(minutes=80))
            met = render('{% clock due met="9 min" %}', due=NOON)

        assert 'data-k="due"' in ahead
        assert "12 min left" in ahead
        assert 'data-k="late"' in behind
        assert "1 h 20 over" in behind
        assert 'data-k="met"' in met


class TestABrowser:
    @pytest.mark.parametrize(
        ("user_agent", "words"),
        [
            (
                "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
                "Chrome on Linux",
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0",
                "Edge on Windows",
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Safari/604.1",
                "Safari on iPhone",
            ),
            ("curl/8.5", "A program"),
        ],
    )
    def test_is_named_as_its_user_would(self, user_agent: str, words: str) -> None:
        assert ui.browser(user_agent) == words


class TestAmounts:
    def test_are_separated_and_have_cents_only_when_small(self) -> None:
        printed = render(
            '{{ a|money }} {{ b|money:"USD" }} {{ c|num }} {{ d|pct:1 }}',
            a=18400,
            b=9.5,
            c=1284,
            d=0.379,
        )

        assert printed == "€18,400 $9.50 1,284 37.9%"


class TestCharts:
    def test_are_images_with_a_sentence(self) -> None:
        printed = render(
            '{% columns bars "Half answer within the hour" %}{% lines rows words "Rising" %}'
            '{% funnel counts "1,284 leads, 47 won" %}',
            bars=[("Mon", 4), ("Tue", 8)],
            rows=[("s0", [1, 2]), ("s1", [2, 3], "41%")],
            words=["Aug", "Nov"],
            counts=[1284, 47],
        )

        for sentence in ("Half answer within the hour", "Rising", "1,284 leads, 47 won"):
            assert f'role="img" aria-label="{sentence}"' in printed

    def test_with_links_are_groups_whose_bars_have_names(self) -> None:
        printed = charts.columns([("Mon", 4, "s1", "/leads/?day=mon")], "By weekday", suffix=" min")

        assert 'role="group"' in printed
        assert '<a href="/leads/?day=mon" aria-label="Mon: 4 min">' in printed

    def test_survive_having_nothing_to_show(self) -> None:
        assert charts.columns([], "Nothing") == ""
        assert charts.lines([("s1", [4])], ["Nov"], "One point") == ""
        assert 'height="0.0"' in charts.columns([("Mon", 0)], "No replies")
        assert charts.funnel([0, 0], "Nobody yet")

    @pytest.mark.parametrize("highest", [0.3, 7, 24, 88, 300, 1284, 52_400])
    def test_have_an_axis_of_round_numbers_above_the_highest(self, highest: float) -> None:
        top = charts.round_top(highest)

        words = charts.axis_words(0, top, "", "")

        assert highest <= top <= 2 * highest
        assert 4 <= len(words) <= 6
        assert words[-1] == "0"


class ContactForm(forms.Form):
    email = forms.EmailField(help_text="Your work address.")
    agree = forms.BooleanField(required=False)


class TestAFieldOfAForm:
    def test_is_tied_to_its_hint_and_its_error(self) -> None:
        form = ContactForm({"email": "nobody"})

        printed = render('{% include "ui/field.html" with field=form.email sz="lg" %}', form=form)

        assert '<label for="id_email">' in printed
        assert 'aria-describedby="id_email-error id_email-hint"' in printed
        assert 'aria-invalid="true"' in printed
        assert 'id="id_email-error"' in printed
        assert 'class="input"' in printed

    def test_that_is_a_box_has_its_label_after_it(self) -> None:
        printed = render('{% include "ui/field.html" with field=form.agree %}', form=ContactForm())

        assert printed.index("checkbox") < printed.index("Agree")


class TestUndo:
    def test_posts_only_to_a_path_of_ours(self) -> None:
        ours = Message(constants.SUCCESS, "Assigned.", extra_tags="undo:/undo/abc/")
        theirs = Message(constants.SUCCESS, "Assigned.", extra_tags="undo:https://evil.example/")

        assert ui.undo_path(ours) == "/undo/abc/"
        assert ui.undo_path(theirs) == ""
