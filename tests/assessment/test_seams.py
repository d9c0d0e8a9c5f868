from __future__ import annotations

import numpy as np
import pytest
from made_orthos import made_image
from numpy.typing import NDArray

from workbench.assessment.findings import Finding, Limits
from workbench.assessment.seams import SEAM_DEPTH, Seam, find_breaks
from workbench.geo.grid import Window
from workbench.nomenclature import load_nomenclature

FLAIR = load_nomenclature("flair-19")
LENGTH, DEPTH = 200, 2 * SEAM_DEPTH


def truth() -> NDArray[np.uint8]:
    """Return codes from inside to outside: a lawn, and a house that lies across the border."""
    codes = np.full((DEPTH, LENGTH), 10, np.uint8)
    codes[4:20, 80:130] = 1
    return codes


def breaks(
    shown: NDArray[np.uint8], own: NDArray[np.uint8], other: NDArray[np.uint8], line: Window | None = None
) -> list[Finding]:
    seam = Seam(
        neighbour="D051_2019/Z2_UU",
        line=line or Window(row=511, col=0, height=1, width=LENGTH),
        codes=np.stack((own, other)),
        image=made_image(shown)[:4],
    )
    return list(find_breaks((seam,), np.full((512, 512), 10, np.uint8), FLAIR, Limits()))


def lines(codes: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    return codes[SEAM_DEPTH - 1].copy(), codes[SEAM_DEPTH].copy()


def test_a_house_that_goes_on_across_the_border_is_no_break() -> None:
    assert breaks(truth(), *lines(truth())) == []


def test_a_neighbour_that_saw_no_house_breaks_it() -> None:
    own, other = lines(truth())
    other[:] = 10
    (found,) = breaks(truth(), own, other)
    assert (found.kind, found.pixels, found.window) == (
        "border-break",
        50,
        Window(row=511, col=80, height=1, width=50),
    )
    assert found.measured < found.limit
    assert "building here and herbaceous_vegetation in D051_2019/Z2_UU" in found.told
    assert found.named == ("building", "herbaceous_vegetation", "D051_2019/Z2_UU")


def test_a_break_along_a_column_lies_in_the_column() -> None:
    own, other = lines(truth())
    other[:] = 10
    (found,) = breaks(truth(), own, other, Window(row=0, col=511, height=LENGTH, width=1))
    assert found.window == Window(row=80, col=511, height=50, width=1)


@pytest.mark.parametrize("drawn_beside", [-2, 0, 2])
def test_a_wall_that_truly_lies_on_the_border_is_no_break(drawn_beside: int) -> None:
    codes = np.full((DEPTH, LENGTH), 10, np.uint8)
    codes[SEAM_DEPTH + drawn_beside :, 80:130] = 1
    own = np.full(LENGTH, 10, np.uint8)
    other = own.copy()
    other[80:130] = 1
    assert breaks(codes, own, other) == []


@pytest.mark.parametrize(("shift", "count"), [(4, 0), (9, 0), (10, 2), (30, 2)])
def test_a_neighbour_that_is_shifted_breaks_both_walls(shift: int, count: int) -> None:
    own, other = lines(truth())
    assert len(breaks(truth(), own, np.roll(other, shift))) == count


def test_unlabelled_pixels_break_nothing() -> None:
    own, other = lines(truth())
    other[:] = 0
    assert breaks(truth(), own, other) == []
