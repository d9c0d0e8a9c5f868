"""One zone being labelled: what the desk knows and does, without Qt, viewer or algorithm.

An event of the desk becomes a call here; the call edits the store, and a signal tells what to repaint. What
a method returns is durable already.
"""

from __future__ import annotations

__all__ = ["Saved", "Session", "UNLABELLED"]

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from typing import Self

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_plugin.language import said, sentence, title, tr
from napari_plugin.opening import OpenZone, open_zone
from napari_plugin.pointed import Hover, Place, Sketch
from napari_plugin.scale import ScaleInHand
from workbench.errors import HierarchyError, NothingToDo, WorkbenchError
from workbench.geo.grid import PixelGrid, Window
from workbench.geo.spans import all_are
from workbench.labels.editing import Given, Region, given_of, painting, painting_spans
from workbench.labels.edits import LabelEdit, Look, Provenance
from workbench.labels.review import zone_state
from workbench.segmentation.hierarchy import NODATA_LEAF, Hierarchy
from workbench.workflows.refining import RefinedHierarchy

UNLABELLED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """The last edit that is durable."""

    id: str
    """``author:seq``."""
    number: int
    """Its place among its author's edits and verdicts in the journal, from 1."""
    at: datetime


class Session:
    """A zone, its labels, its hierarchy, and what the annotator has in hand.

    Parameters
    ----------
    opened
        The zone's files. They are the session's from now on: `close` closes them.
    """

    repainted = Signal(Window)
    """Pixels of `labels` that changed."""
    hovered = Signal(object)
    """`Hover`, or None where the pointer is over no region."""
    sketched = Signal(object)
    """`Sketch` of what is begun and not done, or None."""
    class_chosen = Signal(object)
    """`Given`: the class, or upper class, that is in hand now."""
    rescaled = Signal(int)
    """The new level of the scale, or the old one where regions were refined and it means other numbers."""
    refined = Signal(object)
    """`Window` of a region that has finer regions inside, or has them no longer."""
    reviewed = Signal()
    """The zone's state, its comments or its conflicts may be others than before."""
    saved = Signal(Saved)
    refused = Signal(str)
    """An edit that failed, as one sentence; nothing changed."""
    noticed = Signal(str)
    """A quiet line: why a gesture did nothing, or what it did."""

    def __init__(self, opened: OpenZone) -> None:
        hierarchy, store = opened.hierarchy, opened.store
        if hierarchy is not None and hierarchy.grid.shape != store.grid.shape:
            raise HierarchyError(
                f"hierarchy has {hierarchy.grid.shape} pixels, zone {opened.zone.id} has {store.grid.shape}; "
                "segment the zone again"
            )
        self.opened, self.store = opened, store
        self.nomenclature, self.backdrop = opened.nomenclature, opened.backdrop
        self.refined_hierarchy = (
            RefinedHierarchy(hierarchy, store.refinements()) if hierarchy is not None else None
        )
        """The regions with the author's refinements, as they come and go; None where there are no regions."""
        self.scales = ScaleInHand(self.hierarchy, self.grid.resolution)
        """What the scale in hand is; it is changed here, so that all hear of it."""
        self._given = Given(code=self.nomenclature.classes[0].code)
        self._given_before = self._given
        self._hover: Hover | None = None
        self._sketch: Sketch | None = None
        self._pointer: tuple[int, int] | None = None
        self.barred = ""
        """Why no edit may be made just now, in one sentence; empty where one may."""
        self.lent = ""
        """What another thread does with the store just now, in one sentence; empty where it is ours."""
        self.borrowed = Lock()
        """Held by that thread as long as it uses the store."""
        if hierarchy is not None:
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
        progress: Callable[[str], None] = lambda step: None,
    ) -> Self:
        """Open a zone of a campaign for an author; see `opening.open_zone`."""
        opened = open_zone(
            directory, zone_id=zone_id, author=author, blind=blind, together=together, progress=progress
        )
        try:
            return cls(opened)
        except BaseException:  # neither lock nor lease may outlive the attempt, whatever ended it
            opened.close()
            raise

    def close(self) -> None:
        """Release the journal and the zone; every edit is in it already.

        What another thread writes just now is waited for.
        """
        with self.borrowed:
            self.opened.close()

    # What is there

    @property
    def zone_id(self) -> str:
        """Such as ``D055_2018/Z2_UF``."""
        return self.opened.zone.id

    @property
    def author(self) -> str:
        """Who labels."""
        return self.opened.author

    @property
    def subtitle(self) -> str:
        """Campaign and author, and whether they label blind."""
        who = tr("{author}, blind", author=self.author) if self.opened.blind else self.author
        return f"{self.opened.campaign.path.resolve().name} · {who}"

    @property
    def title(self) -> str:
        """What a window on the zone is called."""
        return f"{self.opened.campaign.path.resolve().name} · {self.zone_id} · {self.author}"

    @property
    def grid(self) -> PixelGrid:
        """Pixel grid of the zone."""
        return self.store.grid

    @property
    def hierarchy(self) -> Hierarchy | None:
        """The regions to pick, with the author's refinements."""
        return self.refined_hierarchy.current if self.refined_hierarchy is not None else None

    @property
    def remark(self) -> str:
        """What to tell when the zone is opened, about refinements that do not fit, say; mostly nothing."""
        left_out = self.refined_hierarchy.left_out if self.refined_hierarchy is not None else ""
        return said(left_out or self.opened.tenancy.remark)

    @property
    def labels(self) -> NDArray[np.uint8]:
        """Class codes, shape (row, col), read-only; changes in place with each edit."""
        return self.store.labels

    @property
    def last_saved(self) -> Saved | None:
        """The author's own last edit in their journal; None before the first."""
        last = self.store.last_own
        if last is None:
            return None
        return Saved(id=last.id, number=self.store.own_count, at=last.wall_time.astimezone())

    @property
    def locked_by(self) -> str | None:
        """Who accepted the zone, so that nobody labels in it; None where it is open."""
        state = zone_state(self.store)
        return state.by if state.state == "accepted" else None

    def place_at(self, row: int, col: int) -> Place:
        """Return what lies at a pixel, also outside the zone."""
        x, y = self.grid.xy(row, col)
        code = int(self.labels[row, col]) if self.inside(row, col) else None
        return Place(row=row, col=col, x=x, y=y, code=code)

    def title_of(self, code: int | None) -> str:
        """Return what people call a code."""
        if code is None:
            return tr("outside the zone")
        if code == UNLABELLED:
            return tr("unlabelled")
        return title(self.nomenclature.by_code(code).titles)

    def called(self, given: Given) -> str:
        """Return what people call a class or upper class."""
        if given.upper is not None:
            return title(self.nomenclature.upper(given.upper).titles)
        return self.title_of(given.code)

    # What is in hand: class, scale, region

    @property
    def given(self) -> Given:
        """The class, or upper class, in hand; code 0 without an upper class erases."""
        return self._given

    @property
    def code(self) -> int:
        """Code of the class in hand; 0 erases."""
        return self._given.code

    def give(self, given: Given) -> None:
        """Take a class, or upper class, in hand; nothing erases."""
        if given.upper is not None:
            given = given_of(self.nomenclature, given.upper)
        elif given.code != UNLABELLED:
            self.nomenclature.by_code(given.code)
        if given != self._given:
            self._given_before, self._given = self._given, given
            self.class_chosen.emit(given)

    def set_class(self, code: int) -> None:
        """Take a class in hand; 0 erases."""
        self.give(Given(code=code))

    def given_at(self, row: int, col: int) -> Given:
        """Return the class, or upper class, of a pixel of the zone."""
        numbers, keys = self.store.uppers(Window(row=row, col=col, height=1, width=1))
        upper = keys[int(numbers[0, 0]) - 1] if numbers[0, 0] else None
        return Given(code=int(self.labels[row, col]), upper=upper)

    def take_last_class(self) -> None:
        """Take the class in hand that was there before."""
        self.give(self._given_before)

    @property
    def scale(self) -> float:
        """Scale (λ) in hand."""
        return self.scales.scale

    @property
    def level(self) -> int:
        """Level of the scale in hand."""
        return self.scales.level

    def set_level(self, level: int) -> None:
        """Take a scale in hand by its level; out of range is the nearest end."""
        if self.scales.set_level(level):
            self.tell_scale()

    def set_scale(self, scale: float) -> None:
        """Take the smallest step at or above a scale (λ) in hand."""
        if self.scales.set_scale(scale):
            self.tell_scale()

    def step_scale(self, steps: int) -> None:
        """Make regions larger (or, below 0, smaller) by steps of half an octave of λ."""
        if self.scales.step(steps):
            self.tell_scale()

    def tell_scale(self) -> None:
        """Tell that `scales` was changed."""
        self.rescaled.emit(self.level)
        if self._pointer is not None:
            self.hover_at(*self._pointer)

    @property
    def hover(self) -> Hover | None:
        """The region under the pointer."""
        return self._hover

    @property
    def pointer(self) -> tuple[int, int] | None:
        """(row, col) of the pixel under the pointer; None where it is elsewhere."""
        return self._pointer

    def hover_at(self, row: int, col: int) -> Hover | None:
        """Point at a pixel: return, and announce, the region that a click there takes."""
        self._pointer = (row, col)
        hover = self.region_at(row, col)
        if hover is not self._hover:
            self._hover = hover
            self.hovered.emit(hover)
        return hover

    def point_at(self, row: int, col: int) -> None:
        """Point at a pixel with a tool that takes no region there: none lights up until it is asked for."""
        self.leave()
        self._pointer = (row, col)

    def leave(self) -> None:
        """Point at nothing."""
        self._pointer = None
        if self._hover is not None:
            self._hover = None
            self.hovered.emit(None)

    def pointed(self) -> Hover | None:
        """Return the region under the pointer; where there is none, say why."""
        if self._pointer is None:
            self.noticed.emit(tr("Point at a region first."))
            return None
        hover = self.hover_at(*self._pointer)
        if hover is None:
            self.noticed.emit(self.why_nothing(*self._pointer))
        return hover

    def region_at(self, row: int, col: int) -> Hover | None:
        """Return the region at a pixel, at the scale in hand; None where there is none."""
        if self.hierarchy is None or not self.inside(row, col):
            return None
        leaf = self.hierarchy.leafmap.at(row, col)
        if leaf == NODATA_LEAF:
            return None
        held, scale = self._hover, self.scale
        if held is not None and held.scale == scale and held.node.first <= leaf < held.node.stop:
            return held
        node = self.hierarchy.node_at(row, col, scale)
        return Hover(node=node, scale=scale, window=self.hierarchy.window(node))

    def pixels_of(self, hover: Hover) -> Region:
        """Return the pixels that a click on a region takes: those inside the zone's footprint."""
        assert self.hierarchy is not None  # noqa: S101 - regions come from there
        window, mask = self.hierarchy.mask(hover.node)
        mask &= self.store.footprint[window.slices]
        return window, mask

    def sketch(self, sketch: Sketch | None) -> None:
        """Show what is begun and not done."""
        if sketch is not self._sketch:
            self._sketch = sketch
            self.sketched.emit(sketch)

    def inside(self, row: int, col: int) -> bool:
        """Tell whether a pixel belongs to the zone."""
        height, width = self.grid.shape
        return 0 <= row < height and 0 <= col < width and bool(self.store.footprint[row, col])

    def why_nothing(self, row: int, col: int) -> str:
        """Return why there is no region at a pixel."""
        if not self.inside(row, col):
            return tr("Outside the zone: nothing is labelled here.")
        if self.hierarchy is None:
            return tr("This zone has no regions to pick yet.")
        return tr("No image here, so no region to pick.")

    # Edits

    def assign_at(self, row: int, col: int) -> None:
        """Give the region under a pixel the class in hand."""
        hover = self.hover_at(row, col)
        if hover is None or self.hierarchy is None:
            self.noticed.emit(self.why_nothing(row, col))
            return
        # As spans: a region of a million pixels has some thousands, and no mask is made of it.
        spans, made = self.hierarchy.spans(hover.node), self.made("pick", row, col, hover.scale)
        if self._has_class(hover.window, spans):
            self.noticed.emit(tr("This region is {title} already.", title=self.called(self._given)))
            return
        self.commit(lambda: [painting_spans(spans, self._given, made)])

    def made(self, tool: str, row: int, col: int, scale: float) -> Provenance:
        """Return how an edit is made that takes a region at a pixel and a scale."""
        digest = self.hierarchy.digest if self.hierarchy is not None else None
        return Provenance(tool=tool, row=row, col=col, scale=scale, hierarchy_digest=digest)

    def paint(self, region: Region, made: Provenance) -> bool:
        """Give pixels the class in hand; return whether that is done."""
        return self.commit(lambda: [painting(region, self._given, made)])

    def undo(self) -> None:
        """Take back the author's last edit, refinement or comment, also one of an earlier day."""
        self._walk(self.store.undo, nothing=tr("Nothing left to undo."))

    def redo(self) -> None:
        """Do again what was undone last."""
        self._walk(self.store.redo, nothing=tr("Nothing to redo."))

    def commit(self, edits: Callable[[], Iterable[LabelEdit]]) -> bool:
        """Make edits durable as one gesture, then tell; return whether that is done."""
        return self._step(lambda: self.store.apply_all(edits()), nothing="")

    def bare_in(self, window: Window) -> NDArray[np.bool_]:
        """Return which pixels of a window inside the zone have neither a class nor an upper class."""
        bare: NDArray[np.bool_] = self.labels[window.slices] == UNLABELLED
        bare &= self.store.footprint[window.slices]
        if bare.any():
            bare &= self.store.uppers(window)[0] == 0
        return bare

    def record_quietly(self, look: Look) -> bool:
        """Write down what was looked at; return whether that is done, and say nothing if it is not."""
        if self.lent:
            return False
        with suppress(WorkbenchError):
            self.store.record(look)
            return True
        return False

    def write(self, call: Callable[[], object]) -> bool:
        """Write what changes no label, a comment or a verdict, then tell; return whether that is done."""
        if self.lent:
            self.refused.emit(self.lent)
            return False
        try:
            call()
        except WorkbenchError as error:
            self.refused.emit(said(str(error)))
            return False
        self._tell_saved()
        self.reviewed.emit()
        return True

    # Inside

    def _has_class(self, window: Window, spans: NDArray[np.int32]) -> bool:
        """Tell whether the pixels of some spans in a window have the class in hand already."""
        if not all_are(self._given.code, spans, self.labels):
            return False
        numbers, keys = self.store.uppers(window)
        upper = self._given.upper
        if upper is not None and upper not in keys:
            return False
        here = spans - np.array([window.row, window.col, window.col], np.int32)
        return all_are(keys.index(upper) + 1 if upper is not None else 0, here, numbers)

    def _walk(self, step: Callable[[], Window | None], *, nothing: str) -> None:
        """Undo or redo; a comment, too, comes and goes."""
        before = self.store.comments()
        if self._step(step, nothing=nothing) and self.store.comments() != before:
            self.reviewed.emit()

    def _step(self, step: Callable[[], Window | None], *, nothing: str) -> bool:
        """Make a gesture durable, then tell; the one place where the desk meets a refusal."""
        if reason := self.barred or self.lent:
            self.refused.emit(reason)
            return False
        handed_in = zone_state(self.store).state == "submitted"
        try:
            window = step()
        except NothingToDo as error:
            self.noticed.emit(sentence(said(str(error))))
            return False
        except WorkbenchError as error:
            self.refused.emit(said(str(error)))
            return False
        if window is None:
            self.noticed.emit(nothing)
            return False
        self.show_painted(window)
        if handed_in and zone_state(self.store).state == "open":
            self.noticed.emit(tr("This zone was handed in: your edit opens it again."))
        return True

    def show_painted(self, window: Window) -> None:
        """Show and tell that labels, or refinements, changed in a window by an edit that is durable."""
        if self.refined_hierarchy is not None and self.refined_hierarchy.follow(self.store.refinements()):
            self.take_regions(window)
        self.repainted.emit(window)
        self._tell_saved()

    def _tell_saved(self) -> None:
        last = self.last_saved
        if last is not None:
            self.saved.emit(last)

    def take_regions(self, window: Window) -> None:
        """Go on with the regions of another hierarchy, which differ inside a window."""
        assert self.hierarchy is not None  # noqa: S101 - refined ones come from one
        self._hover = None
        self.scales.take(self.hierarchy)
        self.refined.emit(window)
        self.tell_scale()

    def _warm(self, hierarchy: Hierarchy) -> None:
        """Have kernels compiled and what is shown made now, so that nothing waits for it later."""
        hierarchy.saliency_pyramid()
        pickable = (hierarchy.leafmap.numbers != NODATA_LEAF) & self.store.footprint
        hover = self.region_at(*divmod(int(pickable.argmax()), pickable.shape[1]))
        if hover is not None:
            self.pixels_of(hover)
