"""Label scripts: the same edits as in the window, one JSON object a line, without a screen.

``{"pick": [row, col], "scale": λ, "class": key}`` gives the region under a pixel at a scale to a class,
``{"polygon": [[row, col], …], "class": key}`` the pixels whose centre is inside, ``{"undo": n}`` and
``{"redo": n}`` walk the author's own gestures. Points are (row, col) of pixel centres from the zone's upper
left.
"""

from __future__ import annotations

__all__ = ["ScriptError", "run_script"]

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.documents import parse_document
from workbench.errors import WorkbenchError
from workbench.geo.grid import Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import Provenance, assign
from workbench.nomenclature import Nomenclature
from workbench.segmentation.hierarchy import Hierarchy


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
    loaded: Hierarchy | None = None
    for number, document in _documents(lines):
        try:
            if "pick" in document and loaded is None:
                loaded = hierarchy()
            _run(document, store, nomenclature, loaded)
        except WorkbenchError as error:
            raise ScriptError(f"line {number}: {error}") from error
        done += 1
        on_edit(store.last_id or "", number)
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


def _run(
    document: dict[str, Any], store: AnnotationStore, nomenclature: Nomenclature, hierarchy: Hierarchy | None
) -> None:
    if "undo" in document or "redo" in document:
        _walk(document, store)
        return
    code = nomenclature.by_key(document["class"]).code
    if hierarchy is not None and "pick" in document:
        row, col = document["pick"]
        scale = float(document["scale"])
        window, mask = hierarchy.mask(hierarchy.node_at(row, col, scale))
        provenance = Provenance(tool="pick", row=row, col=col, scale=scale, hierarchy_digest=hierarchy.digest)
    else:
        window, mask = polygon_mask(document["polygon"], store.labels.shape)
        provenance = Provenance(tool="polygon")
    store.apply(assign(mask, window, code=code, provenance=provenance))


def _walk(document: dict[str, Any], store: AnnotationStore) -> None:
    verb = "undo" if "undo" in document else "redo"
    step, there = (store.undo, store.undo_steps) if verb == "undo" else (store.redo, store.redo_steps)
    if document[verb] > there:
        raise ScriptError(f"{document[verb]} steps to {verb}, and only {there} are there; ask for fewer")
    for _ in range(document[verb]):
        step()


def polygon_mask(vertices: list[list[float]], shape: tuple[int, ...]) -> tuple[Window, NDArray[np.bool_]]:
    """Return the pixels whose centre lies in a polygon, clipped to an image.

    Parameters
    ----------
    vertices
        (row, col) of at least three corners, in pixel centres.
    shape
        (rows, columns) of the image.

    Raises
    ------
    ScriptError
        The polygon covers no pixel centre of the image.
    """
    from skimage.draw import polygon

    corners = np.asarray(vertices, dtype=np.float64)
    rows, cols = polygon(corners[:, 0], corners[:, 1], shape=shape[:2])  # type: ignore[no-untyped-call]
    if not rows.size:
        raise ScriptError(f"the polygon covers no pixel of the zone's {shape[0]} × {shape[1]}")
    top, left = int(rows.min()), int(cols.min())
    window = Window(row=top, col=left, height=int(rows.max()) - top + 1, width=int(cols.max()) - left + 1)
    mask = np.zeros(window.shape, dtype=np.bool_)
    mask[rows - top, cols - left] = True
    return window, mask
