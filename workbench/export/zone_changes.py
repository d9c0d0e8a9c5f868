"""What became of zones from one release to another, by the ground of their patches and their names."""

from __future__ import annotations

__all__ = ["Counts", "Kind", "Related", "SetMove", "ZoneChange", "related_zones", "set_moves"]

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from workbench.export.card_changes import FactChange
from workbench.export.domains import MatchedDomain
from workbench.export.transitions import Move, Transitions, square_kilometres

Kind = Literal["kept", "added", "removed", "renamed", "re-cut"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Patches."""

    both: int = 0
    """Whose ground both releases have."""
    added: int = 0
    removed: int = 0
    labels: int = 0
    """Of those in both: whose labels changed."""
    pictures: int = 0
    """Whose picture changed."""
    sets: int = 0
    """That went to another set or fold."""

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{name: getattr(self, name) + getattr(other, name) for name in self.document()})

    @property
    def changed(self) -> bool:
        """Whether any patch is another one."""
        return any(count for name, count in self.document().items() if name != "both")

    def document(self) -> dict[str, int]:
        """Return the JSON view."""
        return {
            "both": self.both,
            "added": self.added,
            "removed": self.removed,
            "labels": self.labels,
            "pictures": self.pictures,
            "sets": self.sets,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class SetMove:
    """Patches that went to another set of a split, or to another fold."""

    column: str
    """``split_1`` … ``split_5``, ``prod`` or ``fold``."""
    before: str
    after: str
    patches: int

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {"column": self.column, "from": self.before, "to": self.after, "patches": self.patches}


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneChange:
    """A zone in two releases; or several, which share ground between them."""

    kind: Kind
    """``re-cut`` where names or ground of zones that have ground in common are others in any other way."""
    before: tuple[str, ...]
    """Ids of the zones in the first release, sorted."""
    after: tuple[str, ...]
    patches: Counts
    transitions: Transitions
    """Of the ground that both releases have."""
    added: Mapping[str, int]
    """Pixels of each class on ground that only the second has."""
    removed: Mapping[str, int]
    """Pixels of each class on ground that only the first has."""
    sets: tuple[SetMove, ...] = ()
    facts: tuple[FactChange, ...] = ()
    """What the two ``release.json`` tell otherwise of a zone that is one in both."""

    @property
    def name(self) -> str:
        """What the zone is called, in the second release if it is there."""
        return " + ".join(self.after or self.before)

    @property
    def changed(self) -> bool:
        """Whether anything is other than it was."""
        return self.kind != "kept" or self.patches.changed or bool(self.facts)

    @property
    def moves(self) -> tuple[Move, ...]:
        """What changed, the most pixels first."""
        return self.transitions.moves()

    def document(self, pixel_area: float) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "kind": self.kind,
            "before": list(self.before),
            "after": list(self.after),
            "patches": self.patches.document(),
            "pixels": {"changed": self.transitions.changed, "untold": self.transitions.untold},
            "km2": square_kilometres(self.transitions.changed, pixel_area),
            "moves": Transitions({(move.before, move.after): move.pixels for move in self.moves}).document(
                pixel_area
            ),
            "added_pixels": dict(self.added),
            "removed_pixels": dict(self.removed),
            "sets": [move.document() for move in self.sets],
            "facts": [fact.document() for fact in self.facts],
        }


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Related:
    """Zones of a domain that belong together, and where their patches are."""

    kind: Kind
    before: tuple[str, ...]
    after: tuple[str, ...]
    pairs: NDArray[np.intp]
    """Numbers of their pairs in the domain."""
    removed: NDArray[np.intp]
    """Places in the first release's rows."""
    added: NDArray[np.intp]


def related_zones(domain: MatchedDomain) -> list[Related]:
    """Return the zones of a domain, those together that have a name or ground in common, by name.

    What hangs together is one entry, so that each zone is in one, and each patch.
    """
    first, second = (sorted(set(rows.zones.tolist())) for rows in (domain.before, domain.after))
    here = np.searchsorted(first, domain.before.zones)
    there = len(first) + np.searchsorted(second, domain.after.zones)
    named = [(first.index(name), len(first) + second.index(name)) for name in first if name in second]
    links = [*zip(here[domain.here].tolist(), there[domain.there].tolist(), strict=True), *named]
    groups = _connected(links, len(first) + len(second))
    found = []
    for group in np.unique(groups).tolist():
        members = np.flatnonzero(groups == group).tolist()
        before = tuple(first[at] for at in members if at < len(first))
        after = tuple(second[at - len(first)] for at in members if at >= len(first))
        removed = domain.removed[groups[here[domain.removed]] == group]
        added = domain.added[groups[there[domain.added]] == group]
        related = Related(
            kind=_kind(before, after, same=not removed.size and not added.size),
            before=before,
            after=after,
            pairs=np.flatnonzero(groups[here[domain.here]] == group),
            removed=removed,
            added=added,
        )
        found.append(related)
    return sorted(found, key=lambda one: (one.after or one.before, one.before))


def _connected(links: list[tuple[int, int]], count: int) -> NDArray[np.int32]:
    """Return the number of the group of each of so many things, which are linked in pairs."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    one, other = np.array(sorted(set(links)), np.intp).reshape(-1, 2).T
    graph = coo_array((np.ones(one.size, np.bool_), (one, other)), shape=(count, count))
    groups: NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return groups


def _kind(before: tuple[str, ...], after: tuple[str, ...], *, same: bool) -> Kind:
    if not before:
        return "added"
    if not after:
        return "removed"
    if same and len(before) == len(after) == 1:
        return "kept" if before == after else "renamed"
    return "re-cut"


def set_moves(before: NDArray[Any], after: NDArray[Any], columns: Sequence[str]) -> tuple[SetMove, ...]:
    """Return how many patches went from which set to which, by column.

    Parameters
    ----------
    before, after
        Shape (patch, column). What each patch was in, and is in.
    columns
        What the columns are called.
    """
    moves = []
    for place, column in enumerate(columns):
        counts = Counter(zip(before[:, place].tolist(), after[:, place].tolist(), strict=True))
        moves += [
            SetMove(column=column, before=one, after=other, patches=count)
            for (one, other), count in sorted(counts.items())
            if one != other
        ]
    return tuple(moves)
