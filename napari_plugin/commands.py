"""What each action does while a zone is open; shortcuts and napari's command palette both call these."""

from __future__ import annotations

__all__ = ["commands", "held_commands"]

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from qtpy.QtWidgets import QInputDialog

from napari_plugin.actions import ACTIONS
from napari_plugin.desk import Desk
from napari_plugin.language import tr
from napari_plugin.session import UNLABELLED, Session
from napari_plugin.tiles import Tiles

if TYPE_CHECKING:
    from qtpy.QtWidgets import QWidget

_TOOLS = ("pick", "brush", "line", "polygon", "cut", "merge")
_ARROWS = {"left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}


def commands(desk: Desk, tiles: Tiles, window: QWidget) -> Mapping[str, Callable[[], None]]:
    """Return what to call for each action that is done at once, by id.

    Parameters
    ----------
    desk
        Of the zone that is open.
    tiles
        Of the zone.
    window
        Over which questions are asked.
    """
    session, tools, here = desk.session, desk.tools, desk.here
    classes = session.nomenclature.classes
    return {
        **{
            action.id: partial(session.set_class, classes[action.position].code)
            for action in ACTIONS
            if action.position is not None and action.position < len(classes)
        },
        **{tool: partial(tools.take, tool) for tool in _TOOLS},
        **{f"pan_{way}": partial(desk.pan, *steps) for way, steps in _ARROWS.items()},
        "erase": lambda: session.set_class(UNLABELLED),
        "eyedropper": here.take_class,
        "last_class": session.take_last_class,
        "finer": lambda: tools.resize(-1),
        "coarser": lambda: tools.resize(1),
        "parent": here.climb,
        "child": here.descend,
        "refine": here.refine,
        "fill": here.fill,
        "protect": here.protect,
        "absorb": here.absorb,
        "comment": lambda: _ask_comment(session, desk, window),
        "finish": lambda: tools.current.finish(),
        "back": lambda: tools.current.back(),
        "undo": session.undo,
        "redo": session.redo,
        **{f"view_{place + 1}": partial(desk.views.show_place, place) for place in range(7)},
        "infrared": desk.views.toggle_infrared,
        "swipe": desk.toggle_swipe,
        "labels": lambda: desk.toggle(desk.layers.classes),
        "outlines": desk.toggle_outlines,
        "contours": lambda: desk.toggle(desk.layers.contours),
        "whole_zone": desk.fit,
        "next_tile": lambda: desk.go_to(tiles.go_next()),
        "previous_tile": lambda: desk.go_to(tiles.go_back()),
        "next_unlabelled": lambda: _go_to_bare(desk, tiles),
    }


def held_commands(desk: Desk) -> Mapping[str, Callable[[bool], None]]:
    """Return what to call, with whether the key is down, for each action that lasts as long as it is."""
    return {"pan": partial(setattr, desk.gestures, "panning"), "blink": desk.views.blink}


def _go_to_bare(desk: Desk, tiles: Tiles) -> None:
    window = tiles.next_bare()
    if window is None:
        desk.session.noticed.emit(tr("Every pixel of the zone has a label."))
    else:
        desk.go_to(window)


def _ask_comment(session: Session, desk: Desk, window: QWidget) -> None:
    place, why = (
        session.pointer,
        desk.here.why_no_comment(),
    )  # as it is now: the dialog takes the pointer away
    if place is None or why:
        session.noticed.emit(why)
        return
    text, given = QInputDialog.getMultiLineText(
        window, tr("Pin a comment"), tr("A question ends in a question mark, and waits for a ruling.")
    )
    if given and text.strip():
        desk.here.comment(*place, text.strip(), question=text.rstrip().endswith("?"))
