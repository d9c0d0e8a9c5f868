"""How well each class is predicted, read from what evaluations, cross-validations and models tell."""

from __future__ import annotations

__all__ = ["quality_of_model", "read_quality"]

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.errors import CampaignError
from workbench.inference.card import ModelCard


def quality_of_model(card: ModelCard) -> dict[str, float]:
    """Return the IoU of each class on the zones that a model's training held out, as its card has it."""
    found = card.metrics.get("held_out", {}).get("IoU", {})
    return {str(key): float(value) for key, value in found.items()}


def read_quality(path: Path) -> dict[str, float]:
    """Return the IoU of each class that an evaluation or a cross-validation tells, pooled over its folds.

    Parameters
    ----------
    path
        What ``workbench evaluate --json`` or ``workbench crossval --json`` printed, or the document that the
        latter writes.

    Raises
    ------
    CampaignError
        It is neither.
    """
    try:
        document = json.loads(path.read_bytes())
        found = {str(key): float(value) for key, value in _told(document).items() if value is not None}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CampaignError(
            f"{path} is no evaluation; give what workbench evaluate --json or crossval --json printed"
        ) from error
    if not all(0 <= value <= 1 for value in found.values()):
        raise CampaignError(f"{path} has an IoU that is not between 0 and 1; evaluate again")
    return found


def _told(document: Mapping[str, Any]) -> Mapping[str, float | None]:
    if "score" in document:
        return {one["key"]: one["iou"] for one in document["score"]["classes"]}
    whole = document.get("cross_validation", document)
    return {key: one["pooled"] for key, one in whole["iou"].items()}
