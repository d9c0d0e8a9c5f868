"""Commands that send a zone to a colleague, take it in, and back a campaign up."""

from __future__ import annotations

__all__ = ["campaign_backup", "zone_pack", "zone_unpack"]

import sys
from pathlib import Path

import click

from workbench.cli.commands import Command
from workbench.cli.options import DIR, JSON, OVERWRITE, PATH, ZONE, emit, example, open_campaign, progress


@click.command(
    "pack", cls=Command, epilog=example("workbench zone pack DIR --zone D055_2018/Z2_UF -o Z2_UF.zip")
)
@DIR
@ZONE
@click.option("-o", "--output", type=PATH, required=True, help="File to write.")
@click.option("--anyway", is_flag=True, help="Also without edits that are known to be lost.")
@OVERWRITE
@JSON
def zone_pack(
    directory: Path, zone_id: str, output: Path, anyway: bool, overwrite: bool, as_json: bool
) -> None:
    """Pack a zone into one file for a colleague; people have pseudonyms in it."""
    from workbench.workflows.packing import pack_zone

    opened = open_campaign(directory)
    packed = pack_zone(opened, opened.zone(zone_id), output, overwrite=overwrite, anyway=anyway)
    emit("zone-pack", packed.document(), packed.text(), as_json=as_json)


@click.command("unpack", cls=Command, epilog=example("workbench zone unpack DIR Z2_UF.zip"))
@DIR
@click.argument("file", type=PATH)
@JSON
def zone_unpack(directory: Path, file: Path, as_json: bool) -> None:
    """Take a packed zone in, or what a colleague did to a zone that is here."""
    from workbench.workflows.unpacking import unpack_zone

    done = unpack_zone(open_campaign(directory), file)
    emit("zone-unpack", done.document(), done.text(), as_json=as_json)


@click.command("backup", cls=Command, epilog=example("workbench campaign backup DIR backups/monday"))
@DIR
@click.argument("out", type=PATH)
@JSON
def campaign_backup(directory: Path, out: Path, as_json: bool) -> None:
    """Back a campaign up while people label; OUT is a campaign itself."""
    from workbench.workflows.backup import back_up

    with progress("files") as bar:
        done = back_up(open_campaign(directory), out, progress=bar)
    emit("campaign-backup", done.document(), done.text(), as_json=as_json)
    sys.exit(0 if done.sound else 1)
