"""One arm on one pool with one seed: choose, label, learn, measure, until the picks are spent.

Every arm begins with the same four zones of a seed, labelled from nothing and not counted, and has the same
picks to spend, in rounds. A zone costs `annotator.OPENING` picks, and those that are left after the
pre-labels of the head of that round. After each round the head learns anew from all labelled zones and is
judged on the pool's test zones.
"""

from __future__ import annotations

__all__ = ["BUDGETS", "ROUNDS", "Course", "Field", "Point", "Score", "full_pool", "open_field", "run_arm"]

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from annotator import OPENING, picks_from_nothing, picks_left
from arms import ARMS, ORACLES
from linear_head import Head, Settings, confusion, fit, intersection_over_union
from numpy.typing import NDArray
from pools import SIDE, Pool, PoolSet, PoolZone, initial_zones, make_pool
from views import View, Zones
from zone_tables import CODES, ZoneTable, load_tables

BUDGETS: Mapping[str, float] = {"redundant": 1000.0, "diverse": 1500.0, "hidden_rare": 1500.0}
"""Picks after the start, such that the random arm comes to 90 to 97 % of what the full pool teaches."""
ROUNDS = 12
_HALF = SIDE * 0.2 / 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Field:
    """A pool with its tables."""

    pool: Pool
    tables: tuple[ZoneTable, ...]
    """Of the candidates."""
    tested: tuple[ZoneTable, ...]
    zones: Zones
    pixels: NDArray[np.int64]
    """Shape (candidate, class). The truth."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """How good a head is on the pool's test zones."""

    miou: float
    """Mean IoU over the classes that the test zones have; one that was never learned counts 0."""
    iou: Mapping[int, float]
    """By FLAIR code."""
    domains: Mapping[str, float]
    """Mean IoU on the test zones of each domain, over the classes that they have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """The state after a round."""

    picks: float
    """Spent since the start."""
    score: Score
    zones: tuple[str, ...]
    """Labelled in this round, in order."""
    costs: tuple[float, ...]
    """Picks of each, opening included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What became of an arm; the first point is the start."""

    pool: str
    set: PoolSet
    arm: str
    seed: int
    budget: float
    points: tuple[Point, ...]


def open_field(name: str, which: PoolSet, cache: Path, *, processes: int = 2) -> Field:
    """Read a pool's tables, made first where they are missing."""
    pool = make_pool(name, which)
    found = load_tables([*pool.candidates, *pool.tested], cache, processes=processes)
    tables = tuple(found[zone.id] for zone in pool.candidates)
    return Field(
        pool=pool,
        tables=tables,
        tested=tuple(found[zone.id] for zone in pool.tested),
        zones=_zones(pool.candidates, tables),
        pixels=np.stack([table.counts.sum(axis=0) for table in tables]),
    )


def full_pool(field: Field, settings: Settings) -> Score:
    """Return what a head is worth that learned from all candidates."""
    return _judged(field, fit(field.tables, settings))


def run_arm(
    field: Field, arm: str, seed: int, *, settings: Settings, budget: float, rounds: int = ROUNDS
) -> Course:
    """Run an arm from the start of a seed until its picks are spent, or the pool is."""
    labelled = list(initial_zones(field.pool, seed))
    head = fit([field.tables[at] for at in labelled], settings)
    costs = [float(OPENING + picks_from_nothing(field.tables[at])) for at in labelled]
    points = [_point(field, 0.0, head, labelled, costs)]
    spent = 0.0
    for number in range(rounds):
        goal = budget * (number + 1) / rounds
        left = [at for at in range(len(field.tables)) if at not in set(labelled)]
        if not left or spent >= goal:
            continue
        order = _chosen(field, arm, seed, number, labelled, left, head, goal - spent)
        taken, costs = _labelled(field, order, head, goal - spent)
        spent += sum(costs)
        labelled += taken
        head = fit([field.tables[at] for at in labelled], settings)
        points.append(_point(field, spent, head, taken, costs))
    return Course(
        pool=field.pool.name, set=field.pool.set, arm=arm, seed=seed, budget=budget, points=tuple(points)
    )


def _chosen(
    field: Field,
    arm: str,
    seed: int,
    number: int,
    labelled: Sequence[int],
    left: Sequence[int],
    head: Head,
    budget: float,
) -> list[int]:
    """Ask an arm; return candidates in its order."""
    view = View(
        candidates=field.zones.taken(left),
        labelled=field.zones.taken(labelled),
        labelled_pixels=field.pixels[list(labelled)],
        tables=[field.tables[at] for at in left],
        labelled_tables=[field.tables[at] for at in labelled],
        head=head,
        round_number=number,
    )
    rng = np.random.default_rng((seed, number, zlib.crc32(f"{field.pool.name} {arm}".encode())))
    if arm in ORACLES:
        order = ORACLES[arm](view, rng, budget, field.pixels[list(left)])
    else:
        order = ARMS[arm](view, rng, budget)
    if len(set(order)) != len(order) or not all(0 <= place < len(left) for place in order):
        raise ValueError(f"arm {arm} chose {list(order)[:8]}… of {len(left)} candidates; each place once")
    return [left[place] for place in order]


def _labelled(field: Field, order: Sequence[int], head: Head, budget: float) -> tuple[list[int], list[float]]:
    """Label zones in order until the budget is spent; return them and what each cost."""
    taken: list[int] = []
    costs: list[float] = []
    for at in order:
        if sum(costs) >= budget:
            break
        table = field.tables[at]
        taken.append(at)
        costs.append(float(OPENING + picks_left(table, head.proba(table.features))))
    return taken, costs


def _point(field: Field, picks: float, head: Head, taken: Sequence[int], costs: Sequence[float]) -> Point:
    return Point(
        picks=picks,
        score=_judged(field, head),
        zones=tuple(field.zones.ids[at] for at in taken),
        costs=tuple(costs),
    )


def _judged(field: Field, head: Head) -> Score:
    domains = [zone.domain for zone in field.pool.tested]
    found = {
        domain: confusion(
            head, [table for table, of in zip(field.tested, domains, strict=True) if of == domain]
        )
        for domain in dict.fromkeys(domains)
    }
    whole = intersection_over_union(np.sum(list(found.values()), axis=0))
    return Score(
        miou=float(np.nanmean(whole)),
        iou={code: float(value) for code, value in zip(CODES, whole, strict=True) if not np.isnan(value)},
        domains={
            domain: float(np.nanmean(intersection_over_union(pixels))) for domain, pixels in found.items()
        },
    )


def _zones(zones: Sequence[PoolZone], tables: Sequence[ZoneTable]) -> Zones:
    means, spreads = [], []
    for table in tables:
        share = (table.area / table.area.sum()).astype(np.float32)
        mean = share @ table.features
        means.append(mean)
        spreads.append(np.sqrt(np.maximum(share @ (table.features - mean) ** 2, 0)))
    return Zones(
        ids=tuple(zone.id for zone in zones),
        domains=tuple(zone.domain for zone in zones),
        themes=tuple(zone.theme for zone in zones),
        x=np.array([zone.x + _HALF for zone in zones]),
        y=np.array([zone.y - _HALF for zone in zones]),
        features=np.stack(means),
        spread=np.stack(spreads),
    )
