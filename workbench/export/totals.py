"""What the patches of a release add up to, in one pass over them."""

from __future__ import annotations

__all__ = ["Totals"]

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

from workbench.export.folds import PROD, SPLITS, SUBSETS
from workbench.export.patches import Patch


@dataclass(slots=True, kw_only=True)
class Totals:
    """Sums over patches."""

    patches: int = 0
    pixels: int = 0
    area: float = 0.0
    """In m²."""
    classes: Counter[str] = field(default_factory=Counter)
    """Pixels of each class, by key."""
    unlabelled: Counter[str] = field(default_factory=Counter)
    """Pixels that nobody labelled, by zone; zones without any have 0."""
    sets: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Patches by split and set."""
    folds: dict[str, set[int]] = field(default_factory=dict)
    """Folds of the patches of each domain; in a sound release one."""
    zone_folds: dict[str, int] = field(default_factory=dict)
    zone_patches: Counter[str] = field(default_factory=Counter)
    zone_sets: dict[tuple[str, str], set[str]] = field(default_factory=dict)
    """By zone and split, the sets of its patches; in a sound release one."""
    withheld: int = 0
    """Patches whose labels are kept apart."""
    undated: int = 0
    """Patches whose day nobody knows."""
    untimed: int = 0
    without_camera: int = 0
    without_ground: int = 0

    @classmethod
    def of(cls, patches: Iterable[Patch]) -> Self:
        """Add up patches."""
        found = cls()
        for patch in patches:
            found.add(patch)
        return found

    def add(self, patch: Patch) -> None:
        """Add a patch."""
        self.patches += 1
        self.pixels += patch.grid.height * patch.grid.width
        self.area += patch.area
        self.classes.update(patch.class_counts)
        self.unlabelled[patch.zone] += patch.unlabelled
        self.folds.setdefault(patch.domain, set()).add(patch.fold)
        self.zone_folds[patch.zone] = patch.fold
        self.zone_patches[patch.zone] += 1
        for column, subset in patch.splits.items():
            self.sets[column, subset] += 1
            self.zone_sets.setdefault((patch.zone, column), set()).add(subset)
        self.withheld += patch.withheld
        self.undated += patch.acquired is None
        self.untimed += patch.time is None
        self.without_camera += patch.camera is None
        self.without_ground += patch.ground is None

    def columns(self) -> dict[str, dict[str, int]]:
        """Return the number of patches in each set, by split."""
        return {
            column: {subset: self.sets[column, subset] for subset in SUBSETS} for column in (*SPLITS, PROD)
        }
