"""The model card: what a model takes and gives, where it comes from, what it may be used for.

``card.json`` beside a model's weights, checked against ``schema/model-card.schema.json``. Classes are names
of a nomenclature in the order of the network's outputs, so that no number of one scheme is ever taken for
that of another; statistics are (band, mean, std) triples, so that none is applied by its position.
"""

from __future__ import annotations

__all__ = ["CARD", "WEIGHTS", "Band", "ModelCard", "read_card", "write_card"]

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.documents import canonical_bytes, digest, read_document, write_document
from workbench.errors import ModelError
from workbench.inference.architecture import Architecture
from workbench.nomenclature import Nomenclature

CARD, WEIGHTS = "card.json", "weights.safetensors"
_SCHEMA = "model-card"
_HEADER = {"format": "ocs-workbench/model-card", "format_version": 1}
_ID = re.compile(r"[a-z0-9][a-z0-9_.-]{0,47}")
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One band that a network takes, and how its pixels become numbers around 0."""

    name: str
    """``R``, ``G``, ``B``, ``NIR``, ``E`` (height above ground, as FLAIR stores it) …"""
    mean: float
    """Of pixel values 0–255."""
    std: float
    optional: bool = False
    """Whether the network was trained to do without: where a raster lacks the band, its mean goes in."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.mean) and math.isfinite(self.std) and self.std > 0):
            raise ModelError(
                f"band {self.name}: mean {self.mean} and std {self.std} normalise nothing; std is above 0"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelCard:
    """What a model is.

    Raises
    ------
    ModelError
        A class or band twice, an untrained class that is none, numbers that do not fit the architecture.
    """

    id: str
    """Lower-case letters, digits, ``-``, ``_`` and ``.``; pre-labels are written by ``model-<id>``."""
    title: str
    architecture: Architecture
    nomenclature: str
    """Name of the nomenclature whose keys `classes` are."""
    classes: tuple[str, ...]
    """Key of each output, in the network's order."""
    untrained: tuple[str, ...] = ()
    """Keys of classes that had no weight in training: they are never predicted, and are no doubt either."""
    bands: tuple[Band, ...]
    """In the network's order."""
    resolution: float
    """Metres per pixel that it was trained at."""
    licence: str
    source: str
    """Where the weights come from: a file's name, a hub's, a release."""
    release: str | None = None
    """Name of the release that it was trained on, where one is known."""
    domains: tuple[str, ...] = ()
    """Domains that it, or what it began with, was trained on, where they are known: others it never saw."""
    usage: str = ""
    limits: str = ""
    training: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """Hyper-parameters and provenance, as JSON."""
    metrics: Mapping[str, Any] = field(default_factory=lambda: _NOTHING)
    """As JSON, such as {"mIoU": 0.55}."""
    weights_sha256: str
    """Of the tensors' file."""

    def __post_init__(self) -> None:
        if _ID.fullmatch(self.id) is None:
            raise ModelError(f"{self.id!r} is no name of a model; use lower-case letters, digits, - and _")
        names = tuple(band.name for band in self.bands)
        for what, entries in (("class", self.classes), ("band", names), ("untrained class", self.untrained)):
            if len(set(entries)) != len(entries):
                twice = next(entry for entry in entries if entries.count(entry) > 1)
                raise ModelError(f"model {self.id}: {what} {twice} is there twice")
        if strange := set(self.untrained) - set(self.classes):
            raise ModelError(
                f"model {self.id}: {', '.join(sorted(strange))} untrained, but none of its classes"
            )
        if len(self.untrained) == len(self.classes):
            raise ModelError(f"model {self.id}: no class was trained; it can predict nothing")
        asked = (self.architecture.inputs, self.architecture.outputs)
        if asked != (len(self.bands), len(self.classes)):
            raise ModelError(
                f"model {self.id}: its network has {asked[0]} inputs and {asked[1]} outputs, the card names "
                f"{len(self.bands)} bands and {len(self.classes)} classes"
            )
        if not (math.isfinite(self.resolution) and self.resolution > 0):
            raise ModelError(f"model {self.id}: resolution {self.resolution} is not above 0")

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the card that a JSON document describes."""
        entries = {key: value for key, value in document.items() if key not in _HEADER}
        entries["architecture"] = Architecture.from_document(entries["architecture"])
        entries["bands"] = tuple(Band(**band) for band in entries["bands"])
        for key in ("classes", "untrained", "domains"):
            entries[key] = tuple(entries[key])
        return cls(**entries)

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return _HEADER | {
            "id": self.id,
            "title": self.title,
            "architecture": self.architecture.document(),
            "nomenclature": self.nomenclature,
            "classes": list(self.classes),
            "untrained": list(self.untrained),
            "bands": [
                {"name": band.name, "mean": band.mean, "std": band.std, "optional": band.optional}
                for band in self.bands
            ],
            "resolution": self.resolution,
            "licence": self.licence,
            "source": self.source,
            "release": self.release,
            "domains": list(self.domains),
            "usage": self.usage,
            "limits": self.limits,
            "training": dict(self.training),
            "metrics": dict(self.metrics),
            "weights_sha256": self.weights_sha256,
        }

    @property
    def digest(self) -> str:
        """SHA-256 of all that the card says, the weights' digest included."""
        return digest(canonical_bytes(self.document()))

    @property
    def trained(self) -> NDArray[np.bool_]:
        """Shape (class,). Which outputs count."""
        return np.array([key not in self.untrained for key in self.classes])

    @property
    def fills(self) -> tuple[int, ...]:
        """Pixel value, band by band, that stands for one that is not there: the mean, which tells nothing."""
        return tuple(min(255, max(0, round(band.mean))) for band in self.bands)

    def codes(self, nomenclature: Nomenclature) -> NDArray[np.uint8]:
        """Return the code of each output in a nomenclature, shape (class,); 0 for one that is never given.

        By name, whatever the order in the network.

        Raises
        ------
        ModelError
            A trained class is not in the nomenclature.
        """
        known = {entry.key: entry.code for entry in nomenclature.classes}
        strange = [key for key in self.classes if key not in known and key not in self.untrained]
        if strange:
            raise ModelError(
                f"model {self.id} gives {', '.join(strange)}, which {nomenclature.name} does not have; "
                f"it was made for {self.nomenclature}"
            )
        given = np.array([known.get(key, 0) for key in self.classes], dtype=np.uint8)
        return np.where(self.trained, given, 0).astype(np.uint8)

    def band_numbers(self, names: Sequence[str], *, where: str) -> tuple[int | None, ...]:
        """Return the number from 1 of each of the network's bands in a raster; None for one it does without.

        Parameters
        ----------
        names
            What each band of the raster shows.
        where
            What the raster is called in the refusal.

        Raises
        ------
        ModelError
            The raster lacks a band that the network cannot do without, or all of them.
        """
        missing = [band.name for band in self.bands if band.name not in names and not band.optional]
        if missing or not {band.name for band in self.bands} & set(names):
            wanted = ",".join(band.name for band in self.bands)
            raise ModelError(
                f"{where} has the bands {','.join(names)}, model {self.id} takes {wanted}; "
                f"{' and '.join(missing) or 'all of them'} missing: give a raster that has them, or name the "
                "bands with --bands"
            )
        return tuple(names.index(band.name) + 1 if band.name in names else None for band in self.bands)


def read_card(directory: Path) -> ModelCard:
    """Read the card of the model in a directory.

    Raises
    ------
    ModelError
        There is no model.
    DocumentError
        The card is not what its schema says.
    """
    path = directory / CARD
    if not path.is_file():
        raise ModelError(
            f"{directory} is no model: it has no {CARD}; make one by workbench model import or train"
        )
    document = read_document(path, schema=_SCHEMA)
    try:
        return ModelCard.from_document(document)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from error


def write_card(card: ModelCard, directory: Path) -> None:
    """Write a model's card into its directory."""
    write_document(card.document(), directory / CARD, schema=_SCHEMA)
