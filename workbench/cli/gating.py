"""What a release is held against: options of its building, and the look at one that was built."""

from __future__ import annotations

__all__ = ["release_leakage", "rule_options"]

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, Final

import click

from workbench.cli.commands import Command
from workbench.cli.options import JSON, PATH, emit, example, progress

# Rules live with what loads heavy libraries: a test holds these defaults against theirs.
_RULES: Final[tuple[tuple[str, type, str], ...]] = (
    ("buffer", float, "Metres that different sets of a split lie apart at least (100)."),
    ("duplicate_bits", int, "Bits of 64 that the hashes of near-duplicates differ by at most (10)."),
    ("duplicate_correlation", float, "Least correlation of the pictures of near-duplicates (0.85)."),
    ("least_contrast", float, "Contrast below which no picture is a duplicate, as on open water (8)."),
    ("drift", float, "Largest Jensen-Shannon distance of class shares between two sets (0.25)."),
    ("unlabelled", float, "Largest share of the pixels without a label (0.01)."),
    ("unlabelled_zone", float, "The same, of any zone (0.1)."),
    ("unlabelled_patch", float, "The same, of any patch (0.5)."),
    ("blank", float, "Largest share of patches whose picture is of one colour (0)."),
)


def _option(name: str, kind: type, text: str) -> Callable[..., Any]:
    return click.option(f"--{name.replace('_', '-')}", name, type=kind, help=text)


def rule_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command an option for each limit; those that were given come as ``limits``."""

    @wraps(command)
    def called(*arguments: Any, assisted_test: bool, **options: Any) -> Any:
        limits = {name: options.pop(name) for name, _, _ in _RULES}
        given = {name: value for name, value in limits.items() if value is not None}
        return command(*arguments, limits=given | {"assisted_test": assisted_test}, **options)

    told = (
        "Let zones be test that a model labelled which saw their fold, or active learning chose; it is told."
    )
    decorated = click.option("--assisted-test", is_flag=True, help=told)(called)
    for name, kind, text in reversed(_RULES):
        decorated = _option(name, kind, text)(decorated)
    return decorated


@click.command("leakage", cls=Command, epilog=example("workbench release leakage releases/FR_V0.1"))
@click.argument("path", metavar="RELEASE", type=PATH)
@_option(*_RULES[0])
@JSON
def release_leakage(path: Path, buffer: float | None, as_json: bool) -> None:
    """Find ground and pictures that different sets of a release share, or have too near each other.

    A picture is found again brightened, encoded anew, shifted by up to 8 pixels, turned or mirrored. One that
    overlaps another by a part is not: where it lies on the ground finds it.

    Exit status 1 where something leaks, or where card, index, classes or a picture that is read are damaged.
    `workbench release verify` proves all the rest.
    """
    from workbench.export import open_release
    from workbench.export.leakage import leaks_of
    from workbench.export.rules import DEFAULTS, Rules
    from workbench.threads import in_threads

    rules = DEFAULTS if buffer is None else Rules(buffer=buffer)
    with in_threads() as threads, progress("pictures") as bar:
        found = leaks_of(open_release(path), rules=rules, progress=bar, map=threads)
    document = {"path": str(path), **found.document()}
    emit("release-leakage", document, f"{path}\n{found.text()}", as_json=as_json)
    sys.exit(1 if found.leaks else 0)
