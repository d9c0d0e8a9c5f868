"""What the commands share: their options, and how they print."""

from __future__ import annotations

__all__ = [
    "AUTHOR",
    "DEVICE",
    "DIR",
    "JSON",
    "OVERWRITE",
    "PATH",
    "RULE",
    "ZONE",
    "emit",
    "example",
    "open_campaign",
    "progress",
    "say",
    "split_decisions",
    "split_name",
    "split_names",
    "table",
    "together",
]

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from workbench.campaign import Campaign

_Command = TypeVar("_Command", bound=Callable[..., Any])

DIR = click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
AUTHOR = click.option("--author", required=True, help="Whose journal to write, a name without spaces.")
ZONE = click.option("--zone", "zone_id", required=True, help="Zone, such as D055_2018/Z2_UF.")
DEVICE = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or cuda:1.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
RULE = click.option(
    "--rule",
    type=click.Choice(["challenge", "flair"]),
    default="challenge",
    show_default=True,
    help="Which mean: of the challenges' 12 classes, or IGN's of all classes with a weight.",
)
OVERWRITE = click.option("--overwrite", is_flag=True, help="Replace the output if it exists.")
PATH = click.Path(path_type=Path)


def split_names(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[str, ...] | None:
    """Split names that are joined by commas."""
    return None if value is None else tuple(part.strip() for part in value.split(","))


def split_name(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Return a split's whole name, which may be given as its number."""
    known = {**{str(fold): f"split_{fold}" for fold in range(1, 6)}, "prod": "prod"}
    named = known.get(value, value) if value else None
    if named is not None and named not in known.values():
        raise click.BadParameter(f"{value!r} is no split; choose 1 to 5 or prod")
    return named


def split_decisions(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    """Split KEY=KEY, each key at most once."""
    decisions: dict[str, str] = {}
    for value in values:
        key, _, goal = value.partition("=")
        if not key or not goal:
            raise click.BadParameter(f"{value!r} is not OLD=NEW, such as mineraux=bare_soil")
        if decisions.setdefault(key, goal) != goal:
            raise click.BadParameter(f"{key} is decided twice, for {decisions[key]} and {goal}")
    return decisions


def example(text: str) -> str:
    """Close a command's help with an example that a test runs."""
    return f"\b\nExample:\n  {text}"


def emit(command: str, document: Mapping[str, Any], text: str, *, as_json: bool) -> None:
    """Print a report: its JSON document, or the text for a person."""
    if as_json:
        head = {"format": f"ocs-workbench/{command}", "format_version": 1}
        click.echo(json.dumps(head | dict(document), ensure_ascii=False, allow_nan=False))
    else:
        click.echo(text)


def table(rows: Sequence[Sequence[object]]) -> str:
    """Align rows in columns; the first row is the heading."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = ("  ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)).rstrip() for row in cells)
    return "\n".join(lines)


def open_campaign(directory: Path) -> Campaign:
    """Open the campaign of a command."""
    from workbench.campaign import Campaign

    return Campaign.open(directory)


def say(message: str) -> None:
    """Tell the person at the terminal what is going on, beside the report."""
    click.echo(message, err=True)


def together(*options: Callable[[_Command], _Command]) -> Callable[[_Command], _Command]:
    """Return some options as one, for commands that share them; help shows them in this order."""

    def given(command: _Command) -> _Command:
        for option in reversed(options):
            command = option(command)
        return command

    return given


@contextmanager
def progress(unit: str) -> Iterator[Callable[[int, int], None]]:
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
