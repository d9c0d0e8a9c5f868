"""Label scripts: the edits of the window and more, one JSON object a line, without a screen.

====================================================  ====================================================
line                                                  what it does
====================================================  ====================================================
``{"pick": [row, col], "scale": λ, "class": key}``    gives the region under a pixel at a scale to a class
``{"drag": [[row, col], …], "scale": λ, "class": …}`` the same for every region that a path touches
``{"polygon": [[row, col], …], "class": key}``        the pixels whose centre is inside
``{"brush": [[row, col], …], "radius": r, …}``        those within r pixels of a path
``{"line": [[row, col], …], "width": w, …}``          those within w / 2 pixels of it
``{"cut": [[row, col], …], "pick": …, "scale": …}``   the side of a picked region on which the pick lies
``{"merge": [[row, col], [row, col]]}``               gives the patch at the second pixel the first's class
``{"recode": [key, key], "polygon": [[row, col], …]}``  one class to another, in a polygon or everywhere
``{"fill": key, "pick": [row, col], "scale": λ}``     gives what is unlabelled in a region, or a ``polygon``,
                                                      or anywhere, a class, or an upper one
``{"absorb": pixels, "pick": [row, col], …}``         patches of fewer pixels that reach into a region, or a
                                                      ``polygon``, become part of their neighbours
``{"prelabels": "accept", …}``                        takes pre-labels over: of a ``class``, with a
                                                      confidence ``above`` some share, in a ``polygon`` or
                                                      the region of a ``pick``; ``"replace"`` over labels, too
``{"protect": [[row, col], …]}``, ``{"unprotect": …}``  a polygon that nobody may paint, or may again
``{"accept": [[row, col], …]}``, ``{"reopen": …}``    the same by a reviewer, for labels that are right
``{"comment": text, "at": [row, col]}``               with ``question``, ``answers`` and ``ruling``
``{"justify": kind, "at": [row, col], "text": text}``  a finding of ``zone check`` that is right as it is
``{"undo": n}``, ``{"redo": n}``                      walk the author's own gestures
====================================================  ====================================================

``"upper": key`` in place of ``"class"`` names an upper class where no class is sure. A model may say its
``confidence``. The class ``unlabelled`` erases. Points are (row, col) of pixel centres from the zone's upper
left.
"""

from __future__ import annotations

__all__ = ["ScriptError", "run_script"]

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from workbench.counting import counted
from workbench.documents import parse_document
from workbench.errors import EditRefused, WorkbenchError
from workbench.labels.annotation import AnnotationStore
from workbench.labels.editing import (
    UNLABELLED,
    Given,
    Region,
    absorbing,
    filling,
    given_of,
    merging,
    painting,
    protecting,
    recoding,
)
from workbench.labels.edits import AssignMask, Comment, Provenance
from workbench.labels.prelabels import Chosen
from workbench.labels.proposed import MODEL, is_model
from workbench.labels.strokes import brush_mask, cut_mask, polygon_mask
from workbench.nomenclature import Nomenclature
from workbench.segmentation.hierarchy import Hierarchy
from workbench.workflows.script_line import check_keys, check_line


class ScriptError(WorkbenchError, ValueError):
    """A line of a label script that was refused; the lines before it stay."""


def run_script(
    lines: Iterable[str],
    store: AnnotationStore,
    *,
    nomenclature: Nomenclature,
    hierarchy: Callable[[], Hierarchy],
    on_edit: Callable[[str, int], None],
) -> int:
    """Apply the lines of a script, each durable before the next begins.

    Parameters
    ----------
    lines
        JSON, one object each; empty lines are skipped.
    store
        Labels to edit.
    nomenclature
        Whose class keys the script uses.
    hierarchy
        Loads the zone's hierarchy; called at the first pick only.
    on_edit
        Called after each line with the id of its op and the line number.

    Returns
    -------
    int
        How many lines were applied.

    Raises
    ------
    ScriptError
        With the number of the refused line.
    """
    done = 0
    script = _Script(store, nomenclature, hierarchy)
    for number, line in _documents(lines):
        try:
            check_line(line)
            script.run(line)
        except WorkbenchError as error:
            raise ScriptError(f"line {number}: {error}") from error
        done += 1
        on_edit(store.last_own.id if store.last_own else "", number)
    return done


def _documents(lines: Iterable[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    check_keys(line)
                except EditRefused as error:
                    raise ScriptError(f"line {number}: {error}") from error
                yield number, parse_document(line, schema="script-line", source=f"line {number}")
    except UnicodeDecodeError as error:
        raise ScriptError(
            f"the script is not UTF-8 ({error.reason} at byte {error.start}); save it as UTF-8"
        ) from error


class _Script:
    """What the lines of a script act on."""

    def __init__(
        self, store: AnnotationStore, nomenclature: Nomenclature, hierarchy: Callable[[], Hierarchy]
    ) -> None:
        self._store, self._nomenclature, self._load = store, nomenclature, hierarchy
        self._loaded: Hierarchy | None = None

    def run(self, line: dict[str, Any]) -> None:
        """Do what a line says."""
        shape = self._store.labels.shape
        match line:
            case {"undo": count} | {"redo": count}:
                self._walk("undo" if "undo" in line else "redo", count)
            case {"comment": text, "at": [row, col]}:
                self._comment(line, text, row, col)
            case {"justify": kind, "at": [row, col], "text": text}:
                self._store.record(Comment(row=row, col=col, text=text, justifies=kind))
            case {"protect": corners} | {"unprotect": corners} | {"accept": corners} | {"reopen": corners}:
                self._guard(corners, on=bool(line.keys() & {"protect", "accept"}), line=line)
            case {"merge": [[row, col], [other_row, other_col]]}:
                source, target = (row, col), (other_row, other_col)
                self._store.apply(merging(self._store, self._nomenclature, source=source, target=target))
            case {"fill": key}:
                given = given_of(self._nomenclature, key)
                self._store.apply(filling(self._store, self._where(line), given, self._found(line, "fill")))
            case {"absorb": smallest}:
                edits = absorbing(self._store, self._nomenclature, self._where(line), smallest=smallest)
                self._store.apply_all(edits)
            case {"prelabels": verb}:
                self._accept(line, over=verb == "replace")
            case {"recode": [old, new]}:
                place = self._place(line)
                self._store.apply(recoding(self._store, self._nomenclature, place, old=old, new=new))
            case {"cut": path, "pick": [row, col]}:
                window, mask = self._region(row, col, line["scale"])
                region = window, cut_mask(mask, window, path, row=row, col=col)
                self._paint(line, region, self._made("cut", row, col, line["scale"]))
            case {"pick": [row, col]}:
                region = self._region(row, col, line["scale"])
                self._paint(line, region, self._made("pick", row, col, line["scale"]))
            case {"drag": path}:
                self._drag(line, path)
            case {"polygon": corners}:
                self._paint(line, polygon_mask(corners, shape), Provenance(tool="polygon"))
            case {"brush": path, "radius": radius}:
                self._paint(line, brush_mask(path, radius, shape), Provenance(tool="brush"))
            case {"line": path, "width": width}:
                self._paint(line, brush_mask(path, width / 2, shape), Provenance(tool="line"))

    @property
    def _hierarchy(self) -> Hierarchy:
        if self._loaded is None:
            self._loaded = self._load()
        return self._loaded

    def _region(self, row: int, col: int, scale: float) -> Region:
        return self._hierarchy.mask(self._hierarchy.node_at(row, col, float(scale)))

    def _made(self, tool: str, row: int, col: int, scale: float) -> Provenance:
        digest = self._hierarchy.digest
        return Provenance(tool=tool, row=row, col=col, scale=float(scale), hierarchy_digest=digest)

    def _place(self, line: dict[str, Any]) -> Region | None:
        """Return the polygon or the picked region that a line is about; None where it names neither."""
        if "polygon" in line:
            return polygon_mask(line["polygon"], self._store.labels.shape)
        if "pick" in line:
            row, col = line["pick"]
            return self._region(row, col, line["scale"])
        return None

    def _where(self, line: dict[str, Any]) -> Region:
        """Return the region that a line is about; the whole zone where it names none."""
        whole = self._store.grid.whole
        return self._place(line) or (whole, np.ones(whole.shape, np.bool_))

    def _found(self, line: dict[str, Any], tool: str) -> Provenance:
        """Return how an edit was made: at a pick, or not."""
        if "pick" not in line:
            return Provenance(tool=tool)
        row, col = line["pick"]
        return self._made(tool, row, col, line["scale"])

    def _paint(self, line: dict[str, Any], region: Region, made: Provenance) -> None:
        self._store.apply(self._classed(line, region, made))

    def _classed(self, line: dict[str, Any], region: Region, made: Provenance) -> AssignMask:
        """Return the edit that gives a region the class, or upper class, of its line."""
        given = self._unsure(line["upper"]) if "upper" in line else self._sure(line["class"])
        edit = painting(region, given, made)
        if "confidence" not in line:
            return edit
        if not is_model(self._store.author or ""):
            raise EditRefused(f"confidence is a model's to say, whose name begins with {MODEL}; leave it out")
        return replace(edit, confidence=line["confidence"])

    def _sure(self, key: str) -> Given:
        return Given(code=0) if key == UNLABELLED else Given(code=self._nomenclature.by_key(key).code)

    def _unsure(self, key: str) -> Given:
        return given_of(self._nomenclature, self._nomenclature.upper(key).key)

    def _drag(self, line: dict[str, Any], path: list[list[int]]) -> None:
        """Paint each region that a path touches, as one gesture."""
        scale, edits, seen = float(line["scale"]), [], set[int]()
        window, mask = brush_mask(path, 0.5**0.5, self._store.labels.shape)
        for row, col in np.argwhere(mask) + np.array([[window.row, window.col]]):
            if not self._store.footprint[row, col]:
                continue
            node = self._hierarchy.node_at(int(row), int(col), scale)
            if node.first not in seen:
                seen.add(node.first)
                place, region = self._hierarchy.mask(node)
                made = self._made("drag", int(row), int(col), scale)
                edits.append(self._classed(line, (place, region), made))
        self._store.apply_all(edits)

    def _guard(self, corners: list[list[float]], *, on: bool, line: dict[str, Any]) -> None:
        if is_model(self._store.author or ""):
            raise EditRefused("a model protects and accepts nothing; do it as a person")
        region = polygon_mask(corners, self._store.labels.shape)
        accepted = bool(line.keys() & {"accept", "reopen"})
        self._store.apply(protecting(self._store, region, on=on, accepted=accepted))

    def _accept(self, line: dict[str, Any], *, over: bool) -> None:
        """Take pre-labels over."""
        code = self._nomenclature.by_key(line["class"]).code if "class" in line else None
        chosen = Chosen(
            region=self._place(line),
            pointed="pick" in line,
            code=code,
            above=line.get("above"),
            over=over,
        )
        self._store.apply_drawn(self._store.prelabels().accepting(chosen))

    def _comment(self, line: dict[str, Any], text: str, row: int, col: int) -> None:
        ruling = line.get("ruling")
        if ruling is not None:
            self._nomenclature.by_key(ruling)
        answers, question = line.get("answers"), line.get("question", False)
        comment = Comment(row=row, col=col, text=text, answers=answers, question=question, ruling=ruling)
        self._store.record(comment)

    def _walk(self, verb: str, count: int) -> None:
        store = self._store
        step, there = (store.undo, store.undo_steps) if verb == "undo" else (store.redo, store.redo_steps)
        if count > there:
            left = f"only {counted(there, 'is', 'are')} there; ask for fewer"
            raise EditRefused(
                f"{count} steps to {verb}, and {left}" if there else f"there is nothing to {verb}"
            )
        for _ in range(count):
            step()
