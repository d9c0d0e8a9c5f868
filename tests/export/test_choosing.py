"""Which patches are shown: each once, every zone, and most of each class."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from workbench.export.choosing import ZonePatches, spread

Made = tuple[list[str], np.ndarray]


@st.composite
def releases(draw: st.DrawFn) -> Made:
    """Zone of each patch, and pixels of shape (patch, class)."""
    zones = draw(st.lists(st.integers(0, 5), min_size=1, max_size=40).map(sorted))
    classes = draw(st.integers(1, 4))
    pixels = np.array([[draw(st.sampled_from([0, 10, 50, 100])) for _ in range(classes)] for _ in zones])
    return [f"D00{zone % 2}_2020/Z{zone}" for zone in zones], pixels


def chosen(made: Made, wanted: int, *, at_once: int = 99) -> list[int]:
    """Return the rows that are chosen, read so many at a time."""
    zones, pixels = made
    kept: dict[str, ZonePatches] = {}
    for begin in range(0, len(zones), at_once):
        rows = np.arange(begin, min(begin + at_once, len(zones)))
        for zone in dict.fromkeys(zones[row] for row in rows):
            own = np.array([row for row in rows if zones[row] == zone])
            part = ZonePatches.of(zone, [f"p{row}" for row in own], own, pixels[own], wanted=wanted)
            kept[zone] = kept[zone].joined(part, wanted=wanted) if zone in kept else part
    return spread(list(kept.values()), wanted=wanted)


@given(releases(), st.integers(0, 50))
def test_patches_are_chosen_once_and_as_many_as_wanted(made: Made, wanted: int) -> None:
    found = chosen(made, wanted)
    assert found == sorted(set(found))
    assert len(found) == min(wanted, len(made[0]))


@given(releases())
def test_every_zone_is_shown_and_every_class_where_there_is_room(made: Made) -> None:
    zones, pixels = made
    found = chosen(made, 2 * max(len(set(zones)), pixels.shape[1]))
    assert {zones[row] for row in found} == set(zones)
    for column in range(pixels.shape[1]):
        there = pixels[:, column]
        assert not there.any() or there[found].max() == there.max()


@given(releases(), st.integers(1, 20), st.integers(1, 40))
def test_how_many_are_read_at_a_time_does_not_matter(made: Made, wanted: int, at_once: int) -> None:
    assert chosen(made, wanted, at_once=at_once) == chosen(made, wanted)


@given(st.integers(2, 12))
def test_domains_are_shown_alike_whatever_zones_they_have(wanted: int) -> None:
    zones = [f"D00{1 + (number > 29)}_2020/Z{number}" for number in range(42)]
    found = chosen((zones, np.ones((42, 1), np.int64)), wanted)
    counts = Counter(zones[row].partition("/")[0] for row in found)
    assert len(counts) == 2
    assert max(counts.values()) - min(counts.values()) <= 1
