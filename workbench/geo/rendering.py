"""Windows of planar bands → pictures: what a person sees of a raster.

A picture has shape (row, col, 4): red, green, blue, opacity in uint8. Opacity is 0 where there is no data,
else 255. Kernels write whole pixels of 32 bits, which is faster than three bytes. Bands are uint8, uint16 or
float32, without NaN.
"""

from __future__ import annotations

__all__ = ["as_picture", "coloured", "composite", "ndvi", "veil"]

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import inlined_kernel, kernel
from workbench.geo.grid import Window
from workbench.geo.ramps import RED_YELLOW_GREEN
from workbench.geo.stretches import Stretch

_OPAQUE = np.uint32(0xFF000000)
# A veil of almost black: what lies around a zone stays readable and is not mistaken for it.
_VEIL, _VEIL_SHARE = (0.04, 0.05, 0.07), 0.62


def composite(
    bands: Sequence[NDArray[Any]],
    stretches: Sequence[Stretch],
    window: Window,
    *,
    valid: NDArray[np.bool_] | None = None,
    into: NDArray[np.uint32] | None = None,
) -> NDArray[np.uint8]:
    """Return the picture of three bands as red, green and blue.

    Parameters
    ----------
    bands
        Three planes of one type, each (row, col) and contiguous.
    stretches
        One for each.
    window
        What to draw of them.
    valid
        Shape (row, col): where there is data; everywhere by default.
    into
        Memory to draw in, of the window's shape and contiguous; new memory by default.

    Returns
    -------
    NDArray[np.uint8]
        Shape (row, col, 4) of the window.

    Examples
    --------
    >>> planes = [np.full((2, 2), value, np.uint8) for value in (10, 20, 30)]
    >>> composite(planes, [Stretch()] * 3, Window(row=0, col=0, height=1, width=1))
    array([[[ 10,  20,  30, 255]]], dtype=uint8)
    """
    red, green, blue = bands
    picture = np.empty(window.shape, np.uint32) if into is None else into
    at = window.row, window.col
    if red.dtype == np.uint8:
        tables = _tables(tuple(stretch.table() for stretch in stretches))
        _composite_bytes(red, green, blue, tables, *at, picture)
    else:
        tables = _tables(tuple(stretch.curve() for stretch in stretches))
        rules = np.array([(stretch.low, stretch.gain) for stretch in stretches], np.float32)
        _composite_values(red, green, blue, rules, tables, *at, picture)
    return as_picture(picture, window, valid)


def coloured(
    band: NDArray[Any],
    stretch: Stretch,
    ramp: NDArray[np.uint8],
    window: Window,
    *,
    valid: NDArray[np.bool_] | None = None,
    into: NDArray[np.uint32] | None = None,
) -> NDArray[np.uint8]:
    """Return the picture of one band by a ramp of colours: grey, or heights in viridis.

    Parameters
    ----------
    band
        Shape (row, col), contiguous.
    stretch
        Which values have the first and the last colour.
    ramp
        Shape (256, 3), such as `workbench.geo.ramps.GREY`.
    window, valid, into
        As for `composite`.
    """
    picture = np.empty(window.shape, np.uint32) if into is None else into
    colours = _packed(ramp)
    if band.dtype == np.uint8:
        _coloured_bytes(band, colours[stretch.table()], window.row, window.col, picture)
    else:
        table, rule = colours[stretch.curve()], np.array((stretch.low, stretch.gain), np.float32)
        _coloured_values(band, rule, table, window.row, window.col, picture)
    return as_picture(picture, window, valid)


def ndvi(
    infrared: NDArray[Any],
    red: NDArray[Any],
    window: Window,
    *,
    span: float = 0.5,
    valid: NDArray[np.bool_] | None = None,
    into: NDArray[np.uint32] | None = None,
) -> NDArray[np.uint8]:
    """Return the picture of the vegetation index (NIR − R) / (NIR + R), red over yellow to green.

    Parameters
    ----------
    infrared, red
        Shape (row, col), contiguous, of one type.
    span
        Index of the greenest green, and −span of the reddest red; 0 is yellow. Orthophotos are no
        reflectances: theirs rarely goes beyond ±0.5, see the three FLAIR patches.
    window, valid, into
        As for `composite`.
    """
    picture = np.empty(window.shape, np.uint32) if into is None else into
    colours = _packed(RED_YELLOW_GREEN)
    _ndvi(infrared, red, np.float32(127.5 / span), colours, window.row, window.col, picture)
    return as_picture(picture, window, valid)


def veil(
    picture: NDArray[np.uint8],
    cell_rows: NDArray[np.intp],
    cell_cols: NDArray[np.intp],
    cells: NDArray[np.bool_],
) -> None:
    """Darken in place what lies outside some cells.

    Parameters
    ----------
    picture
        Shape (row, col, 4), contiguous.
    cell_rows, cell_cols
        Shapes (row,) and (col,): in which row and column of cells each row and column of pixels lies; −1 for
        beyond them all.
    cells
        Shape (row, col): which cells stay light.
    """
    around = np.zeros((cells.shape[0] + 1, cells.shape[1] + 1), np.bool_)
    around[:-1, :-1] = cells  # its last row and column are what −1 points to
    keep = np.uint32(round(256 * (1 - _VEIL_SHARE)))
    red, green, blue = (128 + round(255 * 256 * _VEIL_SHARE * shade) for shade in _VEIL)
    pixels = picture.view(np.uint32)[..., 0]
    edges = np.array([0, *np.flatnonzero(np.diff(cell_cols)) + 1, cell_cols.size])
    mix = keep, np.uint32(red | blue << 16), np.uint32(green)
    _veil(pixels, cell_rows, cell_cols, edges, around, *mix)


def as_picture(
    picture: NDArray[np.uint32], window: Window, valid: NDArray[np.bool_] | None
) -> NDArray[np.uint8]:
    """Return packed pixels as channels, (row, col, 4), clear where there is no data.

    Parameters
    ----------
    picture
        Shape (row, col): red, green, blue and opacity from the lowest byte up; changed in place.
    window
        Which part of ``valid`` (row, col) it is of.
    """
    if valid is not None:
        _clear(valid, window.row, window.col, picture)
    return picture.view(np.uint8).reshape(*picture.shape, 4)


def _packed(colours: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """Return opaque colours (n, 3) as pixels (n,)."""
    red, green, blue = colours.T.astype(np.uint32)
    packed: NDArray[np.uint32] = red | green << 8 | blue << 16 | _OPAQUE
    return packed


def _tables(shades: tuple[NDArray[np.uint8], ...]) -> NDArray[np.uint32]:
    """Return what each value of three bands adds to a pixel, shape (3, value)."""
    red, green, blue = (table.astype(np.uint32) for table in shades)
    return np.stack([red | _OPAQUE, green << 8, blue << 16])


@kernel
def _composite_bytes(
    red: NDArray[np.uint8],
    green: NDArray[np.uint8],
    blue: NDArray[np.uint8],
    tables: NDArray[np.uint32],
    row: int,
    col: int,
    picture: NDArray[np.uint32],
) -> None:
    height, width = picture.shape
    stop = col + width
    to_red, to_green, to_blue = tables[0], tables[1], tables[2]
    for r in range(height):
        line, at = picture[r], row + r
        x, y, z = red[at, col:stop], green[at, col:stop], blue[at, col:stop]
        for c in range(width):
            line[c] = to_red[x[c]] | to_green[y[c]] | to_blue[z[c]]


@kernel
def _composite_values(
    red: NDArray[Any],
    green: NDArray[Any],
    blue: NDArray[Any],
    rules: NDArray[np.float32],
    tables: NDArray[np.uint32],
    row: int,
    col: int,
    picture: NDArray[np.uint32],
) -> None:
    height, width = picture.shape
    stop = col + width
    to_red, to_green, to_blue = tables[0], tables[1], tables[2]
    i, j, k = np.empty(width, np.uint16), np.empty(width, np.uint16), np.empty(width, np.uint16)
    for r in range(height):
        line, at = picture[r], row + r
        _places(red[at, col:stop], rules[0], to_red.size, i)
        _places(green[at, col:stop], rules[1], to_green.size, j)
        _places(blue[at, col:stop], rules[2], to_blue.size, k)
        for c in range(width):
            line[c] = to_red[i[c]] | to_green[j[c]] | to_blue[k[c]]


@kernel
def _coloured_bytes(
    band: NDArray[np.uint8],
    table: NDArray[np.uint32],
    row: int,
    col: int,
    picture: NDArray[np.uint32],
) -> None:
    height, width = picture.shape
    stop = col + width
    for r in range(height):
        line, values = picture[r], band[row + r, col:stop]
        for c in range(width):
            line[c] = table[values[c]]


@kernel
def _coloured_values(
    band: NDArray[Any],
    rule: NDArray[np.float32],
    table: NDArray[np.uint32],
    row: int,
    col: int,
    picture: NDArray[np.uint32],
) -> None:
    height, width = picture.shape
    stop = col + width
    places = np.empty(width, np.uint16)
    for r in range(height):
        line = picture[r]
        _places(band[row + r, col:stop], rule, table.size, places)
        for c in range(width):
            line[c] = table[places[c]]


@inlined_kernel
def _places(values: NDArray[Any], rule: NDArray[np.float32], count: int, places: NDArray[np.uint16]) -> None:
    """Write the nearest of ``count`` places of each value; by itself, it is eight values a step."""
    low, gain, last = rule[0], rule[1], np.float32(count - 1)
    zero, half = np.float32(0), np.float32(0.5)
    for c in range(places.size):
        place = (np.float32(values[c]) - low) * gain
        place = place if place > zero else zero
        place = place if place < last else last
        places[c] = np.int32(place + half)


@kernel
def _ndvi(
    infrared: NDArray[Any],
    red: NDArray[Any],
    gain: np.float32,
    table: NDArray[np.uint32],
    row: int,
    col: int,
    picture: NDArray[np.uint32],
) -> None:
    height, width = picture.shape
    stop = col + width
    zero, one, middle, last = np.float32(0), np.float32(1), np.float32(128), np.float32(255)
    places = np.empty(width, np.uint8)
    for r in range(height):
        line, x, y = picture[r], infrared[row + r, col:stop], red[row + r, col:stop]
        for c in range(width):
            near, far = np.float32(x[c]), np.float32(y[c])
            total = near + far
            # Black is neither green nor bare.
            place = middle + gain * (near - far) / (total if total > zero else one)
            place = place if place > zero else zero
            places[c] = np.int32(place if place < last else last)
        for c in range(width):
            line[c] = table[places[c]]


@kernel
def _clear(valid: NDArray[np.bool_], row: int, col: int, picture: NDArray[np.uint32]) -> None:
    height, width = picture.shape
    stop = col + width
    for r in range(height):
        line, known = picture[r], valid[row + r, col:stop]
        for c in range(width):
            line[c] = line[c] if known[c] else np.uint32(0)


@kernel
def _veil(
    pixels: NDArray[np.uint32],
    cell_rows: NDArray[np.intp],
    cell_cols: NDArray[np.intp],
    edges: NDArray[np.intp],
    light: NDArray[np.bool_],
    keep: np.uint32,
    red_blue: np.uint32,
    green: np.uint32,
) -> None:
    """Mix each pixel outside with the veil, red and blue at once; at ``edges`` the columns of cells begin."""
    pairs, byte, opacity = np.uint32(0xFF00FF), np.uint32(0xFF), np.uint32(0xFF000000)
    eight = np.uint32(8)
    for r in range(pixels.shape[0]):
        for run in range(edges.size - 1):
            if light[cell_rows[r], cell_cols[edges[run]]]:
                continue
            line = pixels[r, edges[run] : edges[run + 1]]
            for c in range(line.size):
                pixel = line[c]
                outer = (((pixel & pairs) * keep + red_blue) >> eight) & pairs
                middle = ((((pixel >> eight) & byte) * keep + green) >> eight) & byte
                line[c] = outer | middle << eight | pixel & opacity
