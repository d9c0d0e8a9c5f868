"""The targets of a crosswalk as a nomenclature of their own, with numbers for the published trees."""

from __future__ import annotations

__all__ = ["UNDECIDED", "class_key", "nomenclature_of"]

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from workbench.nomenclature.classes import LandCoverClass, Nomenclature, Scheme, UpperClass
from workbench.nomenclature.crosswalk import Crosswalk, TargetClass

UNDECIDED: Final = "undecided"
"""Key of the class of pixels whose class nobody decided; a decision may be this, too."""
_FROM_ONE: Final = "flair"
_FROM_ZERO: Final = "flair_hub"
"""Schemes of the published trees; numbers of the one begin with 1, of the other with 0."""


def nomenclature_of(crosswalk: Crosswalk) -> Nomenclature:
    """Return the targets of a crosswalk as a nomenclature: the same whatever is decided.

    Targets that are classes of the source, with their codes, keep its numbers in all trees, for networks keep
    their outputs; others have the table's values in FLAIR's tree, and these less 1 in FLAIR-HUB's.
    """
    bare = crosswalk.source.schemes[_FROM_ONE].other or ""  # what nobody labelled is written as it
    other = UNDECIDED if crosswalk.undecided else class_key(crosswalk.table[bare])
    kept = _keeps_numbers(crosswalk)
    entries = [*crosswalk.targets, *_undecided(crosswalk)]
    numbers = {
        scheme: {one.key: _number(one, scheme, crosswalk.source if kept else None) for one in entries}
        for scheme in (_FROM_ONE, _FROM_ZERO)
    }
    ours = () if kept or crosswalk.status == "published" else tuple(class_key(one.key) for one in entries)
    how = f"as in {crosswalk.source.name}" if kept else f"those of {crosswalk.name}, from 1"
    return Nomenclature(
        name=crosswalk.target,
        version=crosswalk.version,
        titles=crosswalk.titles,
        notes=(f"Made of the targets of {crosswalk.name}: nobody labels in these classes.", *crosswalk.notes),
        schemes={
            _FROM_ONE: _scheme(f"In trees of FLAIR's layout: numbers {how}.", crosswalk, other, ours),
            _FROM_ZERO: _scheme(
                f"In trees of FLAIR-HUB's layout: numbers {how if kept else f'{how}, less 1'}.",
                crosswalk,
                other,
                ours,
            ),
        },
        groups=tuple(
            UpperClass(
                key=class_key(group.key),
                titles=group.titles,
                colour=group.colour,
                parent=class_key(group.parent) if group.parent else None,
                fallback=class_key(group.fallback) if group.fallback else None,
            )
            for group in crosswalk.groups
        ),
        classes=tuple(
            _class(one, crosswalk, {scheme: held[one.key] for scheme, held in numbers.items()})
            for one in entries
        ),
    )


def _class(target: TargetClass, crosswalk: Crosswalk, values: Mapping[str, int]) -> LandCoverClass:
    told = (
        {
            "en": f"{target.key} of {crosswalk.target}, derived from {crosswalk.source.name}.",
            "fr": f"{target.key} de {crosswalk.target}, dérivé de {crosswalk.source.name}.",
        }
        if target.key != UNDECIDED
        else {
            "en": f"A class of {crosswalk.source.name} that nobody decided, or what nobody labelled.",
            "fr": f"Une classe de {crosswalk.source.name} non décidée, ou ce qui n'est pas annoté.",
        }
    )
    return LandCoverClass(
        code=target.value,
        key=class_key(target.key),
        titles=target.titles,
        colour=target.colour,
        palettes={},
        parent=class_key(target.parent) if target.parent else None,
        definition=told,
        definition_status="working",
        definition_source=f"{crosswalk.name} {crosswalk.version}",
        observed={},
        confused_with=(),
        values=values,
    )


def _undecided(crosswalk: Crosswalk) -> Iterator[TargetClass]:
    """Yield the class of what is not decided, where a crosswalk leaves something so."""
    if crosswalk.undecided:
        yield TargetClass(
            value=max(one.value for one in crosswalk.targets) + 1,
            key=UNDECIDED,
            titles={"en": "undecided", "fr": "indécidé"},
            colour="#000000",
            parent=None,
            scored=False,
        )


def _scheme(description: str, crosswalk: Crosswalk, other: str, ours: Iterable[str]) -> Scheme:
    return Scheme(
        description=description,
        defined_by=f"{crosswalk.name} {crosswalk.version}, {crosswalk.status}",
        other=other,
        ours=tuple(ours),
        palette=None,
    )


def _keeps_numbers(crosswalk: Crosswalk) -> bool:
    """Tell whether all targets are classes of the source with their codes, as the 15 scored ones are."""
    codes: dict[str, Any] = {entry.key: entry.code for entry in crosswalk.source.classes}
    return all(codes.get(one.key) == one.value for one in crosswalk.targets)


def _number(target: TargetClass, scheme: str, source: Nomenclature | None) -> int:
    """Return the number of a target in a published tree: the source's, where that is kept."""
    if source is not None:
        return source.by_key(target.key).values[scheme]
    return target.value - (scheme == _FROM_ZERO)


def class_key(key: str) -> str:
    """Return the key of a class for what another owner calls CS1.1.1.1: cs1_1_1_1."""
    return key.lower().replace(".", "_")
