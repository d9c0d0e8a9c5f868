"""The scripted annotator: labels a zone from a known truth with the picks of a perfect person."""

from __future__ import annotations

__all__ = ["label_script"]

import json
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.nomenclature import Nomenclature
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.quality import nested_picks


def label_script(
    hierarchy: Hierarchy, truth: NDArray[np.uint8], nomenclature: Nomenclature, *, accuracy: float
) -> Iterator[str]:
    """Yield the lines of a label script that reaches an accuracy in the fewest nested picks.

    Outer regions come first, what differs inside is repainted: the way the desk is meant to be used.

    Parameters
    ----------
    hierarchy
        Of the zone.
    truth
        Class codes, shape (row, col).
    nomenclature
        Names the classes in the script.
    accuracy
        Share of pixels that must end up right, in (0, 1].
    """
    for pick in nested_picks(hierarchy, truth, accuracy=accuracy):
        line = {
            "pick": [pick.row, pick.col],
            "scale": pick.scale,
            "class": nomenclature.by_code(pick.value).key,
        }
        yield json.dumps(line)
