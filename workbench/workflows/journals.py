"""The journals of a zone, read op by op: printed, or checked."""

from __future__ import annotations

__all__ = ["JournalCheck", "journal_ops", "verify_journals"]

import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.campaign import Campaign
from workbench.errors import JournalError
from workbench.geo.zone import Zone
from workbench.labels.folder import journal_files, journal_path
from workbench.labels.journal import JournalReport, dump_journal, verify_journal


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
        if not self.reports:
            return f"{self.zone}: no journal yet"
        lines = [
            f"{report.path.stem}: {report.ops} ops, " + (report.problem or f"sound, head {report.head}")
            for report in self.reports
        ]
        return "\n".join(lines + ([self.problem] if self.problem else []))


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
            campaign.open_store(zone).close()
        except JournalError as error:
            problem = str(error)
    return JournalCheck(zone=zone.id, reports=reports, problem=problem)


def _journals(campaign: Campaign, zone: Zone, author: str | None) -> list[Path]:
    folder = campaign.zone_dir(zone) / "journal"
    if author is None:
        return journal_files(folder)
    path = journal_path(folder, author)
    if not path.exists():
        known = ", ".join(path.stem for path in journal_files(folder)) or "nobody yet"
        raise JournalError(f"zone {zone.id} has no journal of {author}; it has those of {known}")
    return [path]
