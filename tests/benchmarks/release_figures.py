"""Measure what the figures and the page of a large release cost, from a made index without pixels.

    python tests/benchmarks/release_figures.py --zones 700,2800 --work /tmp --json figures.json

Zones of 90 patches lie in 75 domains, classes drawn anew for each patch. There are no images: measured is
what grows with the index, without mean and spread of bands and without patches to look at. Each row runs in
a process of its own; memory is the most that it ever held, less what it held with the release open.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine

from workbench.documents import digest_file
from workbench.export.card import release_card
from workbench.export.choosing import choose_patches
from workbench.export.figures import measure_release
from workbench.export.index import INDEX, PatchIndex, part_bytes, write_index
from workbench.export.layouts import parse_layouts
from workbench.export.manifest import Manifest
from workbench.export.patches import Patch, PatchFile, ZoneSource, cut_patches
from workbench.export.release import NOMENCLATURE, open_release
from workbench.export.report import Sheet, report_page
from workbench.geo.grid import NATIONAL_GRID, PixelGrid
from workbench.geo.zone import Cell, Zone, ZoneRaster
from workbench.nomenclature import load_nomenclature

_DOMAINS = 75
_ROWS, _COLS = 9, 10
_CLASSES = load_nomenclature("flair-19")
_LAYOUTS = parse_layouts(["flair-hub"])
_NOTHING = "0" * 64


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--zones", default="700,2800")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.one is not None:
        print(json.dumps(_measured(options.one)))
        return 0
    rows = []
    with tempfile.TemporaryDirectory(prefix="release-figures-", dir=options.work) as folder:
        for zones in map(int, options.zones.split(",")):
            release = Path(folder, f"FR_V{zones}.0")
            _make(release, zones)
            done = subprocess.run(
                [sys.executable, __file__, "--one", release], capture_output=True, text=True, check=True
            )
            rows.append({"zones": zones} | json.loads(done.stdout))
            print(" ".join(f"{name} {value}" for name, value in rows[-1].items()))
    if options.json:
        document = {"format": "ocs-workbench/release-figures", "format_version": 1, "rows": rows}
        options.json.write_text(f"{json.dumps(document, indent=2)}\n")
    return 0


def _measured(path: Path) -> dict[str, Any]:
    release, row = open_release(path), dict[str, Any]()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with _timed(row, "figures"):
        found = measure_release(release, pixels=False)
    with _timed(row, "choice"):
        choose_patches(release, wanted=24)
    with _timed(row, "page"):
        page = report_page(found, Sheet())
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return (
        {"patches": found.inventory.whole.patches}
        | row
        | {
            "memory_mb": round((most - before) / 1024),
            "page_mb": round(len(page) / 1e6, 2),
        }
    )


class _timed:
    """Note the CPU and wall seconds of what is inside."""

    def __init__(self, row: dict[str, Any], name: str) -> None:
        self._row, self._name = row, name

    def __enter__(self) -> None:
        self._cpu, self._wall = time.process_time(), time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self._row[f"{self._name}_cpu_s"] = round(time.process_time() - self._cpu, 2)
        self._row[f"{self._name}_s"] = round(time.perf_counter() - self._wall, 2)


def _make(folder: Path, zones: int) -> None:
    """Write the index, the card and the nomenclature of a release without images."""
    folder.mkdir()
    rng, sources, parts = np.random.default_rng(1), [], []
    for number in range(zones):
        source = _zone(number, rng)
        part = folder / f"part-{number}"
        part.write_bytes(part_bytes([*_patches(source, rng)]))
        sources.append(source)
        parts.append(part)
    order = sorted(range(zones), key=lambda number: sources[number].zone.id)
    write_index([parts[number] for number in order], folder / INDEX)
    for part in parts:
        part.unlink()
    (folder / NOMENCLATURE).write_text(json.dumps(_CLASSES.document()))
    manifest = Manifest((name, digest_file(folder / name)) for name in (INDEX, NOMENCLATURE))
    card = release_card(
        name=folder.name,
        software="0",
        content_sha256=manifest.content_sha256,
        nomenclature=_CLASSES,
        lattice=NATIONAL_GRID,
        layouts=_LAYOUTS,
        sources=[sources[number] for number in order],
        patches=PatchIndex(folder / INDEX, {one.name: one.modalities for one in _LAYOUTS}),
    )
    card |= {"version": "1.0.0", "parent": None, "withdrawn": []}
    (folder / "release.json").write_text(json.dumps(card))
    manifest.put([("release.json", digest_file(folder / "release.json"))])
    manifest.write(folder)


def _zone(number: int, rng: np.random.Generator) -> ZoneSource:
    """Return a zone somewhere around the middle of its domain, on ground that no other zone has."""
    domain = number % _DOMAINS
    # Far enough apart that no two zones meet, wherever in its square each lies.
    row, col = 64_000 - 40 * (number // 60), 2_000 + 40 * (number % 60) + int(rng.integers(0, 20))
    grid = PixelGrid(
        crs=NATIONAL_GRID.crs,
        transform=Affine(
            0.2,
            0.0,
            round(NATIONAL_GRID.x + 102.4 * col, 3),
            0.0,
            -0.2,
            round(NATIONAL_GRID.y + 102.4 * row, 3),
        ),
        height=512 * _ROWS,
        width=512 * _COLS,
    )
    ortho = ZoneRaster(
        role="ortho",
        path=Path("none.tif"),
        bands=("R", "G", "B", "NIR"),
        window=grid.whole,
        pixels_sha256=_NOTHING,
    )
    zone = Zone(
        domain=f"D{domain + 1:03d}_2020",
        name=f"Z{number}",
        grid=grid,
        cells=tuple(Cell(row=row, col=col) for row in range(_ROWS) for col in range(_COLS)),
        rasters=(ortho,),
        acquired=None,
        camera="UCE",
        theme=None,
    )
    first = 1 + number * _ROWS * _COLS
    return ZoneSource(
        zone=zone,
        fold=1 + domain % 5,
        numbers=tuple(range(first, first + _ROWS * _COLS)),
        image=lambda window: np.zeros((4, *window.shape), np.uint8),
        labels=lambda: np.zeros(grid.shape, np.uint8),
        labels_sha256=_NOTHING,
        state="accepted",
        heads={},
    )


def _patches(source: ZoneSource, rng: np.random.Generator) -> Iterator[Patch]:
    for patch in cut_patches(source):
        counts = rng.multinomial(512 * 512, rng.dirichlet(np.ones(len(_CLASSES.keys))))
        files = {
            one.name: {
                name: PatchFile(path=f"{patch.id}_{name}.tif", sha256=_NOTHING) for name in one.modalities
            }
            for one in _LAYOUTS
        }
        yield replace(patch, class_counts=dict(zip(_CLASSES.keys, counts.tolist(), strict=True)), files=files)


if __name__ == "__main__":
    sys.exit(main())
