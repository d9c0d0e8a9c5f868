"""Networks of segmentation-models-pytorch, without weights from anywhere, for images of any size."""

from __future__ import annotations

__all__ = ["NETWORKS", "build_smp"]

import segmentation_models_pytorch as smp
from torch import nn

from workbench.inference.architecture import Architecture
from workbench.inference.networks.encoders import check_encoder, extras_of
from workbench.inference.networks.padding import Padded


class _Unet(Padded, smp.Unet):  # type: ignore[misc]
    """Ronneberger, Fischer and Brox (2015)."""


class _FPN(Padded, smp.FPN):  # type: ignore[misc]
    """Feature pyramid; Kirillov, Girshick, He and Dollár (2019)."""


class _DeepLabV3(Padded, smp.DeepLabV3):  # type: ignore[misc]
    """Atrous convolutions; Chen et al. (2017)."""


class _DeepLabV3Plus(Padded, smp.DeepLabV3Plus):  # type: ignore[misc]
    """The same with a decoder; Chen et al. (2018)."""


class _UPerNet(Padded, smp.UPerNet):  # type: ignore[misc]
    """Pyramid pooling and features; Xiao et al. (2018), in the layout of version 0.5 and later."""


NETWORKS = {
    "unet": _Unet,
    "fpn": _FPN,
    "deeplabv3": _DeepLabV3,
    "deeplabv3plus": _DeepLabV3Plus,
    "upernet": _UPerNet,
}
"""By name, as `Architecture` has them."""


def build_smp(architecture: Architecture) -> nn.Module:
    """Build one of `NETWORKS` with random weights.

    Raises
    ------
    ModelError
        There is no such encoder.
    """
    encoder = check_encoder(architecture.encoder)
    network: nn.Module = NETWORKS[architecture.network](
        encoder_name=encoder,
        encoder_weights=None,
        in_channels=architecture.inputs,
        classes=architecture.outputs,
        **extras_of(encoder),
    )
    return network
