"""What the checks before a zone is handed in find: false alarms on true labels, planted errors found.

``python tests/benchmarks/closing_checks.py [--scenes 12] [--flair DIR] [--json]``; DIR holds FLAIR patches as
FLAIR#1 lays them out (``domain/zone/img/IMG_*.tif``, ``msk/MSK_*.tif``). Without it, synthetic scenes alone.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from skimage.measure import label

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from sample_data import make_scene
from workbench.assessment.closing import check_closing
from workbench.assessment.findings import KINDS, Finding, Kind
from workbench.assessment.seams import SEAM_DEPTH, Seam
from workbench.geo.grid import Window
from workbench.geo.raster import read_bands
from workbench.nomenclature import load_nomenclature

FLAIR = load_nomenclature("flair-19")
THEMES = ("UU", "UA", "HU", "HN", "AU", "UH", "NH", "FU", "AH", "UF", "NA", "UN")
BANDS = ("R", "G", "B", "NIR", "E")
# What is planted: objects of a class get another one. Only the second column says what must be found.
PLANTED: dict[str, tuple[str, str, Kind, int]] = {
    "roof as water": ("building", "water", "tall-water", 200),
    "tree as water": ("deciduous", "water", "tall-water", 400),
    "lawn as impervious": ("herbaceous_vegetation", "impervious_surface", "green-impervious", 400),
    "street as building": ("impervious_surface", "building", "flat-building", 900),
    "yard as building": ("pervious_surface", "building", "flat-building", 900),
}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Picture:
    """An image with its true labels."""

    name: str
    image: NDArray[np.uint8]
    codes: NDArray[np.uint8]
    objects: NDArray[np.integer]


def scenes(count: int) -> Iterator[Picture]:
    for seed, theme in enumerate(THEMES[:count], start=1):
        made = make_scene(seed=seed, height=1024, theme=theme)
        yield Picture(name=f"{seed}{theme}", image=made.image, codes=made.classes, objects=made.objects)


def patches(folder: Path) -> Iterator[Picture]:
    for path in sorted(folder.glob("*/*/img/IMG_*.tif")):
        mask = path.parents[1] / "msk" / path.name.replace("IMG", "MSK")
        codes = read_bands(mask)[0]
        yield Picture(
            name=path.stem, image=read_bands(path), codes=codes, objects=label(codes, connectivity=1)
        )


def check(picture: Picture, codes: NDArray[np.uint8], seams: tuple[Seam, ...] = ()) -> tuple[Finding, ...]:
    bands = dict(zip(BANDS, picture.image, strict=True))
    return check_closing(codes, np.ones(codes.shape, np.bool_), bands, FLAIR, seams=seams).found


def meets(finding: Finding, mask: NDArray[np.bool_]) -> bool:
    return bool((finding.mask.decode() & mask[finding.window.slices]).any())


def planted(picture: Picture, error: str, rng: np.random.Generator) -> Counter[str]:
    """Relabel up to ten objects of a class at once; count what was planted, found and found elsewhere."""
    old, new, kind, least = PLANTED[error]
    of_class = picture.objects[picture.codes == FLAIR.by_key(old).code]
    ids, sizes = np.unique(of_class, return_counts=True)
    ids = rng.permutation(ids[sizes >= least])[:10]
    if not ids.size:
        return Counter()
    wrong = np.isin(picture.objects, ids)
    codes = np.where(wrong, np.uint8(FLAIR.by_key(new).code), picture.codes)
    found = [finding for finding in check(picture, codes) if finding.kind == kind]
    hits = sum(any(meets(finding, picture.objects == one) for finding in found) for one in ids)
    return Counter(
        planted=len(ids), found=int(hits), findings=len(found), right=sum(meets(f, wrong) for f in found)
    )


def slivers(picture: Picture, rng: np.random.Generator, *, width: int) -> Counter[str]:
    """Plant strips of some width and 25 to 60 pixels along borders of classes."""
    codes = picture.codes.copy()
    strips = []
    rows, cols = np.nonzero(picture.codes[100:-100, 100:-100] != picture.codes[100:-100, 101:-99])
    for at in rng.permutation(rows.size)[:200]:
        row, col, length = int(rows[at]) + 100, int(cols[at]) + 100, int(rng.integers(25, 60))
        near = picture.codes[row : row + length, col - 12 : col + 14]
        others = [code for code in FLAIR.codes if code not in near]
        edge = np.array(
            [
                np.flatnonzero(line[:-1] != line[1:])[0] if (line[:-1] != line[1:]).any() else -1
                for line in near
            ]
        )
        if (edge < 0).any() or np.abs(np.diff(edge)).max(initial=0) > 2 or len(strips) == 10:
            continue  # the border leaves the window, or jumps
        mask = np.zeros(codes.shape, np.bool_)
        for down, first in enumerate(edge):
            start = col - 12 + int(first) + 1
            mask[row + down, start : start + width] = True
        if any((mask & strip).any() for strip in strips):
            continue
        strips.append(mask)
        codes[mask] = rng.choice(others)
    before = sum(finding.kind == "sliver" for finding in check(picture, picture.codes))
    found = [finding for finding in check(picture, codes) if finding.kind == "sliver"]
    whole = np.logical_or.reduce(strips) if strips else np.zeros(codes.shape, np.bool_)
    return Counter(
        planted=len(strips),
        found=sum(any(meets(finding, strip) for finding in found) for strip in strips),
        findings=len(found) - before,
        right=sum(meets(finding, whole) for finding in found),
    )


def seam(picture: Picture, at: int, *, shift: int) -> tuple[Seam, NDArray[np.bool_]]:
    """Cut a picture at a column into two zones, the second's labels shifted along the border."""
    length = picture.codes.shape[0]
    own, other = picture.codes[:, at - 1], np.roll(picture.codes[:, at], shift)
    across = np.swapaxes(picture.image[:4, :, at - SEAM_DEPTH : at + SEAM_DEPTH], 1, 2)
    line = Window(row=0, col=at - 1, height=length, width=1)
    same = picture.codes[:, at - 1] == picture.codes[:, at]
    same[:shift] = False  # rolled around
    made = Seam(neighbour="D001_2020/Z1_AA", line=line, codes=np.stack((own, other)), image=across)
    return made, same & (own != other)


def seams(picture: Picture, *, shift: int) -> Counter[str]:
    """Count the runs of at least 10 pixels that a shift makes wrong, and what is found of them."""
    count: Counter[str] = Counter()
    for at in range(64, picture.codes.shape[1] - 32, 64):
        made, wrong = seam(picture, at, shift=shift)
        edges = np.flatnonzero(np.diff(np.concatenate(([False], wrong, [False])).astype(np.int8)))
        runs = [(int(start), int(stop)) for start, stop in edges.reshape(-1, 2) if stop - start >= 10]
        found = [
            finding for finding in check(picture, picture.codes, (made,)) if finding.kind == "border-break"
        ]
        spans = [(finding.window.row, finding.window.row_stop) for finding in found]
        count["planted"] += len(runs)
        count["found"] += sum(any(a < stop and start < b for a, b in spans) for start, stop in runs)
        count["findings"] += len(found)
        count["right"] += sum(bool(wrong[a:b].any()) for a, b in spans)
        count["border_px"] += picture.codes.shape[0]
    return count


def measure(pictures: list[Picture]) -> dict[str, dict[str, int]]:
    rng = np.random.default_rng(7)
    table: dict[str, Counter[str]] = defaultdict(Counter)
    for picture in pictures:
        kinds = Counter(finding.kind for finding in check(picture, picture.codes))
        table["true labels"] += Counter({kind: kinds[kind] for kind in KINDS}) + Counter(
            pixels=picture.codes.size
        )
        for error in PLANTED:
            table[error] += planted(picture, error, rng)
        for width in (1, 2):
            table[f"slivers of {width} px"] += slivers(picture, rng, width=width)
        for shift in (0, 10, 15, 30):
            table[f"neighbour shifted by {shift} px"] += seams(picture, shift=shift)
    return {name: dict(count) for name, count in table.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=len(THEMES))
    parser.add_argument("--flair", type=Path)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    start = time.perf_counter()
    groups = {"synthetic": list(scenes(options.scenes))}
    if options.flair:
        groups["IGN"] = list(patches(options.flair))
    found = {name: measure(pictures) for name, pictures in groups.items()}
    if options.json:
        print(json.dumps(found))
        return
    for name, table in found.items():
        print(f"\n{name}, {len(groups[name])} pictures")
        for row, count in table.items():
            if row == "true labels":
                print(f"  {row:28}", {key: value for key, value in count.items() if value})
                continue
            recall = count.get("found", 0) / max(count.get("planted", 0), 1)
            precision = count.get("right", 0) / max(count.get("findings", 0), 1)
            print(
                f"  {row:28} planted {count.get('planted', 0):5}  found {recall:6.1%}  "
                f"findings {count.get('findings', 0):5}  right {precision:6.1%}"
            )
    print(f"\n{time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
