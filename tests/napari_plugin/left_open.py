"""Run as a script: open the zone of a campaign several times over, and end with the window still there."""

from __future__ import annotations

import atexit
import sys
import time
from pathlib import Path

import napari
from qtpy.QtCore import QEvent, QObject
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

_TIMES = 4
_PATIENCE_SECONDS = 60


def main(campaign: Path, zone_id: str, how: str) -> None:
    """Open, open again, end: no ``napari.run()``, no ``close_session()``."""
    atexit.register(_check_silence)  # called before PyQt's own, after the desk's
    from napari_plugin import work
    from napari_plugin.widgets import LabellingDock

    work.is_due = lambda: False
    viewer = napari.Viewer(show=True)
    dock = LabellingDock(viewer)
    viewer.window.add_dock_widget(dock, name="Land-cover labelling", area="right")
    QTest.qWait(300)
    before = None
    for _ in range(_TIMES):
        dock.open_zone(campaign, zone_id, "marie")
        late = time.monotonic() + _PATIENCE_SECONDS
        while dock.session in (None, before):
            assert time.monotonic() < late, "the zone did not open"
            QApplication.processEvents()
        before = dock.session
    if how == "closed":
        viewer.close()


def _check_silence() -> None:
    """Write what Python still hears of an event: PyQt crashes where that happens while it tidies up."""
    from napari_plugin.bindings import HeldKeys

    heard: list[QEvent.Type] = []
    HeldKeys.eventFilter = lambda _, watched, event: bool(heard.append(event.type()))
    QApplication.sendEvent(QObject(), QEvent(QEvent.Type.User))
    sys.stdout.write(" ".join(str(kind) for kind in heard))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
