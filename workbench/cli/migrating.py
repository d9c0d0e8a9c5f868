"""The command that carries zones to another nomenclature."""

from __future__ import annotations

__all__ = ["zone_migrate"]

from pathlib import Path

import click

from workbench.cli.commands import Command
from workbench.cli.options import DIR, JSON, PATH, emit, example, open_campaign, progress, split_decisions


@click.command("migrate", cls=Command, epilog=example("workbench zone migrate DIR NEW --all --to flair-19"))
@DIR
@click.argument("new", metavar="NEW", type=PATH)
@click.option("--zone", "zone_ids", multiple=True, help="Zone to carry; may be given several times.")
@click.option("--all", "every", is_flag=True, help="All zones of the campaign.")
@click.option("--table", help="Crosswalk by name or path, such as ign-naf-to-flair-19.")
@click.option("--to", help="Nomenclature by name or path; without --table, another version of the old one.")
@click.option(
    "--decide",
    "decisions",
    metavar="OLD=NEW",
    multiple=True,
    callback=split_decisions,
    help="What a class that the table leaves undecided becomes: a class or an upper class.",
)
@JSON
def zone_migrate(
    directory: Path,
    new: Path,
    zone_ids: tuple[str, ...],
    every: bool,
    table: str | None,
    to: str | None,
    decisions: dict[str, str],
    as_json: bool,
) -> None:
    """Carry zones to the campaign NEW in another nomenclature, with all edits and reviews.

    The campaign DIR is not changed; NEW is made if it is not there. All of the zones arrive, or none.
    """
    from workbench.workflows.migrating import find_recoding, migrate

    if bool(zone_ids) == every:
        raise click.UsageError("say which zones: --zone ID, once or several times, or --all")
    if table is None and to is None:
        raise click.UsageError(
            "say how: --table TABLE, or --to NOMENCLATURE for another version of the old one"
        )
    opened = open_campaign(directory)
    zones = {zone.id: zone for zone in (opened.zones() if every else map(opened.zone, zone_ids))}
    recoding = find_recoding(opened, new, table=table, to=to)
    with progress("zones") as bar:
        done = migrate(
            opened, new, zones=list(zones.values()), recoding=recoding, decisions=decisions, progress=bar
        )
    emit("zone-migrate", done.document(), done.text(), as_json=as_json)
