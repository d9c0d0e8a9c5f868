"""Statistics of bands: held against numpy over all pixels at once."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from workbench.errors import ReleaseError
from workbench.export.release import Release
from workbench.export.statistics import band_statistics, moments


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
