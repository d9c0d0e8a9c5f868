"""Leaks planted in the index of a made release, and what is found of them, in which time and memory.

``python tests/benchmarks/leakage.py [--patches 25000,250000] [--scenes 8] [--flair DIR] [--json FILE]``; DIR
holds FLAIR patches as FLAIR#1 lays them out. Each size is looked through in a process of its own;
``--scenes`` and ``--flair`` tell how far pictures are recognised after what happens to pictures.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sample_data import make_scene
from workbench.export.columns import COLUMNS, PatchColumns
from workbench.export.fingerprints import correlation, fingerprint, luminance
from workbench.export.folds import splits_of_zone
from workbench.export.index import PatchIndex
from workbench.export.leakage import find_leaks
from workbench.export.orientations import ORIENTATIONS
from workbench.export.rules import DEFAULTS
from workbench.geo.grid import NATIONAL_GRID
from workbench.geo.raster import read_bands

ROWS, COLS, GAP = 10, 9, 6
"""Cells of a zone, and between zones: nothing is nearer than 614 m by itself."""
DOMAINS = 75
PLANTED = 200
"""Of each kind, or as many as the release has room for."""


@dataclass(eq=False)
class Made:
    """A release in the making."""

    rng: np.random.Generator
    zones: list[str] = field(default_factory=list)
    folds: list[int] = field(default_factory=list)
    cells: list[NDArray[np.int64]] = field(default_factory=list)
    overlap: set[tuple[str, str]] = field(default_factory=set)
    distance: set[tuple[str, str]] = field(default_factory=set)
    duplicate: set[tuple[str, str]] = field(default_factory=set)

    def add(self, domain: int, name: str, cells: NDArray[np.int64]) -> str:
        zone = f"D{domain + 1:03}_2020/{name}"
        self.zones.append(zone)
        self.folds.append(domain % 5 + 1)
        self.cells.append(cells)
        return zone

    def kind(self, place: int) -> tuple[str, ...]:
        return tuple(splits_of_zone(self.zones[place], fold=self.folds[place]).values())


def rectangle(row: int, col: int, rows: int, cols: int) -> NDArray[np.int64]:
    return np.stack(np.meshgrid(row + np.arange(rows), col + np.arange(cols), indexing="ij"), -1).reshape(
        -1, 2
    )


def make_zones(patches: int, rng: np.random.Generator) -> Made:
    """Place zones so that nothing leaks, domain by domain, then those that do."""
    made = Made(rng)
    each = max(2, patches // (ROWS * COLS) // DOMAINS)
    across = int(np.ceil(np.sqrt(each)))
    span = across * (ROWS + GAP) + 40
    for domain in range(DOMAINS):
        row, col = 60_000 + span * (domain // 9), 7_000 + span * (domain % 9)
        for number in range(each):
            corner = row + (ROWS + GAP) * (number // across), col + (COLS + GAP) * (number % across)
            made.add(domain, f"Z{number}_AA", rectangle(*corner, ROWS, COLS))
    plant_ground(made, rng.permutation(len(made.zones)).tolist())
    return made


def plant_ground(made: Made, places: list[int]) -> None:
    """Add zones on the ground of others, touching others, and a patch away from them."""
    count = min(PLANTED, len(places) // 4)
    for number, place in enumerate(places[: 4 * count]):
        what, domain = number % 4, int(made.zones[place][1:4]) - 1
        (row, col), (last, _) = made.cells[place][0], made.cells[place][-1]
        other = (domain + 1 + number) % DOMAINS
        if what == 0:  # the same place at another date, in another domain
            cells = rectangle(row, col, 1 + number % 3, COLS)
            added = made.add(other, f"Y{number}_AA", cells)
            leaks = made.overlap
        elif what == 1:  # it touches, by a side or a corner
            cells = rectangle(last + 1, col + (COLS if number % 8 == 1 else 0), 1, 3)
            added = made.add(other, f"Y{number}_AA", cells)
            leaks = made.distance
        elif what == 2:  # a patch lies between: 102.4 m
            added = made.add(other, f"Y{number}_AA", rectangle(last + 2, col, 1, COLS))
            continue
        else:  # it touches, as neighbours in a domain do: sets may be the same
            added = made.add(domain, f"Y{number}_AA", rectangle(last + 1, col, 1, COLS))
            leaks = made.distance
        if made.kind(place) != made.kind(len(made.zones) - 1):
            leaks.add(tuple(sorted((made.zones[place], added))))


def write_index(made: Made, folder: Path) -> None:
    """Write the index, and which pictures are one."""
    import pyarrow as pa
    import pyarrow.parquet as pq
    import shapely

    rng, cells = made.rng, np.concatenate(made.cells)
    of = np.repeat(np.arange(len(made.zones)), [len(one) for one in made.cells])
    count, pitch = len(cells), NATIONAL_GRID.pitch
    ids = np.array([f"{made.zones[zone].replace('/', '_')}_{number}" for number, zone in enumerate(of)])
    hashes = rng.integers(0, 1 << 64, count, dtype=np.uint64)
    contrasts = rng.lognormal(3.2, 0.4, count).clip(DEFAULTS.least_contrast + 0.1, 120)
    pictures, turns = np.arange(count), np.zeros(count, np.int64)
    kinds = [made.kind(place) for place in range(len(made.zones))]
    chosen = iter(rng.permutation(count).tolist())
    water = [next(chosen) for _ in range(count // 7)]  # a few hashes for all, and no contrast
    hashes[water] = rng.integers(0, 1 << 64, 5, dtype=np.uint64)[rng.integers(0, 5, len(water))]
    contrasts[water] = rng.uniform(1.0, 7.9, len(water))
    many = min(PLANTED, count // 20)
    for number in range(5 * many):
        one, other = next(chosen), next(chosen)
        near = number % 5 != 4  # or one bit too far
        flips = int(rng.integers(0, DEFAULTS.duplicate_bits + 1)) if near else DEFAULTS.duplicate_bits + 1
        mask = sum(1 << bit for bit in rng.permutation(64)[:flips].tolist())
        laid = number // 5 % len(ORIENTATIONS)
        (turned,) = ORIENTATIONS[laid].hashes(hashes[one : one + 1])
        hashes[other] = turned ^ np.uint64(mask)
        if number % 5 == 3:  # near hashes of other pictures
            continue
        pictures[other], turns[other] = one, laid
        if near and kinds[of[one]] != kinds[of[other]]:
            made.duplicate.add(tuple(sorted((str(ids[one]), str(ids[other])))))
    left, top = NATIONAL_GRID.x + cells[:, 1] * pitch, NATIONAL_GRID.y - cells[:, 0] * pitch
    columns = {
        "id": ids,
        "zone": [made.zones[zone] for zone in of],
        "picture_hash": [f"{int(one):016x}" for one in hashes],
        "contrast": contrasts,
        "geometry": shapely.to_wkb(shapely.box(left, top - pitch, left + pitch, top)),
    }
    columns |= {name: [kinds[zone][place] for zone in of] for place, name in enumerate(COLUMNS)}
    pq.write_table(pa.table(columns), folder / "index.parquet", row_group_size=4096)
    np.save(folder / "pictures.npy", np.stack([pictures, turns]))


def picture_of(number: int) -> NDArray[np.uint8]:
    return np.random.default_rng(number).integers(20, 236, (64, 64), dtype=np.uint8).repeat(4, 0).repeat(4, 1)


def look(folder: Path) -> None:
    """Look a release through and print what was found: a process of its own."""
    (pictures, turns), seen = np.load(folder / "pictures.npy"), [0.0]
    find_leaks(_tiny(), rules=DEFAULTS, picture=picture_of)  # what is compiled and loaded once
    before = resource.getrusage(resource.RUSAGE_SELF)
    wall = time.perf_counter()

    def picture(place: int) -> NDArray[np.uint8]:
        begun = time.perf_counter()
        shown = ORIENTATIONS[turns[place]].laid(picture_of(int(pictures[place])))
        seen[0] += time.perf_counter() - begun
        return shown + np.uint8(place % 20)

    columns = PatchColumns.of_index(PatchIndex(folder / "index.parquet", {}), NATIONAL_GRID)
    read = time.perf_counter()
    found = find_leaks(columns, rules=DEFAULTS, picture=picture)
    ended, after = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    print(
        json.dumps(
            {
                "patches": len(columns),
                "read_s": read - wall,
                "wall_s": ended - wall - seen[0],
                "cpu_s": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
                "peak_mb": (after.ru_maxrss - before.ru_maxrss) / 1024,
                "candidates": found.candidates,
                "overlap": [leak.zones for leak in found.of("overlap")],
                "distance": [leak.zones for leak in found.of("distance")],
                "duplicate": [leak.patches for leak in found.of("duplicate")],
            }
        )
    )


def _tiny() -> PatchColumns:
    return PatchColumns(
        ids=np.array(["a", "b"], object),
        names=("D001_2020/Z1", "D002_2020/Z1"),
        zone=np.array([0, 1], np.int32),
        cells=np.array([[0, 0], [0, 1]]),
        pitch=102.4,
        sets=np.array([[0, 1]] * len(COLUMNS), np.int8),
        hashes=np.zeros(2, np.uint64),
        contrasts=np.full(2, 50.0),
    )


def measure(patches: int) -> dict[str, Any]:
    """Make a release, have it looked through, and compare what is found with what was planted."""
    with tempfile.TemporaryDirectory(prefix="leakage-") as name:
        made = make_zones(patches, np.random.default_rng(1))
        write_index(made, Path(name))
        command = [sys.executable, __file__, "--look", name]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    row = json.loads(done.stdout)
    for kind in ("overlap", "distance", "duplicate"):
        found, planted = {tuple(sorted(pair)) for pair in row[kind]}, getattr(made, kind)
        row[kind] = {
            "planted": len(planted),
            "found": len(planted & found),
            "invented": len(found - planted),
        }
    return row


def grey(values: NDArray[Any]) -> NDArray[np.uint8]:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)


def encoded(picture: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


FRAME = 32
Change = Callable[[NDArray[np.uint8]], NDArray[np.uint8]]


def framed(picture: NDArray[np.uint8], row: int = 0, col: int = 0) -> NDArray[np.uint8]:
    """Return a picture without its frame, moved by some pixels."""
    height, width = picture.shape
    return picture[FRAME + row : height - FRAME + row, FRAME + col : width - FRAME + col]


CHANGES: dict[str, Change] = {
    "brighter by 25": lambda big: grey(framed(big) + 25.0),
    "contrast × 0.7": lambda big: grey((framed(big) - 128.0) * 0.7 + 128),
    "gamma 0.7": lambda big: grey(255 * (framed(big) / 255.0) ** 0.7),
    "JPEG, quality 40": lambda big: encoded(framed(big), 40),
    "JPEG, quality 15": lambda big: encoded(framed(big), 15),
    "noise of 8 levels": lambda big: grey(
        framed(big) + np.random.default_rng(1).normal(0, 8, framed(big).shape)
    ),
    "shifted by 2 pixels": lambda big: framed(big, 2, -1),
    "shifted by 4": lambda big: framed(big, 4, -2),
    "shifted by 8": lambda big: framed(big, 8, -4),
    "shifted by 16": lambda big: framed(big, 16, -8),
    "shifted by 4, gamma 0.8, JPEG 50": lambda big: encoded(
        grey(255 * (framed(big, 4, -3) / 255.0) ** 0.8), 50
    ),
}


def bits(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return (int(fingerprint(one).hash, 16) ^ int(fingerprint(other).hash, 16)).bit_count()


def recognised(pictures: list[NDArray[np.uint8]]) -> dict[str, Any]:
    """Return how far pictures are from themselves after each change, and from each other."""
    rows = {}
    for name, change in CHANGES.items():
        pairs = [(framed(big), change(big)) for big in pictures]
        rows[name] = {
            "most_bits": max(bits(*pair) for pair in pairs),
            "least_correlation": min(correlation(*pair) for pair in pairs),
        }
    others = list(combinations(map(framed, pictures), 2))
    return {
        "pictures": len(pictures),
        "changes": rows,
        "others": {
            "pairs": len(others),
            "least_bits": min(bits(*pair) for pair in others),
            "most_correlation": max(correlation(*pair) for pair in others),
        },
    }


def scenes(count: int) -> Iterator[NDArray[np.uint8]]:
    for seed in range(count):
        image = make_scene(seed=1_000 + seed, height=512 + 2 * FRAME).image
        yield luminance(image, ["R", "G", "B", "NIR", "E"])


def patches_in(folder: Path) -> Iterator[NDArray[np.uint8]]:
    for path in sorted(folder.glob("*/*/img/IMG_*.tif")):
        yield luminance(read_bands(path), ["R", "G", "B", "NIR", "E"])


def markdown(document: dict[str, Any]) -> str:
    lines = [
        "| patches | read | wall s | CPU s | MB | candidates | overlaps | buffer breaks | duplicates |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for row in document["sizes"]:
        told = [
            f"{row[kind]['found']} of {row[kind]['planted']}, {row[kind]['invented']} invented"
            for kind in ("overlap", "distance", "duplicate")
        ]
        lines.append(
            f"| {row['patches']:,} | {row['read_s']:.1f} | {row['wall_s']:.1f} | {row['cpu_s']:.1f} "
            f"| {row['peak_mb']:.0f} | {row['candidates']:,} | {' | '.join(told)} |"
        )
    for name, table in document["recognised"].items():
        lines += ["", f"{name}, {table['pictures']} pictures", "", "| | most bits | least correlation |"]
        lines.append("|---|--:|--:|")
        lines += [
            f"| {change} | {row['most_bits']} | {row['least_correlation']:.2f} |"
            for change, row in table["changes"].items()
        ]
        others = table["others"]
        lines.append(
            f"| {others['pairs']:,} pairs of others | at least {others['least_bits']} "
            f"| at most {others['most_correlation']:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--patches", default="25000,250000")
    parser.add_argument("--scenes", type=int, default=8)
    parser.add_argument("--flair", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--look", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.look:
        look(options.look)
        return
    document: dict[str, Any] = {"processors": os.cpu_count(), "load": os.getloadavg()[0]}
    document["sizes"] = [measure(int(one)) for one in options.patches.split(",")]
    document["recognised"] = {}
    if options.scenes:
        document["recognised"]["made scenes"] = recognised([*scenes(options.scenes)])
    if options.flair:
        document["recognised"]["FLAIR"] = recognised([*patches_in(options.flair)])
    print(markdown(document))
    if options.json:
        options.json.write_text(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
