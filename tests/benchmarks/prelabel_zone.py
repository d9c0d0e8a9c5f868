"""What it takes to pre-label a whole zone: CPU seconds and memory of explaining and of writing.

    python tests/benchmarks/prelabel_zone.py --side 4608 --work /tmp/zone

The zone is a mirrored mosaic of a made scene; its prediction, of simulated noise, is made of three by turns.
`--work` keeps the segmented zone. Seconds are of the process's CPU, kernels compiled before.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from affine import Affine
from noisy_predictions import simulated

from workbench.campaign import Campaign
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import PixelGrid
from workbench.nomenclature import load_nomenclature
from workbench.segmentation.explaining import PRICE, explain, gather_mass
from workbench.workflows.intake import add_zone
from workbench.workflows.predictions import prediction_path, prediction_tags, read_prediction
from workbench.workflows.prelabelling import prelabel_zone
from workbench.workflows.segmenting import segment_zones

_SCENE = 1024


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print a line for each step."""
    options = _parser().parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="prelabel-zone-") as temporary:
        kept = (options.work or Path(temporary)) / f"zone-{options.side}"
        if not kept.exists():
            make(kept, options.side)
        shutil.copytree(kept / "campaign", Path(temporary) / "copy")
        measure(Campaign.open(Path(temporary) / "copy"))
    return 0


def measure(campaign: Campaign) -> None:
    """Print what each step takes, and all of it twice."""
    zone = campaign.only_zone()
    explain(np.array([np.inf, 1], np.float32), np.ones((2, 2), np.int64), price=1.0)
    gather_mass(np.zeros((1, 1), np.uint32), *np.ones((2, 1, 1), np.uint8), leaf_count=1)
    with _Step("hierarchy read and proven to be of these pixels"):
        hierarchy = campaign.read_hierarchy(zone)
    with _Step("prediction read"):
        said = read_prediction(prediction_path(campaign, zone), zone.grid)
    with _Step(f"masses of {hierarchy.leaf_count:,} leaves gathered"):
        _, mass = gather_mass(hierarchy.leaves, said.codes, said.probability, leaf_count=hierarchy.leaf_count)
    with _Step(f"explained by {mass.shape[1]} classes"):
        explain(hierarchy.s, mass, price=PRICE)
    del hierarchy, said, mass
    for price in (PRICE, PRICE, PRICE / 2):
        with _Step(f"prelabel_zone at {price:g} pixels a region") as step:
            done = prelabel_zone(campaign, zone, price=price)
            step.told = f"{done.regions:,} regions, {done.written:,} written"


def make(folder: Path, side: int) -> None:
    """Make a campaign of one zone, segmented and predicted."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from sample_data import make_scene

    scene = make_scene(seed=1, height=min(_SCENE, side), theme="AU")
    truth = load_nomenclature("flair-19").decode(scene.classes, "flair")
    around = ((0, side - len(truth)),) * 2
    said = [simulated(truth, 0.75, seed) for seed in range(3)]
    planes = np.zeros((3, side, side), np.uint8)
    for number, at in enumerate(np.ndindex(*2 * [-(-side // _SCENE)])):
        part = np.s_[:, at[0] * _SCENE : (at[0] + 1) * _SCENE, at[1] * _SCENE : (at[1] + 1) * _SCENE]
        one = said[number % 3]
        tile = np.stack([one.codes, one.probability, 255 - one.probability])
        tile = tile[:, :: 1 - 2 * (at[0] % 2), :: 1 - 2 * (at[1] % 2)]  # as the mosaic is mirrored
        planes[part] = tile[:, : planes[part].shape[1], : planes[part].shape[2]]
    transform = Affine(0.2, 0, 831_081.6, 0, -0.2, 6_829_179.2)
    grid = PixelGrid(crs="EPSG:2154", transform=transform, height=side, width=side)
    folder.mkdir(parents=True)
    image = np.pad(scene.image, ((0, 0), *around), mode="symmetric")
    write_raster(folder / "ortho.tif", image, grid, level=1)
    campaign = Campaign.create(folder / "campaign")
    add_zone(campaign, folder / "ortho.tif", domain="D051_2019", name="Z1_AU")
    zone = campaign.only_zone()
    list(segment_zones(campaign, zone.id, say=lambda _: None))
    tags = prediction_tags(model="noise", digest="0" * 64, nomenclature="flair-19")
    write_raster(prediction_path(campaign, zone), planes, grid, tags=tags, level=1)


class _Step:
    """Measures what is done inside and prints it."""

    def __init__(self, told: str) -> None:
        self.told = told

    def __enter__(self) -> _Step:
        self._begun = time.process_time()
        return self

    def __exit__(self, *_: object) -> None:
        spent = time.process_time() - self._begun
        print(f"{spent:6.2f} CPU s, {_peak():5.0f} MiB at most so far: {self.told}", flush=True)


def _peak() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--side", type=int, default=4608, help="pixels a side, a multiple of 512")
    parser.add_argument("--work", type=Path, help="folder that keeps the zone")
    return parser


if __name__ == "__main__":
    sys.exit(main())
