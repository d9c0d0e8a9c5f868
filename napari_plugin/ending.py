"""How a program with a window ends: the window first."""

from __future__ import annotations

__all__: list[str] = []

import atexit

from qtpy.QtCore import QCoreApplication, QEvent
from qtpy.QtWidgets import QApplication


@atexit.register
def _take_windows_down() -> None:
    """Close windows and have Qt delete them while Python is whole, before PyQt's own tidying up.

    That deletes what is left while it walks through its table of wrappers, and crashes where a handler in
    Python hears of it, as every event is a wrapper more. A script with no event loop at its end, closed its
    viewer or not, comes here with all of its window left.
    """
    if QApplication.instance() is not None:
        QApplication.closeAllWindows()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
