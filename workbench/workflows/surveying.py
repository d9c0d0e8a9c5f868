"""A published tree looked over before anything is written: what of it makes zones, and what does not fit."""

from __future__ import annotations

__all__ = ["Survey", "ZonePlan", "survey_tree"]

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, time
from functools import partial
from typing import TypeVar

from affine import Affine

from workbench.errors import GridError, WorkbenchError
from workbench.export.modalities import MODALITIES
from workbench.export.patches import LABEL, ground_cell
from workbench.export.trees import Tree
from workbench.geo.grid import NATIONAL_GRID, PixelGrid
from workbench.geo.lonlat import check_ground
from workbench.geo.zone import LARGEST_ZONE, Cell, Zone, check_names, domain_of
from workbench.nomenclature import Nomenclature
from workbench.threads import Map
from workbench.workflows.fitting import SeenPatch, look_at

T = TypeVar("T")
_LARGEST_NUMBER = 10**12 - 1
_NEAR = 1.0
"""Metres that a centre may lie beside the raster's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZonePlan:
    """A zone as it is going to be."""

    id: str
    grid: PixelGrid
    cells: Mapping[Cell, str]
    """Name of the patch of each cell, by row, then column."""
    numbers: Mapping[Cell, int]
    """Those that patches bring along."""
    bands: tuple[str, ...]
    labelled: int
    """Patches that have labels."""
    views: tuple[str, ...]
    """Modalities that all of its patches have."""
    dates: Mapping[str, tuple[date, ...]]
    """By modality, the days that it shows, the same of all patches."""
    acquired: date | None
    time_of_day: time | None
    camera: str | None
    theme: str | None


@dataclass(slots=True, kw_only=True)
class Survey:
    """What was found out about a tree."""

    plans: list[ZonePlan] = field(default_factory=list)
    unfit: dict[str, list[str]] = field(default_factory=dict)
    """By id, why zones do not fit: a sentence each."""
    notes: Counter[str] = field(default_factory=Counter)
    """What is not taken over as it is, and in how many zones."""


def survey_tree(
    tree: Tree,
    zones: Iterable[str],
    nomenclature: Nomenclature,
    *,
    others: Iterable[Zone] = (),
    progress: Callable[[int, int], None] | None = None,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> Survey:
    """Look zones of a tree over: headers of all files, and all labels; pixels of pictures are not read.

    Parameters
    ----------
    tree
        The tree.
    zones
        Ids of those of its zones that are meant.
    nomenclature
        Of the labels.
    others
        Zones whose ground is taken.
    progress
        Called with the zones done and their total after each.
    map
        Such as `workbench.threads.in_threads` gives.
    """
    chosen, found = tuple(zones), Survey()
    ground = {(zone.domain, cell): zone.id for zone in others for cell in _ground(zone.grid, zone.cells)}
    numbers: dict[int, str] = {}
    for done, zone in enumerate(chosen, start=1):
        problems = _survey_zone(tree, zone, nomenclature, found, map)
        if not problems:
            problems += _shared(found.plans[-1], ground, numbers)
        if problems:
            found.unfit[zone] = problems
            found.plans = [plan for plan in found.plans if plan.id != zone]
        if progress is not None:
            progress(done, len(chosen))
    return found


def _survey_zone(
    tree: Tree,
    zone: str,
    nomenclature: Nomenclature,
    found: Survey,
    map: Map,  # noqa: A002
) -> list[str]:
    """Add the plan of a zone to what was found; return what does not fit."""
    domain, _, name = zone.partition("/")
    try:
        check_names(domain, name)
        patches = tree.patches(zone)
    except WorkbenchError as error:
        return [str(error)]
    look = partial(look_at, tree, nomenclature)
    seen: list[SeenPatch] = []
    wrong: list[str] = []
    for one in map(look, patches):
        if isinstance(one, str):
            wrong.append(one)
        else:
            seen.append(one)
    problems = [*_counted(wrong), *_of_several(seen)]
    if problems:
        return problems
    plan, notes = _plan(tree, zone, seen)
    if max(plan.grid.shape) > LARGEST_ZONE:
        rows, cols = plan.grid.shape
        return [
            f"it is {rows:,} × {cols:,} pixels, and a zone at most {LARGEST_ZONE:,} a side; part it first"
        ]
    try:
        check_ground(plan.grid)
    except GridError as error:
        return [str(error)]
    found.plans.append(plan)
    found.notes.update(notes)
    return []


def _counted(sentences: Sequence[str]) -> list[str]:
    """Return the first of some sentences, and how many more there are."""
    more = f" (and {len(sentences) - 1} more patches do not fit)" if len(sentences) > 1 else ""
    return [f"{sentences[0]}{more}"] if sentences else []


def _of_several(seen: Sequence[SeenPatch]) -> Iterator[str]:
    """Yield why patches, each of which fits, make no zone together."""
    days = sorted({one.patch.acquired for one in seen if one.patch.acquired is not None})
    if len(days) > 1:
        listed = " and ".join(f"{sum(one.patch.acquired == day for one in seen)} of {day}" for day in days)
        yield f"its patches are of {len(days)} dates ({listed}), and a zone has one; part it by date first"
    cells: dict[Cell, str] = {}
    for one in seen:
        cell = ground_cell(one.header.grid)
        if cell in cells:
            yield f"{cells[cell]} and {one.patch.image.called} show the same ground; take one of them away"
            break
        cells[cell] = one.patch.image.called
    if len({one.header.bands for one in seen}) > 1:
        yield "its images have different numbers of bands; take some of them away"
    if len({one.patch.number is None for one in seen}) > 1:
        yield "some of its patches have numbers and some have none; number them all"
    if large := [one for one in seen if one.patch.number is not None and one.patch.number > _LARGEST_NUMBER]:
        called, number = large[0].patch.image.called, large[0].patch.number
        yield f"{called} has the number {number}, and numbers have at most 12 digits; rename image and mask"


def _shared(plan: ZonePlan, ground: dict[tuple[str, Cell], str], numbers: dict[int, str]) -> list[str]:
    """Note what a zone takes; return what another one has already."""
    domain = domain_of(plan.id)
    own = {(domain, cell) for cell in _ground(plan.grid, plan.cells)}
    problems = []
    if taken := sorted({ground[cell] for cell in own & ground.keys()}):
        problems.append(f"it shows ground of zone {taken[0]} of the same domain; take one of them away")
    if twice := sorted(set(plan.numbers.values()) & numbers.keys()):
        problems.append(
            f"number {twice[0]} is a patch of zone {numbers[twice[0]]}, too; a number is given once"
        )
    if not problems:
        ground.update(dict.fromkeys(own, plan.id))
        numbers.update(dict.fromkeys(plan.numbers.values(), plan.id))
    return problems


def _ground(grid: PixelGrid, cells: Iterable[Cell]) -> Iterator[Cell]:
    """Yield the cells of a zone by their number in the national grid."""
    corner = ground_cell(grid)
    yield from (Cell(row=corner.row + cell.row, col=corner.col + cell.col) for cell in cells)


def _plan(tree: Tree, zone: str, seen: Sequence[SeenPatch]) -> tuple[ZonePlan, list[str]]:
    """Return the plan of a zone, and what of it is not taken over as it is."""
    places = {ground_cell(one.header.grid): one for one in seen}
    row, col = min(cell.row for cell in places), min(cell.col for cell in places)
    cells = {Cell(row=cell.row - row, col=cell.col - col): one for cell, one in sorted(places.items())}
    side, pitch, step = NATIONAL_GRID.pixels, NATIONAL_GRID.pitch, NATIONAL_GRID.resolution
    left, top = round(NATIONAL_GRID.x + col * pitch, 3), round(NATIONAL_GRID.y - row * pitch, 3)
    grid = PixelGrid(
        crs=NATIONAL_GRID.crs,
        transform=Affine(step, 0.0, left, 0.0, -step, top),
        height=side * (1 + max(cell.row for cell in cells)),
        width=side * (1 + max(cell.col for cell in cells)),
    )
    patches = [one.patch for one in seen]
    views, dates = _common(seen)
    acquired = _only(one.acquired for one in patches)
    plan = ZonePlan(
        id=zone,
        grid=grid,
        cells={cell: one.patch.name for cell, one in cells.items()},
        numbers={cell: one.patch.number for cell, one in cells.items() if one.patch.number is not None},
        bands=tree.bands[seen[0].header.bands],
        labelled=sum(one.label is not None for one in patches),
        views=views,
        dates=dates,
        acquired=acquired,
        time_of_day=_only(one.time_of_day for one in patches) if acquired else None,
        camera=_only(one.camera for one in patches),
        theme=tree.theme(zone),
    )
    return plan, [*_notes(seen, plan, cells)]


def _common(seen: Sequence[SeenPatch]) -> tuple[tuple[str, ...], dict[str, tuple[date, ...]]]:
    """Return the modalities that all patches have, of the same days, and these days."""
    views, dates = [], {}
    for name in MODALITIES:
        days = {tuple(one.patch.dates.get(name, ())) for one in seen}
        if all(name in one.views for one in seen) and (len(days) == 1 or not MODALITIES[name].series):
            views.append(name)
            dates[name] = days.pop() if len(days) == 1 else ()
    return tuple(views), dates


def _notes(seen: Sequence[SeenPatch], plan: ZonePlan, cells: Mapping[Cell, SeenPatch]) -> Iterator[str]:
    """Yield what a person should know that has this tree imported, the same words for each zone."""
    for what, values in (
        ("times of day", [one.patch.time_of_day for one in seen]),
        ("cameras", [one.patch.camera for one in seen]),
    ):
        if any(values) and _only(values) is None:
            yield f"patches have several {what}, and a zone has one: none is kept"
    for name in MODALITIES:
        if name not in plan.views and any(name in one.patch.views for one in seen):
            yield f"{name} stays out: not all patches have it, in the form and on the days that it needs"
    if 0 < plan.labelled < len(seen):
        yield f"some patches have no {LABEL}: what there is was imported and is not accepted"
    placed = [(cell, one.patch.place) for cell, one in cells.items() if one.patch.place is not None]
    if any(place != (cell.row + 1, cell.col + 1) for cell, place in placed):
        yield "rows and columns are counted anew, from the first patch that is there"
    apart = [one for one in seen if one.patch.centre is not None and _beside(one) > _NEAR]
    if apart:
        yield "centres in the metadata lie beside those of the rasters, which count"


def _only(values: Iterable[T | None]) -> T | None:
    """Return the value that is known, None where there are several or none."""
    known = {value for value in values if value is not None}
    return known.pop() if len(known) == 1 else None


def _beside(one: SeenPatch) -> float:
    """Return how many metres a centre that somebody wrote lies beside that of the raster."""
    bounds, centre = one.header.grid.bounds, one.patch.centre
    x, y = (bounds.left + bounds.right) / 2, (bounds.bottom + bounds.top) / 2
    return max(abs(centre[0] - x), abs(centre[1] - y)) if centre else 0.0
