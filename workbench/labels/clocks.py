"""Who had seen what: the vector clock of each op (Fidge 1988, Mattern 1989)."""

from __future__ import annotations

__all__ = ["Clocks"]

from collections.abc import Mapping

from workbench.labels.optable import OpTable


class Clocks:
    """What the author of each op of a table had seen, at first and at second hand, when it was made.

    Made op by op: a zone has tens of thousands, and somebody edits it.
    """

    def __init__(self, table: OpTable) -> None:
        self._table = table
        self._clocks: list[Mapping[str, int]] = []
        """Shape (op,). {author: seq}."""
        self._last: dict[str, tuple[Mapping[str, int], Mapping[str, int]]] = {}
        """What each author's last op says was seen, and its clock."""
        self._lacking: dict[str, int] = {}
        """{author: seq} of the first op that somebody had seen and that was not there."""

    def follow(self) -> bool:
        """Take the ops that came since the last call, and tell whether what was known before still holds.

        It does not where an op came that somebody had seen long before: what its author had seen, they had.
        """
        heads = self._table.heads
        holds = all(heads.get(author, 0) < seq for author, seq in self._lacking.items())
        if not holds:
            self._clocks, self._last, self._lacking = [], {}, {}
        start, order = len(self._clocks), self._table.order
        self._clocks += [{}] * (len(self._table) - start)
        for position in sorted(range(start, len(self._clocks)), key=order.__getitem__):
            author, seen = self._table.name(position)[0], self._table.seen(position)
            said, clock = self._last.get(author, ({}, {}))
            if seen is not said:
                clock = dict(clock)
                for other, last in seen.items():
                    for name, count in (*self._passed(other, last, position).items(), (other, last)):
                        clock[name] = max(clock.get(name, 0), count)
            self._last[author] = seen, clock
            self._clocks[position] = clock
        return holds

    def saw(self, position: int, other: int) -> bool:
        """Tell whether the author of an op had seen one of another author."""
        author, seq = self._table.name(other)
        return self._clocks[position].get(author, 0) >= seq

    def _passed(self, author: str, seq: int, position: int) -> Mapping[str, int]:
        """Return what the author of an op that was seen by that of another one had seen themselves."""
        known = self._table.positions(author)
        if not 0 < seq <= len(known):
            if seq > 0:
                self._lacking[author] = min(seq, self._lacking.get(author, seq))
            return {}
        order = self._table.order
        return self._clocks[known[seq - 1]] if order[known[seq - 1]] < order[position] else {}
