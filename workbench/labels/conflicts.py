"""Conflicts: pixels to which two authors gave different classes, neither having seen the other's edit.

Of each author the last op on a pixel counts. One of them is settled when the author of another had seen it:
what somebody painted over with open eyes is no conflict. If those that are left give different codes, the
pixel is in conflict, whichever of them the labels show. An edit by anybody who has seen them settles it.

What an author had seen is in the envelope of each op (``seen``); what those ops had seen in turn, they had
seen too (vector clocks: Fidge 1988, Mattern 1989; a pixel's labels are a multi-value register: Shapiro et al.
2011).
"""

from __future__ import annotations

__all__ = ["Conflict", "Conflicts", "find_conflicts"]

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.geo.grid import Window
from workbench.labels.ground import bare_in, nothing_shown
from workbench.labels.lasts import last_at
from workbench.labels.optable import OpTable
from workbench.labels.painting import TILE, Ground, Shown, fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Pixels on which the same ops disagree."""

    ops: tuple[str, ...]
    """Ids of the ops, sorted."""
    codes: tuple[int, ...]
    """What each gives."""
    uppers: tuple[str | None, ...]
    """Key of the upper class of which each was sure, None of a class."""
    pixels: int
    window: Window
    """Bounding box of the pixels."""
    row: int
    """A pixel of it, for a person to go to."""
    col: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Conflicts:
    """All conflicts of a zone at one moment."""

    found: tuple[Conflict, ...]
    """The largest first."""
    rows: NDArray[np.int64]
    """Shape (pixel,). Rows of the pixels in conflict."""
    cols: NDArray[np.int64]


def find_conflicts(table: OpTable, ground: Ground, kind: str) -> Conflicts:
    """Return the conflicts among the ops of a kind that count.

    Costs the ops that meet the tiles where more than one author painted.

    Parameters
    ----------
    table
        Of the zone.
    ground
        Of the zone.
    kind
        Of the ops that paint.
    """
    contested = table.shared_tiles(kind)
    if not contested.any():
        return Conflicts(found=(), rows=np.zeros(0, np.int64), cols=np.zeros(0, np.int64))
    authors = list(table.heads)
    rows, cols = _pixels_of(contested, ground.footprint)
    last = np.stack(
        [last_at(_shown_of(table, ground, kind, author, contested), rows, cols) for author in authors]
    )
    several = (last > 0).sum(axis=0) > 1
    rows, cols, last = rows[several], cols[several], last[:, several]
    combinations, which = np.unique(last, axis=1, return_inverse=True)
    clocks = table.clocks()
    disputes = [_disputed(table, clocks, combination) for combination in combinations.T]
    inside = np.array([bool(dispute) for dispute in disputes], np.bool_)[which]
    rows, cols, which = rows[inside], cols[inside], which[inside]
    found = [
        _described(table, positions, rows[which == number], cols[which == number])
        for number, positions in enumerate(disputes)
        if positions
    ]
    return Conflicts(
        found=tuple(sorted(found, key=lambda conflict: (-conflict.pixels, conflict.ops))),
        rows=rows,
        cols=cols,
    )


def _pixels_of(
    contested: NDArray[np.bool_], footprint: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return rows and columns of the pixels of some tiles that lie in the footprint."""
    height, width = footprint.shape
    found = []
    for row, col in (np.argwhere(contested) * TILE).tolist():
        inside = np.argwhere(footprint[row : min(height, row + TILE), col : min(width, col + TILE)])
        found.append(inside + np.array([row, col]))
    rows, cols = np.concatenate(found).T
    return rows, cols


def _shown_of(table: OpTable, ground: Ground, kind: str, author: str, tiles: NDArray[np.bool_]) -> Shown:
    """Return what an author's ops alone leave on the pixels of some tiles."""
    shown, bare = nothing_shown(ground), bare_in(ground, tiles)
    for position in table.beneath(kind, bare, author=author):
        fill(table.spans(position), ground, position, table.value(position), shown, bare)
    return shown


def _disputed(
    table: OpTable, clocks: list[Mapping[str, int]], combination: NDArray[np.uint32]
) -> tuple[int, ...]:
    """Return the ops that nobody who painted there had seen, if they give different codes."""
    positions = [int(place) - 1 for place in combination if place]
    names = {position: table.name(position) for position in positions}
    unseen = [
        position
        for position in positions
        if not any(
            clocks[other].get(names[position][0], 0) >= names[position][1]
            for other in positions
            if other != position
        )
    ]
    given = {(table.value(position), table.upper(position)) for position in unseen}
    return tuple(unseen) if len(given) > 1 else ()


def _described(
    table: OpTable, positions: tuple[int, ...], rows: NDArray[np.int64], cols: NDArray[np.int64]
) -> Conflict:
    told = ((table.name(one), table.value(one), table.upper(one)) for one in positions)
    named = sorted(told, key=lambda one: one[0])
    row, col = int(rows.min()), int(cols.min())
    middle = int(np.argmin(np.abs(rows - np.median(rows)) + np.abs(cols - np.median(cols))))
    return Conflict(
        ops=tuple(f"{author}:{seq}" for (author, seq), _, _ in named),
        codes=tuple(code for _, code, _ in named),
        uppers=tuple(upper for _, _, upper in named),
        pixels=rows.size,
        window=Window(row=row, col=col, height=int(rows.max()) - row + 1, width=int(cols.max()) - col + 1),
        row=int(rows[middle]),
        col=int(cols[middle]),
    )
