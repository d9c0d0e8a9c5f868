"""Transitions: how many pixels went from which class to which, and how far that can be known.

A layout shows what nobody labelled as its scheme's *other*; only the index knows how many pixels of a patch
that is. So the pixels of a patch that show *other* are *other*, or `UNLABELLED`, where the index has none of
the one or of the other. Where it has both, nobody can tell them apart: they are `UNTOLD`. What went from one
of these to another of them, `UNTOLD` being among the two, may have changed or not: it stands at
(`UNTOLD`, `UNTOLD`) and counts as no change.
"""

from __future__ import annotations

__all__ = [
    "UNLABELLED",
    "UNTOLD",
    "Move",
    "Shown",
    "Transitions",
    "joint_counts",
    "square_kilometres",
    "told",
]

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from workbench.compiled import kernel
from workbench.errors import ReleaseError
from workbench.export.patches import Patch
from workbench.nomenclature import Nomenclature

UNLABELLED: Final = "unlabelled"
"""What nobody labelled, in the place of the key of a class."""
UNTOLD: Final = "other-or-unlabelled"
"""What a layout shows as *other* where some of it is, and some of it nobody labelled."""
_VALUES: Final = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """Pixels that went from one class to another."""

    before: str
    after: str
    pixels: int


class Transitions:
    """Pixels by what they were and what they are: keys of classes, `UNLABELLED` or `UNTOLD`.

    >>> found = Transitions({("water", "water"): 5, ("water", "snow"): 2})
    >>> found.changed, found.total, found.moves()[0].after
    (2, 7, 'snow')
    """

    def __init__(self, pixels: Mapping[tuple[str, str], int] | None = None) -> None:
        self.pixels: Counter[tuple[str, str]] = Counter(pixels)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Transitions) and +self.pixels == +other.pixels

    __hash__ = None  # type: ignore[assignment]

    def add(self, other: Transitions) -> None:
        """Add the pixels of other ground."""
        self.pixels.update(other.pixels)

    @property
    def total(self) -> int:
        """All pixels."""
        return self.pixels.total()

    @property
    def changed(self) -> int:
        """Pixels that are certainly of another class than before."""
        return sum(count for (before, after), count in self.pixels.items() if before != after)

    @property
    def untold(self) -> int:
        """Pixels of which nobody can tell whether they changed between *other* and unlabelled."""
        return self.pixels[UNTOLD, UNTOLD]

    def moves(self) -> tuple[Move, ...]:
        """Return what changed, the most pixels first, ties by the keys."""
        found = [
            Move(before=before, after=after, pixels=count)
            for (before, after), count in self.pixels.items()
            if before != after and count
        ]
        return tuple(sorted(found, key=lambda move: (-move.pixels, move.before, move.after)))

    def before(self) -> Counter[str]:
        """Return the pixels of each class before."""
        return self._sums(0)

    def after(self) -> Counter[str]:
        """Return the pixels of each class after."""
        return self._sums(1)

    def reversed(self) -> Self:
        """Return the way back."""
        return type(self)({(after, before): count for (before, after), count in self.pixels.items()})

    def document(self, pixel_area: float) -> list[dict[str, Any]]:
        """Return the JSON view of every pair that has pixels, by the keys; areas of pixels are in m²."""
        return [
            {"from": before, "to": after, "pixels": count, "km2": square_kilometres(count, pixel_area)}
            for (before, after), count in sorted(self.pixels.items())
            if count
        ]

    def _sums(self, side: int) -> Counter[str]:
        sums: Counter[str] = Counter()
        for pair, count in self.pixels.items():
            sums[pair[side]] += count
        return sums


def square_kilometres(pixels: int, pixel_area: float) -> float:
    """Return the area of some pixels, of so many m² each.

    >>> square_kilometres(25_000_000, 0.04)
    1.0
    """
    return round(pixels * pixel_area / 1e6, 9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What the values of a layout's labels stand for."""

    release: str
    """Name of the release, for errors."""
    keys: Mapping[int, str]
    """Class of each value."""
    other: str
    """Key of the class that is shown where nobody labelled."""

    @classmethod
    def by(cls, nomenclature: Nomenclature, scheme: str, *, release: str) -> Self:
        """Return what the values of a scheme stand for.

        Raises
        ------
        ReleaseError
            The nomenclature has no such scheme with an *other*.
        """
        known = nomenclature.schemes.get(scheme)
        if known is None or known.other is None:
            raise ReleaseError(
                f"{release}: its nomenclature.json has no scheme {scheme} with an other, which its layout "
                "needs; copy the release again"
            )
        keys = {entry.values[scheme]: entry.key for entry in nomenclature.classes}
        return cls(release=release, keys=keys, other=known.other)

    def named(self, patch: Patch, counts: Mapping[int, int]) -> dict[int, str]:
        """Return what each value that a patch shows stands for, by its class counts.

        Parameters
        ----------
        patch
            As the index has it.
        counts
            Pixels of each value in the label.

        Raises
        ------
        ReleaseError
            The label is not the one that the index tells of.
        """
        named = {}
        for value, count in counts.items():
            key = self.keys.get(value, "")
            told = patch.class_counts.get(key, 0)
            bare = patch.unlabelled if key == self.other else 0
            if count != told + bare:
                raise ReleaseError(
                    f"{self.release}: the label of patch {patch.id} has {count} pixels of value {value}, "
                    "which is not what index.parquet says; look it over: workbench release verify"
                )
            named[value] = key if not bare else UNTOLD if told else UNLABELLED
        return named

    def is_open(self, key: str) -> bool:
        """Tell whether a key stands for what is shown as *other*."""
        return key in (self.other, UNLABELLED, UNTOLD)


@kernel
def joint_counts(before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return how many pixels have which value in one label and which in another.

    Parameters
    ----------
    before, after
        Shape (row, col).

    Returns
    -------
    numpy.ndarray
        Shape (pair, 3): value before, value after, pixels; pairs that no pixel has are left out.
    """
    counts = np.zeros(_VALUES * _VALUES, np.int64)
    for row in range(before.shape[0]):
        for col in range(before.shape[1]):
            counts[before[row, col] * _VALUES + after[row, col]] += 1
    pairs = np.flatnonzero(counts)
    found = np.empty((pairs.size, 3), np.int64)
    for place in range(pairs.size):
        found[place, 0] = pairs[place] // _VALUES
        found[place, 1] = pairs[place] % _VALUES
        found[place, 2] = counts[pairs[place]]
    return found


def told(joint: NDArray[np.int64], sides: tuple[Shown, Shown], patches: tuple[Patch, Patch]) -> Transitions:
    """Return the transitions of a patch, from what its two labels show.

    Parameters
    ----------
    joint
        As `joint_counts` gives it.
    sides
        What the values of each stand for.
    patches
        The patch as each index has it.

    Raises
    ------
    ReleaseError
        A label is not the one that its index tells of.
    """
    pairs = [(at, to, count) for at, to, count in joint.tolist()]
    rows, columns = Counter[int](), Counter[int]()
    for at, to, count in pairs:
        rows[at] += count
        columns[to] += count
    first, second = sides[0].named(patches[0], rows), sides[1].named(patches[1], columns)
    found: Counter[tuple[str, str]] = Counter()
    for at, to, count in pairs:
        before, after = first[at], second[to]
        if before == UNTOLD != after and count == rows[at]:  # whatever they were, they all are that now
            found[UNLABELLED, after] += patches[0].unlabelled
            found[sides[0].other, after] += count - patches[0].unlabelled
        elif after == UNTOLD != before and count == columns[to]:
            found[before, UNLABELLED] += patches[1].unlabelled
            found[before, sides[1].other] += count - patches[1].unlabelled
        elif UNTOLD in (before, after) and sides[0].is_open(before) and sides[1].is_open(after):
            found[UNTOLD, UNTOLD] += count
        else:
            found[before, after] += count
    return Transitions(found)
