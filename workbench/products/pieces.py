"""Pieces of a map: pixels of one value that hang together by their sides, numbered, with their neighbours."""

from __future__ import annotations

__all__ = ["borders_of", "measure_pieces", "number_pieces", "paint_pieces"]

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel


def number_pieces(values: NDArray[np.uint8]) -> tuple[NDArray[np.int32], int]:
    """Give the pieces of a map numbers, in the order of their first pixels, row by row.

    Two passes with union-find (Rosenfeld and Pfaltz 1966), linear in the pixels.

    Parameters
    ----------
    values
        Shape (row, col); 0 belongs to no piece.

    Returns
    -------
    numbers, count
        Shape (row, col), from 0, −1 where there is no piece; and how many there are.

    Examples
    --------
    >>> number_pieces(np.array([[5, 0, 5], [5, 7, 7]], np.uint8))[0].tolist()
    [[0, -1, 1], [0, 2, 2]]
    """
    numbers, count = _number_pieces(np.ascontiguousarray(values))
    return numbers, int(count)


@kernel
def _number_pieces(values: NDArray[np.uint8]) -> tuple[NDArray[np.int32], int]:
    height, width = values.shape
    begun = 0
    for row in range(height):
        for col in range(width):
            value = values[row, col]
            left = col > 0 and values[row, col - 1] == value
            above = row > 0 and values[row - 1, col] == value
            begun += value != 0 and not left and not above
    parents = np.arange(begun).astype(np.int32)
    numbers = np.full((height, width), -1, np.int32)
    begun = 0
    for row in range(height):
        for col in range(width):
            value = values[row, col]
            if value == 0:
                continue
            left = col > 0 and values[row, col - 1] == value
            above = row > 0 and values[row - 1, col] == value
            if not left and not above:
                numbers[row, col] = begun
                begun += 1
                continue
            number = numbers[row, col - 1] if left else numbers[row - 1, col]
            while parents[number] != number:
                parents[number] = parents[parents[number]]
                number = parents[number]
            if left and above:
                other = numbers[row - 1, col]
                while parents[other] != other:
                    parents[other] = parents[parents[other]]
                    other = parents[other]
                number, other = min(number, other), max(number, other)
                parents[other] = number
            numbers[row, col] = number
    # A piece is named after its first number, so that the order is that of the first pixels.
    count = 0
    for number in range(begun):
        if parents[number] == number:
            parents[number] = count
            count += 1
        else:
            parents[number] = parents[parents[number]]
    for row in range(height):
        for col in range(width):
            if numbers[row, col] >= 0:
                numbers[row, col] = parents[numbers[row, col]]
    return numbers, count


@kernel
def measure_pieces(
    values: NDArray[np.uint8], numbers: NDArray[np.int32], count: int
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return pixels and value of each piece, shape (piece,) each."""
    area, value = np.zeros(count, np.int64), np.zeros(count, np.uint8)
    for row in range(numbers.shape[0]):
        for col in range(numbers.shape[1]):
            number = numbers[row, col]
            if number >= 0:
                area[number] += 1
                value[number] = values[row, col]
    return area, value


@kernel
def paint_pieces(numbers: NDArray[np.int32], table: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the entry of a table of shape (piece,) for each pixel; 0 where there is no piece."""
    painted = np.zeros(numbers.shape, np.uint8)
    for row in range(numbers.shape[0]):
        for col in range(numbers.shape[1]):
            if numbers[row, col] >= 0:
                painted[row, col] = table[numbers[row, col]]
    return painted


def borders_of(
    numbers: NDArray[np.int32], count: int, wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """List what lies beyond each side of a pixel on the border of some pieces.

    Parameters
    ----------
    numbers
        Shape (row, col). As `number_pieces` gives them.
    count
        How many pieces there are.
    wanted
        Shape (piece,). Whose borders are listed.

    Returns
    -------
    offsets, beyond
        ``beyond[offsets[i] : offsets[i + 1]]`` has the piece beyond each side on the border of piece i, once
        for each side; none where there is no piece beyond, or i is not wanted.
    """
    return _borders_of(numbers, count, wanted)


@kernel
def _borders_of(
    numbers: NDArray[np.int32], count: int, wanted: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    height, width = numbers.shape
    offsets = np.zeros(count + 1, np.int64)
    for filling in range(2):
        if filling:
            offsets[1:] = np.cumsum(offsets[1:])
            beyond = np.empty(offsets[count], np.int32)
            place = offsets[:-1].copy()
        else:
            beyond, place = np.empty(0, np.int32), offsets[1:]
        for row in range(height):
            for col in range(width):
                one = numbers[row, col]
                if one < 0:
                    continue
                for step in range(2):
                    y, x = row + (step == 0), col + (step == 1)
                    if y == height or x == width:
                        continue
                    other = numbers[y, x]
                    if other < 0 or other == one:
                        continue
                    if wanted[one]:
                        if filling:
                            beyond[place[one]] = other
                        place[one] += 1
                    if wanted[other]:
                        if filling:
                            beyond[place[other]] = one
                        place[other] += 1
    return offsets, beyond
