"""Zones that could be cut from the pool, measured: what is said of them, how they look, what they take.

What is measured of a dalle is kept beside its prediction, and measured anew where the dalle, the prediction,
the old map or the zones changed: another budget or strategy costs seconds.
"""

from __future__ import annotations

__all__ = [
    "Doubt",
    "Measured",
    "OldMap",
    "Said",
    "measure_dalle",
    "measure_labelled",
    "measures_of",
    "shared_bands",
]

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from os import cpu_count
from pathlib import Path
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from workbench.active.appearance import STATISTICS, appearance
from workbench.active.cost import expected_picks
from workbench.active.measures import Measures
from workbench.campaign import Campaign
from workbench.documents import canonical_bytes, digest, write_file
from workbench.errors import CampaignError, ModelError
from workbench.geo.dalle import Dalle
from workbench.geo.predictions import DISAGREEMENT
from workbench.geo.raster import inspect_raster, read_bands, read_onto, read_valid
from workbench.geo.zone import Zone
from workbench.nomenclature import Nomenclature
from workbench.nomenclature.code_counts import code_counts
from workbench.segmentation.building import DEFAULT, segment
from workbench.workflows.predictions import pool_dir, predicted_by, read_prediction

Doubt = Literal["entropy", "confidence", "disagreement"]
"""What is taken for doubt: the entropy of a pixel's classes, how far the most probable one is from certain,
or what several models, or views of one, disagree on (BALD)."""

_KEPT: Final = "measures.json"
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
            found[name] = _stamp(path) if path else None
        return found | {"scheme": self.old_map.scheme if self.old_map else None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A zone, and what is known of it before anybody labels it."""

    zone: Zone
    expected: Mapping[str, float]
    """Pixels by class."""
    doubtful: Mapping[str, float]
    """The same pixels, each times its doubt, 0 to 1."""
    looks: Mapping[str, tuple[float, ...]]
    """`workbench.active.appearance.STATISTICS` of each band."""
    picks: float
    """How many it is expected to take."""

    def document(self, dalle: Dalle) -> dict[str, Any]:
        """Return what is kept of a zone of a dalle."""
        return {
            "zone": self.zone.name,
            "cells": dalle.cells_of(self.zone),
            "expected": dict(self.expected),
            "doubtful": dict(self.doubtful),
            "looks": dict(self.looks),
            "picks": self.picks,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any], dalle: Dalle) -> Self:
        """Return what was kept of a zone of a dalle."""
        return cls(
            zone=dalle.zone(document["zone"], tuple((row, col) for row, col in document["cells"])),
            expected=document["expected"],
            doubtful=document["doubtful"],
            looks={band: tuple(told) for band, told in document["looks"].items()},
            picks=float(document["picks"]),
        )


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
    path = pool_dir(campaign, dalle) / _KEPT
    if (kept := _read_kept(path, key)) is not None:
        return [Measured.of(one, dalle) for one in kept]
    found = []
    for number, zone in enumerate(zones):
        progress(number, len(zones))
        if (cut := _with_data(dalle, zone)) is not None:
            found.append(_measured(campaign.nomenclature, cut, said))
    progress(len(zones), len(zones))
    path.parent.mkdir(parents=True, exist_ok=True)
    content = json.dumps({"key": key, "zones": [one.document(dalle) for one in found]}).encode()
    write_file(path, content, error=CampaignError)
    return found


def measure_labelled(campaign: Campaign, zone: Zone) -> Measured:
    """Measure a zone of a campaign by its labels; nothing of it is doubtful, and it takes no more picks."""
    with campaign.open_store(zone) as store:
        codes = store.settled_labels()
    image = campaign.read_image(zone)
    return Measured(
        zone=zone,
        expected=_by_class(code_counts(codes).astype(np.float64), campaign.nomenclature),
        doubtful={},
        looks=_looks(image, zone),
        picks=0.0,
    )


def measures_of(
    measured: Sequence[Measured], *, nomenclature: Nomenclature, bands: Sequence[str]
) -> Measures:
    """Return zones as columns.

    What a zone looks like is, in columns, the statistics of some bands, which all zones have that are
    compared, and the square root of the share of each class: so that distances are Hellinger's, and rare
    classes count.

    Parameters
    ----------
    measured
        The zones.
    nomenclature
        Whose classes columns are of.
    bands
        Bands that count.
    """
    keys = tuple(entry.key for entry in nomenclature.classes)
    expected = np.array([[one.expected.get(key, 0.0) for key in keys] for one in measured])
    expected = expected.reshape(len(measured), len(keys))
    doubtful = np.array([[one.doubtful.get(key, 0.0) for key in keys] for one in measured])
    looks = np.array([[one.looks[band] for band in bands] for one in measured])
    looks = looks.reshape(len(measured), len(bands) * len(STATISTICS))
    shares = expected / np.maximum(expected.sum(axis=1, keepdims=True), 1)
    centres = [one.zone.grid.bounds for one in measured]
    places = [((one.left + one.right) / 2, (one.bottom + one.top) / 2) for one in centres]
    return Measures(
        ids=tuple(one.zone.id for one in measured),
        domains=tuple(one.zone.domain for one in measured),
        themes=tuple(one.zone.theme for one in measured),
        places=np.array(places, np.float64).reshape(len(measured), 2),
        area=np.array([one.zone.area / 1e6 for one in measured], np.float64),
        picks=np.array([one.picks for one in measured], np.float64),
        classes=keys,
        expected=expected,
        doubtful=doubtful.reshape(expected.shape),
        features=np.hstack([looks, np.sqrt(shares)]),
    )


def shared_bands(measured: Iterable[Measured]) -> tuple[str, ...]:
    """Return the bands that all of some zones have, in the order of the first."""
    found: tuple[str, ...] | None = None
    for one in measured:
        found = tuple(one.looks) if found is None else tuple(band for band in found if band in one.looks)
    return found or ()


def _measured(nomenclature: Nomenclature, zone: Zone, said: Said) -> Measured:
    footprint, at = zone.footprint(), zone.ortho.window
    image = read_bands(zone.ortho.path, window=at)
    codes, sure, doubt = _said(nomenclature, zone, said)
    codes = np.where(footprint, codes, np.uint8(0))
    with ThreadPoolExecutor(cpu_count()) as pool:
        hierarchy = segment(image, grid=zone.grid, valid=footprint, parameters=DEFAULT, map=pool.map)
    counts = code_counts(codes)
    weights = np.bincount(codes.reshape(-1), doubt.reshape(-1), minlength=256) / 255
    return Measured(
        zone=zone,
        expected=_by_class(counts.astype(np.float64), nomenclature),
        doubtful=_by_class(weights, nomenclature),
        looks=_looks(image, zone),
        picks=round(expected_picks(hierarchy, codes, sure), 1),
    )


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
    facts = [_VERSION, _stamp(dalle.path), dalle.bands, cells, said.key, meaning]
    return digest(canonical_bytes(facts))


def _stamp(path: Path) -> list[Any]:
    status = path.stat()
    return [path.name, status.st_size, status.st_mtime_ns]


def _read_kept(path: Path, key: str) -> list[dict[str, Any]] | None:
    """Return what was measured before; None where that is something else, or damaged: it is derived."""
    try:
        kept = json.loads(path.read_bytes())
        return list(kept["zones"]) if kept["key"] == key else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
