"""Shards: a tar file per zone, as WebDataset reads them."""

from __future__ import annotations

__all__ = ["Shards"]

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from workbench.export.folds import SPLITS, SUBSETS
from workbench.export.index import PatchIndex
from workbench.export.layouts.layout import Container
from workbench.export.patches import IMAGE, LABEL, Patch, ZoneSource
from workbench.export.tables import Table, TextTable


@dataclass(frozen=True, slots=True, kw_only=True)
class Shards:
    """A tar file per zone: for each patch a GeoTIFF per modality and a JSON of what is known of it.

    Members of one patch lie beside each other and have its id up to the first dot, as WebDataset wants them:
    ``D055-2018_Z2--UF_1-1.image.tif``, ``….label.tif``, ``….json``. Labels are FLAIR-HUB's numbers 0–18.
    ``split_1_train.txt`` and the others list the shards of each set; a zone is in one.
    """

    name: ClassVar[str] = "shards"
    scheme: ClassVar[str] = "flair_hub"
    coloured: ClassVar[bool] = False
    numbered: ClassVar[bool] = False
    container: ClassVar[Container] = "tar"
    views: ClassVar[tuple[str, ...]] = ()
    root: str = "SHARDS"
    bands: tuple[str, ...] = ("R", "G", "B", "NIR")
    modalities: tuple[str, ...] = (IMAGE, LABEL)

    def path(self, patch: Patch, modality: str) -> str:
        """Return where a modality of a patch lies."""
        return f"{patch.domain}_{patch.roi}.tar"

    def zone_paths(self, patches: Sequence[Patch]) -> tuple[str, ...]:
        """Return nothing: patches have all."""
        return ()

    def zone_files(self, source: ZoneSource, patches: Sequence[Patch]) -> Iterator[tuple[str, bytes]]:
        """Yield nothing: patches have all."""
        return iter(())

    def tables(self, patches: PatchIndex) -> Iterator[Table]:
        """Yield the lists of the shards of each set of ``split_1``."""
        for subset in SUBSETS:
            lines = partial(self._lines, patches, subset)
            yield TextTable(path=f"{SPLITS[0]}_{subset}.txt", lines=lines)

    def note(self) -> str:
        """Return what ``README.md`` says about the layout."""
        named, bands = ", ".join(f"`.{one}.tif`" for one in self.modalities), ", ".join(self.bands)
        return f"""\
## Folder `{self.root}`: tar files, one per zone

Members of a patch begin with its id and end with {named} and `.json`. Images have the bands {bands}, labels
the numbers of the scheme `flair_hub` of `nomenclature.json`; those of flair-19 are 0–18.
`split_1_*.txt` list the shards of each set.
"""

    def _lines(self, patches: PatchIndex, subset: str) -> Iterator[str]:
        last = ""
        for patch in patches.of_set(SPLITS[0], subset):
            if patch.zone != last:
                last = patch.zone
                yield f"{self.path(patch, IMAGE)}\n"
