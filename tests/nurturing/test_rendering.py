"""Templates of users and data of strangers: both stay words."""

import resource
import time
from contextlib import suppress
from typing import Any

import pytest

from leadcrm.accounts.models import Workspace
from leadcrm.lib.errors import Invalid
from leads.models import Lead
from nurturing.models import TemplateVersion
from nurturing.rendering import (
    TemplateBroken,
    check_template,
    compose,
    context_of,
    finish_html,
    refuse_broken,
    sample_contexts,
    sandbox,
)

pytestmark = pytest.mark.django_db  # surveys are among what a mail may name


def nobody() -> dict[str, Any]:
    return sample_contexts()[0]


def version(html: str, *, subject: str = "Subject", text: str = "") -> TemplateVersion:
    return TemplateVersion(subject=subject, html=html, text=text)


def filled(html: str, context: dict[str, object] | None = None) -> str:
    mail = compose(version(html), context or nobody())
    return finish_html(mail, rewrite=lambda url: url)


class TestLanguagesOfOtherEngines:
    @pytest.mark.parametrize(
        "source",
        [
            "{% debug %}", "{% load x %}", "{% include '/etc/passwd' %}", "{% render 'x' %}",
            "{{ lead.delete }}", "{{ lead.__class__.__mro__ }}", "{{ ''.__class__ }}",
            "{{ config }}", "{{ self }}", "{{ request.META }}", "{{ lead | safe }}",
            "{% import os %}", "{{ lipsum.__globals__ }}", "{% raw %}", "{% tablerow a in b %}",
            "{{ lead.first_name | replace: 'a', 'b' }}", "{{ 'x' | base64_decode }}",
            "{{ lead | map: 'x' }}", "{{ [].__class__ }}", "{{ dict }}", "{{ links }}",
        ],
    )  # fmt: skip
    def test_are_refused_at_save(self, source: str) -> None:
        with pytest.raises(Invalid):
            refuse_broken(version(source))

    @pytest.mark.parametrize(
        "source",
        ["<%= 7*7 %>", "${7*7}", "#{7*7}", "<?php echo 7*7 ?>", "{7*7}", "@(7*7)", "[[7*7]]"],
    )
    def test_stay_text(self, source: str) -> None:
        assert "49" not in filled(source)


class TestBombs:
    @pytest.mark.parametrize(
        "source",
        [
            "{% for i in (1..1000000) %}x{% endfor %}",
            "{% for i in (1..900) %}{% for j in (1..900) %}x{% endfor %}{% endfor %}",
            "{% assign a = 'x' %}"
            + "{% capture a %}{{ a }}{{ a }}{% endcapture %}" * 30
            + "{{ a }}",
            "{% if true %}" * 40 + "x" + "{% endif %}" * 40,
            "{% for i in (1..1000) %}" + "x" * 5000 + "{% endfor %}",
            "{{ '" + "&" * 2000 + "'" + " | escape" * 200 + " }}",
            "{{ 9 " + "| times: 999999999 " * 2000 + "}}",
            "{" * 60_000,
            "{{" * 30_000 + "}}",
            "{% raw %}" * 7000,
            "{% comment %}" * 4000,
            "{{ 'x' | join: '" + "y" * 60_000 + "' }}",
            "[" * 60_000,
            "[a](" * 15_000,
            "1. a\n" * 12_000,
            "<a " * 20_000,
            "{% assign x = " + "(" * 5000 + " %}",
            "x" * 70_000,
        ],
    )
    def test_are_stopped_quickly_and_in_little_memory(self, source: str) -> None:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        started = time.process_time()

        with suppress(Invalid):  # whether it is refused or harmless, it is over soon
            refuse_broken(version(source))

        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        assert time.process_time() - started < 1.5
        assert grown < 60_000


class TestWhatLeadsWrite:
    @pytest.mark.parametrize(
        "value",
        [
            "<script>alert(1)</script>",
            '"><img src=x onerror=alert(1)>',
            "{{ 7 | times: 7 }}{% for %}",
            "[click](javascript:alert(1))",
            "</p></div><h1>Owned</h1>",
        ],
    )
    def test_is_shown_and_never_becomes_markup(self, value: str) -> None:
        context = {**nobody(), "lead": {**nobody()["lead"], "first_name": value}}

        html = filled("Hello {{ lead.first_name }}, [site](https://ok.example)", context)

        body = html.split('class="mail"')[1]
        assert "<script" not in body
        assert "<img" not in body
        assert "<h1" not in body
        assert 'href="javascript' not in body
        assert "49" not in body

    def test_cannot_turn_a_link_into_a_script(self) -> None:
        context = {**nobody(), "lead": {**nobody()["lead"], "website": "javascript:alert(1)"}}

        html = filled('<p><a href="{{ lead.website }}">site</a></p>', context)

        assert "javascript" not in html

    def test_of_odd_kinds_is_plain_text_or_nothing(self) -> None:
        lead = Lead(first_name="A", custom={"a": {"b": 1}, "n": 5, "l": ["x", "y"], "e": ""})

        custom = context_of(lead, Workspace(name="W"), {})["lead"]["custom"]

        assert custom == {"a": "{'b': 1}", "n": 5, "l": ["x", "y"], "e": None}


class TestHtml:
    def test_loses_scripts_frames_and_remote_styles(self) -> None:
        html = filled(
            '<link rel="stylesheet" href="http://10.0.0.1/x.css"><style>@import "http://x";</style>'
            '<iframe src="https://x"></iframe><p onclick="x()" style="position:fixed;color:red">a'
            "</p><form><input></form>"
        )

        body = html.split("<body")[1]
        assert "10.0.0.1" not in html
        assert "iframe" not in body
        assert "onclick" not in body
        assert "position" not in body
        assert "color:red" in body.replace(" ", "")

    def test_paragraphs_lists_and_links_come_from_plain_writing(self) -> None:
        html = filled("One\ntwo\n\n1. first\n2. second\n\n- a\n- b\n\n[words](https://x.example)")

        body = html.split('class="mail"')[1]
        assert "One<br>two" in body
        assert body.count("<li") == 4
        assert '<a href="https://x.example">words</a>' in body

    def test_always_ends_with_a_way_out_and_our_address(self) -> None:
        context = {**nobody(), "workspace": {"name": "Marlow", "address": "Keizersgracht 12"}}

        mail = compose(version("Hi"), context)

        assert "Unsubscribe" in mail.html
        assert "Keizersgracht 12" in mail.html
        assert "Keizersgracht 12" in mail.text

    def test_the_text_part_spells_links_out(self) -> None:
        mail = compose(version("Hi [there](https://x.example/a?b=1&c=2)\n\n- one\n- two"), nobody())

        assert mail.text.startswith("Hi there (https://x.example/a?b=1&c=2)\n\n- one\n- two")


class TestChecks:
    def test_name_the_line_of_each_mistake(self) -> None:
        with pytest.raises(Invalid) as refusal:
            refuse_broken(version("Hi\n{{ lead.nme }}\n\n{{ ower.name }}"))

        assert [error.message for error in refusal.value.errors] == [
            "Line 2: “lead.nme” is not known. Did you mean lead.name?",
            "Line 4: “ower.name” is not known. Did you mean lead.name?",
        ]

    def test_ask_for_a_fallback_where_a_custom_field_may_be_missing(self) -> None:
        with pytest.raises(Invalid, match="Add a fallback"):
            refuse_broken(version("{{ lead.custom.fleet }}"))
        refuse_broken(version("{{ lead.custom.fleet | default: 'many' }}"))

    def test_remark_on_fields_that_may_be_empty(self) -> None:
        remarks = [check.text for check in check_template(version("Hi {{ lead.first_name }}"))]

        assert any("lead.first_name may be empty" in remark for remark in remarks)

    def test_accept_loops_conditions_and_assignments_of_their_own(self) -> None:
        refuse_broken(
            version(
                "{% assign n = lead.first_name | default: 'you' %}{{ n }}"
                "{% for i in (1..3) %}{{ i }}{% endfor %}"
                "{% if lead.company %}{{ lead.company }}{% endif %}"
            )
        )


def test_subject_and_text_are_not_html() -> None:
    context = {**nobody(), "lead": {**nobody()["lead"], "company": "A & B"}}

    mail = compose(version("Hi", subject="{{ lead.company }}"), context)

    assert mail.subject == "A & B"


def test_a_broken_template_says_so() -> None:
    with pytest.raises(TemplateBroken):
        sandbox.render("{{ nobody.knows }}", {}, html=True)
