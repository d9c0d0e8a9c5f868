"""HDF5: a file per domain, in chunks of a patch."""

from __future__ import annotations

__all__ = ["Hdf5"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

from workbench.export.index import PatchIndex
from workbench.export.layouts.layout import Container
from workbench.export.patches import IMAGE, LABEL, Patch, ZoneSource
from workbench.export.tables import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Hdf5:
    """A file per domain with a dataset per modality, ``(patch, band, row, col)``, chunked by patch.

    Made for training: any patch is one read of one chunk, in any order, and a domain is one file to copy.
    Labels are FLAIR-HUB's numbers 0–18, shape (patch, row, col); ``id`` names the patches, ``transform`` says
    where they lie. A series is one dataset per date count, so zones of one domain need the same dates.
    """

    name: ClassVar[str] = "hdf5"
    scheme: ClassVar[str] = "flair_hub"
    coloured: ClassVar[bool] = False
    numbered: ClassVar[bool] = False
    container: ClassVar[Container] = "hdf5"
    views: ClassVar[tuple[str, ...]] = ()
    root: str = "HDF5"
    bands: tuple[str, ...] = ("R", "G", "B", "NIR")
    modalities: tuple[str, ...] = (IMAGE, LABEL)

    def path(self, patch: Patch, modality: str) -> str:
        """Return where a modality of a patch lies."""
        return f"{patch.domain}.h5"

    def zone_paths(self, patches: Sequence[Patch]) -> tuple[str, ...]:
        """Return nothing: patches have all."""
        return ()

    def zone_files(self, source: ZoneSource, patches: Sequence[Patch]) -> Iterator[tuple[str, bytes]]:
        """Yield nothing: patches have all."""
        return iter(())

    def tables(self, patches: PatchIndex) -> Iterator[Table]:
        """Yield nothing: the files describe themselves."""
        return iter(())

    def note(self) -> str:
        """Return what ``README.md`` says about the layout."""
        named, bands = ", ".join(f"`{one}`" for one in self.modalities), ", ".join(self.bands)
        return f"""\
## Folder `{self.root}`: HDF5, a file per domain

Datasets {named}, a chunk per patch: `image` (patch, band, row, col) has the bands {bands}, `label`
(patch, row, col) the numbers of the scheme `flair_hub` of `nomenclature.json`; those of flair-19 are 0–18.
`id` names the patches as `index.parquet` does, `transform` has the six numbers of each affine transform.
"""
