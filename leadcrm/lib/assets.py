"""Icons and fonts, built from installed packages on first use; nothing third-party is committed.

The finder makes `collectstatic` and DEBUG serving work without a build step: it puts into
`VAR_DIR/assets` one sprite with the icons that templates and code name, and WOFF2 subsets of Geist.
"""

import importlib
import logging
import re
import tempfile
from collections.abc import Iterable, Iterator
from functools import lru_cache
from importlib import metadata, resources
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import ZipFile

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

SPRITE = "icons.svg"
SOURCE_PACKAGES = ("lucide", "fontpkg-geist", "fontpkg-geist-mono")
PACKAGES = ("leadcrm", "leads", "scoring", "pipeline", "nurturing")
TEMPLATE_TAG = re.compile(r"\{%.*?%\}", re.DOTALL)
QUOTED_NAME = re.compile(r"""["']([a-z][a-z0-9-]*)["']""")


class Font(NamedTuple):
    package: str
    file: str
    ranges: str


# The ranges of static/css/fonts.css: a page loads only the scripts that its words need.
FONTS = {
    "fonts/geist-latin.woff2": Font(
        "fontpkg_geist",
        "Geist[wght].ttf",
        "0-FF 131 152-153 2BB-2BC 2C6 2DA 2DC 304 308 329 2000-206F 20AC 2122 2191 2193 2212 2215",
    ),
    "fonts/geist-latin-ext.woff2": Font(
        "fontpkg_geist",
        "Geist[wght].ttf",
        "100-2BA 2BD-2C5 2C7-2CC 2CE-2D7 2DD-2FF 1D00-1DBF 1E00-1E9F 1EF2-1EFF 2020 20A0-20AB"
        " 20AD-20C0 2113",
    ),
    "fonts/geist-cyrillic.woff2": Font(
        "fontpkg_geist", "Geist[wght].ttf", "301 400-45F 490-491 4B0-4B1 2116"
    ),
    "fonts/geist-vietnamese.woff2": Font(
        "fontpkg_geist",
        "Geist[wght].ttf",
        "102-103 110-111 128-129 168-169 1A0-1A1 1AF-1B0 300-301 303-304 309 323 1EA0-1EF9 20AB",
    ),
    "fonts/geist-mono-latin.woff2": Font(
        "fontpkg_geist_mono",
        "GeistMono[wght].ttf",
        "0-FF 131 152-153 2C6 2DA 2DC 2000-206F 20AC 2122 2191 2193 2212",
    ),
}


def assets_dir() -> Path:
    """Under the versions of the packages, so that an upgrade builds anew."""
    versions = "-".join(metadata.version(name) for name in SOURCE_PACKAGES)
    return Path(settings.VAR_DIR) / "assets" / versions


def write_whole(path: Path, content: bytes) -> None:
    """Replace a file at once: another process may be serving or building it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as draft:
        draft.write(content)
    Path(draft.name).chmod(0o644)
    Path(draft.name).replace(path)


# ---- icons ----


@lru_cache(maxsize=1)
def lucide() -> dict[str, str]:
    """The drawing of every icon in the package, by name."""
    archive = resources.files("lucide").joinpath("lucide.zip").read_bytes()
    with ZipFile(BytesIO(archive)) as icons:
        return {
            name.removesuffix(".svg"): icons.read(name).decode()
            for name in icons.namelist()
            if name.endswith(".svg")
        }


def sources() -> Iterator[Path]:
    base = Path(settings.BASE_DIR)
    yield from (base / "templates").rglob("*.html")
    for package in PACKAGES:
        yield from (
            path for path in (base / package).rglob("*.py") if "migrations" not in path.parts
        )


def names_in(path: Path) -> set[str]:
    """Quoted words that could name an icon: in Python anywhere, in templates inside tags."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".html":
        text = "".join(TEMPLATE_TAG.findall(text))
    return set(QUOTED_NAME.findall(text))


def used_icons() -> list[str]:
    """A few more than are drawn (some words are icon names too), never one less."""
    named: set[str] = set()
    return sorted(named.union(*map(names_in, sources())) & lucide().keys())


def symbol(name: str) -> str:
    drawing = re.sub(r"^.*?<svg[^>]*>|</svg>.*$", "", lucide()[name], flags=re.DOTALL)
    drawing = re.sub(r"<!--.*?-->|\n\s*", "", drawing, flags=re.DOTALL)
    return f'<symbol id="i-{name}" viewBox="0 0 24 24">{drawing.strip()}</symbol>'


def sprite(names: Iterable[str]) -> bytes:
    symbols = "".join(symbol(name) for name in names)
    return f'<svg xmlns="http://www.w3.org/2000/svg">{symbols}</svg>'.encode()


def build_sprite() -> None:
    path, content = assets_dir() / SPRITE, sprite(used_icons())
    if not path.exists() or path.read_bytes() != content:
        write_whole(path, content)


# ---- fonts ----


def code_points(ranges: str) -> list[int]:
    bounds = [[int(end, 16) for end in part.split("-")] for part in ranges.split()]
    return [point for bound in bounds for point in range(bound[0], bound[-1] + 1)]


def subset(font: Font) -> bytes:
    """The part of a variable font that covers these characters, as WOFF2."""
    subsetter_module = importlib.import_module("fontTools.subset")
    logging.getLogger("fontTools").setLevel(logging.WARNING)
    options = subsetter_module.Options(flavor="woff2")
    options.layout_features += ["tnum"]  # figures of one width, everywhere
    options.drop_tables += ["meta"]
    subsetter = subsetter_module.Subsetter(options)
    subsetter.populate(unicodes=code_points(font.ranges))
    source = resources.files(font.package).joinpath("files", font.file)
    result = BytesIO()
    with resources.as_file(source) as path:
        loaded = subsetter_module.load_font(str(path), options)
        subsetter.subset(loaded)
        subsetter_module.save_font(loaded, result, options)
        loaded.close()
    return result.getvalue()


def build_font(name: str) -> None:
    path = assets_dir() / name
    if not path.exists():
        write_whole(path, subset(FONTS[name]))


def build(name: str) -> None:
    if name == SPRITE:
        build_sprite()
    else:
        build_font(name)


def build_all() -> list[str]:
    names = [SPRITE, *FONTS]
    for name in names:
        build(name)
    return names


class BuiltAssetsFinder(BaseFinder):
    """Finds what this module builds, and builds it when asked."""

    def __init__(self, app_names: list[str] | None = None, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.storage = FileSystemStorage(location=assets_dir())

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002
        if path not in {SPRITE, *FONTS}:
            return []
        build(path)
        found = self.storage.path(path)
        return [found] if find_all else found

    def list(
        self, ignore_patterns: Iterable[str] | None
    ) -> Iterator[tuple[str, FileSystemStorage]]:
        for name in build_all():
            yield name, self.storage
