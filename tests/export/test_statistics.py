"""Statistics of bands: held against numpy over all pixels at once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.errors import ReleaseError
from workbench.export.release import Release, open_release
from workbench.export.statistics import band_statistics, learning_statistics, moments


def test_mean_and_spread_are_those_of_all_pixels_at_once(release: Release) -> None:
    patches = release.patches()
    found = band_statistics(release, patches)
    pixels = np.concatenate(
        [release.image(patch, layout="flair1").reshape(5, -1) for patch in patches], axis=1
    ).astype(np.float64)
    assert [one.band for one in found] == ["R", "G", "B", "NIR", "E"], "the layout with the most bands"
    assert [one.mean for one in found] == pytest.approx(pixels.mean(axis=1), rel=1e-13)
    assert [one.std for one in found] == pytest.approx(pixels.std(axis=1), rel=1e-12)
    assert [one.low for one in found] == pixels.min(axis=1).tolist()
    assert [one.high for one in found] == pixels.max(axis=1).tolist()
    assert {one.pixels for one in found} == {pixels.shape[1]}


def test_the_order_of_the_patches_does_not_matter(release: Release) -> None:
    patches = release.patches()
    assert len(patches) > 1
    assert band_statistics(release, patches) == band_statistics(release, patches[::-1])


def test_each_patch_is_told(release: Release) -> None:
    done: list[tuple[int, int]] = []
    band_statistics(release, release.patches()[:2], progress=lambda *told: done.append(told))
    assert done == [(1, 2), (2, 2)]


def test_a_band_that_never_changes_has_no_spread() -> None:
    counts = np.zeros(256, np.int64)
    counts[7] = 3
    assert moments(counts) == (7.0, 0.0)


def test_more_pixels_than_floats_can_count_are_summed_exactly() -> None:
    counts = np.zeros(256, np.int64)
    counts[[0, 255]] = 2**55, 2**55 + 2
    mean, std = moments(counts)
    assert (mean, std) == (127.5 + 255 / (2**56 + 2), 127.5)


def test_no_patch_has_no_statistics(release: Release) -> None:
    with pytest.raises(ReleaseError, match="no patch to take the statistics of"):
        band_statistics(release, ())


def test_images_in_other_bands_than_their_layout_are_refused(release: Release) -> None:
    patch = release.patches()[0]
    files = {**patch.files, "flair1": patch.files["flair-hub"]}
    with pytest.raises(ReleaseError, match="has 4 bands of uint8, the layout flair1 5 of uint8"):
        band_statistics(release, (replace(patch, files=files),))


def test_what_is_learned_from_is_measured_for_every_split_at_once(release: Release) -> None:
    found = learning_statistics(release)
    patches = release.patches()
    assert list(found) == ["split_1", "split_2", "split_3", "split_4", "split_5", "prod"]
    for split, bands in found.items():
        assert bands == band_statistics(release, [one for one in patches if one.splits[split] != "test"])


def test_each_image_is_read_once(release: Release) -> None:
    done: list[tuple[int, int]] = []
    learning_statistics(release, progress=lambda *told: done.append(told))
    count = len(release.patches())
    assert done == [(number, count) for number in range(1, count + 1)]


def test_a_split_of_test_alone_has_no_bands_to_tell_of() -> None:
    golden = open_release(Path(__file__).parent.parent / "golden" / "release_v1" / "release_v1")
    found = learning_statistics(golden)
    assert found["split_1"] == ()
    assert len(found["prod"]) == 5
