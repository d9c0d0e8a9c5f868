"""Keys as they stand on the keyboard of whoever sits at the desk; elsewhere they are written as Qt does."""

from __future__ import annotations

__all__ = ["KEY_NAMES", "shown_key", "shown_keys"]

from collections.abc import Iterable, Mapping

from napari_plugin.language import tr

KEY_NAMES = (
    "Ctrl",
    "Shift",
    "Alt",
    "Meta",
    "Return",
    "Enter",
    "Backspace",
    "Space",
    "Tab",
    "Home",
    "Esc",
    "Del",
)
"""Keys with a name on them, as Qt calls them; `language.tr` knows what they are called elsewhere."""
_SIGNS: Mapping[str, str] = {
    "PgUp": "Page ↑",
    "PgDown": "Page ↓",
    "Left": "←",
    "Right": "→",
    "Up": "↑",
    "Down": "↓",
}


def shown_key(key: str) -> str:
    """Return a key sequence as it stands on the keyboard.

    >>> shown_key("Ctrl+PgUp"), shown_key("+")
    ('Ctrl+Page ↑', '+')
    """
    *modifiers, last = key.split("+") if key != "+" else ["+"]
    return "+".join([*map(tr, modifiers), _SIGNS.get(last) or tr(last)])


def shown_keys(keys: Iterable[str]) -> str:
    """Return all keys of an action, for a tip."""
    return " / ".join(map(shown_key, keys))
