"""Patches of a release as columns: where each lies, in which sets, and what its picture is recognised by."""

from __future__ import annotations

__all__ = ["COLUMNS", "PatchColumns"]

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from workbench.errors import ReleaseError
from workbench.export.fingerprints import Fingerprint
from workbench.export.folds import PROD, SPLITS, SUBSETS
from workbench.export.index import PatchIndex
from workbench.export.patches import Patch, ground_cell
from workbench.geo.grid import PatchLattice
from workbench.geo.zone import Cell

COLUMNS: Final = (*SPLITS, PROD)
"""Ways to part a release into sets."""
_NEAR: Final = 1e-3
"""Of a patch, that it may lie off the lattice."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PatchColumns:
    """Facts of many patches, each an array; a quarter of a million take 30 MB."""

    ids: NDArray[np.object_]
    """Shape (patch,)."""
    names: tuple[str, ...]
    """Ids of the zones."""
    zone: NDArray[np.int32]
    """Shape (patch,). Place in ``names``."""
    cells: NDArray[np.int64]
    """Shape (patch, 2). Row and column in the lattice, rows southwards."""
    pitch: float
    """Side of a patch in metres."""
    sets: NDArray[np.int8]
    """Shape (column, patch). Place in `SUBSETS`, in each of `COLUMNS`."""
    hashes: NDArray[np.uint64] | None = None
    """Shape (patch,). Of the pictures; None where they were not looked at."""
    contrasts: NDArray[np.float64] | None = None
    """Shape (patch,). Standard deviation of the pictures' luminance."""
    digests: NDArray[np.object_] | None = None
    """Shape (patch,). SHA-256 of the pictures' pixels, empty where nobody knows it."""

    @classmethod
    def of_index(cls, index: PatchIndex, lattice: PatchLattice) -> Self:
        """Read the columns of an index; hashes are None where it has none.

        Raises
        ------
        ReleaseError
            It cannot be read, has a set that is none, or a patch off the lattice.
        """
        named = ["id", "zone", *COLUMNS]
        seen = [one for one in ("picture_hash", "contrast", "image_sha256") if one in index.columns]
        table = index.table([*named, *seen])
        zones = table.column("zone").combine_chunks().dictionary_encode()
        bounds = index.bounds()
        places = np.column_stack([(lattice.y - bounds[:, 3]), (bounds[:, 0] - lattice.x)]) / lattice.pitch
        cells = np.rint(places).astype(np.int64)
        ids = table.column("id").to_numpy()
        off = np.flatnonzero((np.abs(places - cells) > _NEAR).any(axis=1))
        if off.size:
            raise ReleaseError(
                f"{index.path}: patch {ids[off[0]]} lies off the grid that release.json tells of; look the "
                "release over: workbench release verify"
            )
        read = {name: table.column(name).to_numpy() for name in seen}
        known = "picture_hash" in read and "contrast" in read and bool(read["picture_hash"].all())
        return cls(
            ids=ids,
            names=tuple(zones.dictionary.to_pylist()),
            zone=zones.indices.to_numpy().astype(np.int32),
            cells=cells,
            pitch=lattice.pitch,
            sets=np.stack([_sets(table.column(name), index) for name in COLUMNS]),
            hashes=_words(read["picture_hash"]) if known else None,
            contrasts=read["contrast"].astype(np.float64) if known else None,
            digests=read.get("image_sha256"),
        )

    @classmethod
    def of_patches(cls, patches: Iterable[Patch], lattice: PatchLattice) -> Self:
        """Return the columns of patches that are not cut yet, whose pictures nobody looked at."""
        places: dict[str, int] = {}
        ids, zone, cells, sets = list[str](), list[int](), list[Cell](), list[list[int]]()
        for patch in patches:
            ids.append(patch.id)
            zone.append(places.setdefault(patch.zone, len(places)))
            cells.append(ground_cell(patch.grid, lattice))
            sets.append([SUBSETS.index(patch.splits[name]) for name in COLUMNS])
        return cls(
            ids=np.array(ids, object),
            names=tuple(places),
            zone=np.array(zone, np.int32),
            cells=np.array([(cell.row, cell.col) for cell in cells], np.int64).reshape(-1, 2),
            pitch=lattice.pitch,
            sets=np.array(sets, np.int8).reshape(-1, len(COLUMNS)).T,
        )

    def __len__(self) -> int:
        """Return the number of patches."""
        return self.zone.size

    def with_fingerprints(self, found: Sequence[Fingerprint]) -> Self:
        """Return the columns with what their pictures are recognised by, patch by patch."""
        contrasts = np.array([one.contrast for one in found], np.float64)
        return replace(self, hashes=_words([one.hash for one in found]), contrasts=contrasts)

    @property
    def kinds(self) -> NDArray[np.int32]:
        """Shape (patch,). A number for each way of being in sets; patches of one kind never leak."""
        weights = len(SUBSETS) ** np.arange(len(self.sets))
        kinds: NDArray[np.int32] = np.unique(weights @ self.sets, return_inverse=True)[1].astype(np.int32)
        return kinds

    def parted(self, one: int, other: int) -> NDArray[np.bool_]:
        """Return in which of `COLUMNS` two patches are in different sets, shape (column,)."""
        parted: NDArray[np.bool_] = self.sets[:, one] != self.sets[:, other]
        return parted


def _sets(column: Any, index: PatchIndex) -> NDArray[np.int8]:
    """Return places in `SUBSETS` of their names."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.index_in(column.combine_chunks(), value_set=pa.array(SUBSETS))
    if found.null_count:
        raise ReleaseError(
            f"{index.path}: a patch is in none of {', '.join(SUBSETS)}; look the release over: workbench "
            "release verify"
        )
    places: NDArray[np.int8] = found.to_numpy().astype(np.int8)
    return places


def _words(hashes: Iterable[str]) -> NDArray[np.uint64]:
    """Return hashes of 16 hexadecimal digits as numbers."""
    return np.frombuffer(bytes.fromhex("".join(hashes)), ">u8").astype(np.uint64)
