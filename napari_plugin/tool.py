"""What a tool is: it turns presses, moves and releases into sketches and edits.

The pointer's gestures reach a tool as calls, with spots in pixels of the zone, so that tools are tested
without a screen. Nothing is painted before a gesture is done: who closes the window in the middle of a drag
loses that drag and no more.
"""

from __future__ import annotations

__all__ = ["Tool", "points_of"]

from typing import ClassVar

from napari_plugin.pointed import Spot
from napari_plugin.session import Session


class Tool:
    """A tool in hand. What a gesture of the pointer does not mean to it, it leaves alone."""

    id: ClassVar[str]
    """That of its action."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def press(self, spot: Spot) -> None:
        """Begin: the button went down."""

    def drag(self, spot: Spot) -> None:
        """Go on: the pointer moved with the button down, farther than a hand shakes."""

    def release(self, spot: Spot, *, dragged: bool) -> None:
        """End: the button went up."""

    def hover(self, spot: Spot) -> None:
        """Follow the pointer while no button is down."""
        self._session.hover_at(*spot.pixel)

    def finish(self) -> None:
        """Be done with what takes several clicks."""

    def back(self) -> None:
        """Take back the last of several clicks."""

    def cancel(self) -> None:
        """Give up what was begun."""
        self._session.sketch(None)

    def forget_regions(self) -> None:
        """Give up what was begun if it is made of regions: they are others now."""

    def resize(self, notches: int) -> bool:
        """Become wider or narrower; return False where it has no width, and regions get larger instead."""
        del notches
        return False

    @property
    def told(self) -> str:
        """What to say about the tool while it is in hand: its width, how to go on."""
        return ""


def points_of(path: list[Spot]) -> list[tuple[float, float]]:
    """Return (row, col) of each place of a path, as `workbench.labels.strokes` takes them."""
    return [(spot.row, spot.col) for spot in path]
