"""Patches of a set of a release, at hand in any sequence: a few hundred bytes are kept of each."""

from __future__ import annotations

__all__ = ["ChosenPatches"]

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Final

import numpy as np

from workbench.export.folds import PROD, SPLITS
from workbench.export.index import INDEX, PatchIndex
from workbench.export.layouts import Layout
from workbench.export.patch_rows import WITHHELD, file_column
from workbench.export.patches import Patch
from workbench.export.release import Release
from workbench.export.selection import Selection

_ABOUT: Final = (
    "id", "domain", "zone", "roi", "row", "col", "number", "fold", *SPLITS, PROD, "acquired", "time",
    "ground", "camera", "theme", "window_row", "window_col", "pixels_unlabelled", WITHHELD, "geometry",
)  # fmt: skip


class ChosenPatches:
    """Some patches of a release, in the sequence of its index, with what it says of the files of one layout.

    What is counted of a patch (classes, digests of pixels) is left out. The rows lie in a `pyarrow.Table`,
    which forked processes share; a process that gets this by pickle reads the index itself.

    Parameters
    ----------
    release
        Where from.
    selection
        Which patches.
    layout
        Of the files that the patches say.
    modalities
        Of the layout.
    """

    def __init__(
        self, release: Release, selection: Selection, layout: Layout, modalities: Sequence[str]
    ) -> None:
        self._selection, self._shown = selection, {layout.name: tuple(modalities)}
        self._path, self._lattice = release.path / INDEX, release.lattice

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, at: int) -> Patch:
        row = range(len(self))[at]
        (patch,) = self._index.patches_of(self._rows.slice(row, 1))
        return patch

    def __iter__(self) -> Iterator[Patch]:
        return (self[at] for at in range(len(self)))

    @property
    def withheld(self) -> int:
        """How many have their labels kept apart."""
        if WITHHELD not in self._rows.column_names:
            return 0
        return sum(map(bool, self._rows.column(WITHHELD).to_pylist()))

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name not in ("_index", "_rows")}

    @cached_property
    def _index(self) -> PatchIndex:
        return PatchIndex(self._path, self._shown, self._lattice)

    @cached_property
    def _rows(self) -> Any:
        import pyarrow as pa

        parts = [self._meant(rows) for rows in self._index.batches(self._columns())]
        return pa.concat_tables(parts).combine_chunks()

    def _columns(self) -> list[str]:
        files = {
            file_column(layout, one) + end
            for layout, modalities in self._shown.items()
            for one in modalities
            for end in ("", "_sha256", "_member")
        }
        return [name for name in self._index.columns if name in _ABOUT or name in files]

    def _meant(self, rows: Any) -> Any:
        split, subset = self._selection.split, self._selection.subset
        if split is None:
            return rows
        sets = np.asarray(rows.column(split).to_pylist(), object)
        return rows.take(np.flatnonzero(sets == subset))
