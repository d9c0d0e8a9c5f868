"""Generalisation to minimum mapping units: the units are respected, and a slower definition agrees."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from skimage.measure import label

from workbench.errors import ProductError
from workbench.products import MinimumUnits, generalise
from workbench.products.pieces import borders_of, number_pieces

MAPS = hnp.arrays(np.uint8, (9, 8), elements=st.integers(0, 3))
FULL = hnp.arrays(np.uint8, (9, 8), elements=st.integers(1, 3))
FEWEST = np.array([0, 3, 6, 10] + [0] * 252)


def pieces(values: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """Return value and mask of each piece, in the order of their first pixels."""
    numbers, count = label(values, background=0, connectivity=1, return_num=True)
    masks = [numbers == number for number in range(1, count + 1)]
    return [(int(values[mask][0]), mask) for mask in masks]


def beside(values: np.ndarray, mask: np.ndarray, others: list[tuple[int, np.ndarray]]) -> dict[int, int]:
    """Return the common border with each other piece, in sides of pixels."""
    found: dict[int, int] = {}
    for row, col in np.argwhere(mask).tolist():
        for y, x in ((row - 1, col), (row + 1, col), (row, col - 1), (row, col + 1)):
            if 0 <= y < values.shape[0] and 0 <= x < values.shape[1] and values[y, x] and not mask[y, x]:
                number = next(place for place, (_, other) in enumerate(others) if other[y, x])
                found[number] = found.get(number, 0) + 1
    return found


def slowly(values: np.ndarray, fewest: np.ndarray) -> np.ndarray:
    """Generalise by the definition: look at the whole map again after each step."""
    done = values.copy()
    while True:
        there = pieces(done)
        small = sorted(
            (mask.sum(), place) for place, (value, mask) in enumerate(there) if mask.sum() < fewest[value]
        )
        for _, place in small:
            borders = beside(done, there[place][1], there)
            if borders:
                best = max(borders, key=lambda other: (borders[other], there[other][1].sum(), -other))
                done[there[place][1]] = there[best][0]
                break
        else:
            return done


@given(MAPS)
def test_it_does_what_the_slow_definition_does(values: np.ndarray) -> None:
    assert np.array_equal(generalise(values, FEWEST).values, slowly(values, FEWEST))


@given(MAPS)
def test_no_piece_is_too_small_that_has_a_neighbour(values: np.ndarray) -> None:
    done = generalise(values, FEWEST)
    there = pieces(done.values)
    small = [mask for value, mask in there if mask.sum() < FEWEST[value]]
    assert all(not beside(done.values, mask, there) for mask in small)
    assert (done.small, done.after, done.before) == (len(small), len(there), len(pieces(values)))
    assert np.array_equal(done.values == 0, values == 0)


@given(FULL)
def test_without_holes_every_unit_is_respected(values: np.ndarray) -> None:
    done = generalise(values, FEWEST)
    assert done.small == 0
    assert all(mask.sum() >= FEWEST[value] for value, mask in pieces(done.values))


@given(MAPS)
def test_what_is_large_enough_stays_and_doing_it_again_changes_nothing(values: np.ndarray) -> None:
    done = generalise(values, FEWEST).values
    assert np.array_equal(generalise(done, FEWEST).values, done)
    assert np.array_equal(generalise(values, np.ones(256, np.int64)).values, values)
    for value, mask in pieces(values):
        if mask.sum() >= FEWEST[value]:
            assert (done[mask] == value).all()


def test_the_smallest_goes_first_and_may_save_the_next() -> None:
    """The single 2 joins the threes, which are six pixels then and stay."""
    values = np.array([[1] * 7, [3, 3, 2, 3, 3, 3, 3], [1] * 7], np.uint8)
    fewest = np.array([0, 5, 2, 6] + [0] * 252)
    assert generalise(values, fewest).values[1].tolist() == [1] * 7  # its longest border is with the ones
    fewest[1] = 8
    held = np.array([[3, 3, 2, 3, 3]], np.uint8)
    assert generalise(held, np.array([0, 0, 2, 5] + [0] * 252)).values.tolist() == [[3] * 5]


def test_buildings_may_be_smaller_than_the_rest() -> None:
    units = MinimumUnits.parse("500,CS1.1.1.1=200")
    fewest = units.pixels([(1, "CS1.1.1.1"), (13, "CS2.2.1")], resolution=0.2)
    assert (fewest[1], fewest[13]) == (5000, 12_500)
    values = np.full((400, 400), 13, np.uint8)
    values[20:120, 20:120] = 1  # 400 m²
    values[200:250, 200:250] = 1  # 100 m²
    done = generalise(values, fewest).values
    assert (done[20:120, 20:120] == 1).all()
    assert (done[200:250, 200:250] == 13).all()


@given(MAPS)
def test_pieces_are_numbered_as_scikit_image_does(values: np.ndarray) -> None:
    numbers, count = number_pieces(values)
    expected, many = label(values, background=0, connectivity=1, return_num=True)
    assert count == many
    assert np.array_equal(numbers, expected - 1)


@given(MAPS)
def test_borders_are_those_of_the_slow_definition(values: np.ndarray) -> None:
    numbers, count = number_pieces(values)
    offsets, beyond = borders_of(numbers, count, np.ones(count, np.bool_))
    there = pieces(values)
    for place, (_, mask) in enumerate(there):
        listed = beyond[offsets[place] : offsets[place + 1]].tolist()
        assert {number: listed.count(number) for number in listed} == beside(values, mask, there)


def test_a_comb_and_a_spiral_are_one_piece() -> None:
    comb = np.zeros((40, 41), np.uint8)
    comb[:, ::2] = 1
    comb[-1] = 1
    assert number_pieces(comb)[1] == 1
    assert number_pieces(comb[::-1])[1] == 1


@pytest.mark.parametrize("text", ["", "x", "A=5", "5,6", "5,=6", "5,A=x", "-1", "nan", "5,A=-1"])
def test_minimum_areas_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ProductError, match="minimum area"):
        MinimumUnits.parse(text)


def test_a_class_that_is_none_of_the_map_is_refused() -> None:
    with pytest.raises(ProductError, match="name CS9, which is no class of the map"):
        MinimumUnits.parse("5,CS9=6").pixels([(1, "CS1")], resolution=0.2)
    assert str(MinimumUnits.parse("2500, CS1.1.1.1=200")) == "2500,CS1.1.1.1=200"
