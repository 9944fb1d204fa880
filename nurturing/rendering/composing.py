"""One mail for one lead: subject, text and HTML with its footer."""

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from leadcrm.lib.normalise import clean_text
from nurturing.models import TemplateVersion
from nurturing.rendering import cleaning, sandbox

SUBJECT_LIMIT = 200
_UNSUBSCRIBE = re.compile(r"\{\{-?\s*links\.unsubscribe\b")


@dataclass(frozen=True, slots=True)
class Mail:
    """`html` is the cleaned body and footer, before links are rewritten and styles inlined."""

    subject: str
    preheader: str
    html: str
    text: str

    @property
    def addresses(self) -> list[str]:
        return cleaning.addresses_in(self.html)


def compose(version: TemplateVersion, context: dict[str, Any]) -> Mail:
    """:raises TemplateBroken: the template cannot be filled in for this lead."""
    body = cleaning.clean(sandbox.render(cleaning.as_html(version.html), context, html=True))
    footer = "" if _UNSUBSCRIBE.search(version.html) else _footer_html(context)
    text = sandbox.render(version.text, context, html=False) if version.text.strip() else ""
    if not text:
        text = cleaning.as_text(body + footer)
    elif context["links"]["unsubscribe"] not in text:
        text = f"{text.rstrip()}\n\n{_footer_text(context)}"
    return Mail(
        subject=one_line(sandbox.render(version.subject, context, html=False)),
        preheader=one_line(sandbox.render(version.preheader, context, html=False)),
        html=body + footer,
        text=clean_text(text),
    )


def one_line(text: str) -> str:
    """Header text: no line breaks, no control characters, not endless."""
    return clean_text(re.sub(r"[\s\x00-\x1f\x7f\u2028\u2029]+", " ", text), limit=SUBJECT_LIMIT)


def _footer_html(context: dict[str, Any]) -> str:
    links, sender = context["links"], html.escape(_sender(context))
    return (
        '<div class="foot"><p>You get this because you are in touch with '
        f"{html.escape(context['workspace']['name'])}. "
        f'<a href="{html.escape(links["unsubscribe"])}">Unsubscribe</a> or '
        f'<a href="{html.escape(links["preferences"])}">choose topics</a>.</p><p>{sender}</p></div>'
    )


def _footer_text(context: dict[str, Any]) -> str:
    return (
        f"--\nUnsubscribe: {context['links']['unsubscribe']}\n"
        f"Choose topics: {context['links']['preferences']}\n{_sender(context)}"
    )


def _sender(context: dict[str, Any]) -> str:
    workspace = context["workspace"]
    return ", ".join(part for part in (workspace["name"], workspace["address"]) if part)


def finish_html(
    mail: Mail, *, rewrite: Callable[[str], str], pixel: str = "", above: str = ""
) -> str:
    """The whole HTML document: tracked links, styles inlined, the open pixel at the end.

    :param above: markup of ours to show before the mail, in a preview.
    """
    body = cleaning.rewrite_addresses(mail.html, rewrite)
    hidden = (
        '<div style="display:none;max-height:0;overflow:hidden">'
        f"{html.escape(mail.preheader)}</div>"
        if mail.preheader
        else ""
    )
    image = f'<img src="{html.escape(pixel)}" alt="" width="1" height="1">' if pixel else ""
    return cleaning.inline_styles(
        '<!doctype html><html><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        '<meta name="color-scheme" content="light dark">'
        f"<title>{html.escape(mail.subject)}</title></head><body>{hidden}{above}"
        f'<div class="mail">{body}</div>{image}</body></html>'
    )
