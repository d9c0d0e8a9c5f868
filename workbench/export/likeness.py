"""Which patches two releases have alike, as far as digests tell: nothing of them has to be read.

Digests of the index (format 2) are those of codes, and of all bands of the orthophoto, however they are
encoded; digests of files tell only that files are equal. Codes and values mean something in a nomenclature
alone: where two nomenclatures give one of them to different classes, equal digests prove nothing.
"""

from __future__ import annotations

__all__ = ["Alike", "Likeness", "alike_counts"]

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export.domains import MatchedDomain
from workbench.export.layouts import Layout
from workbench.export.patch_rows import digest_column
from workbench.export.patches import IMAGE, LABEL
from workbench.export.release import Release
from workbench.export.transitions import UNLABELLED
from workbench.nomenclature import Nomenclature

_Pairs = tuple[tuple[str, str], ...]
"""Columns of the first index and of the second."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Alike:
    """What is known of pairs of patches without reading them; each of shape (pair,)."""

    labels: NDArray[np.bool_]
    """Which have the same labels for certain; others have to be read."""
    pictures: NDArray[np.bool_]
    """Which have the same picture."""
    told: NDArray[np.bool_]
    """Whether that is known; else pictures have to be read."""

    @property
    def unread(self) -> NDArray[np.bool_]:
        """Which have to be read."""
        unread: NDArray[np.bool_] = ~(self.labels & self.told)
        return unread


class Likeness:
    """What two releases have to be compared by."""

    def __init__(self, before: Release, after: Release) -> None:
        classes = before.nomenclature, after.nomenclature
        first, second = ({entry.code: entry.key for entry in one.classes} for one in classes)
        self.same_codes = _agree(first, second) and _agree(_turned(first), _turned(second))
        """Whether digests of codes tell: no code is that of two classes, and no class has two codes."""
        pairs = [(one, other) for one in _trees(before) for other in _trees(after)]
        self._labels: _Pairs = tuple(
            (digest_column(one.name, LABEL), digest_column(other.name, LABEL))
            for one, other in pairs
            if one.scheme == other.scheme and _same_scheme(one.scheme, *classes)
        )
        self._others = sorted({_other(each, one.scheme) for each in classes for one, _ in pairs})
        self._images: _Pairs = tuple(
            (digest_column(one.name, IMAGE), digest_column(other.name, IMAGE))
            for one, other in pairs
            if one.bands == other.bands
        )

    def alike(self, domain: MatchedDomain) -> Alike:
        """Return which pairs of a domain are alike."""
        same, told = _compared(domain, (("image_sha256", "image_sha256"),))
        files, _ = _compared(domain, self._images)
        return Alike(
            labels=self._same_labels(domain),
            pictures=same | (~told & files),
            told=told | files,
        )

    def _same_labels(self, domain: MatchedDomain) -> NDArray[np.bool_]:
        same, told = np.zeros((2, len(domain)), np.bool_)
        if self.same_codes:
            same, told = _compared(domain, (("label_sha256", "label_sha256"),))
        files, _ = _compared(domain, self._labels)
        # Of equal files the pixels of *other* are the same; whether nobody labelled them has to be so, too.
        bare, still_bare = domain.counts([UNLABELLED])
        mixed = domain.counts(self._others)[0].any(axis=1) & bare.any(axis=1)
        alike: NDArray[np.bool_] = same | (~told & files & (bare == still_bare).all(axis=1) & ~mixed)
        return alike


def alike_counts(domain: MatchedDomain, alike: Alike, names: Sequence[str]) -> NDArray[np.int64]:
    """Return the pixels of some classes in each pair, shape (pair, class); 0 where labels are not the same.

    Raises
    ------
    ReleaseError
        The two indexes count other pixels in labels that are the same: one of them is damaged.
    """
    before, after = domain.counts(names)
    (wrong,) = np.nonzero(alike.labels & (before != after).any(axis=1))
    if wrong.size:
        _, (patch,) = domain.patches(wrong[:1])
        raise ReleaseError(
            f"the labels of patch {patch.id} are the same in both releases, and their indexes count other "
            "pixels of its classes; look both over: workbench release verify"
        )
    before[~alike.labels] = 0
    return before


def _compared(domain: MatchedDomain, columns: _Pairs) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which pairs have the same digest in some columns, and which have digests in some of both."""
    same, known = np.zeros((2, len(domain)), np.bool_)
    for one, other in columns:
        before, after = domain.column(one, other)
        both = _told(before) & _told(after)
        known |= both
        same |= both & (before == after)
    return same, known


def _told(digests: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where there is a digest: neither None nor empty."""
    there: NDArray[np.bool_] = np.array([bool(one) for one in digests.tolist()], np.bool_)
    return there


def _trees(release: Release) -> Iterator[Layout]:
    """Yield the layouts whose index has digests of files."""
    return (layout for layout in release.layouts if layout.container == "files")


def _same_scheme(scheme: str, before: Nomenclature, after: Nomenclature) -> bool:
    """Tell whether values of a scheme mean the same in two nomenclatures."""
    values = (
        {entry.values[scheme]: entry.key for entry in one.classes if scheme in entry.values}
        for one in (before, after)
    )
    return _other(before, scheme) == _other(after, scheme) and _agree(*values)


def _other(nomenclature: Nomenclature, scheme: str) -> str:
    known = nomenclature.schemes.get(scheme)
    return known.other if known and known.other else ""


def _agree(before: Mapping[Any, Any], after: Mapping[Any, Any]) -> bool:
    """Tell whether two mappings have the same of what is in both."""
    return all(before[key] == after[key] for key in before.keys() & after.keys())


def _turned(keys: Mapping[int, str]) -> dict[str, int]:
    return {key: code for code, key in keys.items()}
