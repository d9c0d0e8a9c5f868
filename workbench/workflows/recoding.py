"""A release in other classes: which table or rule, what is decided, and the usage of the ground."""

from __future__ import annotations

__all__ = ["recode"]

from collections.abc import Callable, Mapping
from importlib.metadata import version as software_version
from pathlib import Path

from workbench.export import open_release, recode_release
from workbench.export.recode import Recoded, check_recodable
from workbench.export.usage import UsageLayer
from workbench.nomenclature import derivation_to
from workbench.threads import in_threads


def recode(
    path: Path,
    *,
    name: str,
    out: Path,
    goal: str,
    decisions: Mapping[str, str] | None = None,
    usage: Path | None = None,
    field: str = "code_us",
    layer: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Recoded:
    """Make a release of derived labels of the release at a path.

    Parameters
    ----------
    path
        Of the release.
    name, out
        Name and folder of the one that is made.
    goal
        One of `workbench.nomenclature.deriving.TARGETS`.
    decisions
        What classes become that the table leaves undecided, by key.
    usage, field, layer
        A vector file of polygons with a usage code each, the field of the code, and their layer, where the
        file has several.
    progress
        Called with the patches done and their total.

    Raises
    ------
    WorkbenchError
        The release cannot be recoded so; nothing is written.
    """
    parent = open_release(path)
    check_recodable(parent)
    derivation = derivation_to(goal, parent.nomenclature, decisions=decisions)
    under = None
    if usage is not None:
        under = UsageLayer.open(usage, derivation.usages, field=field, layer=layer)
    with in_threads() as threads:
        return recode_release(
            parent,
            name=name,
            out=out,
            derivation=derivation,
            software=software_version("ocs-workbench"),
            usage=under,
            progress=progress,
            map=threads,
        )
