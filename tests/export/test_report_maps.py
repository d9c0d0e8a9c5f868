"""The map: names that hide no other name, scale bars of round numbers, the same bytes twice."""

from __future__ import annotations

from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_zones import MadeZone, build

from workbench.export.inventory import take_inventory
from workbench.export.release import Release

pytest.importorskip("matplotlib")

from workbench.export.report.maps import _box, _framed, _place, _round_below, zone_map

POINTS = st.lists(st.tuples(st.floats(0, 400), st.floats(0, 300)), min_size=1, max_size=40)


@given(POINTS)
def test_names_hide_no_other_name_where_there_is_room(points: list[tuple[float, float]]) -> None:
    taken: list[tuple[float, float, float, float]] = []
    for x, y in points:
        away = _place(x, y, 20, 4, taken)
        left, low, right, high = _box(x, y, 20, 4, away)
        for other in taken:
            assert right <= other[0] or left >= other[2] or high <= other[1] or low >= other[3]
        taken.append((left, low, right, high))


def test_a_name_with_room_stands_at_its_place() -> None:
    assert _place(5, 5, 20, 4, [(100, 100, 140, 108)]) == (0, 0)


@given(st.floats(1e-3, 1e4))
def test_a_scale_bar_is_round_and_not_longer_than_it_may_be(length: float) -> None:
    found = _round_below(length)
    assert found <= length < 2.5 * found * (1 + 1e-9)
    assert f"{found:e}"[0] in "125"


def test_all_zones_are_inside_the_frame(release: Release) -> None:
    sums = take_inventory(release).sums
    for aspect in (0.5, 1.0, 2.0):
        left, bottom, right, top = _framed(sums, aspect)
        assert (right - left) / (top - bottom) == pytest.approx(aspect)
        for one in sums:
            west, south, east, north = np.array(one.ground.bounds) / 1000
            assert left < west < east < right
            assert bottom < south < north < top


@pytest.mark.parametrize("crs", ["EPSG:2154", "EPSG:5490"])
def test_a_map_is_an_image_of_the_same_bytes(release: Release, crs: str) -> None:
    sums = take_inventory(release).sums
    made = zone_map(sums, crs)
    assert ElementTree.fromstring(made).tag.endswith("svg")
    assert zone_map(sums, crs) == made


def test_one_zone_alone_has_a_map(zones: list[MadeZone], tmp_path_factory: pytest.TempPathFactory) -> None:
    alone = take_inventory(build(zones[:1], tmp_path_factory.mktemp("one"))).sums
    assert len(zone_map(alone, "EPSG:2154")) > 1000
