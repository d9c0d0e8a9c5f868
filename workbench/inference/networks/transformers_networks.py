"""UPerNet on Swin as transformers has it (MMSEG's): IGN's V12 models, of which no weights are public."""

from __future__ import annotations

__all__ = ["ENCODERS", "UPerNet"]

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from torch import Tensor
from transformers import SwinConfig, UperNetConfig, UperNetForSemanticSegmentation

from workbench.errors import ModelError
from workbench.inference.networks.padding import Padded

_STAGES = ["stage1", "stage2", "stage3", "stage4"]
ENCODERS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "swin-tiny": {
            "embed_dim": 96, "depths": [2, 2, 6, 2], "num_heads": [3, 6, 12, 24], "window_size": 7,
        },
        "swin-small": {
            "embed_dim": 96, "depths": [2, 2, 18, 2], "num_heads": [3, 6, 12, 24], "window_size": 7,
        },
        "swin-base": {
            "embed_dim": 128, "depths": [2, 2, 18, 2], "num_heads": [4, 8, 16, 32], "window_size": 12,
        },
        "swin-large": {
            "embed_dim": 192, "depths": [2, 2, 18, 2], "num_heads": [6, 12, 24, 48], "window_size": 12,
        },
    }
)  # fmt: skip
"""Settings of each Swin (Liu et al. 2021), as openmmlab/upernet-swin-… has them."""


class _UPerNet(UperNetForSemanticSegmentation):  # type: ignore[misc]
    """Xiao et al.'s UPerNet (2018) and its auxiliary head, which only training looks at."""

    def __init__(self, encoder: str | None, inputs: int, outputs: int) -> None:
        if encoder is None or encoder not in ENCODERS:
            raise ModelError(f"there is no encoder {encoder!r} here; choose from {', '.join(ENCODERS)}")
        swin = SwinConfig(num_channels=inputs, out_features=_STAGES, **ENCODERS[encoder])
        third = 4 * swin.embed_dim
        super().__init__(UperNetConfig(backbone_config=swin, num_labels=outputs, auxiliary_in_channels=third))

    def forward(self, image: Tensor) -> Tensor:
        """Return logits, shape (tile, class, row, col), of an image (tile, band, row, col)."""
        logits: Tensor = super().forward(pixel_values=image).logits
        return logits


class UPerNet(Padded, _UPerNet):
    """The same for images of any size."""
