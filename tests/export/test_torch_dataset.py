"""A release as a data set of PyTorch gives what the release reads, in any layout, whoever reads it."""

from __future__ import annotations

import pickle
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_zones import build, changed, make_zones
from test_modalities import with_views

from workbench import ReleaseDataset
from workbench.errors import ReleaseError, WorkbenchError
from workbench.export import Release, open_release, subset_release
from workbench.export.layouts import with_modalities
from workbench.export.layouts.flair_hub import FlairHub
from workbench.export.layouts.hdf5 import Hdf5
from workbench.export.wanted import Wanted
from workbench.nomenclature import load_crosswalk, load_nomenclature

torch = pytest.importorskip("torch")
LAYOUTS = ["flair-hub", "flair1", "hdf5", "shards"]
pytestmark = pytest.mark.filterwarnings(
    # Python's: forking a process that has threads, as rasterio and pyarrow do.
    "ignore:This process .* is multi-threaded, use of fork:DeprecationWarning"
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """A release in all layouts; tests must not change it."""
    return build(make_zones(), tmp_path_factory.mktemp("whole"), layouts=LAYOUTS)


def half_as_bright(item: dict[str, Any]) -> dict[str, Any]:
    return item | {"image": item["image"] / 2}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("split", ["all", "split_1:train", "split_1:test", "prod:valid"])
def test_an_item_is_what_the_release_reads(split: str, layout: str, whole: Release) -> None:
    found = ReleaseDataset(whole.path, split, bands=("NIR", "R"), layout=layout)
    name, _, subset = split.partition(":")
    patches = [patch for patch in whole.patches() if not subset or patch.splits[name] == subset]
    assert len(found) == len(patches)
    assert {layout.name for layout in whole.layouts} == set(LAYOUTS)
    bands = found.layout.bands
    for patch, item in zip(patches, map(found.__getitem__, range(len(found))), strict=True):
        image = whole.image(patch, layout=layout)[[bands.index("NIR"), bands.index("R")]]
        np.testing.assert_array_equal(item["image"].numpy(), image)
        np.testing.assert_array_equal(item["mask"].numpy(), whole.labels(patch, layout=layout))
        assert (item["image"].dtype, item["mask"].dtype) == (torch.float32, torch.int64)
        assert (item["id"], item["domain"]) == (patch.id, patch.domain)
        assert set(item) == {"image", "mask", "id", "domain"}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_workers_give_the_same_batches_in_the_same_sequence(start: str, layout: str, whole: Release) -> None:
    found = ReleaseDataset(whole, "all", layout=layout, transform=half_as_bright)
    assert found[0]["image"].shape == (3, 512, 512)  # opened here, before workers are forked
    alone = list(torch.utils.data.DataLoader(found, batch_size=3))
    workers = torch.utils.data.DataLoader(found, batch_size=3, num_workers=2, multiprocessing_context=start)
    together = list(workers)
    assert [batch["id"] for batch in alone] == [batch["id"] for batch in together]
    for one, other in zip(alone, together, strict=True):
        assert torch.equal(one["image"], other["image"])
        assert torch.equal(one["mask"], other["mask"])


def test_what_is_pickled_has_no_rows_and_no_open_files(whole: Release) -> None:
    found = ReleaseDataset(whole, "all", layout="hdf5")
    before = len(pickle.dumps(found))
    item = found[1]
    again = pickle.loads(pickle.dumps(found))
    assert len(pickle.dumps(found)) == before
    assert torch.equal(again[1]["mask"], item["mask"])


def test_pixels_can_stay_bytes(whole: Release) -> None:
    assert ReleaseDataset(whole, dtype="uint8")[0]["image"].dtype == torch.uint8


@pytest.mark.parametrize("layout", ["flair-hub", "flair1"])
def test_numbers_are_those_asked_for(layout: str, whole: Release) -> None:
    def mask(**asked: Any) -> Any:
        return ReleaseDataset(whole, layout=layout, **asked)[0]["mask"].numpy()

    codes = mask()
    as_codes = codes.astype(np.uint8)
    classes = whole.nomenclature
    np.testing.assert_array_equal(mask(scheme="flair"), classes.encode(as_codes, "flair"))
    np.testing.assert_array_equal(mask(scheme="flair_hub"), classes.encode(as_codes, "flair_hub"))
    np.testing.assert_array_equal(mask(scheme="flair-argmax"), classes.encode(as_codes, "flair") - 1)
    challenge = load_crosswalk("flair-19-to-12-1", source=classes).apply(as_codes)
    np.testing.assert_array_equal(mask(scheme="challenge"), challenge - 1)
    ignored = mask(ignore_index=-100)
    np.testing.assert_array_equal(ignored == -100, codes == classes.by_key("other").code)
    np.testing.assert_array_equal(ignored[ignored != -100], codes[ignored != -100])
    lost = mask(scheme="challenge", ignore_index=255)
    np.testing.assert_array_equal(lost == 255, challenge == 13)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"ignore_index": "a"}, r"ignore_index 'a' is no whole number: classes are numbered 1–18 in codes"),
        ({"ignore_index": 255.0}, r"ignore_index 255\.0 is no whole number"),
        ({"ignore_index": True}, r"ignore_index True is no whole number"),
        ({"ignore_index": 1 << 64}, r"is no number of 64 bits"),
        ({"ignore_index": 3}, r"ignore_index 3 is the number of {3}: classes are numbered 1–18 in codes"),
        (
            {"ignore_index": 0, "scheme": "challenge"},
            r"ignore_index 0 is the number of {1}: classes are numbered 0–11 in challenge; choose another",
        ),
    ],
)
def test_an_ignored_number_that_hides_a_class_or_is_none_is_refused(
    asked: dict[str, Any], told: str, whole: Release
) -> None:
    keys = {code: whole.nomenclature.by_code(code).key for code in whole.nomenclature.codes}
    with pytest.raises(ReleaseError, match=re.sub(r"\{(\d+)\}", lambda one: keys[int(one[1])], told)):
        ReleaseDataset(whole, **asked)


def test_the_number_of_other_may_be_ignored_under_its_own(whole: Release) -> None:
    other = whole.nomenclature.by_key("other").code
    mask = ReleaseDataset(whole, ignore_index=np.int64(other))[0]["mask"]
    assert torch.equal(mask, ReleaseDataset(whole)[0]["mask"])


def test_other_nomenclatures_have_their_own_numbers_alone(tmp_path: Path) -> None:
    mine = replace(load_nomenclature("flair-19"), name="flair-mine")
    release = build(make_zones()[:1], tmp_path, nomenclature=mine)
    found = ReleaseDataset(release, "all")
    np.testing.assert_array_equal(found[0]["mask"].numpy(), release.labels(found.patches[0]))
    with pytest.raises(WorkbenchError, match="flair-mine"):
        ReleaseDataset(release, "all", scheme="challenge")


def test_modalities_come_with_types_that_torch_reckons_with(tmp_path: Path) -> None:
    views = ("elevation", "spot", "sentinel2")
    zones = [with_views(made, views) for made in make_zones()[:3]]
    layouts = [with_modalities(one, views) for one in (FlairHub(), Hdf5())]
    release = build(zones, tmp_path, layouts=layouts)
    for layout in ("flair-hub", "hdf5"):
        found = ReleaseDataset(release, "all", modalities=("elevation", "spot"), layout=layout)
        item, patch = found[0], found.patches[0]
        for name in ("elevation", "spot"):
            expected = release.view(patch, name, layout=layout)
            np.testing.assert_array_equal(item["modalities"][name].numpy(), expected)
        assert item["modalities"]["spot"].dtype == torch.int32


def test_mean_and_std_are_those_of_the_pixels(whole: Release) -> None:
    found = ReleaseDataset(whole, "split_1:train", bands=("B", "NIR"))
    mean, std = found.mean_and_std()
    images = np.stack([found[at]["image"].numpy() for at in range(len(found))])
    np.testing.assert_allclose(mean, images.mean(axis=(0, 2, 3), dtype=np.float64), rtol=1e-6)
    np.testing.assert_allclose(std, images.std(axis=(0, 2, 3), dtype=np.float64), rtol=1e-6)


def test_withheld_labels_are_told_of_before_any_item(whole: Release, tmp_path: Path) -> None:
    made = subset_release(whole, name="OPEN", out=tmp_path, wanted=Wanted(), withhold_test=True)
    assert len(ReleaseDataset(made.release, "split_1:train")) > 0
    with pytest.raises(ReleaseError, match=r"withholds the label of 4 patches of split_1:test; learn from"):
        ReleaseDataset(made.release, "split_1:test")
    unlabelled = ReleaseDataset(made.release, "split_1:test", labels=False)
    assert [set(unlabelled[at]) for at in range(len(unlabelled))] == [{"image", "id", "domain"}] * 4
    assert made.sealed is not None
    assert len(ReleaseDataset(made.sealed, "split_1:test")) == 4


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "no such set": ({"split": "split_7:test"}, "'split_7:test' is no set of patches"),
    "no such band": ({"bands": ("R", "SWIR")}, "has no layout with R, SWIR; flair-hub has R, G, B, NIR"),
    "no such modality": ({"modalities": ("spot",)}, "has no layout with R, G, B, spot"),
    "no such layout": ({"layout": "coco"}, "has no layout 'coco'; it has flair-hub"),
    "no band": ({"bands": ()}, "at least one band"),
    "no such numbering": ({"scheme": "corine"}, "are not numbered as 'corine'; choose from codes"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_there_is_refused_in_a_sentence(case: str, whole: Release) -> None:
    asked, told = REFUSED[case]
    with pytest.raises(ReleaseError, match=told) as refusal:
        ReleaseDataset(whole, **asked)
    assert "\n" not in str(refusal.value)


def test_a_file_that_was_changed_is_named(tmp_path: Path) -> None:
    release = build([changed(make_zones()[0])], tmp_path, layouts=["flair1"])
    path = next(release.path.rglob("MSK_*.tif"))
    path.write_bytes(path.read_bytes() + b"!")
    with pytest.raises(ReleaseError, match=f"{path.name} has other content"):
        list(torch.utils.data.DataLoader(ReleaseDataset(open_release(release.path), "all")))


def test_without_torch_it_says_what_to_install(whole: Release) -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "import workbench\n"
        f"try: workbench.ReleaseDataset({str(whole.path)!r})\n"
        "except workbench.WorkbenchError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == (
        "a data set of PyTorch needs torch, which is not installed: pip install 'ocs-workbench[torch]'\n"
    )
