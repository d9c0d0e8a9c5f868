"""Run-length masks: what goes in comes out, and what was never put in is refused."""

from __future__ import annotations

import zlib
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from numpy.typing import NDArray

from workbench.errors import EditRefused, JournalError
from workbench.geo.grid import Window
from workbench.labels.runs import RunLengthMask

MASKS = npst.arrays(np.bool_, npst.array_shapes(min_dims=2, max_dims=2, max_side=40))


def window_of(mask: NDArray[np.bool_], row: int = 3, col: int = 5) -> Window:
    return Window(row=row, col=col, height=mask.shape[0], width=mask.shape[1])


def stream(*runs: int) -> bytes:
    planes = np.array(runs, "<u2").view(np.uint8).reshape(-1, 2).T
    return zlib.compress(planes.tobytes())


@given(MASKS)
def test_a_mask_comes_back_bit_for_bit(mask: NDArray[np.bool_]) -> None:
    packed = RunLengthMask.encode(mask, window_of(mask))
    assert np.array_equal(packed.decode(), mask)
    assert packed.pixels == mask.sum()
    assert packed == RunLengthMask.encode(mask.copy(), window_of(mask))


@pytest.mark.parametrize("fill", [False, True])
@pytest.mark.parametrize("change", [None, (0, 0), (137, 250), (299, 499)])
def test_runs_longer_than_16_bits_come_back(fill: bool, change: tuple[int, int] | None) -> None:
    mask = np.full((300, 500), fill)
    if change:
        mask[change] = not fill
    packed = RunLengthMask.encode(mask, window_of(mask))
    assert np.array_equal(packed.decode(), mask)
    assert len(packed.data) < 60


def test_a_transposed_view_is_encoded_as_it_looks() -> None:
    mask = np.zeros((4, 6), np.bool_)
    mask[1, 2:] = True
    assert np.array_equal(RunLengthMask.encode(mask.T, window_of(mask.T)).decode(), mask.T)


def test_the_noisiest_mask_comes_back() -> None:
    mask = np.indices((60, 61)).sum(axis=0) % 2 == 0
    assert np.array_equal(RunLengthMask.encode(mask, window_of(mask)).decode(), mask)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "0 bytes"),
        (b"not a zlib stream", "zlib stream|header"),
        (stream(0, 6)[:-2], "ends too early"),
        (stream(0, 6) + b"x", "after its end"),
        (stream(0, 5), "5 of 6 pixels"),
        (stream(0, 7), "7 of 6 pixels"),
        (stream(), "0 of 6 pixels"),
        (zlib.compress(b"\0\6\0"), "3 bytes"),
        (zlib.compress(bytes(1 << 26)), "more than"),
    ],
)
def test_bytes_that_are_no_mask_of_the_window_are_refused(data: bytes, complaint: str) -> None:
    mask = RunLengthMask(window=Window(row=0, col=0, height=2, width=3), data=data)
    with pytest.raises(JournalError, match=complaint):
        mask.decode()
    with pytest.raises(JournalError, match=complaint):
        mask.runs()


@given(MASKS, st.data())
def test_a_flipped_bit_never_gives_another_mask(mask: NDArray[np.bool_], data: st.DataObject) -> None:
    packed = RunLengthMask.encode(mask, window_of(mask))
    bit = data.draw(st.integers(0, 8 * len(packed.data) - 1))
    damaged = bytearray(packed.data)
    damaged[bit // 8] ^= 1 << bit % 8
    with suppress(JournalError):
        assert np.array_equal(RunLengthMask(window=packed.window, data=bytes(damaged)).decode(), mask)


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_fail(data: bytes) -> None:
    mask = RunLengthMask(window=Window(row=0, col=0, height=7, width=9), data=data)
    with suppress(JournalError):
        assert mask.decode().shape == (7, 9)


def test_a_window_of_a_continent_is_refused_before_anything_is_decoded() -> None:
    with pytest.raises(EditRefused, match="larger than"):
        RunLengthMask(window=Window(row=0, col=0, height=1 << 20, width=1 << 20), data=stream(0, 6))


def test_a_mask_of_another_shape_or_kind_than_its_window_is_refused() -> None:
    window = Window(row=0, col=0, height=2, width=3)
    with pytest.raises(EditRefused, match=r"\(3, 2\)"):
        RunLengthMask.encode(np.ones((3, 2), np.bool_), window)
    with pytest.raises(EditRefused, match="uint8"):
        RunLengthMask.encode(np.ones((2, 3), np.uint8), window)  # type: ignore[arg-type]
