"""Template tags for the parts every page is made of; docs/ui.md shows each with its arguments.

They take plain values, escape what they print, and carry state in data attributes, so that
`static/css/components.css` alone decides how things look.
"""

import math
import re
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple

from django import forms, template
from django.contrib.messages.storage.base import Message
from django.templatetags.static import static
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

register = template.Library()

EMPTY = mark_safe("")
HUES = ("accent", "plum", "warm", "cold", "good", "mute", "hot", "bad")
TEMPERATURES = {
    "hot": ("Hot", "flame"),
    "warm": ("Warm", "sun-medium"),
    "cold": ("Cold", "snowflake"),
}
CLOCK_ICONS = {"due": "clock", "late": "clock-alert", "met": "check", "none": "minus"}
CURRENCY_SIGNS = {"EUR": "€", "USD": "$", "GBP": "£", "JPY": "¥"}

Number = int | float | Decimal


def attribute(name: str, value: object) -> SafeString:
    """` name="value"`, or nothing where the value is empty."""
    return format_html(f' {name}="{{}}"', value) if value not in ("", None) else EMPTY


# ---- marks ----


@register.simple_tag
@lru_cache(maxsize=1024)
def icon(name: str, cls: str = "", *, fill: bool = False) -> SafeString:
    """A symbol of the sprite, hidden from screen readers: a word or a label stands beside it."""
    if not name:
        return EMPTY
    return format_html(
        '<svg class="icon{}" aria-hidden="true"{}><use href="{}#i-{}"/></svg>',
        f" {cls}" if cls else "",
        mark_safe(" data-fill") if fill else "",
        static("icons.svg"),
        name,
    )


def initials(name: str) -> str:
    words = re.findall(r"\w+", name.split("@")[0])
    letters = words[0][0] + (words[-1][0] if len(words) > 1 else "") if words else "?"
    return letters.upper()


def hue_of(text: str) -> int:
    """A colleague keeps one colour: the same on every machine, so not `hash()`."""
    return zlib.crc32(text.encode()) % len(HUES) + 1


@register.simple_tag
def av(
    name: str = "", sz: str = "", hue: int = 0, *, colleague: bool = False, title: bool = False
) -> SafeString:
    """Initials in a circle. Colleagues have a colour (`colleague=True` or a `hue`), leads none."""
    number = hue or (hue_of(name) if colleague else 0)
    return format_html(
        '<span class="av"{}{}{} aria-hidden="true">{}</span>',
        attribute("data-tone", HUES[(number - 1) % len(HUES)] if number else ""),
        attribute("data-sz", sz),
        attribute("title", name if title else ""),
        initials(name),
    )


@register.simple_tag
def org(name: str, sz: str = "") -> SafeString:
    return format_html(
        '<span class="av" data-sq{} aria-hidden="true">{}</span>',
        attribute("data-sz", sz),
        name[:1].upper() or "?",
    )


@register.simple_tag
def pill(label: object, tone: str = "", ic: str = "") -> SafeString:
    return format_html(
        '<span class="pill"{}>{}{}</span>', attribute("data-tone", tone), icon(ic), label
    )


@register.simple_tag
def temp(kind: str | None) -> SafeString:
    """hot, warm or cold: an icon, a word and a colour. Nothing for an unscored lead."""
    if not kind or kind not in TEMPERATURES:
        return EMPTY
    label, symbol = TEMPERATURES[kind]
    return pill(label, kind, symbol)


PIE = 2 * math.pi * 2.5
STAGE_SHAPES = {
    "new": mark_safe('<circle class="r" cx="7" cy="7" r="5.6" stroke-dasharray="2 1.9"/>'),
    "won": mark_safe(
        '<circle class="r" cx="7" cy="7" r="6"/><path class="tick" d="m4.4 7.2 1.8 1.8 3.5-3.7"/>'
    ),
    "lost": mark_safe(
        '<circle class="r" cx="7" cy="7" r="6"/><path class="r" d="m5 5 4 4m0-4-4 4"/>'
    ),
}


@register.simple_tag
@lru_cache(maxsize=64)
def stg(kind: str = "open", fill: int = 4) -> SafeString:
    """A stage as a pie filled `fill` eighths; `kind` new, won and lost have shapes of their own."""
    shape = STAGE_SHAPES.get(kind) or format_html(
        '<circle class="r" cx="7" cy="7" r="6"/><circle class="f" cx="7" cy="7" r="2.5"'
        ' stroke-dasharray="{} {}" transform="rotate(-90 7 7)"/>',
        f"{PIE * int(fill) / 8:.2f}",
        f"{PIE:.2f}",
    )
    return format_html(
        '<svg class="stg" data-s="{}" viewBox="0 0 14 14" aria-hidden="true">{}</svg>', kind, shape
    )


@register.simple_tag
def stage(label: str, kind: str = "open", fill: int = 4) -> SafeString:
    return format_html(
        '<span class="row" data-gap="1">{}<span>{}</span></span>', stg(kind, fill), label
    )


@register.simple_tag
def sla(kind: str, text: str, due: datetime | None = None) -> SafeString:
    """The state of a clock. With `due`, the page keeps the words up to date by itself."""
    return format_html(
        '<span class="sla" data-k="{}"{}>{}<span>{}</span></span>',
        kind,
        attribute("data-due", due.isoformat() if due else ""),
        icon(CLOCK_ICONS.get(kind, "minus")),
        text,
    )


@register.simple_tag
def clock(due: datetime | None, met: str = "") -> SafeString:
    """A running clock towards `due`; `met` is what to say when it was answered in time."""
    if met:
        return sla("met", met)
    if due is None:
        return sla("none", "No target")
    left = due - timezone.now()
    if left < timedelta():
        return sla("late", f"{duration(-left)} over", due)
    return sla("due", f"{duration(left)} left", due)


@register.simple_tag
def delta(text: object, tone: str = "", direction: str = "") -> SafeString:
    symbol = {"up": "arrow-up", "down": "arrow-down"}.get(direction, "")
    return format_html(
        '<span class="delta"{}>{}{}</span>', attribute("data-tone", tone), icon(symbol), text
    )


# ---- small drawings ----


@register.simple_tag
def spark(
    values: Sequence[Number],
    tone: str = "",
    w: int = 48,
    h: int = 16,
    lo: float | None = None,
    hi: float | None = None,
) -> SafeString:
    """A line of a few values, ending in a dot. Nothing for fewer than two."""
    points = [float(value) for value in values or ()]
    if len(points) < 2:
        return EMPTY
    low = min(points) if lo is None else lo
    span = ((max(points) if hi is None else hi) - low) or 1
    step = (w - 6) / (len(points) - 1)
    spots = [(i * step + 2, h - 3 - (v - low) / span * (h - 6)) for i, v in enumerate(points)]
    path = "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in spots)
    return format_html(
        '<svg class="spark"{} width="{}" height="{}" aria-hidden="true"><path d="{}"/>'
        '<circle class="end" cx="{}" cy="{}" r="2"/></svg>',
        attribute("data-tone", tone),
        w,
        h,
        path,
        f"{spots[-1][0]:.1f}",
        f"{spots[-1][1]:.1f}",
    )


@register.simple_tag
def score(value: int | None, kind: str | None = "", history: Sequence[Number] = ()) -> SafeString:
    """A score and, with a history, where it came from. `kind` is the temperature."""
    if value is None:
        return mark_safe('<span class="muted">–</span>')
    past = [float(point) for point in history or ()]
    # A flat line of small changes would look like a mountain range: show at least 28 points.
    pad = max(0.0, 28 - (max(past) - min(past))) / 2 if past else 0
    line = spark(past, kind or "", h=20, lo=min(past) - pad, hi=max(past) + pad) if past else EMPTY
    return format_html('<span class="score"><b>{}</b>{}</span>', value, line)


@register.simple_tag
def ring(
    percent: Number, tone: str = "", size: int = 44, width: int = 4, text: object = ""
) -> SafeString:
    middle, radius = size / 2, (size - width) / 2
    around = 2 * math.pi * radius
    label = (
        format_html(
            '<text x="{0}" y="{0}" dy=".35em" text-anchor="middle" font-size="{1}">{2}</text>',
            f"{middle:g}",
            f"{size * 0.34:.0f}",
            text,
        )
        if text != ""
        else EMPTY
    )
    return format_html(
        '<svg class="ringy"{0} width="{1}" height="{1}" stroke-width="{2}" aria-hidden="true">'
        '<circle class="bg" cx="{3}" cy="{3}" r="{4}"/><circle class="fg" cx="{3}" cy="{3}" r="{4}"'
        ' stroke-dasharray="{5} {6}" transform="rotate(-90 {3} {3})"/>{7}</svg>',
        attribute("data-tone", tone),
        size,
        width,
        f"{middle:g}",
        f"{radius:g}",
        f"{around * bounded(percent) / 100:.1f}",
        f"{around:.1f}",
        label,
    )


@register.simple_tag
def meter(percent: Number, tone: str = "", sz: str = "") -> SafeString:
    """A bar filled to `percent`. Decoration: print the number beside it."""
    return format_html(
        '<svg class="meter"{}{} aria-hidden="true"><rect width="{}%" height="100%"/></svg>',
        attribute("data-tone", tone),
        attribute("data-sz", sz),
        f"{bounded(percent):g}",
    )


@register.simple_tag
def stackbar(*parts: str | tuple[str, Number], sz: str = "") -> SafeString:
    """Parts of a whole, each `"p1:40"` or `("p1", 40)`: a class (p1 p2 p3, h w c) and percent."""
    named = [part.split(":") if isinstance(part, str) else part for part in parts]
    sized = [(str(name), bounded(float(size))) for name, size in named]
    starts = [sum(size for _, size in sized[:index]) for index in range(len(sized))]
    bars = format_html_join(
        "",
        '<rect class="{}" x="{}%" width="{}%" height="100%"/>',
        (
            (name, f"{start:g}", f"{max(0.0, size - 0.6):.1f}")
            for start, (name, size) in zip(starts, sized, strict=True)
        ),
    )
    return format_html(
        '<svg class="meter"{} aria-hidden="true">{}</svg>', attribute("data-sz", sz), bars
    )


def bounded(percent: Number) -> float:
    return min(100.0, max(0.0, float(percent or 0)))


# ---- times and amounts, as DESIGN words them ----


def duration(span: timedelta) -> str:
    """`4 min`, `1 h 20`, `9 h`, `3 d`."""
    minutes = int(abs(span).total_seconds() // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(minutes, 60)
    if hours < 4:
        return f"{hours} h {rest:02}" if rest else f"{hours} h"
    return f"{hours} h" if hours < 48 else f"{hours // 24} d"


def short_time(at: datetime, now: datetime) -> str:
    """`now`, `4 min`, `3 h`, `2 d`, then `17 Nov`, and the year only when it is another one."""
    ago = abs(now - at)
    if ago < timedelta(minutes=1):
        return "now"
    if ago < timedelta(days=7):
        return duration(ago) if ago < timedelta(hours=1) else coarse(ago)
    local, today = timezone.localtime(at), timezone.localtime(now)
    return f"{local:%-d %b}" if local.year == today.year else f"{local:%-d %b %Y}"


def coarse(span: timedelta) -> str:
    hours = int(span.total_seconds() // 3600)
    return f"{hours} h" if hours < 24 else f"{hours // 24} d"


@register.simple_tag
def ago(at: datetime | None, empty: str = "–") -> SafeString:
    """A moment in a few characters, with the exact time in the reader's zone on hover."""
    if at is None:
        return format_html('<span class="muted">{}</span>', empty)
    return format_html(
        '<time datetime="{}" title="{}">{}</time>',
        at.isoformat(),
        f"{timezone.localtime(at):%a %-d %b %Y, %H:%M}",
        short_time(at, timezone.now()),
    )


@register.filter(name="duration")
def duration_filter(span: timedelta | None) -> str:
    return "–" if span is None else duration(span)


@register.filter
def num(value: Number | None) -> str:
    """Thousands separated: 1,284."""
    return "–" if value is None else f"{value:,}"


@register.filter
def money(value: Number | None, currency: str = "EUR") -> str:
    """€18,400; cents only below 100."""
    if value is None:
        return "–"
    amount = Decimal(str(value))
    digits = 0 if abs(amount) >= 100 or amount == amount.to_integral_value() else 2
    sign = CURRENCY_SIGNS.get(currency, f"{currency} ")
    return f"{'−' if amount < 0 else ''}{sign}{abs(amount):,.{digits}f}"


@register.filter
def pct(value: Number | None, digits: int = 0) -> str:
    """A share between 0 and 1 as `72%`."""
    return "–" if value is None else f"{float(value) * 100:.{digits}f}%"


BROWSERS = (
    ("Edg", "Edge"),
    ("OPR", "Opera"),
    ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"),
    ("Chrome", "Chrome"),
    ("CriOS", "Chrome"),
    ("Safari", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Mac OS X", "Mac"),
    ("Linux", "Linux"),
)


@register.filter
def browser(user_agent: str) -> str:
    """`Chrome on Linux`: the order matters, since most browsers name others too."""
    program = next((name for sign, name in BROWSERS if sign in user_agent), "A program")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    return f"{program} on {system}" if system else program


# ---- forms and messages ----


class Control(NamedTuple):
    """`kind`: check (a box with its label after it), group (radio or boxes) or input."""

    kind: str
    html: SafeString


@register.simple_tag
def field_control(field: forms.BoundField, sz: str = "") -> Control:
    """The control of a form field with our classes, tied to its hint and its error."""
    widget = field.field.widget
    notes = [f"{field.auto_id}-error"] if field.errors else []
    notes += [f"{field.auto_id}-hint"] if field.help_text else []
    attrs: dict[str, str | bool] = {"aria-describedby": " ".join(notes)} if notes else {}
    if isinstance(widget, forms.CheckboxInput):
        return Control("check", field.as_widget(attrs=attrs))
    if isinstance(widget, forms.RadioSelect):
        return Control("group", EMPTY)
    attrs["class"] = f"input {widget.attrs.get('class', '')}".strip()
    if sz:
        attrs["data-sz"] = sz
    return Control("input", field.as_widget(attrs=attrs))


@register.filter
def undo_path(message: Message) -> str:
    """Where a message's Undo posts to: `messages.success(…, extra_tags="undo:/undo/abc/")`."""
    tags = (message.extra_tags or "").split()
    return next((tag.removeprefix("undo:") for tag in tags if tag.startswith("undo:/")), "")
