"""A model's prediction for a zone as a raster: what it sees where and how sure it is, pixel by pixel.

``prediction.tif`` lies beside a zone's hierarchy: class, probability of that class and entropy, each in one
byte. Its tags ``MODEL``, ``MODEL_SHA256`` and ``NOMENCLATURE`` say whose it is, and what its classes mean;
``MODEL_DOMAINS`` and ``MODEL_ZONES`` what ground that model has seen.
"""

from __future__ import annotations

__all__ = [
    "PredictedBy",
    "Prediction",
    "dalle_prediction",
    "pool_dir",
    "predicted_by",
    "prediction_path",
    "prediction_tags",
    "read_prediction",
]

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.documents import inside
from workbench.errors import GridError, ModelError, RasterError
from workbench.geo.dalle import Dalle
from workbench.geo.grid import PixelGrid
from workbench.geo.predictions import PLANES, check_prediction
from workbench.geo.raster import inspect_raster, read_bands
from workbench.geo.zone import Zone, domain_of, is_domain
from workbench.nomenclature import Nomenclature
from workbench.nomenclature.code_counts import code_counts
from workbench.workflows.learned import SeenGround

_FILE = "prediction.tif"
_MODEL = re.compile(r"[a-z0-9][a-z0-9_.-]{0,46}[a-z0-9_-]|[a-z0-9]")
_DIGEST = re.compile(r"([0-9a-f]{64})?")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prediction:
    """What a model said of each pixel of a zone, shape (row, col) each."""

    codes: NDArray[np.uint8]
    """0 where it said nothing."""
    probability: NDArray[np.uint8]
    """Of the class, from 0 to 255."""
    entropy: NDArray[np.uint8]
    """From 0, sure, to 255, every class alike."""
    tags: Mapping[str, str]
    """What the file says of itself; see `prediction_tags`."""


def prediction_path(campaign: Campaign, zone: Zone) -> Path:
    """Return where a prediction for a zone lies, if there is one."""
    return campaign.zone_dir(zone) / _FILE


def pool_dir(campaign: Campaign, dalle: Dalle) -> Path:
    """Return the directory of what is derived from a dalle of the pool; anybody may throw it away."""
    return inside(campaign.path, "pool", dalle.domain, dalle.name)


def dalle_prediction(campaign: Campaign, dalle: Dalle) -> Path:
    """Return where a prediction for a dalle of the pool lies, if there is one."""
    return pool_dir(campaign, dalle) / _FILE


def prediction_tags(
    *,
    model: str,
    digest: str,
    nomenclature: str,
    domains: Iterable[str] | None = None,
    zones: Iterable[str] = (),
) -> dict[str, str]:
    """Return what a prediction says of itself.

    Parameters
    ----------
    model, digest
        Id of the model, and digest of its card.
    nomenclature
        Of the classes.
    domains
        That the model was trained on; None where that is not known.
    zones
        That it has seen, all of the domains that they are of.
    """
    tags = {"MODEL": model, "MODEL_SHA256": digest, "NOMENCLATURE": nomenclature}
    if domains is None:
        return tags
    return tags | {"MODEL_DOMAINS": json.dumps(sorted(domains)), "MODEL_ZONES": json.dumps(sorted(zones))}


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictedBy:
    """The model that a prediction is of."""

    model: str
    """Id on its card."""
    digest: str
    """Of its card; empty where the prediction does not say."""
    saw: SeenGround | None
    """Ground that it has seen; None where the prediction does not say."""


def predicted_by(said: Prediction, nomenclature: Nomenclature, *, path: Path) -> PredictedBy:
    """Return whose a prediction is, if its classes are those of a nomenclature.

    Raises
    ------
    ModelError
        It does not say whose it is, or means something else.
    """
    model, digest = said.tags.get("MODEL", ""), said.tags.get("MODEL_SHA256", "")
    if _MODEL.fullmatch(model) is None or _DIGEST.fullmatch(digest) is None:
        raise ModelError(
            f"{path} does not say which model made it, by the tags MODEL and MODEL_SHA256; predict the zone "
            "again"
        )
    named = said.tags.get("NOMENCLATURE", nomenclature.name).split(" ")[0]
    if named != nomenclature.name:
        raise ModelError(
            f"{path} has the classes of {named}, the campaign labels with {nomenclature.name}; "
            "predict the zone again"
        )
    present = np.flatnonzero(code_counts(said.codes)).tolist()
    strange = sorted(set(present) - {0, *nomenclature.codes})
    if strange:
        raise ModelError(
            f"{path} has class {strange[0]}, which {nomenclature.name} does not have; predict the zone again"
        )
    return PredictedBy(model=model, digest=digest, saw=_seen(said, path))


def _seen(said: Prediction, path: Path) -> SeenGround | None:
    """Return the ground that a prediction says its model has seen; earlier ones tell no zones."""
    if "MODEL_DOMAINS" not in said.tags:
        return None
    domains = _listed(said, "MODEL_DOMAINS", path)
    zones = _listed(said, "MODEL_ZONES", path) if "MODEL_ZONES" in said.tags else frozenset[str]()
    return SeenGround(domains=domains, zones=zones)


def _listed(said: Prediction, tag: str, path: Path) -> frozenset[str]:
    """Return the domains, or the zones, that a tag lists."""
    try:
        listed = json.loads(said.tags[tag])
    except ValueError:
        listed = None
    if not isinstance(listed, list) or not all(
        isinstance(one, str) and is_domain(domain_of(one)) for one in listed
    ):
        raise ModelError(
            f"{path}: its tag {tag} is no list of domains or their zones; predict the zone again"
        )
    return frozenset(listed)


def read_prediction(path: Path, grid: PixelGrid) -> Prediction:
    """Read a prediction on the pixels of a zone.

    Raises
    ------
    RasterError
        It cannot be read, or is none for these pixels.
    """
    info = inspect_raster(path, assume_crs=grid.crs)
    check_prediction(info)
    if info.band_count < len(PLANES):
        raise RasterError(
            f"{path} has the class alone, and does not say how sure it is; predict the zone again"
        )
    try:
        window = info.grid.window(grid.bounds)
    except GridError as error:
        told = f"{path} is no prediction for this zone: {error}; predict the zone again"
        raise RasterError(told) from error
    if info.grid.crs != grid.crs or window.shape != grid.shape:
        raise RasterError(
            f"{path} is no prediction for this zone: it is in {info.grid.crs[:40]} at "
            f"{info.grid.resolution:g} m; predict the zone again"
        )
    codes, probability, entropy = read_bands(path, bands=(1, 2, 3), window=window)
    return Prediction(codes=codes, probability=probability, entropy=entropy, tags=info.tags)
