"""FLAIR-HUB's UPerNet: the one of segmentation-models-pytorch 0.4, which later versions cannot load.

Version 0.5 rewrote its UPerNet with other tensors, so IGN's published files fit none of what can be installed
beside a torch of today. This is that decoder again, with the names of its files.
"""

from __future__ import annotations

__all__ = ["UPerNet"]

from collections.abc import Sequence

import torch
from segmentation_models_pytorch.encoders import get_encoder
from torch import Tensor, nn
from torch.nn import functional

from workbench.inference.networks.encoders import check_encoder, extras_of
from workbench.inference.networks.padding import Padded

_PYRAMID, _JOINED = 256, 64
_POOLED = (1, 2, 3, 6)


class _UPerNet(nn.Module):
    """Xiao et al.'s UPerNet (2018) on an encoder of timm or segmentation-models-pytorch."""

    def __init__(self, encoder: str | None, inputs: int, outputs: int) -> None:
        super().__init__()
        name = check_encoder(encoder)
        self.encoder = get_encoder(name, in_channels=inputs, depth=5, weights=None, **extras_of(name))
        self.decoder = _Decoder(self.encoder.out_channels[1:])
        self.segmentation_head = nn.Sequential(
            nn.Conv2d(_JOINED, outputs, kernel_size=1), nn.UpsamplingBilinear2d(scale_factor=4)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return logits, shape (tile, class, row, col), of an image (tile, band, row, col)."""
        rows, cols = image.shape[-2:]
        maps = self.encoder(image)[1:]
        logits: Tensor = self.segmentation_head(self.decoder(maps, (rows // 4, cols // 4)))
        return logits


class UPerNet(Padded, _UPerNet):
    """The same for images of any size."""


class _Decoder(nn.Module):
    """Maps of all levels joined at a quarter of the image's sides."""

    def __init__(self, widths: Sequence[int]) -> None:
        super().__init__()
        self.psp = _PyramidPooling(widths[-1])
        self.fpn_stages = nn.ModuleList(_Stage(width) for width in widths[-2::-1])
        self.fpn_bottleneck = _convolution(len(widths) * _PYRAMID, _JOINED, size=3)

    def forward(self, maps: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        found = [self.psp(maps[-1])]
        for stage, beside in zip(self.fpn_stages, maps[-2::-1], strict=True):
            found.append(stage(found[-1], beside))
        joined: Tensor = self.fpn_bottleneck(torch.cat([_resized(one, size) for one in found], dim=1))
        return joined


class _PyramidPooling(nn.Module):
    """The deepest map beside its means over 1, 4, 9 and 36 parts of it."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.AdaptiveAvgPool2d(parts), _convolution(width, width // len(_POOLED), size=1))
            for parts in _POOLED
        )
        self.out_conv = _convolution(2 * width, _PYRAMID, size=1)

    def forward(self, image: Tensor) -> Tensor:
        size = (image.shape[-2], image.shape[-1])
        pooled = [_resized(block(image), size) for block in self.blocks]
        found: Tensor = self.out_conv(torch.cat([image, *pooled], dim=1))
        return found


class _Stage(nn.Module):
    """What comes from below, as large as the level beside it, and that level on top.

    The transformers of timm have no level at half the image's sides: it is empty there, and what comes from
    below is made that large all the same.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.skip_conv = _convolution(width, _PYRAMID, size=1) if width else nn.Identity()

    def forward(self, below: Tensor, beside: Tensor) -> Tensor:
        larger = _resized(below, (beside.shape[-2], beside.shape[-1]))
        return larger + self.skip_conv(beside) if beside.shape[1] else larger


def _convolution(before: int, after: int, *, size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=size, padding=size // 2, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def _resized(image: Tensor, size: tuple[int, int]) -> Tensor:
    return functional.interpolate(image, size=size, mode="bilinear", align_corners=False)
