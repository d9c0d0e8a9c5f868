"""The figures that a model's card has, in words: shares in percent, and of what an mIoU is the mean."""

from __future__ import annotations

__all__ = ["in_words", "means_told"]

from collections.abc import Iterator, Mapping
from typing import Any, Final

from workbench.evaluation.scores import percent

_LABELLED: Final = ("held_out", "unseen_synthetic_scenes")
"""Entries of which the mIoU is that of `workbench.training.validation`."""
_IOUS: Final = ("test_iou", "measured_iou")
"""Entries that are shares altogether, by class."""
_SHARES: Final = ("mIoU", "OA", "ECE")
_UNITS: Final = {
    **dict.fromkeys((*_LABELLED, "test", "measured", *_IOUS), 1.0),  # the workbench writes fractions
    "published": 0.01,  # IGN gives percent
}
"""What 1 is of a share, by entry; of others that is not known."""


def in_words(metrics: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``metrics`` of a card as people read them, nested as they are.

    >>> in_words({"held_out": {"mIoU": 0.23549, "zones": 2}, "published": {"mIoU": 54.72}, "mIoU": 0.5})
    {'held_out': {'mIoU': '23.55 %', 'zones': '2'}, 'published': {'mIoU': '54.72 %'}, 'mIoU': '0.5'}
    """
    return {name: _worded(value, _UNITS.get(name), share=name in _IOUS) for name, value in metrics.items()}


def means_told(metrics: Mapping[str, Any]) -> Iterator[str]:
    """Yield what an mIoU is the mean of, as sentences, where no rule of ``evaluate`` made it."""
    for name in _LABELLED:
        if name in metrics:
            yield f"mIoU of {name}: the mean over the classes labelled there, by no rule of evaluate"


def _worded(value: Any, unit: float | None, *, share: bool) -> Any:
    if isinstance(value, Mapping):
        return {key: _worded(one, unit, share=share or key in _SHARES) for key, one in value.items()}
    if isinstance(value, list):
        return [str(one) for one in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value)
    if share and unit is not None:
        return f"{percent(unit * value)} %"
    return f"{value:,}"
