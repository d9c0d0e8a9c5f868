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
from numpy.typing import NDArray

from workbench.documents import parse_document
from workbench.errors import EditRefused, WorkbenchError
from workbench.geo.grid import Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import ACCEPTED, PROTECTED, AssignMask, Comment, Protect, Provenance, assign
from workbench.labels.prelabels import MODEL, is_model
from workbench.labels.strokes import brush_mask, cut_mask, given_map, patch_mask, polygon_mask
from workbench.nomenclature import Nomenclature
from workbench.segmentation.hierarchy import Hierarchy
from workbench.workflows.script_line import check_line

_UNLABELLED = "unlabelled"
_Region = tuple[Window, NDArray[np.bool_]]


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
                self._store.comment(Comment(row=row, col=col, text=text, justifies=kind))
            case {"protect": corners} | {"unprotect": corners} | {"accept": corners} | {"reopen": corners}:
                self._guard(corners, on=bool(line.keys() & {"protect", "accept"}), line=line)
            case {"merge": [[row, col], [other_row, other_col]]}:
                self._merge(row, col, other_row, other_col)
            case {"prelabels": verb}:
                self._accept(line, over=verb == "replace")
            case {"recode": [old, new]}:
                self._recode(old, new, line.get("polygon"))
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

    def _region(self, row: int, col: int, scale: float) -> _Region:
        return self._hierarchy.mask(self._hierarchy.node_at(row, col, float(scale)))

    def _made(self, tool: str, row: int, col: int, scale: float) -> Provenance:
        digest = self._hierarchy.digest
        return Provenance(tool=tool, row=row, col=col, scale=float(scale), hierarchy_digest=digest)

    def _edit(self, region: _Region, code: int, tool: str) -> AssignMask:
        window, mask = region
        return assign(mask, window, code, Provenance(tool=tool))

    def _paint(self, line: dict[str, Any], region: _Region, made: Provenance) -> None:
        window, mask = region
        self._store.apply(self._classed(line, assign(mask, window, 0, made)))

    def _classed(self, line: dict[str, Any], edit: AssignMask) -> AssignMask:
        """Return an edit with the class, or upper class, of its line."""
        if "confidence" in line:
            if not is_model(self._store.author or ""):
                raise EditRefused(
                    f"confidence is a model's to say, whose name begins with {MODEL}; leave it out"
                )
            edit = replace(edit, confidence=line["confidence"])
        if "upper" not in line:
            erases = line["class"] == _UNLABELLED
            return replace(edit, code=0 if erases else self._nomenclature.by_key(line["class"]).code)
        return self._unsure(edit, line["upper"])

    def _unsure(self, edit: AssignMask, upper: str) -> AssignMask:
        """Return an edit that gives an upper class."""
        group = self._nomenclature.upper(upper)
        code = self._nomenclature.by_key(group.fallback).code if group.fallback else 0
        return replace(edit, code=code, upper=group.key)

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
                edits.append(self._classed(line, assign(region, place, 0, made)))
        self._store.apply_all(edits)

    def _merge(self, row: int, col: int, other_row: int, other_col: int) -> None:
        """Give the patch at one pixel the class, or the upper class, of another pixel."""
        uppers, keys = self._store.uppers()
        given = given_map(self._store.labels, uppers)
        patch_mask(given, row, col)  # that there is a label
        region = patch_mask(given, other_row, other_col)
        if given[row, col] == given[other_row, other_col]:
            raise EditRefused(f"({other_row}, {other_col}) has the class of ({row}, {col}) already")
        edit = self._edit(region, int(self._store.labels[row, col]), "merge")
        upper = int(uppers[row, col])
        self._store.apply(self._unsure(edit, keys[upper - 1]) if upper else edit)

    def _recode(self, old: str, new: str, corners: list[list[float]] | None) -> None:
        """Give what has one class, or upper class, another class."""
        whole = self._store.grid.whole
        window, mask = polygon_mask(corners, whole.shape) if corners else (whole, np.True_)
        numbers, keys = self._store.uppers()
        if old in {group.key for group in self._nomenclature.groups}:
            found = numbers[window.slices] == keys.index(old) + 1 if old in keys else np.False_
        else:
            wanted = self._nomenclature.by_key(old).code
            found = (self._store.labels[window.slices] == wanted) & (numbers[window.slices] == 0)
        found = np.asarray(found & mask)
        if old == new or not found.any():
            raise EditRefused(
                f"there is no {old} there to recode" if old != new else f"{old} is {new} already"
            )
        self._store.apply(self._edit((window, found), self._nomenclature.by_key(new).code, "recode"))

    def _guard(self, corners: list[list[float]], *, on: bool, line: dict[str, Any]) -> None:
        window, mask = polygon_mask(corners, self._store.labels.shape)
        accepted = bool(line.keys() & {"accept", "reopen"})
        if is_model(self._store.author or ""):
            raise EditRefused("a model protects and accepts nothing; do it as a person")
        if accepted and on and not (mask & (self._store.labels[window.slices] > 0)).any():
            raise EditRefused("nothing is labelled there yet that could be accepted")
        least, verb = (ACCEPTED, "accepted") if accepted else (PROTECTED, "protected or accepted")
        if not on and not (mask & (self._store.protected[window.slices] >= least)).any():
            raise EditRefused(f"nothing is {verb} there")
        shield = self._edit((window, mask), 1, "protect").mask
        self._store.apply(Protect(mask=shield, on=on, accepted=accepted))

    def _accept(self, line: dict[str, Any], *, over: bool) -> None:
        """Take pre-labels over."""
        region = None
        if "polygon" in line:
            region = polygon_mask(line["polygon"], self._store.labels.shape)
        elif "pick" in line:
            row, col = line["pick"]
            region = self._region(row, col, line["scale"])
        code = self._nomenclature.by_key(line["class"]).code if "class" in line else None
        proposed = self._store.prelabels()
        self._store.apply_all(
            proposed.accepting(
                region=region, pointed="pick" in line, code=code, above=line.get("above"), over=over
            )
        )

    def _comment(self, line: dict[str, Any], text: str, row: int, col: int) -> None:
        ruling = line.get("ruling")
        if ruling is not None:
            self._nomenclature.by_key(ruling)
        answers, question = line.get("answers"), line.get("question", False)
        comment = Comment(row=row, col=col, text=text, answers=answers, question=question, ruling=ruling)
        self._store.comment(comment)

    def _walk(self, verb: str, count: int) -> None:
        store = self._store
        step, there = (store.undo, store.undo_steps) if verb == "undo" else (store.redo, store.redo_steps)
        if count > there:
            left = f"only {there} {'is' if there == 1 else 'are'} there; ask for fewer"
            raise EditRefused(
                f"{count} steps to {verb}, and {left}" if there else f"there is nothing to {verb}"
            )
        for _ in range(count):
            step()
