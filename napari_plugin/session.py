"""One zone being labelled: what the desk knows and does, without Qt, viewer or algorithm.

An event of the desk becomes a call here; the call edits the store, and a signal tells what to repaint. What
a method returns is durable already.
"""

from __future__ import annotations

__all__ = ["Saved", "Session", "UNLABELLED"]

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_plugin.opening import Backdrop, open_hierarchy, read_backdrop
from napari_plugin.pointed import Hover, Place
from workbench.campaign import Campaign
from workbench.errors import HierarchyError, WorkbenchError
from workbench.geo.grid import PixelGrid, Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import Provenance, assign
from workbench.labels.review import send_back, zone_state
from workbench.leases import Tenancy
from workbench.nomenclature import Nomenclature
from workbench.segmentation.hierarchy import NODATA_LEAF, Hierarchy, ScaleSteps
from workbench.workflows.labelling import stay
from workbench.workflows.refining import RefinedHierarchy, refine_node

UNLABELLED = 0
_COARSEST = 254
# One notch of the wheel or press of a key changes λ by half an octave: coarse enough to travel from a tile to
# a field in a flick, fine enough to stop at the roof in between.
_OCTAVES_PER_STEP = 0.5
# A zone opens at regions of about this many pixels (100 m² at 20 cm): a house, a tree, a lawn.
_FIRST_REGION_PIXELS = 2500


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The last edit that is durable."""

    id: str
    """``author:seq``."""
    number: int
    """Its place in its author's journal, from 1."""
    at: datetime


class Session:
    """A zone, its labels, its hierarchy, and what the annotator has in hand.

    Parameters
    ----------
    zone_id
        Such as ``D055_2018/Z2_UF``.
    campaign
        Name of the campaign.
    author
        Who labels.
    backdrop
        Orthophoto to look at.
    nomenclature
        Classes to choose from.
    store
        The zone's labels, open for ``author``.
    hierarchy
        Regions to pick, as segmented: the author's refinements are added from the store. None where the zone
        is not segmented yet: labels show, nothing can be picked.
    journal
        File that the author's edits go to.
    advice
        What to do about a missing hierarchy.
    tenancy
        The author's stay in the zone, renewed as long as it is open.
    """

    repainted = Signal(Window)
    """Pixels of `labels` that changed."""
    hovered = Signal(object)
    """`Hover`, or None where the pointer is over no region."""
    class_chosen = Signal(int)
    rescaled = Signal(int)
    """The new level of the scale, or the old one where regions were refined and it means other numbers."""
    refined = Signal(object)
    """`Window` of a region that has finer regions inside, or has them no longer."""
    reviewed = Signal()
    """Others did something: the zone may be accepted now, or open again."""
    saved = Signal(Saved)
    refused = Signal(str)
    """An edit that failed, as one sentence; nothing changed."""
    noticed = Signal(str)
    """A quiet line: why a gesture did nothing."""

    def __init__(
        self,
        *,
        zone_id: str,
        campaign: str,
        author: str,
        backdrop: Backdrop,
        nomenclature: Nomenclature,
        store: AnnotationStore,
        hierarchy: Hierarchy | None,
        journal: Path,
        advice: str = "",
        tenancy: Tenancy | None = None,
    ) -> None:
        if hierarchy is not None and hierarchy.grid.shape != store.grid.shape:
            raise HierarchyError(
                f"hierarchy has {hierarchy.grid.shape} pixels, zone {zone_id} has {store.grid.shape}; "
                "segment the zone again"
            )
        self.zone_id, self.author = zone_id, author
        self.title = f"{campaign} · {zone_id} · {author}"
        self.subtitle = f"{campaign} · {author}"
        self.backdrop, self.nomenclature, self.store = backdrop, nomenclature, store
        self.journal, self.advice, self._tenancy = journal, advice, tenancy
        self._complaint = ""
        self._refined = RefinedHierarchy(hierarchy, store.refinements()) if hierarchy is not None else None
        self._code = nomenclature.classes[0].code
        self._steps = hierarchy.scale_steps if hierarchy is not None else ScaleSteps(low=1.0, high=1.0)
        self._scales = self._steps.scales
        self._level = 0
        self._hover: Hover | None = None
        self._pointer: tuple[int, int] | None = None
        pixels = int(hierarchy.area.sum(dtype=np.int64)) if hierarchy is not None else 1
        self._area = pixels * store.grid.resolution**2
        if hierarchy is not None:
            self._level = int(np.argmax(self._regions * _FIRST_REGION_PIXELS <= pixels))
            self._warm(hierarchy)

    @classmethod
    def open(
        cls,
        directory: Path,
        *,
        zone_id: str | None,
        author: str,
        blind: bool = False,
        together: bool = False,
    ) -> Self:
        """Open a zone of a campaign for an author.

        Parameters
        ----------
        directory
            The campaign.
        zone_id
            Which zone; None where the campaign has a single one.
        author
            Who labels; the journal is locked for this author until `close`.
        blind
            A second annotation: without seeing what others did.
        together
            Label also where somebody else is labelling.

        Raises
        ------
        WorkbenchError
            The campaign, zone, raster or journal cannot be opened, or somebody else is labelling there.
        """
        campaign = Campaign.open(directory)
        zone = campaign.zone(zone_id) if zone_id else campaign.only_zone()
        backdrop = read_backdrop(campaign, zone)
        hierarchy, advice = open_hierarchy(campaign, zone, backdrop)
        tenancy = stay(campaign, zone, author=author, blind=blind, together=together)
        store = campaign.open_store(zone, author=author, blind=blind)
        try:
            return cls(
                zone_id=zone.id,
                campaign=directory.resolve().name,
                author=author,
                backdrop=backdrop,
                nomenclature=campaign.nomenclature,
                store=store,
                hierarchy=hierarchy,
                journal=campaign.zone_dir(zone) / "journal" / f"{author}.sqlite",
                advice=advice,
                tenancy=tenancy.begin(),
            )
        except BaseException:  # neither lock nor lease may outlive the attempt, whatever ended it
            store.close()
            tenancy.end()
            raise

    def close(self) -> None:
        """Release the journal and the zone; every edit is in it already."""
        self.store.close()
        if self._tenancy is not None:
            self._tenancy.end()

    @property
    def grid(self) -> PixelGrid:
        """Pixel grid of the zone."""
        return self.store.grid

    @property
    def hierarchy(self) -> Hierarchy | None:
        """The regions to pick, with the author's refinements."""
        return self._refined.current if self._refined is not None else None

    @property
    def remark(self) -> str:
        """What to tell when the zone is opened, about refinements that do not fit, say; mostly nothing."""
        left_out = self._refined.left_out if self._refined is not None else ""
        return left_out or (self._tenancy.remark if self._tenancy is not None else "")

    @property
    def labels(self) -> NDArray[np.uint8]:
        """Class codes, shape (row, col), read-only; changes in place with each edit."""
        return self.store.labels

    @property
    def code(self) -> int:
        """Code of the class in hand; 0 erases."""
        return self._code

    @property
    def level(self) -> int:
        """Level of the scale in hand, `finest` to 254 (whole zone); λ grows by a constant factor each."""
        return self._level

    @property
    def finest(self) -> int:
        """The highest level that shows every leaf; below it are scales that refining a region may need."""
        return int(np.flatnonzero(self._regions == self._regions[0])[-1])

    @property
    def scale(self) -> float:
        """Scale (λ) in hand."""
        return float(self._scales[self._level])

    @property
    def hover(self) -> Hover | None:
        """The region under the pointer."""
        return self._hover

    @property
    def regions(self) -> int:
        """Number of regions of the zone at the scale in hand."""
        return int(self._regions[self._level])

    @property
    def regions_per_km2(self) -> float:
        """Density of the regions at the scale in hand, over the pixels that have any."""
        return self.regions / self._area * 1e6

    @property
    def last_saved(self) -> Saved | None:
        """The author's own last edit in their journal; None before the first."""
        last = self.store.last_own
        if last is None:
            return None
        return Saved(id=last.id, number=last.seq, at=last.wall_time.astimezone())

    @property
    def locked_by(self) -> str | None:
        """Who accepted the zone, so that nobody labels in it; None where it is open."""
        state = zone_state(self.store)
        return state.by if state.state == "accepted" else None

    def set_class(self, code: int) -> None:
        """Take a class in hand; 0 erases."""
        if code != UNLABELLED:
            self.nomenclature.by_code(code)
        if code != self._code:
            self._code = code
            self.class_chosen.emit(code)

    def set_level(self, level: int) -> None:
        """Take a scale in hand by its level; out of range is the nearest end."""
        level = min(max(level, self.finest), _COARSEST)
        if level == self._level or self.hierarchy is None:
            return
        self._level = level
        self.rescaled.emit(level)
        if self._pointer is not None:
            self.hover_at(*self._pointer)

    def set_scale(self, scale: float) -> None:
        """Take the smallest step at or above a scale (λ) in hand."""
        self.set_level(self._steps.level(scale))

    def step_scale(self, steps: int) -> None:
        """Make regions larger (or, below 0, smaller) by steps of half an octave of λ."""
        octaves = math.log2(self._steps.high / self._steps.low) / (_COARSEST - 1)
        stride = max(1, round(_OCTAVES_PER_STEP / octaves)) if octaves else _COARSEST
        self.set_level(self._level + steps * stride)

    def hover_at(self, row: int, col: int) -> Hover | None:
        """Point at a pixel: return, and announce, the region that a click there takes."""
        self._pointer = (row, col)
        hover = self._region(row, col)
        if hover is not self._hover:
            self._hover = hover
            self.hovered.emit(hover)
        return hover

    def leave(self) -> None:
        """Point at nothing."""
        self._pointer = None
        if self._hover is not None:
            self._hover = None
            self.hovered.emit(None)

    def place_at(self, row: int, col: int) -> Place:
        """Return what lies at a pixel, also outside the zone."""
        x, y = self.grid.xy(row, col)
        code = int(self.labels[row, col]) if self._inside(row, col) else None
        return Place(row=row, col=col, x=x, y=y, code=code)

    def assign_at(self, row: int, col: int) -> None:
        """Give the region under a pixel the class in hand."""
        hover = self.hover_at(row, col)
        if hover is None or self.hierarchy is None:
            self.noticed.emit(self._why_nothing(row, col))
            return
        present = self.labels[hover.window.slices]
        if not np.any((present != self._code) & hover.mask):
            self.noticed.emit(f"This region is {self.title_of(self._code)} already.")
            return
        provenance = Provenance(
            tool="pick", row=row, col=col, scale=hover.scale, hierarchy_digest=self.hierarchy.digest
        )
        edit = assign(hover.mask, hover.window, code=self._code, provenance=provenance)
        self._commit(lambda: self.store.apply(edit), nothing="")

    def refine(self) -> None:
        """Segment the region under the pointer again, from its pixels, into finer ones; no label changes."""
        if self._pointer is None:
            self.noticed.emit("Point at a region to refine it.")
            return
        hover = self.hover_at(*self._pointer)
        if hover is None or self._refined is None:
            self.noticed.emit(self._why_nothing(*self._pointer))
            return
        (row, col), image = self._pointer, self.backdrop.inside(self.grid)
        before = self.store.refinements()
        try:
            edit, finer = refine_node(
                self._refined.current, hover.node, image, row=row, col=col, scale=hover.scale
            )
        except HierarchyError as error:
            self.noticed.emit(_sentence(error))
            return
        try:
            op = self.store.refine(edit)
        except WorkbenchError as error:
            self.refused.emit(str(error))
            return
        self._refined.add(op, before, finer)
        self._take_regions(edit.window)
        self.noticed.emit(f"{edit.leaf_count:,} finer regions: make regions smaller.")
        self._tell_saved()

    def undo(self) -> None:
        """Take back the author's last edit or refinement, also one of an earlier day."""
        self._commit(self.store.undo, nothing="Nothing left to undo.")

    def redo(self) -> None:
        """Do again what was undone last."""
        self._commit(self.store.redo, nothing="Nothing to redo.")

    def send_back(self, reason: str) -> None:
        """Open an accepted zone for labels again, with a reason."""
        try:
            send_back(self.store, reason)
        except WorkbenchError as error:
            self.refused.emit(str(error))
            return
        self._tell_saved()

    def look_at_others(self) -> None:
        """Take what other authors did meanwhile, show it, and say so; called every few seconds."""
        before = self.store.head
        if self._tenancy is not None and (complaint := self._tenancy.renew()):
            self.noticed.emit(complaint)
        try:
            window = self.store.refresh()
        except WorkbenchError as error:
            if str(error) != self._complaint:  # once, not every few seconds
                self._complaint = str(error)
                self.refused.emit(self._complaint)
            return
        self._complaint = ""
        if self.store.head != before:
            self.reviewed.emit()
        if window is None:
            return
        self.repainted.emit(window)
        names = sorted(author for author, seq in self.store.head.items() if seq != before.get(author, 0))
        conflicts = self.store.conflicts().found
        what = f"{' and '.join(names)} labelled here too"
        if conflicts:
            first = conflicts[0]
            many = "1 conflict, at" if len(conflicts) == 1 else f"{len(conflicts)} conflicts, the largest at"
            what += f": {many} row {first.row}, column {first.col}"
        self.noticed.emit(f"{what}.")

    def title_of(self, code: int | None) -> str:
        """Return what people call a code: ``bâtiment · building``."""
        if code is None:
            return "outside the zone"
        if code == UNLABELLED:
            return "unlabelled"
        titles = self.nomenclature.by_code(code).titles
        return f"{titles['fr']} · {titles['en']}"

    def _commit(self, step: Callable[[], Window | None], *, nothing: str) -> None:
        """Make an edit durable, then tell; the one place where the desk meets a refusal."""
        try:
            window = step()
        except WorkbenchError as error:
            self.refused.emit(str(error))
            return
        if window is None:
            self.noticed.emit(nothing)
            return
        if self._refined is not None and self._refined.follow(self.store.refinements()):
            self._take_regions(window)
        self.repainted.emit(window)
        self._tell_saved()

    def _tell_saved(self) -> None:
        last = self.last_saved
        if last is not None:
            self.saved.emit(last)

    def _take_regions(self, window: Window) -> None:
        """Go on with the regions of another hierarchy, which differ inside a window."""
        self._hover = None
        self.refined.emit(window)
        self._level = max(self._level, self.finest)
        self.rescaled.emit(self._level)
        if self._pointer is not None:
            self.hover_at(*self._pointer)

    @property
    def _regions(self) -> NDArray[np.int64]:
        """How many regions the cut at each level has, shape (level,)."""
        if self.hierarchy is None:
            return np.zeros(self._scales.size, np.int64)
        return self.hierarchy.region_counts

    def _region(self, row: int, col: int) -> Hover | None:
        if self.hierarchy is None or not self._inside(row, col):
            return None
        leaf = self.hierarchy.leafmap.at(row, col)
        if leaf == NODATA_LEAF:
            return None
        held, scale = self._hover, self.scale
        if held is not None and held.scale == scale and held.node.first <= leaf < held.node.stop:
            return held
        node = self.hierarchy.node_at(row, col, scale)
        window, mask = self.hierarchy.mask(node)
        mask &= self.store.footprint[window.slices]
        return Hover(node=node, scale=scale, window=window, mask=mask)

    def _inside(self, row: int, col: int) -> bool:
        height, width = self.grid.shape
        return 0 <= row < height and 0 <= col < width and bool(self.store.footprint[row, col])

    def _why_nothing(self, row: int, col: int) -> str:
        if not self._inside(row, col):
            return "Outside the zone: nothing is labelled here."
        if self.hierarchy is None:
            return "This zone has no regions to pick yet."
        return "No image here, so no region to pick."

    def _warm(self, hierarchy: Hierarchy) -> None:
        """Have kernels compiled and boxes made now, so that the pointer's first move waits for nothing."""
        pickable = (hierarchy.leafmap.numbers != NODATA_LEAF) & self.store.footprint
        self._region(*divmod(int(pickable.argmax()), pickable.shape[1]))


def _sentence(error: Exception) -> str:
    """Return an error's text as the dock says things."""
    text = str(error)
    return f"{text[:1].upper()}{text[1:]}."
