"""Commands that build releases and look them over."""

from __future__ import annotations

__all__ = ["release"]

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from workbench.cli.options import (
    DIR,
    JSON,
    PATH,
    RULE,
    emit,
    example,
    open_campaign,
    progress,
    say,
    split_names,
)

if TYPE_CHECKING:
    from workbench.geo.grid import PatchLattice


def _lattice(ctx: click.Context, param: click.Parameter, value: str | None) -> PatchLattice | None:
    """Read PITCH@RESOLUTION."""
    from workbench.errors import GridError
    from workbench.geo.grid import parse_lattice

    try:
        return None if value is None else parse_lattice(value)
    except GridError as error:
        raise click.BadParameter(str(error)) from error


@click.group()
def release() -> None:
    """Cut accepted zones into versioned patch releases."""


@release.command("build", epilog=example("workbench release build DIR --name FR_V0.1 -o releases"))
@DIR
@click.option("--name", required=True, help="Name of the release, such as FR_V0.1.")
@click.option("-o", "--output", "out", type=PATH, required=True, help="Folder that the release goes into.")
@click.option(
    "--layout",
    "layouts",
    callback=split_names,
    default="flair-hub,flair1",
    show_default=True,
    help="Layouts joined by commas; NAME=FOLDER names the folder.",
)
@click.option(
    "--modality",
    "modalities",
    callback=split_names,
    help="What FLAIR-HUB's tree is to have beside orthophoto and labels, joined by commas: elevation, "
    "historical, spot, sentinel2, sentinel2-masks, sentinel1-asc, sentinel1-desc, parcels; or none. All "
    "that every zone has if not given.",
)
@click.option(
    "--grid",
    "lattice",
    callback=_lattice,
    metavar="PITCH@RESOLUTION",
    help="Patches of another size, in metres, such as 256@0.5; the national grid, 102.4@0.2, if not given.",
)
@click.option(
    "--parent",
    type=PATH,
    metavar="RELEASE",
    help="Release to build on: what did not change is taken from it.",
)
@JSON
def release_build(directory: Path, as_json: bool, lattice: PatchLattice | None, **options: Any) -> None:
    """Build a release of all accepted zones; it appears whole or not at all."""
    from workbench.geo.grid import NATIONAL_GRID
    from workbench.workflows.publishing import publish

    opened = open_campaign(directory)
    with progress("patches") as bar:
        built = publish(opened, **options, lattice=lattice or NATIONAL_GRID, say=say, progress=bar)
    emit("release-build", built.document(), built.text(), as_json=as_json)


@release.command("verify", epilog=example("workbench release verify releases/FR_V0.1"))
@click.argument("path", metavar="RELEASE", type=PATH)
@click.option("--sealed", type=PATH, help="Release with the labels that this one withholds, to prove it by.")
@JSON
def release_verify(path: Path, sealed: Path | None, as_json: bool) -> None:
    """Check every file of a release against its digests and its layouts' rules."""
    from workbench.export import verify_release
    from workbench.threads import in_threads

    with in_threads() as threads:
        report = verify_release(path, sealed=sealed, map=threads)
    emit("release-verify", report.document(), report.text(), as_json=as_json)
    sys.exit(0 if report.sound else 1)


@release.command(
    "subset",
    epilog=example("workbench release subset releases/FR_V0.1 -o releases --name SMALL --domain D055_2018"),
)
@click.argument("path", metavar="RELEASE", type=PATH)
@click.option("-o", "--output", "out", type=PATH, required=True, help="Folder that the subset goes into.")
@click.option("--name", required=True, help="Name of the subset, such as CHALLENGE_1.")
@click.option("--domain", "domains", callback=split_names, help="Domains to take, joined by commas.")
@click.option("--zone", "zones", callback=split_names, help="Zones to take, of these domains or others.")
@click.option(
    "--split", "sets", callback=split_names, help="Only sets of a split: split_1:train,split_1:valid."
)
@click.option("--layout", "layouts", callback=split_names, help="Layouts to take; all if not given.")
@click.option(
    "--modality", "modalities", callback=split_names, help="Modalities to take, or none; all if not given."
)
@click.option(
    "--withhold-test",
    is_flag=True,
    help="Leave out the labels of what is test in split_1, and put them under seal into NAME-SEALED.",
)
@JSON
def release_subset(
    path: Path, out: Path, name: str, withhold_test: bool, as_json: bool, **chosen: Any
) -> None:
    """Make a release of a part of another one: the same files, nothing cut anew."""
    from workbench.export import open_release, subset_release
    from workbench.export.choice import Choice
    from workbench.threads import in_threads

    choice, parent = Choice.parse(**chosen), open_release(path)
    with in_threads() as threads, progress("patches") as bar:
        made = subset_release(
            parent, name=name, out=out, choice=choice, withhold_test=withhold_test, progress=bar, map=threads
        )
    emit("release-subset", made.document(), made.text(), as_json=as_json)


@release.command(
    "score", epilog=example("workbench release score releases/FR_V0.1 predictions --scheme flair")
)
@click.argument("path", metavar="SEALED|RELEASE", type=PATH)
@click.argument("submission", metavar="SUBMISSION", type=PATH)
@RULE
@click.option(
    "--drop", "dropped", callback=split_names, help="Further classes to leave out by the rule flair: snow,…"
)
@click.option("--split", default="split_1:test", show_default=True, help="Patches that were to be predicted.")
@click.option(
    "--scheme",
    help="How predictions are numbered: challenge is 0–12, flair-argmax 0–18 in FLAIR's order, flair_hub "
    "0–18 in FLAIR-HUB's, flair or codes 1–19. Needed where their values can stand for several classes.",
)
@JSON
def release_score(
    path: Path, submission: Path, dropped: tuple[str, ...] | None, as_json: bool, **how: Any
) -> None:
    """Judge a folder of predictions, PRED_… of each test patch once, or list all that is wrong with it."""
    from workbench.evaluation import score_submission
    from workbench.export import open_release
    from workbench.threads import in_threads

    with in_threads() as threads, progress("patches") as bar:
        truth = open_release(path)
        found = score_submission(truth, submission, dropped=dropped or (), **how, progress=bar, map=threads)
    emit("release-score", found.document(), found.text(), as_json=as_json)
    sys.exit(0 if found.sound else 1)


@release.command("import", epilog=example("workbench release import releases/FR_V0.1 -o IMPORTED"))
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
