"""The table of actions: what shortcuts, palette, help and tests are made of."""

from __future__ import annotations

from collections import Counter

import pytest

from napari_plugin.actions import ACTIONS, GROUPS, KEY_SETS, POINTER, KeySet, clashes, keymap
from workbench.nomenclature import load_nomenclature

IDS = [action.id for action in ACTIONS]


@pytest.mark.parametrize("key_set", KEY_SETS)
def test_no_key_does_two_things(key_set: KeySet) -> None:
    assert clashes(keymap(key_set)) == {}


def test_every_action_has_a_name_of_its_own_that_a_command_can_have() -> None:
    assert [name for name, times in Counter(IDS).items() if times > 1] == []
    assert [name for name in IDS if not name.isidentifier() or name != name.lower()] == []
    assert len({action.title for action in ACTIONS}) == len(ACTIONS)


def test_every_group_has_a_title_and_its_actions_stand_together() -> None:
    groups = [action.group for action in ACTIONS]
    assert list(dict.fromkeys(groups)) == list(GROUPS)
    assert groups == sorted(groups, key=list(GROUPS).index)


@pytest.mark.parametrize("key_set", KEY_SETS)
def test_every_class_has_a_single_key_and_the_digits_come_first(key_set: KeySet) -> None:
    classes, keys = load_nomenclature("flair-19").classes, keymap(key_set)
    places = [action.position for action in ACTIONS if action.position is not None]
    assert places == list(range(len(classes)))
    for place in places:
        assert all(len(key) == 1 for key in keys[f"class_{place + 1}"])
    digits = [keys[f"class_{place + 1}"][-1] for place in range(10)]
    assert digits == list("1234567890")


def test_class_keys_lie_in_the_same_places_on_both_keyboards() -> None:
    # Where AZERTY has other letters than QWERTY; the rows of digits differ in what Shift does.
    moved = {"Q": "A", "W": "Z", "A": "Q", "Z": "W", "`": "²", "[": ")", "]": "="}
    moved |= {f"Shift+{key}": f"Shift+{other}" for key, other in moved.items()}
    qwerty, azerty = keymap("qwerty"), keymap("azerty")
    for name in IDS:
        if not name.startswith("class_"):
            assert azerty[name] == tuple(moved.get(key, key) for key in qwerty[name])


def test_both_habits_of_redo_are_there() -> None:
    assert keymap("qwerty")["undo"] == ("Ctrl+Z",)
    assert keymap("qwerty")["redo"] == ("Ctrl+Y", "Ctrl+Shift+Z")


@pytest.mark.parametrize("key_set", KEY_SETS)
def test_keys_of_ones_own_replace_those_of_the_set(key_set: KeySet) -> None:
    keys = keymap(key_set, {"undo": ("Ctrl+B",), "redo": (), "gone": ("G",)})
    assert (keys["undo"], keys["redo"]) == (("Ctrl+B",), ())
    assert keys.keys() == set(IDS)
    assert clashes(keymap(key_set, {"undo": ("Ctrl+B",), "brush": ("Ctrl+B",)})) == {
        "Ctrl+B": ("brush", "undo")
    }


def test_what_is_held_does_not_repeat() -> None:
    assert [action.id for action in ACTIONS if action.held and action.repeats] == []


def test_what_the_pointer_does_is_told_once_each() -> None:
    assert len({gesture.gesture for gesture in POINTER}) == len(POINTER)
