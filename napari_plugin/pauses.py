"""Python's own pauses and its memory: a hand that draws feels the one, a day of zones the other."""

from __future__ import annotations

__all__ = ["free_soon", "shorten_pauses"]

import gc
import sys

from qtpy.QtCore import QTimer

_SWITCH_SECONDS = 0.0005
_FREE_MILLISECONDS = 100
"""By then the widgets of a zone that was left are gone."""
_SET_ASIDE_MILLISECONDS = 5000
"""By then the next zone is open."""


def shorten_pauses() -> None:
    """Have threads take turns every half millisecond, and the garbage collector leave alone what is loaded.

    Work in Python beside the window holds it up for as long as a turn lasts; the usual five milliseconds can
    be felt. napari and all that it imports are some 400,000 objects, and to go through them takes the
    collector 0.2 to 0.4 s, in the middle of whatever is being drawn. They stay as long as the program, so
    they are set aside (`gc.freeze`); what is made later is collected as ever, in a tenth of that.
    """
    sys.setswitchinterval(min(sys.getswitchinterval(), _SWITCH_SECONDS))
    gc.freeze()


def free_soon() -> None:
    """Free what a zone leaves behind, while the next one is being opened.

    Session, regions, picture and labels refer to each other in circles. Left to itself the collector lets
    zones gather, at 400 MB for one of 4,608 × 4,608 pixels. Nobody draws now, so that it looks through
    everything, and what it finds alive is set aside again once the next zone is open.
    """
    QTimer.singleShot(_FREE_MILLISECONDS, _free)
    QTimer.singleShot(_SET_ASIDE_MILLISECONDS, gc.freeze)


def _free() -> None:
    gc.unfreeze()
    gc.collect()
