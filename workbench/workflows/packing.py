"""A zone packed into one file, for a colleague: ``pack.json``, the orthophoto, the hierarchy, every journal.

People have pseudonyms in it, and no working hours (`workbench.labels.carrying`). It can be made while they
label: nothing is locked, and what it holds of their journals are whole gestures, with all that they had seen.
"""

from __future__ import annotations

__all__ = ["Packed", "pack_zone"]

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from affine import Affine
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.documents import digest_file
from workbench.errors import JournalError
from workbench.geo.geotiff import write_raster
from workbench.geo.grid import PixelGrid
from workbench.geo.zone import Zone
from workbench.labels.carrying import carried_out
from workbench.labels.journal import write_journal
from workbench.labels.losses import lost_edits
from workbench.labels.reading import Journal, lacking, read_together, unheld
from workbench.outputs import check_output
from workbench.workflows.archive import HIERARCHY, ORTHO, PACK, journal_member, write_archive
from workbench.workflows.pack_card import MARGIN, card_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """What `pack_zone` wrote."""

    path: Path
    zone: str
    journals: Mapping[str, int]
    """Ops by the name that their author has outside."""
    missing: Mapping[str, int]
    """An op of authors, by their names at home, that was there once and that no journal there holds any more:
    the pack is without them, and does not say any more that they had been there."""
    hierarchy: bool
    """Whether the zone is segmented, and its hierarchy goes with it."""
    left_out: tuple[str, ...]
    """Rasters of the zone beside the orthophoto, such as ``dsm``: they stay at home."""
    size: int
    """Bytes of the file."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/zone-pack.schema.json``)."""
        return {
            "path": str(self.path),
            "zone": self.zone,
            "journals": dict(self.journals),
            "missing": dict(self.missing),
            "hierarchy": self.hierarchy,
            "left_out": list(self.left_out),
            "bytes": self.size,
        }

    def text(self) -> str:
        """Return a few lines for a person."""
        ops = sum(self.journals.values())
        with_it = "orthophoto and hierarchy" if self.hierarchy else "orthophoto (not segmented yet)"
        left = f"\n  these rasters stay here: {', '.join(self.left_out)}" if self.left_out else ""
        lost = f"\n  {lost_edits(self.missing)} and pack it again" if self.missing else ""
        return (
            f"{self.path}: {self.zone}, {counted(ops, 'op')} in {counted(len(self.journals), 'journal')}, "
            f"{with_it}, {self.size / 1e6:.1f} MB\n"
            "  people have pseudonyms in it; comments and reasons are as they were written"
            f"{left}{lost}"
        )


def pack_zone(
    campaign: Campaign, zone: Zone, output: Path, *, overwrite: bool, anyway: bool = False
) -> Packed:
    """Write a zone into one file, whole or not at all.

    Parameters
    ----------
    campaign, zone
        What to pack; people may be labelling it.
    output
        The file; its folder must exist.
    overwrite
        Replace an older pack.
    anyway
        Pack a zone without ops that somebody had seen: the pack does not know any more that they had.

    Raises
    ------
    WorkbenchError
        The output is there already or is no pack; the orthophoto, the hierarchy or a journal is damaged or of
        other pixels; or the zone is larger than what is unpacked, or edits are missing.
    """
    pictures = [raster.path for raster in zone.rasters]
    check_output(output, PACK, overwrite=overwrite, sources=pictures)
    folder = campaign.journal_dir(zone)
    found = read_together(folder, campaign.subject(zone))
    if not anyway and (gone := unheld(found)):
        raise JournalError(
            f"zone {zone.id}: {lost_edits(gone)}, or pack it --anyway: the pack would forget that they had "
            "been seen, and may show conflicts that there were none of"
        )
    pixels, offset = campaign.read_surroundings(zone, margin=MARGIN)
    segmented = campaign.hierarchy_path(zone).exists()
    if segmented:
        row, col = (-first for first in offset)
        image = pixels[:, row : row + zone.grid.height, col : col + zone.grid.width]
        campaign.read_hierarchy(zone, image=image)
    with tempfile.TemporaryDirectory(prefix=f".{output.stem}-", dir=output.parent) as name:
        place = Path(name)
        members = {ORTHO: place / ORTHO}
        around = _around(zone.grid, offset, pixels)
        write_raster(members[ORTHO], pixels, around, predictor=2, descriptions=zone.ortho.bands)
        if segmented:  # copied, so that another one cannot take its place under way
            members[HIERARCHY] = Path(shutil.copyfile(campaign.hierarchy_path(zone), place / HIERARCHY))
        journals = carried_out(found, pseudonym=cache(campaign.pseudonym))
        members |= _written(journals, place)
        digests = {name: digest_file(path) for name, path in members.items()}
        card = card_of(
            zone,
            campaign.nomenclature,
            offset=offset,
            digests=digests,
            choice=campaign.registry.choices().get(zone.id),
            source=str(output),
        )
        write_archive(output, card, members)
    return Packed(
        path=output,
        zone=zone.id,
        journals={journal.meta.author: len(journal.rows) for journal in journals},
        missing=lacking(folder, found),
        hierarchy=segmented,
        left_out=tuple(raster.key for raster in zone.rasters if raster.role != "ortho"),
        size=output.stat().st_size,
    )


def _around(grid: PixelGrid, offset: tuple[int, int], pixels: NDArray[Any]) -> PixelGrid:
    """Return the grid of the pixels of a zone and around it, rounded as the zone's is."""
    corner = grid.transform @ Affine.translation(offset[1], offset[0])
    transform = Affine(corner.a, 0.0, round(corner.c, 3), 0.0, corner.e, round(corner.f, 3))
    return PixelGrid(crs=grid.crs, transform=transform, height=pixels.shape[1], width=pixels.shape[2])


def _written(journals: Sequence[Journal], folder: Path) -> dict[str, Path]:
    """Write journals below a folder; return their files by the names of their members."""
    members = {journal_member(journal.meta.author): journal for journal in journals}
    (folder / "journal").mkdir()
    for name, journal in members.items():
        write_journal(folder / name, journal.meta, journal.rows)
    return {name: folder / name for name in members}
