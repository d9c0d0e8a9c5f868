"""The scripted annotator: labels a zone from a known truth as somebody of certain habits does.

What they believe is drawn once for a zone (`workbench.assessment.perception`), whatever is labelled there
already; then they label towards that belief with the fewest picks, and answer the checks by it before they
hand the zone in. So what is wrong in the end is a mistake of theirs or was not worth a pick, and the two can
be told apart.
"""

from __future__ import annotations

__all__ = ["Annotated", "LabelScript", "annotate_zone", "write_script"]

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.assessment.perception import believed, loose_borders, perceived
from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.errors import EditRefused
from workbench.geo.zone import Zone
from workbench.labels.edits import Comment, Provenance, assign
from workbench.nomenclature import Nomenclature
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.quality import nested_picks, reachable_accuracy
from workbench.workflows.closing import check_store
from workbench.workflows.habits import Habits
from workbench.workflows.labelling import label_zone
from workbench.workflows.standing import review_zone


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LabelScript:
    """How somebody labels a zone."""

    lines: tuple[str, ...]
    """For ``workbench label``; see `workbench.workflows.script`."""
    belief: NDArray[np.uint8]
    """Shape (row, col). What they take for true: codes."""

    @property
    def picks(self) -> int:
        """Number of gestures; to accept all pre-labels is one."""
        return len(self.lines)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Annotated:
    """What became of a zone that was labelled and handed in."""

    zone: str
    author: str
    picks: int
    """Number of gestures; to accept all pre-labels is one."""
    mended: int
    """Findings of the checks whose labels were changed."""
    justified: int
    """Findings that were said to be right."""
    seconds: float
    belief: NDArray[np.uint8]
    """Shape (row, col). What they take for true: codes."""
    mistaken: float
    """Share of the zone whose class is another than they believe."""
    missed: float
    """Share whose label is another than they believe: along borders, and what was not worth a pick."""
    accuracy: float
    """Share whose label is the true one."""


def write_script(
    hierarchy: Hierarchy,
    truth: NDArray[np.uint8],
    nomenclature: Nomenclature,
    *,
    habits: Habits,
    zone: str,
    begun: NDArray[np.uint8] | None = None,
    prelabels: NDArray[np.uint8] | None = None,
) -> LabelScript:
    """Return how somebody labels a zone whose truth is known: the fewest nested picks for what they believe.

    Outer regions come first, what differs inside is repainted: the way the desk is meant to be used. Where a
    model proposes labels they are taken over first, and what is wrong in their eyes is picked. Where picks do
    not reach the accuracy that they want, they stop at the most that picks reach.

    Parameters
    ----------
    hierarchy
        Of the zone.
    truth
        Class codes, shape (row, col); 0 = unknown, which is not labelled for its own sake.
    nomenclature
        Names the classes in the script.
    habits
        Of who labels.
    zone
        Id of the zone: with the seed of the habits it decides what is mistaken.
    begun
        Shape (row, col). Codes of the labels that are there, 0 = none.
    prelabels
        Shape (row, col). Codes that a model proposes, 0 where it proposes nothing.
    """
    there = np.zeros_like(truth) if begun is None else begun
    proposed = np.zeros_like(truth) if prelabels is None else np.where(there == 0, prelabels, 0)
    belief = _belief(hierarchy, truth, habits, zone, proposed)
    lines = [json.dumps({"prelabels": "accept"})] if proposed.any() else []
    wanted = np.where(loose_borders(belief, habits.tolerance), np.uint8(0), belief)
    start = np.where(there == 0, proposed, there)
    lines += _picks(hierarchy, wanted, nomenclature, accuracy=habits.accuracy, begun=start)
    return LabelScript(lines=tuple(lines), belief=belief)


def annotate_zone(
    campaign: Campaign, zone: Zone, truth: NDArray[np.uint8], *, habits: Habits, author: str
) -> Annotated:
    """Label a zone, answer what the checks find, and hand it in: all that a person does there.

    What is labelled already is gone on with, so a zone may be done again after a crash or when it was sent
    back; pre-labels that models proposed are accepted first.

    Parameters
    ----------
    campaign, zone, author
        Who labels what. The zone is segmented.
    truth
        Class codes, shape (row, col), none 0 inside the zone.
    habits
        Of the author.

    Raises
    ------
    EditRefused
        Some of the zone has no true class, or its state allows no labels.
    LeaseTaken, CampaignError, JournalError, HierarchyError
        As `label_zone`.
    """
    inside = zone.footprint()
    if truth.shape != inside.shape:
        raise EditRefused(
            f"zone {zone.id} has {inside.shape} pixels, its truth {truth.shape}; cut it to the zone"
        )
    if unknown := np.count_nonzero(inside & (truth == 0)):
        raise EditRefused(
            f"the truth of zone {zone.id} has {counted(int(unknown), 'pixel')} without a class; give each "
            "one, so that the zone can be handed in"
        )
    with campaign.open_store(zone) as store:
        begun, prelabels = store.labels.copy(), store.prelabels().codes.copy()
    script = write_script(
        campaign.read_hierarchy(zone),
        truth,
        campaign.nomenclature,
        habits=habits,
        zone=zone.id,
        begun=begun,
        prelabels=prelabels,
    )
    label_zone(campaign, zone, author=author, lines=script.lines, on_edit=lambda op, line: None)
    mended, justified = _answer_checks(campaign, zone, author=author, belief=script.belief)
    review_zone(campaign, zone, author=author, verdict="submit")
    with campaign.open_store(zone) as store:
        labels = store.labels.copy()
    pixels = int(np.count_nonzero(inside))

    def share(one: NDArray[np.bool_]) -> float:
        return np.count_nonzero(one & inside) / pixels

    return Annotated(
        zone=zone.id,
        author=author,
        picks=script.picks,
        mended=mended,
        justified=justified,
        seconds=habits.seconds(picks=script.picks, answers=mended + justified, pixels=pixels),
        belief=script.belief,
        mistaken=share(script.belief != truth),
        missed=share(labels != script.belief),
        accuracy=share(labels == truth),
    )


def _belief(
    hierarchy: Hierarchy, truth: NDArray[np.uint8], habits: Habits, zone: str, proposed: NDArray[np.uint8]
) -> NDArray[np.uint8]:
    """Return what somebody takes for true, of objects as large as they make up their mind about."""
    within = None
    if habits.confusions.codes:
        within = hierarchy.cut_count(max(1, round(truth.size / habits.extent))).labels()
    seen = perceived(
        truth, habits.confusions, rng=habits.rng(zone, "seeing"), within=within, reach=habits.reach
    )
    if not habits.trust:
        return seen
    return believed(seen, proposed, trust=habits.trust, rng=habits.rng(zone, "believing"))


def _picks(
    hierarchy: Hierarchy,
    wanted: NDArray[np.uint8],
    nomenclature: Nomenclature,
    *,
    accuracy: float,
    begun: NDArray[np.uint8],
) -> Iterator[str]:
    """Yield the lines of the fewest nested picks that give what is wanted, where it is not 0."""
    if not wanted.any():
        return
    most = min(accuracy, reachable_accuracy(hierarchy, wanted, ignore=0, begun=begun))
    for pick in nested_picks(hierarchy, wanted, most, ignore=0, begun=begun):
        line = {
            "pick": [pick.row, pick.col],
            "scale": pick.scale,
            "class": nomenclature.by_code(pick.value).key,
        }
        yield json.dumps(line)


def _answer_checks(
    campaign: Campaign, zone: Zone, *, author: str, belief: NDArray[np.uint8]
) -> tuple[int, int]:
    """Answer every open finding of a zone; return how many were mended, and how many justified.

    What is wrong in the eyes of the author is labelled anew, what is right is justified.
    """
    mended = justified = 0
    with campaign.open_store(zone, author=author) as store:
        # Each round makes wrong pixels right or justifies, so there is a last one.
        while left := check_store(campaign, zone, store).open:
            for finding in left:
                right = belief[finding.window.slices]
                wrong = finding.mask.decode() & (store.labels[finding.window.slices] != right)
                if wrong.any():
                    made = Provenance(tool="brush")
                    store.apply_all(
                        assign(wrong & (right == code), finding.window, int(code), made)
                        for code in np.unique(right[wrong])
                    )
                    mended += 1
                else:
                    text, (row, col) = "as the annotator sees it", (finding.row, finding.col)
                    store.record(Comment(row=row, col=col, text=text, justifies=finding.kind))
                    justified += 1
    return mended, justified
