"""Small made zones for the tests of releases, in the form that a release takes them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench.documents import digest_file
from workbench.export.building import build_release
from workbench.export.manifest import MANIFEST, Manifest, listed_files
from workbench.export.patches import ZoneSource, codes_digest
from workbench.export.release import Release, open_release
from workbench.geo.grid import NATIONAL_GRID, PixelGrid, Window
from workbench.geo.zone import Cell, Zone, ZoneRaster
from workbench.nomenclature import load_nomenclature

BUILD_APART = """
import sys, time
from pathlib import Path
from made_zones import build, make_zones, make_zone
{body}
"""
ROOT = Path(__file__).resolve().parents[1]
SIDE = NATIONAL_GRID.pixels
L_SHAPE = (Cell(row=0, col=0), Cell(row=0, col=1), Cell(row=1, col=1))
ONE = (Cell(row=0, col=0),)
RGBNE = ("R", "G", "B", "NIR", "E")


@dataclass(frozen=True)
class MadeZone:
    """A zone with its whole image and labels in memory."""

    source: ZoneSource
    image: NDArray[np.uint8]
    """Shape (band, row, col)."""
    labels: NDArray[np.uint8]
    """Shape (row, col), codes of flair-19, 0 = unlabelled."""


def grid_of(cells: Sequence[Cell], *, east: int, south: int) -> PixelGrid:
    """Return the grid of cells whose bounding box begins at a cell of the national grid."""
    corner = Affine(0.2, 0.0, 3.2 + 102.4 * (8000 + east), 0.0, -0.2, 20.8 + 102.4 * (66000 - south))
    height, width = (SIDE * (1 + max(getattr(cell, axis) for cell in cells)) for axis in ("row", "col"))
    return PixelGrid(crs="EPSG:2154", transform=corner, height=height, width=width)


def make_zone(
    domain: str = "D055_2018",
    name: str = "Z2_UF",
    *,
    fold: int = 1,
    cells: Sequence[Cell] = ONE,
    east: int = 0,
    south: int = 0,
    bands: Sequence[str] = RGBNE,
    first_number: int = 1,
    state: str = "accepted",
    acquired: date | None = date(2018, 9, 16),
    seed: int = 0,
    wait: Callable[[], None] = lambda: None,
) -> MadeZone:
    """Make a zone of coarse noise; its labels have all classes, and unlabelled pixels in each patch."""
    grid = grid_of(cells, east=east, south=south)
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (len(bands), grid.height // 4, grid.width // 4), dtype=np.uint8)
    image = coarse.repeat(4, axis=1).repeat(4, axis=2)
    labels = rng.integers(1, 20, grid.shape, dtype=np.uint8)
    for row in range(0, grid.height, SIDE):
        for col in range(0, grid.width, SIDE):
            labels[row : row + 10, col : col + 20] = 0

    def read(window: Window) -> NDArray[np.uint8]:
        wait()
        return image[:, *window.slices].copy()

    ortho = ZoneRaster(
        role="ortho", path=Path("made.tif"), bands=tuple(bands), window=grid.whole, pixels_sha256="0" * 64
    )
    zone = Zone(
        domain=domain,
        name=name,
        grid=grid,
        cells=tuple(cells),
        rasters=(ortho,),
        acquired=acquired,
        camera=None,
        theme="UF",
    )
    source = ZoneSource(
        zone=zone,
        fold=fold,
        numbers=tuple(range(first_number, first_number + len(cells))),
        image=read,
        labels=lambda: labels.copy(),
        labels_sha256=codes_digest(labels),
        state=state,
        heads={"person-1f0a": 12},
    )
    return MadeZone(source=source, image=image, labels=labels)


def make_zones() -> list[MadeZone]:
    """Make six zones in three domains and folds; names repeat across domains, one footprint is an L."""
    places = [
        ("D055_2018", "Z2_UF", 1, L_SHAPE),
        ("D055_2018", "Z3-AU", 1, ONE),
        ("D036_2020", "Z2_UF", 2, ONE),
        ("D036_2020", "Z9_NN", 2, ONE),
        ("D051_2019", "Z15_UN", 3, ONE),
        ("D051_2019", "Z16_FF", 3, ONE),
    ]
    zones, number = [], 36290
    for index, (domain, name, fold, cells) in enumerate(places):
        zones.append(
            make_zone(domain, name, fold=fold, cells=cells, east=10 * index, first_number=number, seed=index)
        )
        number += len(cells)
    return zones


def changed(made: MadeZone, /, **changes: Any) -> MadeZone:
    """Return a zone whose source is another one in some ways."""
    return replace(made, source=replace(made.source, **changes))


def labelled(made: MadeZone) -> MadeZone:
    """Return a zone of which every pixel is labelled."""
    labels = np.where(made.labels == 0, np.uint8(1), made.labels)
    return changed(made, labels=labels.copy)


def build(zones: Iterable[MadeZone], out: Path, **options: Any) -> Release:
    """Build a release of made zones with the defaults of a small campaign."""
    chosen = {"name": "FR_V0.1", "software": "0.1.0", "nomenclature": load_nomenclature("flair-19")} | options
    return build_release(sources_of(zones), out=out, **chosen)


def sources_of(zones: Iterable[MadeZone]) -> list[ZoneSource]:
    """Return made zones as a release takes them, whose labels may have been changed since they were made."""
    return [replace(zone.source, labels_sha256=codes_digest(zone.source.labels())) for zone in zones]


def watched(zones: list[MadeZone], read: list[str]) -> list[MadeZone]:
    """Return zones that say when their orthophoto is read."""

    def watching(zone: MadeZone) -> MadeZone:
        def image(window: Any) -> Any:
            read.append(zone.source.zone.id)
            return zone.source.image(window)

        return replace(zone, source=replace(zone.source, image=image))

    return [watching(zone) for zone in zones]


def run_apart(body: str, *arguments: str, **env: str) -> subprocess.Popen[bytes]:
    """Run code in another process, with what makes zones at hand."""
    return subprocess.Popen(
        [sys.executable, "-c", BUILD_APART.format(body=body), *arguments],
        env={**os.environ, "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{ROOT}", **env},
        cwd=arguments[0],
    )


def same_but_for_parent(one: Release, other: Release) -> bool:
    """Tell whether two releases are the same bytes, but for what their cards say they build on."""
    cards = [{**release.card, "parent": None} for release in (one, other)]
    files = [file_bytes(release.path) for release in (one, other)]
    for content in files:
        del content["release.json"], content["SHA256SUMS"]
    return cards[0] == cards[1] and files[0] == files[1]


def sealed_again(folder: Path) -> Release:
    """Return a release whose files were changed on purpose, with the digests of what they are now."""
    listed = [path for path in listed_files(folder) if path not in (MANIFEST, "release.json")]
    manifest = Manifest((path, digest_file(folder / path)) for path in listed)
    card = json.loads((folder / "release.json").read_text())
    card["content_sha256"] = manifest.content_sha256
    (folder / "release.json").write_text(json.dumps(card))
    manifest.put([("release.json", digest_file(folder / "release.json"))])
    manifest.write(folder)
    return open_release(folder)


def file_bytes(folder: Path) -> dict[str, bytes]:
    """Return the content of every file below a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
