"""Ways to look at a zone: which bands of which raster, drawn how. Data and pure functions, no viewer.

A recipe names a raster of the zone by its key and says how bands become a picture; `recipes_for` lists what a
zone's rasters allow.
"""

from __future__ import annotations

__all__ = [
    "Composite",
    "Grey",
    "Height",
    "Hillshade",
    "Ndvi",
    "Recipe",
    "Rendering",
    "recipes_for",
]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workbench.geo import ramps
from workbench.geo.grid import Window
from workbench.geo.hillshading import hillshade
from workbench.geo.rendering import coloured, composite, ndvi
from workbench.geo.stretches import Stretch
from workbench.geo.zone import ZoneRaster

Planes = Sequence[NDArray[Any]]
Stretches = Sequence[Stretch]
Gaps = NDArray[np.bool_] | None
Memory = NDArray[np.uint32] | None


class Rendering(Protocol):
    """How bands become a picture."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Which ones, by what they show."""

    @property
    def percentiles(self) -> tuple[float, float] | None:
        """Between which percentiles bands are stretched if nobody says; None shows 8-bit ones as they are."""

    def draw(
        self, planes: Planes, stretches: Stretches, window: Window, *, pixel: float, valid: Gaps, into: Memory
    ) -> NDArray[np.uint8]:
        """Return the picture of a window, shape (row, col, 4).

        Parameters
        ----------
        planes, stretches
            One of each for each band, planes of shape (row, col).
        window
            What to draw of them.
        pixel
            Side of their pixels in metres.
        valid
            Shape (row, col): where there is data; None where that is everywhere.
        into
            Memory to draw in, of the window's shape; None for new memory.
        """


@dataclass(frozen=True, slots=True)
class Composite:
    """Three bands as red, green and blue."""

    bands: tuple[str, str, str]
    percentiles: tuple[float, float] | None = None

    def draw(
        self, planes: Planes, stretches: Stretches, window: Window, *, pixel: float, valid: Gaps, into: Memory
    ) -> NDArray[np.uint8]:
        """See `Rendering.draw`."""
        return composite(planes, stretches, window, valid=valid, into=into)


@dataclass(frozen=True, slots=True)
class Grey:
    """One band, dark to light."""

    band: str
    percentiles: tuple[float, float] | None = None

    @property
    def bands(self) -> tuple[str, ...]:
        """See `Rendering.bands`."""
        return (self.band,)

    def draw(
        self, planes: Planes, stretches: Stretches, window: Window, *, pixel: float, valid: Gaps, into: Memory
    ) -> NDArray[np.uint8]:
        """See `Rendering.draw`."""
        return coloured(planes[0], stretches[0], ramps.GREY, window, valid=valid, into=into)


@dataclass(frozen=True, slots=True)
class Ndvi:
    """Vegetation index of two bands, red over yellow to green."""

    infrared: str = "NIR"
    red: str = "R"
    percentiles: tuple[float, float] | None = None

    @property
    def bands(self) -> tuple[str, ...]:
        """See `Rendering.bands`."""
        return self.infrared, self.red

    def draw(
        self, planes: Planes, stretches: Stretches, window: Window, *, pixel: float, valid: Gaps, into: Memory
    ) -> NDArray[np.uint8]:
        """See `Rendering.draw`; an index is not stretched."""
        infrared, red = planes
        return ndvi(infrared, red, window, valid=valid, into=into)


@dataclass(frozen=True, slots=True)
class Height:
    """Heights, violet low and yellow high."""

    band: str
    percentiles: tuple[float, float] | None = (1.0, 99.0)

    @property
    def bands(self) -> tuple[str, ...]:
        """See `Rendering.bands`."""
        return (self.band,)

    def draw(
        self, planes: Planes, stretches: Stretches, window: Window, *, pixel: float, valid: Gaps, into: Memory
    ) -> NDArray[np.uint8]:
        """See `Rendering.draw`."""
        return coloured(planes[0], stretches[0], ramps.VIRIDIS, window, valid=valid, into=into)


@dataclass(frozen=True, slots=True)
class Hillshade:
    """Heights as a surface under a low sun in the north-west."""

    band: str
    unit: float
    """Metres that one step of the band is."""
    percentiles: tuple[float, float] | None = None

    @property
    def bands(self) -> tuple[str, ...]:
        """See `Rendering.bands`."""
        return (self.band,)

    def draw(
        self, planes: Planes, stretches: Stretches, window: Window, *, pixel: float, valid: Gaps, into: Memory
    ) -> NDArray[np.uint8]:
        """See `Rendering.draw`; a surface is lit, not stretched."""
        return hillshade(planes[0], window, unit=self.unit, pixel=pixel, valid=valid, into=into)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """One way to look at a zone."""

    key: str
    """Such as ``rgb``, ``irc``, ``ndvi``, ``band-R``, ``dsm-hillshade`` or ``other-date-2019-08-26``."""
    titles: Mapping[str, str]
    """What it is called, by language: ``en`` and ``fr``."""
    raster: str
    """Key of the raster that it shows, such as ``ortho``."""
    rendering: Rendering


Titles = tuple[str, str]
"""English and French."""

_BANDS: Mapping[str, Titles] = {
    "P": ("panchromatic", "panchromatique"),
    "R": ("red", "rouge"),
    "G": ("green", "vert"),
    "B": ("blue", "bleu"),
    "NIR": ("near infrared", "proche infrarouge"),
    "E": ("height above ground", "hauteur du sursol"),
    "DSM": ("height of the surface, DSM", "altitude de la surface, MNS"),
    "DTM": ("height of the terrain, DTM", "altitude du terrain, MNT"),
    "CHM": ("height above ground, CHM", "hauteur du sursol, MNH"),
}
_UNITS = {"E": 0.2, "DSM": 1.0, "DTM": 1.0, "CHM": 1.0}
"""Metres that one step of a height is."""
_COLOURS: Mapping[str, tuple[Titles, Rendering]] = {
    "rgb": (("Natural colours", "Couleurs naturelles"), Composite(("R", "G", "B"))),
    "irc": (("Colour infrared", "Infrarouge couleur"), Composite(("NIR", "R", "G"))),
    "ndvi": (("Vegetation index, NDVI", "Indice de végétation, NDVI"), Ndvi()),
}
_ROLES: Mapping[str, Titles] = {
    "other-date": ("another date", "autre date"),
    "map": ("map", "carte"),
    "irc": ("infrared picture", "image infrarouge"),
    "spot": ("SPOT", "SPOT"),
    "sentinel1": ("Sentinel-1", "Sentinel-1"),
    "sentinel2": ("Sentinel-2", "Sentinel-2"),
}


def recipes_for(rasters: Sequence[ZoneRaster]) -> list[Recipe]:
    """Return the ways to look at a zone, the one that it opens with first.

    Those of the orthophoto come first, then those of each other raster in its order, and single bands of the
    orthophoto last. The recipes of other rasters are called after the raster: ``dsm-height``, and bare
    ``other-date-2019-08-26`` for the first.

    Parameters
    ----------
    rasters
        The zone's, with its orthophoto.
    """
    ortho = next(raster for raster in rasters if raster.role == "ortho")
    found = {kind: _recipe(kind, titles, ortho, how) for kind, titles, how in _ways(ortho.bands)}
    bands = {kind: _recipe(kind, titles, ortho, how) for kind, titles, how in _single(ortho.bands)}
    if "rgb" not in found and "irc" not in found:
        first = next(iter(bands))
        found = {first: bands.pop(first), **found}
    for raster in rasters:
        if raster is not ortho:
            found |= {recipe.key: recipe for recipe in _others(raster, taken=found)}
    return [*found.values(), *bands.values()]


def _others(raster: ZoneRaster, taken: Mapping[str, Recipe]) -> Iterator[Recipe]:
    """Yield the recipes of a raster that is not the orthophoto."""
    ways = list(_ways(raster.bands)) or list(_single(raster.bands))
    for number, (kind, titles, how) in enumerate(ways):
        plain = number == 0 and not isinstance(how, Height) and raster.key not in taken
        yield _recipe(raster.key if plain else f"{raster.key}-{kind}", _told(titles, raster), raster, how)


def _ways(bands: Sequence[str]) -> Iterator[tuple[str, Titles, Rendering]]:
    """Yield what bands can show together: kind, titles, how."""
    for kind, (titles, how) in _COLOURS.items():
        if set(how.bands) <= set(bands):
            yield kind, titles, how
    heights = [band for band in bands if band in _UNITS]
    for band in heights:
        which = "" if band == heights[0] else f"-{band.lower()}"
        english, french = _BANDS[band]
        told = english[0].upper() + english[1:], french[0].upper() + french[1:]
        yield f"height{which}", told, Height(band)
        shaded = f"Hillshade: {english}", f"Ombrage\N{NARROW NO-BREAK SPACE}: {french}"
        yield f"hillshade{which}", shaded, Hillshade(band, _UNITS[band])


def _single(bands: Sequence[str]) -> Iterator[tuple[str, Titles, Rendering]]:
    """Yield what each band shows alone: kind, titles, how."""
    for band in bands:
        english, french = _BANDS.get(band, (band, band))
        yield f"band-{band}", (f"Band: {english}", f"Canal\N{NARROW NO-BREAK SPACE}: {french}"), Grey(band)


def _told(titles: Titles, raster: ZoneRaster) -> Titles:
    """Return titles that tell which raster is shown."""
    english, french = titles
    if raster.role in _ROLES:
        english, french = f"{english}, {_ROLES[raster.role][0]}", f"{french}, {_ROLES[raster.role][1]}"
    if raster.acquired:
        english, french = f"{english} {raster.acquired:%Y-%m-%d}", f"{french} {raster.acquired:%d/%m/%Y}"
    return english, french


def _recipe(key: str, titles: Titles, raster: ZoneRaster, how: Rendering) -> Recipe:
    english, french = titles
    return Recipe(key=key, titles={"en": english, "fr": french}, raster=raster.key, rendering=how)
