"""The label store under kills, power cuts and many edits: what is lost, what it costs.

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
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from pictures import made_scene

LABELS = Path(__file__).resolve().parent.parent / "labels"
sys.path.insert(0, str(LABELS))

from label_cases import FLAIR, open_store  # noqa: E402
from store_faults import fault_rows  # noqa: E402
from test_conflicts import WRITER, mask_of, slow_conflicts  # noqa: E402

from workbench.geo.grid import PixelGrid  # noqa: E402
from workbench.labels import AnnotationStore, Provenance  # noqa: E402
from workbench.labels.edits import assign_spans  # noqa: E402
from workbench.segmentation import Hierarchy, segment  # noqa: E402

ZONE = "D001_2020/Z1_UU"


def main() -> int:
    """Run what is asked for and print tables."""
    options = _parser().parse_args()
    document: dict[str, Any] = {"cpus": os.cpu_count(), "load": os.getloadavg()}
    with tempfile.TemporaryDirectory(prefix="store-", dir=options.work) as temporary:
        work = Path(temporary)
        if options.faults:
            rows = fault_rows(work, kills=options.kills, power_cuts=options.power_cuts, say=_print_row)
            document["faults"] = list(rows)
        if options.together:
            document["together"] = [together(work / "together", options.together)]
            _print_table(document["together"])
        if options.edits:
            document["edits"] = many_edits(
                work / "edits", options.edits, options.megapixels, options.cache or work
            )
            _print_table([{"what": name, "figure": value} for name, value in document["edits"].items()])
    if options.json:
        options.json.write_text(json.dumps(document, indent=1), encoding="utf-8")
    return 0


def together(directory: Path, count: int) -> dict[str, Any]:
    """Let two processes label one zone at a time; compare with what the definition says of it."""
    directory.mkdir()
    command = [sys.executable, "-c", WRITER, str(LABELS), str(directory)]
    pairs = (("jean", "marie"), ("marie", "jean"))
    writers = [
        subprocess.Popen([*command, *authors, str(count // 2)], stdout=subprocess.PIPE, text=True)
        for authors in pairs
    ]
    said = {name for writer in writers for name in writer.communicate()[0].split()}
    with open_store(directory) as store:
        ops = store.ops
        listed, expected = mask_of(store), slow_conflicts(ops)
    return {
        "edits of two processes": len(ops),
        "acknowledged": len(said),
        "lost": len(said - {op.id for op in ops}),
        "pixels in conflict": int(expected.sum()),
        "not listed": int((expected & ~listed).sum()),
        "listed and none": int((listed & ~expected).sum()),
    }


def many_edits(home: Path, count: int, megapixels: int, cache: Path) -> dict[str, float]:
    """Label a zone with many picks, on this disk; then open it again, and undo."""
    image = np.load(made_scene(megapixels, cache, say=lambda text: print(text, file=sys.stderr)).image)
    transform = Affine(0.2, 0.0, 650000.0, 0.0, -0.2, 6860000.0)
    height, width = image.shape[1:]
    grid = PixelGrid(crs="EPSG:2154", transform=transform, height=height, width=width)
    hierarchy = segment(image, grid=grid)
    figures: dict[str, float] = {}

    def opened(author: str | None = None, *, snapshots: bool) -> AnnotationStore:
        return AnnotationStore.open(
            home / "journal",
            zone_id=ZONE,
            grid=grid,
            footprint=np.ones(grid.shape, np.bool_),
            nomenclature=FLAIR,
            author=author,
            snapshots=home / "snapshots" if snapshots else None,
        )

    with opened("marie", snapshots=False) as store:
        times = [_timed(store.apply, edit) for edit in _picks(hierarchy, count)]
        figures |= _percentiles("acknowledge, ms", times)
        figures["bytes an edit, median"] = float(
            np.median([len(row.payload) for row in store._table.rows("marie")])
        )
        live = store.labels.tobytes()
    start = time.perf_counter()
    with opened("marie", snapshots=True) as store:
        figures["open by replay, s"] = time.perf_counter() - start
        assert store.labels.tobytes() == live
        start = time.perf_counter()
        store.snapshot()
        figures["write a snapshot, s"] = time.perf_counter() - start
    start = time.perf_counter()
    with opened("marie", snapshots=True) as store:
        figures["open from a snapshot, s"] = time.perf_counter() - start
        assert store.labels.tobytes() == live
        for step in ("undo", "redo", "undo", "redo"):
            times, cpu = [], []
            for _ in range(1000):
                used = time.process_time()
                times.append(_timed(getattr(store, step)))
                cpu.append((time.process_time() - used) * 1e3)
            again = " again" if f"{step}, ms, p50" in figures else ""
            figures |= _percentiles(f"{step}{again}, ms", times)
            figures |= _percentiles(f"{step}{again}, CPU ms", cpu)
        assert store.labels.tobytes() == live
    figures["journal, MB"] = (home / "journal" / "marie.sqlite").stat().st_size / 1e6
    figures["snapshot, MB"] = max(path.stat().st_size for path in (home / "snapshots").iterdir()) / 1e6
    return {name: round(value, 3) for name, value in figures.items()}


def _picks(hierarchy: Hierarchy, count: int) -> Any:
    """Yield picks as a person makes them: larger regions first, finer ones inside later."""
    rng = np.random.default_rng(0)
    sizes = (3_000, 10_000, 30_000, 100_000)
    scales = [hierarchy.cut_count(size).scale for size in sizes]
    height, width = hierarchy.grid.shape
    for number in range(count):
        level = min(3, int(4 * number / count) + int(rng.random() < 0.2))
        row, col = int(rng.integers(0, height)), int(rng.integers(0, width))
        spans = hierarchy.spans(hierarchy.node_at(row, col, scales[level]))
        made = Provenance(
            tool="pick", row=row, col=col, scale=float(scales[level]), hierarchy_digest=hierarchy.digest
        )
        yield assign_spans(spans, code=int(rng.integers(1, 20)), provenance=made)


def _timed(step: Callable[..., object], *arguments: object) -> float:
    start = time.perf_counter()
    step(*arguments)
    return (time.perf_counter() - start) * 1e3


def _percentiles(name: str, times: list[float]) -> dict[str, float]:
    found = np.percentile(times, (50, 95, 99, 100))
    return {
        f"{name}, {mark}": float(value)
        for mark, value in zip(("p50", "p95", "p99", "max"), found, strict=True)
    }


def count_seed(home: Path) -> int:
    """Return a seed that differs from store to store and is the same on each run."""
    return sum(home.name.encode())


def _print_row(row: dict[str, Any]) -> None:
    """Print a row of the faults as soon as it is done: all of them take minutes."""
    print(
        "| " + " | ".join(f"{value:,}" if isinstance(value, int) else value for value in row.values()) + " |"
    )
    sys.stdout.flush()


def _print_table(rows: list[dict[str, Any]]) -> None:
    print()
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for row in rows:
        print(
            "| "
            + " | ".join(f"{value:,}" if isinstance(value, int) else str(value) for value in row.values())
            + " |"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", action=argparse.BooleanOptionalAction, default=True)
    parser.add_argument("--kills", type=int, default=1000, help="kills of a writing process; 0 for none")
    parser.add_argument(
        "--power-cuts", action=argparse.BooleanOptionalAction, default=True, help="needs strace"
    )
    parser.add_argument("--together", type=int, default=10_000, help="edits by two at a time; 0 for none")
    parser.add_argument("--edits", type=int, default=50_000, help="edits of a zone; 0 for none")
    parser.add_argument("--megapixels", type=int, default=22, help="size of that zone")
    parser.add_argument("--work", type=Path, help="folder on the disk to try; a temporary one by default")
    parser.add_argument("--cache", type=Path, help="folder to keep made pictures in")
    parser.add_argument("--json", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
