"""The command that makes the next version of a release without zones that must go."""

from __future__ import annotations

__all__ = ["release_withdraw"]

from pathlib import Path
from typing import Any

import click

from workbench.cli.commands import Command
from workbench.cli.options import JSON, PATH, emit, example, open_campaign, progress


@click.command(
    "withdraw",
    cls=Command,
    epilog=example(
        "workbench release withdraw releases/FR_V0.1 -o releases --name FR_V0.3 --zone D055_2018/Z2_UF "
        '--reason "shows a prison"'
    ),
)
@click.argument("path", metavar="RELEASE", type=PATH)
@click.option("-o", "--output", "out", type=PATH, required=True, help="Folder that it goes into.")
@click.option("--name", required=True, help="Name of the new version, such as FR_V0.2.")
@click.option(
    "--zone", "zones", multiple=True, required=True, metavar="ID", help="Zone that has to go; repeatable."
)
@click.option("--reason", required=True, help="Why, for everybody to read.")
@click.option("--version", help="Such as 1.2.0; as the name ends, or the next minor one, if not given.")
@click.option(
    "--campaign",
    "directory",
    type=PATH,
    metavar="DIR",
    help="Campaign that the release is of: no release of it has the zones again, unless --readmit says so.",
)
@JSON
def release_withdraw(path: Path, directory: Path | None, as_json: bool, **options: Any) -> None:
    """Make the next version of a release without zones that must go: the same files, nothing cut anew."""
    from workbench.export import open_release
    from workbench.threads import in_threads
    from workbench.workflows.withdrawing import withdraw_zones

    campaign, release = open_campaign(directory) if directory else None, open_release(path)
    with in_threads() as threads, progress("patches") as bar:
        done = withdraw_zones(release, campaign=campaign, **options, progress=bar, map=threads)
    emit("release-withdraw", done.document(), done.text(), as_json=as_json)
