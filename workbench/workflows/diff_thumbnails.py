"""Pictures of patches that changed: the ground, its labels before and after, and what is other."""

from __future__ import annotations

__all__ = ["PatchThumbnails", "draw_thumbnails"]

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workbench.export.changed_patches import ChangedPatch
from workbench.export.patch_diff import PatchReader
from workbench.export.patches import Patch
from workbench.export.release import Release
from workbench.export.release_diff import ReleaseDiff
from workbench.geo.thumbnails import indexed_png, jpeg, picked, shrunk, three_bands, touched
from workbench.pages import data_address
from workbench.threads import Map

_SIDE: Final = 160
"""Pixels of a thumbnail, at most."""
_MARK: Final = (230, 0, 122)
"""Red, green and blue of what changed; no class has that colour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PatchThumbnails:
    """Pictures of a patch, each as a ``data:`` address."""

    patch: ChangedPatch
    picture_before: str | None
    """None where the picture is the same in both releases."""
    picture: str
    before: str
    """Labels in the first release."""
    after: str
    changed: str
    """What is other, on the picture in grey."""


def draw_thumbnails(
    diff: ReleaseDiff,
    changed: Iterable[ChangedPatch],
    *,
    map: Map,  # noqa: A002
) -> Iterator[PatchThumbnails]:
    """Yield the pictures of some patches, in their sequence."""
    first, second = diff.before.patches(), diff.after.patches()

    @cache
    def found(side: int, zone: str) -> dict[str, Patch]:
        return {patch.id: patch for patch in (first, second)[side].of_zone(zone)}

    jobs = ((one, found(0, one.zone_before)[one.before], found(1, one.zone)[one.id]) for one in changed)
    yield from map(_Artist(diff), jobs)


class _Artist:
    """Draws one patch."""

    def __init__(self, diff: ReleaseDiff) -> None:
        self._readers = [PatchReader.of(release) for release in (diff.before, diff.after)]
        self._bands = [three_bands(reader.pictures.bands) for reader in self._readers]
        keys = sorted({key for reader in self._readers for key in reader.shown.keys.values()})
        self._numbers = [
            _table({value: 1 + keys.index(key) for value, key in reader.shown.keys.items()})
            for reader in self._readers
        ]
        self._colours = [
            _colours(release, reader)
            for release, reader in zip((diff.before, diff.after), self._readers, strict=True)
        ]

    def __call__(self, job: tuple[ChangedPatch, Patch, Patch]) -> PatchThumbnails:
        patch, *sides = job
        labels = [reader.label(one) for reader, one in zip(self._readers, sides, strict=True)]
        pictures = [
            shrunk(reader.picture(one, bands), _SIDE)
            for reader, one, bands in zip(self._readers, sides, self._bands, strict=True)
        ]
        numbers = [table[values] for table, values in zip(self._numbers, labels, strict=True)]
        drawn = [
            data_address(indexed_png(picked(values, _SIDE), colours), "png")
            for colours, values in zip(self._colours, labels, strict=True)
        ]
        grey = np.repeat(pictures[1].mean(axis=0, keepdims=True) * 0.5 + 110, 3, axis=0).astype(np.uint8)
        grey[:, touched(numbers[0] != numbers[1], _SIDE)] = np.array(_MARK, np.uint8)[:, np.newaxis]
        return PatchThumbnails(
            patch=patch,
            picture_before=data_address(jpeg(pictures[0]), "jpeg") if patch.picture else None,
            picture=data_address(jpeg(pictures[1]), "jpeg"),
            before=drawn[0],
            after=drawn[1],
            changed=data_address(jpeg(grey), "jpeg"),
        )


def _colours(release: Release, reader: PatchReader) -> dict[int, tuple[int, int, int]]:
    """Return red, green and blue of each value of a label."""
    classes = release.nomenclature
    by_code = classes.colour_table()
    return {value: by_code[classes.by_key(key).code] for value, key in reader.shown.keys.items()}


def _table(entries: dict[int, int]) -> NDArray[np.uint8]:
    table = np.zeros(256, np.uint8)
    table[list(entries)] = list(entries.values())
    return table
