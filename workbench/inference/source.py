"""The bands of a raster as a network takes them: in its order, in bytes, gaps filled."""

from __future__ import annotations

__all__ = ["NOTHING", "RasterSource", "band_names"]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from affine import Affine
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.errors import ModelError
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.predictions import PLANES
from workbench.geo.raster import ORTHO_BANDS, RasterInfo, read_bands, read_resampled, read_valid
from workbench.inference.card import ModelCard

NOTHING = "-"
"""Name of a band that shows nothing which a model takes."""
_ORTHO = ("P", *ORTHO_BANDS[5])
_SAME_RESOLUTION = 0.01
"""A share by which resolutions may differ: 0.2 m and 0.2006 m show the same."""


def band_names(info: RasterInfo, wish: Sequence[str] | None, card: ModelCard) -> tuple[str, ...]:
    """Return what each band of a raster shows: as told, as the file says, or by their number.

    Names that are told are those of an orthophoto's bands or of the model's; `NOTHING` is one that does not
    matter.

    Raises
    ------
    ModelError
        Nobody can tell.
    """
    known = [band.name for band in card.bands]
    if wish is not None:
        if len(wish) != info.band_count:
            raise ModelError(
                f"{info.path} has {counted(info.band_count, 'band')}, --bands names {len(wish)}; name each "
                "of them"
            )
        if strange := [name for name in wish if name not in {*known, *_ORTHO, NOTHING}]:
            raise ModelError(
                f"--bands names {strange[0]}, which is neither a band of orthophotos nor of model {card.id}; "
                f"give one of {', '.join(dict.fromkeys((*known, *_ORTHO)))}, or {NOTHING} for a band that "
                "does not matter"
            )
        return tuple(wish)
    if set(known) & set(info.descriptions):
        return info.descriptions
    if classes := sorted({*card.classes, *PLANES} & set(info.descriptions)):
        raise ModelError(
            f"{info.path} has a band called {classes[0]}, as predictions have, and no picture's; give the "
            "orthophoto, or name the bands: --bands R,G,B"
        )
    if info.band_count not in ORTHO_BANDS:
        raise ModelError(
            f"{info.path} has {counted(info.band_count, 'band')}, but nobody says of what; name them: "
            "--bands R,G,B"
        )
    return ORTHO_BANDS[info.band_count]


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterSource:
    """A raster as a model takes it; a `predict.Source`."""

    info: RasterInfo
    numbers: tuple[int | None, ...]
    """Number from 1 of each band that the network takes; None for one that the raster does not have."""
    fills: tuple[int, ...]
    """What stands for a pixel that is not there, band by band."""
    window: Window
    """The part of the raster that is meant."""
    factor: float = 1.0
    """Side of a pixel that is given, in pixels of the file."""

    @classmethod
    def of(
        cls,
        info: RasterInfo,
        card: ModelCard,
        *,
        bands: Sequence[str],
        window: Window | None = None,
        resample: bool = False,
    ) -> Self:
        """Return a raster's bands as a model takes them.

        Parameters
        ----------
        info
            The raster.
        card
            Of the model.
        bands
            What each band of the raster shows.
        window
            The part that is meant; all of it by default.
        resample
            Give pixels of the model's resolution.

        Raises
        ------
        ModelError
            The raster lacks a band, or is not in 8 bits.
        """
        if info.dtype != "uint8":
            raise ModelError(
                f"{info.path} is {info.dtype}, models take 8 bits; convert it: gdal_translate -ot Byte -scale"
            )
        if resample and window is not None:
            raise ModelError("a part of a raster is not resampled; predict the whole raster")
        return cls(
            info=info,
            numbers=card.band_numbers(bands, where=str(info.path)),
            fills=card.fills,
            window=window or info.grid.whole,
            factor=card.resolution / info.grid.resolution if resample else 1.0,
        )

    @property
    def grid(self) -> PixelGrid:
        """Where the pixels that are given lie."""
        if self.factor == 1:
            return self.info.grid.crop(self.window)
        grid = self.info.grid
        return PixelGrid(
            crs=grid.crs,
            transform=grid.transform @ Affine.scale(self.factor),
            height=max(1, round(grid.height / self.factor)),
            width=max(1, round(grid.width / self.factor)),
        )

    @property
    def key(self) -> Mapping[str, Any]:
        """What the pixels depend on: the file as it is, and how it is read."""
        status = self.info.path.stat()
        return {
            "path": str(self.info.path.resolve()),
            "size": status.st_size,
            "modified": status.st_mtime_ns,
            "numbers": list(self.numbers),
            "fills": list(self.fills),
            "window": [self.window.row, self.window.col, self.window.height, self.window.width],
            "factor": self.factor,
        }

    def read(self, window: Window) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
        """Return pixels, shape (row, col, band), and where there are any, shape (row, col)."""
        there = [(place, number) for place, number in enumerate(self.numbers) if number is not None]
        numbers = [number for _, number in there]
        if self.factor == 1:
            part = Window(
                row=window.row + self.window.row,
                col=window.col + self.window.col,
                height=window.height,
                width=window.width,
            )
            found, valid = read_bands(self.info.path, bands=numbers, window=part), self._valid(part)
        else:
            found = read_resampled(self.info.path, bands=numbers, window=window, factor=self.factor)
            valid = self._valid_resampled(window)
        pixels = np.empty((*window.shape, len(self.numbers)), dtype=np.uint8)
        pixels[...] = self.fills
        for (place, _), band in zip(there, found, strict=True):
            pixels[..., place] = band
        if not valid.all():
            pixels[~valid] = self.fills
        return pixels, valid

    def _valid(self, window: Window) -> NDArray[np.bool_]:
        return read_valid(self.info.path, window=window)

    def _valid_resampled(self, window: Window) -> NDArray[np.bool_]:
        """Return where the pixel of the file below the middle of each one has data."""
        rows, cols = (
            np.minimum(((np.arange(first, first + count) + 0.5) * self.factor).astype(int), limit - 1)
            for first, count, limit in (
                (window.row, window.height, self.info.grid.height),
                (window.col, window.width, self.info.grid.width),
            )
        )
        part = Window(
            row=int(rows[0]),
            col=int(cols[0]),
            height=int(rows[-1] - rows[0]) + 1,
            width=int(cols[-1] - cols[0]) + 1,
        )
        return self._valid(part)[np.ix_(rows - rows[0], cols - cols[0])]

    def differs(self, card: ModelCard) -> bool:
        """Tell whether the pixels that are given are finer or coarser than those that a model learnt from."""
        return abs(self.grid.resolution / card.resolution - 1) > _SAME_RESOLUTION
