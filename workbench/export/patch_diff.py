"""One patch in two releases: what its labels went through, and whether its picture is the same."""

from __future__ import annotations

__all__ = ["Compared", "PatchComparer", "PatchPair", "PatchReader"]

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export.layouts import Layout
from workbench.export.patches import IMAGE, LABEL, Patch
from workbench.export.reading import read_modality
from workbench.export.release import Release
from workbench.export.transitions import Shown, Transitions, joint_counts, told


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchPair:
    """A patch in two releases, of which digests do not tell all."""

    before: Patch
    after: Patch
    labels: bool
    """Whether labels have to be read."""
    picture: bool | None
    """Whether the picture is another one; None where both have to be read."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Compared:
    """What was read of a pair."""

    pair: PatchPair
    transitions: Transitions
    """Of what was read: nothing where the labels are known to be the same."""
    labels_differ: bool
    """Whether labels are other than they were, as far as pixels, counts and digests tell."""
    picture_differs: bool


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchReader:
    """Reads patches of one release, in the layouts that serve best."""

    release: Release
    labels: Layout
    pictures: Layout
    shown: Shown
    """What the values of these labels stand for."""

    @classmethod
    def of(cls, release: Release, *, pictures: Layout | None = None) -> Self:
        """Return a reader of labels as files of their own, if there are: parts of others take longer.

        Parameters
        ----------
        release
            What is read.
        pictures
            Layout of the pictures; by default the one with most bands.
        """
        labels = min(release.layouts, key=lambda layout: layout.container != "files")
        shown = Shown.by(release.nomenclature, labels.scheme, release=str(release.path))
        return cls(release=release, labels=labels, pictures=pictures or release.richest, shown=shown)

    def label(self, patch: Patch) -> NDArray[np.uint8]:
        """Return the values that a label has in its layout, shape (row, col).

        Raises
        ------
        WorkbenchError
            It cannot be read, or is no label of such a patch.
        """
        values: NDArray[np.uint8] = read_modality(self.release.path, self.labels, patch, LABEL)[0]
        if values.dtype != np.uint8 or values.shape != patch.grid.shape:
            raise ReleaseError(
                f"{self.release.path}: the label of patch {patch.id} is {values.dtype} of shape "
                f"{values.shape}, not uint8 of {patch.grid.shape}; look the release over: workbench release "
                "verify"
            )
        return values

    def picture(self, patch: Patch, bands: tuple[str, ...]) -> NDArray[Any]:
        """Return some bands of the picture, shape (band, row, col)."""
        image = read_modality(self.release.path, self.pictures, patch, IMAGE)
        return image[[self.pictures.bands.index(band) for band in bands]]


class PatchComparer:
    """Compares pairs of patches, a pair at a time, in any thread.

    Parameters
    ----------
    before, after
        The releases.
    same_codes
        Whether a code means the same class in both, so that digests of codes can be compared.
    """

    def __init__(self, before: Release, after: Release, *, same_codes: bool) -> None:
        self._same_codes = same_codes
        pictures = _most_in_common(before, after)
        self.before = PatchReader.of(before, pictures=pictures[0])
        self.after = PatchReader.of(after, pictures=pictures[1])
        self.bands = tuple(band for band in pictures[0].bands if band in pictures[1].bands)
        """Bands that both have, by which pictures are compared."""

    def __call__(self, pair: PatchPair) -> Compared:
        """Read what has to be read.

        Raises
        ------
        WorkbenchError
            A file cannot be read, or is not what its index tells of.
        """
        found = self.transitions(pair.before, pair.after) if pair.labels else Transitions()
        return Compared(
            pair=pair,
            transitions=found,
            labels_differ=pair.labels and self._labels_differ(found, pair),
            picture_differs=self._picture_differs(pair) if pair.picture is None else pair.picture,
        )

    def transitions(self, before: Patch, after: Patch) -> Transitions:
        """Return what the pixels of a patch went through."""
        joint = joint_counts(self.before.label(before), self.after.label(after))
        return told(joint, (self.before.shown, self.after.shown), (before, after))

    def _labels_differ(self, found: Transitions, pair: PatchPair) -> bool:
        """Tell whether labels are other than they were, by their pixels, their counts or their digests."""
        one, other = pair.before, pair.after
        digests = self._same_codes and one.label_sha256 and other.label_sha256
        return (
            bool(found.changed)
            or one.unlabelled != other.unlabelled
            or (bool(digests) and one.label_sha256 != other.label_sha256)
        )

    def _picture_differs(self, pair: PatchPair) -> bool:
        """Tell whether the bands that both releases have differ; with none in common they do."""
        one, other = self.before.picture(pair.before, self.bands), self.after.picture(pair.after, self.bands)
        return not self.bands or not np.array_equal(one, other)


def _most_in_common(before: Release, after: Release) -> tuple[Layout, Layout]:
    """Return the layouts that share most bands; of equal ones files of their own, then the first."""
    pairs = [(one, other) for one in before.layouts for other in after.layouts]
    return max(
        pairs,
        key=lambda pair: (
            len(set(pair[0].bands) & set(pair[1].bands)),
            sum(layout.container == "files" for layout in pair),
        ),
    )
