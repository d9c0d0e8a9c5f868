"""The checks of a zone before it is handed in: each finding is fixed, justified by a comment, or open."""

from __future__ import annotations

__all__ = ["CheckedZone", "Judged", "check_store", "check_zone"]

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.assessment.closing import check_closing
from workbench.assessment.findings import JUSTIFIABLE, KINDS, Finding, Kind
from workbench.assessment.seams import SEAM_DEPTH, Seam
from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.errors import JournalError, RasterError
from workbench.geo.borders import Border, shared_borders
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.labels.comments import one_line
from workbench.labels.edits import Comment
from workbench.labels.op import Op
from workbench.labels.review import zone_state

_MOST_LISTED = 50
_HEIGHT = "E"
_Justification = tuple[str, Comment]
"""Id of the op, and the comment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A finding, and who says that it is right as it is."""

    finding: Finding
    by: _Justification | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedZone:
    """What the checks of a zone found, and what its authors say to it."""

    campaign: Path
    zone: str
    findings: tuple[Judged, ...]
    """The largest first."""
    keys: dict[int, str]
    """Key of each class by its code, ``unlabelled`` for 0."""
    left_out: tuple[tuple[Kind, str], ...]
    """Checks that could not be made, and why."""
    idle: tuple[_Justification, ...]
    """Justifications that lie in no finding of their kind."""
    neighbours: tuple[tuple[str, str], ...]
    """Ids of neighbours whose border could not be looked at, and why."""

    @property
    def open(self) -> tuple[Finding, ...]:
        """The findings that are neither fixed nor justified, the largest first."""
        return tuple(one.finding for one in self.findings if one.by is None)

    def refusal(self) -> str:
        """Return why the zone is not handed in as it is, and the way out, in one sentence."""
        left, largest = self.open, self.open[0]
        counts = Counter(finding.kind for finding in left)
        kinds = ", ".join(f"{counts[kind]} {kind}" for kind in KINDS if counts[kind])
        return (
            f"zone {self.zone} has {counted(len(left), 'open finding')} ({kinds}), the largest "
            f"{largest.kind} at pixel ({largest.row}, {largest.col}); list them: workbench zone check "
            f"{self.campaign} --zone {self.zone}, then fix or justify each, or say why not: --anyway REASON"
        )

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/zone-check.schema.json``)."""
        return {
            "zone": self.zone,
            "open": len(self.open),
            "findings": [
                {
                    "kind": one.finding.kind,
                    "class": self.keys[one.finding.code],
                    "pixels": one.finding.pixels,
                    "row": one.finding.row,
                    "col": one.finding.col,
                    "window": [
                        one.finding.window.row,
                        one.finding.window.col,
                        one.finding.window.height,
                        one.finding.window.width,
                    ],
                    "measured": one.finding.measured,
                    "limit": one.finding.limit,
                    "told": one.finding.told,
                    "justified": None if one.by is None else {"id": one.by[0], "text": one.by[1].text},
                }
                for one in self.findings
            ],
            "left_out": [{"kind": kind, "reason": reason} for kind, reason in self.left_out],
            "idle_justifications": [
                {"id": name, "kind": comment.justifies, "row": comment.row, "col": comment.col}
                for name, comment in self.idle
            ],
            "neighbours_left_out": [{"zone": name, "reason": reason} for name, reason in self.neighbours],
        }

    def text(self) -> str:
        """Return a page for a person."""
        lines = [f"{self.zone}: {counted(len(self.findings), 'finding')}, {len(self.open)} open"]
        ranked = sorted(self.findings, key=lambda one: one.by is not None)
        lines += [self._line(one) for one in ranked[:_MOST_LISTED]]
        if len(ranked) > _MOST_LISTED:
            lines.append(f"  and {len(ranked) - _MOST_LISTED} more; --json lists all")
        lines += [f"  {kind} was left out: {reason}" for kind, reason in self.left_out]
        lines += [f"  the border with {name} was left out: {reason}" for name, reason in self.neighbours]
        lines += [
            f"  {name} justifies a {comment.justifies} at ({comment.row}, {comment.col}), where there is none"
            for name, comment in self.idle
        ]
        return "\n".join(lines)

    def _line(self, one: Judged) -> str:
        found = one.finding
        where = f"{counted(found.pixels, 'pixel')} at ({found.row}, {found.col})"
        said = f"; justified by {one.by[0]}: {one_line(one.by[1].text)}" if one.by else ""
        return f"  {found.kind:16} {self.keys[found.code]}, {where}: {found.told}{said}"


def check_zone(campaign: Campaign, zone: Zone) -> CheckedZone:
    """Look over the labels of a zone; see `workbench.assessment.closing`.

    Raises
    ------
    RasterError, JournalError
        The zone's picture or journals cannot be read. Of a neighbour that is said and passed over.
    """
    with campaign.open_store(zone) as store:
        return check_store(campaign, zone, store)


def check_store(campaign: Campaign, zone: Zone, store: AnnotationStore) -> CheckedZone:
    """Look over the labels of a zone as a store has them; like `check_zone`."""
    image, nomenclature = campaign.read_image(zone), campaign.nomenclature
    seams, neighbours = _finished_seams(campaign, zone, store.labels, image)
    closing = check_closing(
        store.labels,
        store.footprint,
        dict(zip(zone.ortho.bands, image, strict=True)),
        nomenclature,
        uppers=store.uppers(),
        seams=seams,
    )
    findings, idle = _judged(closing.found, store.comments())
    return CheckedZone(
        campaign=campaign.path,
        zone=zone.id,
        findings=findings,
        keys={0: "unlabelled"} | {one.code: one.key for one in nomenclature.classes},
        left_out=closing.left_out,
        idle=idle,
        neighbours=neighbours,
    )


def _judged(
    found: Sequence[Finding], comments: Iterable[tuple[Op, Comment]]
) -> tuple[tuple[Judged, ...], tuple[_Justification, ...]]:
    """Return the findings with the first comment that justifies each, and the comments that justify none."""
    said = [(op.id, comment) for op, comment in comments if comment.justifies is not None]
    used, judged = set[str](), []
    for finding in found:
        fitting = [
            (name, comment)
            for name, comment in said
            if comment.justifies == finding.kind
            and finding.kind in JUSTIFIABLE
            and finding.contains(comment.row, comment.col)
        ]
        used |= {name for name, _ in fitting}
        judged.append(Judged(finding=finding, by=fitting[0] if fitting else None))
    return tuple(judged), tuple(one for one in said if one[0] not in used)


def _finished_seams(
    campaign: Campaign, zone: Zone, labels: NDArray[np.uint8], image: NDArray[np.uint8]
) -> tuple[list[Seam], tuple[tuple[str, str], ...]]:
    """Return the borders with finished zones of the domain, and which neighbours cannot be read, and why."""
    seams: list[Seam] = []
    problems = []
    for other in campaign.zones():
        if other.domain != zone.domain or other.id == zone.id:
            continue
        borders = shared_borders(zone, other, depth=SEAM_DEPTH)
        if not borders:
            continue
        try:
            with campaign.open_store(other) as store:
                if zone_state(store).state in ("submitted", "accepted"):
                    seams += [
                        _seam(campaign, border, (zone, labels, image), (other, store.labels))
                        for border in borders
                    ]
        except (JournalError, RasterError) as error:
            problems.append((other.id, str(error)))
    return seams, tuple(problems)


def _seam(
    campaign: Campaign,
    border: Border,
    own: tuple[Zone, NDArray[np.uint8], NDArray[np.uint8]],
    theirs: tuple[Zone, NDArray[np.uint8]],
) -> Seam:
    (zone, labels, image), (other, other_labels) = own, theirs
    bands, other_bands = zone.ortho.bands, other.ortho.bands
    shared = [band for band in bands if band in other_bands and band != _HEIGHT]
    if not shared:
        raise RasterError(f"its picture has no band in common with that of {zone.id}")
    inside = image[[bands.index(band) for band in shared]][:, *border.inside.slices]
    outside = campaign.read_image(other, window=border.outside)
    outside = outside[[other_bands.index(band) for band in shared]]
    codes = (
        border.outward(labels[border.inside.slices])[-1],
        border.outward(other_labels[border.outside.slices])[0],
    )
    return Seam(
        neighbour=other.id,
        line=border.line,
        codes=np.stack(codes),
        image=np.concatenate((border.outward(inside), border.outward(outside)), axis=1),
    )
