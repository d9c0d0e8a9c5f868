"""Labels in and out of a zone without the window."""

from __future__ import annotations

__all__ = ["export_labels", "label_zone"]

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from workbench.campaign import Campaign
from workbench.documents import check_output
from workbench.geo.raster import TIFF, write_raster
from workbench.geo.zone import Zone
from workbench.workflows.script import run_script


def label_zone(
    campaign: Campaign,
    zone: Zone,
    *,
    author: str,
    lines: Iterable[str],
    on_edit: Callable[[str, int], None],
    blind: bool = False,
) -> int:
    """Apply the lines of a label script to a zone; see `workbench.workflows.script`."""
    with campaign.open_store(zone, author=author, blind=blind) as store:
        return run_script(
            lines,
            store,
            nomenclature=campaign.nomenclature,
            hierarchy=partial(campaign.read_hierarchy, zone),
            on_edit=on_edit,
        )


def export_labels(campaign: Campaign, zone: Zone, output: Path, *, scheme: str, overwrite: bool) -> str:
    """Write a zone's labels as a raster numbered by a scheme, with its colours.

    What is unlabelled, in conflict or outside the footprint becomes the scheme's *other* (or its own value
    for it): IGN's loaders train any other number as building.

    Returns
    -------
    str
        One line for a person.
    """
    nomenclature = campaign.nomenclature
    pictures = [raster.path for raster in zone.rasters]
    check_output(output, overwrite=overwrite, kind="a GeoTIFF", begins=TIFF, sources=pictures)
    with campaign.open_store(zone) as store:
        values, covered = nomenclature.encode(store.settled_labels(), scheme), store.coverage()
    write_raster(
        output,
        values,
        zone.grid,
        colours=nomenclature.colour_table(scheme),
        tags={
            "NOMENCLATURE": f"{nomenclature.name} {nomenclature.version}",
            "SCHEME": scheme,
            "ZONE": zone.id,
        },
        overwrite=overwrite,
    )
    return f"{output}: {zone.id}, {covered:.1%} labelled, numbered as {scheme}"
