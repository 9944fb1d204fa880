"""Colours of a hosted form, checked for contrast and written as a style sheet of its own."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

COLOUR = re.compile(r"#[0-9a-f]{6}", re.IGNORECASE)
TEXT_CONTRAST = 4.5  # WCAG 2.2, 1.4.3
MARK_CONTRAST = 3.0  # 1.4.11
RADII = {"square": "0", "soft": "6px", "round": "14px"}
DEFAULTS = {
    "accent": "#0a5f72",
    "page": "#f5f4f1",
    "card": "#ffffff",
    "text": "#1e1b18",
    "corners": "soft",
}


@dataclass(frozen=True, slots=True)
class Theme:
    accent: str
    page: str
    card: str
    text: str
    corners: str

    @property
    def on_accent(self) -> str:
        """Black or white, whichever reads better on the button."""
        white, black = contrast("#ffffff", self.accent), contrast("#000000", self.accent)
        return "#ffffff" if white >= black else "#000000"

    @property
    def is_dark(self) -> bool:
        return luminance(self.card) < luminance(self.text)


def theme_of(raw: Any) -> Theme | None:
    """None: the product's own look, light or dark as the visitor's system is."""
    if not isinstance(raw, Mapping) or not raw.get("on"):
        return None
    values = {name: str(raw.get(name) or default) for name, default in DEFAULTS.items()}
    for name in ("accent", "page", "card", "text"):
        if not COLOUR.fullmatch(values[name]):
            values[name] = DEFAULTS[name]
    if values["corners"] not in RADII:
        values["corners"] = DEFAULTS["corners"]
    return Theme(**values)


def problems_of(theme: Theme) -> dict[str, str]:
    """What cannot be read, by the colour to change."""
    found = {}
    for other, name in (("card", "the card"), ("page", "the page")):
        ratio = contrast(theme.text, getattr(theme, other))
        if ratio < TEXT_CONTRAST:
            found["text"] = (
                f"Text on {name} has a contrast of {ratio:.1f}:1; people need 4.5:1. "
                "Choose a darker or lighter one."
            )
    ratio = contrast(theme.accent, theme.card)
    if ratio < MARK_CONTRAST:
        found["accent"] = (
            f"The button on the card has a contrast of {ratio:.1f}:1; it needs 3:1 to be seen."
        )
    return found


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance by WCAG 2."""
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def mixed(one: str, other: str, share: float) -> str:
    """`share` of the first colour in the second."""
    pairs = ((int(one[n : n + 2], 16), int(other[n : n + 2], 16)) for n in (1, 3, 5))
    return "#" + "".join(f"{round(a * share + b * (1 - share)):02x}" for a, b in pairs)


def style_sheet(theme: Theme | None, *, scope: str = ":root") -> str:
    """Tokens of the product, said anew; empty without a theme."""
    if theme is None:
        return ""
    text, card, accent = theme.text, theme.card, theme.accent
    radius = RADII[theme.corners]
    # Quieter text keeps its contrast: as quiet as it may be and no more.
    shares = (0.70, 0.80, 0.90, 1.0)
    quiet = next(
        mixed(text, card, share)
        for share in shares
        if share == 1.0 or contrast(mixed(text, card, share), card) >= TEXT_CONTRAST
    )
    bad = "#fc9c9f" if theme.is_dark else "#a51430"
    tokens = {
        "canvas": theme.page,
        "surface": card,
        "sunken": mixed(text, card, 0.03),
        "hover": mixed(text, card, 0.06),
        "press": mixed(text, card, 0.10),
        "line": mixed(text, card, 0.14),
        "line-2": mixed(text, card, 0.22),
        "line-input": mixed(text, card, 0.55),
        "ink": text,
        "ink-2": quiet,
        "ink-3": quiet,
        "accent": accent,
        "accent-hover": mixed(accent, theme.on_accent, 0.88),
        "accent-text": accent if contrast(accent, card) >= TEXT_CONTRAST else text,
        "accent-bg": mixed(accent, card, 0.12),
        "accent-line": mixed(accent, card, 0.4),
        "on-accent": theme.on_accent,
        "bad-text": bad if contrast(bad, card) >= TEXT_CONTRAST else text,
        "bad-bg": mixed(bad, card, 0.10),
        "r-2": radius,
        "r-3": radius,
    }
    lines = "".join(f"--{name}:{value};" for name, value in tokens.items())
    scheme = "dark" if theme.is_dark else "light"
    return f"{scope}{{color-scheme:{scheme};{lines}}}\n"
