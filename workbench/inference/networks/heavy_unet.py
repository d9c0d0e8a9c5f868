"""IGN's VGG16-U-Net of ODEON, with torch alone."""

from __future__ import annotations

__all__ = ["HeavyUNet"]

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from workbench.inference.networks.padding import Padded

_WIDTHS = (64, 128, 256, 512, 1024)


class _HeavyUNet(nn.Module):
    """The U-Net of Ronneberger, Fischer and Brox (2015) with padding, batch-norm and bilinear upsampling.

    ODEON calls it *heavy U-Net*, IGN's table of models *vgg16-unet*: five pairs of 3 × 3 convolutions as VGG
    has them. 29.0 million parameters; a pixel of the deepest map sees 140 × 140 pixels. Parameters are called
    as in ODEON's files.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.inc = _Named(double_conv=_Pair(inputs, _WIDTHS[0]))
        for number, (before, after) in enumerate(pairwise(_WIDTHS), start=1):
            block = nn.Sequential(nn.MaxPool2d(2), _Pair(before, after))
            self.add_module(f"down{number}", _Named(maxpool_conv=block))
        for number, (below, beside) in enumerate(pairwise(_WIDTHS[::-1]), start=1):
            self.add_module(f"up{number}", _Up(below, beside))
        self.outc = _Named(conv=nn.Conv2d(_WIDTHS[0], outputs, kernel_size=1))

    def forward(self, image: Tensor) -> Tensor:
        """Return logits, shape (tile, class, row, col), of an image (tile, band, row, col)."""
        path = [self.inc(image)]
        for number in range(1, len(_WIDTHS)):
            path.append(self.get_submodule(f"down{number}")(path[-1]))
        found = path.pop()
        for number in range(1, len(_WIDTHS)):
            found = self.get_submodule(f"up{number}")(found, path.pop())
        logits: Tensor = self.outc(found)
        return logits


class HeavyUNet(Padded, _HeavyUNet):
    """The same for images of any size."""

    stride = 16


class _Named(nn.Module):
    """One module under a name."""

    def __init__(self, **module: nn.Module) -> None:
        super().__init__()
        ((self._name, made),) = module.items()
        self.add_module(self._name, made)

    def forward(self, image: Tensor) -> Tensor:
        found: Tensor = self.get_submodule(self._name)(image)
        return found


class _Pair(nn.Module):
    """Two convolutions, each with its batch-norm and ReLU."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for width in (before, after):
            layers += [
                nn.Conv2d(width, after, kernel_size=3, padding=1),
                nn.BatchNorm2d(after),
                nn.ReLU(True),
            ]
        self.double_conv = nn.Sequential(*layers)

    def forward(self, image: Tensor) -> Tensor:
        found: Tensor = self.double_conv(image)
        return found


class _Up(nn.Module):
    """What comes from below, twice as large and half as wide, joined with what lies beside."""

    def __init__(self, below: int, beside: int) -> None:
        super().__init__()
        self.up = nn.Conv2d(below, beside, kernel_size=1)
        self.conv = _Pair(2 * beside, beside)

    def forward(self, below: Tensor, beside: Tensor) -> Tensor:
        larger = functional.interpolate(below, scale_factor=2.0, mode="bilinear", align_corners=True)
        found: Tensor = self.conv(torch.cat([beside, self.up(larger)], dim=1))
        return found
