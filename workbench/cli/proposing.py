"""Commands of active learning: the pool, what is proposed of it, and how that becomes zones."""

from __future__ import annotations

__all__ = ["pool", "proposal", "propose"]

from datetime import datetime
from pathlib import Path
from typing import Any, Literal

import click

from workbench.cli.commands import Command, Group
from workbench.cli.options import (
    DEVICE,
    DIR,
    JSON,
    PATH,
    emit,
    example,
    open_campaign,
    progress,
    say,
    split_names,
)


@click.group(cls=Group)
def pool() -> None:
    """Keep the pool: orthophotos that zones may be proposed on."""


@pool.command("add", epilog=example("workbench pool add DIR dalle.tif --domain D055_2018"))
@DIR
@click.argument("rasters", metavar="RASTER...", type=PATH, nargs=-1, required=True)
@click.option("--domain", required=True, help="Department and year of all of them, such as D055_2018.")
@click.option(
    "--bands", callback=split_names, help="What each band shows, such as R,G,B,NIR,E (by count if not given)."
)
@click.option("--acquired", type=click.DateTime(["%Y-%m-%d"]), help="Date of the pictures.")
@click.option("--time", "clock", type=click.DateTime(["%H:%M"]), help="Time of day of the pictures.")
@click.option("--camera", help="Camera of the pictures.")
@JSON
def pool_add(
    directory: Path,
    rasters: tuple[Path, ...],
    as_json: bool,
    acquired: datetime | None,
    clock: datetime | None,
    **options: Any,
) -> None:
    """Add orthophotos, each of any number of zones, of which nothing has to be labelled yet."""
    from workbench.workflows.pooling import add_to_pool

    day, time_of_day = acquired.date() if acquired else None, clock.time() if clock else None
    opened = open_campaign(directory)
    done = add_to_pool(opened, rasters, acquired=day, time_of_day=time_of_day, **options)
    emit("pool-add", done.document(), done.text(), as_json=as_json)


@pool.command("list", epilog=example("workbench pool list DIR"))
@DIR
@JSON
def pool_list(directory: Path, as_json: bool) -> None:
    """List the orthophotos of the pool."""
    from workbench.workflows.pooling import pool_document, pool_table

    opened = open_campaign(directory)
    emit("pool-list", pool_document(opened), pool_table(opened), as_json=as_json)


@pool.command("drop", epilog=example("workbench pool drop DIR D055_2018/dalle"))
@DIR
@click.argument("dalle")
def pool_drop(directory: Path, dalle: str) -> None:
    """Take an orthophoto out of the pool; zones that were cut from it stay."""
    from workbench.workflows.pooling import drop_from_pool

    click.echo(drop_from_pool(open_campaign(directory), dalle))


@click.command(
    cls=Command, epilog=example("workbench propose DIR --budget 500picks --strategy stratified --zone-size 2")
)
@DIR
@click.option("--budget", required=True, help="The most that they may cost: 500picks, 2h, 3km2 or 10zones.")
@click.option(
    "--model",
    "members",
    type=PATH,
    multiple=True,
    help="Directory of the model that is asked; given several times, all are. Without one, zones are chosen "
    "by domain, theme and old map.",
)
@click.option(
    "--strategy", help="value, stratified, random, k-centre, uncertain or varied; value if not given."
)
@click.option(
    "--doubt",
    type=click.Choice(["entropy", "confidence", "disagreement"]),
    default="entropy",
    show_default=True,
    help="What is taken for doubt; disagreement (BALD) is that of several models, or of --views of one.",
)
@click.option("--views", type=click.Choice([1, 4, 8]), default=1, help="Views of each tile, see predict.")
@click.option("--old-map", type=PATH, help="Class raster of earlier days, for a round without a model.")
@click.option("--scheme", default="flair", show_default=True, help="How the old map is numbered.")
@click.option("--zone-size", type=int, default=5, show_default=True, help="Patches a side of a zone.")
@click.option("--candidates", type=PATH, help="Polygons of the zones that may be proposed, one each.")
@click.option(
    "--domains",
    type=click.Choice(["any", "known", "new"]),
    default="any",
    show_default=True,
    help="Anywhere, only where zones are labelled already, or only where none is.",
)
@click.option(
    "--evaluation", type=PATH, help="What evaluate or crossval printed with --json: weak classes count more."
)
@click.option("--seconds-per-pick", type=float, default=3.0, show_default=True, help="What a pick takes.")
@click.option("--opening", type=float, default=60.0, show_default=True, help="Seconds a zone takes beside.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of what is chance.")
@DEVICE
@JSON
def propose(
    directory: Path,
    budget: str,
    members: tuple[Path, ...],
    strategy: str | None,
    views: Literal[1, 4, 8],
    old_map: Path | None,
    scheme: str,
    evaluation: Path | None,
    seconds_per_pick: float,
    opening: float,
    device: str,
    as_json: bool,
    **options: Any,
) -> None:
    """Propose the zones of the pool that are worth most for what they take to label."""
    from workbench.active.budget import Budget, Tariff
    from workbench.workflows.class_quality import read_quality
    from workbench.workflows.measuring import OldMap
    from workbench.workflows.zone_proposing import DEFAULT, Adviser, ProposalOrder, propose_zones

    order = ProposalOrder(
        budget=Budget.parse(budget),
        strategy=strategy or DEFAULT,
        old_map=OldMap(path=old_map, scheme=scheme) if old_map else None,
        quality=read_quality(evaluation) if evaluation else {},
        tariff=Tariff(seconds_per_pick=seconds_per_pick, opening=opening),
        **options,
    )
    opened, adviser = open_campaign(directory), None
    with progress("tiles") as tiles, progress("zones") as zones:
        if members:
            from workbench.workflows.predicting import open_models

            segmenter = open_models(members, views=views, device=device)
            adviser = Adviser.of(opened, segmenter, say=say, progress=tiles)
        done = propose_zones(opened, order, adviser=adviser, progress=zones)
    emit("propose", done.document(), done.text(), as_json=as_json)


@click.group(cls=Group)
def proposal() -> None:
    """Look at what was proposed, and make zones of it."""


@proposal.command("list", epilog=example("workbench proposal list DIR"))
@DIR
@JSON
def proposal_list(directory: Path, as_json: bool) -> None:
    """List what was proposed last, and which of it became zones."""
    from workbench.workflows.accepting import proposal_table

    found = proposal_table(open_campaign(directory))
    emit("proposal-list", found.document(), found.text(), as_json=as_json)


@proposal.command("accept", epilog=example("workbench proposal accept DIR --first 1"))
@DIR
@click.argument("ids", metavar="[ID]...", nargs=-1)
@click.option("--first", type=click.IntRange(min=1), help="The best so many that are no zones yet.")
@click.option("--all", "every", is_flag=True, help="All that are no zones yet.")
@JSON
def proposal_accept(
    directory: Path, ids: tuple[str, ...], first: int | None, every: bool, as_json: bool
) -> None:
    """Make zones of proposals, cut from their orthophotos."""
    from workbench.workflows.accepting import accept_proposals

    if bool(ids) + bool(first) + every != 1:
        raise click.UsageError("say which proposals become zones: their ids, --first N, or --all")
    done = accept_proposals(open_campaign(directory), ids=ids, first=first)
    emit("proposal-accept", done.document(), done.text(), as_json=as_json)
