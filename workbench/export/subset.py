"""A subset of a release: a release of its own, of the same files; labels of *test* may be withheld."""

from __future__ import annotations

__all__ = ["Subset", "subset_release"]

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from workbench.counting import counted
from workbench.errors import ReleaseError
from workbench.export.building import published, same_content
from workbench.export.folds import SPLITS
from workbench.export.part import PartMaker, Steps, patches_in
from workbench.export.release import Release, check_target
from workbench.export.sealing import KEY, write_key
from workbench.export.staging import Staging
from workbench.export.subset_card import Origin
from workbench.export.wanted import Wanted
from workbench.threads import Map

SEALED: Final = "-SEALED"
"""End of the name of the release that has the labels that another one withholds."""
TESTED: Final = SPLITS[0]
"""The split that all layouts lay out: its test is what can be withheld."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Subset:
    """What `subset_release` made."""

    release: Release
    sealed: Release | None = None
    """The release that has the labels that the other one withholds."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/release-subset.schema.json``)."""
        card = self.release.card
        return {
            "path": str(self.release.path),
            "reused": self.release.reused,
            "name": self.release.name,
            "content_sha256": card["content_sha256"],
            "subset": card["subset"],
            "counts": card["counts"],
            "layouts": [layout.name for layout in self.release.layouts],
            "withheld": card.get("withheld"),
            "sealed": None if self.sealed is None else str(self.sealed.path),
        }

    def text(self) -> str:
        """Return the report for people."""
        lines = [self.release.text()]
        if self.sealed is not None:
            withheld = self.release.card["withheld"]
            lines.append(
                f"labels of {counted(withheld['patches'], 'patch', 'patches')} in "
                f"{counted(withheld['zones'], 'zone')} are withheld; "
                f"{self.sealed.path} has them: keep it to yourself, with its {KEY}, and never without a copy"
            )
        return "\n".join(lines)


def subset_release(
    parent: Release,
    *,
    name: str,
    out: Path,
    wanted: Wanted,
    withhold_test: bool = False,
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> Subset:
    """Make a release of some zones, layouts and modalities of another one; nothing is cut anew.

    Files are those of the other release, under another name on the same disk, else copies.

    Parameters
    ----------
    parent
        The other release; it is never written to.
    name, out
        As `workbench.export.build_release` takes them.
    wanted
        What is taken.
    withhold_test
        Whether labels of what is test in ``split_1`` are left out, and put into a second release
        ``{name}-SEALED``, whose digests stand under seal in the first (`workbench.export.sealing`).
    progress
        Called with the patches done and their total after each.
    map
        Such as `workbench.threads.in_threads` gives; its results come in order.

    Returns
    -------
    Subset
        With the release; as ``reused`` where the same content was there under this name.

    Raises
    ------
    ReleaseError
        There is nothing to take or to withhold, the other release is damaged, or a name is taken by other
        content. Nothing was left on disk.
    """
    _check_whole(parent)
    target, zones, layouts = check_target(out, name), wanted.zones_of(parent), wanted.layouts_of(parent)
    tested = _tested(parent, zones) if withhold_test else ()
    sealed = check_target(out, f"{name}{SEALED}") if withhold_test else None
    with ExitStack() as stack:
        staging = stack.enter_context(Staging.beside(target))
        steps = Steps(progress, patches_in(parent, zones) + patches_in(parent, tested))
        if sealed is None:
            origin = Origin(parent=parent, wanted=wanted)
            manifest = PartMaker(origin, staging.path, layouts, steps, map).make(name, zones)
            return Subset(release=published(staging, manifest, map))
        aside = stack.enter_context(Staging.beside(sealed))
        write_key(aside.path, sealed)
        of_test = replace(wanted, zones=tested, domains=(), sets=())
        origin = Origin(parent=parent, wanted=of_test, seals=name)
        whole = PartMaker(origin, aside.path, layouts, steps, map).make(sealed.name, tested, extra=(KEY,))
        origin = Origin(
            parent=parent, wanted=wanted, withheld=frozenset(tested), split=TESTED, sealed=sealed.name
        )
        maker = PartMaker(origin, staging.path, layouts, steps, map)
        manifest = maker.make(name, zones, seal=(aside.path, whole))
        if target.exists():  # before the other one is: what is refused leaves nothing
            same_content(staging, manifest, map)
        kept = published(aside, whole, map)
        return Subset(release=published(staging, manifest, map), sealed=kept)


def _check_whole(parent: Release) -> None:
    """Refuse a parent that is not what its card says, or that lacks labels."""
    if "withheld" in parent.card:
        raise ReleaseError(
            f"{parent.name} withholds labels; take a subset of {parent.card['subset']['of']}, of which it is "
            "one itself"
        )
    parent.prove()


def _tested(parent: Release, zones: Sequence[str]) -> tuple[str, ...]:
    """Return those zones whose labels are withheld."""
    splits = {entry["id"]: entry["splits"] for entry in parent.card["zones"]}
    tested = tuple(zone for zone in zones if splits[zone][TESTED] == "test")
    if not tested:
        raise ReleaseError(
            f"none of {counted(len(zones), 'zone')} is test in {TESTED}, so there is nothing to withhold; "
            "choose domains of fold 1, too"
        )
    return tested
