"""Zones withdrawn from a release: its next version without them, and where they still are."""

from __future__ import annotations

__all__ = ["Remains", "Withdrawal", "withdraw_zones"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.errors import ReleaseError
from workbench.export import Release, open_release
from workbench.export.withdrawing import release_without
from workbench.threads import Map
from workbench.workflows.publishing import check_noting, note_release


@dataclass(frozen=True, slots=True, kw_only=True)
class Remains:
    """A release that still has zones which were withdrawn from another version of it."""

    path: Path
    name: str
    zones: tuple[str, ...]
    files: tuple[str, ...] = ()
    """Folders below ``path`` that hold files of these zones alone, and files that hold them with others."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "path": str(self.path),
            "name": self.name,
            "zones": list(self.zones),
            "files": list(self.files),
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Withdrawal:
    """What `withdraw_zones` did."""

    release: Release
    """The new version; ``reused`` where it was there already."""
    zones: tuple[str, ...]
    """That went."""
    remains: tuple[Remains, ...]
    """Releases that have them still, the one that they were withdrawn from first."""
    unseen: tuple[str, ...] = ()
    """Why releases beside it, or of the campaign, could not be looked at."""
    campaign: Path | None = None
    """Campaign that leaves them out of what it builds from now on."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/release-withdraw.schema.json``)."""
        card = self.release.card
        keys = ("name", "version", "content_sha256", "parent", "withdrawn", "counts")
        return {
            "path": str(self.release.path),
            "reused": self.release.reused,
            **{key: card[key] for key in keys},
            "layouts": [layout.name for layout in self.release.layouts],
            "zones": list(self.zones),
            "remains": [one.document() for one in self.remains],
            "unseen": list(self.unseen),
            "campaign": str(self.campaign) if self.campaign else None,
        }

    def text(self) -> str:
        """Return the report for people."""
        before, *others = self.remains
        entries = {entry["zone"]: entry for entry in self.release.withdrawn}
        lines = [self.release.text()]
        lines += [
            f"without {zone}, withdrawn since {entries[zone]['since']}: {entries[zone]['reason']}"
            for zone in self.zones
        ]
        lines.append(
            f"{before.path} still has {'it' if len(self.zones) == 1 else 'them'} and should be taken down, "
            f"here and wherever it was published; {self.release.name} keeps the files that both have"
        )
        lines.append(f"files in {before.path}: {', '.join(before.files)}")
        lines += [f"{one.path} has {', '.join(one.zones)}, too" for one in others]
        lines += [f"not looked at, and may have them: {why}" for why in self.unseen]
        if self.campaign:
            lines.append(
                f"{self.campaign} keeps {counted(len(self.zones), 'zone')} with raster and journal, and no "
                "release of it has what was withdrawn unless --readmit says so"
            )
        return "\n".join(lines)


def withdraw_zones(
    release: Release,
    zones: Sequence[str],
    *,
    reason: str,
    name: str,
    out: Path,
    version: str | None = None,
    campaign: Campaign | None = None,
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> Withdrawal:
    """Make the next version of a release, without zones that must not be shown any longer.

    The release itself is not touched. Its next version says which zones went and why, so that no release
    which is built on it has them.

    Parameters
    ----------
    release, zones, reason, name, out, version, progress, map
        As `workbench.export.withdrawing.release_without` takes them.
    campaign
        Campaign that the release is of: it knows the new version from then on, and leaves the zones out of
        every release, whatever that is built on, until they are readmitted. Where a release was made and
        the campaign could not be told after all, the same call tells it.

    Raises
    ------
    ReleaseError
        As `release_without`; or the campaign is another one, or cannot be written. Nothing was left on disk.
    """
    if campaign is not None and (strange := sorted(set(zones) - campaign.registry.zone_ids())):
        raise ReleaseError(
            f"{campaign.path} has no zone {strange[0]}; give the campaign that {release.name} is of"
        )
    if campaign is not None:
        _check_withdrawn(release, zones, campaign)
        check_noting(campaign)
    made = release_without(
        release, zones, reason=reason, name=name, out=out, version=version, progress=progress, map=map
    )
    gone = tuple(sorted(set(zones)))
    if campaign is not None:
        note_release(campaign, made)
    remains, unseen = _remains(release, gone, made, campaign)
    return Withdrawal(
        release=made,
        zones=gone,
        remains=tuple(remains),
        unseen=tuple(unseen),
        campaign=campaign.path if campaign is not None else None,
    )


def _check_withdrawn(release: Release, zones: Sequence[str], campaign: Campaign) -> None:
    """Refuse to make another release of zones that the campaign withdrew already."""
    there = {entry["id"] for entry in release.card["zones"]} - set(zones)
    for entry in campaign.registry.rows("withdrawals"):
        if entry["zone"] in there:
            raise ReleaseError(
                f"{release.name} has {entry['zone']}, too, which was withdrawn in {entry['since']}: "
                f"{entry['reason']}; withdraw from the newest version, or that zone as well: "
                f"--zone {entry['zone']}"
            )


def _remains(
    release: Release, zones: Sequence[str], made: Release, campaign: Campaign | None
) -> tuple[list[Remains], list[str]]:
    """Return the releases that have zones, of the one, those beside it and those of a campaign.

    Beside them, why others could not be looked at.
    """
    first = Remains(
        path=release.path, name=release.name, zones=tuple(zones), files=tuple(_files(release, zones))
    )
    found, unseen = [first], list[str]()
    near = {
        card.parent
        for root in (release.path.parent, made.path.parent)
        for card in root.glob("*/release.json")
    }
    if campaign is not None:
        near |= campaign.registry.release_paths()
    known = {release.path.resolve(), made.path.resolve()}
    for path in sorted(near, key=str):
        if path.resolve() in known:
            continue
        known.add(path.resolve())
        try:
            other = open_release(path)
        except ReleaseError as error:
            unseen.append(str(error))
            continue
        there = {entry["id"] for entry in other.card["zones"]}
        if held := tuple(zone for zone in zones if zone in there):
            found.append(Remains(path=path, name=other.name, zones=held))
    return found, unseen


def _files(release: Release, zones: Sequence[str]) -> list[str]:
    """Return where the files of zones lie: folders of files of one patch, and files of many."""
    packed = {layout.name for layout in release.layouts if layout.container != "files"}
    index = release.patches()
    return sorted(
        {
            file.path if layout in packed else str(PurePosixPath(file.path).parent)
            for zone in zones
            for patch in index.of_zone(zone)
            for layout, modalities in patch.files.items()
            for file in modalities.values()
        }
    )
