"""The segmentation bias of a zone: its labels against what somebody drew there by hand."""

from __future__ import annotations

__all__ = ["BiasReport", "measure_bias"]

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.assessment.bias import TOLERANCE, WAVERING, Bias, Following, Missed, bias_against, bias_within
from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.errors import EditRefused
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import Refine
from workbench.labels.op import Op
from workbench.labels.payloads import edit_of
from workbench.nomenclature import Nomenclature
from workbench.segmentation.hierarchy import NODATA_LEAF, Hierarchy
from workbench.workflows.authors import open_alone, open_without
from workbench.workflows.refining import refined_by

_SEED = 1
_BY_HAND = frozenset({"brush", "line", "polygon"})
"""Tools that know nothing of regions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BiasReport:
    """How far the labels of a zone follow leaf borders where a hand does not."""

    zone: str
    reference: str | None
    """Who drew the reference; None where it is what was drawn by hand in the labels themselves."""
    leaves: int
    """That picks could be made of, with those of refinements."""
    elsewhere: int
    """Picks that show and were made on another hierarchy than the zone has now."""
    found: Bias
    nomenclature: Nomenclature

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/labels-bias.schema.json``)."""
        found, split = self.found, self.found.disagreement
        return {
            "zone": self.zone,
            "reference": self.reference,
            "leaves": self.leaves,
            "picks_elsewhere": self.elsewhere,
            "pixels": found.pixels,
            "bias": found.bias.document(),
            "borders": {"labels": _following(found.labels), "reference": _following(found.reference)},
            "tolerances": {str(one): bias.document() for one, bias in found.tolerances.items()},
            "unsteady": {str(one): round(bias, 6) for one, bias in found.unsteady.items()},
            "classes": {
                self.nomenclature.by_code(code).key: {
                    "bias": None if one.bias is None else one.bias.document(),
                    "edgels": {"labels": one.edgels[0], "reference": one.edgels[1]},
                }
                for code, one in found.classes.items()
            },
            "disagreement": split
            and {
                "pixels": split.pixels,
                "forced": split.forced,
                "beyond": split.beyond,
                "beyond_forced": split.beyond_forced,
            },
            "missed": {"with_leaf": _missed(found.with_leaf), "without_leaf": _missed(found.without_leaf)},
        }

    def text(self) -> str:
        """Return a page for a person."""
        found = self.found
        who = f"what {self.reference} drew by hand" if self.reference else "their borders drawn by hand"
        wavering = ", ".join(f"{bias:.3f} by {one} px" for one, bias in found.unsteady.items())
        metres, labels, hand = 100 * found.bias.value, found.labels.share, found.reference.share
        lines = [
            f"{self.zone}: labels against {who}, {counted(found.pixels, 'pixel')}, "
            f"{counted(self.leaves, 'leaf', 'leaves')}",
            f"  segmentation bias {found.bias}: "
            f"of 100 m of border {metres:.0f} m follow leaves where a hand does not",
            f"  within {TOLERANCE} px of a leaf border: {labels} of the labels' borders, "
            f"{hand} of the hand's, {found.reference.chance:.3f} by chance",
            f"  a hand that misses edges adds to the bias {wavering}",
        ]
        if self.reference is None:
            lines.append("  hands draw where picks fail: the bias is this at most; see --reference")
        if self.elsewhere:
            lines.append(
                f"  {counted(self.elsewhere, 'pick is', 'picks are')} of another hierarchy, with other leaves"
            )
        lines += self._split()
        for code, one in found.classes.items():
            told = f"{min(one.edgels):,} edgels are too few" if one.bias is None else f"bias {one.bias}"
            lines.append(f"    {self.nomenclature.by_code(code).key:24} {told}")
        return "\n".join(lines)

    def _split(self) -> list[str]:
        """Return the lines on what differs and what is missed."""
        found, split = self.found, self.found.disagreement
        near, far = found.with_leaf, found.without_leaf
        if split is None or near is None or far is None:
            return []
        differ, beyond = split.pixels / found.pixels, split.beyond / found.pixels
        forced, forced_beyond = _told(split.forced, split.pixels), _told(split.beyond_forced, split.beyond)
        return [
            f"  {differ:.2%} of the pixels differ, {forced} of these forced by leaves; "
            f"by more than {WAVERING} px {beyond:.2%}, {forced_beyond} of these forced",
            f"  {_told(far.edgels, near.edgels + far.edgels)} of the hand's borders have no leaf border; "
            f"the labels miss {_told(far.missed, far.edgels)} of these, "
            f"{_told(near.missed, near.edgels)} of the others",
        ]


def measure_bias(campaign: Campaign, zone: Zone, *, reference: str | None) -> BiasReport:
    """Measure the segmentation bias of a zone's labels.

    The leaves are those of the zone's hierarchy, and where who labelled refined it, those inside as well:
    whatever a pick could have been made of.

    Parameters
    ----------
    campaign, zone
        Whose labels.
    reference
        An author who drew by hand, whose labels all others' are held against; their blind labels, where they
        made some. None: all borders are held against those that were drawn by hand.

    Raises
    ------
    HierarchyError
        The zone is not segmented.
    JournalError
        The author has no journal in the zone.
    EditRefused
        The author labelled nothing, or not by hand alone; nobody drew by hand; or there is too little to
        compare.
    """
    base, rng = campaign.read_hierarchy(zone), np.random.default_rng(_SEED)
    drawn = None if reference is None else _drawn_by_hand(campaign, zone, reference)
    with campaign.open_store(zone) if reference is None else open_without(campaign, zone, reference) as store:
        labels, showing = store.settled_labels(), _showing(store)
        leaves, digests = _leaves_seen(base, store, sorted({op.author for op in showing.values()}))
        where = zone.footprint() & (leaves != NODATA_LEAF)
        if drawn is not None:
            found = bias_against(labels, drawn, leaves, where, rng=rng)
        else:
            by_hand, order = _drawn_within(store, showing)
            found = bias_within(labels, by_hand, order, leaves, where, rng=rng)
    picked = [op.hierarchy_digest for op in showing.values() if op.hierarchy_digest is not None]
    return BiasReport(
        zone=zone.id,
        reference=reference,
        leaves=int(np.count_nonzero(np.bincount(leaves[where]))),
        elsewhere=sum(digest not in digests for digest in picked),
        found=found,
        nomenclature=campaign.nomenclature,
    )


def _drawn_by_hand(campaign: Campaign, zone: Zone, author: str) -> NDArray[np.uint8]:
    """Return an author's labels if all of them were drawn by hand, shape (row, col)."""
    store = open_alone(campaign, zone, author)
    showing = _showing(store)
    if not showing:
        raise EditRefused(f"{author} labelled nothing in zone {zone.id}; take an author who did")
    others = Counter(op.tool for op in showing.values() if op.tool not in _BY_HAND)
    if others:
        told = ", ".join(f"{count:,} {tool}" for tool, count in others.most_common())
        raise EditRefused(
            f"{author} did not draw by hand alone: of {len(showing):,} edits that show, {told}; "
            f"take an author who labelled with {', '.join(sorted(_BY_HAND))} only"
        )
    return store.labels


def _showing(store: AnnotationStore) -> dict[int, Op]:
    """Return the ops that give a pixel its class now, by their number in ``last_op``."""
    counts, ops = np.bincount(store.last_op[store.labels > 0]), store.ops
    return {number: ops[number - 1] for number in np.flatnonzero(counts).tolist()}


def _drawn_within(
    store: AnnotationStore, showing: dict[int, Op]
) -> tuple[NDArray[np.bool_], NDArray[np.uint32]]:
    """Return which pixels were drawn by hand, and in which order all were, each of shape (row, col)."""
    if not any(op.tool in _BY_HAND for op in showing.values()):
        raise EditRefused(
            f"nobody drew by hand in zone {store.zone_id}; have somebody draw a part of it, "
            "with --blind in a second annotation, and give --reference AUTHOR"
        )
    size = max(showing) + 1
    hand, order = np.zeros(size, np.bool_), np.zeros(size, np.uint32)
    for rank, number in enumerate(sorted(showing, key=lambda number: showing[number].order), start=1):
        hand[number], order[number] = showing[number].tool in _BY_HAND, rank
    # Where nothing is labelled the last op may be an eraser that does not show.
    numbers = np.where(store.labels > 0, store.last_op, 0)
    return hand[numbers], order[numbers]


def _leaves_seen(
    base: Hierarchy, store: AnnotationStore, authors: Iterable[str]
) -> tuple[NDArray[np.uint32], set[str]]:
    """Return the leaves that some authors could pick, shape (row, col), and the digests of their hierarchies.

    Where several leaves of several hierarchies hold a pixel, their intersection is its leaf.
    """
    leaves, count, digests = base.leaves, base.leaf_count, {base.digest}
    for author in authors:
        current = base
        for op in store.refinements(author):
            current, left_out = refined_by(current, [op])
            edit = edit_of(op)
            if left_out or not isinstance(edit, Refine):
                continue
            digests.add(current.digest)
            leaves = leaves if leaves.flags.writeable else leaves.copy()
            finer, part = edit.decode(), leaves[edit.window.slices]
            pairs = part[finer.mask].astype(np.uint64) << np.uint64(32) | finer.leaves
            found, numbers = np.unique(pairs, return_inverse=True)
            part[finer.mask] = numbers + count
            count += found.size
    return leaves, digests


def _following(one: Following) -> dict[str, Any]:
    return {
        "edgels": one.edgels,
        "share": one.share.document(),
        "chance": round(one.chance, 6),
        "attraction": one.attraction.document(),
    }


def _missed(one: Missed | None) -> dict[str, int] | None:
    return None if one is None else {"edgels": one.edgels, "missed": one.missed}


def _told(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "none"
