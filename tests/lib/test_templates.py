"""Rules for every template: what the Content-Security-Policy would block is not written at all."""

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.template.loader import get_template

from leadcrm.lib import assets

ROOT = Path(settings.BASE_DIR) / "templates"
PAGES = sorted(str(path.relative_to(ROOT)) for path in ROOT.rglob("*.html"))
# Mail is read by mail programs, which know no style sheets of ours.
FOR_BROWSERS = [page for page in PAGES if "email" not in Path(page).parts]
FORBIDDEN = {
    "an inline style": re.compile(r"<[^>]*\sstyle=", re.IGNORECASE),
    "an inline handler": re.compile(r"<[a-z][^>]*\son[a-z]+=", re.IGNORECASE),
    "an inline script": re.compile(
        r"<script(?![^>]*\bsrc=)(?![^>]*type=\"application/(?:json|ld\+json)\")", re.IGNORECASE
    ),
    "a script address": re.compile(r"javascript:", re.IGNORECASE),
    "htmx that needs eval": re.compile(r"hx-on[:=]|\bhx-(?:vals|vars)=['\"]js:", re.IGNORECASE),
}
ICON = re.compile(r"""\{%\s*icon\s+["']([^"']+)["']""")


@pytest.mark.parametrize("page", FOR_BROWSERS)
def test_a_template_keeps_to_the_content_security_policy(page: str) -> None:
    text = re.sub(r"\{#.*?#\}", "", (ROOT / page).read_text(encoding="utf-8"))

    found = [name for name, pattern in FORBIDDEN.items() if pattern.search(text)]

    assert found == []


@pytest.mark.parametrize("page", PAGES)
def test_a_template_compiles(page: str) -> None:
    assert get_template(page)


def test_every_icon_that_a_template_names_is_drawn() -> None:
    texts = {page: (ROOT / page).read_text(encoding="utf-8") for page in PAGES}
    named = {(page, name) for page, text in texts.items() for name in ICON.findall(text)}

    drawn = set(assets.used_icons())

    assert {(page, name) for page, name in named if name not in drawn} == set()
