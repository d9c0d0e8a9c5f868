"""Segmenters: what a model is, the networks behind it, and its predictions for rasters of any size.

Only `Architecture`, `ModelCard` and the protocol load here; torch loads with what runs networks.
"""

from __future__ import annotations

from workbench.inference.architecture import Architecture
from workbench.inference.card import Band, ModelCard, read_card
from workbench.inference.segmenter import Segmenter

__all__ = ["Architecture", "Band", "ModelCard", "Segmenter", "read_card"]
