"""What the desk says, collected from its code; run as a script it brings the catalogues up to date.

Sentences are the first arguments of ``tr`` and ``count``, the texts of the tables of the desk, and what the
core says to it (`core_sentences`). New ones are empty afterwards, and those that nobody says are gone; one
whose English was changed is a new one, its French is in ``git diff``. napari's manifest has the titles of
actions in both languages: it follows the catalogue.
"""

from __future__ import annotations

import ast
import io
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as Entry
from babel.messages.pofile import read_po, write_po
from core_sentences import counted_things, templates

from napari_plugin.actions import ACTIONS, GROUPS, POINTER
from napari_plugin.keycaps import KEY_NAMES
from napari_plugin.language import CORE, JOINTS
from napari_plugin.queue import FILTERS

PLUGIN = Path(__file__).parents[2] / "napari_plugin"
LOCALE, MANIFEST = PLUGIN / "locale", PLUGIN / "napari.yaml"
_WIDTH = 105


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """Something that the desk says."""

    plural: str | None = None
    """What it is for several things, where it counts."""
    core: str = ""
    """Who in the core says it; empty where only the desk does."""


def messages() -> dict[str, Message]:
    """Return {sentence: what is known of it} of everything that the desk says."""
    found = {sentence: Message(core=module) for sentence, module in templates().items()}
    found |= {one: Message(plural=many, core=module) for (one, many), module in counted_things().items()}
    for sentence, plural in (*_of_calls(), *((text, None) for text in of_tables())):
        core = found[sentence].core if sentence in found else ""
        found[sentence] = Message(plural=plural, core=core)
    return found


def read_catalogue(path: Path) -> Catalog:
    """Read a catalogue."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def updated(path: Path) -> str:
    """Return a catalogue with what the desk says now and nothing else; its head stays as it is."""
    known = read_catalogue(path)
    fresh = Catalog(locale=path.stem, fuzzy=False)
    for sentence, message in sorted(messages().items()):
        before = known.get(sentence)
        fresh.add(
            sentence if message.plural is None else (sentence, message.plural),
            _translated(before, several=known.num_plurals if message.plural is not None else 0),
            flags=before.flags & {"fuzzy"} if before else (),
            auto_comments=[f"{CORE}: {message.core}"] if message.core else (),
            user_comments=before.user_comments if before else (),
        )
    fresh.mime_headers = [("Plural-Forms", known.plural_forms)]
    body = io.BytesIO()
    write_po(body, fresh, width=_WIDTH, omit_header=True)
    head, _, _ = path.read_text(encoding="utf-8").partition("\n\n")
    return f"{head}\n\n{body.getvalue().decode().rstrip()}\n"


def main() -> int:
    """Bring the catalogues up to date, and tell how many sentences are to be translated."""
    for path in sorted(LOCALE.glob("*.po")):
        path.write_text(updated(path), encoding="utf-8")
        empty = sum(not (one.string and all(one.string)) for one in read_catalogue(path) if one.id)
        print(f"{path.name}: {len(messages())} sentences, {empty} of them to be translated")  # noqa: T201
    MANIFEST.write_text(updated_manifest(), encoding="utf-8")
    return 0


def updated_manifest() -> str:
    """Return napari's manifest with the titles of actions as the table and the French catalogue have them."""
    catalogue, text = read_catalogue(LOCALE / "fr.po"), MANIFEST.read_text(encoding="utf-8")
    for action in ACTIONS:
        number = "" if action.position is None else str(action.position + 1)
        entry = catalogue.get("Class {number}" if number else action.title)
        french = str(entry.string if entry else "").replace("{number}", number) or action.title
        line = f'"Land cover: {_small(action.title)} · {_small(french)}"'
        command = rf"(- id: ocs-workbench\.do_{action.id}\n\s+title: ).*"
        text = re.sub(command, lambda found, line=line: found[1] + line, text)
    return text


def of_tables() -> Iterator[str]:
    """Yield what the tables of the desk say."""
    from napari_plugin import double_page, handin, panels, prelabel_page, review_page

    yield from (action.title for action in ACTIONS if action.position is None)
    yield from GROUPS.values()
    for one in POINTER:
        yield from (one.gesture, one.title)
    for titles in (
        panels.TOOL_NAMES,
        handin.FINDING_TITLES,
        prelabel_page.VEIL_TITLES,
        prelabel_page.FATE_TITLES,
        review_page.THREAD_TITLES,
        double_page.STATE_TITLES,
        double_page.DIFFERENCE_TITLES,
    ):
        yield from titles.values()
    yield from (one.title for one in FILTERS.values())
    yield from KEY_NAMES
    yield from JOINTS


def _small(title: str) -> str:
    return title[0].lower() + title[1:]


def _translated(before: Entry | None, *, several: int) -> str | tuple[str, ...]:
    """Return what a sentence was translated as, in so many plural forms; empty where it was not."""
    given = before.string if before is not None else ""
    if not several:
        return given if isinstance(given, str) else ""
    return given if isinstance(given, tuple) and len(given) == several else ("",) * several


def _of_calls() -> Iterator[tuple[str, str | None]]:
    """Yield each sentence that the desk looks up, and its plural where it counts."""
    for path in sorted(PLUGIN.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        constants = {
            node.targets[0].id: node.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
        }
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                given = (
                    constants.get(one.id, one) if isinstance(one, ast.Name) else one for one in call.args
                )
                texts = [
                    one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)
                ]
                if call.func.id == "tr" and texts:
                    yield texts[0], None
                elif call.func.id == "count" and len(texts) > 1:
                    yield texts[0], texts[1]


if __name__ == "__main__":
    sys.exit(main())
