"""What a journal is about: the zone, its pixel grid, the author and the nomenclature of its codes."""

from __future__ import annotations

__all__ = ["FORMAT", "FORMAT_VERSION", "JournalMeta", "JournalSubject"]

import json
from dataclasses import dataclass
from typing import Any, Self

from affine import Affine

from workbench.documents import canonical_bytes, digest
from workbench.errors import GridError, JournalError
from workbench.geo.grid import PixelGrid
from workbench.labels.op import check_author

FORMAT = "ocs-workbench/journal"
FORMAT_VERSION = 1

# Two transforms that differ by less than this part of a pixel over the whole grid are the same one.
_SAME_PIXEL = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalSubject:
    """What every journal of a zone is about."""

    zone: str
    """Zone id ``domain/zone``."""
    grid: PixelGrid
    nomenclature: str
    """Name of the nomenclature that gives the codes their meaning."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalMeta:
    """The first thing written to a journal, and never changed: the chain of ops starts from its hash."""

    subject: JournalSubject
    author: str
    created: str
    """UTC time in ISO 8601."""

    def __post_init__(self) -> None:
        check_author(self.author)

    @property
    def text(self) -> str:
        """The meta document as it is stored: canonical JSON."""
        grid = self.subject.grid
        document = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "zone": self.subject.zone,
            "grid": {
                "crs": grid.crs,
                "transform": [float(value) for value in tuple(grid.transform)[:6]],
                "height": int(grid.height),
                "width": int(grid.width),
            },
            "author": self.author,
            "nomenclature": self.subject.nomenclature,
            "created": self.created,
        }
        return canonical_bytes(document).decode("utf-8")

    @property
    def genesis(self) -> str:
        """``previous`` of the first op."""
        return digest(self.text.encode("utf-8"))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read the meta document back.

        Raises
        ------
        JournalError
            It is not what `text` writes.
        """
        try:
            document: dict[str, Any] = json.loads(text)
            grid = document["grid"]
            subject = JournalSubject(
                zone=str(document["zone"]),
                grid=PixelGrid(
                    crs=str(grid["crs"]),
                    transform=Affine(*(float(value) for value in grid["transform"])),
                    height=int(grid["height"]),
                    width=int(grid["width"]),
                ),
                nomenclature=str(document["nomenclature"]),
            )
            meta = cls(subject=subject, author=str(document["author"]), created=str(document["created"]))
            same = meta.text == text
        except (ValueError, TypeError, KeyError, RecursionError, GridError) as error:
            raise JournalError(f"its meta document is damaged: {error!r}") from error
        if not same:
            raise JournalError("its meta document is damaged: it is not canonical")
        return meta

    def check_belongs(self, subject: JournalSubject) -> None:
        """Refuse a journal that was made for another zone, grid or nomenclature.

        Raises
        ------
        JournalError
            With both sides of the difference and the way out.
        """
        made = self.subject
        if made.zone != subject.zone or not _same_grid(made.grid, subject.grid):
            raise JournalError(
                f"it was made for zone {made.zone} on {_short(made.grid)}, "
                f"this is zone {subject.zone} on {_short(subject.grid)}; "
                "move it back to its own zone's journal folder, no label of it is used here"
            )
        if made.nomenclature != subject.nomenclature:
            raise JournalError(
                f"its codes are those of nomenclature {made.nomenclature}, the campaign's is "
                f"{subject.nomenclature}; open it in a campaign of its own nomenclature"
            )


def _same_grid(one: PixelGrid, other: PixelGrid) -> bool:
    if one.crs != other.crs or one.shape != other.shape:
        return False
    tolerance = _SAME_PIXEL * one.resolution
    size = float(max(one.shape))
    spans = (size, size, 1.0, size, size, 1.0)
    differences = zip(tuple(one.transform)[:6], tuple(other.transform)[:6], spans, strict=True)
    return all(abs(a - b) * span <= tolerance for a, b, span in differences)


def _short(grid: PixelGrid) -> str:
    """Describe a grid in one line."""
    crs = grid.crs if len(grid.crs) <= 40 else f"{grid.crs[:37]}…"
    x, y = float(grid.transform.c), float(grid.transform.f)
    return (
        f"a grid of {grid.height} × {grid.width} pixels of {grid.resolution:g} at ({x:.2f}, {y:.2f}) in {crs}"
    )
