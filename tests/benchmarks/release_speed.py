"""Measure how fast releases are built and verified, their memory, and that each flipped byte is named.

    python tests/benchmarks/release_speed.py --zones 1,4,16 --flips 1000 --work /tmp --json release.json

A made scene of 25 patches (R, G, B, NIR, elevation in 8 bits), or FLAIR patches turned and mirrored
(``--flair``), is cut as zone after zone, each at its own place, in the layout FLAIR#1: five bands, labels,
digests. *bare encoder* encodes the same patches with the same threads and nothing else: no reading, no
hashing, no files. Each row runs in a process of its own, which does the same for one zone before its clock
starts, so that no clock counts what is imported and compiled.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench.export import build_release, verify_release
from workbench.export.patches import ZoneSource, codes_digest, cut_patches
from workbench.geo.geotiff import encode_raster
from workbench.geo.grid import NATIONAL_GRID, PixelGrid, Window
from workbench.geo.raster import read_bands
from workbench.geo.zone import Cell, Zone, ZoneRaster
from workbench.nomenclature import load_nomenclature
from workbench.threads import in_threads
from workbench.workflows.demo import load_sample_maker

_SIDE = 5
_PIXELS = _SIDE * NATIONAL_GRID.pixels
_BANDS = ("R", "G", "B", "NIR", "E")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table, write the file."""
    options = _parser().parse_args(arguments)
    if options.one is not None:
        warm = argparse.Namespace(scene=options.scene, zones="1", out=Path(f"{options.out}-warm"))
        _MEASURED[options.one](warm)
        print(json.dumps(_MEASURED[options.one](options)))
        return 0
    document: dict[str, Any] = {"format": "ocs-workbench/release-speed", "format_version": 1, "rows": []}
    with tempfile.TemporaryDirectory(prefix="release-speed-", dir=options.work) as folder:
        scene = Path(folder, "scene.npz")
        _write_scene(scene, options.flair)
        for zones in map(int, options.zones.split(",")):
            out = Path(folder, f"{zones}")
            row = {"zones": zones, "patches": zones * _SIDE**2}
            row["bare"] = _apart("bare", zones, scene, out)
            row["build"] = _apart("build", zones, scene, out)
            row["verify"] = _apart("verify", zones, scene, out)
            document["rows"].append(row)
            print(_told(row), flush=True)
        document["flips"] = _flips(Path(folder, "flips"), scene, options.flips)
        print(f"{document['flips']['named']} of {options.flips} flipped bytes are named")
    if options.json:
        options.json.write_text(json.dumps(document, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zones", default="1,4,16", help="numbers of zones of 25 patches")
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--flair", type=Path, help="a folder of FLAIR#1 patches, instead of a made scene")
    parser.add_argument("--work", type=Path)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", choices=sorted(_MEASURED), help=argparse.SUPPRESS)
    parser.add_argument("--scene", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    return parser


def _write_scene(path: Path, flair: Path | None) -> None:
    if flair is None:
        scene = load_sample_maker().make_scene(seed=1, height=_PIXELS, theme="UA")
        np.savez(path, image=scene.image, labels=scene.classes)
        return
    patches = [_patch(image) for image in sorted(flair.glob("*/*/img/IMG_*.tif"))]
    shown = cycle(
        np.rot90(patch, turns, (1, 2))[:, :, ::step]
        for turns in range(4)
        for step in (1, -1)
        for patch in patches
    )
    rows = [np.concatenate([*islice(shown, _SIDE)], axis=2) for _ in range(_SIDE)]
    scene = np.concatenate(rows, axis=1)
    np.savez(path, image=scene[:-1], labels=scene[-1])


def _patch(image: Path) -> NDArray[np.uint8]:
    """Return the bands of a FLAIR patch, and its codes as one more."""
    mask = image.parents[1] / "msk" / image.name.replace("IMG", "MSK")
    codes = load_nomenclature("flair-19").decode(read_bands(mask), "flair")
    return np.concatenate([read_bands(image), codes])


def _sources(scene: Path, zones: int) -> Iterator[ZoneSource]:
    made = np.load(scene)
    image, labels = made["image"], made["labels"]
    cells = tuple(Cell(row=row, col=col) for row in range(_SIDE) for col in range(_SIDE))
    digest = codes_digest(labels)
    for number in range(zones):
        corner = Affine(0.2, 0.0, 3.2 + 102.4 * (7000 + 9 * number), 0.0, -0.2, 20.8 + 102.4 * 66000)
        grid = PixelGrid(crs="EPSG:2154", transform=corner, height=_PIXELS, width=_PIXELS)
        ortho = ZoneRaster(
            role="ortho", path=Path("made.tif"), bands=_BANDS, window=grid.whole, pixels_sha256="0" * 64
        )
        yield ZoneSource(
            zone=Zone(
                domain=f"D{number % 5 + 1:03d}_2019",
                name=f"Z{number}_UA",
                grid=grid,
                cells=cells,
                rasters=(ortho,),
                acquired=None,
                camera=None,
                theme="UA",
            ),
            fold=number % 5 + 1,
            numbers=tuple(range(number * 25 + 1, number * 25 + 26)),
            image=partial(_shown, image, number),
            labels=lambda: labels,
            labels_sha256=digest,
            state="accepted",
            heads={},
        )


def _shown(image: NDArray[np.uint8], zone: int, window: Window) -> NDArray[np.uint8]:
    """Return the pixels of a patch, in each zone rolled by another length: no two zones show the same."""
    return np.roll(image[:, *window.slices], (37 * zone, 61 * zone), axis=(1, 2))


def _bare(options: argparse.Namespace) -> dict[str, float]:
    nomenclature = load_nomenclature("flair-19")
    made = np.load(options.scene)
    image, values = made["image"], nomenclature.encode(made["labels"], "flair")
    patches = [
        patch for source in _sources(options.scene, int(options.zones)) for patch in cut_patches(source)
    ]

    def encode(patch: Any) -> int:
        window: Window = patch.window
        planes = image[:, *window.slices]
        whole = encode_raster(planes, patch.grid, level=4, predictor=2)
        return len(whole) + len(encode_raster(values[window.slices], patch.grid))

    begun = time.perf_counter()
    with in_threads() as threads:
        sum(threads(encode, patches))
    return {"seconds": time.perf_counter() - begun}


def _build(options: argparse.Namespace) -> dict[str, float]:
    sources = list(_sources(options.scene, int(options.zones)))
    held, begun = _resident(), time.perf_counter()
    with in_threads() as threads:
        build_release(
            sources,
            name="V0.1",
            out=options.out,
            nomenclature=load_nomenclature("flair-19"),
            software="0",
            layouts=["flair1"],
            map=threads,
        )
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "mib": _highest() - held}


def _verify(options: argparse.Namespace) -> dict[str, float]:
    files = [path for path in (options.out / "V0.1").rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    held, begun = _resident(), time.perf_counter()
    with in_threads() as threads:
        sound = verify_release(options.out / "V0.1", map=threads).sound
    seconds = time.perf_counter() - begun
    return {"seconds": seconds, "bytes": size, "sound": sound, "mib": _highest() - held}


def _flips(folder: Path, scene: Path, count: int) -> dict[str, int]:
    """Flip a byte of a release at a time, and look whether its file is named."""
    (source,) = _sources(scene, 1)
    one = replace(
        source, zone=replace(source.zone, cells=source.zone.cells[:1], grid=_first(source.zone.grid))
    )
    one = replace(one, numbers=(1,), labels=lambda: source.labels()[:512, :512])
    one = replace(one, labels_sha256=codes_digest(one.labels()))
    build_release([one], name="V0.1", out=folder, nomenclature=load_nomenclature("flair-19"), software="0")
    files = sorted(path for path in (folder / "V0.1").rglob("*") if path.is_file() and path.stat().st_size)
    rng, named = random.Random(0), 0
    for _ in range(count):
        path = rng.choice(files)
        content = path.read_bytes()
        place = rng.randrange(len(content))
        changed = bytearray(content)
        changed[place] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        problems = verify_release(folder / "V0.1").problems
        name = path.relative_to(folder / "V0.1").as_posix()
        # A flipped letter of a path in the list of digests is told as the file that is not in it.
        named += any(name in (one.loc[0], "SHA256SUMS") for one in problems)
        path.write_bytes(content)
    shutil.rmtree(folder)
    return {"flips": count, "named": named}


def _first(grid: PixelGrid) -> PixelGrid:
    return grid.crop(Window(row=0, col=0, height=512, width=512))


def _resident() -> float:
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def _highest() -> float:
    """Return the most memory that this process had; what `resource` says has its parent's, too."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _apart(what: str, zones: int, scene: Path, out: Path) -> dict[str, float]:
    command = [sys.executable, __file__, "--one", what, "--zones", str(zones)]
    command += ["--scene", str(scene), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _told(row: dict[str, Any]) -> str:
    patches, bare, build, verify = (row[name] for name in ("patches", "bare", "build", "verify"))
    return (
        f"{patches} patches: bare encoder {patches / bare['seconds']:.1f} patches/s, build "
        f"{patches / build['seconds']:.1f} ({bare['seconds'] / build['seconds']:.0%}), {build['mib']:.0f} "
        f"MiB; verify {verify['bytes'] / verify['seconds'] / 1e6:.0f} MB/s, {verify['mib']:.0f} MiB"
    )


_MEASURED = {"bare": _bare, "build": _build, "verify": _verify}

if __name__ == "__main__":
    sys.exit(main())
