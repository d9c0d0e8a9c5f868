"""From a campaign's files to what a session is made of; no screen is touched, so any thread can do it."""

from __future__ import annotations

__all__ = ["Backdrop", "OpenZone", "open_zone", "read_backdrop"]

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from affine import Affine
from numpy.typing import NDArray

from napari_plugin.desk_rasters import DeskRaster, desk_raster
from workbench.campaign import Campaign
from workbench.compiled import start_compiler
from workbench.errors import HierarchyError
from workbench.geo.grid import PixelGrid
from workbench.geo.placed import PlacedPixels
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.leases import Tenancy
from workbench.nomenclature import Nomenclature
from workbench.segmentation.hierarchy import Hierarchy
from workbench.workflows.doubling import check_unblinded
from workbench.workflows.labelling import stay

_MARGIN = 256


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Backdrop:
    """The orthophoto that is looked at: the zone, and what lies around it."""

    pixels: NDArray[Any]
    """Shape (band, row, col)."""
    bands: tuple[str, ...]
    """What each band shows, such as ``R G B NIR E``."""
    offset: tuple[int, int] = (0, 0)
    """(row, col) of the first pixel in the zone's grid; negative or zero."""

    def inside(self, grid: PixelGrid) -> NDArray[Any]:
        """Return the pixels of the zone alone, shape (band, row, col), by the zone's grid."""
        row, col = (-first for first in self.offset)
        return self.pixels[:, row : row + grid.height, col : col + grid.width]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OpenZone:
    """A zone that somebody labels: its files, read or open."""

    campaign: Campaign
    zone: Zone
    author: str
    """Who labels; the journal is locked for this author until `close`."""
    backdrop: Backdrop
    """The orthophoto's pixels, as the file has them."""
    ortho: DeskRaster
    """The orthophoto to look at."""
    nomenclature: Nomenclature
    store: AnnotationStore
    """The zone's labels, open for the author."""
    hierarchy: Hierarchy | None
    """Regions to pick, as segmented. None where there are none: labels show, nothing can be picked."""
    advice: str
    """What to do about a missing hierarchy."""
    tenancy: Tenancy
    """The author's stay in the zone, to be renewed as long as it is open."""
    blind: bool
    """Whether it is a second annotation that sees nothing of the first."""

    @property
    def journal(self) -> Path:
        """File that the author's edits go to."""
        return self.campaign.journal_dir(self.zone) / f"{self.author}.sqlite"

    def close(self) -> None:
        """Give journal and zone back; every edit is in the journal already."""
        self.store.close()
        self.tenancy.end()


def open_zone(
    directory: Path,
    *,
    zone_id: str | None,
    author: str,
    blind: bool = False,
    together: bool = False,
    progress: Callable[[str], None] = lambda step: None,
) -> OpenZone:
    """Open a zone of a campaign for an author; picture, regions and labels are read side by side.

    Parameters
    ----------
    directory
        The campaign.
    zone_id
        Which zone; None where the campaign has a single one.
    author
        Who labels.
    blind
        A second annotation: without seeing what others did.
    together
        Label also where somebody else is labelling.
    progress
        Told what is being read.

    Raises
    ------
    WorkbenchError
        The campaign, zone, raster or journal cannot be opened, or somebody else is labelling there, or the
        author labels the zone blind and is not done.
    """
    campaign = Campaign.open(directory)
    zone = campaign.zone(zone_id) if zone_id else campaign.only_zone()
    tenancy = stay(campaign, zone, author=author, blind=blind, together=together)
    progress(zone.id)
    with ThreadPoolExecutor(max_workers=4) as pool:
        pool.submit(start_compiler)
        picture = pool.submit(read_backdrop, campaign, zone)
        laid_out = pool.submit(lambda: _laid_out(zone, picture.result()))
        opening = pool.submit(campaign.open_store, zone, author=author, blind=blind)
        try:
            hierarchy, advice = _read_hierarchy(campaign, zone, lambda: picture.result().inside(zone.grid))
            backdrop, ortho = picture.result(), laid_out.result()
            store = opening.result()
            if not blind:
                check_unblinded(campaign, zone, store, author)
            return OpenZone(
                campaign=campaign,
                zone=zone,
                author=author,
                backdrop=backdrop,
                ortho=ortho,
                nomenclature=campaign.nomenclature,
                store=store,
                hierarchy=hierarchy,
                advice=advice,
                tenancy=tenancy.begin(),
                blind=blind,
            )
        except BaseException:  # neither lock nor lease may outlive the attempt, whatever ended it
            if opening.exception() is None:
                opening.result().close()
            tenancy.end()
            raise


def read_backdrop(campaign: Campaign, zone: Zone) -> Backdrop:
    """Read a zone with its surroundings, and prove that the zone still looks as when it was added."""
    pixels, offset = campaign.read_surroundings(zone, margin=_MARGIN)
    return Backdrop(pixels=pixels, bands=zone.ortho.bands, offset=offset)


def _laid_out(zone: Zone, backdrop: Backdrop) -> DeskRaster:
    """Return the orthophoto as it lies on the desk."""
    row, col = backdrop.offset
    _, height, width = backdrop.pixels.shape
    grid = PixelGrid(
        crs=zone.grid.crs,
        transform=zone.grid.transform @ Affine.translation(col, row),
        height=height,
        width=width,
    )
    placed = PlacedPixels(pixels=backdrop.pixels, bands=backdrop.bands, grid=grid, valid=None)
    return desk_raster(placed, zone, key=zone.ortho.key)


def _read_hierarchy(
    campaign: Campaign, zone: Zone, image: Callable[[], NDArray[Any]]
) -> tuple[Hierarchy | None, str]:
    """Return a zone's hierarchy, or None and what to do about it."""
    path = campaign.hierarchy_path(zone)
    if not path.exists():
        return None, "Not segmented yet: there are no regions to pick."
    try:
        return campaign.read_hierarchy(zone, image=image), ""
    except HierarchyError as error:
        return None, str(error)
