"""Measure a zone's hierarchy as file and on the screen: sizes, opening, cuts, viewports, refinements.

    python tests/benchmarks/storage_and_display.py --size 22 --cache /tmp/scenes --json figures.json

The scene is that of compare_segmentation.py. Times are CPU milliseconds of this process (user and system),
the least of some runs with compiled kernels and the file in the page cache; the rows of new processes are
wall time.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import h5py
import numpy as np
from affine import Affine
from compare_segmentation import _processor
from numpy.typing import NDArray
from pictures import made_scene

from workbench.geo.grid import PixelGrid, Window
from workbench.segmentation import Hierarchy, Node, read_hierarchy, refine, segment, write_hierarchy
from workbench.segmentation.leafmap import LeafMap
from workbench.workflows.refining import edit_for

_SIDES = (64, 128, 256, 512)
_VIEW = (1000, 2000)
_Value = TypeVar("_Value")

_FIRST_CUT = """
import sys, time
started = time.perf_counter()
from pathlib import Path
from workbench.geo.grid import Window
from workbench.segmentation.storage import read_hierarchy
imported = time.perf_counter()
found = read_hierarchy(Path(sys.argv[1]))
height, width = (min(*sides) for sides in zip(found.grid.shape, (1000, 2000)))
found.cut(found.scale_steps.scale(150)).labels(Window(row=0, col=0, height=height, width=width))
print(imported - started, time.perf_counter() - imported)
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables, write the file."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="storage-") as temporary:
        cache = options.cache or Path(temporary)
        cache.mkdir(parents=True, exist_ok=True)
        document = measure(options, cache, Path(temporary))
    print(markdown(document))
    if options.json is not None:
        options.json.write_text(json.dumps(document, indent=1, allow_nan=False), encoding="utf-8")
    return 0


def measure(options: argparse.Namespace, cache: Path, work: Path) -> dict[str, Any]:
    """Measure everything; return it as JSON values."""
    load = os.getloadavg()
    image = np.load(options.image if options.image else made_scene(options.size, cache, say=_say).image)
    hierarchy = _hierarchy(image, options)
    path = work / "hierarchy.h5"
    write_ms, _ = _timed(lambda: write_hierarchy(hierarchy, path, overwrite=True), 1)
    with h5py.File(path, "r") as file:
        sizes = {name: int(dataset.id.get_storage_size()) for name, dataset in file.items()}
    found = read_hierarchy(path)
    return {
        "format": "ocs-workbench/storage-and-display",
        "format_version": 1,
        "machine": {"cpu": _processor(), "cpus": os.cpu_count(), "load_before": load},
        "pixels": int(np.prod(found.leaves.shape)),
        "leaves": found.leaf_count,
        "file_bytes": path.stat().st_size,
        "dataset_bytes": sizes,
        "write_ms": write_ms,
        "new_process": _new_processes(path, work),
        "display_ms": _display(path, options.repeat),
        "refine": _refinements(found, image, options.repeat),
    }


def _hierarchy(image: NDArray[Any], options: argparse.Namespace) -> Hierarchy:
    if options.hierarchy is not None and options.hierarchy.exists():
        return read_hierarchy(options.hierarchy)
    transform = Affine(0.2, 0.0, 650000.0, 0.0, -0.2, 6860000.0)
    grid = PixelGrid(crs="EPSG:2154", transform=transform, height=image.shape[1], width=image.shape[2])
    _say("segmenting")
    found = pruned(segment(image, grid=grid), options.leaves)
    if options.hierarchy is not None:
        write_hierarchy(found, options.hierarchy)
    return found


def pruned(hierarchy: Hierarchy, most: int) -> Hierarchy:
    """Return a hierarchy whose leaves are the regions of its finest cut of at most so many."""
    if hierarchy.leaf_count <= most:
        return hierarchy
    cut = hierarchy.cut_count(most)
    starts = np.flatnonzero(np.diff(cut.lut.astype(np.int64), prepend=-1))
    return dataclasses.replace(
        hierarchy,
        leafmap=LeafMap(numbers=cut.labels()),
        s=hierarchy.s[starts],
        area=np.add.reduceat(hierarchy.area, starts).astype(np.uint32),
        sums=np.add.reduceat(hierarchy.sums, starts, axis=1),
        squares=np.add.reduceat(hierarchy.squares, starts, axis=1),
    )


def _new_processes(path: Path, work: Path) -> dict[str, dict[str, float]]:
    """Open the file in processes of their own: with compiled kernels on disk, and without any."""
    found = {}
    empty = work / "numba"
    for name, changes in (("nothing compiled", {"NUMBA_CACHE_DIR": str(empty)}), ("compiled", {})):
        _say(f"opening in a new process, {name}")
        command = [sys.executable, "-c", _FIRST_CUT, str(path)]
        done = subprocess.run(command, env=os.environ | changes, capture_output=True, text=True, check=True)
        imports, first = map(float, done.stdout.split())
        found[name] = {"import_s": imports, "open_to_first_cut_s": first}
    return found


def _display(path: Path, repeat: int) -> dict[str, float]:
    found = read_hierarchy(path)
    height, width = (min(*sides) for sides in zip(found.grid.shape, _VIEW, strict=True))
    row, col = (found.grid.height - height) // 2, (found.grid.width - width) // 2
    window = Window(row=row, col=col, height=height, width=width)
    scale = found.cut_count(max(1, found.leaf_count // 20)).scale

    def first_cut() -> None:
        read_hierarchy(path).cut(scale).labels(window)

    cut = found.cut(scale)
    steps: dict[str, Callable[[], object]] = {
        "open": lambda: read_hierarchy(path),
        "open to first cut": first_cut,
        "lut of a new scale": lambda: found.cut(scale),
        f"viewport {width} x {height}": lambda: cut.labels(window),
        "whole zone": cut.labels,
        "saliency from leaves and s": lambda: _fresh(found).saliency(),
        "pyramid of it": lambda: _fresh(found, "saliency").saliency_pyramid(),
        "region of a pixel and its mask": lambda: found.mask(found.node_at(row, col, scale)),
    }
    found.saliency()
    return {name: _timed(step, repeat)[0] for name, step in steps.items()}


def _fresh(hierarchy: Hierarchy, *kept: str) -> Hierarchy:
    """Return a hierarchy that has forgotten all but some of what it had made."""
    found = dataclasses.replace(hierarchy)
    found._known.update({name: value for name, value in hierarchy._known.items() if name in kept})
    return found


def _refinements(hierarchy: Hierarchy, image: NDArray[Any], repeat: int) -> list[dict[str, Any]]:
    """Refine a node of about each size, on a hierarchy that has all made that the desk makes."""
    hierarchy.saliency_pyramid()
    hierarchy.region_counts  # noqa: B018
    hierarchy.window(_node_of(hierarchy, 1)[0])
    rows = []
    for side in _SIDES:
        node, (row, col) = _node_of(hierarchy, side * side)
        _say(f"refining {hierarchy.pixel_count(node):,} pixels")
        build_ms, refinement = _timed(lambda node=node: refine(hierarchy, node, image), repeat)
        splice_ms, after = _timed(lambda refinement=refinement: hierarchy.refined(refinement), repeat)
        pack_ms, edit = _timed(
            lambda refinement=refinement, row=row, col=col: edit_for(refinement, row=row, col=col, scale=1.0),
            repeat,
        )
        read_ms, _ = _timed(lambda edit=edit: edit.decode(), repeat)
        edges_ms, _ = _timed(
            lambda after=after: _fresh(after, "saliency beneath", "steps").saliency(), repeat
        )
        window = refinement.window
        rows.append(
            {
                "side": side,
                "pixels": hierarchy.pixel_count(node),
                "window": [window.height, window.width],
                "leaves_before": node.leaf_count,
                "leaves_after": refinement.leaf_count,
                "build_ms": build_ms,
                "splice_ms": splice_ms,
                "saliency_ms": edges_ms,
                "pack_ms": pack_ms,
                "op_bytes": len(edit.data),
                "read_ms": read_ms,
            }
        )
    return rows


def _node_of(hierarchy: Hierarchy, pixels: int) -> tuple[Node, tuple[int, int]]:
    """Return the node nearest to a size, among those above a hundred pixels, and its pixel."""
    rng = np.random.default_rng(0)
    best: tuple[float, Node, tuple[int, int]] | None = None
    for _ in range(200):
        row, col = (int(rng.integers(0, side)) for side in hierarchy.grid.shape)
        node: Node | None = hierarchy.node_at(row, col, 0.0)
        while node is not None and hierarchy.pixel_count(node) < pixels:
            node = hierarchy.parent(node)
        if node is not None:
            excess = hierarchy.pixel_count(node) / pixels
            if best is None or excess < best[0]:
                best = excess, node, (row, col)
    if best is None:
        raise SystemExit(f"no node has {pixels} pixels; take a larger scene")
    return best[1:]


def _timed(step: Callable[[], _Value], repeat: int) -> tuple[float, _Value]:
    """Return the least CPU milliseconds of some runs, and the last one's value."""
    least = float("inf")
    for _ in range(repeat):
        before = time.process_time()
        value = step()
        least = min(least, time.process_time() - before)
    return least * 1e3, value


def markdown(document: dict[str, Any]) -> str:
    """Return all tables."""
    total = document["file_bytes"]
    lines = [
        f"{document['machine']['cpu']}; load {document['machine']['load_before'][0]:.1f}. "
        f"{document['pixels'] / 1e6:.1f} Mpx, {document['leaves']:,} leaves.",
        "",
        "| hierarchy.h5 | MB |",
        "|---|---:|",
        *(f"| {name} | {size / 1e6:.2f} |" for name, size in document["dataset_bytes"].items()),
        f"| **file** | **{total / 1e6:.2f}** |",
        "",
        "| step | CPU ms |",
        "|---|---:|",
        f"| write | {document['write_ms']:.0f} |",
        *(f"| {name} | {value:.2f} |" for name, value in document["display_ms"].items()),
        "",
        "| new process | import s | open to first cut s |",
        "|---|---:|---:|",
        *(
            f"| {name} | {row['import_s']:.2f} | {row['open_to_first_cut_s']:.2f} |"
            for name, row in document["new_process"].items()
        ),
        "",
        "| refine | pixels | window | leaves | build ms | splice ms | edges ms | op kB | pack ms | read ms |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {row['side']}² | {row['pixels']:,} | {' × '.join(map(str, row['window']))} | "
            f"{row['leaves_before']:,} → {row['leaves_after']:,} | {row['build_ms']:.1f} | "
            f"{row['splice_ms']:.1f} | {row['saliency_ms']:.1f} | {row['op_bytes'] / 1e3:.0f} | "
            f"{row['pack_ms']:.1f} | {row['read_ms']:.1f} |"
            for row in document["refine"]
        ),
    ]
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--size", type=float, default=22.0, help="megapixels of the made scene")
    parser.add_argument("--image", type=Path, help=".npy file of shape (band, row, col) in place of it")
    parser.add_argument("--leaves", type=int, default=300_000, help="most leaves")
    parser.add_argument(
        "--hierarchy", type=Path, help="keep the hierarchy in this file, or take it from there"
    )
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--cache", type=Path, help="folder that keeps made scenes")
    parser.add_argument("--json", type=Path, help="write everything to this file")
    return parser


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
