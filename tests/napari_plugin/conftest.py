"""Made zones, segmented once and copied for each test; and nobody's own settings."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

# Before napari is imported: its settings are read from no file and written to none.
os.environ["NAPARI_CONFIG"] = ""
# Training imports Triton, whose LLVM brings a process down that has drawn by Mesa's: so it comes first.
with suppress(ImportError):
    import triton  # noqa: F401

import geopandas
import pytest
import shapely
from made_orthos import made_grid, made_image, made_truth
from qtpy.QtCore import QSettings

from napari_plugin import language
from napari_plugin.language import speak
from napari_plugin.preferences import Preferences, use_language
from napari_plugin.session import Session
from workbench.campaign import Campaign
from workbench.geo.geotiff import write_raster
from workbench.workflows.intake import add_zone
from workbench.workflows.segmenting import segment_zones

_HEADER = """
msgid ""
msgstr ""
"Content-Type: text/plain; charset=UTF-8\\n"
"Plural-Forms: nplurals=2; plural=(n > 1);\\n"
"""
if TYPE_CHECKING:
    from desk_driver import Driver

PATCH = 512 * 0.2
"""Side of a patch in metres."""


@pytest.fixture(autouse=True, scope="session")
def _own_settings(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("settings")
    for format_of in (QSettings.Format.IniFormat, QSettings.Format.NativeFormat):
        QSettings.setPath(format_of, QSettings.Scope.UserScope, str(folder))
    _choose_english(Preferences())


@pytest.fixture(autouse=True)
def _no_foresight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kernels are compiled by the tests themselves, and processes begun when they are needed.

    No window is set aside from the collector: napari's fixtures ask it whether they are gone.
    """
    monkeypatch.setattr("gc.freeze", lambda: None)
    monkeypatch.setattr("napari_plugin.work.is_due", lambda: False)
    monkeypatch.setattr("napari_plugin.work._SETTLED_MILLISECONDS", 3_600_000)


@pytest.fixture(autouse=True)
def preferences() -> Iterator[Preferences]:
    """The settings of somebody who speaks English and types on QWERTY; they end with the test."""
    kept = Preferences()
    yield kept
    kept._kept.clear()
    _choose_english(kept)


def _choose_english(kept: Preferences) -> None:
    kept.language, kept.key_set = "en", "qwerty"
    use_language("en")


@pytest.fixture
def in_french(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Speak French from then on, with the entries of a catalogue that the test gives."""
    monkeypatch.setattr(language, "__file__", str(tmp_path / "language.py"))

    def forget() -> None:
        for read in (language._entries, language._catalogue, language._templates, language._told):
            read.cache_clear()

    def french(entries: str) -> None:
        forget()
        path = tmp_path / "locale" / "fr.po"
        path.parent.mkdir(exist_ok=True)
        path.write_text(_HEADER + entries, encoding="utf-8")
        speak("fr")

    yield french
    speak("en")
    forget()


def segmented(folder: Path, *, height: int, width: int, row: int, col: int, outline: Path | None) -> Path:
    """Make a campaign of one segmented zone in a raster that reaches beyond it."""
    campaign = Campaign.create(folder / "campaign")
    raster = campaign.path / "rasters" / "ortho.tif"
    raster.parent.mkdir()
    grid = made_grid(height, width, row=row, col=col)
    write_raster(raster, made_image(made_truth(height, width)), grid, level=1)
    add_zone(campaign, raster, domain="D051_2019", name="Z1_AA", footprint=outline)
    list(segment_zones(campaign, None, say=lambda message: None))
    return campaign.path


@pytest.fixture(scope="session")
def one_patch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one-patch")
    return segmented(folder, height=640, width=640, row=-64, col=-64, outline=None)


@pytest.fixture(scope="session")
def three_patches(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("three-patches")
    left, top = made_grid(1, 1).transform @ (0, 0)
    cells = [
        shapely.box(left + c * PATCH, top - (r + 1) * PATCH, left + (c + 1) * PATCH, top - r * PATCH)
        for r, c in ((0, 0), (1, 0), (1, 1))
    ]
    outline = folder / "outline.gpkg"
    geopandas.GeoDataFrame(geometry=[shapely.union_all(cells)], crs="EPSG:2154").to_file(outline)
    return segmented(folder, height=1300, width=1200, row=-130, col=-70, outline=outline)


@pytest.fixture
def zone(one_patch: Path, tmp_path: Path) -> Campaign:
    """A campaign with one segmented zone of one patch, in a raster that reaches beyond it."""
    return Campaign.open(Path(shutil.copytree(one_patch, tmp_path / "campaign")))


@pytest.fixture
def bent(three_patches: Path, tmp_path: Path) -> Campaign:
    """A campaign with one L-shaped zone of three patches, in a raster that reaches beyond it."""
    return Campaign.open(Path(shutil.copytree(three_patches, tmp_path / "bent" / "campaign")))


@pytest.fixture
def session(zone: Campaign) -> Iterator[Session]:
    with closing(Session.open(zone.path, zone_id=None, author="marie")) as opened:
        yield opened


@pytest.fixture(scope="module")
def driver(qapp: Any) -> Iterator[Driver]:
    """A hand at a desk without a zone, in a window that all tests of a module share."""
    from desk_driver import Driver, one_window

    with one_window() as viewer:
        opened = Driver(viewer)
        yield opened
        opened.close()
        del opened, viewer


@pytest.fixture
def desk(driver: Driver, session: Session) -> Iterator[Driver]:
    """A hand at the desk with `session`'s zone."""
    driver.take(session)
    yield driver
    driver.dock.close_session()
