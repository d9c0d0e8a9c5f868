"""A release is held against its rules: its zones before anything is cut, its patches before it appears."""

from __future__ import annotations

__all__ = ["judge_index", "judge_sources", "pictures_of"]

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from workbench.export.columns import PatchColumns
from workbench.export.fingerprints import luminance
from workbench.export.gates import source_verdicts
from workbench.export.honesty import honesty_verdicts
from workbench.export.index import PatchIndex
from workbench.export.layouts import Layout
from workbench.export.leakage import Leak, Leakage, Picture, find_duplicates, find_leaks
from workbench.export.patches import ZoneSource, cut_patches
from workbench.export.pixels import PatchPixels
from workbench.export.rules import Outcome, Rules, Verdict
from workbench.export.shares import ClassCounts, blank_verdict, drift_verdict, unlabelled_verdicts
from workbench.geo.grid import NATIONAL_GRID, PatchLattice
from workbench.geo.zone import domain_of
from workbench.nomenclature import Nomenclature

_TOLD = 3
"""Leaks in a sentence."""


def judge_sources(
    sources: Sequence[ZoneSource],
    layouts: Sequence[Layout],
    nomenclature: Nomenclature,
    lattice: PatchLattice,
    rules: Rules,
) -> list[Verdict]:
    """Return what can be said of zones before they are cut.

    Where no release can be made of them at all, that alone is said. Shares that the patches will tell again
    are said where the zones' labels were counted and break a rule.
    """
    verdicts = source_verdicts(sources, layouts, nomenclature, lattice)
    if any(one.outcome == "refused" for one in verdicts):
        return verdicts
    patches = (patch for source in sources for patch in cut_patches(source, lattice))
    columns = PatchColumns.of_patches(patches, lattice)
    excuse = _excuse(columns, rules)
    verdicts += _ground_verdicts(find_leaks(columns, rules=rules), rules, excuse=excuse)
    verdicts += honesty_verdicts(sources, rules)
    counts = ClassCounts.of_sources(sources) if lattice == NATIONAL_GRID else None
    if counts is not None:
        early = [
            *unlabelled_verdicts(counts, rules, patches=False, excuse=excuse),
            drift_verdict(counts, rules, excuse=excuse),
        ]
        verdicts += [one for one in early if one.outcome == "refused"]
    return verdicts


def judge_index(index: PatchIndex, lattice: PatchLattice, picture: Picture, rules: Rules) -> list[Verdict]:
    """Return what can be said of patches once their pictures and labels were looked at.

    Parameters
    ----------
    index
        Of the patches, with hashes.
    lattice
        What they are cut on.
    picture
        Gives the pictures of near hashes.
    rules
        What is asked for.
    """
    columns = PatchColumns.of_index(index, lattice)
    counts, excuse = ClassCounts.of_index(index, columns), _excuse(columns, rules)
    _, alike = find_duplicates(columns, rules=rules, picture=picture)
    duplicates = _none_of(
        "duplicates",
        alike,
        unit="pairs of patches",
        way_out="take one of their zones out, or put its orthophoto right",
        excuse=excuse,
    )
    return [
        replace(duplicates, settings=rules.duplicate_settings),
        *unlabelled_verdicts(counts, rules, patches=True, excuse=excuse),
        blank_verdict(columns, rules, excuse=excuse),
        drift_verdict(counts, rules, excuse=excuse),
    ]


def pictures_of(sources: Sequence[ZoneSource], index: PatchIndex, lattice: PatchLattice) -> Picture:
    """Return what gives the luminance of the patches of an index from the orthophotos of their zones."""
    zones = {source.zone.id: source for source in sources}

    def picture(place: int) -> NDArray[np.uint8]:
        named = index[place]
        source = zones[named.zone]
        patch = next(one for one in cut_patches(source, lattice) if one.id == named.id)
        pixels = PatchPixels(patch, source)
        return luminance(pixels.image, pixels.bands)

    return picture


def _excuse(columns: PatchColumns, rules: Rules) -> str:
    """Return why a release is a pilot, of which what is wrong is warned of and not refused; else nothing."""
    domains = len({domain_of(name) for name in columns.names})
    if domains >= rules.least_domains and len(columns.names) >= rules.least_zones:
        return ""
    return f"it has fewer than {rules.least_domains} domains or {rules.least_zones} zones"


def _ground_verdicts(found: Leakage, rules: Rules, *, excuse: str) -> Iterator[Verdict]:
    broken: Outcome = "warned" if excuse else "refused"
    shared, near = found.of("overlap"), found.of("distance")
    apart = None if shared else found.smallest
    yield _none_of(
        "same-ground",
        shared,
        unit="pairs of zones",
        way_out="put their domains into one fold, or take one of them out",
        excuse=excuse,
    )
    yield Verdict(
        rule="distance",
        outcome=broken if near else "kept",
        # Zones that share ground are no distance apart, which is said already.
        measured=min((one.distance for one in near if one.distance is not None), default=apart),
        limit=rules.buffer,
        floor=True,
        unit="m",
        message=f"{_told(near)}, nearer than {rules.buffer:g} m",
        way_out="draw footprints farther apart, take one of them out, or allow less: --buffer",
        excuse=excuse,
        places=tuple(leak.text() for leak in near),
    )


def _none_of(rule: str, leaks: Sequence[Leak], *, unit: str, way_out: str, excuse: str) -> Verdict:
    """Return the verdict of a rule by which there must be no such leak."""
    broken: Outcome = "warned" if excuse else "refused"
    return Verdict(
        rule=rule,
        outcome=broken if leaks else "kept",
        measured=len(leaks),
        limit=0,
        unit=unit,
        message=_told(leaks),
        way_out=way_out,
        excuse=excuse,
        places=tuple(leak.text() for leak in leaks),
    )


def _told(leaks: Sequence[Leak]) -> str:
    more = f" and {len(leaks) - _TOLD} more pairs" if len(leaks) > _TOLD else ""
    return " and ".join(leak.text() for leak in leaks[:_TOLD]) + more
