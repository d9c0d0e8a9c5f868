"""Planted errors: does `agreement` name them, and under the right kind?

In the left half of a scene regions of one class are given another, and the right half is shifted. See
README.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pictures import Picture, flair_patches, made_scene
from scipy import ndimage

from workbench.assessment.agreement import measure_agreement
from workbench.nomenclature import load_nomenclature

SMALLEST = 150
"""Pixels of a region that is swapped, 6 m²: in smaller ones every pixel lies beside a border."""
MARGIN = 10
"""Columns between the halves that no planted region reaches."""


class Planted(NamedTuple):
    """A second labelling with errors that are known."""

    labels: NDArray[np.uint8]
    swapped: NDArray[np.bool_]
    """Shape (row, col). Pixels of the regions that were given another class."""
    moved: NDArray[np.bool_]
    """Shape (row, col). Pixels that have another class because of the shift."""
    regions: int
    classes: tuple[int, int]
    """The class that was swapped, and what for."""


def planted(classes: NDArray[np.uint8], objects: NDArray[np.int32], *, most: int, shift: int) -> Planted:
    """Give up to so many regions of a class, that with most of them, another one; shift what lies right."""
    middle = classes.shape[1] // 2
    found = ndimage.find_objects(objects)
    sizes = np.bincount(objects.reshape(-1))
    codes = np.zeros(sizes.size, np.uint8)
    codes[objects] = classes
    whole = [
        number
        for number, box in enumerate(found, start=1)
        if box is not None and box[1].stop <= middle - MARGIN and sizes[number] >= SMALLEST
    ]
    if not whole:
        raise SystemExit("no region of the left half is large enough")
    counts = np.bincount(codes[whole])
    taken = int(counts.argmax())
    pixels = np.bincount(classes.reshape(-1))
    pixels[taken] = 0
    given = int(pixels.argmax())
    chosen = np.random.default_rng(0).permutation([number for number in whole if codes[number] == taken])
    swapped = np.isin(objects, chosen[:most])
    labels = classes.copy()
    labels[swapped] = given
    labels[shift:, middle:] = classes[:-shift, middle:]
    moved = (labels != classes) & ~swapped
    count = min(most, chosen.size)
    return Planted(labels=labels, swapped=swapped, moved=moved, regions=count, classes=(taken, given))


def row(picture: Picture, *, most: int, shift: int) -> dict[str, Any]:
    """Plant errors in a scene and compare."""
    classes = np.load(picture.classes).astype(np.uint8)
    objects = np.load(picture.objects).astype(np.int32) if picture.objects else parts_of(classes)
    made = planted(classes, objects, most=most, shift=shift)
    start = time.perf_counter()
    found = measure_agreement(
        classes, made.labels, np.ones(classes.shape, np.bool_), rng=np.random.default_rng(0), moved=5
    )
    seconds = time.perf_counter() - start
    keys = [load_nomenclature("flair-19").by_code(code).key for code in made.classes]
    pair = tuple(sorted(made.classes))
    rank = next((at for at, one in enumerate(found.pairs, start=1) if one.classes == pair), 0)
    named = found.pairs[rank - 1] if rank else None
    others = sum(one.label for one in found.pairs if one.classes != pair)
    return {
        "scene": picture.name,
        "regions": made.regions,
        "swapped": f"{keys[0]} → {keys[1]}",
        "rank": rank,
        "swapped px": int(made.swapped.sum()),
        "as class": named.label if named else 0,
        "shifted px": int(made.moved.sum()),
        "as borders": sum(one.boundary for one in found.pairs),
        "class elsewhere": others,
        "kappa": round(found.kappa.value, 4),
        "borders 1/3/5 px": " / ".join(f"{one.value:.3f}" for one in found.borders.values()),
        "s": round(seconds, 1),
    }


def parts_of(classes: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Return the connected parts of each class, numbered from 1."""
    parts, count = np.zeros(classes.shape, np.int32), 0
    for code in np.unique(classes):
        found, more = ndimage.label(classes == code)
        parts[found > 0] = found[found > 0] + count
        count += more
    return parts


def main() -> int:
    """Plant errors in each scene, and print a row for it."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="planted-") as temporary:
        cache = options.cache or Path(temporary)
        pictures = [made_scene(options.megapixels, cache, say=print)] if options.megapixels else []
        pictures += flair_patches(options.flair, cache) if options.flair else []
        rows = [row(picture, most=options.regions, shift=options.shift) for picture in pictures]
    print("| " + " | ".join(rows[0]) + " |")
    print("|" + "---|" * len(rows[0]))
    for found in rows:
        cells = (f"{value:,}" if isinstance(value, int) else str(value) for value in found.values())
        print("| " + " | ".join(cells) + " |")
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megapixels", type=float, default=22, help="size of the made scene; 0 for none")
    parser.add_argument("--regions", type=int, default=200, help="that are given another class, at most")
    parser.add_argument("--shift", type=int, default=3, help="pixels by which the right half is shifted")
    parser.add_argument("--flair", type=Path, help="folder of real patches with their masks")
    parser.add_argument("--cache", type=Path, help="folder to keep made scenes in")
    parser.add_argument("--json", type=Path)
    return parser


if __name__ == "__main__":
    sys.exit(main())
