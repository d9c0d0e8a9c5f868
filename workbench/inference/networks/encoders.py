"""Encoders of segmentation-models-pytorch and timm: which there are, and what they need to be told."""

from __future__ import annotations

__all__ = ["check_encoder", "extras_of"]

from typing import Any

import timm
from segmentation_models_pytorch.encoders import encoders

from workbench.errors import ModelError

_OF_TIMM = "tu-"
_SIDE = 512
"""Pixels: FLAIR's patches. Where a Swin's last map is larger than its windows, nothing depends on it."""


def check_encoder(name: str | None) -> str:
    """Return the name of an encoder that exists.

    Nothing else is handed to the libraries: they would fetch what is called ``hf-hub:…`` from the network.

    Raises
    ------
    ModelError
        Neither library knows it.
    """
    if name is None:
        raise ModelError("this network needs an encoder, such as resnet34")
    known = timm.is_model(name.removeprefix(_OF_TIMM)) if name.startswith(_OF_TIMM) else name in encoders
    if not known:
        raise ModelError(
            f"there is no encoder {name!r}; choose one of segmentation-models-pytorch, such as resnet34, or "
            "tu- and the name of one of timm"
        )
    return name


def extras_of(name: str) -> dict[str, Any]:
    """Return the arguments that an encoder takes beside the usual: a Swin must be told to take any size."""
    return {"img_size": _SIDE, "strict_img_size": False} if name.startswith(f"{_OF_TIMM}swin") else {}
