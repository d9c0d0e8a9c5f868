"""A release read by TorchGeo's own FLAIR-HUB dataset."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_zones import MadeZone, build

from workbench.nomenclature import load_nomenclature


# Its dependencies warn on import, which is not ours to mend.
@pytest.mark.filterwarnings("ignore")
def test_torchgeo_reads_every_patch_with_its_own_labels(zones: list[MadeZone], tmp_path: Path) -> None:
    pytest.importorskip(
        "torchgeo", minversion="0.10", reason="torchgeo >= 0.10 (Python >= 3.12) is not installed"
    )
    from torchgeo.datasets import FLAIRHUBToy

    release = build(zones, tmp_path, layouts=("flair-hub=FLAIR-HUB_TOY",))
    patches = {patch.id: patch for patch in release.patches()}
    by_zone = {zone.source.zone.id: zone for zone in zones}
    flair, read = load_nomenclature("flair-19"), set()
    for split, subset in (("train", "train"), ("val", "valid"), ("test", "test")):
        dataset = FLAIRHUBToy(root=release.path, split=split, bands=["AERIAL_RGBI"])
        assert len(dataset) == sum(patch.splits["split_1"] == subset for patch in patches.values())
        for index in range(len(dataset)):
            patch = patches[dataset.files[index]["patch_id"]]
            sample, zone = dataset[index], by_zone[patch.zone]
            assert sample["mask"].shape == (512, 512)
            np.testing.assert_array_equal(
                sample["mask"].numpy(), flair.encode(zone.labels[patch.window.slices], "flair_hub")
            )
            np.testing.assert_array_equal(
                sample["image_aerial_rgbi"].numpy(), zone.image[:4, *patch.window.slices]
            )
            read.add(patch.id)
    assert read == set(patches)
