"""All that judges a zone's labels at the desk: pre-labels, handing in, review, double annotation."""

from __future__ import annotations

__all__ = ["Appraisal"]

from collections.abc import Callable, Iterator, Mapping

from qtpy.QtWidgets import QWidget

from napari_plugin.actions import Keymap
from napari_plugin.desk import Desk
from napari_plugin.double_desk import DoubleDesk
from napari_plugin.guide import Guide
from napari_plugin.handin_desk import HandInDesk
from napari_plugin.language import tr
from napari_plugin.prelabel_desk import PrelabelDesk
from napari_plugin.review_desk import ReviewDesk


class Appraisal:
    """The pages beside the picture on which a zone's labels are judged, and what they show over it.

    Parameters
    ----------
    desk
        Of the zone.
    keys
        Shown beside what they do.
    """

    def __init__(self, desk: Desk, keys: Keymap) -> None:
        self._session = desk.session
        self.guide = Guide(desk)
        self.prelabels = PrelabelDesk(desk, self.guide, keys)
        self.handin = HandInDesk(desk, self.guide)
        self.review = ReviewDesk(desk, self.guide, keys, self.handin.handin)
        self.doubles = DoubleDesk(desk, self.guide, keys)
        self._session.repainted.connect(self.guide.follow)

    @property
    def commands(self) -> Mapping[str, Callable[[], None]]:
        """What to call for each action, by id."""
        return {
            **self.prelabels.commands,
            **self.handin.commands,
            **self.review.commands,
            **self.doubles.commands,
        }

    def pages(self) -> Iterator[tuple[QWidget, str]]:
        """Yield the pages with their titles: of review where there is one, of double annotation likewise."""
        yield self.prelabels.page, tr("Pre-labels")
        yield self.handin.page, tr("Hand in")
        if not self._session.opened.blind:
            yield self.review.page, tr("Review")
        if self.doubles.doubles.wanted:
            yield self.doubles.page, tr("Two authors")

    def lay(self) -> None:
        """Show over the picture what there is to show, once the glass is laid."""
        self.guide.lay(self.doubles.veil, self.prelabels.veil, below=True)
        self.guide.lay(self.guide.highlight, self.handin.signs, self.review.signs, self.review.pins)
        self.review.pick_pins()

    def release(self) -> None:
        """Stop following the zone."""
        self._session.repainted.disconnect(self.guide.follow)
        for part in (self.prelabels, self.handin, self.review, self.doubles):
            part.release()
        self.guide.release()
