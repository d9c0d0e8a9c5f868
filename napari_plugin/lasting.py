"""Objects that last, made by tens of thousands beside the window, without holding it up."""

from __future__ import annotations

__all__ = ["lasting"]

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def lasting() -> Iterator[None]:
    """Make many objects that stay, and have Python's search for cycles leave them alone for ever.

    While they are made it would walk through all there are again and again, for half a second each time in
    which no other thread runs. They are freed as any are, when nobody refers to them.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
