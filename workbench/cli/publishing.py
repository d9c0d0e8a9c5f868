"""The command that makes a data set of a release."""

from __future__ import annotations

__all__ = ["release_publish"]

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from workbench.cli.commands import Command
from workbench.cli.options import JSON, PATH, emit, example, progress, split_names


def _asked(sentence: str) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """Ask for what a data set must say and a release cannot know."""

    def given(ctx: click.Context, param: click.Parameter, value: Any) -> Any:
        if value is None and not ctx.resilient_parsing:
            raise click.UsageError(sentence)
        return value

    return given


@click.command(
    "publish",
    cls=Command,
    epilog=example(
        "workbench release publish releases/FR_V0.1 -o public --licence etalab-2.0 --date 2026-01-31"
    ),
)
@click.argument("path", metavar="RELEASE", type=PATH)
@click.option("-o", "--output", "out", type=PATH, required=True, help="Folder that the data set goes into.")
@click.option(
    "--licence",
    callback=_asked("nobody may use data without a licence; give one with --licence, such as etalab-2.0"),
    help="Under which the data are published, such as etalab-2.0 or cc-by-4.0.",
)
@click.option(
    "--date",
    "published",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="YYYY-MM-DD",
    callback=_asked("a release does not know when it is published; give the day with --date YYYY-MM-DD"),
    help="Day of publication.",
)
@click.option("--title", help="Its title (the release's name if not given).")
@click.option("--authors", callback=split_names, help="Who made it, joined by commas.")
@click.option("--contact", help="Whom to write to.")
@click.option("--url", help="Where it will be found.")
@click.option("--doi", help="Its DOI.")
@click.option("--description", type=PATH, metavar="FILE.md", help="Text for its card, in Markdown.")
@click.option(
    "--known-bias", "biases", multiple=True, metavar="TEXT", help="What users should know of; repeatable."
)
@JSON
def release_publish(path: Path, out: Path, published: datetime, as_json: bool, **said: Any) -> None:
    """Write the folder of a data set: a release as it is, with what hubs and catalogues read about it."""
    from workbench.dataset import publish_dataset, read_edition
    from workbench.export import open_release
    from workbench.threads import in_threads

    title = said.pop("title") or open_release(path).name
    edition = read_edition(title=title, published=published.date(), **said)
    with in_threads() as threads, progress("files, patches") as bar:
        done = publish_dataset(path, out, edition=edition, map=threads, progress=bar)
    emit("release-publish", done.document(), done.text(), as_json=as_json)
