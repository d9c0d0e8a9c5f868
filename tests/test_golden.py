"""What earlier versions wrote is read for ever, and means what it meant. See `tests/golden/make.py`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from workbench.campaign import Campaign
from workbench.documents import digest
from workbench.export import open_release, verify_release
from workbench.labels import zone_state
from workbench.labels.annotation import AnnotationStore
from workbench.nomenclature import load_nomenclature
from workbench.segmentation import read_hierarchy
from workbench.workflows.journals import verify_journals
from workbench.workflows.refining import refined_by
from workbench.workflows.unpacking import unpack_zone

GOLDEN = Path(__file__).resolve().parent / "golden"


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("campaign_v*")), ids=lambda path: path.name)
def test_a_campaign_of_an_earlier_version_opens_and_can_be_continued(path: Path, tmp_path: Path) -> None:
    campaign = Campaign.open(Path(shutil.copytree(path, tmp_path / "campaign")))
    meaning = json.loads((path / "meaning.json").read_text())
    assert campaign.nomenclature.name == "flair-19"
    (zone,) = campaign.zones()
    assert verify_journals(campaign, zone, author=None).sound
    assert campaign.read_image(zone).shape == (1, 512, 512)
    with campaign.open_store(zone, author="marie") as store:
        assert digest(store.labels.tobytes()) == meaning["labels_sha256"]
        assert digest(store.last_op.tobytes()) == meaning["last_op_sha256"]
        assert store.head == meaning["heads"]
        assert zone_state(store).state == meaning["state"]
        assert store.undo() is not None
        assert digest(store.labels.tobytes()) != meaning["labels_sha256"]
        store.redo()
        assert digest(store.labels.tobytes()) == meaning["labels_sha256"]


@pytest.mark.parametrize(
    ("path", "sides"),
    [
        ("campaign_v1", {"ortho": 512}),
        ("campaign_v1_rasters", {"ortho": 512, "dsm": 52, "other-date-2014-06-01": 205}),
    ],
)
def test_a_zone_of_an_earlier_version_looks_at_what_it_looked_at(
    path: str, sides: dict[str, int], tmp_path: Path
) -> None:
    campaign = Campaign.open(Path(shutil.copytree(GOLDEN / path, tmp_path / "campaign")))
    (zone,) = campaign.zones()
    found = {raster.key: campaign.read_raster(zone, raster, margin=0) for raster in zone.rasters}
    assert {key: one.grid.width for key, one in found.items()} == sides
    assert all((one.pixels == 7).all() for one in found.values())


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("hierarchy_v*")), ids=lambda path: path.name)
def test_a_hierarchy_of_an_earlier_version_opens_and_cuts_as_it_did(path: Path) -> None:
    found = read_hierarchy(path / "hierarchy.h5")
    meaning = json.loads((path / "meaning.json").read_text())
    assert (found.digest, found.leaf_count) == (meaning["digest"], meaning["leaves"])
    for scale, expected in meaning["cuts_sha256"].items():
        assert digest(found.cut(float(scale)).labels().tobytes()) == expected


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("refined_v*")), ids=lambda path: path.name)
def test_refinements_of_an_earlier_version_give_the_regions_that_they_gave(
    path: Path, tmp_path: Path
) -> None:
    meaning = json.loads((path / "meaning.json").read_text())
    base = read_hierarchy(path / "hierarchy.h5")
    shutil.copytree(path / "journal", tmp_path / "journal")
    with AnnotationStore.open(
        tmp_path / "journal",
        zone_id="D051_2019/Z1_AA",
        grid=base.grid,
        footprint=np.ones(base.grid.shape, np.bool_),
        nomenclature=load_nomenclature("flair-19"),
    ) as store:
        found, left_out = refined_by(base, store.refinements("marie"))
    assert left_out == ""
    assert (found.digest, len(found.refinements)) == (meaning["digest"], 3)
    assert digest(found.leaves.tobytes()) == meaning["leaves_sha256"]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("release_v*")), ids=lambda path: path.name)
def test_a_release_of_an_earlier_version_verifies_and_reads(path: Path) -> None:
    meaning = json.loads((path / "meaning.json").read_text())
    assert verify_release(path / path.name).sound
    release = open_release(path / path.name)
    release.prove()
    (patch,) = release.patches()
    assert patch.id == meaning["patch"]
    for layout in ("flair-hub", "flair1"):
        assert digest(release.labels(patch, layout=layout).tobytes()) == meaning["labels_sha256"]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("pack_v*")), ids=lambda path: path.name)
def test_a_pack_of_an_earlier_version_is_unpacked(path: Path, tmp_path: Path) -> None:
    meaning = json.loads((path / "meaning.json").read_text())
    campaign = Campaign.create(tmp_path / "campaign")
    assert unpack_zone(campaign, path / "zone.zip").added
    (zone,) = campaign.zones()
    assert campaign.read_image(zone).shape == (1, 512, 512)
    assert verify_journals(campaign, zone, author=None).sound
    with campaign.open_store(zone) as store:
        assert digest(store.labels.tobytes()) == meaning["labels_sha256"]
        assert store.head == meaning["heads"]
        assert zone_state(store).state == meaning["state"]


def test_there_is_a_golden_copy_of_each_format() -> None:
    assert {path.name for path in GOLDEN.iterdir() if path.is_dir()} >= {
        "campaign_v1",
        "campaign_v1_own_nomenclature",
        "campaign_v1_rasters",
        "hierarchy_v1",
        "hierarchy_v2",
        "hierarchy_v2_sealed",
        "pack_v1",
        "refined_v1",
        "release_v1",
    }
