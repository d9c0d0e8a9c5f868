"""The keys as Qt reads them: shortcuts of a dock, and keys that are held."""

from __future__ import annotations

import pytest
from qtpy.QtGui import QKeySequence

from napari_plugin.actions import ACTIONS, KEY_SETS, KeySet, keymap


@pytest.mark.parametrize("key_set", KEY_SETS)
def test_every_key_is_one_that_qt_knows_by_that_name(key_set: KeySet) -> None:
    for name, keys in keymap(key_set).items():
        for key in keys:
            assert QKeySequence(key).count() == 1, name
            assert QKeySequence(key).toString() == key, name


@pytest.mark.parametrize("key_set", KEY_SETS)
def test_a_key_that_is_held_is_a_single_key_without_modifier(key_set: KeySet) -> None:
    held = {action.id: keymap(key_set)[action.id] for action in ACTIONS if action.held}
    assert held == {"blink": ("Tab",), "pan": ("Space",)}
