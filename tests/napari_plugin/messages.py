"""What the desk says, collected from its code; run as a script it brings the catalogues up to date.

Sentences are the first arguments of ``tr`` and ``count``, and the titles of the tables of actions.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parents[2]
PLUGIN = ROOT / "napari_plugin"
LOCALE = PLUGIN / "locale"
_PLURALS = {"fr": "nplurals=2; plural=(n > 1);"}


def said() -> dict[str, str | None]:
    """Return {sentence: its plural, or None} of everything that the desk says."""
    found: dict[str, str | None] = {}
    for path in sorted(PLUGIN.rglob("*.py")):
        for call in _calls(ast.parse(path.read_text(encoding="utf-8"))):
            texts = [
                one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)
            ]
            if not texts:
                continue
            if call.func.id == "count":  # type: ignore[attr-defined]
                found[texts[0]] = texts[1]
            else:
                found[texts[0]] = None
    return found | dict.fromkeys(_of_tables())


def main() -> int:
    """Bring the catalogues up to date: new sentences are empty there, those that nobody says go."""
    for path in sorted(LOCALE.glob("*.po")):
        with path.open("rb") as file:
            catalogue = read_po(file, locale=path.stem)
        fresh = Catalog(locale=path.stem, project="ocs-workbench", fuzzy=False)
        fresh.mime_headers = [("Plural-Forms", _PLURALS[path.stem])]
        fresh.header_comment = "# What the desk says. Empty sentences are shown in English.\n#"
        for sentence, plural in sorted(said().items()):
            known = catalogue.get(sentence)
            fresh.add(sentence if plural is None else (sentence, plural), known.string if known else "")
        for message in catalogue:  # sentences of the core, by their templates, are kept by hand
            if (
                message.id
                and message.id not in fresh
                and "core" in message.flags | set(message.auto_comments)
            ):
                fresh.add(message.id, message.string, auto_comments=message.auto_comments)
        with path.open("wb") as file:
            write_po(file, fresh, width=105, omit_header=False, sort_output=False)
    return 0


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tr", "count"):
            yield node


def _of_tables() -> Iterator[str]:
    from napari_plugin import actions, panels, queue

    yield from (action.title for action in actions.ACTIONS if action.position is None)
    yield from actions.GROUPS.values()
    for one in actions.POINTER:
        yield from (one.gesture, one.title)
    yield from panels.TOOL_NAMES.values()
    yield from (one.title for one in queue.FILTERS.values())
    yield from ("Ctrl", "Shift", "Return", "Enter", "Backspace", "Space", "Tab", "Home", "Esc", "Del")


if __name__ == "__main__":
    sys.exit(main())
