"""A backup of a campaign, made while people label: a directory that is a campaign itself.

The registry and every journal are copied by SQLite's backup, each as it was at one instant, and the journals
of a zone such that what anybody had seen is there. With them go the other files of the zones (hierarchies,
what the doctor set apart) and the rasters that lie inside the campaign. Snapshots stay behind, they are a
cache; so do locks, which mean nothing elsewhere, and whatever else lies in the directory: releases, models.

``SHA256SUMS`` lists every file, each of which was read again after it was copied. The directory appears whole
or not at all. A damaged journal is copied as it is, for the doctor, and named.
"""

from __future__ import annotations

__all__ = ["Backup", "back_up"]

import hashlib
import os
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.documents import digest_file
from workbench.errors import CampaignError, JournalError
from workbench.export.manifest import Manifest
from workbench.export.staging import Staging
from workbench.geo.zone import Zone
from workbench.labels.folder import mending_marker, traces
from workbench.labels.losses import lost_edits
from workbench.labels.reading import Journal, copy_journal, lacking, read_journal, unheld, verify_journal

_PIECE = 1 << 20
_SNAPSHOTS = "snapshots"
_KEPT = (".sqlite", ".sqlite-wal", ".sqlite-journal", ".mending")
"""What a damaged journal consists of. Not the ``-shm``: SQLite makes it anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What `back_up` wrote."""

    path: Path
    zones: int
    journals: int
    """Sound ones."""
    ops: int
    files: int
    """That ``SHA256SUMS`` lists."""
    size: int
    """Bytes of all of them."""
    missing: dict[str, dict[str, int]]
    """By zone: an op of authors that may have been there and that no journal at home holds."""
    damaged: dict[str, str]
    """By the path of a journal in the backup: what is wrong with the one at home, and so with its copy."""

    @property
    def sound(self) -> bool:
        """Whether every journal is what its author wrote, to its end."""
        return not self.damaged and not self.missing

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/campaign-backup.schema.json``)."""
        return {
            "path": str(self.path),
            "zones": self.zones,
            "journals": self.journals,
            "ops": self.ops,
            "files": self.files,
            "bytes": self.size,
            "missing": self.missing,
            "damaged": [{"path": path, "problem": problem} for path, problem in self.damaged.items()],
        }

    def text(self) -> str:
        """Return one line, and one for each damaged journal and each zone with lost edits."""
        lines = [
            f"{self.path}: {counted(self.zones, 'zone')}, {counted(self.ops, 'op')} in "
            f"{counted(self.journals, 'journal')}, {counted(self.files, 'file')}, "
            f"{self.size / 1e6:.1f} MB, all read again"
        ]
        lines += [f"  {path} is damaged at home too: {problem}" for path, problem in self.damaged.items()]
        lines += [f"  {zone}: {lost_edits(missing)} at home" for zone, missing in self.missing.items()]
        return "\n".join(lines)


def back_up(campaign: Campaign, out: Path, *, progress: Callable[[int, int], None] | None = None) -> Backup:
    """Copy a campaign into a new directory.

    Parameters
    ----------
    campaign
        What to copy; it is only read.
    out
        The directory to make, outside the campaign.
    progress
        Called with the files that are done, and all.

    Raises
    ------
    CampaignError
        The directory is there already, or lies in the campaign; or a copy is not what was copied.
    JournalError
        A folder is named like a journal.
    RasterError, ReleaseError
        A raster inside the campaign is gone; or the directory cannot be written. Nothing is left.
    """
    root = campaign.path.resolve()
    if out.resolve().is_relative_to(root):
        raise CampaignError(
            f"{out} lies in the campaign, and would be lost with it; choose another directory"
        )
    if os.path.lexists(out):
        raise CampaignError(f"{out} exists already; give the backup a new name")
    with Staging.beside(out) as staging:
        copying = _Copying(campaign, staging.path)
        zones = copying.registry()
        for number, zone in enumerate(zones):
            if progress is not None:
                progress(number, len(zones))
            copying.zone(zone)
        size = copying.finish()
        if not staging.publish():
            raise CampaignError(f"{out} exists already; give the backup a new name")
    return Backup(
        path=out,
        zones=len(zones),
        journals=len(copying.ops),
        ops=sum(copying.ops.values()),
        files=len(copying.digests),
        size=size,
        missing=copying.missing,
        damaged=copying.damaged,
    )


class _Copying:
    """A campaign on its way into a folder."""

    def __init__(self, campaign: Campaign, goal: Path) -> None:
        self.digests: dict[str, str] = {}
        """SHA-256 of each file, by its path in the backup."""
        self.ops: dict[str, int] = {}
        """Ops of each sound journal."""
        self.missing: dict[str, dict[str, int]] = {}
        self.damaged: dict[str, str] = {}
        self._campaign, self._root, self._goal = campaign, campaign.path.resolve(), goal

    def registry(self) -> tuple[Zone, ...]:
        """Copy the registry; return the zones that are in the copy."""
        target = self._goal / self._campaign.registry.path.name
        self._campaign.registry.copy_to(target)
        self._note(target)
        if self._campaign.nomenclature_path.exists():
            self._plain(self._campaign.nomenclature_path.resolve())
        return Campaign.open(self._goal).zones()

    def zone(self, zone: Zone) -> None:
        """Copy what there is of a zone of the copied registry."""
        journals = self._campaign.journal_dir(zone)
        if missing := self._journals(journals):
            self.missing[zone.id] = missing
        for path in _files(self._campaign.zone_dir(zone)):
            if path.parent != journals:
                self._plain(path)
        for raster in zone.rasters:
            if raster.path.is_relative_to(self._goal) and not raster.path.exists():
                self._picture(self._root / raster.path.relative_to(self._goal))

    def finish(self) -> int:
        """Read every file again, write ``SHA256SUMS``, and return how many bytes the files have."""
        for name, sha256 in self.digests.items():
            if digest_file(self._goal / name) != sha256:
                raise CampaignError(
                    f"{name} is not in the backup as it was written; look at the health of that disk"
                )
        Manifest(self.digests.items()).write(self._goal)
        return sum((self._goal / name).stat().st_size for name in self.digests)

    def _journals(self, folder: Path) -> dict[str, int]:
        """Copy the journals of a zone such that the ops that somebody had seen are there; return the lost."""
        found: dict[str, Journal] = {}
        waiting: Set[str] = _authors(folder)
        while waiting:
            grown = False
            for author in sorted(waiting):
                journal = self._journal(folder / f"{author}.sqlite")
                if journal is not None:
                    grown |= author not in found or len(journal.rows) > len(found[author].rows)
                    found[author] = journal
            # A mark of the doctor's is no reason to copy again: it stays.
            waiting = unheld(found.values()).keys() & _authors(folder) if grown else set()
        damaged = _authors(folder) - found.keys()
        missing = lacking(folder, found.values())
        return {name: seq for name, seq in missing.items() if name not in damaged}

    def _journal(self, path: Path) -> Journal | None:
        """Copy a journal; None if it is damaged, and was copied as it is."""
        target, problem = self._target(path), ""
        target.unlink(missing_ok=True)
        try:
            if not mending_marker(path).exists():
                copy_journal(path, target)
                if verify_journal(target).ok:
                    self._note(target)
                    self.ops[self._name(target)] = len((journal := read_journal(target)).rows)
                    return journal
        except JournalError as error:
            problem = str(error)
        target.unlink(missing_ok=True)
        problem = verify_journal(path).problem or problem or f"{path}: it is half mended; run the doctor"
        self.damaged[self._name(target)] = problem
        for suffix in _KEPT:
            file = path.with_name(path.stem + suffix)  # by its whole name: marie.dupont is somebody else
            if file.is_file():
                self._plain(file)
        return None

    def _picture(self, path: Path) -> None:
        if path.is_file():
            self._plain(path)
        else:
            self.damaged[self._name(self._target(path))] = f"{path}: this raster is gone"

    def _plain(self, source: Path) -> None:
        target, found = self._target(source), hashlib.sha256()
        with source.open("rb") as file, target.open("wb") as copy:
            while piece := file.read(_PIECE):
                found.update(piece)
                copy.write(piece)
        self.digests[self._name(target)] = found.hexdigest()

    def _target(self, source: Path) -> Path:
        """Return where a file of the campaign goes, in a folder that is there."""
        target = self._goal / source.relative_to(self._root)
        target.parent.mkdir(parents=True, exist_ok=True)
        return target

    def _name(self, target: Path) -> str:
        return target.relative_to(self._goal).as_posix()

    def _note(self, target: Path) -> None:
        self.digests[self._name(target)] = digest_file(target)


def _authors(folder: Path) -> frozenset[str]:
    """Return whose journals, or what is left of them, lie in a folder, whatever their names."""
    return frozenset(path.stem for path in traces(folder))


def _files(directory: Path) -> Iterator[Path]:
    """Yield the files of a zone that are worth keeping, without those that somebody is writing."""
    for folder, folders, names in os.walk(directory):
        folders[:] = sorted(name for name in folders if name[0] != "." and name != _SNAPSHOTS)
        for name in sorted(names):
            if name[0] != "." and not name.endswith(".lock"):
                yield Path(folder, name)
