"""Commands that make labels, look at them, keep their journals and review them."""

from __future__ import annotations

__all__ = ["agreement", "annotate", "journal", "label", "labels", "review"]

import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from workbench.cli.commands import Command, Group
from workbench.cli.options import (
    AUTHOR,
    DIR,
    JSON,
    OVERWRITE,
    PATH,
    ZONE,
    emit,
    example,
    open_campaign,
    say,
)
from workbench.counting import counted
from workbench.errors import CampaignError, WorkbenchError

if TYPE_CHECKING:
    from workbench.workflows.standing import Verdict


BLIND = click.option("--blind", is_flag=True, help="A second annotation: without seeing what others did.")
TOGETHER = click.option("--together", is_flag=True, help="Also where somebody is labelling just now.")


@click.command(cls=Command, epilog=example("workbench annotate DIR --zone D055_2018/Z2_UF --author marie"))
@DIR
@click.option("--zone", "zone_id", help="Zone to open; the only one by default.")
@click.option("--author", help="Whose journal to write; the name of the machine's user by default.")
@BLIND
@TOGETHER
def annotate(directory: Path, zone_id: str | None, author: str | None, **how: bool) -> None:
    """Open napari on a zone."""
    from getpass import getuser
    from importlib.metadata import entry_points

    desks = entry_points(group="workbench.desk")
    opened = open_campaign(directory)
    try:
        chosen = opened.zone(zone_id) if zone_id else opened.only_zone()
    except CampaignError as error:
        if zone_id:
            raise
        raise click.UsageError(str(error)) from error  # --zone is missing
    try:
        desk = next(iter(desks)).load()
    except (StopIteration, ImportError) as error:
        raise WorkbenchError(
            f"napari is not installed ({error}); install it: pip install 'ocs-workbench[napari]' PyQt6"
        ) from error
    screens = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    if sys.platform == "linux" and not any(map(os.environ.get, screens)):
        raise WorkbenchError(
            "there is no screen to open a window on; run it in a desktop session, or xvfb-run"
        )
    desk(directory, zone_id=chosen.id, author=author or getuser(), **how)


@click.command(
    cls=Command,
    epilog=example("workbench label DIR --zone D055_2018/Z2_UF --author marie --script edits.jsonl"),
)
@DIR
@ZONE
@AUTHOR
@click.option(
    "--script", type=click.File(encoding="utf-8-sig"), required=True, help="JSON lines; - for stdin."
)
@BLIND
@TOGETHER
@click.option("--json-lines", is_flag=True, help='Print {"op": id} for each edit, once it is durable.')
def label(directory: Path, zone_id: str, author: str, script: TextIO, json_lines: bool, **how: bool) -> None:
    """Apply edits from a script: those of the window, and more."""
    from workbench.workflows.labelling import label_zone

    def acknowledge(op: str, line: int) -> None:
        if json_lines:
            click.echo(json.dumps({"op": op, "line": line}))

    opened = open_campaign(directory)
    zone = opened.zone(zone_id)
    applied = label_zone(opened, zone, author=author, lines=script, on_edit=acknowledge, say=say, **how)
    click.echo(f"{counted(applied, 'line')} applied by {author}", err=json_lines)


@click.group(cls=Group)
def labels() -> None:
    """Take labels out of a campaign."""


@labels.command(
    "export", epilog=example("workbench labels export DIR --zone Z2_UF --scheme flair -o labels.tif")
)
@DIR
@ZONE
@click.option("--scheme", required=True, help="How to number the classes, such as flair.")
@click.option("-o", "--output", type=PATH, required=True)
@OVERWRITE
def labels_export(directory: Path, zone_id: str, scheme: str, output: Path, overwrite: bool) -> None:
    """Write a zone's labels as a raster; what is unlabelled becomes the scheme's *other*."""
    from workbench.workflows.labelling import export_labels

    opened = open_campaign(directory)
    click.echo(export_labels(opened, opened.zone(zone_id), output, scheme=scheme, overwrite=overwrite))


@labels.command(
    "provenance", epilog=example("workbench labels provenance DIR --zone Z2_UF -o provenance.tif")
)
@DIR
@ZONE
@click.option("-o", "--output", type=PATH, required=True, help="Raster; a .csv is written beside it.")
@click.option("--names", is_flag=True, help="People by their names, not their pseudonyms: not to be shared.")
@OVERWRITE
@JSON
def labels_provenance(
    directory: Path, zone_id: str, output: Path, names: bool, overwrite: bool, as_json: bool
) -> None:
    """Write whose each pixel is, and what the labels cost: time, gestures, tools."""
    from workbench.workflows.provenance import write_provenance

    opened = open_campaign(directory)
    found = write_provenance(opened, opened.zone(zone_id), output, overwrite=overwrite, names=names)
    emit("labels-provenance", found.document(), found.text(), as_json=as_json)


@labels.command("bias", epilog=example("workbench labels bias DIR --zone D055_2018/Z2_UF --reference zoe"))
@DIR
@ZONE
@click.option("--reference", help="Who drew by hand; by default, what was drawn by hand in the labels.")
@JSON
def labels_bias(directory: Path, zone_id: str, reference: str | None, as_json: bool) -> None:
    """Measure how far label borders follow leaf borders where a hand does not."""
    from workbench.workflows.bias import measure_bias

    opened = open_campaign(directory)
    found = measure_bias(opened, opened.zone(zone_id), reference=reference)
    emit("labels-bias", found.document(), found.text(), as_json=as_json)


@click.command(
    cls=Command,
    epilog=example("workbench agreement DIR --zone D055_2018/Z2_UF --authors marie jean"),
)
@DIR
@ZONE
@click.option("--authors", nargs=2, required=True, help="Whose labels to compare, each alone.")
@JSON
def agreement(directory: Path, zone_id: str, authors: tuple[str, str], as_json: bool) -> None:
    """Compare two people's labels of a zone: how much, which classes, class or border."""
    from workbench.workflows.comparing import compare_authors

    opened = open_campaign(directory)
    found = compare_authors(opened, opened.zone(zone_id), authors)
    emit("agreement", found.document(), found.text(), as_json=as_json)


@click.group(cls=Group)
def journal() -> None:
    """Read the journals that hold every edit."""


@journal.command("dump", epilog=example("workbench journal dump DIR --zone D055_2018/Z2_UF"))
@DIR
@ZONE
@click.option("--author", help="One author's journal; all by default.")
def journal_dump(directory: Path, zone_id: str, author: str | None) -> None:
    """Print every op as one JSON line, in the order in which they count."""
    from workbench.workflows.journals import journal_ops

    opened = open_campaign(directory)
    for op in journal_ops(opened, opened.zone(zone_id), author=author):
        click.echo(json.dumps(op, ensure_ascii=False, allow_nan=False))


@journal.command("verify", epilog=example("workbench journal verify DIR --zone D055_2018/Z2_UF"))
@DIR
@ZONE
@click.option("--author", help="One author's journal; all by default.")
@JSON
def journal_verify(directory: Path, zone_id: str, author: str | None, as_json: bool) -> None:
    """Check each journal's chain of digests, op by op."""
    from workbench.workflows.journals import verify_journals

    opened = open_campaign(directory)
    report = verify_journals(opened, opened.zone(zone_id), author=author)
    emit("journal-verify", report.document(), report.text(), as_json=as_json)
    sys.exit(0 if report.sound else 1)


@journal.command("doctor", epilog=example("workbench journal doctor DIR --zone D055_2018/Z2_UF"))
@DIR
@ZONE
@click.option("--author", help="One author's journal; all by default.")
@JSON
def journal_doctor(directory: Path, zone_id: str, author: str | None, as_json: bool) -> None:
    """Mend damaged journals: keep every op that can be proven, set the rest apart, guess nothing."""
    from workbench.workflows.journals import mend_journals

    opened = open_campaign(directory)
    done = mend_journals(opened, opened.zone(zone_id), author=author)
    emit("journal-doctor", done.document(), done.text(), as_json=as_json)
    sys.exit(0 if done.sound else 1)


@click.command(
    cls=Command,
    epilog=example("workbench review DIR --zone D055_2018/Z2_UF --accept --author paul"),
)
@DIR
@ZONE
@AUTHOR
@click.option("--submit", is_flag=True, help="Hand the zone in for review.")
@click.option("--accept", is_flag=True, help="Accept it as it stands.")
@click.option("--send-back", "reason", metavar="REASON", help="Send it back to its annotator, saying why.")
@click.option(
    "--anyway", metavar="REASON", help="Submit or accept it unchecked, or without lost edits, saying why."
)
def review(
    directory: Path,
    zone_id: str,
    author: str,
    submit: bool,
    accept: bool,
    reason: str | None,
    anyway: str | None,
) -> None:
    """Move a zone through review: open → submitted → accepted | sent back.

    It is checked first as by `zone check`: findings must be fixed or justified.
    """
    from workbench.workflows.standing import review_zone

    if submit + accept + (reason is not None) != 1:
        raise click.UsageError("give one of --submit, --accept and --send-back REASON")
    if anyway is not None and reason is not None:
        raise click.UsageError("--anyway goes with --submit or --accept")
    verdict: Verdict = "submit" if submit else "accept" if accept else "send-back"
    opened = open_campaign(directory)
    chosen = opened.zone(zone_id)
    state = review_zone(
        opened, chosen, author=author, verdict=verdict, reason=reason or "", anyway=anyway, say=say
    )
    click.echo(f"{chosen.id}: {state}")
