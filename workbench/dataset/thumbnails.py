"""Small pictures of patches as PNG files: natural colours, infrared, labels in the classes' colours."""

from __future__ import annotations

__all__ = ["SIDE", "Thumbnails", "contact_sheet"]

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from workbench.geo.thumbnails import indexed_png, picked, png, shrunk, three_bands
from workbench.nomenclature import Nomenclature

if TYPE_CHECKING:
    from PIL.Image import Image

SIDE: Final = 128
"""Rows and columns of a thumbnail at most."""
_INFRARED: Final = ("NIR", "R", "G")
_GAP: Final = 4
"""Pixels between the pictures of a sheet."""
_LINE: Final = 20
"""Pixels from one line of the legend to the next."""
_ENTRY: Final = 196
"""Pixels across that a class has in the legend."""
_LETTERS: Final = 26
"""Letters of a name that find room there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thumbnails:
    """How patches of some bands and classes are drawn."""

    bands: tuple[str, ...]
    nomenclature: Nomenclature

    @property
    def names(self) -> tuple[str, ...]:
        """What is drawn of each patch."""
        return ("picture", *(("infrared",) if set(_INFRARED) <= set(self.bands) else ()), "labels")

    def draw(self, image: NDArray[np.uint8], codes: NDArray[np.uint8]) -> dict[str, bytes]:
        """Return the PNG files of a patch by name.

        Parameters
        ----------
        image
            Shape (band, row, col).
        codes
            Shape (row, col), of the nomenclature.
        """
        drawn = {"picture": self._composite(image, three_bands(self.bands))}
        if "infrared" in self.names:
            drawn["infrared"] = self._composite(image, _INFRARED)
        labels = indexed_png(picked(codes, SIDE), self.nomenclature.colour_table())
        return drawn | {"labels": labels}

    def _composite(self, image: NDArray[np.uint8], bands: Sequence[str]) -> bytes:
        return png(shrunk(image[[self.bands.index(band) for band in bands]], SIDE))


def contact_sheet(
    rows: Sequence[Mapping[str, bytes]], names: Sequence[str], legend: Sequence[tuple[str, str]]
) -> bytes:
    """Return one PNG of some patches beside each other, what is drawn of them below each other.

    Parameters
    ----------
    rows
        What is drawn of each patch, as `Thumbnails.draw` returns it.
    names
        Which of it, from above.
    legend
        Names and ``#rrggbb`` of the classes, written below.
    """
    from PIL import Image

    step = SIDE + _GAP
    across = max(1, step * len(rows) // _ENTRY)
    lines = -(-len(legend) // across)
    size = (max(step * len(rows) - _GAP, _ENTRY), step * len(names) + _LINE * lines)
    sheet = Image.new("RGB", size, (255, 255, 255))
    for col, drawn in enumerate(rows):
        for row, name in enumerate(names):
            sheet.paste(Image.open(io.BytesIO(drawn[name])).convert("RGB"), (step * col, step * row))
    for place, entry in enumerate(legend):
        line, col = divmod(place, across)
        _write_entry(sheet, _ENTRY * col, step * len(names) + _LINE * line, *entry)
    return _png(sheet)


def _write_entry(sheet: Image, left: int, top: int, name: str, colour: str) -> None:
    """Write a class into a picture, its colour beside its name."""
    from PIL import ImageDraw, ImageFont

    pen = ImageDraw.Draw(sheet)
    pen.rectangle((left, top + 3, left + _LINE - 8, top + _LINE - 5), fill=colour, outline="#808080")
    text = name if len(name) <= _LETTERS else f"{name[: _LETTERS - 1]}…"
    pen.text((left + _LINE, top + 2), text, fill="#000000", font=ImageFont.load_default(size=12))


def _png(picture: Image) -> bytes:
    content = io.BytesIO()
    picture.save(content, "PNG", optimize=True)
    return content.getvalue()
