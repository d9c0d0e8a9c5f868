"""The command that makes a campaign of a published tree."""

from __future__ import annotations

__all__ = ["release_import"]

from pathlib import Path
from typing import Any

import click

from workbench.cli.commands import Command
from workbench.cli.options import JSON, PATH, emit, example, progress, split_names


@click.command("import", cls=Command, epilog=example("workbench release import releases/FR_V0.1 -o IMPORTED"))
@click.argument("path", metavar="TREE", type=PATH)
@click.option(
    "-o", "--output", "campaign", type=PATH, required=True, help="Campaign to make, or to go on with."
)
@click.option("--layout", help="flair1 or flair-hub; found out if not given, a release by its index.")
@click.option("--domain", "domains", callback=split_names, help="Domains to import, joined by commas.")
@click.option("--author", default="import", show_default=True, help="Whose edits the labels are.")
@click.option("--nomenclature", help="Of a new campaign: that of the release, or flair-19, if not given.")
@click.option("--leave-out", is_flag=True, help="Leave out zones that do not fit, and name them.")
@JSON
def release_import(path: Path, as_json: bool, **options: Any) -> None:
    """Turn a tree of FLAIR#1, FLAIR-HUB or a release back into a campaign; run again, it goes on."""
    from workbench.workflows.importing import import_release

    with progress("zones") as bar:
        done = import_release(path, **options, progress=bar)
    emit("release-import", done.document(), done.text(), as_json=as_json)
