"""Segment scenes of growing size, up to more than memory holds: time, memory, seams, energy.

See README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray
from pictures import made_scene

from workbench.geo.grid import PixelGrid
from workbench.segmentation import Hierarchy, SegmentationParameters, building, segment
from workbench.segmentation.quality import optimal_energy
from workbench.segmentation.tiling import BLOCK, blocks_of

_SCALES = (100.0, 300.0, 1000.0, 3000.0, 10000.0, 30000.0)
_COUNTS = (200_000, 100_000, 30_000, 10_000, 3_000, 1_000)
_PARTS = 6
_TRANSFORM = Affine(0.2, 0.0, 650000.0, 0.0, -0.2, 6860000.0)


def main() -> int:
    """Run what is asked for and print tables."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="scenes-", dir=options.work) as temporary:
        work = Path(temporary)
        cache = options.cache or work
        cache.mkdir(parents=True, exist_ok=True)
        document: dict[str, Any] = {"cpus": os.cpu_count(), "load": os.getloadavg()}
        if options.seams:
            image = np.load(made_scene(options.seams, cache, say=_say).image)
            document["seams"] = seams(image)
            _print_seams(document["seams"], image.shape)
        if options.sides:
            source = np.load(made_scene(options.source, cache, say=_say).image)
            document["growth"] = [grown(source, side, work, options.memory) for side in options.sides]
            _print_growth(document["growth"])
    if options.json:
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return 0


def seams(image: NDArray[np.uint8]) -> dict[str, Any]:
    """Compare an image in blocks with the same image as one block.

    Energies are means over overlapping parts: merging is chaotic, and two builds of one image that are both
    as good differ by a percent at the scales of a few hundred regions.
    """
    height, width = image.shape[1:]
    windows = blocks_of((height, width), BLOCK)
    rows, cols = np.unique([w.row for w in windows])[1:], np.unique([w.col for w in windows])[1:]
    whole, blocks = _built(image, max(height, width)), _built(image, BLOCK)
    ratios = []
    for number in range(_PARTS):
        top, left = (number // 3 * height // 2, number % 3 * width // 4)
        part = np.ascontiguousarray(image[:, top : top + height // 2, left : left + width // 2])
        one, many = _built(part, max(part.shape)), _built(part, BLOCK)
        ratios.append([optimal_energy(many, scale) / optimal_energy(one, scale) for scale in _SCALES])
    return {
        "leaves": [whole.leaf_count, blocks.leaf_count],
        "scales": _SCALES,
        "energy_mean": np.mean(ratios, axis=0).tolist(),
        "energy_spread": np.std(ratios, axis=0).tolist(),
        "borders": {
            count: [_share(tree.cut_count(count).labels(), rows, cols) for tree in (whole, blocks)]
            for count in _COUNTS
        },
    }


def grown(source: NDArray[np.uint8], side: int, work: Path, memory: float) -> dict[str, Any]:
    """Write a mirrored mosaic of a scene, segment it by the command line, and return what it cost."""
    raster, output = work / f"{side}.tif", work / f"{side}.h5"
    _write_mosaic(source, side, raster)
    command = [sys.executable, "-m", "workbench", "segment", str(raster), "-o", str(output)]
    command += ["--memory", str(memory), "--json"]
    start = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(done.stderr)
    found = json.loads(done.stdout)
    row = {
        "side": side,
        "megapixels": side * side / 1e6,
        "wall_s": seconds,
        "build_seconds": found["build_seconds"],
        "peak_mb": found["peak_mb"],
        "leaves": found["leaves"],
        "file_mb": output.stat().st_size / 1e6,
    }
    raster.unlink()
    output.unlink()
    _say(json.dumps(row))
    return row


def _built(image: NDArray[np.uint8], side: int) -> Hierarchy:
    grid = PixelGrid(crs="EPSG:2154", transform=_TRANSFORM, height=image.shape[1], width=image.shape[2])
    before, building.BLOCK = building.BLOCK, side
    try:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return segment(
                image, grid=grid, parameters=SegmentationParameters.preset("default"), map=pool.map
            )
    finally:
        building.BLOCK = before


def _share(labels: NDArray[np.uint32], rows: NDArray[np.int64], cols: NDArray[np.int64]) -> float:
    """Return how many of the edgels on block borders are borders of regions, in percent."""
    edgels = [labels[rows - 1] != labels[rows], labels[:, cols - 1] != labels[:, cols]]
    return float(100.0 * np.mean(np.concatenate([part.ravel() for part in edgels])))


def _write_mosaic(source: NDArray[np.uint8], side: int, path: Path) -> None:
    import rasterio
    from rasterio.windows import Window

    _say(f"writing a mosaic of {side} × {side} pixels")
    bands, height, width = source.shape
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": bands,
        "height": side,
        "width": side,
        "crs": "EPSG:2154",
        "transform": _TRANSFORM,
        "tiled": True,
        "blockxsize": 512,
        "blockysize": 512,
        "BIGTIFF": "IF_SAFER",
    }
    with rasterio.open(path, "w", **profile) as file:
        for number, top in enumerate(range(0, side, height)):
            for other, left in enumerate(range(0, side, width)):
                part = source[:, :: -1 if number % 2 else 1, :: -1 if other % 2 else 1]
                part = part[:, : side - top, : side - left]
                file.write(part, window=Window(left, top, part.shape[2], part.shape[1]))


def _print_seams(found: dict[str, Any], shape: tuple[int, ...]) -> None:
    print(f"\n{shape[1]} × {shape[2]} pixels in blocks of {BLOCK} against one block, default preset")
    print(f"leaves: {found['leaves'][1]:,} / {found['leaves'][0]:,}\n")
    print("| λ | " + " | ".join(f"{scale:g}" for scale in found["scales"]) + " |")
    print("|---|" + "---|" * len(found["scales"]))
    pairs = zip(found["energy_mean"], found["energy_spread"], strict=True)
    print(
        f"| energy, {_PARTS} parts | "
        + " | ".join(f"{mean:.4f} ± {more:.4f}" for mean, more in pairs)
        + " |\n"
    )
    print("| regions | edgels on block borders that are borders: one block | in blocks |\n|---|---|---|")
    for count, (whole, blocks) in found["borders"].items():
        print(f"| {count:,} | {whole:.2f} % | {blocks:.2f} % |")


def _print_growth(rows: list[dict[str, Any]]) -> None:
    print("\n| side | Mpx | wall s | build s | µs/px | peak MiB | leaves | file MB |")
    print("|---|---|---|---|---|---|---|---|")
    for row in rows:
        print(
            f"| {row['side']:,} | {row['megapixels']:.0f} | {row['wall_s']:.1f} | {row['build_seconds']:.1f} "
            f"| {row['build_seconds'] / row['megapixels']:.3f} | {row['peak_mb']:,.0f} "
            f"| {row['leaves']:,} | {row['file_mb']:.1f} |"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seams", type=float, help="megapixels of the scene whose seams are measured: 22")
    parser.add_argument("--sides", type=_sides, default=[], help="pixels, such as 1000,4700,25000")
    parser.add_argument("--source", type=float, default=22.0, help="megapixels of the scene that is mirrored")
    parser.add_argument("--memory", type=float, default=6.0, help="GiB that one may take")
    parser.add_argument("--cache", type=Path, help="folder that keeps made scenes")
    parser.add_argument("--work", type=Path, help="folder for mosaics: 2.5 GB for 25,000²")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    return parser


def _sides(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
