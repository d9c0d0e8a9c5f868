"""Surfaces: classes that the height above ground, or the colour, speaks against."""

from __future__ import annotations

__all__ = ["SURFACE_BANDS", "find_odd_surfaces"]

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.assessment.findings import Finding, Kind, Limits, Region, finding_at, regions
from workbench.assessment.squares import square_means, wide_parts
from workbench.nomenclature import Nomenclature

SURFACE_BANDS: Mapping[Kind, tuple[str, ...]] = {
    "tall-water": ("NIR", "E"),
    "green-impervious": ("R", "NIR"),
    "flat-building": ("E",),
}
"""Bands that each check of a surface needs; E is height above ground × 5, as in FLAIR."""

_WATER, _SEALED = ("water", "swimming_pool"), ("impervious_surface",)
_MINERAL = ("building", "impervious_surface", "pervious_surface", "bare_soil")
_VEGETATION = ("coniferous", "deciduous", "brushwood", "herbaceous_vegetation", "agricultural_land")

_PER_METRE = 5.0
_SMOOTHED = 5  # pixels: a square's mean, so that neither texture nor noise decides
_TILE = 1024
_STEP = 4  # every fourth row and column is enough for a median
_FEWEST = 100  # of them; with fewer the zone says nothing about itself
# Three IGN patches and twelve synthetic scenes have medians of −0.38 … −0.09 and −0.01 … 0.14.
_USUAL_MINERAL, _USUAL_VEGETATION = -0.2, 0.1
_DARK, _BRIGHT = 1, 2
_Sample = Mapping[str, NDArray[np.uint8]]
"""Some pixels, by band."""


def find_odd_surfaces(
    codes: NDArray[np.uint8],
    bands: Mapping[str, NDArray[np.uint8]],
    nomenclature: Nomenclature,
    limits: Limits,
) -> Iterator[Finding]:
    """Yield water that stands up, sealed ground that is green, and buildings without height.

    Checks whose bands (`SURFACE_BANDS`) are not all there are left out.

    Parameters
    ----------
    codes
        Shape (row, col), 0 = unlabelled or outside.
    bands
        By name, each of the shape of ``codes``.
    nomenclature
        Of the codes; the classes are found by their keys.
    limits
        From which figures on.
    """
    picture = _Picture(codes=codes, bands=bands, nomenclature=nomenclature)
    checks: Mapping[Kind, Callable[[_Picture, Limits], Iterator[Finding]]] = {
        "tall-water": _tall_water,
        "green-impervious": _green_impervious,
        "flat-building": _flat_buildings,
    }
    for kind, check in checks.items():
        if all(band in bands for band in SURFACE_BANDS[kind]):
            yield from check(picture, limits)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Tile:
    """A part of a zone that holds some classes."""

    place: tuple[slice, slice]
    classes: NDArray[np.bool_]
    """Where they are, shape (row, col) of the tile."""
    bands: Mapping[str, NDArray[np.uint8]]

    def smooth(self, band: str) -> NDArray[np.float32]:
        """Return a band averaged over small squares, which may reach into the tiles around."""
        rows, cols = self.place
        reach, whole = _SMOOTHED // 2, self.bands[band]
        top, left = max(0, rows.start - reach), max(0, cols.start - reach)
        means = square_means(whole[top : rows.stop + reach, left : cols.stop + reach], _SMOOTHED)
        height, width = self.classes.shape
        return means[rows.start - top :, cols.start - left :][:height, :width]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Picture:
    """The labels of a zone and what the picture shows there."""

    codes: NDArray[np.uint8]
    bands: Mapping[str, NDArray[np.uint8]]
    nomenclature: Nomenclature

    def among(self, keys: Sequence[str]) -> NDArray[np.bool_]:
        """Return shape (256,), True at the codes of the classes of some keys."""
        table = np.zeros(256, np.bool_)
        table[[entry.code for entry in self.nomenclature.classes if entry.key in keys]] = True
        return table

    def tiles(self, keys: Sequence[str]) -> Iterator[_Tile]:
        """Yield the tiles that hold some classes."""
        table, (height, width) = self.among(keys), self.codes.shape
        for row in range(0, height, _TILE):
            for col in range(0, width, _TILE):
                place = slice(row, min(height, row + _TILE)), slice(col, min(width, col + _TILE))
                classes = table[self.codes[place]]
                if classes.any():
                    yield _Tile(place=place, classes=classes, bands=self.bands)

    def usual(
        self, figure: Callable[[_Sample], NDArray[np.float32]], table: NDArray[np.bool_]
    ) -> float | None:
        """Return the median of a figure over the classes of a table; None where the zone has too few."""
        sample = (slice(None, None, _STEP),) * 2
        inside = table[self.codes[sample]]
        if np.count_nonzero(inside) < _FEWEST:
            return None
        return float(np.median(figure({name: band[sample][inside] for name, band in self.bands.items()})))

    def wide_regions(self, odd: NDArray[np.bool_], width: int) -> Iterator[Region]:
        """Yield the regions of odd pixels, without what is narrower than a width."""
        marks = np.pad(odd.view(np.uint8), 1) + np.uint8(1)  # 1 also around the zone: a square lies inside
        yield from regions((odd & wide_parts(marks, width)[1:-1, 1:-1]).view(np.uint8))

    def height(self, region: Region) -> float:
        """Return the median height of a region in metres."""
        return float(np.median(self.bands["E"][region.window.slices][region.mask])) / _PER_METRE


def _ndvi(red: NDArray[np.generic], infrared: NDArray[np.generic]) -> NDArray[np.float32]:
    first, second = red.astype(np.float32), infrared.astype(np.float32)
    index: NDArray[np.float32] = (second - first) / np.maximum(second + first, 1)
    return index


def _ndvi_of(pixels: _Sample) -> NDArray[np.float32]:
    return _ndvi(pixels["R"], pixels["NIR"])


def _tall_water(picture: _Picture, limits: Limits) -> Iterator[Finding]:
    land = ~picture.among(_WATER)
    land[0] = False
    usual = picture.usual(lambda pixels: pixels["NIR"].astype(np.float32), land)
    marks = np.zeros(picture.codes.shape, np.uint8)
    for tile in picture.tiles(_WATER):
        tall = tile.classes & (tile.smooth("E") > limits.water_height * _PER_METRE)
        marks[tile.place][tall] = _DARK
        if usual is not None and tall.any():
            marks[tile.place][tall & (tile.smooth("NIR") > limits.water_brightness * usual)] = _BRIGHT
    dark = marks == _DARK
    if dark.any():
        water, _ = ndimage.label(picture.among(_WATER)[picture.codes])
        full = _tall_share(water, marks > 0) >= limits.full_height
        marks[dark] = np.where(full[water[dark]], np.uint8(_BRIGHT), np.uint8(_DARK))
    for region in picture.wide_regions(marks == _BRIGHT, limits.water_width):
        height = picture.height(region)
        told = f"{height:.1f} m above ground, water lies below {limits.water_height:g} m"
        yield finding_at(
            region, "tall-water", picture.codes, measured=height, limit=limits.water_height, told=told
        )


def _tall_share(patches: NDArray[np.int32], tall: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the share of each numbered patch that is tall, 0 for what is no patch."""
    sizes = np.bincount(patches.reshape(-1))
    share = np.bincount(patches[tall], minlength=sizes.size) / np.maximum(sizes, 1)
    share[0] = 0
    return share


def _green_impervious(picture: _Picture, limits: Limits) -> Iterator[Finding]:
    mineral = picture.usual(_ndvi_of, picture.among(_MINERAL))
    vegetation = picture.usual(_ndvi_of, picture.among(_VEGETATION))
    low = _USUAL_MINERAL if mineral is None else mineral
    high = _USUAL_VEGETATION if vegetation is None else vegetation
    limit = low + limits.green_share * (high - low)
    odd = np.zeros(picture.codes.shape, np.bool_)
    for tile in picture.tiles(_SEALED):
        odd[tile.place] = tile.classes & (_ndvi(tile.smooth("R"), tile.smooth("NIR")) > limit)
    for region in picture.wide_regions(odd, limits.green_width):
        red, infrared = (picture.bands[name][region.window.slices][region.mask] for name in ("R", "NIR"))
        ndvi = float(np.median(_ndvi(red, infrared)))
        told = f"NDVI {ndvi:.2f}, sealed ground here stays below {limit:.2f}"
        yield finding_at(region, "green-impervious", picture.codes, measured=ndvi, limit=limit, told=told)


def _flat_buildings(picture: _Picture, limits: Limits) -> Iterator[Finding]:
    heights = {"building": limits.building_height, "greenhouse": limits.greenhouse_height}
    for key, least in heights.items():
        odd = np.zeros(picture.codes.shape, np.bool_)
        for tile in picture.tiles((key,)):
            odd[tile.place] = tile.classes & (tile.smooth("E") < least * _PER_METRE)
        for region in picture.wide_regions(odd, limits.flat_width):
            height = picture.height(region)
            told = f"{height:.1f} m above ground, a {key} has at least {least:g} m"
            yield finding_at(
                region, "flat-building", picture.codes, measured=height, limit=least, told=told, named=(key,)
            )
