"""The table of keys."""

from __future__ import annotations

from itertools import chain

from qtpy.QtGui import QKeySequence

from napari_plugin.bindings import CLASS_KEYS, KEYS, key_hint
from workbench.nomenclature import load_nomenclature


def test_no_key_does_two_things() -> None:
    keys = [QKeySequence(key).toString() for key in chain.from_iterable(binding.keys for binding in KEYS)]
    assert len(keys) == len(set(keys))


def test_every_key_is_one_that_qt_knows() -> None:
    for key in chain.from_iterable(binding.keys for binding in KEYS):
        assert QKeySequence(key).count() == 1
        assert QKeySequence(key).toString()


def test_every_class_has_a_key_digits_first() -> None:
    classes = load_nomenclature("flair-19").classes
    shown = [key_hint("class", position) for position in range(len(classes))]
    assert shown[:10] == list("1234567890")
    assert all(len(key) == 1 for key in shown)
    assert len(CLASS_KEYS) == len(classes)


def test_both_habits_of_redo_are_there() -> None:
    assert key_hint("undo") == "Ctrl+Z"
    assert key_hint("redo") == "Ctrl+Y or Ctrl+Shift+Z"
