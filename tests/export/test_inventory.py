"""What is in a release, held against its patches one by one and against figures made by hand."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_zones import MadeZone, build, make_zone, make_zones

from workbench.documents import validate
from workbench.errors import ReleaseError
from workbench.export.figures import measure_release
from workbench.export.folds import FOLDS, PROD, SPLITS
from workbench.export.index import INDEX
from workbench.export.inventory import class_distance, take_inventory
from workbench.export.release import Release, open_release

GOLDEN = Path(__file__).parent.parent / "golden" / "release_v1" / "release_v1"


def plain(zone: MadeZone, code: int, *, unlabelled: int = 0) -> MadeZone:
    """Return a zone whose pixels have one class, but for the first rows."""
    labels = np.full(zone.labels.shape, code, np.uint8)
    labels[:unlabelled] = 0
    return replace(zone, source=replace(zone.source, labels=lambda: labels.copy()), labels=labels)


def test_sums_are_those_of_the_patches_one_by_one(release: Release) -> None:
    inventory, patches = take_inventory(release), list(release.patches())
    assert inventory.whole.patches == len(patches)
    for fold in FOLDS:
        own = [patch for patch in patches if patch.fold == fold]
        counts = sum((Counter(patch.class_counts) for patch in own), Counter())
        part = inventory.folds[fold]
        assert dict(zip(inventory.keys, part.pixels.tolist(), strict=True)) == {
            key: counts[key] for key in inventory.keys
        }
        assert part.unlabelled == sum(patch.unlabelled for patch in own)
        assert (part.patches, part.zones) == (len(own), len({patch.zone for patch in own}))
        assert part.area == pytest.approx(sum(patch.area for patch in own) / 1e6, abs=1e-6)
    for split in (*SPLITS, PROD):
        for name, part in inventory.sets[split].items():
            assert part.patches == sum(patch.splits[split] == name for patch in patches)


def test_parts_add_up_to_the_whole(release: Release) -> None:
    inventory = take_inventory(release)
    for parts in (inventory.folds, inventory.domains, *inventory.sets.values()):
        assert (sum(part.pixels for part in parts.values()) == inventory.whole.pixels).all()
        assert sum(part.zones for part in parts.values()) == inventory.whole.zones


def test_the_card_says_the_same(release: Release) -> None:
    told = take_inventory(release).document()["total"]
    assert {name: told[name] for name in release.card["counts"]} == release.card["counts"]
    assert told["class_pixels"] == release.card["class_pixels"]
    assert told["unlabelled_pixels"] == release.card["unlabelled_pixels"]


def test_shares_are_of_labelled_pixels_and_two_classes_apart_are_1_unlike(tmp_path: Path) -> None:
    water = plain(make_zone("D001_2020", "Z1", fold=1), 5, unlabelled=256)
    snow = plain(make_zone("D002_2020", "Z1", fold=2, east=9, first_number=9), 14)
    told = take_inventory(build([water, snow], tmp_path)).document()
    first = told["domains"]["D001_2020"]
    assert (first["pixels"], first["unlabelled_pixels"]) == (512 * 512, 256 * 512)
    assert {key: share for key, share in first["class_shares"].items() if share} == {"water": 1.0}
    assert told["total"]["class_shares"]["snow"] == round(2 / 3, 9)
    # Of 1/3 and 2/3, the snow's whole: m = (1/6, 5/6), JS² = ½ Σ p log₂(p / m) + ½ Σ q log₂(q / m).
    whole, own, middle = np.array([1, 2]) / 3, np.array([0, 1]), np.array([1, 5]) / 6
    squared = (np.sum(whole * np.log2(whole / middle)) + np.log2(own[1] / middle[1])) / 2
    assert told["folds"]["2"]["distance"] == round(float(np.sqrt(squared)), 6)
    assert told["folds"]["3"]["distance"] is None
    assert class_distance(np.array([4, 0]), np.array([0, 9])) == 1.0


@given(st.lists(st.integers(0, 1 << 40), min_size=3, max_size=3), st.integers(1, 9))
def test_the_distance_knows_shares_only_and_is_even_handed(counts: list[int], times: int) -> None:
    one, other = np.array(counts), np.array([3, 2, 1])
    found = class_distance(one, other)
    if not one.any():
        assert found is None
        return
    assert found is not None
    assert 0 <= found <= 1
    assert class_distance(one * times, other) == pytest.approx(found, abs=1e-7)
    assert class_distance(other, one) == pytest.approx(found, abs=1e-7)
    assert class_distance(one, one) == pytest.approx(0, abs=1e-7)


def test_days_and_cameras_are_told_by_domain(tmp_path: Path) -> None:
    known = make_zone("D001_2020", "Z1", acquired=date(2020, 6, 9))
    flown = replace(known.source.zone, camera="UCE-M3", acquired=date(2020, 6, 2))
    camera = make_zone("D001_2020", "Z2", east=9, first_number=9)
    camera = replace(
        camera, source=replace(camera.source, zone=replace(flown, name="Z2", grid=camera.source.zone.grid))
    )
    unknown = make_zone("D001_2020", "Z3", east=19, first_number=19, acquired=None)
    told = take_inventory(build([known, camera, unknown], tmp_path)).available["D001_2020"]
    assert (told.days, told.cameras) == (("2020-06-02", "2020-06-09"), ("UCE-M3",))
    assert (told.undated, told.without_camera) == (1, 2)


def test_rows_are_read_a_few_at_a_time(release: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = take_inventory(release).document()
    monkeypatch.setattr("workbench.export.index._AT_ONCE", 1)
    assert len(list(release.patches().batches(["id"]))) == len(release.patches())
    assert take_inventory(release).document() == whole


def test_releases_of_format_1_are_counted(tmp_path: Path) -> None:
    told = take_inventory(open_release(GOLDEN)).document()["total"]
    assert (told["patches"], told["class_pixels"]["water"]) == (1, 105682)


def test_figures_hold_to_their_schema(release: Release) -> None:
    for one in (release, open_release(GOLDEN)):
        for pixels in (True, False):
            found = measure_release(one, pixels=pixels)
            head = {"format": "ocs-workbench/release-stats", "format_version": 1}
            document = json.loads(json.dumps(head | found.document(), allow_nan=False))
            validate(document, "outputs/release-stats", source="stats")
            assert (document["bands"] is None) == (not pixels)
            assert found.text().startswith(f"{one.name} ")


def test_a_damaged_index_is_one_sentence(damaged: Path) -> None:
    shutil.copyfile(damaged / "nomenclature.json", damaged / INDEX)
    with pytest.raises(ReleaseError, match="is no index of patches; copy the release again"):
        take_inventory(open_release(damaged))


def test_an_index_without_a_column_is_one_sentence(release: Release) -> None:
    with pytest.raises(ReleaseError, match="is no index of patches"):
        list(release.patches().batches(["id", "nothing"]))


def test_zones_of_made_campaigns_are_all_there(tmp_path: Path) -> None:
    zones = make_zones()
    inventory = take_inventory(build(zones, tmp_path))
    assert [one.zone for one in inventory.sums] == sorted(zone.source.zone.id for zone in zones)
    shape = next(one for one in inventory.sums if one.zone == "D055_2018/Z2_UF")
    assert shape.ground.area == pytest.approx(3 * 102.4**2)
    assert shape.patches == 3
