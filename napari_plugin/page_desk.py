"""What pages on which labels are judged have in common: a session to follow, work beside, an end."""

from __future__ import annotations

__all__ = ["PageDesk"]

from collections.abc import Callable
from typing import Any

from qtpy.QtWidgets import QWidget

from napari_plugin.desk import Desk
from napari_plugin.guide import Guide, Visibility
from napari_plugin.jobs import Job, Report, start
from napari_plugin.language import said
from napari_plugin.wires import Wires


class PageDesk:
    """A page beside the picture, and what it shows over it, until `release` or until its window is closed.

    Parameters
    ----------
    desk
        Of the zone.
    guide
        Goes to places on it.
    page
        What is shown beside the picture.
    """

    def __init__(self, desk: Desk, guide: Guide, page: QWidget) -> None:
        self._desk, self._session, self._guide = desk, desk.session, guide
        self._gone = False
        self._wires = Wires()
        self._sight = Visibility(page)
        self._sight.changed.connect(self._on_sight)
        page.destroyed.connect(self._on_page_gone)

    def release(self) -> None:
        """Stop following the session; work that is under way is told nobody."""
        self._gone = True
        self._wires.cut()

    def _follow(self, *ends: tuple[Any, Callable[..., None]]) -> None:
        """Connect signals until `release`."""
        self._wires = Wires(*ends)

    def _work(
        self,
        title: str,
        work: Callable[[Report], Any],
        done: Callable[[Any], None],
        *,
        failed: Callable[[], None] | None = None,
    ) -> Job:
        """Do work beside the window, and tell what comes of it if the page is still there.

        Parameters
        ----------
        title, work, done
            As of `jobs.start`.
        failed
            Called where it could not be done, or was stopped; why is told as a refusal of the session.
        """
        return start(
            title,
            work,
            done=lambda result: None if self._gone else done(result),
            failed=lambda why: None if self._gone else self._on_failed(why, failed),
        )

    def _on_failed(self, why: str, failed: Callable[[], None] | None) -> None:
        if failed is not None:
            failed()
        if why:
            self._session.refused.emit(said(why))

    def _on_sight(self, seen: bool) -> None:
        """Show what is seen only as long as the page is."""
        self._guide.refresh()

    def _on_page_gone(self) -> None:
        self._gone = True  # with its window
