"""The command that gives a release in other classes."""

from __future__ import annotations

__all__ = ["release_recode"]

from pathlib import Path
from typing import Any

import click

from workbench.cli.commands import Command
from workbench.cli.options import JSON, PATH, emit, example, progress, split_decisions


@click.command(
    "recode",
    cls=Command,
    epilog=example("workbench release recode releases/FR_V0.1 -o releases --name FR_V0.1_15 --to 15"),
)
@click.argument("path", metavar="RELEASE", type=PATH)
@click.option("-o", "--output", "out", type=PATH, required=True, help="Folder that the result goes into.")
@click.option("--name", required=True, help="Name of the result, such as FR_V0.1_15.")
@click.option(
    "--to",
    "goal",
    required=True,
    type=click.Choice(["15", "12-1", "16", "cosia", "cosia-15", "ocsge-cover", "artificialised"]),
    help="Classes: FLAIR's 15 or 12 and other, 16 with clear cut, CoSIA's, covers of OCS GE, or whether land "
    "is artificialised, not, or depending on its usage.",
)
@click.option(
    "--decide",
    "decisions",
    metavar="OLD=NEW",
    multiple=True,
    callback=split_decisions,
    help="What a class that the table leaves undecided becomes: ligneous=CS2.1.3, or ligneous=undecided.",
)
@click.option("--usage", type=PATH, metavar="VECTOR", help="Polygons of usages, such as those of OCS GE.")
@click.option("--usage-field", "field", default="code_us", show_default=True, help="Field of their codes.")
@click.option("--usage-layer", "layer", help="Their layer, where the file has several.")
@JSON
def release_recode(path: Path, usage: Path | None, as_json: bool, **options: Any) -> None:
    """Give a release in other classes: derived labels, and all else the same files."""
    from workbench.workflows.recoding import recode

    if usage is None and options["layer"] is not None:
        raise click.UsageError("--usage-layer is one of a file; give it, too: --usage FILE")
    with progress("patches") as bar:
        made = recode(path, usage=usage, progress=bar, **options)
    emit("release-recode", made.document(), made.text(), as_json=as_json)
