"""Commands for challenges: a part of a release, its test under seal, and what others predicted."""

from __future__ import annotations

__all__ = ["release_score", "release_subset"]

import sys
from pathlib import Path
from typing import Any

import click

from workbench.cli.commands import Command
from workbench.cli.options import JSON, PATH, RULE, emit, example, progress, split_names


@click.command(
    "subset",
    cls=Command,
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
    from workbench.export.wanted import Wanted
    from workbench.threads import in_threads

    wanted, parent = Wanted.parse(**chosen), open_release(path)
    with in_threads() as threads, progress("patches") as bar:
        made = subset_release(
            parent, name=name, out=out, wanted=wanted, withhold_test=withhold_test, progress=bar, map=threads
        )
    emit("release-subset", made.document(), made.text(), as_json=as_json)


@click.command(
    "score",
    cls=Command,
    epilog=example("workbench release score releases/FR_V0.1 predictions --scheme flair"),
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
