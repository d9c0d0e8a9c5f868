"""What must be known of a checkpoint, and who tells it: the person, its name, its family, in that order."""

from __future__ import annotations

__all__ = [
    "RESOLUTION",
    "UNKNOWN_LICENCE",
    "Said",
    "Unsaid",
    "tell_bands",
    "tell_classes",
    "tell_nomenclature",
    "tell_untrained",
    "with_statistics",
]

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.counting import counted
from workbench.errors import ModelError
from workbench.inference.card import Band
from workbench.inference.flair import (
    NOMENCLATURE,
    Family,
    NamedSo,
    bands_by_count,
    classes_of_scheme,
)
from workbench.nomenclature import Nomenclature, load_nomenclature

RESOLUTION = 0.2
"""Metres, of all that IGN has published."""
UNKNOWN_LICENCE = "unknown: ask whoever made it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What a person says of a checkpoint; it counts more than what the file, its name and its family tell."""

    family: Family | None = None
    """Whose classes and statistics it has, where the file does not say."""
    classes: tuple[str, ...] | None = None
    """Keys in the order of the outputs, or the name of one scheme of FLAIR's nomenclature."""
    untrained: tuple[str, ...] | None = None
    bands: tuple[str | Band, ...] | None = None
    """Names, with the statistics of the family; or bands with their own."""
    adapt_bands: tuple[str | Band, ...] | None = None
    """Bands that the model is to take instead of those that it was trained with."""
    resolution: float | None = None
    licence: str | None = None
    title: str | None = None
    nomenclature: str | None = None
    encoder: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsaid:
    """A checkpoint of which something must be told."""

    where: str
    """What it is called in refusals."""
    inputs: int
    outputs: int
    family: Family | None
    """Told by the person, its name or its layout."""
    told: NamedSo
    class_weights: Sequence[float] | None = None
    """Of its loss, by output."""


def tell_nomenclature(said: Said, otherwise: str = NOMENCLATURE) -> Nomenclature:
    """Return the nomenclature of the classes."""
    return load_nomenclature(said.nomenclature or otherwise)


def tell_classes(one: Unsaid, said: Said, nomenclature: Nomenclature) -> tuple[str, ...]:
    """Return the key of each output.

    Raises
    ------
    ModelError
        Nobody tells, or as many as there are not; or the nomenclature lacks one.
    """
    if said.classes is not None:
        classes, whose = _spelled(said.classes), "--classes names"
    elif one.family is not None:
        classes, whose = one.family.classes, f"{one.family.dataset} has"
    else:
        raise ModelError(
            f"{one.where} does not tell which classes its {one.outputs} outputs are; pass --family flair-inc "
            "or flair-hub, or --classes with their keys in order"
        )
    if len(classes) != one.outputs:
        raise ModelError(
            f"{one.where} gives {counted(one.outputs, 'class', 'classes')}, {whose} {len(classes)}; name all "
            "of them in the order of its outputs with --classes"
        )
    if strange := [key for key in classes if key not in nomenclature.keys]:
        raise ModelError(
            f"{nomenclature.name} has no class {', '.join(strange)}; it has {', '.join(nomenclature.keys)}; "
            "another one is chosen with --nomenclature"
        )
    return classes


def tell_untrained(
    one: Unsaid, said: Said, classes: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the classes that had no weight in training, and what a person should know of that."""
    if said.untrained is not None:
        return said.untrained, ()
    weights, named = one.class_weights, one.told.untrained
    if weights is not None and 0 in weights:
        zero = tuple(key for key, weight in zip(classes, weights, strict=True) if weight == 0)
        if named is not None and set(named) != set(zero):
            unweighted = counted(len(zero), "class", "classes")
            return zero, (f"its loss has {unweighted} without weight, its name says {len(named)}",)
        return zero, ()
    if named is None and (said.classes is not None or one.family is None):
        return (), ("nothing tells that any class was not trained; if one was not, pass --untrained",)
    without = named or (one.family.untrained if one.family else ())
    return tuple(key for key in classes if key in without), ()


def tell_bands(one: Unsaid, said: Said) -> tuple[Band, ...]:
    """Return the bands that go in, with their statistics.

    Raises
    ------
    ModelError
        Nobody tells which they are or how they were normalised, or tells as many as there are not.
    """
    names = said.bands or one.told.bands or bands_by_count(one.inputs)
    if names is None:
        raise ModelError(
            f"{one.where} takes {counted(one.inputs, 'band')} and does not tell which (3 may be R,G,B or "
            "NIR,R,G); pass --bands"
        )
    if len(names) != one.inputs:
        listed = ",".join(name if isinstance(name, str) else name.name for name in names)
        who = "--bands names" if said.bands else "its name says"
        raise ModelError(
            f"{one.where} takes {counted(one.inputs, 'band')}, {who} {listed}; pass --bands with {one.inputs}"
        )
    return with_statistics(names, {}, one.family, where=one.where)


def with_statistics(
    names: Sequence[str | Band], kept: Mapping[str, Band], family: Family | None, *, where: str
) -> tuple[Band, ...]:
    """Return bands with the statistics that were given, or that are kept already, or that a family has.

    Raises
    ------
    ModelError
        Nobody tells those of one.
    """
    found = []
    for name in names:
        if isinstance(name, Band):
            found.append(name)
        elif name in kept:
            found.append(kept[name])
        elif family is not None:
            found += family.bands((name,))
        else:
            raise ModelError(
                f"{where} does not tell how its band {name} was normalised; pass --family flair-inc or "
                "flair-hub, or --bands NAME:MEAN:STD,… of pixel values 0 to 255"
            )
    return tuple(found)


def _spelled(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Return keys for the name of a scheme, and keys as they are."""
    known = load_nomenclature(NOMENCLATURE).schemes
    return classes_of_scheme(classes[0]) if len(classes) == 1 and classes[0] in known else classes
