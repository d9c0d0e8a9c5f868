"""What a layout is: how a published tree names and describes patches, so that its loaders read ours."""

from __future__ import annotations

__all__ = ["Container", "Layout"]

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

from workbench.export.index import PatchIndex
from workbench.export.patches import Patch, ZoneSource
from workbench.export.tables import Table

Container = Literal["files", "tar", "hdf5"]
"""What the modalities of patches lie in: a GeoTIFF each, a tar file of a zone, an HDF5 file of a domain."""


class Layout(Protocol):
    """How one published tree is laid out; paths are relative to its folder, with ``/``."""

    @property
    def name(self) -> str:
        """What the layout is called on the command line."""

    @property
    def root(self) -> str:
        """Folder of the tree in the release."""

    @property
    def scheme(self) -> str:
        """Scheme of the nomenclature that its label values follow."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands of its images, in order."""

    @property
    def coloured(self) -> bool:
        """Whether its label files carry a colour table."""

    @property
    def numbered(self) -> bool:
        """Whether it needs FLAIR's number of each patch."""

    @property
    def container(self) -> Container:
        """What its patches lie in."""

    @property
    def modalities(self) -> tuple[str, ...]:
        """What it has of each patch."""

    @property
    def views(self) -> tuple[str, ...]:
        """Modalities that its zones, not its patches, need."""

    def path(self, patch: Patch, modality: str) -> str:
        """Return where a modality of a patch lies."""

    def zone_paths(self, patches: Sequence[Patch]) -> tuple[str, ...]:
        """Return where the files lie that a zone, whose patches are given, has beside them."""

    def zone_files(self, source: ZoneSource, patches: Sequence[Patch]) -> Iterator[tuple[str, bytes]]:
        """Yield path and content of these files."""

    def tables(self, patches: PatchIndex) -> Iterator[Table]:
        """Yield the files that describe the patches."""

    def note(self) -> str:
        """Return what ``README.md`` says about the layout."""
