"""What a hand would do to label a zone whose truth is known: picks, drags, polygons; and how long it takes.

Times are those of the keystroke-level model (Card, Moran & Newell, *The Psychology of Human-Computer
Interaction*, 1983), for somebody who knows the tool and makes no mistakes: see `Times`. The plan is greedy,
not the best there is: nested picks up to some accuracy (exact, `workbench.segmentation.picks`), neighbours of
one class joined into drags, then polygons around what is still wrong, the largest first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from workbench.labels.strokes import polygon_mask
from workbench.segmentation import Hierarchy, nested_picks

_LARGE = 150_000
"""Pixels from which on a region is picked in a view of the whole zone."""
_TILE = 900
"""Pixels a side of what is labelled at full size before the view moves on; it fits on the canvas."""
_NEAR = 60.0
"""Pixels up to which one pick is dragged to the next."""
_MOST_POLYGONS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Seconds of the operators."""

    decide: float = 1.35
    """M: before each thing that is new: another class, a polygon, another place to work at."""
    point: float = 1.1
    """P: to point with the mouse."""
    click: float = 0.2
    """BB: to press and release."""
    near: float = 0.45
    """To drag on to a neighbour: Fitts' law for a target as wide as it is far."""
    key: float = 0.28
    """K: a key."""
    notch: float = 0.1
    """A notch of the wheel."""
    octaves_per_notch: float = 0.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Gesture:
    """One gesture."""

    tool: str
    """``pick``, ``drag`` or ``polygon``."""
    points: tuple[tuple[float, float], ...]
    """(row, col) of the zone."""
    code: int
    scale: float = 0.0
    place: int = -1
    """Number of the tile that is worked at; -1 is the whole zone."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What to do, in order, and what comes of it."""

    gestures: tuple[Gesture, ...]
    labels: NDArray[np.uint8]
    """Shape (row, col). What the zone is labelled as in the end."""
    accuracy: float
    seconds: float

    @property
    def picks(self) -> int:
        """Regions that are picked, by clicks and drags."""
        return sum(len(one.points) for one in self.gestures if one.tool != "polygon")

    @property
    def polygons(self) -> int:
        """Number of polygons."""
        return sum(one.tool == "polygon" for one in self.gestures)

    @property
    def vertices(self) -> int:
        """Corners of all polygons."""
        return sum(len(one.points) for one in self.gestures if one.tool == "polygon")


def plan(
    hierarchy: Hierarchy,
    truth: NDArray[np.uint8],
    *,
    accuracy: float,
    times: Times,
    by_picks: Sequence[float] = (0.8, 0.85, 0.9, 0.925, 0.95, 0.965, 0.98),
    begun: NDArray[np.uint8] | None = None,
) -> Plan:
    """Return the quickest of some plans that reach an accuracy: picks up to some share, then polygons.

    Parameters
    ----------
    hierarchy
        Of the zone.
    truth
        Shape (row, col). Codes, none 0.
    accuracy
        Share of the pixels to get right.
    times
        Of the operators.
    by_picks
        Accuracies up to which picks go.
    begun
        Labels that are there already; picks then go for what is wrong in them only.
    """
    found = []
    for share in sorted({min(share, accuracy) for share in by_picks}):
        try:
            one = _plan(hierarchy, truth, accuracy, share, times, begun)
        except ValueError:
            continue
        if one is not None:
            found.append(one)
    return min(found, key=lambda one: one.seconds)


def seconds_of(gestures: Sequence[Gesture], times: Times) -> float:
    """Return how long some gestures take, in order."""
    spent, tool, code, scale, place = 0.0, "pick", -1, 0.0, -2
    for one in gestures:
        if one.place != place:
            spent += times.decide + times.key  # the next tile, by its key, and a look at it
        kind = "polygon" if one.tool == "polygon" else "pick"
        if kind != tool:
            spent += times.key
        if one.code != code:
            spent += times.decide + times.key
        if kind == "polygon":
            spent += times.decide + len(one.points) * (times.point + times.click) + times.key
        else:
            if scale and one.scale != scale:
                octaves = abs(np.log2(max(one.scale, 1e-3)) - np.log2(max(scale, 1e-3)))
                spent += times.notch * np.ceil(octaves / times.octaves_per_notch)
            spent += times.point + times.click + times.near * (len(one.points) - 1)
            scale = one.scale
        tool, code, place = kind, one.code, one.place
    return float(spent)


def _plan(
    hierarchy: Hierarchy,
    truth: NDArray[np.uint8],
    accuracy: float,
    by_picks: float,
    times: Times,
    begun: NDArray[np.uint8] | None,
) -> Plan | None:
    from workbench.errors import HierarchyError

    labels = np.zeros_like(truth) if begun is None else begun.copy()
    try:
        picked = _picks(hierarchy, truth, by_picks, labels)
    except HierarchyError:
        return None
    gestures = _dragged(hierarchy, picked)
    for one in gestures:
        _paint(hierarchy, one, labels)
    mended = labels.copy()
    for one in _polygons(truth, mended, accuracy):
        window, inside = polygon_mask(one.points, truth.shape)
        labels[window.slices][inside] = one.code
        gestures.append(one)
    right = float((labels == truth).mean())
    if right < accuracy:
        return None
    return Plan(gestures=tuple(gestures), labels=labels, accuracy=right, seconds=seconds_of(gestures, times))


def _picks(
    hierarchy: Hierarchy, truth: NDArray[np.uint8], accuracy: float, labels: NDArray[np.uint8]
) -> list[Gesture]:
    """Return the fewest nested picks, in an order in which a hand makes them.

    Large regions in a view of the whole zone, outer ones first; then tile by tile.
    """
    found, width = [], -(-truth.shape[1] // _TILE)
    tiles: dict[tuple[int, int], int] = {}
    for depth, pick in enumerate(
        nested_picks(hierarchy, truth, accuracy, begun=labels if labels.any() else None)
    ):
        node = hierarchy.node_at(pick.row, pick.col, pick.scale)
        large = hierarchy.pixel_count(node) >= _LARGE
        row, col = _inside(hierarchy, node, pick.row, pick.col)
        tile = -1 if large else (row // _TILE) * width + col // _TILE
        # What lies inside a region is picked after it, in the same tile or a later one.
        for first, stop in list(tiles):
            if first <= node.first and node.stop <= stop:
                tile = max(tile, tiles[first, stop])
        if not large:
            tiles[node.first, node.stop] = tile
        found.append(
            (
                tile,
                depth,
                Gesture(
                    tool="pick", points=((row, col),), code=int(pick.value), scale=pick.scale, place=tile
                ),
            )
        )
    found.sort(key=lambda one: (one[0], one[1]))
    return _by_class([gesture for _, _, gesture in found], hierarchy)


def _by_class(gestures: list[Gesture], hierarchy: Hierarchy) -> list[Gesture]:
    """Bring picks of one class together where none lies inside another: fewer changes of class and scale."""
    ordered: list[Gesture] = []
    group: list[tuple[Gesture, int, int]] = []

    def flush() -> None:
        ordered.extend(
            one
            for one, _, _ in sorted(group, key=lambda item: (item[0].code, -item[0].scale, item[0].points))
        )
        group.clear()

    for gesture in gestures:
        row, col = map(int, gesture.points[0])
        node = hierarchy.node_at(row, col, gesture.scale)
        inside = any(first <= node.first and node.stop <= stop for _, first, stop in group)
        if group and (group[0][0].place != gesture.place or inside):
            flush()
        group.append((gesture, node.first, node.stop))
    flush()
    return ordered


def _dragged(hierarchy: Hierarchy, gestures: list[Gesture]) -> list[Gesture]:
    """Join picks of one class and scale into drags, where a straight way touches no other region."""
    joined: list[Gesture] = []
    for gesture in gestures:
        last = joined[-1] if joined else None
        if (
            last is not None
            and last.code == gesture.code
            and last.place == gesture.place >= 0
            and _reaches(hierarchy, last, gesture)
        ):
            scale = max(last.scale, gesture.scale)
            joined[-1] = replace(last, tool="drag", points=(*last.points, *gesture.points), scale=scale)
        else:
            joined.append(gesture)
    return joined


def _reaches(hierarchy: Hierarchy, last: Gesture, gesture: Gesture) -> bool:
    """Tell whether a drag can go on to another pick, touching what both take and nothing else."""
    from skimage.draw import line

    (row, col), (to_row, to_col) = last.points[-1], gesture.points[0]
    if np.hypot(to_row - row, to_col - col) > _NEAR:
        return False
    scale = max(last.scale, gesture.scale)
    wanted = set()
    for one in (last, gesture):
        for r, c in one.points:
            node = hierarchy.node_at(int(r), int(c), one.scale)
            at_scale = hierarchy.node_at(int(r), int(c), scale)
            if (node.first, node.stop) != (at_scale.first, at_scale.stop):
                return False
            wanted.add((node.first, node.stop))
    rows, cols = line(int(row), int(col), int(to_row), int(to_col))
    for r, c in zip(rows.tolist(), cols.tolist(), strict=True):
        node = hierarchy.node_at(r, c, scale)
        if (node.first, node.stop) not in wanted:
            return False
    return True


def _polygons(truth: NDArray[np.uint8], labels: NDArray[np.uint8], accuracy: float) -> list[Gesture]:
    """Return polygons around what is wrong, the largest ones, that reach an accuracy; tile by tile."""
    missing = int(np.ceil(accuracy * truth.size)) - int((labels == truth).sum())
    width = -(-truth.shape[1] // _TILE)
    wrong = np.where(labels != truth, truth, 0)
    chosen: list[tuple[int, Gesture]] = []
    places = []
    for code in np.unique(wrong[wrong > 0]).tolist():
        patches, count = ndimage.label(wrong == code)
        sizes = np.bincount(patches.reshape(-1))
        boxes = ndimage.find_objects(patches)
        places += [
            (int(sizes[number]), code, boxes[number - 1], number, patches) for number in range(1, count + 1)
        ]
    places.sort(key=lambda one: -one[0])
    for _, code, box, number, patches in places[:_MOST_POLYGONS]:
        if missing <= 0:
            break
        mask = patches[box] == number
        corners = _outline(mask, box[0].start, box[1].start)
        if corners is None:
            continue
        window, inside = polygon_mask(corners, truth.shape)
        here, right = labels[window.slices], truth[window.slices]
        gain = int(((right == code) & (here != code) & inside).sum()) - int(
            ((right == here) & (here != code) & inside).sum()
        )
        if gain < 0.5 * mask.sum():
            continue
        here[inside] = code
        missing -= gain
        tile = int(corners[0][0]) // _TILE * width + int(corners[0][1]) // _TILE
        chosen.append((tile, Gesture(tool="polygon", points=tuple(corners), code=code, place=tile)))
    return [gesture for _, gesture in sorted(chosen, key=lambda one: (one[0], one[1].code))]


def _outline(mask: NDArray[np.bool_], top: int, left: int) -> list[tuple[float, float]] | None:
    """Return the corners of a polygon around some pixels, to one and a half pixels; None if it has none."""
    from skimage.measure import approximate_polygon, find_contours

    contours = find_contours(np.pad(mask, 1).astype(float), 0.5)
    outer = max(contours, key=len)
    corners = approximate_polygon(outer, tolerance=1.5)[:-1] - 1
    if len(corners) < 3:
        return None
    return [(float(row) + top, float(col) + left) for row, col in corners]


def _paint(hierarchy: Hierarchy, gesture: Gesture, labels: NDArray[np.uint8]) -> None:
    for row, col in gesture.points:
        window, mask = hierarchy.mask(hierarchy.node_at(int(row), int(col), gesture.scale))
        labels[window.slices][mask] = gesture.code


def _inside(hierarchy: Hierarchy, node: Any, row: int, col: int) -> tuple[int, int]:
    """Return the pixel of a region that is farthest from its border: where a hand points."""
    window, mask = hierarchy.mask(node)
    step = max(1, int(max(window.shape) // 600))
    depth = ndimage.distance_transform_edt(np.pad(mask[::step, ::step], 1))[1:-1, 1:-1]
    at = np.unravel_index(int(depth.argmax()), depth.shape)
    found = window.row + int(at[0]) * step, window.col + int(at[1]) * step
    return found if depth[at] > 0 else (row, col)
