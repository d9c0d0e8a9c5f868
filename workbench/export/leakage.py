"""Leakage: what different sets of a split have in common, so that a test is no test.

=============  ==========================================================================================
``overlap``    the same ground, at whatever date
``distance``   ground nearer than a buffer
``duplicate``  pictures that are one, but for brightness, encoding and small shifts, also where one was
               turned by right angles or mirrored; where there is next to no contrast, as on open water, no
               picture is a duplicate
=============  ==========================================================================================

Pictures that overlap by a part, such as one shifted by 37 pixels, are no duplicates: what is georeferenced
truly is found by its ground, and what is not is not found.
"""

from __future__ import annotations

__all__ = ["Leak", "Leakage", "Picture", "find_duplicates", "find_leaks", "leaks_of"]

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.counting import counted
from workbench.export.columns import COLUMNS, PatchColumns
from workbench.export.fingerprints import Fingerprint, correlation, fingerprint, luminance
from workbench.export.hamming import near_pairs
from workbench.export.orientations import ORIENTATIONS, UPRIGHT, Orientation
from workbench.export.patches import Patch
from workbench.export.release import Release
from workbench.export.rules import Rules
from workbench.export.spacing import EDGES, Contact, Spacing, contacts, spacing
from workbench.threads import Map

Kind = Literal["overlap", "distance", "duplicate"]
Picture = Callable[[int], NDArray[np.uint8]]
"""Gives the luminance of a patch by its place, shape (row, col)."""
_KEPT: Final = 256
"""Pictures in memory."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leak:
    """Two zones, or two patches, that different sets of a split should not both have."""

    kind: Kind
    zones: tuple[str, str]
    patches: tuple[str, str]
    """Ids; where there are several pairs, of those that are nearest."""
    columns: tuple[str, ...]
    """Splits in which they are in different sets."""
    pairs: int = 1
    """Pairs of patches of these zones that leak in this way."""
    distance: float | None = None
    """In metres, between the borders of the patches; None of duplicates."""
    bits: int | None = None
    """That the hashes of duplicates differ by."""
    correlation: float | None = None
    """Of the pictures of duplicates."""
    laid: str | None = None
    """How the second picture has to be laid to be the first, see `Orientation.name`; None where as it is."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "kind": self.kind,
            "zones": list(self.zones),
            "patches": list(self.patches),
            "columns": list(self.columns),
            "pairs": self.pairs,
            "distance_m": self.distance,
            "bits": self.bits,
            "correlation": self.correlation,
            "laid": self.laid,
        }

    def text(self) -> str:
        """Return one line for a person."""
        where = f"in different sets of {', '.join(self.columns)}"
        one, other = self.zones
        if self.kind == "duplicate":
            first, second = self.patches
            laid = f"{self.laid}, " if self.laid else ""
            return f"patches {first} and {second} show one picture ({self.correlation:.2f}), {laid}{where}"
        if self.kind == "overlap":
            return f"zones {one} and {other} show the same ground ({self.pairs} patches), {where}"
        return f"zones {one} and {other} are {self.distance:g} m apart, {where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Leakage:
    """All that leaks between the sets of a release, and how far apart they lie."""

    buffer: float
    """Metres below which a distance leaks."""
    patches: int
    leaks: tuple[Leak, ...]
    """By kind, then zone."""
    spacings: tuple[Spacing, ...]
    candidates: int | None
    """Pairs with near hashes whose pictures were compared; None where no pictures were looked at."""
    computed: bool = False
    """Whether hashes were made of the pictures, since the index has none."""

    @property
    def smallest(self) -> float | None:
        """The least distance between sets in metres; None where there is but one set."""
        return min((one.smallest for one in self.spacings), default=None)

    def of(self, kind: Kind) -> tuple[Leak, ...]:
        """Return the leaks of a kind."""
        return tuple(leak for leak in self.leaks if leak.kind == kind)

    def document(self) -> dict[str, Any]:
        """Return the JSON view (a part of ``schema/outputs/release-leakage.schema.json``)."""
        return {
            "buffer_m": self.buffer,
            "patches": self.patches,
            "clean": not self.leaks,
            "hashes": "computed" if self.computed else "index",
            "candidates": self.candidates,
            "leaks": [leak.document() for leak in self.leaks],
            "edges_m": list(EDGES),
            "distances": [one.document() for one in self.spacings],
        }

    def text(self) -> str:
        """Return the report for people."""
        lines = [leak.text() for leak in self.leaks]
        for column in COLUMNS:
            told = [
                f"{one.subset} to {one.other} {one.smallest:,.0f} m"
                for one in self.spacings
                if one.column == column
            ]
            lines.append(f"{column}: {', '.join(told) or 'one set alone'}")
        if self.computed:
            lines.append("the index has no hashes of pictures: they were computed")
        looked = "" if self.candidates is None else f", {self.candidates} pairs of pictures compared"
        verdict = f"{len(self.leaks)} leaks" if self.leaks else "nothing leaks"
        return "\n".join(
            [
                *lines,
                f"{verdict} between sets of {counted(self.patches, 'patch', 'patches')}, buffer "
                f"{self.buffer:g} m{looked}",
            ]
        )


def find_leaks(columns: PatchColumns, *, rules: Rules, picture: Picture | None = None) -> Leakage:
    """Find what leaks between the sets of a release.

    Distances take a tree of points for each set, and duplicates multi-index hashing: a quarter of a million
    patches take seconds, beside the pictures of the candidates, which are read for their correlation.

    Parameters
    ----------
    columns
        Of the patches.
    rules
        Buffer, and what a duplicate is.
    picture
        Gives the pictures of candidates; without it no duplicates are sought.

    Raises
    ------
    ReleaseError
        So many pictures are alike that nobody could look at them.
    """
    spacings, nearest = spacing(columns)
    met = contacts(columns, nearest, buffer=rules.buffer)
    leaks = [_met(columns, one) for one in met if one.shared]
    leaks += [_met(columns, one) for one in met if not one.shared]
    candidates, duplicates = find_duplicates(columns, rules=rules, picture=picture) if picture else (None, [])
    return Leakage(
        buffer=rules.buffer,
        patches=len(columns),
        leaks=(*leaks, *duplicates),
        spacings=tuple(spacings),
        candidates=candidates,
    )


def find_duplicates(columns: PatchColumns, *, rules: Rules, picture: Picture) -> tuple[int, list[Leak]]:
    """Find pictures that different sets of a release both have, however they are laid, by their hashes.

    Returns
    -------
    candidates, leaks
        The number of pairs whose pictures were compared, and those that are one.

    Raises
    ------
    ReleaseError
        So many pictures are alike that nobody could look at them.
    """
    assert columns.hashes is not None  # noqa: S101 - nobody seeks duplicates of what was not looked at
    assert columns.contrasts is not None  # noqa: S101 - as above
    pairs = _candidates(columns, columns.hashes, columns.contrasts, rules)
    return len(pairs), [*_confirmed(columns, pairs, picture, rules)]


def leaks_of(
    release: Release,
    *,
    rules: Rules,
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> Leakage:
    """Find what leaks between the sets of a release on disk.

    Hashes that its index has not, since it is of an older format, are computed from its pictures.

    Parameters
    ----------
    release
        Any that opens.
    rules
        As for `find_leaks`.
    progress
        Called with the pictures that were read for that, and their number.
    map
        Such as `workbench.threads.in_threads` gives.

    Raises
    ------
    ReleaseError
        The index, or a picture that has to be read, is not the one that was built.
    """
    release.prove()
    index, bands, name = release.patches(), release.richest.bands, release.richest.name
    columns = PatchColumns.of_index(index, release.lattice)

    def picture(place: int) -> NDArray[np.uint8]:
        return luminance(release.image(index[place], layout=name), bands)

    def look(patch: Patch) -> Fingerprint:
        return fingerprint(luminance(release.image(patch, layout=name), bands))

    computed = columns.hashes is None
    if computed:
        seen = list[Fingerprint]()
        for one in map(look, index):
            seen.append(one)
            if progress is not None:
                progress(len(seen), len(columns))
        columns = columns.with_fingerprints(seen)
    return replace(find_leaks(columns, rules=rules, picture=picture), computed=computed)


def _met(columns: PatchColumns, contact: Contact) -> Leak:
    """Return zones that share ground, or lie too near each other."""
    one, other = (columns.names[place] for place in contact.zones)
    first, second = (str(columns.ids[place]) for place in contact.patches)
    return Leak(
        kind="overlap" if contact.shared else "distance",
        zones=(one, other),
        patches=(first, second),
        columns=contact.columns,
        pairs=contact.shared or contact.pairs,
        distance=contact.distance,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Candidate:
    """Two patches with near hashes."""

    patches: tuple[int, int]
    bits: int
    laid: Orientation
    """Of the second."""

    def alike(self, columns: PatchColumns, picture: Picture) -> float:
        """Return the correlation of their pictures."""
        first, second = self.patches
        if self.laid == UPRIGHT and _same(columns, first, second):
            return 1.0
        return correlation(picture(first), self.laid.laid(picture(second)))


def _candidates(
    columns: PatchColumns, hashes: NDArray[np.uint64], contrasts: NDArray[np.float64], rules: Rules
) -> dict[tuple[int, int], list[_Candidate]]:
    """Return the pairs of patches with near hashes, as the second may be laid."""
    (shown,) = np.nonzero(contrasts >= rules.least_contrast)
    own, kinds = hashes[shown], columns.kinds[shown]
    found: dict[tuple[int, int], list[_Candidate]] = {}
    for laid in ORIENTATIONS:
        others = laid.hashes(own)
        first, second = near_pairs(
            own, kinds, bits=rules.duplicate_bits, others=None if laid == UPRIGHT else others
        )
        bits = np.bitwise_count(own[first] ^ others[second])
        for one, other, unlike in zip(
            shown[first].tolist(), shown[second].tolist(), bits.tolist(), strict=True
        ):
            candidate = _Candidate(patches=(one, other), bits=unlike, laid=laid)
            found.setdefault(candidate.patches, []).append(candidate)
    return dict(sorted(found.items()))


def _confirmed(
    columns: PatchColumns,
    pairs: dict[tuple[int, int], list[_Candidate]],
    picture: Picture,
    rules: Rules,
) -> Iterator[Leak]:
    """Yield the candidates whose pictures are one, laid as they are most alike."""
    seen = lru_cache(_KEPT)(picture)
    for (first, second), ways in pairs.items():
        alike, best = 0.0, ways[0]
        for one in ways:
            if (found := one.alike(columns, seen)) > alike:
                alike, best = found, one
        if alike < rules.duplicate_correlation:
            continue
        parted = columns.parted(first, second)
        yield Leak(
            kind="duplicate",
            zones=(columns.names[columns.zone[first]], columns.names[columns.zone[second]]),
            patches=(str(columns.ids[first]), str(columns.ids[second])),
            columns=tuple(name for name, apart in zip(COLUMNS, parted, strict=True) if apart),
            bits=best.bits,
            correlation=round(alike, 3),
            laid=best.laid.name or None,
        )


def _same(columns: PatchColumns, one: int, other: int) -> bool:
    """Tell whether two pictures have the same pixels, which nobody has to look at."""
    digests = columns.digests
    return digests is not None and bool(digests[one]) and digests[one] == digests[other]
