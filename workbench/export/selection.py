"""Which patches of a release are meant, written as ``split_1:test``."""

from __future__ import annotations

__all__ = ["Selection"]

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Self

from workbench.errors import ReleaseError
from workbench.export.folds import PROD, SPLITS, SUBSETS
from workbench.export.patches import Patch

_ALL: Final = "all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Which patches of a release."""

    split: str | None
    """``split_1`` … ``split_5`` or ``prod``; None for all patches."""
    subset: str | None
    """``train``, ``valid`` or ``test``."""
    without: tuple[str, ...] = ()
    """Domains whose patches are left out, such as those that a model has seen."""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return what is written as ``split_2:test``, ``2`` or ``split_2`` (its test), ``prod`` or ``all``.

        Raises
        ------
        ReleaseError
            There is no such split or set.

        >>> str(Selection.parse("split_2")), str(Selection.parse("all"))
        ('split_2:test', 'all')
        """
        if text == _ALL:
            return cls(split=None, subset=None)
        split, _, subset = text.partition(":")
        split = f"split_{split}" if split.isdigit() else split
        subset = subset or ("valid" if split == PROD else "test")
        if split not in (*SPLITS, PROD) or subset not in SUBSETS:
            raise ReleaseError(
                f"{text!r} is no set of patches; write {SPLITS[0]}:test … {SPLITS[-1]}:valid, "
                f"{PROD}:valid or {_ALL}"
            )
        return cls(split=split, subset=subset)

    def of(self, patches: Iterable[Patch]) -> tuple[Patch, ...]:
        """Return the patches that are meant, in their order."""
        return tuple(patch for patch in patches if self.takes(patch.domain, patch.splits))

    def takes(self, domain: str, splits: Mapping[str, str]) -> bool:
        """Tell whether patches of a domain that are in some sets of the splits are meant."""
        return (self.split is None or splits[self.split] == self.subset) and domain not in self.without

    def __str__(self) -> str:
        chosen = _ALL if self.split is None else f"{self.split}:{self.subset}"
        return f"{chosen} without {', '.join(self.without)}" if self.without else chosen
