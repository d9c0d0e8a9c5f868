"""Weights and images that are the same on every machine and in every version of torch."""

from __future__ import annotations

import zlib

import numpy as np
import torch
from torch import Tensor, nn


def seed_network(network: nn.Module) -> nn.Module:
    """Fill every tensor of a network from its name: values do not depend on the order of building."""
    network.load_state_dict({name: seeded(name, tensor) for name, tensor in network.state_dict().items()})
    return network.eval()


def seeded(name: str, like: Tensor) -> Tensor:
    """Return a tensor of a name: small numbers around 0, or around 1 where they scale or are a variance."""
    if not like.is_floating_point():
        return torch.ones_like(like)
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    values = rng.standard_normal(tuple(like.shape), dtype=np.float32)
    if like.ndim > 1:
        return torch.from_numpy(values / np.float32(np.sqrt(like[0].numel())))
    around = 1.0 if name.endswith(("weight", "var")) else 0.0
    return torch.from_numpy(np.float32(around) + np.float32(0.1) * values)


def seeded_image(bands: int, side: int) -> Tensor:
    """Return an image, shape (1, band, side, side)."""
    values = np.random.default_rng(bands).standard_normal((1, bands, side, side), dtype=np.float32)
    return torch.from_numpy(values)
