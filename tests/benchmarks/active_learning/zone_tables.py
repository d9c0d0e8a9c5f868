"""A zone as a table of regions: all that strategies, heads and the scripted annotator need, without pixels.

Tables are kept in a folder, one file for each zone, named by a digest of all that makes it: the zone, the
generator, the segmentation, and the code of this module and of `region_features` but for comments and
docstrings. What is there is not made again.
"""

from __future__ import annotations

__all__ = ["CODES", "ZoneTable", "load_tables", "make_table"]

import ast
import multiprocessing
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pools import SIDE, PoolZone, zone_scene
from region_features import region_features

from sample_data import VERSION
from workbench import documents
from workbench.geo.grid import PixelGrid
from workbench.segmentation import Hierarchy, SegmentationParameters, segment

CODES = tuple(range(1, 20))
"""FLAIR codes; the column of a class is its code less one."""
_MOST_REGIONS = 6000
_PARAMETERS = SegmentationParameters()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ZoneTable:
    """The regions of a zone in leaf order, and how they merge."""

    s: NDArray[np.float32]
    """Shape (region,). Altitude of the lowest common ancestor of regions j − 1 and j; inf at 0."""
    counts: NDArray[np.int64]
    """Shape (region, class). Pixels of each true class."""
    features: NDArray[np.float32]
    """Shape (region, feature)."""

    @property
    def area(self) -> NDArray[np.int64]:
        """Return the pixels of each region, shape (region,)."""
        return self.counts.sum(axis=1)


def make_table(zone: PoolZone, *, most_regions: int = _MOST_REGIONS) -> ZoneTable:
    """Make a zone's scene, segment it, and keep at most so many regions of its finest cut."""
    scene = zone_scene(zone)
    transform = Affine(0.2, 0, zone.x, 0, -0.2, zone.y)
    grid = PixelGrid(crs="EPSG:2154", transform=transform, height=SIDE, width=SIDE)
    hierarchy = segment(scene.image, grid=grid, parameters=_PARAMETERS)
    s, labels = _coarsened(hierarchy, most_regions)
    pairs = labels.reshape(-1).astype(np.int64) * len(CODES) + scene.classes.reshape(-1) - 1
    counts = np.bincount(pairs, minlength=s.size * len(CODES)).reshape(s.size, len(CODES))
    features = region_features(scene.image, labels, s.size)
    # Half precision is what is kept; a table that was just made is no other than one that was read.
    features = features.astype(np.float16).astype(np.float32)
    return ZoneTable(s=s, counts=counts, features=features)


def load_tables(zones: Sequence[PoolZone], folder: Path, *, processes: int = 2) -> dict[str, ZoneTable]:
    """Return the tables of zones by their ids; those that are not in the folder are made first."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = [zone for zone in zones if not _path(zone, folder).exists()]
    if missing:
        with multiprocessing.get_context("spawn").Pool(processes) as workers:
            for number, _ in enumerate(
                workers.imap_unordered(_keep, [(zone, folder) for zone in missing]), start=1
            ):
                if number % 50 == 0 or number == len(missing):
                    print(f"{number} of {len(missing)} tables made", flush=True)
    return {zone.id: _read(_path(zone, folder)) for zone in zones}


def _keep(job: tuple[PoolZone, Path]) -> None:
    zone, folder = job
    table = make_table(zone)
    path = _path(zone, folder)
    beside = path.with_suffix(f".{os.getpid()}.npz")
    np.savez_compressed(
        beside,
        s=table.s,
        counts=table.counts.astype(np.int32),
        features=table.features.astype(np.float16),
    )
    beside.replace(path)


def _read(path: Path) -> ZoneTable:
    with np.load(path) as kept:
        return ZoneTable(
            s=kept["s"],
            counts=kept["counts"].astype(np.int64),
            features=kept["features"].astype(np.float32),
        )


def _path(zone: PoolZone, folder: Path) -> Path:
    document = {
        "zone": asdict(zone),
        "side": SIDE,
        "generator": VERSION,
        "segmentation": _PARAMETERS.digest(""),
        "code": [_code(name) for name in ("zone_tables.py", "region_features.py")],
    }
    return folder / f"{documents.digest(documents.canonical_bytes(document))[:24]}.npz"


@cache
def _code(name: str) -> str:
    """Return the digest of a module's statements."""
    tree = ast.parse(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [  # type: ignore[attr-defined]
                one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))
            ]
    return documents.digest(ast.dump(tree).encode())


def _coarsened(hierarchy: Hierarchy, most: int) -> tuple[NDArray[np.float32], NDArray[np.uint32]]:
    """Return the scales between the regions of the finest cut of at most so many, and each pixel's region."""
    cut = hierarchy.cut_count(most)
    firsts = np.flatnonzero(np.diff(cut.lut.astype(np.int64), prepend=-1))
    return hierarchy.s[firsts].copy(), cut.labels()
