"""Provenance: for each pixel the op that gave its class, and what the ops of a zone cost.

A raster of numbers and a table of what each number stands for: who, when, with which tool, at which scale,
from which model, and whether a pre-label was accepted.
"""

from __future__ import annotations

__all__ = ["IDLE", "Effort", "Source", "effort", "sources"]

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from workbench.labels.edits import AssignMask
from workbench.labels.op import Op
from workbench.labels.payloads import edit_of

IDLE = timedelta(minutes=2)
"""A longer pause between two gestures of an author is none of work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An op that gives pixels their class, as the labels are now."""

    number: int
    """Its number in the raster, from 1."""
    op: Op
    code: int
    upper: str | None
    """Upper class, where the author was sure of no class."""
    prelabel: str
    """``accepted``: a pre-label as it came; ``none``: a person's own."""
    pixels: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Effort:
    """What the labels of a class, or of a whole zone, cost."""

    minutes: float
    """Of work, without pauses longer than `IDLE`."""
    gestures: int
    tools: Mapping[str, int]
    """Gestures by tool."""
    pixels: int
    """That have the class now."""


def sources(ops: Sequence[Op], last: NDArray[np.uint32]) -> tuple[NDArray[np.uint32], tuple[Source, ...]]:
    """Return the raster of provenance and its table.

    Parameters
    ----------
    ops
        Of the store, in its order.
    last
        Shape (row, col). 1 + place of the op that gave each pixel its code, 0 = none.

    Returns
    -------
    numbers, table
        Shape (row, col), 0 = nobody; and what each number stands for, first op first.
    """
    counts = np.bincount(last.reshape(-1), minlength=len(ops) + 1)
    used = sorted(np.flatnonzero(counts[1:]).tolist(), key=lambda place: ops[place].order)
    numbers = np.zeros(counts.size, np.uint32)
    table = []
    for number, place in enumerate(used, start=1):
        numbers[place + 1] = number
        table.append(_source(ops[place], number, int(counts[place + 1])))
    return numbers[last], tuple(table)


def effort(ops: Iterable[Op], counts: Mapping[int, int]) -> tuple[Effort, dict[int, Effort]]:
    """Return what a zone cost, and each of its classes.

    Time between two gestures of an author goes to the later one; undone work is work. Imports and models cost
    nobody's time.

    Parameters
    ----------
    ops
        Of one track.
    counts
        Pixels of each code as the labels are now.
    """
    minutes: dict[int, float] = defaultdict(float)
    tools: dict[int, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    before: dict[str, datetime] = {}
    gestures = set[str]()
    other = 0.0
    for op in sorted(ops, key=lambda op: (op.author, op.seq)):
        pause = op.wall_time - before.get(op.author, op.wall_time)
        before[op.author] = op.wall_time
        spent = pause.total_seconds() / 60 if timedelta(0) < pause <= IDLE else 0.0
        edit = edit_of(op) if op.kind == "assign" else None
        if not isinstance(edit, AssignMask) or op.tool == "import" or op.author.startswith("model-"):
            other += spent
            continue
        minutes[edit.code] += spent
        if op.gesture_id not in gestures:
            gestures.add(op.gesture_id)
            tools[edit.code][op.tool or ""] += 1
    classes = {
        code: Effort(
            minutes=minutes[code],
            gestures=sum(tools[code].values()),
            tools=dict(sorted(tools[code].items())),
            pixels=counts.get(code, 0),
        )
        for code in sorted({*minutes, *(code for code in counts if code)})
    }
    whole: dict[str, int] = defaultdict(int)
    for used in tools.values():
        for tool, count in used.items():
            whole[tool] += count
    total = Effort(
        minutes=sum(minutes.values()) + other,
        gestures=sum(whole.values()),
        tools=dict(sorted(whole.items())),
        pixels=sum(count for code, count in counts.items() if code),
    )
    return total, classes


def _source(op: Op, number: int, pixels: int) -> Source:
    edit = edit_of(op)
    assert isinstance(edit, AssignMask)  # noqa: S101 - nothing else paints labels
    prelabel = "accepted" if edit.source else "none"
    return Source(number=number, op=op, code=edit.code, upper=edit.upper, prelabel=prelabel, pixels=pixels)
