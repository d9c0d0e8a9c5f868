"""Measure how fast a release is read as a data set of PyTorch, beside plain rasterio on the same files.

    python tests/benchmarks/torch_reading.py --rounds 3 --work /tmp --json reading.json

A made scene of 25 patches (R, G, B, NIR, elevation in 8 bits, with its labels) is a release in several
layouts, of which R, G, B and NIR are asked for. *rasterio* opens the two files of each patch of FLAIR#1's
tree, reads them, and makes the same tensors of them: no index, no proof, no numbering. *unproven* is
`ReleaseDataset` of that tree without the digests of files. The ways take turns, and the best round of each
counts; all files are in the system's cache.
"""

from __future__ import annotations

import argparse
import json
import pickle
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch as replaced

import numpy as np
import rasterio
import torch
from affine import Affine

from workbench import ReleaseDataset
from workbench.documents import inside
from workbench.export import Release, build_release
from workbench.export.patches import ZoneSource, codes_digest
from workbench.geo.grid import NATIONAL_GRID, PixelGrid
from workbench.geo.zone import Cell, Zone, ZoneRaster
from workbench.nomenclature import load_nomenclature
from workbench.workflows.demo import load_sample_maker

_SIDE = 5
_PIXELS = _SIDE * NATIONAL_GRID.pixels
_BANDS = ("R", "G", "B", "NIR", "E")
_LAYOUTS = ("flair1", "hdf5", "shards")


class _Plain:
    """What somebody writes who reads FLAIR#1's tree by hand."""

    def __init__(self, release: Release) -> None:
        self._paths = [
            [release.path / patch.files["flair1"][one].path for one in ("image", "label")]
            for patch in release.patches()
        ]

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, at: int) -> dict[str, Any]:
        image, mask = (rasterio.open(path).read() for path in self._paths[at])
        return {
            "image": torch.from_numpy(image[:4].astype(np.float32)),
            "mask": torch.from_numpy(mask[0].astype(np.int64)),
        }


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args(arguments)
    torch.set_num_threads(1)
    document: dict[str, Any] = {"format": "ocs-workbench/torch-reading", "format_version": 1}
    with tempfile.TemporaryDirectory(prefix="torch-reading-", dir=options.work) as folder:
        release = _release(Path(folder))
        sets: dict[str, Any] = {"rasterio": _Plain(release)}
        for layout in _LAYOUTS:
            sets[layout] = ReleaseDataset(release, "all", bands=_BANDS[:4], layout=layout)
        document["pickled_bytes"] = len(pickle.dumps(sets["flair1"]))
        document["patches_per_second"] = rates = _rates(sets, options.rounds)
    for name, by_workers in rates.items():
        print(f"{name:10}", "  ".join(f"{count} workers {rate:6.1f}/s" for count, rate in by_workers.items()))
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0


def _rates(sets: dict[str, Any], rounds: int) -> dict[str, dict[int, float]]:
    """Return the patches per second of each way, by number of workers."""
    best: dict[str, dict[int, float]] = {name: {} for name in (*sets, "unproven")}
    for _ in range(rounds):
        for workers in (0, 2):
            for name, data in sets.items():
                _keep(best[name], workers, lambda data=data, workers=workers: _pass(data, workers))
            with replaced("workbench.export.reading.proven", lambda root, path, sha256: inside(root, path)):
                _keep(best["unproven"], workers, lambda workers=workers: _pass(sets["flair1"], workers))
    return best


def _keep(best: dict[int, float], workers: int, run: Callable[[], float]) -> None:
    best[workers] = max(best.get(workers, 0.0), run())


def _pass(data: Any, workers: int) -> float:
    """Return the patches per second after the first batch, until which workers are started."""
    batches = iter(torch.utils.data.DataLoader(data, batch_size=1, num_workers=workers))
    next(batches)
    begun = time.perf_counter()
    read = sum(1 for _ in batches)
    return read / (time.perf_counter() - begun)


def _release(out: Path) -> Release:
    scene = load_sample_maker().make_scene(seed=1, height=_PIXELS, theme="UA")
    image, labels = scene.image, scene.classes
    corner = Affine(0.2, 0.0, 3.2 + 102.4 * 7000, 0.0, -0.2, 20.8 + 102.4 * 66000)
    grid = PixelGrid(crs="EPSG:2154", transform=corner, height=_PIXELS, width=_PIXELS)
    ortho = ZoneRaster(
        role="ortho", path=Path("made.tif"), bands=_BANDS, window=grid.whole, pixels_sha256="0" * 64
    )
    zone = Zone(
        domain="D001_2019",
        name="Z1_UA",
        grid=grid,
        cells=tuple(Cell(row=row, col=col) for row in range(_SIDE) for col in range(_SIDE)),
        rasters=(ortho,),
        acquired=None,
        camera=None,
        theme="UA",
    )
    source = ZoneSource(
        zone=zone,
        fold=1,
        numbers=tuple(range(1, _SIDE**2 + 1)),
        image=lambda window: image[:, *window.slices].copy(),
        labels=lambda: labels,
        labels_sha256=codes_digest(labels),
        state="accepted",
        heads={},
    )
    classes = load_nomenclature("flair-19")
    return build_release([source], name="V0.1", out=out, nomenclature=classes, software="0", layouts=_LAYOUTS)


if __name__ == "__main__":
    sys.exit(main())
