"""The command line: parse, one library or workflow call, report.

Exit status 0 = fine, 1 = a problem was found, 2 = usage. With ``--json`` one JSON document goes to standard
output, its schema is ``schema/outputs/<command>.schema.json``; progress and problems go to standard error.
"""

from __future__ import annotations

__all__ = ["main"]

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TextIO

import click

from workbench.errors import CampaignError, WorkbenchError

if TYPE_CHECKING:
    from workbench.campaign import Campaign
    from workbench.workflows.standing import Verdict

# Heavy libraries load inside the commands that use them: `workbench --help` stays under half a second.

_DIR = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
_AUTHOR = click.option("--author", required=True, help="Whose journal to write, a name without spaces.")
_ZONE = click.option("--zone", "zone_id", required=True, help="Zone, such as D055_2018/Z2_UF.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
_OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
_SCHEMES = click.Choice(["flair", "flair_hub", "cosia_numero"])
_PATH = click.Path(path_type=Path)


def _names(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Split names that are joined by commas."""
    return None if value is None else tuple(part.strip() for part in value.split(","))


def main() -> None:
    """Run the command line; a `WorkbenchError` becomes one sentence on standard error and exit status 1."""
    try:
        workbench(prog_name="workbench")
    except WorkbenchError as error:
        sentence = str(error)
    except MemoryError:
        sentence = "there is not enough memory for this; use a smaller raster or a machine with more"
    except OSError as error:
        where, what = error.filename or "a file", error.strerror or error
        sentence = f"{where}: {what}; look at its rights and the room on the disk"
    else:
        return
    click.echo(f"workbench: {' '.join(sentence.split())}", err=True)
    sys.exit(1)


def _example(text: str) -> str:
    """Close a command's help with an example that a test runs."""
    return f"\b\nExample:\n  {text}"


def _emit(command: str, document: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        head = {"format": f"ocs-workbench/{command}", "format_version": 1}
        click.echo(json.dumps(head | dict(document), ensure_ascii=False, allow_nan=False))
    else:
        click.echo(text)


def _table(rows: Sequence[Sequence[object]]) -> str:
    """Align rows in columns; the first row is the heading."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "\n".join(lines)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("ocs-workbench"), prog_name="workbench")
def workbench() -> None:
    """Label land cover on orthophotos: segment, pick regions, review, release."""


@workbench.command(epilog=_example("workbench demo sample"))
@click.argument("directory", metavar="[DIR]", required=False, type=_PATH)
@_JSON
def demo(directory: Path | None, as_json: bool) -> None:
    """Run the whole chain on a synthetic sample campaign: no GPU, no download."""
    from workbench.workflows.demo import free_directory, run_demo

    outcome = run_demo(directory or free_directory(Path("workbench-demo")), say=_say)
    _emit("demo", outcome.document(), outcome.text(), as_json=as_json)
    sys.exit(0 if outcome.verified else 1)


@workbench.group()
def campaign() -> None:
    """Make campaigns."""


@campaign.command("init", epilog=_example("workbench campaign init DIR"))
@_DIR
@click.option("--nomenclature", default="flair-19", show_default=True)
def campaign_init(directory: Path, nomenclature: str) -> None:
    """Make an empty campaign in a new or empty directory."""
    from workbench.campaign import Campaign

    Campaign.create(directory, nomenclature=nomenclature)
    click.echo(
        f"{directory}: campaign made, labelled with {nomenclature}; next: workbench zone add {directory} …"
    )


@workbench.group()
def zone() -> None:
    """Add zones and see how far they are."""


@zone.command("add", epilog=_example("workbench zone add DIR ortho.tif --domain D055_2018 --zone Z2_UF"))
@_DIR
@click.argument("raster", type=_PATH)
@click.option("--domain", required=True, help="Department and year, such as D055_2018.")
@click.option("--zone", "name", required=True, help="Name inside the domain, such as Z2_UF.")
@click.option(
    "--bands", callback=_names, help="What each band shows, such as R,G,B,NIR,E (by count if not given)."
)
@click.option("--footprint", type=_PATH, help="Polygons that choose the patch cells of the zone.")
@click.option("--acquired", type=click.DateTime(["%Y-%m-%d"]), help="Date of the picture.")
@click.option("--camera", help="Camera of the picture.")
@click.option("--theme", help="Two letters of the landscape, such as UF.")
@click.option("--labels", "mask", type=_PATH, help="Existing mask to import as accepted edits.")
@click.option("--scheme", type=_SCHEMES, default="flair", show_default=True, help="How the mask is numbered.")
@click.option("--author", default="import", show_default=True, help="Whose edits the imported labels are.")
@_JSON
def zone_add(directory: Path, raster: Path, as_json: bool, acquired: datetime | None, **options: Any) -> None:
    """Cut a zone out of an orthophoto, snapped to the national patch grid."""
    from workbench.workflows.intake import add_zone

    done = add_zone(_open(directory), raster, acquired=acquired.date() if acquired else None, **options)
    _emit("zone-add", done.document(), done.text(), as_json=as_json)


@zone.command("list", epilog=_example("workbench zone list DIR"))
@_DIR
@_JSON
def zone_list(directory: Path, as_json: bool) -> None:
    """List the zones of a campaign."""
    from workbench.workflows.standing import standing

    opened = _open(directory)
    standings = [standing(opened, one) for one in opened.zones()]
    head = ("ZONE", "FOLD", "PATCHES", "STATE", "LABELLED", "SEGMENTED")
    text = (
        _table([head, *(one.row() for one in standings)])
        if standings
        else f"{directory} has no zone yet; see workbench zone add --help"
    )
    _emit("zone-list", {"zones": [one.document() for one in standings]}, text, as_json=as_json)


@zone.command("status", epilog=_example("workbench zone status DIR --zone D055_2018/Z2_UF"))
@_DIR
@_ZONE
@_JSON
def zone_status(directory: Path, zone_id: str, as_json: bool) -> None:
    """Show one zone: state, labelled share, pixels per class, journal heads."""
    from workbench.workflows.standing import standing

    opened = _open(directory)
    found = standing(opened, opened.zone(zone_id))
    _emit("zone-status", found.document(), found.text(), as_json=as_json)


@workbench.command(epilog=_example("workbench segment ortho.tif -o hierarchy.h5"))
@click.argument("source", metavar="RASTER|DIR", type=_PATH)
@click.option("-o", "--output", type=_PATH, help="Hierarchy to write, for a raster.")
@click.option("--zone", "zone_id", help="Zone to segment, for a campaign.")
@click.option("--all", "every", is_flag=True, help="Segment all zones of a campaign.")
@click.option(
    "--preset", type=click.Choice(["default", "plain"]), default="default", help="Settings to segment with."
)
@click.option(
    "--memory",
    type=click.FloatRange(min=0.0, min_open=True),
    help="GiB that a raster may take (6 if not given); one that needs more is segmented block by block.",
)
@_OVERWRITE
@_JSON
def segment(
    source: Path,
    output: Path | None,
    zone_id: str | None,
    every: bool,
    preset: Literal["default", "plain"],
    memory: float | None,
    overwrite: bool,
    as_json: bool,
) -> None:
    """Segment a raster, or zones of a campaign, into a scale-sets hierarchy."""
    from workbench.segmentation import SegmentationParameters
    from workbench.workflows import segmenting

    parameters = SegmentationParameters.preset(preset)
    zones = (zone_id is not None) + every
    if source.is_dir() == (output is not None) or zones != source.is_dir():
        raise click.UsageError("give RASTER with -o H.h5, or a campaign DIR with --zone ID or --all")
    if memory is not None and output is None:
        raise click.UsageError("--memory is for a raster; a zone is segmented at once")
    if output is not None:
        with _progress("percent") as bar:
            done = [
                segmenting.segment_raster(
                    source,
                    output,
                    parameters=parameters,
                    overwrite=overwrite,
                    memory=memory or segmenting.MEMORY,
                    progress=lambda _, share: bar(round(100 * share), 100),
                    say=_say,
                )
            ]
    else:
        zones_done = segmenting.segment_zones(
            _open(source), zone_id, parameters=parameters, overwrite=overwrite, say=_say
        )
        done = list(zones_done)
    text = "\n".join(one.text() for one in done) or f"{source} has no zone yet; see workbench zone add --help"
    _emit("segment", segmenting.summary(done), text, as_json=as_json)


@workbench.group()
def hierarchy() -> None:
    """Look into a hierarchy."""


_H5 = click.argument("path", metavar="H.h5", type=_PATH)


@hierarchy.command("info", epilog=_example("workbench hierarchy info hierarchy.h5"))
@_H5
@_JSON
def hierarchy_info(path: Path, as_json: bool) -> None:
    """Show what a hierarchy was made of and how many regions it has at some scales."""
    from workbench.workflows.hierarchies import describe

    found = describe(path)
    _emit("hierarchy-info", found, _facts(found), as_json=as_json)


@hierarchy.command(
    "cut", epilog=_example("workbench hierarchy cut hierarchy.h5 --regions 500 -o regions.tif")
)
@_H5
@click.option("--scale", type=click.FloatRange(min=0), help="λ: regions whose merging cost less are merged.")
@click.option("--regions", type=click.IntRange(min=1), help="Largest number of regions wanted.")
@click.option("-o", "--output", type=_PATH, required=True)
@_OVERWRITE
def hierarchy_cut(
    path: Path, scale: float | None, regions: int | None, output: Path, overwrite: bool
) -> None:
    """Write the regions at one scale as a raster; 0 = no data, regions from 1."""
    from workbench.workflows.hierarchies import write_cut

    if (scale is None) == (regions is None):
        raise click.UsageError("give one of --scale and --regions")
    click.echo(write_cut(path, output, scale=scale, regions=regions, overwrite=overwrite))


@hierarchy.command("evaluate", epilog=_example("workbench hierarchy evaluate hierarchy.h5 truth.tif"))
@_H5
@click.argument("truth", metavar="TRUTH.tif", type=_PATH)
@_JSON
def hierarchy_evaluate(path: Path, truth: Path, as_json: bool) -> None:
    """Measure how few picks would label a known mask, and how well region borders follow it."""
    from workbench.workflows.hierarchies import evaluate_file

    found, text = evaluate_file(path, truth)
    _emit("hierarchy-evaluate", found, text, as_json=as_json)


@workbench.command(epilog=_example("workbench annotate DIR --zone D055_2018/Z2_UF --author marie"))
@_DIR
@click.option("--zone", "zone_id", help="Zone to open; the only one by default.")
@click.option("--author", help="Whose journal to write; the name of the machine's user by default.")
def annotate(directory: Path, zone_id: str | None, author: str | None) -> None:
    """Open napari on a zone."""
    from getpass import getuser
    from importlib.metadata import entry_points

    desks = entry_points(group="workbench.desk")
    opened = _open(directory)
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
    desk(directory, zone_id=chosen.id, author=author or getuser())


@workbench.command(
    epilog=_example("workbench label DIR --zone D055_2018/Z2_UF --author marie --script edits.jsonl")
)
@_DIR
@_ZONE
@_AUTHOR
@click.option(
    "--script", type=click.File(encoding="utf-8-sig"), required=True, help="JSON lines; - for stdin."
)
@click.option("--json-lines", is_flag=True, help='Print {"op": id} for each edit, once it is durable.')
def label(directory: Path, zone_id: str, author: str, script: TextIO, json_lines: bool) -> None:
    """Apply the same edits as the window does, from a script."""
    from workbench.workflows.labelling import label_zone

    def acknowledge(op: str, line: int) -> None:
        if json_lines:
            click.echo(json.dumps({"op": op, "line": line}))

    opened = _open(directory)
    applied = label_zone(opened, opened.zone(zone_id), author=author, lines=script, on_edit=acknowledge)
    click.echo(f"{applied} lines applied by {author}", err=json_lines)


@workbench.group()
def labels() -> None:
    """Take labels out of a campaign."""


@labels.command(
    "export", epilog=_example("workbench labels export DIR --zone Z2_UF --scheme flair -o labels.tif")
)
@_DIR
@_ZONE
@click.option("--scheme", type=_SCHEMES, required=True, help="How to number the classes.")
@click.option("-o", "--output", type=_PATH, required=True)
@_OVERWRITE
def labels_export(directory: Path, zone_id: str, scheme: str, output: Path, overwrite: bool) -> None:
    """Write a zone's labels as a raster; what is unlabelled becomes the scheme's *other*."""
    from workbench.workflows.labelling import export_labels

    opened = _open(directory)
    click.echo(export_labels(opened, opened.zone(zone_id), output, scheme=scheme, overwrite=overwrite))


@workbench.group()
def journal() -> None:
    """Read the journals that hold every edit."""


@journal.command("dump", epilog=_example("workbench journal dump DIR --zone D055_2018/Z2_UF"))
@_DIR
@_ZONE
@click.option("--author", help="One author's journal; all by default.")
def journal_dump(directory: Path, zone_id: str, author: str | None) -> None:
    """Print every op as one JSON line, in the order in which they count."""
    from workbench.workflows.journals import journal_ops

    opened = _open(directory)
    for op in journal_ops(opened, opened.zone(zone_id), author=author):
        click.echo(json.dumps(op, ensure_ascii=False, allow_nan=False))


@journal.command("verify", epilog=_example("workbench journal verify DIR --zone D055_2018/Z2_UF"))
@_DIR
@_ZONE
@click.option("--author", help="One author's journal; all by default.")
@_JSON
def journal_verify(directory: Path, zone_id: str, author: str | None, as_json: bool) -> None:
    """Check each journal's chain of digests, op by op."""
    from workbench.workflows.journals import verify_journals

    opened = _open(directory)
    report = verify_journals(opened, opened.zone(zone_id), author=author)
    _emit("journal-verify", report.document(), report.text(), as_json=as_json)
    sys.exit(0 if report.sound else 1)


@workbench.command(epilog=_example("workbench review DIR --zone D055_2018/Z2_UF --accept --author paul"))
@_DIR
@_ZONE
@_AUTHOR
@click.option("--submit", is_flag=True, help="Hand the zone in for review.")
@click.option("--accept", is_flag=True, help="Accept it as it stands.")
@click.option("--send-back", "reason", metavar="REASON", help="Send it back to its annotator, saying why.")
def review(
    directory: Path, zone_id: str, author: str, submit: bool, accept: bool, reason: str | None
) -> None:
    """Move a zone through review: open → submitted → accepted | sent back."""
    from workbench.workflows.standing import review_zone

    if submit + accept + (reason is not None) != 1:
        raise click.UsageError("give one of --submit, --accept and --send-back REASON")
    verdict: Verdict = "submit" if submit else "accept" if accept else "send-back"
    opened = _open(directory)
    chosen = opened.zone(zone_id)
    state = review_zone(opened, chosen, author=author, verdict=verdict, reason=reason or "")
    click.echo(f"{chosen.id}: {state}")


@workbench.group()
def release() -> None:
    """Cut accepted zones into versioned patch releases."""


@release.command("build", epilog=_example("workbench release build DIR --name FR_V0.1 -o releases"))
@_DIR
@click.option("--name", required=True, help="Name of the release, such as FR_V0.1.")
@click.option("-o", "--output", "out", type=_PATH, required=True, help="Folder that the release goes into.")
@click.option(
    "--layout",
    "layouts",
    callback=_names,
    default="flair-hub,flair1",
    show_default=True,
    help="Layouts joined by commas; NAME=FOLDER names the folder.",
)
@_JSON
def release_build(directory: Path, name: str, out: Path, layouts: tuple[str, ...], as_json: bool) -> None:
    """Build a release of all accepted zones; it appears whole or not at all."""
    from workbench.workflows.publishing import publish

    with _progress("patches") as progress:
        built = publish(_open(directory), name=name, out=out, layouts=layouts, say=_say, progress=progress)
    _emit("release-build", built.document(), built.text(), as_json=as_json)


@release.command("verify", epilog=_example("workbench release verify releases/FR_V0.1"))
@click.argument("path", metavar="RELEASE", type=_PATH)
@_JSON
def release_verify(path: Path, as_json: bool) -> None:
    """Check every file of a release against its digests and its layouts' rules."""
    from workbench.export.release import verify_release

    report = verify_release(path)
    _emit("release-verify", report.document(), report.text(), as_json=as_json)
    sys.exit(0 if report.sound else 1)


def _open(directory: Path) -> Campaign:
    from workbench.campaign import Campaign

    return Campaign.open(directory)


def _say(message: str) -> None:
    """Tell the person at the terminal what is going on, beside the report."""
    click.echo(message, err=True)


@contextmanager
def _progress(unit: str) -> Iterator[Callable[[int, int], None]]:
    """Show a bar on standard error while something long is going on, where that is a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(unit), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(unit, total=None)

        def advance(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        yield advance


def _facts(document: Mapping[str, Any]) -> str:
    return _table([(key, value) for key, value in document.items()])
