"""A zone small enough to print, and the slow definition of its labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from affine import Affine
from hypothesis import strategies as st
from numpy.typing import NDArray

from workbench.geo.grid import PixelGrid, Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import (
    ACCEPTED,
    AssignMask,
    Comment,
    Edit,
    Protect,
    Provenance,
    Redo,
    Refine,
    Undo,
    assign,
)
from workbench.labels.meta import JournalSubject
from workbench.labels.op import Op
from workbench.labels.payloads import edit_of
from workbench.labels.refine import FinerRegions
from workbench.nomenclature import load_nomenclature

ZONE = "D055_2018/Z2_UF"
GRID = PixelGrid(crs="EPSG:2154", transform=Affine(0.2, 0, 831081.6, 0, -0.2, 6829179.2), height=12, width=17)
FLAIR = load_nomenclature("flair-19")
SUBJECT = JournalSubject(zone=ZONE, grid=GRID, nomenclature=FLAIR.name)
FOOTPRINT = np.ones(GRID.shape, np.bool_)
FOOTPRINT[:4, :5] = False  # a zone need not be a rectangle
PICK = Provenance(tool="pick", row=6, col=7, scale=12.5, hierarchy_digest="ab" * 32)


def open_store(directory: Path, author: str | None = None, **changed: Any) -> AnnotationStore:
    arguments: dict[str, Any] = {"zone_id": ZONE, "grid": GRID, "footprint": FOOTPRINT, "nomenclature": FLAIR}
    return AnnotationStore.open(directory, author=author, **(arguments | changed))


def rectangle(
    row: int, col: int, height: int, width: int, code: int, provenance: Provenance = PICK
) -> AssignMask:
    window = Window(row=row, col=col, height=height, width=width)
    return assign(np.ones(window.shape, np.bool_), window, code, provenance)


def any_edit(store: AnnotationStore, turn: int) -> None:
    """Make the next edit of an endless row of all kinds that there are."""
    match turn % 12:
        case 0 | 1 | 2:
            store.apply(rectangle(4 + turn % 5, 6, 3, 3, 1 + turn % 19))
        case 3:
            store.apply_all([rectangle(5, 6, 3, 3, 1 + turn % 19), rectangle(8, 9, 2, 2, 1 + turn % 18)])
        case 4 | 5 | 10:
            store.undo()
        case 6:
            store.redo()
        case 7:
            store.record(_refinement(turn))
        case 8:
            store.apply(Protect(mask=rectangle(4, 12, 2, 2, 1).mask, on=turn % 24 < 12))
        case 9 if turn % 24 < 12:
            store.record(Comment(row=5, col=6, text=f"grass or crop, {turn}?", question=True))
        case 9:
            unsure = rectangle(6, 9, 2, 3, 0, Provenance(tool="accept", model="unet"))
            store.apply(replace(unsure, upper="herbaceous_and_arable", source=f"model-unet:{turn}"))
        case 11:
            store.apply(rectangle(5, 7, 4, 4, 0))


def _refinement(seed: int) -> Refine:
    window, rng = Window(row=5, col=6, height=4, width=5), np.random.default_rng(seed)
    finer = FinerRegions(
        mask=np.ones(window.shape, np.bool_),
        leaves=(np.arange(20) // 4).astype(np.uint32),
        s=np.concatenate([[np.inf], rng.exponential(9, 4)]).astype(np.float32),
        sums=rng.normal(0, 99, (2, 5)),
        squares=rng.normal(0, 999, (2, 5)),
    )
    return Refine.encode(finer, window, hierarchy_digest="cd" * 32, scale=12.5, row=6, col=7)


def slow_guard(ops: Sequence[Op], footprint: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Which pixels are protected or accepted, by the definition."""
    labels, last = slow_fold(ops, footprint)
    ids, guard, stamps = (
        np.array(["", *(op.id for op in ops)]),
        np.zeros(footprint.shape, np.uint8),
        np.zeros(footprint.shape, np.int64),
    )
    for op, edit in counting(ops):
        if isinstance(edit, Protect):
            whole = painted(edit) & footprint
            if edit.accepted:
                stamps[whole] = 1 + ops.index(op) if edit.on else 0
            else:
                guard[whole] = edit.on
    for place in np.unique(stamps[stamps > 0]).tolist():
        stamp = ops[place - 1]
        read = [op for op in ops if had_read(stamp, op)]
        _, shown = slow_fold(read, footprint)
        accepted = np.array(["", *(op.id for op in read)])[shown]
        guard[(stamps == place) & (labels > 0) & (ids[last] == accepted)] = ACCEPTED
    return guard


def painted(edit: AssignMask | Protect) -> NDArray[np.bool_]:
    """Return the pixels of an edit, shape (row, col) of the zone."""
    whole = np.zeros(GRID.shape, np.bool_)
    whole[edit.window.slices] = edit.mask.decode()
    return whole


def had_read(op: Op, other: Op) -> bool:
    """Tell whether the author of an op had read, or written, another one before."""
    return op.seen.get(other.author, 0) >= other.seq if op.author != other.author else other.seq < op.seq


def counting(ops: Sequence[Op], track: str = "labels") -> list[tuple[Op, Edit]]:
    """Return the ops of a track that are not undone, with their edits, in the total order."""
    ops = sorted((op for op in ops if op.track == track), key=lambda op: op.order)
    edits = [(op, edit_of(op)) for op in ops]
    undone: set[str] = set()
    for _, edit in edits:
        if isinstance(edit, Undo):
            undone.add(edit.target)
        if isinstance(edit, Redo):
            undone.discard(edit.target)
    return [(op, edit) for op, edit in edits if op.gesture_id not in undone]


def slow_fold(
    ops: Sequence[Op], footprint: NDArray[np.bool_], track: str = "labels"
) -> tuple[NDArray[np.uint8], NDArray[np.uint32]]:
    """The definition, written a second time: paint every label op in order but those that are undone.

    Each pixel gets 1 + the op's place in ``ops``, which may come in any order.
    """
    places = {op.id: place for place, op in enumerate(ops, start=1)}
    labels, last_op = np.zeros(footprint.shape, np.uint8), np.zeros(footprint.shape, np.uint32)
    for op, edit in counting(ops, track):
        if isinstance(edit, AssignMask):
            whole = np.zeros(footprint.shape, np.bool_)
            whole[edit.window.slices] = edit.mask.decode()
            labels[whole & footprint] = edit.code
            last_op[whole & footprint] = places[op.id]
    return labels, last_op


@st.composite
def edits(draw: st.DrawFn) -> AssignMask:
    """Any edit that touches the footprint: full and ragged masks, windows that reach out of it, code 0 too.

    The mask is drawn as a seed: quick to make and to shrink.
    """
    row, col = draw(st.integers(0, GRID.height - 1)), draw(st.integers(0, GRID.width - 1))
    height, width = draw(st.integers(1, GRID.height - row)), draw(st.integers(1, GRID.width - col))
    density, seed = draw(st.sampled_from((1.0, 0.7, 0.2))), draw(st.integers(0, 999))
    window = Window(row=row, col=col, height=height, width=width)
    mask = np.random.default_rng(seed).random(window.shape) < density
    if not (mask & FOOTPRINT[window.slices]).any():
        window, mask = Window(row=5, col=6, height=1, width=1), np.ones((1, 1), np.bool_)
    return assign(mask, window, draw(st.sampled_from((0, *FLAIR.codes))), PICK)
