"""Python's own pauses and its memory: a hand that draws feels the one, a day of zones the other."""

from __future__ import annotations

__all__ = ["free_soon", "shorten_pauses"]

import gc
import sys

from qtpy.QtCore import QTimer

_SOON_MILLISECONDS = 100, 5000
"""Once while the next zone is being opened, and once when what was still done for the last has ended."""
_SWITCH_SECONDS = 0.0005


def shorten_pauses() -> None:
    """Have threads take turns every half millisecond, and the garbage collector leave alone what is loaded.

    Work in Python beside the window holds it up for as long as a turn lasts; the usual five milliseconds can
    be felt. napari and all that it imports are some 400,000 objects, and to go through them takes the
    collector 0.2 to 0.4 s, in the middle of whatever is being drawn. They stay as long as the program, so
    they are set aside, once (`gc.freeze`); what is made later is collected as ever, in a tenth of that.
    """
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
    if not gc.get_freeze_count():
        gc.freeze()


def free_soon() -> None:
    """Free what a zone leaves behind, as soon as its widgets are gone.

    Session, regions, picture and labels refer to each other in circles. Left to itself the collector lets
    zones gather, at 400 MB for one of 4,608 × 4,608 pixels.
    """
    for delay in _SOON_MILLISECONDS:
        QTimer.singleShot(delay, gc.collect)
