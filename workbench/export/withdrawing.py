"""A release without some of its zones: its next version, for what must not be shown any longer."""

from __future__ import annotations

__all__ = ["check_reason", "release_without"]

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from workbench.errors import ReleaseError
from workbench.export.building import published
from workbench.export.card import readme
from workbench.export.index import PatchIndex
from workbench.export.layouts import Layout
from workbench.export.part import PartMaker, Steps, patches_in
from workbench.export.part_card import part_card
from workbench.export.release import Release, check_target
from workbench.export.staging import Staging
from workbench.export.subset_card import subset_note
from workbench.export.totals import Totals
from workbench.export.versions import Change, settled
from workbench.threads import Map

_LONGEST: Final = 4000
"""Characters of a reason."""
_WITHDRAWN: Final = """
## Zones that were withdrawn

This version is {parent} without the zones below. Use it in place of that one, and take that one down wherever
a copy of it lies. All other patches are the same files, in the same folds and sets.

{zones}
"""


def release_without(
    parent: Release,
    zones: Sequence[str],
    *,
    reason: str,
    name: str,
    out: Path,
    version: str | None = None,
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> Release:
    """Make the next version of a release, without some zones; nothing is cut anew.

    Files are those of the release, under another name on the same disk, else copies; where one holds many
    patches and some go, it is written anew of the bytes that stay.

    Parameters
    ----------
    parent
        The release; it is never written to.
    zones
        Ids of the zones that go.
    reason
        Why, as everybody may read it in ``release.json``.
    name, out
        As `workbench.export.build_release` takes them.
    version
        Such as ``1.2.0``; by default what the name ends with, or the next minor one.
    progress
        Called with the patches done and their total after each.
    map
        Such as `workbench.threads.in_threads` gives; its results come in order.

    Returns
    -------
    Release
        The next version; as ``reused`` where it was there under this name.

    Raises
    ------
    ReleaseError
        The release has no such zone, or no other; it withholds labels, or has those that another one does; it
        is damaged; there is no reason; or the name is taken by something else. Nothing was left on disk.
    """
    _check_plain(parent)
    kept, why, target = _kept(parent, zones), check_reason(reason), check_target(out, name)
    since = str(settled(name, version, before=parent.version, change=Change.MINOR))
    parent.prove()
    telling = _Withdrawn(parent=parent, zones=tuple(sorted(set(zones))), reason=why, since=since)
    with Staging.beside(target) as staging:
        steps = Steps(progress, patches_in(parent, kept))
        manifest = PartMaker(telling, staging.path, parent.layouts, steps, map).make(name, kept)
        return published(staging, manifest, map)


def check_reason(text: str) -> str:
    """Return a reason as one line.

    Raises
    ------
    ReleaseError
        It says nothing, or too much.
    """
    reason = " ".join(text.split())
    if not reason:
        raise ReleaseError("nobody can tell why a zone went if no reason is given; say it: --reason TEXT")
    if len(reason) > _LONGEST:
        raise ReleaseError(
            f"the reason has {len(reason):,} characters, and a release keeps {_LONGEST:,}; say it shorter"
        )
    return reason


@dataclass(frozen=True, slots=True, kw_only=True)
class _Withdrawn:
    """What a release says that zones went from."""

    parent: Release
    zones: tuple[str, ...]
    reason: str
    since: str
    withheld: frozenset[str] = field(default=frozenset(), init=False)

    def card(
        self, patches: PatchIndex, *, name: str, content_sha256: str, layouts: Sequence[Layout]
    ) -> dict[str, Any]:
        """Return the content of ``release.json``."""
        before, totals = self.parent, Totals.of(patches)
        card = part_card(before, totals, name=name, content_sha256=content_sha256, layouts=layouts)
        card["version"] = self.since
        card["parent"] = {
            "name": before.name,
            "version": str(before.version),
            "content_sha256": before.card["content_sha256"],
        }
        new = [{"zone": zone, "reason": self.reason, "since": self.since} for zone in self.zones]
        card["withdrawn"] = [*map(dict, before.withdrawn), *new]
        return card | {key: before.card[key] for key in ("subset",) if key in before.card}

    def readme(self, card: Mapping[str, Any], layouts: Sequence[Layout]) -> str:
        """Return the content of ``README.md``."""
        parts = [readme(card, layouts)]
        if "subset" in card:
            parts.append(subset_note(card))
        lines = [f"- {one['zone']}, since {one['since']}: {one['reason']}" for one in card["withdrawn"]]
        parts.append(_WITHDRAWN.format(parent=self.parent.name, zones="\n".join(lines)))
        return "".join(parts)


def _check_plain(parent: Release) -> None:
    """Refuse a release that is half of a challenge: its other half would no longer fit."""
    subset = parent.card.get("subset", {})
    if "withheld" in parent.card or "seals" in subset:
        seals = subset.get("seals")
        does = f"has the labels that {seals} withholds" if seals else "withholds labels"
        raise ReleaseError(
            f"{parent.name} {does}; withdraw from {subset['of']}, of which it is a part, and make the "
            "challenge anew: workbench release subset"
        )


def _kept(parent: Release, zones: Sequence[str]) -> tuple[str, ...]:
    """Return the zones that stay."""
    known = sorted(entry["id"] for entry in parent.card["zones"])
    gone = {entry["zone"]: entry for entry in parent.withdrawn}
    for zone in zones:
        if zone in gone and zone not in known:
            raise ReleaseError(
                f"{parent.name} is without {zone} already: withdrawn in {gone[zone]['since']}, "
                f"{gone[zone]['reason']}; leave it out"
            )
        if zone not in known:
            raise ReleaseError(
                f"{parent.name} has no zone {zone}; it has {len(known)}, such as {known[0]}; see its "
                "release.json"
            )
    kept = tuple(zone for zone in known if zone not in zones)
    if not kept:
        raise ReleaseError(
            f"{parent.name} has no other zone, and no release is without any; take the whole of it down"
        )
    return kept
