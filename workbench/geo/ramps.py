"""Colours of a scale of values, as tables of 256."""

from __future__ import annotations

__all__ = ["GREY", "INFERNO", "RED_YELLOW_GREEN", "VIRIDIS"]

import numpy as np
from numpy.typing import NDArray


def _ramp(*anchors: str) -> NDArray[np.uint8]:
    """Return 256 colours (value, channel) between equally spaced ``rrggbb``."""
    colours = np.array([list(bytes.fromhex(anchor)) for anchor in anchors], np.float64)
    places = np.linspace(0, len(anchors) - 1, 256)
    channels = [np.interp(places, np.arange(len(anchors)), channel) for channel in colours.T]
    table: NDArray[np.uint8] = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    table.setflags(write=False)
    return table


GREY = _ramp("000000", "ffffff")

# ColorBrewer's RdYlGn in 11 classes (Brewer and Harrower, 2002), between which matplotlib interpolates too.
RED_YELLOW_GREEN = _ramp(
    "a50026",
    "d73027",
    "f46d43",
    "fdae61",
    "fee08b",
    "ffffbf",
    "d9ef8b",
    "a6d96a",
    "66bd63",
    "1a9850",
    "006837",
)
"""Diverging: red below, yellow between, green above; of NDVI, bare, sparse and green."""

# Every 15th of the 256 colours of matplotlib's viridis (van der Walt and Smith, 2015, CC0).
VIRIDIS = _ramp(
    "440154",
    "471669",
    "472a79",
    "433c84",
    "3c4d8a",
    "355d8c",
    "2e6c8e",
    "287a8e",
    "23898d",
    "1e978a",
    "20a585",
    "2eb27c",
    "45bf6f",
    "64cb5d",
    "88d547",
    "afdc2e",
    "d7e219",
    "fde724",
)
"""Sequential: violet low, yellow high; it stays readable for the colour-blind and in grey."""

# Every 15th of the 256 colours of matplotlib's inferno (van der Walt and Smith, 2015, CC0).
INFERNO = _ramp(
    "000004",
    "0a0722",
    "1e0c45",
    "380962",
    "510e6c",
    "69166e",
    "801f6c",
    "982766",
    "b0315b",
    "c63d4d",
    "d94d3d",
    "e9612b",
    "f47918",
    "fa9407",
    "fcb014",
    "f8cd37",
    "f2ea69",
    "fcffa4",
)
"""Sequential: black low, yellow high: what is hot stands out of a picture."""
