"""Edits that depend on what is there already: fill, merge, recode, absorb, protect.

The window and label scripts make their edits here, so that a gesture and a line of a script are the same.
"""

from __future__ import annotations

__all__ = [
    "Given",
    "Region",
    "UNLABELLED",
    "absorbing",
    "filling",
    "given_of",
    "merging",
    "painting",
    "painting_spans",
    "protecting",
    "recoding",
    "shielding",
]

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused, NothingToDo
from workbench.geo.grid import Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import (
    ACCEPTED,
    OPEN,
    PROTECTED,
    AssignMask,
    Protect,
    Provenance,
    assign,
    assign_spans,
)
from workbench.labels.strokes import given_map, patch_mask
from workbench.nomenclature import Nomenclature

UNLABELLED = "unlabelled"
"""What erases, in place of the key of a class."""
_NEIGHBOURS = ((-1, 0), (1, 0), (0, -1), (0, 1))
Region = tuple[Window, NDArray[np.bool_]]
"""Some pixels of a zone: the window that holds them, and which of its pixels they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What an edit gives its pixels: a class, an upper class, or nothing."""

    code: int
    """0 erases."""
    upper: str | None = None
    """Key of the upper class, where the author is sure of no class."""


def given_of(nomenclature: Nomenclature, key: str) -> Given:
    """Return what a key gives: that of a class, of an upper class, or ``unlabelled``.

    Raises
    ------
    NomenclatureError
        There is no such class.
    """
    if key == UNLABELLED:
        return Given(code=0)
    if all(group.key != key for group in nomenclature.groups):
        return Given(code=nomenclature.by_key(key).code)
    fallback = nomenclature.upper(key).fallback
    return Given(code=nomenclature.by_key(fallback).code if fallback else 0, upper=key)


def painting(region: Region, given: Given, made: Provenance) -> AssignMask:
    """Return the edit that gives all pixels of a region a class."""
    window, mask = region
    edit = assign(mask, window, given.code, made)
    return edit if given.upper is None else replace(edit, upper=given.upper)


def painting_spans(spans: NDArray[np.int32], given: Given, made: Provenance) -> AssignMask:
    """Return the edit that gives all pixels of some spans (see `workbench.geo.spans`) a class."""
    edit = assign_spans(spans, code=given.code, provenance=made)
    return edit if given.upper is None else replace(edit, upper=given.upper)


def filling(store: AnnotationStore, region: Region, given: Given, made: Provenance) -> AssignMask:
    """Return the edit that gives the pixels of a region a class that have no label yet.

    Raises
    ------
    EditRefused
        They all have one, or may not be painted; or nothing is given.
    """
    if given == Given(code=0):
        raise EditRefused("what is unlabelled stays so if it is given nothing; name a class to fill it with")
    window, mask = region
    bare = mask & (_given_in(store, window)[0] == 0) & store.footprint[window.slices]
    if not bare.any():
        raise NothingToDo("everything there is labelled already")
    bare &= store.protected_in(window) == OPEN
    if not bare.any():
        raise EditRefused("what is unlabelled there is protected; unprotect it to label it")
    return painting((window, bare), given, made)


def merging(
    store: AnnotationStore,
    nomenclature: Nomenclature,
    *,
    source: tuple[int, int],
    target: tuple[int, int],
) -> AssignMask:
    """Return the edit that gives the patch at one pixel the class, or upper class, of another pixel.

    Parameters
    ----------
    store, nomenclature
        Of the zone.
    source, target
        (row, col) of the pixel whose class is given, and of one of the patch that gets it.

    Raises
    ------
    EditRefused
        There is no label at one of them, or they have the same.
    """
    given, keys = _given_in(store, store.grid.whole)
    patch_mask(given, *source)  # that there is a label
    region = patch_mask(given, *target)
    if given[source] == given[target]:
        raise NothingToDo(f"({target[0]}, {target[1]}) has the class of ({source[0]}, {source[1]}) already")
    upper = int(given[source]) >> 8
    there = given_of(nomenclature, keys[upper - 1]) if upper else Given(code=int(store.labels[source]))
    return painting(region, there, Provenance(tool="merge"))


def recoding(
    store: AnnotationStore, nomenclature: Nomenclature, region: Region | None, *, old: str, new: str
) -> AssignMask:
    """Return the edit that gives what has one class, or upper class, another class, in a region or anywhere.

    Raises
    ------
    EditRefused
        Nothing there has it.
    NomenclatureError
        There is no such class.
    """
    window, mask = region if region is not None else (store.grid.whole, np.True_)
    given, keys = _given_in(store, window)
    if old in {group.key for group in nomenclature.groups}:
        found = given >> 8 == keys.index(old) + 1 if old in keys else np.False_
    else:
        found = given == nomenclature.by_key(old).code
    there = np.asarray(found & mask)
    if old == new or not there.any():
        raise NothingToDo(f"there is no {old} there to recode" if old != new else f"{old} is {new} already")
    return painting((window, there), given_of(nomenclature, new), Provenance(tool="recode"))


def protecting(store: AnnotationStore, region: Region, *, on: bool, accepted: bool = False) -> Protect:
    """Return the edit that protects the pixels of a region, or lets them be painted again.

    Raises
    ------
    EditRefused
        There is nothing to accept, or nothing that could be undone.
    """
    window, mask = region
    if accepted and on and not (mask & (store.labels[window.slices] > 0)).any():
        raise EditRefused("nothing is labelled there yet that could be accepted")
    least, verb = (ACCEPTED, "accepted") if accepted else (PROTECTED, "protected or accepted")
    if not on and not (mask & (store.protected_in(window) >= least)).any():
        raise EditRefused(f"nothing is {verb} there")
    shield = assign(mask, window, 1, Provenance(tool="protect")).mask
    return Protect(mask=shield, on=on, accepted=accepted)


def shielding(store: AnnotationStore, region: Region) -> Protect:
    """Return the edit that protects a region, or that unprotects it where all of it is protected.

    Raises
    ------
    EditRefused
        A reviewer accepted all of it, which unprotecting does not change.
    """
    window, mask = region
    levels = store.protected_in(window)[mask & store.footprint[window.slices]]
    if levels.size and (levels == ACCEPTED).all():
        raise EditRefused("a reviewer accepted the labels there; have them opened for review again")
    return protecting(store, region, on=bool((levels == OPEN).any()))


def absorbing(
    store: AnnotationStore, nomenclature: Nomenclature, region: Region, *, smallest: int
) -> list[AssignMask]:
    """Return the edits by which the slivers of a region become part of their neighbours.

    A sliver is a connected patch (4 neighbours) of one label, or of none, of fewer pixels than ``smallest``
    that reaches into the region. The smallest go first, each into the neighbour with which it shares most of
    its border, until none is left: a heap of slivers ends in what surrounds it. Protected ones stay.

    Meant for `AnnotationStore.apply_all`.

    Raises
    ------
    EditRefused
        There is no sliver that has a labelled neighbour.
    """
    window, mask = region
    # A sliver that touches the region ends within as many pixels of it as it has.
    around = _widened(window, smallest, store.grid.whole)
    given, keys = _given_in(store, around)
    reached = np.zeros(around.shape, np.bool_)
    reached[window.within(around).slices] = mask
    inside = store.footprint[around.slices]
    free = inside & (store.protected_in(around) == OPEN)
    before = given.copy()
    while _absorb(given, inside, free, reached, smallest):
        pass
    changed = given != before
    if not changed.any():
        raise NothingToDo(f"there is no sliver of fewer than {smallest} pixels there")
    made = Provenance(tool="absorb")
    edits = []
    for value in np.unique(given[changed]).tolist():
        there = given_of(nomenclature, keys[(value >> 8) - 1]) if value >> 8 else Given(code=int(value))
        edits.append(painting((around, changed & (given == value)), there, made))
    return edits


def _widened(window: Window, margin: int, whole: Window) -> Window:
    top, left = max(0, window.row - margin), max(0, window.col - margin)
    bottom = min(whole.height, window.row_stop + margin)
    right = min(whole.width, window.col_stop + margin)
    return Window(row=top, col=left, height=bottom - top, width=right - left)


def _absorb(
    given: NDArray[np.uint16],
    inside: NDArray[np.bool_],
    free: NDArray[np.bool_],
    reached: NDArray[np.bool_],
    smallest: int,
) -> bool:
    """Give each sliver its neighbour's label, in place; return whether there may be more to do."""
    from skimage.measure import label, regionprops

    values = np.where(inside, given.astype(np.int32) + 1, 0)
    patches = label(values, background=0, connectivity=1)  # type: ignore[no-untyped-call]
    slivers = [one for one in regionprops(patches) if one.num_pixels < smallest]  # type: ignore[no-untyped-call]
    absorbed = False
    for sliver in sorted(slivers, key=lambda one: (one.num_pixels, one.label)):
        rows, cols = sliver.coords.T
        if reached[rows, cols].any() and free[rows, cols].all():
            neighbour = _longest_border(given, inside, rows, cols)
            if neighbour:
                given[rows, cols] = neighbour
                absorbed = True
    return absorbed


def _longest_border(
    given: NDArray[np.uint16], inside: NDArray[np.bool_], rows: NDArray[np.intp], cols: NDArray[np.intp]
) -> int:
    """Return the label with which some pixels of one value share most of their border; 0 if with none."""
    near = np.concatenate([(rows + down, cols + right) for down, right in _NEIGHBOURS], axis=1)
    height, width = given.shape
    near = near[:, (near >= 0).all(axis=0) & (near[0] < height) & (near[1] < width)]
    around = given[tuple(near[:, inside[tuple(near)]])]
    around = around[(around != given[rows[0], cols[0]]) & (around > 0)]
    if not around.size:
        return 0
    labels, counts = np.unique(around, return_counts=True)
    return int(labels[counts.argmax()])


def _given_in(store: AnnotationStore, window: Window) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    """Return what the pixels of a window were given as `given_map`, and the keys of its upper classes."""
    uppers, keys = store.uppers(window)
    return given_map(store.labels[window.slices], uppers), keys
