"""Pools as pictures, and the classes of each domain: what somebody looks at before a pool is frozen.

    PYTHONPATH=. python tests/benchmarks/active_learning/pool_sheets.py --set development --out DIR

A sheet for each pool: a row of candidates for each domain, taken evenly from its list, in R, G, B and,
beside it, the truth in FLAIR's colours. Printed is the share of each class by domain, over candidates and
over zones to test on.
"""

from __future__ import annotations

import argparse
import multiprocessing
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pools import POOLS, SETS, Pool, PoolZone, make_pool, zone_scene

from workbench.nomenclature import load_nomenclature

_STEP = 8
"""Pixels of a zone per pixel of its thumbnail."""
_GAP = 4


class Look(NamedTuple):
    """A zone as a thumbnail, and its pixels of each class."""

    picture: NDArray[np.uint8]
    """Shape (row, col, band)."""
    truth: NDArray[np.uint8]
    """Shape (row, col). FLAIR codes."""
    pixels: NDArray[np.int64]
    """Shape (code,)."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the scenes, draw the sheets, print the shares."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--set", choices=SETS, default="development")
    parser.add_argument("--pools", default=",".join(POOLS))
    parser.add_argument("--across", type=int, default=12, help="candidates of a domain on a sheet")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    with multiprocessing.get_context("spawn").Pool(2) as workers:
        for name in options.pools.split(","):
            pool = make_pool(name, options.set)
            zones = [*pool.candidates, *pool.tested]
            looks = dict(zip(zones, workers.map(look, zones, chunksize=4), strict=True))
            sheet(pool, looks, across=options.across).save(options.out / f"{name}-{options.set}.png")
            print(f"\n{name}, {options.set}\n{shares(pool, looks)}", flush=True)
    return 0


def look(zone: PoolZone) -> Look:
    """Make a zone and keep what a sheet shows of it."""
    scene = zone_scene(zone)
    height, width = scene.shape
    blocks = scene.image[:3].reshape(3, height // _STEP, _STEP, width // _STEP, _STEP)
    picture = np.moveaxis(blocks.mean(axis=(2, 4)), 0, 2).astype(np.uint8)
    middle = slice(_STEP // 2, None, _STEP)
    return Look(picture, scene.classes[middle, middle], np.bincount(scene.classes.reshape(-1), minlength=20))


def sheet(pool: Pool, looks: dict[PoolZone, Look], *, across: int) -> Image.Image:
    """Draw a row of each domain: pictures on the left, truth on the right."""
    colours = np.zeros((256, 3), np.uint8)
    for code, colour in load_nomenclature("flair-19").colour_table("flair").items():
        colours[code] = colour[:3]
    side = next(iter(looks.values())).truth.shape[0] + _GAP
    drawn = np.full((side * len(pool.domains), 2 * across * side, 3), 255, np.uint8)
    for row, domain in enumerate(pool.domains):
        zones = [zone for zone in pool.candidates if zone.domain == domain]
        for col, at in enumerate(np.linspace(0, len(zones) - 1, across).astype(int)):
            found = looks[zones[at]]
            for left, pixels in ((col, found.picture), (across + col, colours[found.truth])):
                top, height = row * side, side - _GAP
                drawn[top : top + height, left * side : left * side + height] = pixels
    return Image.fromarray(drawn)


def shares(pool: Pool, looks: dict[PoolZone, Look]) -> str:
    """Return a table: percent of the pixels of each class, a row for each domain and for the whole."""
    groups = {domain: [zone for zone in pool.candidates if zone.domain == domain] for domain in pool.domains}
    groups |= {"candidates": list(pool.candidates), "tested": list(pool.tested)}
    counts = {name: sum(looks[zone].pixels for zone in zones) for name, zones in groups.items()}
    codes = np.flatnonzero(sum(counts.values()))
    lines = ["| % of pixels | zones |" + "".join(f" {code} |" for code in codes)]
    lines.append("|---" * (2 + codes.size) + "|")
    for name, pixels in counts.items():
        values = 100 * pixels[codes] / pixels.sum()
        cells = "".join(f" {value:.1f} |" if value > 0 else "  |" for value in values)
        lines.append(f"| {name} | {len(groups[name])} |{cells}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
