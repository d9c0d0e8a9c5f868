"""The command line: parse, one library or workflow call, report.

Exit status 0 = fine, 1 = a problem was found, 2 = usage. With ``--json`` one JSON document goes to standard
output, its schema is ``schema/outputs/<command>.schema.json``; progress and problems go to standard error.
"""

from __future__ import annotations

__all__ = ["main", "workbench"]

import sys
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

from workbench.cli import (
    crossvalidating,
    evaluating,
    labelling,
    migrating,
    modelling,
    packing,
    predicting,
    prelabelling,
    products,
    proposing,
    releasing,
    reviewing,
    segmenting,
    suspecting,
    training,
)
from workbench.cli.commands import Group
from workbench.cli.options import (
    DIR,
    JSON,
    PATH,
    ZONE,
    emit,
    example,
    open_campaign,
    say,
    split_names,
    table,
)
from workbench.counting import counted
from workbench.errors import WorkbenchError

# Heavy libraries load inside the commands that use them: `workbench --help` stays under half a second.


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


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(version("ocs-workbench"), prog_name="workbench")
def workbench() -> None:
    """Label land cover on orthophotos: segment, pick regions, review, release."""


@workbench.command(epilog=example("workbench demo sample"))
@click.argument("directory", metavar="[DIR]", required=False, type=PATH)
@JSON
def demo(directory: Path | None, as_json: bool) -> None:
    """Run the whole chain on a synthetic sample campaign: no GPU, no download."""
    from workbench.workflows.demo import free_directory, run_demo

    outcome = run_demo(directory or free_directory(Path("workbench-demo")), say=say)
    emit("demo", outcome.document(), outcome.text(), as_json=as_json)
    sys.exit(0 if outcome.verified else 1)


@workbench.group()
def campaign() -> None:
    """Make campaigns and back them up."""


@campaign.command("init", epilog=example("workbench campaign init DIR"))
@DIR
@click.option(
    "--nomenclature",
    default="flair-19",
    show_default=True,
    help="A name (flair-19, ign-naf, ign-urbain), or the path of a .json document of your own.",
)
def campaign_init(directory: Path, nomenclature: str) -> None:
    """Make an empty campaign in a new or empty directory."""
    from workbench.campaign import Campaign

    made = Campaign.create(directory, nomenclature=nomenclature).nomenclature
    click.echo(
        f"{directory}: campaign made, labelled with {made.name} {made.version}; "
        f"next: workbench zone add {directory} …"
    )


@campaign.command("double", epilog=example("workbench campaign double DIR --share 0.1"))
@DIR
@click.option("--share", type=float, required=True, help="Share of the zones, 0 to 1; 0 draws none.")
def campaign_double(directory: Path, share: float) -> None:
    """Draw a share of the zones, of those to come as well, for a second annotation, blind."""
    drawn = open_campaign(directory).draw(share)
    click.echo(f"{counted(len(drawn), 'zone is', 'zones are')} drawn for double annotation")
    for zone in drawn:
        click.echo(zone.id)


@campaign.command("folds", epilog=example("workbench campaign folds DIR"))
@DIR
@click.option("--balance", is_flag=True, help="Draw the folds anew, of domains that no release has.")
@click.option("--table", type=PATH, help="Take them from a CSV table with the columns domain and fold.")
@click.option(
    "--test",
    callback=split_names,
    help="Keep these folds for test, such as 1 or 1,2: no model proposes zones there; none keeps none.",
)
@JSON
def campaign_folds(
    directory: Path, balance: bool, table: Path | None, test: tuple[str, ...] | None, as_json: bool
) -> None:
    """Show the folds of the domains, balance them, take them from a table, or keep some for test."""
    from workbench.workflows.folding import balance_campaign, fold_table, keep_for_test, set_folds

    if balance + bool(table) + (test is not None) > 1:
        raise click.UsageError("--balance, --table and --test each change folds; give one after the other")
    opened = open_campaign(directory)
    if test is not None:
        keep_for_test(opened, test)
    done = set_folds(opened, table) if table else balance_campaign(opened) if balance else fold_table(opened)
    emit("campaign-folds", done.document(), done.text(), as_json=as_json)


@workbench.group()
def zone() -> None:
    """Add zones, see how far they are, send them to colleagues."""


@zone.command("add", epilog=example("workbench zone add DIR ortho.tif --domain D055_2018 --zone Z2_UF"))
@DIR
@click.argument("raster", type=PATH)
@click.option("--domain", required=True, help="Department and year, such as D055_2018.")
@click.option("--zone", "name", required=True, help="Name inside the domain, such as Z2_UF.")
@click.option(
    "--bands", callback=split_names, help="What each band shows, such as R,G,B,NIR,E (by count if not given)."
)
@click.option("--footprint", type=PATH, help="Polygons that choose the patch cells of the zone.")
@click.option("--acquired", type=click.DateTime(["%Y-%m-%d"]), help="Date of the picture.")
@click.option("--time", "clock", type=click.DateTime(["%H:%M"]), help="Time of day of the picture.")
@click.option("--camera", help="Camera of the picture.")
@click.option("--theme", help="Two letters of the landscape, such as UF.")
@click.option("--labels", "mask", type=PATH, help="Existing mask to import as accepted edits.")
@click.option("--scheme", default="flair", show_default=True, help="How the mask is numbered.")
@click.option("--author", default="import", show_default=True, help="Whose edits the imported labels are.")
@click.option(
    "--chosen-by", "strategy", help="What chose the zone, if no person did, such as margin or random."
)
@click.option("--inclusion", type=float, help="Probability by which it was chosen, above 0.")
@JSON
def zone_add(
    directory: Path,
    raster: Path,
    as_json: bool,
    acquired: datetime | None,
    clock: datetime | None,
    strategy: str | None,
    inclusion: float | None,
    **options: Any,
) -> None:
    """Cut a zone out of an orthophoto, snapped to the national patch grid."""
    from workbench.export.assistance import Choice
    from workbench.workflows.intake import add_zone

    if inclusion is not None and strategy is None:
        raise click.UsageError("--inclusion is the probability of a strategy; say which with --chosen-by")
    options["choice"] = Choice(strategy=strategy, inclusion=inclusion) if strategy is not None else None

    opened, day = open_campaign(directory), acquired.date() if acquired else None
    time_of_day = clock.time() if clock else None
    done = add_zone(opened, raster, acquired=day, time_of_day=time_of_day, **options)
    emit("zone-add", done.document(), done.text(), as_json=as_json)


@zone.command(
    "add-raster", epilog=example("workbench zone add-raster DIR --zone D055_2018/Z2_UF dsm.tif --role dsm")
)
@DIR
@ZONE
@click.argument("raster", type=PATH)
@click.option(
    "--role",
    required=True,
    help="dsm, dtm, chm (height), irc, other-date, historical, map, spot, sentinel1-asc, sentinel1-desc, "
    "sentinel2, sentinel2-mask or lpis.",
)
@click.option(
    "--bands", callback=split_names, help="What each band shows, such as R,G,B (by role if not given)."
)
@click.option("--date", "acquired", type=click.DateTime(["%Y-%m-%d"]), help="Day that it shows.")
@JSON
def zone_add_raster(
    directory: Path, zone_id: str, raster: Path, as_json: bool, acquired: datetime | None, **options: Any
) -> None:
    """Give a zone one more raster to look at, of any resolution."""
    from workbench.workflows.rasters import add_raster

    opened, day = open_campaign(directory), acquired.date() if acquired else None
    done = add_raster(opened, opened.zone(zone_id), raster, acquired=day, **options)
    emit("zone-add-raster", done.document(), done.text(), as_json=as_json)


@zone.command("list", epilog=example("workbench zone list DIR"))
@DIR
@JSON
def zone_list(directory: Path, as_json: bool) -> None:
    """List the zones of a campaign."""
    from workbench.workflows.standing import standings

    found, damaged = standings(open_campaign(directory))
    head = ("ZONE", "FOLD", "PATCHES", "STATE", "LABELLED", "SEGMENTED", "HELD BY", "DOUBLE", "GOLD")
    rows = [one.row() for one in found]
    rows += [(name, "", "", "damaged", *[""] * (len(head) - 4)) for name in damaged]
    none = f"{directory} has no zone yet; see workbench zone add --help"
    lost = [f"{one.zone.id}: {one.loss}" for one in found if one.missing]
    text = "\n".join([table([head, *rows]) if rows else none, *damaged.values(), *lost])
    document = {
        "zones": [one.document() for one in found],
        "damaged": [{"zone": name, "problem": problem} for name, problem in damaged.items()],
    }
    emit("zone-list", document, text, as_json=as_json)
    sys.exit(0 if not damaged and all(one.settled for one in found) else 1)


@zone.command("status", epilog=example("workbench zone status DIR --zone D055_2018/Z2_UF"))
@DIR
@ZONE
@JSON
def zone_status(directory: Path, zone_id: str, as_json: bool) -> None:
    """Show one zone: state, labelled share, pixels per class, journal heads."""
    from workbench.workflows.standing import standing

    opened = open_campaign(directory)
    found = standing(opened, opened.zone(zone_id), prelabels=True)
    emit("zone-status", found.document(), found.text(), as_json=as_json)


@zone.command("check", epilog=example("workbench zone check DIR --zone D055_2018/Z2_UF"))
@DIR
@ZONE
@JSON
def zone_check(directory: Path, zone_id: str, as_json: bool) -> None:
    """Look a zone over before it is handed in: what is odd must be fixed or justified."""
    from workbench.workflows.closing import check_zone

    opened = open_campaign(directory)
    checked = check_zone(opened, opened.zone(zone_id))
    emit("zone-check", checked.document(), checked.text(), as_json=as_json)
    sys.exit(1 if checked.open else 0)


zone.add_command(migrating.zone_migrate)
for command in (
    segmenting.segment,
    segmenting.hierarchy,
    modelling.model,
    labelling.annotate,
    labelling.label,
    labelling.labels,
    labelling.agreement,
    labelling.journal,
    labelling.review,
    reviewing.gold,
    predicting.predict,
    prelabelling.prelabel,
    suspecting.suspects,
    evaluating.evaluate,
    products.product,
    training.train,
    crossvalidating.crossval,
    proposing.pool,
    proposing.propose,
    proposing.proposal,
    releasing.release,
):
    workbench.add_command(command)
for command in (packing.zone_pack, packing.zone_unpack):
    zone.add_command(command)
campaign.add_command(packing.campaign_backup)
