"""Distances between sets: those that comparing every patch with every other gives."""

from __future__ import annotations

from collections import Counter
from itertools import combinations, pairwise
from math import hypot

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.export import spacing as module
from workbench.export.columns import COLUMNS, PatchColumns
from workbench.export.folds import SUBSETS
from workbench.export.spacing import EDGES, contacts, spacing

PITCH = 100.0


def columns(zones: dict[str, tuple[str, list[tuple[int, int]]]]) -> PatchColumns:
    """Return zones that are in one set of all splits: {name: (set, cells)}."""
    rows = [(place, subset, cell) for place, (subset, cells) in enumerate(zones.values()) for cell in cells]
    sets = [SUBSETS.index(subset) for _, subset, _ in rows]
    return PatchColumns(
        ids=np.array([f"p{number}" for number in range(len(rows))], object),
        names=tuple(zones),
        zone=np.array([place for place, _, _ in rows], np.int32),
        cells=np.array([cell for _, _, cell in rows], np.int64),
        pitch=PITCH,
        sets=np.array([sets] * len(COLUMNS), np.int8),
    )


def random_columns(seed: int, *, count: int, span: int) -> PatchColumns:
    """Return patches of six zones, each in two kinds of sets, of which several may be on one cell."""
    rng = np.random.default_rng(seed)
    zone = np.sort(rng.integers(0, 6, count)).astype(np.int32)
    kinds = rng.integers(0, 3, (6, 2, len(COLUMNS)))
    return PatchColumns(
        ids=np.arange(count).astype(object),
        names=tuple(f"D00{number}_2020/Z1" for number in range(6)),
        zone=zone,
        cells=rng.integers(-span, span, (count, 2)),
        pitch=PITCH,
        sets=kinds[zone, rng.integers(0, 2, count)].T.astype(np.int8),
    )


def gap(found: PatchColumns, one: int, other: int) -> float:
    row, col = (max(abs(int(step)) - 1, 0) for step in found.cells[one] - found.cells[other])
    return PITCH * hypot(row, col)


def test_patches_that_touch_are_nothing_apart_and_a_patch_between_is_its_side() -> None:
    found = columns(
        {
            "a": ("train", [(0, 0)]),
            "b": ("valid", [(1, 1)]),
            "c": ("test", [(0, -2)]),
            "d": ("test", [(4, 4)]),
        }
    )
    apart, nearest = spacing(found)
    split_1 = {(one.subset, one.other): one for one in apart if one.column == "split_1"}
    assert split_1["valid", "train"].smallest == 0.0
    assert split_1["test", "train"].smallest == PITCH
    assert split_1["test", "valid"].counts == (0, 0, 2, 0, 0, 0, 0, 0, 0)
    assert nearest[3] == pytest.approx(2 * PITCH * 2**0.5)
    assert len(apart) == len(COLUMNS) * 3


@settings(max_examples=40)
@given(
    st.integers(0, 1 << 30), st.integers(2, 60), st.sampled_from([3, 8, 40]), st.sampled_from([0, 99, 350])
)
def test_what_is_too_near_is_what_comparing_all_with_all_finds(
    seed: int, count: int, span: int, buffer: int
) -> None:
    found = random_columns(seed, count=count, span=span)
    pairs, shared, least = Counter[tuple[int, int]](), Counter[tuple[int, int]](), dict[object, float]()
    parted: dict[tuple[int, int], set[str]] = {}
    for one, other in combinations(range(count), 2):
        apart, same = gap(found, one, other), bool((found.cells[one] == found.cells[other]).all())
        differ = {name for name, yes in zip(COLUMNS, found.parted(one, other), strict=True) if yes}
        if differ and (apart < buffer or same):
            zones = int(found.zone[one]), int(found.zone[other])
            pairs[zones] += 1
            shared[zones] += same
            least[zones] = min(least.get(zones, np.inf), apart)
            parted[zones] = parted.get(zones, set()) | differ
    met = contacts(found, spacing(found)[1], buffer=buffer)
    assert {one.zones: one.pairs for one in met} == pairs
    assert {one.zones: one.shared for one in met} == {zones: shared[zones] for zones in pairs}
    assert {one.zones: set(one.columns) for one in met} == parted
    for one in met:
        assert one.distance == pytest.approx(least[one.zones], abs=1e-3)
        assert gap(found, *one.patches) == pytest.approx(one.distance, abs=1e-3)


@settings(max_examples=40)
@given(st.integers(0, 1 << 30), st.integers(2, 60), st.sampled_from([3, 300]))
def test_histograms_count_each_patch_by_its_nearest_one_of_the_other_set(
    seed: int, count: int, span: int
) -> None:
    found = random_columns(seed, count=count, span=span)
    for one in spacing(found)[0]:
        sets = found.sets[COLUMNS.index(one.column)]
        own, others = (np.flatnonzero(sets == SUBSETS.index(name)) for name in (one.subset, one.other))
        apart = [min(gap(found, place, other) for other in others) for place in own]
        assert one.smallest == pytest.approx(min(apart), abs=1e-3)
        edges = [*EDGES, np.inf]
        assert list(one.counts) == [
            sum(low <= value < high for value in apart) for low, high in pairwise(edges)
        ]


def test_pairs_are_the_same_however_few_are_in_memory_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    found = random_columns(3, count=200, span=6)
    nearest = spacing(found)[1]
    whole = contacts(found, nearest, buffer=250)
    monkeypatch.setattr(module, "_AT_ONCE", 100)
    assert contacts(found, nearest, buffer=250) == whole
    assert len(whole) > 5


def test_one_set_alone_is_no_distance_from_anything() -> None:
    found = columns({"a": ("train", [(0, 0)]), "b": ("train", [(0, 0), (0, 1)])})
    apart, nearest = spacing(found)
    assert apart == []
    assert contacts(found, nearest, buffer=1_000) == []
