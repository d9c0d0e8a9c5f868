"""Two releases compared for a maintainer: what changed, why, and two documents about it."""

from __future__ import annotations

__all__ = ["ReleaseComparison", "compare_releases"]

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from workbench.campaign import Campaign
from workbench.documents import write_file
from workbench.errors import ReleaseError
from workbench.export.diff import diff_releases
from workbench.export.release import open_release
from workbench.export.release_diff import ReleaseDiff
from workbench.export.zone_changes import ZoneChange
from workbench.outputs import check_output
from workbench.pages import check_jinja, check_page
from workbench.threads import in_threads
from workbench.workflows.changelog import CHANGELOG, changelog
from workbench.workflows.diff_page import PAGE, write_page
from workbench.workflows.diff_words import (
    about_releases,
    area,
    cause_word,
    headline,
    many,
    unmoved_zones,
    why,
    zone_lines,
)
from workbench.workflows.release_origins import origins
from workbench.workflows.release_reasons import Reasons, explain

_LISTED: Final = 10


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ReleaseComparison:
    """What changed, and why."""

    diff: ReleaseDiff
    reasons: Reasons | None
    """None where no campaign was asked."""

    @property
    def sound(self) -> bool:
        """Whether the journals, if they were asked, explain every patch that changed."""
        return self.reasons is None or not self.reasons.unexplained

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/release-diff.schema.json``)."""
        return {
            **self.diff.document(),
            "origins": [one.document() for one in origins(self.diff)],
            "unmoved_zones": list(unmoved_zones(self.diff)),
            "reasons": self.reasons.document() if self.reasons else None,
        }

    def text(self) -> str:
        """Return a page for a person."""
        diff, moves = self.diff, self.diff.transitions.moves()
        lines = [*headline(diff), *_some([*zone_lines(diff)]), *_some([*about_releases(diff)])]
        lines += [
            f"  {move.before} → {move.after}: {move.pixels:,} pixels, {area(diff, move.pixels)}"
            for move in moves[:_LISTED]
        ]
        inside = [zone for zone in diff.zones if zone.patches.labels or zone.patches.pictures]
        inside.sort(key=lambda zone: (-zone.transitions.changed, zone.name))
        lines += _some([self._told(zone) for zone in inside])
        return "\n".join([*lines, *self._why()])

    def _told(self, zone: ZoneChange) -> str:
        counts, changed = zone.patches, zone.transitions.changed
        return (
            f"{zone.name}: labels of {many(counts.labels, 'patch')}, pictures of {counts.pictures:,}, "
            f"{area(self.diff, changed)}; {why(self.diff, zone, self.reasons) or 'nothing says why'}"
        )

    def _why(self) -> list[str]:
        if self.reasons is None:
            unmoved = unmoved_zones(self.diff)
            some = f"labels of {many(len(unmoved), 'zone')} changed while no head of a journal moved"
            return [f"{some}, the first is {unmoved[0]}"] if unmoved else []
        lines = [
            f"{cause_word(one.cause)}: {many(one.ops, 'edit')}, {many(one.pixels, 'pixel')}"
            for one in self.reasons.explained
        ]
        lines += _some([f"{zone.zone}: {said}" for zone in self.reasons.zones for said in zone.remarks])
        if self.reasons.unexplained:
            first = next(one for zone in self.reasons.zones for one in zone.unexplained)
            count, pixels = self.reasons.unexplained, self.reasons.unexplained_pixels
            lines.append(
                f"unexplained: {many(count, 'patch')}, {many(pixels, 'pixel')}; the first is {first.patch}"
            )
        return lines


def compare_releases(
    before: Path,
    after: Path,
    *,
    campaign: Campaign | None = None,
    notes: Path | None = None,
    page: Path | None = None,
    thumbnails: int = 50,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ReleaseComparison:
    """Compare two releases; write a changelog and a page about them.

    Parameters
    ----------
    before, after
        Their folders, the older one first.
    campaign
        The one that the second was built from, whose journals say why labels changed.
    notes, page
        Files for the changelog, in Markdown, and the page, in HTML.
    thumbnails
        How many patches the page shows as pictures.
    overwrite
        Whether these files may be there already.
    progress
        Called with the patches done and their total.

    Raises
    ------
    ReleaseError
        A release is damaged, they are on different lattices, or a file is in the way.
    CampaignError
        The campaign is none that the second release could be of.
    """
    first, second = open_release(before), open_release(after)
    if notes is not None:
        check_output(notes, CHANGELOG, overwrite=overwrite, error=ReleaseError)
    if page is not None:
        check_output(page, PAGE, overwrite=overwrite, error=ReleaseError)
        check_page(page, error=ReleaseError)
        check_jinja(ReleaseError)
    with in_threads() as threads:
        diff = diff_releases(first, second, progress=progress, map=threads)
        reasons = explain(diff, campaign) if campaign else None
        if page is not None:
            write_page(diff, reasons, page, thumbnails=thumbnails, map=threads)
    if notes is not None:
        write_file(notes, changelog(diff, reasons).encode(), error=ReleaseError)
    return ReleaseComparison(diff=diff, reasons=reasons)


def _some(lines: list[str]) -> list[str]:
    left = len(lines) - _LISTED
    shown = [f"  {line}" for line in lines[:_LISTED]]
    return [*shown, *([f"  and {left:,} more; --json lists all"] if left > 0 else [])]
