"""Networks that halve the image again and again, made to take images of any size."""

from __future__ import annotations

__all__ = ["Padded"]

from torch import Tensor, nn
from torch.nn import functional


class Padded(nn.Module):
    """Comes before a network in the bases of a class: sides become multiples of `stride`, logits are cut.

    What is added repeats the last row and column, so that the image seems to go on.
    """

    stride = 32

    def forward(self, image: Tensor) -> Tensor:
        """Return logits, shape (tile, class, row, col), of an image (tile, band, row, col)."""
        rows, cols = image.shape[-2:]
        below, right = -rows % self.stride, -cols % self.stride
        if below or right:
            image = functional.pad(image, (0, right, 0, below), mode="replicate")
        logits: Tensor = super().forward(image)
        return logits[..., :rows, :cols]
