"""Charts as SVG: x in percent, y in pixels and no viewBox, so that text never stretches.

Each carries a sentence for screen readers; the page shows the same numbers in a table.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from leadcrm.lib.ui import EMPTY

register = template.Library()


class Bar(NamedTuple):
    """`tone`: s1 (default), s0 earlier period, soft, sb late. `href` opens the rows behind it."""

    label: str
    value: float
    tone: str = "s1"
    href: str = ""


class Series(NamedTuple):
    """`tone`: s1, s2, or s0 for the earlier period (dashed). `end` is written at the last point."""

    tone: str
    values: Sequence[float]
    end: str = ""


ROUND_STEPS = (1, 2, 2.5, 5, 10, 20, 25, 50)


def round_top(highest: float) -> float:
    """The lowest top of the axis that three to five round steps reach."""
    if highest <= 0:
        return 1.0
    power = 10.0 ** (math.floor(math.log10(highest)) - 1)
    steps = [step * power for step in ROUND_STEPS]
    return min(step * parts for step in steps for parts in (3, 4, 5) if step * parts >= highest)


def parts_of(span: float) -> int:
    """How many steps the axis is cut into: those with the roundest numbers."""

    def digits(parts: int) -> int:
        return len(f"{span / parts:.6g}".replace(".", "").strip("0"))

    return min((4, 3, 5), key=digits)


def short_number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def axis_words(low: float, high: float, prefix: str, suffix: str) -> list[str]:
    parts = parts_of(high - low)
    values = (high - (high - low) * index / parts for index in range(parts + 1))
    return [f"{prefix}{short_number(value)}{suffix}" for value in values]


def together(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def axis(words: Iterable[object]) -> SafeString:
    spans = format_html_join("", "<span>{}</span>", ((word,) for word in words))
    return format_html('<div class="y" aria-hidden="true">{}</div>', spans)


def below(words: Iterable[object], *, ends: bool = False) -> SafeString:
    spans = format_html_join("", "<span>{}</span>", ((word,) for word in words))
    attr = mark_safe(" data-ends") if ends else EMPTY
    return format_html('<div class="x"{} aria-hidden="true">{}</div>', attr, spans)


def grid(count: int, height: float) -> SafeString:
    rows = (height * index / max(1, count - 1) for index in range(count))
    line = '<line class="grid" x1="0" x2="100%" y1="{0}" y2="{0}"/>'
    return format_html_join("", line, ((f"{y:.1f}",) for y in rows))


def frame(
    drawing: SafeString, *, height: int, label: str, y: SafeString, x: SafeString, linked: bool
) -> SafeString:
    """An image with a sentence; a group of links where the bars open their rows."""
    return format_html(
        '<div class="chart">{}<svg class="plot" height="{}" role="{}" aria-label="{}">{}</svg>{}'
        "</div>",
        y,
        height,
        "group" if linked else "img",
        label,
        drawing,
        x,
    )


@dataclass(frozen=True, slots=True)
class Columns:
    """How the bars of one chart are drawn; `room` is the width of one with its gap, in percent."""

    height: int
    top: float
    room: float
    gap: float
    tone: str
    prefix: str
    suffix: str
    values: bool

    def bar(self, index: int, bar: Bar) -> SafeString:
        word = f"{self.prefix}{short_number(bar.value)}{self.suffix}"
        tall = self.height * min(1.0, max(0.0, bar.value / self.top))
        left = index * self.room
        shape = format_html(
            '<rect class="{}" x="{}%" width="{}%" y="{}" height="{}" rx="2"/>',
            bar.tone if bar.tone != "s1" else self.tone or "s1",
            f"{left + self.room * self.gap / 2:.2f}",
            f"{self.room * (1 - self.gap):.2f}",
            f"{self.height - tall:.1f}",
            f"{tall:.1f}",
        )
        text = self.value(left + self.room / 2, self.height - tall - 6, word)
        return linked(format_html("{}{}", shape, text), bar.href, f"{bar.label}: {word}")

    def value(self, x: float, y: float, word: str) -> SafeString:
        if not self.values:
            return EMPTY
        text = '<text x="{}%" y="{}" text-anchor="middle">{}</text>'
        return format_html(text, f"{x:.2f}", f"{y:.1f}", word)


@register.simple_tag
def columns(
    data: Sequence[Bar | tuple[Any, ...]],
    label: str,
    h: int = 172,
    ymax: float | None = None,
    prefix: str = "",
    suffix: str = "",
    tone: str = "",
    ref_at: int | None = None,
    ref_text: str = "",
    gap: float = 0.32,
    *,
    values: bool = True,
) -> SafeString:
    """Upright bars from `(label, value[, tone[, href]])`; `ref_at`: a dashed line before a bar."""
    bars = [Bar(*item) for item in data]
    if not bars:
        return EMPTY
    top = ymax or round_top(max(bar.value for bar in bars))
    room = 100 / len(bars)
    drawn = Columns(h, top, room, gap, tone, prefix, suffix, values)
    words = axis_words(0, top, prefix, suffix)
    reference = EMPTY if ref_at is None else reference_line(ref_at * room, h, ref_text)
    bodies = together(drawn.bar(index, bar) for index, bar in enumerate(bars))
    return frame(
        format_html("{}{}{}", grid(len(words), h), bodies, reference),
        height=h,
        label=label,
        y=axis(words),
        x=below(bar.label for bar in bars),
        linked=any(bar.href for bar in bars),
    )


def linked(drawing: SafeString, href: str, label: str) -> SafeString:
    if not href:
        return drawing
    return format_html('<a href="{}" aria-label="{}">{}</a>', href, label, drawing)


def reference_line(x: float, h: int, text: str) -> SafeString:
    return format_html(
        '<line class="ref" x1="{0}%" x2="{0}%" y1="-4" y2="{1}"/>'
        '<text class="big" x="{0}%" dx="6" y="6">{2}</text>',
        f"{x:.2f}",
        h,
        text,
    )


@register.simple_tag
def lines(
    series: Sequence[Series | tuple[Any, ...]],
    x: Sequence[str],
    label: str,
    h: int = 160,
    ymin: float = 0,
    ymax: float | None = None,
    prefix: str = "",
    suffix: str = "",
    band: float | None = None,
    band_text: str = "",
    *,
    area: bool = True,
) -> SafeString:
    """Lines over time from `(tone, values[, end])`, what matters last; `band` is a target."""
    rows = [line for line in (Series(*item) for item in series) if len(line.values) > 1]
    if not rows:
        return EMPTY
    top = ymax or round_top(max(max(line.values) for line in rows))
    words = axis_words(ymin, top, prefix, suffix)

    def y(value: float) -> float:
        return h - h * (value - ymin) / ((top - ymin) or 1)

    # The curves sit in a stretched inner svg, dots and words outside it: those must not stretch.
    curves = [
        curve(line, [y(value) for value in line.values], h, area=area and line is rows[-1])
        for line in rows
    ]
    target = EMPTY if band is None else target_line(y(band), band_text)
    marks = [end_mark(line, y(line.values[-1])) for line in rows]
    drawing = format_html(
        '{}{}<svg viewBox="0 0 100 {}" width="100%" height="{}" preserveAspectRatio="none">{}'
        "</svg>{}",
        grid(len(words), h),
        target,
        h,
        h,
        together(curves),
        together(marks),
    )
    return frame(drawing, height=h, label=label, y=axis(words), x=below(x, ends=True), linked=False)


def curve(line: Series, heights: Sequence[float], h: int, *, area: bool) -> SafeString:
    step = 100 / (len(heights) - 1)
    path = "M" + "L".join(f"{i * step:.2f} {y:.1f}" for i, y in enumerate(heights))
    under = format_html('<path class="ar" d="{}L100 {}L0 {}Z"/>', path, h, h) if area else EMPTY
    stroke = '{}<path class="ln {}" vector-effect="non-scaling-stroke" d="{}"/>'
    return format_html(stroke, under, line.tone, path)


def end_mark(line: Series, y: float) -> SafeString:
    dot = '<circle class="{}" cx="100%" cy="{}" r="3.5"/>'
    circle = EMPTY if line.tone == "s0" else format_html(dot, line.tone, f"{y:.1f}")
    if not line.end:
        return circle
    text = '{}<text class="big" x="100%" dx="-8" y="{}" text-anchor="end">{}</text>'
    return format_html(text, circle, f"{y - 9:.1f}", line.end)


def target_line(y: float, text: str) -> SafeString:
    return format_html(
        '<line class="ref" x1="0" x2="100%" y1="{0}" y2="{0}"/><text x="0" y="{1}">{2}</text>',
        f"{y:.1f}",
        f"{y - 5:.1f}",
        text,
    )


@register.simple_tag
def paired(before: float, now: float, most: float, h: int = 18) -> SafeString:
    """Two bars of one table row, the earlier grey; the numbers stand in cells beside it."""
    return format_html(
        '<svg class="plot" height="{}" aria-hidden="true">'
        '<rect class="s0" width="{}%" height="7" rx="2"/>'
        '<rect class="s1" y="9" width="{}%" height="7" rx="2"/></svg>',
        h,
        f"{100 * before / (most or 1):.1f}",
        f"{100 * now / (most or 1):.1f}",
    )


@register.simple_tag
def funnel(counts: Sequence[float], label: str, h: int = 212) -> SafeString:
    """Steps of a funnel: solid reached it, pale left before; a ribbon joins neighbours."""
    if not counts:
        return EMPTY
    top = max(counts) or 1
    width = 100 / len(counts)
    heights = [h * count / top for count in counts]
    steps = [
        funnel_step(index * width, width, tall, following, h)
        for index, (tall, following) in enumerate(zip(heights, [*heights[1:], None], strict=True))
    ]
    return format_html(
        '<svg class="plot" height="{}" role="img" aria-label="{}">{}</svg>',
        h,
        label,
        together(steps),
    )


def funnel_step(x: float, width: float, tall: float, following: float | None, h: int) -> SafeString:
    wide = width * 0.62
    bars = format_html(
        '<rect class="s0" x="{0}%" y="0" width="{1}%" height="{2}" rx="4" opacity=".28"/>'
        '<rect class="s1" x="{0}%" y="{3}" width="{1}%" height="{4}" rx="4"/>',
        f"{x:.2f}",
        f"{wide:.2f}",
        h,
        f"{h - tall:.1f}",
        f"{tall:.1f}",
    )
    if following is None:
        return bars
    return format_html(
        '{}<svg x="{}%" width="{}%" height="{}" viewBox="0 0 100 {}" preserveAspectRatio="none">'
        '<path class="soft" d="M0 {}L100 {}V{}H0Z"/></svg>',
        bars,
        f"{x + wide:.2f}",
        f"{width - wide:.2f}",
        h,
        h,
        f"{h - tall:.1f}",
        f"{h - following:.1f}",
        h,
    )
