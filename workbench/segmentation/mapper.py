"""What runs the parts of a segmentation: one after the other, or on several threads."""

from __future__ import annotations

__all__ = ["Mapper"]

from collections.abc import Callable, Iterable
from typing import Any, Protocol


class Mapper(Protocol):
    """`map`, or one of the same meaning that works on several threads."""

    def __call__(self, function: Callable[[Any], Any], items: Iterable[Any], /) -> Iterable[Any]:
        """Return the function's results in the order of the items."""
