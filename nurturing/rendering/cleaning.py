"""HTML that a mail may contain: cleaned after Liquid filled it in, then styled inline."""

import html
import re
from collections.abc import Callable

import css_inline
import nh3

TAGS_WORDS = """
    a abbr b blockquote br center code div em font h1 h2 h3 h4 hr i img li ol p pre s small
    span strong sub sup table tbody td tfoot th thead tr u ul
"""
TAGS = set(TAGS_WORDS.split())
_BOX = {"style", "align", "valign", "width", "height", "bgcolor", "class", "dir", "lang"}
ATTRIBUTES: dict[str, set[str]] = {
    **{tag: set(_BOX) for tag in TAGS},
    "a": {*_BOX, "href", "title"},
    "img": {*_BOX, "src", "alt", "title", "border"},
    "table": {*_BOX, "border", "cellpadding", "cellspacing", "role"},
    "td": {*_BOX, "colspan", "rowspan"},
    "th": {*_BOX, "colspan", "rowspan", "scope"},
    "font": {*_BOX, "color", "face", "size"},
    "ol": {*_BOX, "start", "type"},
}
STYLES_WORDS = """
    background-color border border-bottom border-collapse border-color border-left
    border-radius border-right border-spacing border-style border-top border-width color
    display font font-family font-size font-style font-weight height letter-spacing
    line-height list-style list-style-type margin margin-bottom margin-left margin-right
    margin-top max-width min-width padding padding-bottom padding-left padding-right
    padding-top text-align text-decoration text-transform vertical-align white-space width
"""
STYLES = set(STYLES_WORDS.split())
THEME = """
body { margin: 0; padding: 24px 16px; font: 16px/1.55 -apple-system, "Segoe UI", Roboto, Arial, sans-serif; }
.mail { max-width: 600px; margin: 0 auto; }
p { margin: 0 0 16px; } ol, ul { margin: 0 0 16px; padding-left: 24px; } li { margin: 0 0 6px; }
h1, h2, h3 { line-height: 1.25; margin: 24px 0 12px; } img { max-width: 100%; border: 0; }
.button { display: inline-block; padding: 12px 20px; border-radius: 6px; background-color: #0b6b73; color: #ffffff; text-decoration: none; font-weight: 600; }
.foot { margin-top: 32px; padding-top: 16px; border-top: 1px solid #d9d7d0; font-size: 13px; line-height: 1.5; color: #767069; }
.foot a { color: #767069; }
"""  # noqa: E501
_BLOCK = re.compile(
    r"^\s*(<(?!a\b|b\b|i\b|em\b|strong\b|span\b|code\b|u\b|br\b)|\{%)", re.IGNORECASE
)
_LINK = re.compile(r"\[([^\[\]\n]+)\]\(((?:[^()\s{}]|\{\{[^{}]*\}\})+)\)")
_BARE = re.compile(r"(?<![(\[\"'=])\bhttps?://[^\s<>\"{}|]*[^\s<>\"{}|.,;:!?)]")
_ORDERED = re.compile(r"^\s*\d+[.)] +")
_BULLET = re.compile(r"^\s*[-*•] +")


def as_html(source: str) -> str:
    """A body written as plain paragraphs gets tags; paragraphs that start with a tag keep theirs.

    Blank lines part paragraphs, `1.` and `-` make lists, `[words](address)` a link. This reads
    the template itself, before any lead's data is in it, so that data can never become markup.
    """
    chunks = re.split(r"\n\s*\n", source.replace("\r\n", "\n").strip("\n"))
    return "\n".join(_paragraph(chunk) for chunk in chunks)


def _paragraph(chunk: str) -> str:
    if not chunk.strip() or _BLOCK.match(chunk):
        return chunk
    if "<" not in chunk:
        chunk = _BARE.sub(r'<a href="\g<0>">\g<0></a>', chunk)
    linked = _LINK.sub(r'<a href="\2">\1</a>', chunk)
    lines = linked.strip("\n").split("\n")
    for tag, mark in (("ol", _ORDERED), ("ul", _BULLET)):
        if mark.match(lines[0]):
            return _list(tag, mark, lines)
    return "<p>" + "<br>".join(lines) + "</p>"


def _list(tag: str, mark: re.Pattern[str], lines: list[str]) -> str:
    items: list[str] = []
    for line in lines:
        if mark.match(line):
            items.append(mark.sub("", line))
        else:
            items[-1] += f" {line.strip()}"
    return f"<{tag}>" + "".join(f"<li>{item}</li>" for item in items) + f"</{tag}>"


def clean(fragment: str) -> str:
    """Only tags, attributes, addresses and styles a mail needs.

    Runs after Liquid: before it, `href="{{ lead.website }}"` looks harmless and could still become
    `javascript:`.
    """
    return nh3.clean(
        fragment,
        tags=TAGS,
        clean_content_tags={"script", "style", "title", "iframe", "object", "svg", "math"},
        attributes=ATTRIBUTES,
        url_schemes={"http", "https", "mailto", "tel"},
        filter_style_properties=STYLES,
        link_rel=None,
        url_relative="deny",
    )


_HREF = re.compile(r'(<a\b[^>]*?\bhref=")([^"]*)(")', re.IGNORECASE)


def addresses_in(fragment: str) -> list[str]:
    """The web addresses a cleaned fragment points to, in order, each once."""
    found = (html.unescape(match[2]) for match in _HREF.finditer(fragment))
    return list(dict.fromkeys(url for url in found if url.startswith(("http://", "https://"))))


def rewrite_addresses(fragment: str, rewrite: Callable[[str], str]) -> str:
    def replace(match: re.Match[str]) -> str:
        return match[1] + html.escape(rewrite(html.unescape(match[2])), quote=True) + match[3]

    return _HREF.sub(replace, fragment)


_INLINER = css_inline.CSSInliner(
    load_remote_stylesheets=False, keep_style_tags=False, extra_css=THEME
)


def inline_styles(document: str) -> str:
    """Fetches nothing: a stylesheet on another host would let a template reach into our network."""
    return _INLINER.inline(document)


_BREAK = re.compile(r"<br\s*/?>|</(?:p|div|h[1-6]|tr|table|blockquote|ul|ol)>", re.IGNORECASE)
_ANCHOR = re.compile(r'<a\b[^>]*?\bhref="([^"]*)"[^>]*>(.*?)</a>', re.IGNORECASE | re.DOTALL)


def as_text(fragment: str) -> str:
    """The plain-text part, written from the HTML: links spelled out, lists with marks."""
    text = _ANCHOR.sub(_spell_out, re.sub(r"\s*\n\s*", " ", fragment))
    text = re.sub(r"<li\b[^>]*>", "\n- ", text, flags=re.IGNORECASE)
    text = re.sub(r"</p>|</h[1-6]>|</ul>|</ol>", "\n\n", text, flags=re.IGNORECASE)
    text = _BREAK.sub("\n", text)
    text = html.unescape(nh3.clean(text, tags=set()))
    lines = (re.sub(r"[ \t\u00a0]+", " ", line).strip() for line in text.split("\n"))
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _spell_out(match: re.Match[str]) -> str:
    url, words = match[1], re.sub(r"<[^>]+>", "", match[2]).strip()
    plain = url.removeprefix("mailto:").removeprefix("tel:")
    return words if html.unescape(words) == html.unescape(plain) else f"{words} ({plain})"
