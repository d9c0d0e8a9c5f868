"""Ground in longitude and latitude, and whether it lies where a CRS is made for."""

from __future__ import annotations

__all__ = ["check_ground", "to_lonlat"]

from functools import cache
from typing import TYPE_CHECKING, Final

from workbench.errors import GridError
from workbench.geo.grid import Bounds, PixelGrid

if TYPE_CHECKING:
    import pyproj

_WGS84: Final = "EPSG:4326"


@cache
def to_lonlat(crs: str) -> pyproj.Transformer:
    """Return what turns x and y into longitude and latitude."""
    import pyproj

    return pyproj.Transformer.from_crs(crs, _WGS84, always_xy=True)


def check_ground(grid: PixelGrid) -> None:
    """Refuse ground outside the area that a CRS is made for, where nobody could say what place it is.

    Raises
    ------
    GridError
        Some of it lies outside the box of that area.
    """
    area, own = _area(grid.crs), grid.bounds
    if area is None or (
        area.left <= own.left
        and own.right <= area.right
        and area.bottom <= own.bottom
        and own.top <= area.top
    ):
        return
    raise GridError(
        f"the ground at x {own.left:.6g}, y {own.top:.6g} lies outside the area of {grid.crs} (x "
        f"{area.left:.6g} to {area.right:.6g}, y {area.bottom:.6g} to {area.top:.6g}); correct where the "
        "raster lies: gdal_edit.py -a_ullr"
    )


@cache
def _area(crs: str) -> Bounds | None:
    """Return the box of the area that a CRS is made for, in its own unit; None where it does not tell."""
    import pyproj
    from pyproj.enums import TransformDirection

    said = pyproj.CRS.from_user_input(crs).area_of_use
    if said is None:
        return None
    left, bottom, right, top = to_lonlat(crs).transform_bounds(
        *said.bounds, direction=TransformDirection.INVERSE
    )
    return Bounds(left=left, bottom=bottom, right=right, top=top)
