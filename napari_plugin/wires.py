"""Connections of signals that are made together, and cut together when what they serve goes."""

from __future__ import annotations

__all__ = ["Wires"]

from collections.abc import Callable
from typing import Any


class Wires:
    """Connects signals, of psygnal, napari or Qt, until `cut`.

    Parameters
    ----------
    ends
        Each a signal and what it calls.
    """

    def __init__(self, *ends: tuple[Any, Callable[..., None]]) -> None:
        self._ends = ends
        for signal, slot in ends:
            signal.connect(slot)

    def cut(self) -> None:
        """Disconnect them all."""
        for signal, slot in self._ends:
            signal.disconnect(slot)
        self._ends = ()
