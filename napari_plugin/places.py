"""Places to go to in a zone, one after the other: conflicts, comments, findings, disagreements."""

from __future__ import annotations

__all__ = ["Stop", "Rounds", "conflict_stops", "conflict_region"]

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from napari_plugin.language import count, tr
from workbench.geo.grid import Window
from workbench.labels.conflicts import Conflicts
from workbench.labels.editing import Given, Region


@dataclass(frozen=True, slots=True, kw_only=True)
class Stop:
    """Somewhere to go to."""

    key: str
    """What it is known by as long as it is there."""
    window: Window
    row: int
    """A pixel of it."""
    col: int
    told: str
    """What is there, in one line."""
    what: str = ""
    """The same in few words, for a list."""
    pixels: int = 0
    """How large it is; 0 where it is a spot."""


class Rounds:
    """Walks through stops that come and go: on to the next one, and from the last to the first."""

    def __init__(self) -> None:
        self._rank = -1
        self._key = ""

    def at(self, stop: Stop, stops: Sequence[Stop]) -> None:
        """Take notice that somebody went to a stop by themselves."""
        self._rank, self._key = stops.index(stop), stop.key

    def next(self, stops: Sequence[Stop]) -> Stop | None:
        """Go on to the next stop; None where there is none.

        Of a stop that is gone by now, settled say, the next one has taken the rank.
        """
        if not stops:
            self._rank, self._key = -1, ""
            return None
        ranks = [rank for rank, stop in enumerate(stops) if stop.key == self._key]
        self._rank = (ranks[0] + 1 if ranks else max(self._rank, 0)) % len(stops)
        self._key = stops[self._rank].key
        return stops[self._rank]


def conflict_stops(conflicts: Conflicts, called: Callable[[Given], str]) -> tuple[Stop, ...]:
    """Return the conflicts of a zone as stops, the largest first.

    Parameters
    ----------
    conflicts
        Of the store.
    called
        Says what people call what an op gives.
    """
    stops = []
    for conflict in conflicts.found:
        given = zip(conflict.codes, conflict.uppers, strict=True)
        titles = [called(Given(code=code, upper=upper)) for code, upper in given]
        sides = [
            tr("{author} says {title}", author=op.rpartition(":")[0], title=title)
            for op, title in zip(conflict.ops, titles, strict=True)
        ]
        pixels = count("{count} pixel", "{count} pixels", conflict.pixels)
        stops.append(
            Stop(
                key=" ".join(conflict.ops),
                window=conflict.window,
                row=conflict.row,
                col=conflict.col,
                told=f"{', '.join(sides)} · {pixels}",
                what=" / ".join(titles),
                pixels=conflict.pixels,
            )
        )
    return tuple(stops)


def conflict_region(conflicts: Conflicts, window: Window) -> Region:
    """Return the pixels of a window that are in conflict."""
    return window, conflicts.mask(window)
