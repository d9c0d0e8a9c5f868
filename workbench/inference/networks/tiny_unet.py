"""A U-Net that is small enough to ship and to train on a processor, with torch alone."""

from __future__ import annotations

__all__ = ["TinyUNet"]

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.geo.grid import Window

_WIDTHS = (16, 24, 40, 64, 96)
_REACH = 4
"""Pixels of half resolution around a part that its logits depend on from the last block on, and one more."""


class TinyUNet(nn.Module):
    """Ronneberger, Fischer and Brox's U-Net (2015) at half resolution: 0.36 million parameters.

    Its first convolution halves the sides and its logits are doubled again bilinearly, so that nothing is
    computed at full resolution: 20 cm pixels are finer than most of what they show. Sides are padded to a
    multiple of `stride` where they are none.
    """

    stride = 32

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.stem = _convolution(inputs, _WIDTHS[0], stride=2)
        self.down = nn.ModuleList(_Block(before, after, stride=2) for before, after in pairwise(_WIDTHS[:-1]))
        # One convolution alone where a pixel is 32 wide: what lies farther away than that tells little.
        self.down.append(_convolution(*_WIDTHS[-2:], stride=2))
        self.up = nn.ModuleList(
            _Block(above + beside, beside, stride=1)
            for above, beside in zip(_WIDTHS[:0:-1], _WIDTHS[-2::-1], strict=True)
        )
        self.head = nn.Conv2d(_WIDTHS[0], outputs, kernel_size=1)

    def forward(self, image: Tensor, core: Window | None = None) -> Tensor:
        """Return logits, shape (tile, class, row, col), of an image (tile, band, row, col), or of a part."""
        rows, cols = image.shape[-2:]
        below, right = -rows % self.stride, -cols % self.stride
        if below or right:
            image = functional.pad(image, (0, right, 0, below), mode="replicate")
        path = [self.stem(image)]
        for block in self.down:
            path.append(block(path[-1]))
        found = path.pop()
        half = Window(row=0, col=0, height=path[0].shape[-2], width=path[0].shape[-1])
        core = core or Window(row=0, col=0, height=rows, width=cols)
        # What is not asked for is not computed from the last block on, most of what there is to do.
        told = Window(
            row=core.row // 2, col=core.col // 2, height=-(-core.height // 2), width=-(-core.width // 2)
        )
        part = told.grown(_REACH, within=half)
        for block in self.up:
            beside, found = path.pop(), functional.interpolate(found, scale_factor=2.0)
            if not path:
                beside, found = beside[..., *part.slices], found[..., *part.slices]
            found = block(torch.cat([found, beside], dim=1))
        logits = functional.interpolate(self.head(found), scale_factor=2.0, mode="bilinear")
        row, col = core.row - 2 * part.row, core.col - 2 * part.col
        return logits[..., row : row + core.height, col : col + core.width]


class _Block(nn.Sequential):
    """Two convolutions, each with its batch-norm and ReLU."""

    def __init__(self, before: int, after: int, *, stride: int) -> None:
        super().__init__(_convolution(before, after, stride=stride), _convolution(after, after, stride=1))


def _convolution(before: int, after: int, *, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, after, kernel_size=3, stride=stride, padding=1, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )
