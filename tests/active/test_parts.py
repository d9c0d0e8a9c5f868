"""Parts of a zone: together they are all of it, and each is what its pixels are."""

from __future__ import annotations

import json

import numpy as np
import pytest
from affine import Affine

from sample_data import make_scene
from workbench.active.parts import PIXELS_PER_PART, STATISTICS, Parts, parts_of
from workbench.errors import CampaignError
from workbench.geo.grid import PixelGrid
from workbench.segmentation import segment

SIDE = 512
COLUMNS = np.full(256, -1)
COLUMNS[1:20] = np.arange(19)


@pytest.fixture(scope="module")
def zone():
    """Return a scene of which a corner is no ground, its hierarchy, classes, and a doubt drawn by chance."""
    scene = make_scene(seed=5, height=SIDE, theme="AU")
    transform = Affine(0.2, 0, 700_000, 0, -0.2, 6_600_000)
    grid = PixelGrid(crs="EPSG:2154", transform=transform, height=SIDE, width=SIDE)
    valid = np.ones((SIDE, SIDE), bool)
    valid[:100, :200] = False
    doubt = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), np.uint8)
    hierarchy = segment(scene.image, grid=grid, valid=valid)
    return hierarchy, scene.image, np.where(valid, scene.classes, 0).astype(np.uint8), doubt, valid


@pytest.fixture(scope="module")
def parts(zone) -> Parts:
    hierarchy, image, codes, doubt, _ = zone
    return parts_of(hierarchy, image, codes, doubt, columns=COLUMNS)


def test_parts_are_all_of_a_zone(zone, parts: Parts):
    _, image, _, doubt, valid = zone
    assert parts.pixels.sum() == valid.sum()
    assert parts.doubtful.sum() == pytest.approx(doubt[valid].sum() / 255, abs=0.05 * len(parts))
    means = parts.looks.reshape(len(parts), len(image), len(STATISTICS))[:, :, 0]
    assert parts.pixels @ means / valid.sum() == pytest.approx(image[:, valid].mean(axis=1), abs=0.05)


def test_there_is_a_part_for_so_many_pixels(zone, parts: Parts):
    most = zone[4].sum() // PIXELS_PER_PART
    assert 0.9 * most <= len(parts) <= most


def test_a_part_is_what_most_of_its_pixels_are(zone, parts: Parts):
    hierarchy, image, codes, _, valid = zone
    labels = hierarchy.cut_count(int(valid.sum()) // PIXELS_PER_PART).labels()
    for part in range(len(parts)):
        mine = labels == part
        values, counts = np.unique(codes[mine], return_counts=True)
        assert counts[values == parts.classes[part] + 1] == counts.max()
        looks = parts.looks[part].reshape(len(image), len(STATISTICS))
        assert looks[:, 1] == pytest.approx(image[:, mine].std(axis=1), abs=0.06)


def test_around_is_the_mean_of_a_square_where_there_is_ground(zone, parts: Parts):
    hierarchy, image, _, _, valid = zone
    labels = hierarchy.cut_count(int(valid.sum()) // PIXELS_PER_PART).labels()
    part = int(labels[120, 220])  # near the corner that is none
    around = []
    for row, col in np.argwhere(labels == part):
        at = (
            np.clip(np.arange(row - 32, row + 33), 0, SIDE - 1),
            np.clip(np.arange(col - 32, col + 33), 0, SIDE - 1),
        )
        window = np.ix_(*at)
        around.append(image[0][window][valid[window]].mean())
    assert parts.looks[part, 2] == pytest.approx(np.mean(around), abs=0.06)


def test_of_what_nobody_says_anything_there_is_no_class(zone):
    hierarchy, image, codes, doubt, _ = zone
    parts = parts_of(hierarchy, image, np.zeros_like(codes), doubt, columns=COLUMNS)
    assert set(parts.classes.tolist()) == {-1}


def test_parts_that_were_kept_are_the_same(parts: Parts):
    again = Parts.of(json.loads(json.dumps(parts.document())))
    for name in ("looks", "classes", "pixels", "doubtful"):
        assert np.array_equal(getattr(again, name), getattr(parts, name))


def test_looks_of_some_bands_are_taken_in_their_order(parts: Parts):
    some = parts.of_bands([3, 0])
    assert np.array_equal(some.looks[:, 0], parts.looks[:, 9])
    assert np.array_equal(some.looks[:, 3:], parts.looks[:, :3])


def test_parts_of_different_lengths_are_refused(parts: Parts):
    with pytest.raises(CampaignError, match=r"pixels of .* parts have shape"):
        Parts(looks=parts.looks, classes=parts.classes, pixels=parts.pixels[1:], doubtful=parts.doubtful)
