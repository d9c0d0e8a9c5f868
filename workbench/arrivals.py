"""Zones that come into a registry: what they bring, and what they get for ever: fold, place and numbers."""

from __future__ import annotations

__all__ = ["Arrival", "give_fold", "give_numbers", "give_place", "insert", "kept_numbers"]

import math
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from workbench.active.offer import Offer
from workbench.errors import CampaignError
from workbench.export.assistance import Choice
from workbench.export.folds import fold_for
from workbench.geo.zone import Cell, Zone


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A zone that comes into a registry, and what it has from another one."""

    zone: Zone
    fold: int | None = None
    """Fold (1–5) that its domain has to have; None where the registry may choose."""
    numbers: Mapping[Cell, int] = field(default_factory=dict)
    """Numeric id of each of its patches in the other registry; empty for new patches."""
    gold: float | None = None
    """Share of its pixels that has to be right, if it is a gold zone there."""
    choice: Choice | None = None
    """How it was chosen, where that was not by a person."""
    offer: Offer | None = None
    """Why it was proposed, where it was."""


def kept_numbers(
    connection: sqlite3.Connection, arrivals: Sequence[Arrival]
) -> dict[str, Mapping[Cell, int]]:
    """Return, by zone, the numbers that zones bring along and of which none is taken."""
    kept: dict[str, Mapping[Cell, int]] = {}
    taken: set[int] = set()
    if any(arrival.numbers for arrival in arrivals):
        taken = {number for (number,) in connection.execute("SELECT number FROM patches")}
    for arrival in arrivals:
        if arrival.numbers and taken.isdisjoint(arrival.numbers.values()):
            kept[arrival.zone.id] = arrival.numbers
            taken |= set(arrival.numbers.values())
    return kept


def insert(connection: sqlite3.Connection, table: str, values: Mapping[str, Any]) -> None:
    """Write a row."""
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608


def give_fold(
    connection: sqlite3.Connection,
    arrival: Arrival,
    areas: Mapping[int, float],
    beside: Sequence[Zone],
    held: Collection[int],
) -> int:
    """Put a zone's domain, if it is new, into the fold that the zone brings, or its own; return it.

    What was proposed, or chosen without chance, comes into none of the folds that are held for test.
    """
    domain, wanted = arrival.zone.domain, arrival.fold
    folds = dict(connection.execute("SELECT name, fold FROM domains").fetchall())
    choice = arrival.choice
    biased = choice is not None and (arrival.offer is not None or choice.inclusion is None)
    if biased:
        areas = {fold: math.inf if fold in held else area for fold, area in areas.items()}
    own = fold_for(domain, folds, areas, beside=[zone.domain for zone in beside])
    fold = folds.get(domain, wanted if wanted is not None else own)
    if wanted not in (None, fold):
        raise CampaignError(
            f"zone {arrival.zone.id} comes with fold {wanted}, but its domain is in fold {fold} here, and a "
            "domain keeps its fold for ever; put the zone into another campaign"
        )
    if biased and choice is not None and fold in held:
        raise CampaignError(
            f"zone {arrival.zone.id} was chosen by {choice.strategy} and would be in fold {fold}, "
            "which is kept for test; label other ground"
        )
    if domain not in folds:
        insert(connection, "domains", {"name": domain, "fold": fold})
    return int(fold)


def give_place(connection: sqlite3.Connection, arrival: Arrival, beside: Sequence[Zone]) -> None:
    """Have a zone drawn together with the nearest of the zones beside it, at whatever date, for ever."""
    if beside:
        first = beside[0].id
        row = connection.execute("SELECT place FROM places WHERE zone = ?", (first,)).fetchone()
        values = arrival.zone.id, row[0] if row else first
        connection.execute("INSERT OR REPLACE INTO places VALUES (?, ?)", values)


def give_numbers(connection: sqlite3.Connection, zone: Zone, numbers: Mapping[Cell, int]) -> None:
    """Give each patch of a zone its number for ever: the one that it brings, or else the next."""
    connection.executemany(
        "INSERT INTO patches (number, zone, row, col) VALUES (?, ?, ?, ?)",
        [(numbers.get(cell), zone.id, cell.row, cell.col) for cell in zone.cells],
    )
