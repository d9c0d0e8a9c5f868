"""Candidates that somebody drew: polygons of the ground that may be proposed, a zone each."""

from __future__ import annotations

__all__ = ["read_candidates"]

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import shapely

from workbench.errors import CampaignError, GridError
from workbench.geo.areas import read_area_features
from workbench.geo.dalle import Dalle
from workbench.geo.grid import NATIONAL_GRID
from workbench.geo.zone import Zone, cut_cells


def read_candidates(path: Path, dalles: Sequence[Dalle]) -> Iterator[tuple[Dalle, Zone]]:
    """Yield the zones that polygons draw, each with the dalle that it would be cut from.

    A polygon takes the patch cells whose centre is inside; of several dalles, the one that shows the most.

    Parameters
    ----------
    path
        Vector file of polygons, in any CRS.
    dalles
        Of the pool.

    Raises
    ------
    VectorError
        The file cannot be read, or holds what is no polygon.
    CampaignError
        Two polygons overlap, or one lies on no dalle.
    """
    polygons = np.concatenate(list(read_area_features(path, crs=NATIONAL_GRID.crs).values()))
    pairs = shapely.STRtree(polygons).query(polygons, predicate="intersects").T
    for one, other in sorted(pairs[pairs[:, 0] < pairs[:, 1]].tolist()):
        if polygons[one].intersection(polygons[other]).area > 0:
            raise CampaignError(
                f"{path}: candidates {one + 1} and {other + 1} overlap, and ground is labelled once; draw "
                "them side by side"
            )
    for number, polygon in enumerate(polygons, start=1):
        cut = [(dalle, cells) for dalle in dalles if (cells := _cells(dalle, polygon))]
        if not cut:
            raise CampaignError(
                f"{path}: candidate {number} holds the centre of no patch cell of the pool's dalles; add the "
                "orthophoto of its ground to the pool, or leave it out"
            )
        dalle, cells = max(cut, key=lambda pair: len(pair[1]))
        yield dalle, dalle.zone(f"{dalle.name}-c{number}", cells)


def _cells(dalle: Dalle, polygon: Any) -> tuple[tuple[int, int], ...]:
    bounds = dalle.grid.bounds
    if not polygon.intersects(shapely.box(bounds.left, bounds.bottom, bounds.right, bounds.top)):
        return ()
    try:
        return cut_cells(dalle.grid, footprint=polygon)
    except GridError:  # its ground reaches beyond
        return ()
