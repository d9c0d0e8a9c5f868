"""The pixel grid: where pixels lie on the ground. Affine arithmetic only, no GDAL.

World coordinates are ``(x, y)`` in the grid's CRS, pixel coordinates ``(row, col)``; pixel (0, 0) is the
upper left one and its upper left corner is the grid's origin.
"""

from __future__ import annotations

__all__ = ["NATIONAL_GRID", "Bounds", "PatchLattice", "PixelGrid", "Window", "parse_lattice"]

import math
from collections.abc import Iterator
from dataclasses import dataclass

from affine import Affine

from workbench.errors import GridError

# A corner may be this far from a pixel corner, in pixels, and still count as on it: float noise of a
# transform, not a shift that a photo-interpreter could see.
_ON_LATTICE = 1e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """A non-empty rectangle of pixels, in rows and columns of some grid."""

    row: int
    col: int
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.row < 0 or self.col < 0:
            raise GridError(f"window starts outside its grid: row {self.row}, col {self.col}")
        if self.height < 1 or self.width < 1:
            raise GridError(f"window is empty: {self.height} rows × {self.width} columns")

    @property
    def slices(self) -> tuple[slice, slice]:
        """Return (row, col) slices for an array of the grid's shape."""
        return slice(self.row, self.row + self.height), slice(self.col, self.col + self.width)

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, columns)."""
        return self.height, self.width

    @property
    def row_stop(self) -> int:
        """First row below the window."""
        return self.row + self.height

    @property
    def col_stop(self) -> int:
        """First column right of the window."""
        return self.col + self.width

    def intersection(self, other: Window) -> Window | None:
        """Return the common pixels, or None where there are none.

        >>> Window(row=0, col=0, height=4, width=4).intersection(Window(row=2, col=3, height=9, width=9))
        Window(row=2, col=3, height=2, width=1)
        """
        row, col = max(self.row, other.row), max(self.col, other.col)
        height, width = min(self.row_stop, other.row_stop) - row, min(self.col_stop, other.col_stop) - col
        return Window(row=row, col=col, height=height, width=width) if height > 0 and width > 0 else None

    def within(self, other: Window) -> Window:
        """Return the same pixels, counted from the upper left of a window that holds them.

        >>> Window(row=5, col=7, height=2, width=3).within(Window(row=4, col=4, height=9, width=9))
        Window(row=1, col=3, height=2, width=3)
        """
        return Window(
            row=self.row - other.row, col=self.col - other.col, height=self.height, width=self.width
        )

    def union(self, other: Window) -> Window:
        """Return the smallest window that holds both."""
        row, col = min(self.row, other.row), min(self.col, other.col)
        row_stop, col_stop = max(self.row_stop, other.row_stop), max(self.col_stop, other.col_stop)
        return Window(row=row, col=col, height=row_stop - row, width=col_stop - col)

    def grown(self, margin: int, within: Window) -> Window:
        """Return the window with a margin on each side, as far as another one that holds it reaches.

        >>> Window(row=5, col=7, height=2, width=3).grown(6, within=Window(row=0, col=0, height=9, width=99))
        Window(row=0, col=1, height=9, width=15)
        """
        row, col = max(within.row, self.row - margin), max(within.col, self.col - margin)
        row_stop = min(within.row_stop, self.row_stop + margin)
        col_stop = min(within.col_stop, self.col_stop + margin)
        return Window(row=row, col=col, height=row_stop - row, width=col_stop - col)

    def contains(self, row: int, col: int) -> bool:
        """Tell whether a pixel lies inside."""
        return self.row <= row < self.row_stop and self.col <= col < self.col_stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """A rectangle on the ground, in metres (or the CRS's unit), left < right and bottom < top."""

    left: float
    bottom: float
    right: float
    top: float

    def __post_init__(self) -> None:
        if not (self.left < self.right and self.bottom < self.top):
            raise GridError(f"bounds are empty or inverted: {self}")


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelGrid:
    """A north-up raster of square pixels: CRS, affine transform and size."""

    crs: str
    """``EPSG:code`` where the CRS has one, else WKT."""
    transform: Affine
    """From (col, row) of a pixel corner to (x, y)."""
    height: int
    width: int

    def __post_init__(self) -> None:
        if self.height < 1 or self.width < 1:
            raise GridError(f"grid is empty: {self.height} rows × {self.width} columns")
        matrix = self.transform
        if not all(map(math.isfinite, (matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f))):
            raise GridError(f"transform is not finite: {tuple(matrix)[:6]}")
        if matrix.b or matrix.d or matrix.a <= 0 or matrix.e >= 0:
            raise GridError(f"raster is rotated or not north-up: {tuple(matrix)[:6]}; warp it north-up first")
        if not math.isclose(matrix.a, -matrix.e, rel_tol=1e-6):
            raise GridError(f"pixels are not square: {matrix.a} × {-matrix.e}; warp to square pixels first")

    @property
    def resolution(self) -> float:
        """Side of a pixel in the CRS's unit."""
        return float(self.transform.a)

    @property
    def shape(self) -> tuple[int, int]:
        """Return (rows, columns)."""
        return self.height, self.width

    @property
    def bounds(self) -> Bounds:
        """Return the outer edges of the grid."""
        left, top = self.transform @ (0, 0)
        right, bottom = self.transform @ (self.width, self.height)
        return Bounds(left=left, bottom=bottom, right=right, top=top)

    @property
    def whole(self) -> Window:
        """Return the window of all pixels."""
        return Window(row=0, col=0, height=self.height, width=self.width)

    def xy(self, row: float, col: float) -> tuple[float, float]:
        """Return the ground position (x, y) of a pixel's centre."""
        x, y = self.transform @ (col + 0.5, row + 0.5)
        return float(x), float(y)

    def rowcol(self, x: float, y: float) -> tuple[int, int]:
        """Return the pixel (row, col) that holds a ground position; it may lie outside the grid."""
        col, row = ~self.transform @ (x, y)
        return math.floor(row), math.floor(col)

    def window(self, bounds: Bounds) -> Window:
        """Return the pixels inside bounds that lie on this grid's pixel corners.

        Raises
        ------
        GridError
            An edge falls between pixel corners, or outside the grid.
        """
        col, row = self._corner(bounds.left, bounds.top)
        col_stop, row_stop = self._corner(bounds.right, bounds.bottom)
        if row < 0 or col < 0 or row_stop > self.height or col_stop > self.width:
            raise GridError(f"{bounds} reaches outside the raster, which covers {self.bounds}")
        return Window(row=row, col=col, height=row_stop - row, width=col_stop - col)

    def covering(self, bounds: Bounds) -> Window | None:
        """Return the smallest window of whole pixels that covers bounds, as far as this grid reaches.

        An edge that is a pixel's within float noise counts as that; None where the grid covers nothing.
        """
        col, row = ~self.transform @ (bounds.left, bounds.top)
        col_stop, row_stop = ~self.transform @ (bounds.right, bounds.bottom)
        first = max(0, math.floor(row + _ON_LATTICE)), max(0, math.floor(col + _ON_LATTICE))
        stop = (
            min(self.height, math.ceil(row_stop - _ON_LATTICE)),
            min(self.width, math.ceil(col_stop - _ON_LATTICE)),
        )
        if stop[0] <= first[0] or stop[1] <= first[1]:
            return None
        return Window(row=first[0], col=first[1], height=stop[0] - first[0], width=stop[1] - first[1])

    def crop(self, window: Window) -> PixelGrid:
        """Return the grid of a window of this one."""
        if window.row_stop > self.height or window.col_stop > self.width:
            raise GridError(f"{window} reaches outside a grid of {self.height} × {self.width}")
        transform = self.transform @ Affine.translation(window.col, window.row)
        return PixelGrid(crs=self.crs, transform=transform, height=window.height, width=window.width)

    def tiles(self, size: int, overlap: int = 0) -> Iterator[Window]:
        """Yield windows of at most ``size`` pixels a side, in row-major order.

        Without overlap they cover every pixel once; neighbours share ``overlap`` pixels otherwise.
        """
        step = size - overlap
        if size < 1 or not 0 <= overlap < size:
            raise GridError(f"tiles of {size} pixels cannot overlap by {overlap}")
        for row in range(0, max(1, self.height - overlap), step):
            for col in range(0, max(1, self.width - overlap), step):
                height, width = min(size, self.height - row), min(size, self.width - col)
                yield Window(row=row, col=col, height=height, width=width)

    def same_lattice(self, other: PixelGrid) -> bool:
        """Tell whether the pixel corners of both grids coincide (size and position may differ)."""
        if self.crs != other.crs or not math.isclose(self.resolution, other.resolution, rel_tol=1e-9):
            return False
        try:
            self._corner(other.transform.c, other.transform.f)
        except GridError:
            return False
        return True

    def coincides(self, other: PixelGrid) -> bool:
        """Tell whether both grids have the same pixels: float noise of a transform apart, they are equal."""
        first = other.rowcol(*self.xy(0, 0))
        return self.shape == other.shape and self.same_lattice(other) and first == (0, 0)

    def _corner(self, x: float, y: float) -> tuple[int, int]:
        """Return (col, row) of the pixel corner at a ground position."""
        col, row = ~self.transform @ (x, y)
        nearest = round(col), round(row)
        if max(abs(col - nearest[0]), abs(row - nearest[1])) > _ON_LATTICE:
            raise GridError(
                f"({x}, {y}) falls between pixels: "
                f"{col - nearest[0]:+.3f} columns, {row - nearest[1]:+.3f} rows off"
            )
        return nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchLattice:
    """A regular lattice of square patches that every zone of a country is cut on."""

    crs: str
    x: float
    """Ground x of some patch's left edge."""
    y: float
    """Ground y of some patch's top edge."""
    pitch: float
    """Side of a patch on the ground."""
    pixels: int
    """Side of a patch in pixels."""

    @property
    def resolution(self) -> float:
        """Side of a pixel."""
        return self.pitch / self.pixels

    def offset(self, grid: PixelGrid) -> tuple[int, int]:
        """Return (row, col), in the grid's pixels, of the first patch corner at or after its upper left one.

        Raises
        ------
        GridError
            The grid has another CRS or resolution, or its pixel corners miss those of the lattice.
        """
        if grid.crs != self.crs or not math.isclose(grid.resolution, self.resolution, rel_tol=1e-6):
            raise GridError(
                f"raster is in {grid.crs[:40]} at {grid.resolution:g} m, patches are cut in {self.crs} at "
                f"{self.resolution:g} m; warp it first: gdalwarp -t_srs {self.crs} "
                f"-tr {self.resolution:g} {self.resolution:g} -tap"
            )
        col = (self.x - grid.transform.c) / self.resolution
        row = (grid.transform.f - self.y) / self.resolution
        if max(abs(col - round(col)), abs(row - round(row))) > 0.01:
            raise GridError(
                f"raster's pixels lie {col - round(col):+.3f} columns and {row - round(row):+.3f} rows off "
                f"the patch grid; warp it first: gdalwarp -tr {self.resolution:g} {self.resolution:g} -tap"
            )
        return round(row) % self.pixels, round(col) % self.pixels


# Measured on real FLAIR patches of five departments: every patch's left edge is 3.2 m and its top edge
# 20.8 m modulo 102.4 m in Lambert-93.
NATIONAL_GRID = PatchLattice(crs="EPSG:2154", x=3.2, y=20.8, pitch=102.4, pixels=512)


def parse_lattice(text: str) -> PatchLattice:
    """Return the lattice of ``PITCH@RESOLUTION`` in metres: the national one, or one that begins at (0, 0).

    Raises
    ------
    GridError
        It is not that, or a patch has no whole number of pixels.

    >>> parse_lattice("256@0.5").pixels
    512
    >>> parse_lattice("102.4@0.2") == NATIONAL_GRID
    True
    """
    pitch, _, resolution = text.partition("@")
    try:
        side, step = float(pitch), float(resolution)
    except ValueError as error:
        raise GridError(
            f"{text!r} is no size of patches; write metres of ground @ metres of a pixel: 256@0.5"
        ) from error
    pixels = round(side / step) if step > 0 and math.isfinite(side) else 0
    if not 16 <= pixels <= 4096 or not math.isclose(pixels * step, side, rel_tol=1e-9):
        raise GridError(
            f"{text!r}: a patch of {side:g} m has no whole number of 16 to 4,096 pixels of {step:g} m; "
            "write it like 256@0.5"
        )
    if (side, step) == (NATIONAL_GRID.pitch, NATIONAL_GRID.resolution):
        return NATIONAL_GRID
    return PatchLattice(crs=NATIONAL_GRID.crs, x=0.0, y=0.0, pitch=side, pixels=pixels)
