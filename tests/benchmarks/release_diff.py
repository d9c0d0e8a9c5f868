"""Measure `workbench release diff`: seconds and memory, of releases of any size made in a minute.

    python tests/benchmarks/release_diff.py --patches 10000 --changed 10000
    python tests/benchmarks/release_diff.py --patches 250150 --changed 10000 --report

Two releases are made of an index each, in zones of 100 patches and domains of 3,335, and of files for the
patches that changed alone: hard links to a few hundred distinct labels, of fields as in made scenes. The
command runs in a process of its own; wall seconds, CPU seconds of all threads and the most memory are those
of the whole process. What it reports is held against what was made.
"""

from __future__ import annotations

import argparse
import json
import os
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
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from made_orthos import made_image, made_truth

from workbench.documents import digest_file, write_document
from workbench.export.card import release_card
from workbench.export.index import INDEX, PatchIndex, part_bytes, write_index
from workbench.export.layouts import parse_layouts
from workbench.export.manifest import Manifest
from workbench.export.patches import Patch, PatchFile, ZoneSource, codes_digest, cut_patches
from workbench.export.release import NOMENCLATURE
from workbench.geo.geotiff import encode_raster
from workbench.geo.grid import NATIONAL_GRID, PixelGrid
from workbench.geo.zone import Cell, Zone, ZoneRaster
from workbench.nomenclature import load_nomenclature

_ZONE_SIDE, _DOMAIN = 10, 3335
_CLASSES = load_nomenclature("flair-19")
_LAYOUTS = parse_layouts(["flair-hub", "flair1"])


def main(arguments: Sequence[str] | None = None) -> int:
    """Make two releases, compare them, print what it took."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="release-diff-", dir=options.work) as temporary:
        work, begin = Path(temporary), time.perf_counter()
        made = _Made(work, options.distinct)
        expected = made.releases(options.patches, options.changed)
        print(f"made in {time.perf_counter() - begin:.0f} s", flush=True)
        figures = [_measure(work, options.report) for _ in range(options.repeat)]
        found = json.loads((work / "diff.json").read_bytes())
        counts = found["patches"]["labels"], found["patches"]["both"], found["pixels"]["changed"]
        if counts != (options.changed, options.patches, expected):
            print(f"WRONG: {counts}, made were {options.changed}, {options.patches} and {expected}")
            return 1
        best = min(figures, key=lambda one: one["wall_s"])
        print(json.dumps({"patches": options.patches, "changed": options.changed, **best}, indent=1))
        if options.json is not None:
            options.json.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    return 0


def _measure(work: Path, report: bool) -> dict[str, float]:
    """Run the command in a process of its own; return seconds and MiB."""
    more = ["--report", work / "diff.html", "--overwrite"] if report else []
    command = [sys.executable, "-m", "workbench", "release", "diff", work / "A", work / "B", "--json", *more]
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    with (work / "diff.json").open("wb") as out:
        subprocess.run(command, stdout=out, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "wall_s": round(time.perf_counter() - begin, 1),
        "cpu_s": round(
            sum(getattr(after, name) - getattr(before, name) for name in ("ru_utime", "ru_stime")), 1
        ),
        "most_mib": round(after.ru_maxrss / 1024),
    }


class _Made:
    """Makes releases of few files."""

    def __init__(self, work: Path, distinct: int) -> None:
        self._work = work
        grid = PixelGrid(
            crs=NATIONAL_GRID.crs, transform=Affine(0.2, 0, 3.2, 0, -0.2, 20.8), height=512, width=512
        )
        colours, self._labels = (
            _CLASSES.colour_table("flair_hub"),
            dict[str, list[tuple[Path, dict[str, Any]]]](),
        )
        codes = [made_truth(512, 512, seed) for seed in range(distinct)]
        later = [_corrected(label, seed) for seed, label in enumerate(codes)]
        self._picture = work / "picture.tif"
        self._picture.write_bytes(encode_raster(made_image(codes[0]), grid, level=4, predictor=2))
        self._sha256 = {self._picture: digest_file(self._picture)}
        self._changed = [int((one != other).sum()) for one, other in zip(codes, later, strict=True)]
        for name, labels in (("A", codes), ("B", later)):
            folder = work / f"labels-{name}"
            folder.mkdir()
            self._labels[name] = []
            for number, label in enumerate(labels):
                path = folder / f"{number}.tif"
                path.write_bytes(encode_raster(_CLASSES.encode(label, "flair_hub"), grid, colours=colours))
                self._sha256[path] = digest_file(path)
                counts = np.bincount(label.ravel(), minlength=256)
                facts = {
                    "class_counts": {entry.key: int(counts[entry.code]) for entry in _CLASSES.classes},
                    "label_sha256": codes_digest(label),
                    "image_sha256": f"{number:064x}",
                }
                self._labels[name].append((path, facts))

    def releases(self, patches: int, changed: int) -> int:
        """Write two releases that differ in some patches; return the number of pixels."""
        every = max(1, patches // changed)
        for name in ("A", "B"):
            folder = self._work / name
            folder.mkdir()
            parts = []
            number, sources = 0, []
            for domain in _domains(patches):
                rows = []
                for source in domain:
                    sources.append(source)
                    for patch in cut_patches(source):
                        other = name == "B" and number % every == 0 and number // every < changed
                        rows.append(
                            self._written(folder, patch, number, "B" if other else "A", changed, every)
                        )
                        number += 1
                parts.append(folder / f"{len(parts):04}.part")
                parts[-1].write_bytes(part_bytes(rows))
            write_index(parts, folder / INDEX)
            for part in parts:
                part.unlink()
            self._describe(folder, sources)
        return sum(self._changed[i % len(self._changed)] for i in range(0, every * changed, every))

    def _written(
        self, folder: Path, patch: Patch, number: int, label: str, changed: int, every: int
    ) -> Patch:
        path, facts = self._labels[label][number % len(self._changed)]
        files = {
            layout.name: {
                one: PatchFile(
                    path=f"{layout.root}/{layout.path(patch, one)}",
                    sha256=self._sha256[self._picture if one == "image" else path],
                )
                for one in layout.modalities
            }
            for layout in _LAYOUTS
        }
        if number % every == 0 and number // every < changed:
            for held, content in (
                (files["flair-hub"]["label"], path),
                (files["flair1"]["image"], self._picture),
            ):
                target = folder / held.path
                target.parent.mkdir(parents=True, exist_ok=True)
                os.link(content, target)
        return replace(patch, **facts, files=files)

    def _describe(self, folder: Path, sources: Sequence[ZoneSource]) -> None:
        (folder / NOMENCLATURE).write_text(json.dumps(_CLASSES.document()), encoding="utf-8")
        index = PatchIndex(folder / INDEX, {one.name: one.modalities for one in _LAYOUTS})
        manifest = Manifest(index.files())
        manifest.put((name, digest_file(folder / name)) for name in (INDEX, NOMENCLATURE))
        card = release_card(
            name=folder.name,
            software="0.1.0",
            content_sha256=manifest.content_sha256,
            nomenclature=_CLASSES,
            lattice=NATIONAL_GRID,
            layouts=_LAYOUTS,
            sources=sources,
            patches=index,
        )
        write_document(
            card | {"warnings": [], "version": "0.1.0", "parent": None, "withdrawn": []},
            folder / "release.json",
            schema="release",
        )
        manifest.put([("release.json", digest_file(folder / "release.json"))])
        manifest.write(folder)


def _corrected(label: NDArray[np.uint8], seed: int) -> NDArray[np.uint8]:
    """Return a label in which somebody gave a rectangle another class."""
    rng = np.random.default_rng(seed)
    row, col = rng.integers(0, 400, 2)
    height, width = rng.integers(10, 100, 2)
    later = label.copy()
    later[row : row + height, col : col + width] = rng.choice([2, 4, 6, 8])
    return later


def _domains(patches: int) -> Iterator[list[ZoneSource]]:
    """Yield the zones of each domain, of so many patches in all."""
    for first in range(0, patches, _DOMAIN):
        number = first // _DOMAIN
        stop = min(patches, first + _DOMAIN)
        yield [
            _zone(number, place, min(_ZONE_SIDE**2, stop - begin), begin)
            for place, begin in enumerate(range(first, stop, _ZONE_SIDE**2))
        ]


def _zone(domain: int, place: int, count: int, first: int) -> ZoneSource:
    cells = tuple(Cell(row=at // _ZONE_SIDE, col=at % _ZONE_SIDE) for at in range(count))
    rows, cols = max(cell.row for cell in cells) + 1, max(cell.col for cell in cells) + 1
    left, top = 3.2 + 102.4 * (8000 + 20 * domain), 20.8 + 102.4 * (66000 - 20 * place)
    grid = PixelGrid(
        crs=NATIONAL_GRID.crs,
        transform=Affine(0.2, 0, left, 0, -0.2, top),
        height=512 * rows,
        width=512 * cols,
    )
    ortho = ZoneRaster(
        role="ortho", path=Path("made.tif"), bands=("R", "G", "B"), window=grid.whole, pixels_sha256="0" * 64
    )
    zone = Zone(
        domain=f"D{domain + 1:03}_2020",
        name=f"Z{place + 1}_UF",
        grid=grid,
        cells=cells,
        rasters=(ortho,),
        acquired=None,
        camera=None,
        theme="UF",
    )
    return ZoneSource(
        zone=zone,
        fold=domain % 5 + 1,
        numbers=tuple(range(first + 1, first + count + 1)),
        image=lambda window: np.zeros((3, *window.shape), np.uint8),
        labels=lambda: np.zeros(grid.shape, np.uint8),
        labels_sha256="0" * 64,
        state="accepted",
        heads={},
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--patches", type=int, default=10_000)
    parser.add_argument("--changed", type=int, default=10_000, help="of these, whose labels changed")
    parser.add_argument("--distinct", type=int, default=300, help="label files that differ")
    parser.add_argument("--repeat", type=int, default=1, help="runs, of which the quickest is told")
    parser.add_argument("--report", action="store_true", help="have the page with 50 pictures written, too")
    parser.add_argument("--work", type=Path, help="folder on a file system that takes hard links")
    parser.add_argument("--json", type=Path, help="file for the figures of every run")
    return parser


if __name__ == "__main__":
    sys.exit(main())
