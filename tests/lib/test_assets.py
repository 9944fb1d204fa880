"""Icons and fonts come from packages, built when asked for."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from fontTools.ttLib import TTFont

from leadcrm.lib import assets


@pytest.fixture
def _fresh(tmp_path: Path, settings: object) -> None:
    settings.VAR_DIR = tmp_path  # type: ignore[attr-defined]


@pytest.mark.usefixtures("_fresh")
class TestTheSprite:
    def test_holds_every_icon_once_and_nothing_that_runs(self) -> None:
        assets.build(assets.SPRITE)

        text = (assets.assets_dir() / assets.SPRITE).read_text()
        ids = [symbol.get("id") for symbol in ElementTree.fromstring(text)]  # noqa: S314
        assert {"i-phone", "i-flame", "i-clock"} <= set(ids)
        assert len(ids) == len(set(ids))
        assert "script" not in text

    def test_is_not_written_again_when_nothing_changed(self) -> None:
        assets.build(assets.SPRITE)
        path = assets.assets_dir() / assets.SPRITE
        before = path.stat().st_mtime_ns

        assets.build(assets.SPRITE)

        assert path.stat().st_mtime_ns == before


@pytest.mark.usefixtures("_fresh")
class TestAFont:
    def test_covers_its_script_in_all_weights_with_figures_of_one_width(self) -> None:
        assets.build("fonts/geist-latin.woff2")

        font = TTFont(assets.assets_dir() / "fonts/geist-latin.woff2", lazy=False)
        features = {record.FeatureTag for record in font["GSUB"].table.FeatureList.FeatureRecord}
        assert font.flavor == "woff2"
        assert "fvar" in font
        assert {ord("a"), ord("€"), ord("ø")} <= set(font.getBestCmap())
        assert "tnum" in features


class TestTheFinder:
    def test_serves_what_it_builds(self, client: Client) -> None:
        answer = client.get("/static/icons.svg")

        assert b"i-phone" in answer.getvalue()
        assert answer["Content-Type"].startswith("image/svg+xml")

    def test_leaves_other_files_to_other_finders(self) -> None:
        assert assets.BuiltAssetsFinder().find("css/tokens.css") == []
        assert finders.find("css/tokens.css")
