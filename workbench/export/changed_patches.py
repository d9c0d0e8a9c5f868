"""The patches that changed, kept where any number of them takes no memory to speak of."""

from __future__ import annotations

__all__ = ["ChangedPatch", "ChangedPatches"]

import json
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workbench.export.transitions import Move, Transitions, square_kilometres


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedPatch:
    """A patch whose labels or picture changed."""

    id: str
    """In the second release."""
    before: str
    """Id of the patch on the same ground in the first release."""
    zone: str
    """In the second release."""
    zone_before: str
    labels: bool
    """Whether its labels changed."""
    picture: bool
    """Whether its picture changed."""
    pixels: int = 0
    """That are certainly of another class."""
    untold: int = 0
    """Of which nobody can tell, see `workbench.export.transitions`."""
    moves: tuple[Move, ...] = ()
    """What changed, the most pixels first."""

    def document(self, pixel_area: float) -> dict[str, Any]:
        """Return the JSON view."""
        moves = Transitions({(move.before, move.after): move.pixels for move in self.moves})
        return {
            "id": self.id,
            "before": self.before,
            "zone": self.zone,
            "labels": self.labels,
            "picture": self.picture,
            "pixels": {"changed": self.pixels, "untold": self.untold},
            "km2": square_kilometres(self.pixels, pixel_area),
            "moves": moves.document(pixel_area),
        }


class ChangedPatches:
    """Patches, the largest change first."""

    def __init__(self) -> None:
        # A database without a name lies in memory, and on the disk where it grows large; it goes by itself.
        self._database = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        self._database.execute(
            "CREATE TABLE changed (id TEXT, before TEXT, zone TEXT, zone_before TEXT, "
            "labels INTEGER, picture INTEGER, pixels INTEGER, untold INTEGER, moves TEXT)"
        )
        self._database.execute("CREATE INDEX by_zone ON changed (zone)")
        self._database.execute("BEGIN")

    def add(self, patch: ChangedPatch) -> None:
        """Add a patch."""
        moves = [(move.before, move.after, move.pixels) for move in patch.moves]
        self._database.execute(
            "INSERT INTO changed VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                patch.id, patch.before, patch.zone, patch.zone_before, patch.labels, patch.picture,
                patch.pixels, patch.untold, json.dumps(moves),
            ),
        )  # fmt: skip

    def __len__(self) -> int:
        return int(self._database.execute("SELECT count(*) FROM changed").fetchone()[0])

    def __iter__(self) -> Iterator[ChangedPatch]:
        """Yield the patches by the pixels that changed, most first, then by id."""
        yield from map(_patch, self._database.execute(f"{_SELECT} ORDER BY pixels DESC, untold DESC, id"))

    def of_zone(self, zone: str) -> tuple[ChangedPatch, ...]:
        """Return those of a zone of the second release, by id."""
        return tuple(map(_patch, self._database.execute(f"{_SELECT} WHERE zone = ? ORDER BY id", (zone,))))


_SELECT = "SELECT id, before, zone, zone_before, labels, picture, pixels, untold, moves FROM changed"


def _patch(row: tuple[Any, ...]) -> ChangedPatch:
    name, before, zone, zone_before, labels, picture, pixels, untold, moves = row
    return ChangedPatch(
        id=name,
        before=before,
        zone=zone,
        zone_before=zone_before,
        labels=bool(labels),
        picture=bool(picture),
        pixels=pixels,
        untold=untold,
        moves=tuple(Move(before=one, after=two, pixels=count) for one, two, count in json.loads(moves)),
    )
