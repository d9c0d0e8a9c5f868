"""Everything that the desk can do, once: shortcuts, buttons, command palette, help and tests are made of it.

Keys are given by where they lie under the hand. AZERTY has other letters on some of these keys, and digits
only with Shift, so each action may have a second set for it; whoever wants others gives their own.
"""

from __future__ import annotations

__all__ = [
    "ACTIONS",
    "Action",
    "GROUPS",
    "KEY_SETS",
    "Keymap",
    "POINTER",
    "PointerGesture",
    "clashes",
    "keymap",
]

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

KeySet = Literal["qwerty", "azerty"]
KEY_SETS: Mapping[str, str] = {"qwerty": "QWERTY", "azerty": "AZERTY"}
Group = Literal["classes", "scale", "here", "tools", "edits", "views", "places", "desk"]
GROUPS: Mapping[str, str] = {
    "classes": "Class in hand",
    "scale": "Size of the regions",
    "here": "Where the pointer is",
    "tools": "Tools",
    "edits": "Edits",
    "views": "What one sees",
    "places": "Places to go to",
    "desk": "The desk",
}
"""Titles of the groups, in the order in which help shows them."""

Keymap = Mapping[str, tuple[str, ...]]
"""Qt key sequences of each action, by its id; the first one is shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One thing that the desk can do."""

    id: str
    """Small letters and ``_``: the name of the command in napari's palette."""
    title: str
    """In English, as `language.tr` takes it."""
    group: Group
    keys: tuple[str, ...] = ()
    """Qt key sequences on QWERTY and QWERTZ."""
    azerty: tuple[str, ...] | None = None
    """On AZERTY, where they are others."""
    position: int | None = None
    """Which class of the nomenclature it takes in hand, from 0."""
    repeats: bool = False
    """Whether holding the key does it again and again."""
    held: bool = False
    """Whether it lasts as long as the key is held."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PointerGesture:
    """What the pointer does, for the help."""

    gesture: str
    title: str


# Digits, then a block of three by three under 3, 4, 5: all within the left hand's reach while the right one
# holds the mouse, and in the same place on QWERTY, QWERTZ and AZERTY.
_DIGITS = "1234567890"
_AZERTY_DIGITS = ("&", "É", '"', "'", "(", "-", "È", "_", "Ç", "À")
_BLOCK = "ERTDFGCVB"


def _class_actions() -> Iterator[Action]:
    for position, digit in enumerate(_DIGITS):
        yield Action(
            id=f"class_{position + 1}",
            title=f"Class {position + 1}",
            group="classes",
            keys=(digit,),
            azerty=(_AZERTY_DIGITS[position], digit),
            position=position,
        )
    for position, letter in enumerate(_BLOCK, start=len(_DIGITS)):
        yield Action(
            id=f"class_{position + 1}",
            title=f"Class {position + 1}",
            group="classes",
            keys=(letter,),
            position=position,
        )


ACTIONS: tuple[Action, ...] = (
    *_class_actions(),
    Action(id="erase", title="Eraser: make unlabelled", group="classes", keys=("X", "Del")),
    Action(
        id="eyedropper",
        title="Take the class under the pointer",
        group="classes",
        keys=("Q",),
        azerty=("A",),
    ),
    Action(id="last_class", title="The class in hand before", group="classes", keys=("`",), azerty=("²",)),
    Action(
        id="finer",
        title="Smaller regions",
        group="scale",
        keys=("[", "PgDown"),
        azerty=(")", "PgDown"),
        repeats=True,
    ),
    Action(
        id="coarser",
        title="Larger regions",
        group="scale",
        keys=("]", "PgUp"),
        azerty=("=", "PgUp"),
        repeats=True,
    ),
    Action(
        id="parent",
        title="The next larger region here",
        group="scale",
        keys=("W",),
        azerty=("Z",),
        repeats=True,
    ),
    Action(id="child", title="Back to the last smaller region", group="scale", keys=("S",), repeats=True),
    Action(
        id="refine",
        title="Refine: segment the region here again, finer",
        group="here",
        keys=("A",),
        azerty=("Q",),
    ),
    Action(id="fill", title="Fill what is unlabelled in the region here", group="here", keys=("U",)),
    Action(id="protect", title="Protect the region here, or no longer", group="here", keys=("H",)),
    Action(id="absorb", title="Absorb the slivers in the region here", group="here", keys=("Y",)),
    Action(
        id="accept_prelabel",
        title="Accept the pre-labels in the region here",
        group="here",
        keys=("Z",),
        azerty=("W",),
    ),
    Action(
        id="accept_labels",
        title="Accept the labels of the region here, as a reviewer",
        group="here",
        keys=("Shift+Z",),
        azerty=("Shift+W",),
    ),
    Action(
        id="reopen_labels",
        title="Open the accepted labels of the region here again",
        group="here",
        keys=("Shift+X",),
    ),
    Action(id="comment", title="Pin a comment here…", group="here", keys=("I",)),
    Action(
        id="identify",
        title="Say what the overlays show here",
        group="here",
        keys=("Shift+Q",),
        azerty=("Shift+A",),
    ),
    Action(id="pick", title="Pick regions; or give up what was begun", group="tools", keys=("Esc",)),
    Action(id="brush", title="Brush", group="tools", keys=("J",)),
    Action(id="line", title="Line with a width", group="tools", keys=("K",)),
    Action(id="polygon", title="Polygon", group="tools", keys=("P",)),
    Action(id="cut", title="Split a region by a line", group="tools", keys=("O",)),
    Action(id="merge", title="Merge: drag a label into its neighbour", group="tools", keys=("M",)),
    Action(id="finish", title="Finish the polygon or line", group="tools", keys=("Return", "Enter")),
    Action(id="back", title="Take back the last corner", group="tools", keys=("Backspace",)),
    Action(id="undo", title="Undo", group="edits", keys=("Ctrl+Z",), repeats=True),
    Action(id="redo", title="Redo", group="edits", keys=("Ctrl+Y", "Ctrl+Shift+Z"), repeats=True),
    *(
        Action(id=f"view_{place}", title=f"View {place}", group="views", keys=(f"F{place + 1}",))
        for place in range(1, 8)
    ),
    Action(id="infrared", title="Infrared or natural colours", group="views", keys=("N",)),
    Action(id="blink", title="Second view as long as it is held", group="views", keys=("Tab",), held=True),
    Action(
        id="swipe", title="Second view beside the first, with a line to drag", group="views", keys=("F9",)
    ),
    Action(id="labels", title="Show or hide the labels", group="views", keys=("L",)),
    Action(id="outlines", title="Labels as outlines only", group="views", keys=("Shift+L",)),
    Action(id="contours", title="Show or hide the region contours", group="views", keys=("F10",)),
    Action(id="whole_zone", title="Show the whole zone", group="views", keys=("Home",)),
    Action(
        id="pan",
        title="Move the picture with the left button",
        group="views",
        keys=("Space",),
        held=True,
    ),
    *(
        Action(
            id=f"pan_{key.lower()}",
            title=f"Move the picture: {key.lower()}",
            group="views",
            keys=(key,),
            repeats=True,
        )
        for key in ("Left", "Right", "Up", "Down")
    ),
    Action(id="next_unlabelled", title="Next place without a label", group="places", keys=(".", "Ctrl+Down")),
    Action(id="next_uncertain", title="Next uncertain pre-label", group="places", keys=("Ctrl+E",)),
    Action(id="next_conflict", title="Next conflict", group="places", keys=("Ctrl+K",)),
    Action(id="next_comment", title="Next comment", group="places", keys=("Ctrl+I",)),
    Action(id="next_finding", title="Next finding of the checks", group="places", keys=("Ctrl+J",)),
    Action(
        id="next_difference", title="Next place where two authors differ", group="places", keys=("Ctrl+D",)
    ),
    Action(id="next_tile", title="Next tile", group="places", keys=("Ctrl+Right", "Shift+Space")),
    Action(id="previous_tile", title="Tile before", group="places", keys=("Ctrl+Left",)),
    Action(id="help", title="This help", group="desk", keys=("?", "F1")),
    Action(id="keys", title="Keys and language…", group="desk"),
    Action(id="zones", title="Zones of the campaign", group="desk"),
    Action(id="check", title="Check the labels of this zone", group="desk"),
    Action(id="segment", title="Make the regions of this zone", group="desk"),
    Action(id="segment_all", title="Make the regions of all zones that have none", group="desk"),
    Action(id="export", title="Export the labels of this zone…", group="desk"),
    Action(id="release", title="Build a release…", group="desk"),
)
"""Every action, in the order in which help lists it."""

POINTER: tuple[PointerGesture, ...] = (
    PointerGesture(gesture="move", title="shows exactly the pixels that a click takes"),
    PointerGesture(gesture="click", title="gives the region the class in hand"),
    PointerGesture(gesture="drag", title="gives it to every region touched"),
    PointerGesture(gesture="Ctrl + wheel", title="size of the regions; of brush and line"),
    PointerGesture(gesture="right click", title="takes the class under the pointer in hand"),
    PointerGesture(gesture="wheel", title="zooms"),
    PointerGesture(gesture="Space + drag, middle button", title="moves the picture"),
)


def keymap(key_set: KeySet, own: Keymap | None = None) -> dict[str, tuple[str, ...]]:
    """Return the keys of every action on a keyboard, with those that somebody chose themselves.

    >>> keymap("azerty")["parent"], keymap("qwerty", {"parent": ("Up",)})["parent"]
    (('Z',), ('Up',))
    """
    given = {
        action.id: action.azerty if key_set == "azerty" and action.azerty is not None else action.keys
        for action in ACTIONS
    }
    return given | {name: tuple(keys) for name, keys in (own or {}).items() if name in given}


def clashes(keys: Keymap) -> dict[str, tuple[str, ...]]:
    """Return {key: ids of the actions} of keys that more than one action has.

    >>> clashes({"undo": ("Ctrl+Z",), "redo": ("Ctrl+Z", "Ctrl+Y")})
    {'Ctrl+Z': ('undo', 'redo')}
    """
    owners = defaultdict[str, list[str]](list)
    for name, own in keys.items():
        for key in own:
            owners[key].append(name)
    return {key: tuple(names) for key, names in owners.items() if len(names) > 1}
