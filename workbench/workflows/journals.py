"""The journals of a zone, read op by op: printed, or checked."""

from __future__ import annotations

__all__ = ["JournalCheck", "ZoneTreatment", "journal_ops", "mend_journals", "verify_journals"]

import heapq
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.errors import JournalError
from workbench.geo.zone import Zone
from workbench.labels.doctor import Treatment, mark_losses, mend_journal
from workbench.labels.folder import QUARANTINE, authors_there, journal_files, journal_path
from workbench.labels.losses import lost_edits, unmarking
from workbench.labels.reading import JournalReport, dump_journal, lacking, read_together, verify_journal


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalCheck:
    """What was found in the journals of a zone."""

    zone: str
    reports: tuple[JournalReport, ...]
    problem: str | None
    """What is wrong with journals that are sound each for itself: one of another zone or grid, say."""

    @property
    def sound(self) -> bool:
        """Whether every op of every journal is what its author wrote."""
        return self.problem is None and all(report.ok for report in self.reports)

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/journal-verify.schema.json``)."""
        return {
            "zone": self.zone,
            "sound": self.sound,
            "problem": self.problem,
            "journals": [
                {
                    "author": report.path.stem,
                    "path": str(report.path),
                    "ops": report.ops,
                    "head": report.head,
                    "head_sha256": report.head_sha256,
                    "chain_ok": report.chain_ok,
                    "integrity": report.integrity,
                    "first_bad": report.first_bad,
                    "problem": report.problem,
                }
                for report in self.reports
            ],
        }

    def text(self) -> str:
        """Return one line per journal."""
        if not self.reports and self.problem is None:
            return f"{self.zone}: no journal yet"
        lines = [
            f"{report.path.stem}: "
            + (report.problem or f"{counted(report.ops, 'op')}, sound, head {report.head}")
            for report in self.reports
        ]
        return "\n".join(lines + ([self.problem] if self.problem else []))


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneTreatment:
    """What the doctor found in the journals of a zone, and did."""

    zone: str
    treatments: tuple[Treatment, ...]
    missing: Mapping[str, int]
    """An op of authors that may have been there and that no journal holds."""
    unmarking: str = ""
    """What is to be done about the doctor's marks where nothing is missing, see `workbench.labels.losses`."""

    @property
    def sound(self) -> bool:
        """Whether there was nothing to do, nothing may be lost, and no copy goes another way."""
        return not self.missing and all(one.problem is None and not one.forks for one in self.treatments)

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/journal-doctor.schema.json``)."""
        return {
            "zone": self.zone,
            "sound": self.sound,
            "missing": dict(self.missing),
            "journals": [
                {
                    "author": treatment.path.stem,
                    "problem": treatment.problem,
                    "ops": treatment.ops,
                    "head": treatment.head,
                    "first_lost": treatment.first_lost,
                    "apart": treatment.apart,
                    "quarantine": str(treatment.quarantine) if treatment.quarantine else None,
                    "forks": [
                        {"first": fork.first, "ops": fork.ops, "quarantine": str(fork.folder)}
                        for fork in treatment.forks
                    ],
                }
                for treatment in self.treatments
            ],
        }

    def text(self) -> str:
        """Return a page for a person."""
        if not self.treatments and not self.missing:
            return f"{self.zone}: no journal yet"
        told = [_told(one, lost=one.path.stem in self.missing) for one in self.treatments]
        return "\n".join(filter(None, [*told, lost_edits(self.missing) + self.unmarking]))


def _told(treatment: Treatment, *, lost: bool) -> str:
    """Tell what became of one journal."""
    author, first_lost = treatment.path.stem, treatment.first_lost
    lines = [_found(treatment, lost=lost)]
    if treatment.mended:
        rest = (
            f"nothing from op {first_lost} on can be believed"
            if first_lost
            else "whether there were later ones cannot be known"
        )
        lines.append(f"{counted(treatment.ops, 'op is', 'ops are')} there, each as it was written; {rest}")
    if treatment.quarantine is not None:
        apart = (
            f" and {counted(treatment.apart, 'record that does', 'records that do')} not follow"
            if treatment.apart
            else ""
        )
        lines.append(f"the damaged files{apart} are in {treatment.quarantine}")
    if first_lost or treatment.mended:
        folder = treatment.path.parent / QUARANTINE / f"{author}-backup"
        lines.append(
            f"if there is a newer backup, put its {treatment.path.name} into {folder}, "
            "and run the doctor again"
        )
    lines += [
        f"{fork.folder} goes another way from op {fork.first} on, and none of its "
        f"{counted(fork.ops, 'op')} from there is in the labels; label again what is missed, then move that "
        "folder away"
        for fork in treatment.forks
    ]
    return "\n  ".join(lines)


def _found(treatment: Treatment, *, lost: bool) -> str:
    author = treatment.path.stem
    if treatment.problem is not None:
        return (
            f"{author}: mended ({treatment.problem})"
            if treatment.mended
            else f"{author}: {treatment.problem}"
        )
    done = "" if lost or treatment.forks else "; nothing to do"
    return f"{author}: sound, {counted(treatment.ops, 'op')}{done}"


def mend_journals(campaign: Campaign, zone: Zone, *, author: str | None) -> ZoneTreatment:
    """Salvage what can be believed of the damaged journals of a zone (or of one author's).

    Raises
    ------
    JournalError
        As for `workbench.labels.doctor.mend_journal`; or the author has no journal there.
    """
    folder, subject = campaign.journal_dir(zone), campaign.subject(zone)
    there = authors_there(folder)
    if author is not None and author not in there:
        raise JournalError(
            f"zone {zone.id} has no journal of {author}; it has those of {', '.join(there) or 'nobody yet'}"
        )
    authors = there if author is None else [author]
    treatments = tuple(mend_journal(folder / f"{name}.sqlite", subject) for name in authors)
    try:
        missing = lacking(folder, read_together(folder, subject))
    except JournalError:  # another author's is damaged
        return ZoneTreatment(zone=zone.id, treatments=treatments, missing={})
    mark_losses(folder, missing)
    return ZoneTreatment(
        zone=zone.id, treatments=treatments, missing=missing, unmarking=unmarking(folder, missing)
    )


def journal_ops(campaign: Campaign, zone: Zone, *, author: str | None) -> Iterator[dict[str, Any]]:
    """Yield the JSON view of each op, of all authors in the order in which they count.

    Raises
    ------
    JournalError
        The author has no journal, or one cannot be believed from some op on.
    """
    dumps = (dump_journal(path) for path in _journals(campaign, zone, author))
    return heapq.merge(*dumps, key=lambda op: (op["lamport"], op["author"], op["seq"]))


def verify_journals(campaign: Campaign, zone: Zone, *, author: str | None) -> JournalCheck:
    """Check each journal of a zone (or one author's), and that it belongs to this zone and grid."""
    reports = tuple(verify_journal(path) for path in _journals(campaign, zone, author))
    problem = None
    if all(report.ok for report in reports):
        try:
            with campaign.open_store(zone, from_snapshot=False) as true, campaign.open_store(zone) as shown:
                if not np.array_equal(true.labels, shown.labels):
                    folder = campaign.snapshot_dir(zone)
                    problem = f"{folder}: a snapshot shows other labels than the journals; delete the folder"
                missing = {name: seq for name, seq in true.missing().items() if author in (None, name)}
                if missing:
                    problem = lost_edits(missing, into=campaign.journal_dir(zone))
        except JournalError as error:
            problem = str(error)
    return JournalCheck(zone=zone.id, reports=reports, problem=problem)


def _journals(campaign: Campaign, zone: Zone, author: str | None) -> list[Path]:
    folder = campaign.journal_dir(zone)
    if author is None:
        return journal_files(folder)
    path = journal_path(folder, author)
    if not path.exists():
        known = ", ".join(path.stem for path in journal_files(folder)) or "nobody yet"
        raise JournalError(f"zone {zone.id} has no journal of {author}; it has those of {known}")
    return [path]
