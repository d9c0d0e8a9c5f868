"""How far sets lie from each other: distances made by hand, on the lattice of patches."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from workbench.export.inventory import ZoneSum
from workbench.export.set_distances import set_distances

SIDE = 102.4


def zone(name: str, subset: str, east: float, south: float = 0.0, *, wide: int = 1) -> ZoneSum:
    left, top = 700_000 + SIDE * east, 6_600_000 - SIDE * south
    return ZoneSum(
        zone=f"D001_2020/{name}",
        domain="D001_2020",
        fold=1,
        splits={"split_2": subset},
        patches=wide,
        pixels=np.ones(1, np.int64),
        unlabelled=0,
        ground=shapely.box(left, top - SIDE, left + SIDE * wide, top),
    )


def test_distances_are_between_the_ground_of_zones() -> None:
    sums = [
        zone("A", "train", 0, wide=3),
        zone("B", "valid", 13),
        zone("C", "valid", 3),
        zone("D", "test", 5, 4),
    ]
    valid, test, between = set_distances(sums, "split_2")
    assert (valid.of, valid.to, valid.zones, valid.nearest) == ("valid", "train", 2, 0)
    assert valid.median == pytest.approx(SIDE * 10 / 2, abs=0.05)
    assert valid.within == {100: 1, 1_000: 1, 10_000: 2, 100_000: 2}
    # Two cells east and three south of the corner of the one, one and three of the other's.
    assert test.nearest == pytest.approx(SIDE * np.hypot(2, 3), abs=0.05)
    assert (between.of, between.to) == ("test", "valid")
    assert between.nearest == pytest.approx(SIDE * np.hypot(1, 3), abs=0.05)


def test_a_set_without_zones_is_told_nothing_of() -> None:
    assert set_distances([zone("A", "train", 0), zone("B", "train", 2)], "split_2") == ()
    (only,) = set_distances([zone("A", "test", 0), zone("B", "train", 2)], "split_2")
    assert (only.of, only.to, only.nearest) == ("test", "train", SIDE)
