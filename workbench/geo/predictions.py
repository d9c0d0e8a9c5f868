"""What a prediction is as a raster: bands of 8 bits, the class first, and then how sure that is.

Everything that reads predictions asks here whether a raster is one.
"""

from __future__ import annotations

__all__ = ["DISAGREEMENT", "PLANES", "PREDICTION", "PROBABILITIES", "check_picture", "check_prediction"]

import json
from typing import Final

from workbench.errors import RasterError
from workbench.geo.raster import RasterInfo
from workbench.geo.raster_kinds import LABELS, ORIGINS, REGIONS, RasterKind

PLANES: Final = ("class", "probability of the class", "entropy")
"""What a prediction tells of a pixel, a byte each: the class (0 = nothing is known), its probability and the
normalised entropy, both from 0 to 255."""
DISAGREEMENT: Final = "mutual information"
"""What it tells after that where several models were asked, over the same most as the entropy."""
_DEPTHS: Final = (1, len(PLANES), len(PLANES) + 1)


def _told_planes(info: RasterInfo) -> bool:
    """Recognise a prediction from before the tag ``FORMAT``."""
    return "MODEL_SHA256" in info.tags and info.descriptions[: len(PLANES)] == PLANES


def _told_classes(info: RasterInfo) -> bool:
    """Recognise probabilities from before the tag ``FORMAT``: bands are called by the classes of a tag."""
    try:
        classes = json.loads(info.tags.get("CLASSES", "{}"))
    except ValueError:
        return False
    return isinstance(classes, dict) and bool(classes) and set(info.descriptions) <= classes.keys()


PREDICTION: Final = RasterKind(name="a prediction", mark="ocs-workbench/prediction", unmarked=_told_planes)
PROBABILITIES: Final = RasterKind(
    name="a file of --probabilities", mark="ocs-workbench/probabilities", unmarked=_told_classes
)


def check_picture(info: RasterInfo) -> None:
    """Refuse a raster that says it is an output of the workbench: its numbers are no colours of a picture.

    Raises
    ------
    RasterError
        It is a prediction, labels or the like.
    """
    if name := _output(info):
        raise RasterError(f"{info.path} is {name} of the workbench, and no picture; give the orthophoto")


def _output(info: RasterInfo) -> str | None:
    """Return which output of the workbench a raster says it is; None where it does not say so."""
    for kind in (PREDICTION, PROBABILITIES, LABELS, ORIGINS, REGIONS):
        if kind.holds(info):
            return kind.name
    planes = info.descriptions[: len(PLANES)]
    return PREDICTION.name if planes == PLANES[: info.band_count] else None


def check_prediction(info: RasterInfo) -> None:
    """Refuse a raster that is no prediction: of the workbench, or classes alone, whoever wrote them.

    Raises
    ------
    RasterError
        It has other bands or pixels, or is the probability of each class.
    """
    if PROBABILITIES.holds(info):
        raise RasterError(
            f"{info.path} is the file of --probabilities, a band for each class; give the prediction that "
            "was written with it"
        )
    if info.dtype != "uint8":
        raise RasterError(f"{info.path} is {info.dtype}; the classes of a prediction are 8-bit numbers")
    told = [text for text in info.descriptions if text]
    named = info.band_count > 1 and told and info.descriptions[: len(PLANES)] != PLANES
    if info.band_count not in _DEPTHS or named:
        called = f", called {', '.join(told[:4])}{' …' if len(told) > 4 else ''}" if told else ""
        raise RasterError(
            f"{info.path} has {info.band_count} bands{called}; a prediction has {', '.join(PLANES)} and "
            f"perhaps {DISAGREEMENT}, or the class alone"
        )
