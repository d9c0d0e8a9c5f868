"""Zones that could be cut from the pool, measured: what is said of them, how they look, what they take.

What is measured of a dalle is kept beside its prediction, and measured anew where the dalle, the prediction,
the old map or the zones changed; what is measured of a labelled zone, where its journals or its orthophoto
did: another budget or strategy costs seconds.
"""

from __future__ import annotations

__all__ = [
    "Doubt",
    "OldMap",
    "Said",
    "measure_dalle",
    "measure_labelled",
]

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from os import cpu_count
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.active.appearance import appearance
from workbench.active.cost import expected_picks
from workbench.active.parts import parts_of
from workbench.campaign import Campaign
from workbench.documents import canonical_bytes, digest
from workbench.errors import CampaignError, HierarchyError, ModelError
from workbench.geo.dalle import Dalle
from workbench.geo.predictions import DISAGREEMENT
from workbench.geo.raster import inspect_raster, read_bands, read_onto, read_valid
from workbench.geo.zone import Zone
from workbench.labels.reading import read_journals
from workbench.nomenclature import Nomenclature
from workbench.nomenclature.code_counts import code_counts
from workbench.segmentation.building import DEFAULT, segment
from workbench.segmentation.hierarchy import Hierarchy
from workbench.workflows.kept_measures import FILE, keep, read_kept, stamp
from workbench.workflows.measured import Measured
from workbench.workflows.predictions import pool_dir, predicted_by, read_prediction

Doubt = Literal["entropy", "confidence", "disagreement"]
"""What is taken for doubt: the entropy of a pixel's classes, how far the most probable one is from certain,
or what several models, or views of one, disagree on (BALD)."""

_VERSION: Final = 2
"""Of what is measured; another one measures anew."""
_LEAST: Final = 0.5
"""Share of a zone's patches that must hold data everywhere, for it to be a candidate."""
_HALF: Final = 128
"""How sure an old map is, of 255: it may have been right when it was made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OldMap:
    """A class raster of earlier days, which says what may be where."""

    path: Path
    scheme: str
    """How its classes are numbered."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Who says what may be where: a prediction, an old map, or nobody."""

    prediction: Path | None = None
    doubt: Doubt = "entropy"
    old_map: OldMap | None = None
    """Asked where there is no prediction."""

    @property
    def key(self) -> dict[str, Any]:
        """What that depends on, as JSON."""
        found: dict[str, Any] = {"doubt": self.doubt}
        for name, path in (("prediction", self.prediction), ("map", self.old_map and self.old_map.path)):
            found[name] = stamp(path) if path else None
        return found | {"scheme": self.old_map.scheme if self.old_map else None}


def measure_dalle(
    campaign: Campaign,
    dalle: Dalle,
    zones: Sequence[Zone],
    said: Said,
    *,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Measured]:
    """Measure zones that could be cut from a dalle; those with too little data are left out.

    Parameters
    ----------
    campaign
        Whose pool the dalle is of.
    dalle, zones
        See `workbench.geo.dalle.lay_zones`.
    said
        Who says what may be where.
    progress
        Called with the zones that are done and all of them.

    Raises
    ------
    RasterError
        The dalle has gone, or is another one than when it joined the pool; a prediction is none for it.
    ModelError, NomenclatureError
        What is said is in other classes than the campaign's.
    """
    info = inspect_raster(dalle.path)
    if not info.grid.coincides(dalle.grid) or info.band_count != len(dalle.bands):
        raise CampaignError(
            f"{dalle.path} is another raster than when it joined the pool; take {dalle.id} out of it and add "
            "it again: workbench pool drop"
        )
    key = _key(campaign, dalle, zones, said)
    path = pool_dir(campaign, dalle) / FILE
    if (kept := read_kept(path, key, partial(_of_dalle, dalle=dalle))) is not None:
        return kept
    found = []
    for number, zone in enumerate(zones):
        progress(number, len(zones))
        if (cut := _with_data(dalle, zone)) is not None:
            found.append(_measured(campaign.nomenclature, cut, said))
    progress(len(zones), len(zones))
    named = ({"zone": one.zone.name, "cells": dalle.cells_of(one.zone)} | one.document() for one in found)
    keep(path, key, list(named))
    return found


def measure_labelled(campaign: Campaign, zone: Zone) -> Measured:
    """Measure a zone of a campaign by its labels; nothing of it is doubtful, and it takes no more picks."""
    key, path = _labelled_key(campaign, zone), campaign.zone_dir(zone) / FILE
    if kept := read_kept(path, key, partial(Measured.of, zone=zone)):
        return kept[0]
    with campaign.open_store(zone) as store:
        codes = store.settled_labels()
    image = campaign.read_image(zone)
    try:
        hierarchy = campaign.read_hierarchy(zone, image=image)
    except HierarchyError:
        hierarchy = _segmented(image, zone)
    columns = _columns(campaign.nomenclature)
    parts = parts_of(hierarchy, image, codes, np.zeros_like(codes), columns=columns)
    found = Measured(
        zone=zone,
        expected=_by_class(code_counts(codes).astype(np.float64), campaign.nomenclature),
        doubtful={},
        looks=_looks(image, zone),
        parts=parts,
        picks=0.0,
    )
    keep(path, key, [found.document()])
    return found


def _measured(nomenclature: Nomenclature, zone: Zone, said: Said) -> Measured:
    footprint, at = zone.footprint(), zone.ortho.window
    image = read_bands(zone.ortho.path, window=at)
    codes, sure, doubt = _said(nomenclature, zone, said)
    codes = np.where(footprint, codes, np.uint8(0))
    hierarchy = _segmented(image, zone)
    counts = code_counts(codes)
    weights = np.bincount(codes.reshape(-1), doubt.reshape(-1), minlength=256) / 255
    return Measured(
        zone=zone,
        expected=_by_class(counts.astype(np.float64), nomenclature),
        doubtful=_by_class(weights, nomenclature),
        looks=_looks(image, zone),
        parts=parts_of(hierarchy, image, codes, doubt, columns=_columns(nomenclature)),
        picks=round(expected_picks(hierarchy, codes, sure), 1),
    )


def _segmented(image: NDArray[Any], zone: Zone) -> Hierarchy:
    with ThreadPoolExecutor(cpu_count()) as pool:
        return segment(image, grid=zone.grid, valid=zone.footprint(), parameters=DEFAULT, map=pool.map)


def _columns(nomenclature: Nomenclature) -> NDArray[np.int64]:
    """Return the place of each code's class in a nomenclature, shape (256,); −1 where it is none."""
    columns = np.full(256, -1)
    for place, entry in enumerate(nomenclature.classes):
        columns[entry.code] = place
    return columns


def _said(
    nomenclature: Nomenclature, zone: Zone, said: Said
) -> tuple[NDArray[np.uint8], NDArray[np.uint8], NDArray[np.uint8]]:
    """Return class, certainty and doubt of each pixel, 0 to 255, as far as anybody says them."""
    nothing = np.zeros(zone.grid.shape, np.uint8)
    if said.prediction is not None:
        found = read_prediction(said.prediction, zone.grid)
        predicted_by(found, nomenclature, path=said.prediction)
        match said.doubt:
            case "entropy":
                doubt = found.entropy
            case "confidence":
                doubt = np.where(found.codes > 0, 255 - found.probability, 0).astype(np.uint8)
            case "disagreement":
                doubt = _disagreement(said.prediction, zone)
        return found.codes, found.probability, doubt
    if said.old_map is not None:
        values = read_onto(said.old_map.path, zone.grid, bands=[1], nearest=True)[0]
        codes = nomenclature.decode(values, said.old_map.scheme)
        return codes, np.full_like(codes, _HALF), nothing
    return nothing, nothing, nothing


def _disagreement(path: Path, zone: Zone) -> NDArray[np.uint8]:
    info = inspect_raster(path)
    if DISAGREEMENT not in info.descriptions:
        raise ModelError(
            f"{path} is of one model seen once, which disagrees with nobody; give --model several times, or "
            "--views 8, or go by --doubt entropy"
        )
    band = info.descriptions.index(DISAGREEMENT) + 1
    plane: NDArray[np.uint8] = read_bands(path, bands=[band], window=info.grid.window(zone.grid.bounds))[0]
    return plane


def _with_data(dalle: Dalle, zone: Zone) -> Zone | None:
    """Return a zone without the patches that lack data somewhere; None where too few are left."""
    valid = read_valid(dalle.path, window=zone.ortho.window)
    cells = tuple(
        cell
        for cell, (_, window) in zip(dalle.cells_of(zone), zone.patch_windows(), strict=True)
        if valid[window.slices].all()
    )
    if len(cells) < _LEAST * len(zone.cells):
        return None
    return zone if len(cells) == len(zone.cells) else dalle.zone(zone.name, cells)


def _looks(image: NDArray[Any], zone: Zone) -> dict[str, tuple[float, ...]]:
    told = np.round(appearance(image, zone.footprint()), 4).tolist()
    return {band: tuple(row) for band, row in zip(zone.ortho.bands, told, strict=True)}


def _by_class(table: NDArray[np.float64], nomenclature: Nomenclature) -> dict[str, float]:
    """Return what a table by code has of each class of which it has anything."""
    return {
        entry.key: round(float(table[entry.code]), 3)
        for entry in nomenclature.classes
        if table[entry.code] > 0
    }


def _key(campaign: Campaign, dalle: Dalle, zones: Sequence[Zone], said: Said) -> str:
    """Return the digest of all that the measures of a dalle depend on."""
    cells = [[zone.name, dalle.cells_of(zone)] for zone in zones]
    meaning = [campaign.nomenclature.name, campaign.nomenclature.version, DEFAULT.digest("")]
    facts = [_VERSION, stamp(dalle.path), dalle.bands, cells, said.key, meaning]
    return digest(canonical_bytes(facts))


def _labelled_key(campaign: Campaign, zone: Zone) -> str:
    """Return the digest of all that the measures of a labelled zone depend on.

    The last op of a journal tells all of it: each holds the hash of the one before. Some, like a comment,
    change no label, and cost one more look at the zone.
    """
    journals = read_journals(campaign.journal_dir(zone), campaign.subject(zone))
    heads = [[one.meta.author, len(one.rows), one.head_sha256] for one in journals]
    cells = [[cell.row, cell.col] for cell in zone.cells]
    seen = [stamp(zone.ortho.path), zone.ortho.pixels_sha256, zone.ortho.bands, cells]
    meaning = [campaign.nomenclature.name, campaign.nomenclature.version]
    return digest(canonical_bytes([_VERSION, heads, seen, meaning]))


def _of_dalle(kept: Mapping[str, Any], dalle: Dalle) -> Measured:
    zone = dalle.zone(str(kept["zone"]), tuple((row, col) for row, col in kept["cells"]))
    return Measured.of(kept, zone)
