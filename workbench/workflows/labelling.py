"""Labels in and out of a zone without the window."""

from __future__ import annotations

__all__ = ["export_labels", "label_zone", "stay"]

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.geo.geotiff import write_raster
from workbench.geo.raster_kinds import LABELS
from workbench.geo.zone import Zone
from workbench.labels.losses import lost_edits
from workbench.labels.proposed import is_model
from workbench.leases import Tenancy
from workbench.outputs import check_output
from workbench.workflows.admitting import check_admitted
from workbench.workflows.script import run_script


def label_zone(
    campaign: Campaign,
    zone: Zone,
    *,
    author: str,
    lines: Iterable[str],
    on_edit: Callable[[str, int], None],
    say: Callable[[str], None] = lambda _: None,
    blind: bool = False,
    together: bool = False,
) -> int:
    """Apply the lines of a label script to a zone; see `workbench.workflows.script`.

    Raises
    ------
    LeaseTaken
        Somebody else is labelling there, and it is not to be done ``together``.
    """
    tenancy = stay(campaign, zone, author=author, blind=blind, together=together)
    with campaign.open_store(zone, author=author, blind=blind) as store, tenancy:
        if tenancy.remark:
            say(tenancy.remark)

        def acknowledge(op: str, line: int) -> None:
            on_edit(op, line)
            if complaint := tenancy.renew():
                say(complaint)

        return run_script(
            lines,
            store,
            nomenclature=campaign.nomenclature,
            hierarchy=partial(campaign.read_hierarchy, zone),
            on_edit=acknowledge,
        )


def stay(
    campaign: Campaign, zone: Zone, *, author: str, blind: bool = False, together: bool = False
) -> Tenancy:
    """Return an author's stay in a zone; who labels blind, or is a model, is in nobody's way.

    Raises
    ------
    LeaseTaken
        Somebody else is labelling there, and it is not to be done ``together``.
    CampaignError
        The campaign has gold zones, and the author has not shown there yet how they label.
    """
    free = together or blind or is_model(author)
    if not blind and not is_model(author):
        check_admitted(campaign, author)
    return Tenancy(campaign.registry, zone.id, author, together=free)


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
    check_output(output, LABELS, overwrite=overwrite, sources=pictures)
    with campaign.open_store(zone) as store:
        values, covered = nomenclature.encode(store.settled_labels(), scheme), store.coverage()
        lost, contested = lost_edits(store.missing()), store.conflicts().pixels
    write_raster(
        output,
        values,
        zone.grid,
        kind=LABELS,
        colours=nomenclature.colour_table(scheme),
        tags={
            "NOMENCLATURE": f"{nomenclature.name} {nomenclature.version}",
            "SCHEME": scheme,
            "ZONE": zone.id,
        },
        overwrite=overwrite,
    )
    told = f"{output}: {zone.id}, {covered:.1%} labelled, numbered as {scheme}"
    without = f"{counted(contested, 'pixel')} in conflict, unlabelled in it" if contested else ""
    return "; ".join(filter(None, (told, without, lost)))
