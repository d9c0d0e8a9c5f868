"""What is done where the pointer is: to the region under it, at the scale in hand."""

from __future__ import annotations

__all__ = ["SMALLEST_PATCH", "Here"]

from napari_plugin.language import count, said, sentence, tr
from napari_plugin.session import Session
from workbench.errors import HierarchyError
from workbench.labels.editing import Given, Region, absorbing, filling, shielding
from workbench.labels.edits import Comment, Protect, Provenance
from workbench.labels.op import Op
from workbench.workflows.refining import refine_node

SMALLEST_PATCH = 40
"""Pixels below which a patch is a sliver: IGN's smallest in three patches has 60."""


class Here:
    """The gestures of one key, on what the pointer is at."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def climb(self) -> None:
        """Take the scale in hand at which the region becomes part of the next larger one."""
        session, hover = self._session, self._session.pointed()
        if hover is None:
            return
        if session.scales.climb(hover.node):
            session.tell_scale()
        else:
            session.noticed.emit(tr("There is no larger region here."))

    def descend(self) -> None:
        """Go back to the region that `climb` came from, or to the largest one inside that is pointed at."""
        session, hover = self._session, self._session.pointed()
        if hover is None or session.pointer is None or session.hierarchy is None:
            return
        if session.scales.descend(hover.node, session.hierarchy.leafmap.at(*session.pointer)):
            session.tell_scale()
        else:
            session.noticed.emit(tr("There is no smaller region here; refine it."))

    def take_class(self) -> None:
        """Take the class, or upper class, under the pointer in hand."""
        session, pointer = self._session, self._session.pointer
        if pointer is None or not session.inside(*pointer):
            session.noticed.emit(session.why_nothing(*pointer) if pointer else tr("Point at a label first."))
            return
        there = session.given_at(*pointer)
        if there == Given(code=0):
            session.noticed.emit(tr("Nothing is labelled here yet."))
        else:
            session.give(there)

    def refine(self) -> None:
        """Segment the region again, from its pixels, into finer ones; no label changes."""
        session, hover = self._session, self._session.pointed()
        regions = session.refined_hierarchy
        if hover is None or regions is None or session.pointer is None:
            return
        (row, col), image = session.pointer, session.backdrop.inside(session.grid)
        before = session.store.refinements()
        try:
            edit, finer = refine_node(regions.current, hover.node, image, row=row, col=col, scale=hover.scale)
        except HierarchyError as error:
            session.noticed.emit(sentence(said(str(error))))
            return
        ops: list[Op] = []
        if not session.write(lambda: ops.append(session.store.record(edit))):
            return
        regions.add(ops[0], before, finer)
        session.take_regions(edit.window)
        session.noticed.emit(
            count(
                "{count} finer region: make regions smaller.",
                "{count} finer regions: make regions smaller.",
                edit.leaf_count,
            )
        )

    def fill(self) -> None:
        """Give what is unlabelled in the region the class in hand."""
        region, made = self._region("fill")
        if region is not None:
            self._session.commit(lambda: [filling(self._session.store, region, self._session.given, made)])

    def protect(self) -> None:
        """Let nobody paint the region; or let them again, where nobody may paint any of it."""
        session, (region, _) = self._session, self._region("protect")
        if region is None:
            return
        made: list[Protect] = []

        def shield() -> list[Protect]:
            made.append(shielding(session.store, region))
            return made

        if session.commit(shield):
            session.noticed.emit(
                tr("Protected: nobody paints here until it is unprotected.")
                if made[0].on
                else tr("No longer protected.")
            )

    def absorb(self) -> None:
        """Make the slivers that reach into the region part of their neighbours."""
        session = self._session
        region, _ = self._region("absorb")
        if region is not None:
            session.commit(
                lambda: absorbing(session.store, session.nomenclature, region, smallest=SMALLEST_PATCH)
            )

    def why_no_comment(self) -> str:
        """Return why no comment can be pinned here, in one sentence; empty where one can."""
        session, pointer = self._session, self._session.pointer
        if pointer is None or not session.inside(*pointer):
            return tr("Point at the place that the comment is about.")
        if session.opened.blind:
            return tr("You label this zone blind: nobody would see a comment.")
        return session.lent

    def comment(self, row: int, col: int, text: str, *, question: bool) -> None:
        """Pin a comment, or a question that waits for a ruling, to a pixel: who writes points no longer."""
        session, pinned = self._session, Comment(row=row, col=col, text=text, question=question)
        session.write(lambda: session.store.record(pinned))

    def _region(self, tool: str) -> tuple[Region | None, Provenance]:
        """Return the pixels of the region under the pointer, and how an edit of them is made."""
        session, hover = self._session, self._session.pointed()
        if hover is None or session.pointer is None:
            return None, Provenance(tool=tool)
        return session.pixels_of(hover), session.made(tool, *session.pointer, hover.scale)
