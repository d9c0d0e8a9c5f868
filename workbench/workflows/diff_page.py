"""A page about the difference of two releases: one file of HTML, that opens anywhere."""

from __future__ import annotations

__all__ = ["PAGE", "write_page"]

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Final

from workbench.documents import replacing
from workbench.export.changed_patches import ChangedPatch
from workbench.export.release_diff import ReleaseDiff
from workbench.export.transitions import UNLABELLED, UNTOLD
from workbench.pages import fill_page, page_kind
from workbench.threads import Map
from workbench.workflows.diff_thumbnails import draw_thumbnails
from workbench.workflows.diff_words import (
    about_releases,
    area,
    cause_word,
    headline,
    many,
    number,
    share,
    unit_of,
    unmoved_zones,
    why,
    zone_lines,
)
from workbench.workflows.release_reasons import Reasons

PAGE: Final = page_kind("a page on two releases", "ocs-workbench/release-diff")
_TEMPLATE: Final = Path(__file__).parent / "pages" / "release_diff.html.jinja"
_LISTED: Final = 2000
"""Patches without pictures that are listed; a page of more opens slowly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixCell:
    """A pair of classes in the matrix."""

    pixels: int
    area: str
    """In the unit of the matrix; empty where there is nothing."""
    heat: float
    """From 0 to 1: how much it is beside the largest change; 0 for what stayed."""
    stayed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """The classes that lost or gained ground, and how much went from which to which."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: tuple[tuple[MatrixCell, ...], ...]
    unit: str
    """Such as ``ha``: that of the largest change."""

    @classmethod
    def of(cls, diff: ReleaseDiff) -> Matrix:
        """Return the matrix of the classes of which any pixel changed, as their nomenclatures order them."""
        transitions, moves = diff.transitions, diff.transitions.moves()
        before, after = diff.before.nomenclature, diff.after.nomenclature
        lost, gained = {move.before for move in moves}, {move.after for move in moves}
        extra = (UNLABELLED, UNTOLD)
        rows = tuple(key for key in (*before.keys, *extra) if key in lost | gained)
        columns = tuple(key for key in (*after.keys, *extra) if key in lost | gained)
        most = max((move.pixels for move in moves), default=1)
        unit, size = unit_of(diff, most)

        def cell(row: str, column: str) -> MatrixCell:
            count = transitions.pixels[row, column]
            # By the square root, so that small changes are seen beside large ones.
            heat = 0.0 if row == column else round((count / most) ** 0.5, 3)
            told = number(count * diff.pixel_area / size) if count else ""
            return MatrixCell(pixels=count, area=told, heat=heat, stayed=row == column)

        return cls(
            rows=rows,
            columns=columns,
            cells=tuple(tuple(cell(row, column) for column in columns) for row in rows),
            unit=unit,
        )


def write_page(
    diff: ReleaseDiff,
    reasons: Reasons | None,
    path: Path,
    *,
    thumbnails: int,
    map: Map = map,  # noqa: A002
) -> None:
    """Write the page.

    Parameters
    ----------
    diff, reasons
        What it tells; no reasons where nobody asked the journals.
    path
        The file.
    thumbnails
        How many patches are shown as pictures, those that changed most; the others are listed.
    map
        Such as `workbench.threads.in_threads` gives.

    Raises
    ------
    WorkbenchError
        A picture cannot be read.
    """
    changed = iter(diff.changed)
    shown = draw_thumbnails(diff, islice(changed, thumbnails), map=map)
    # What is shown comes first, so that the iterator stands where the list begins.
    left = len(diff.changed) - thumbnails - _LISTED
    text = fill_page(
        _TEMPLATE,
        PAGE,
        diff=diff,
        reasons=reasons,
        headline=headline(diff),
        zone_lines=[*zone_lines(diff)],
        about=[*about_releases(diff)],
        matrix=Matrix.of(diff),
        moves=diff.transitions.moves(),
        zones=sorted(diff.changed_zones, key=lambda zone: (-zone.transitions.changed, zone.name)),
        unmoved=unmoved_zones(diff),
        colours=_colours(diff),
        thumbnails=shown,
        others=_others(changed),
        left=max(0, left),
        area=lambda pixels: area(diff, pixels),
        why=lambda zone: why(diff, zone, reasons),
        cause_word=cause_word,
        many=many,
        share=share,
    )
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(text)


def _others(changed: Iterator[ChangedPatch]) -> Iterator[ChangedPatch]:
    yield from islice(changed, _LISTED)


def _colours(diff: ReleaseDiff) -> dict[str, str]:
    """Return the colour of each class, ``#rrggbb``."""
    known = {UNLABELLED: "#ffffff", UNTOLD: "#dddddd"}
    classes = chain(diff.before.nomenclature.classes, diff.after.nomenclature.classes)
    return known | {entry.key: entry.colour for entry in classes}
