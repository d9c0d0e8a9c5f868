"""Which builder makes which network."""

from __future__ import annotations

__all__ = ["build_network"]

from torch import nn

from workbench.errors import ModelError
from workbench.inference.architecture import Architecture
from workbench.inference.networks.tiny_unet import TinyUNet


def build_network(architecture: Architecture) -> nn.Module:
    """Build a network with random weights: (tile, band, row, col) float32 to (tile, class, row, col) logits.

    Raises
    ------
    ModelError
        Nobody builds it, or the extra that does is not installed.
    """
    if (architecture.provider, architecture.network) == ("workbench", "tiny-unet"):
        return TinyUNet(architecture.inputs, architecture.outputs)
    raise ModelError(f"{architecture} is no network that this version can build; update the workbench")
