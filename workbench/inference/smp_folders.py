"""Folders that ``save_pretrained`` of segmentation-models-pytorch writes: config.json, model.safetensors."""

from __future__ import annotations

__all__ = ["CONFIG", "SmpFolder", "is_smp_folder", "read_smp_folder"]

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from workbench.errors import ModelError
from workbench.inference.networks.building import defaults_of

CONFIG, WEIGHTS = "config.json", "model.safetensors"
_NETWORKS = {
    "Unet": "unet",
    "FPN": "fpn",
    "DeepLabV3": "deeplabv3",
    "DeepLabV3Plus": "deeplabv3plus",
    "UPerNet": "upernet",
}
_NO_MATTER = frozenset(
    {
        "encoder_name",
        "encoder_weights",
        "in_channels",
        "classes",
        "img_size",
        "strict_img_size",
        "decoder_dropout",
        "decoder_aspp_dropout",
    }
)
"""Settings that tensors tell, or that only training sees."""
_AS_GOOD: Mapping[str, tuple[Any, ...]] = MappingProxyType(
    {
        "activation": ("softmax", "softmax2d", "logsoftmax", "identity"),
        "decoder_use_batchnorm": (True,),
        "decoder_use_norm": (True,),
        "decoder_pyramid_channels": (256,),
        "decoder_segmentation_channels": (64,),
        "upsampling": (8,),
    }
)
"""Values that mean the same as those of today; softmax is ours to take."""
_MOST = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SmpFolder:
    """What such a folder says of its network."""

    network: str
    encoder: str
    weights: Path


def is_smp_folder(folder: Path) -> bool:
    """Tell a folder of segmentation-models-pytorch from one of transformers, which has a config too."""
    with (folder / CONFIG).open("rb") as file:
        return b'"_model_class"' in file.read(_MOST)


def read_smp_folder(folder: Path) -> SmpFolder:
    """Read a folder's config.

    Raises
    ------
    ModelError
        It is none, or its network has settings that are not built here.
    """
    path = folder / CONFIG
    try:
        if path.stat().st_size > _MOST:
            raise ModelError(f"{path} is no config of a network; give the folder that smp wrote")
        config = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ModelError(f"{path} cannot be read as JSON; give the folder that smp wrote") from error
    name = config.get("_model_class") if isinstance(config, dict) else None
    encoder = config.get("encoder_name") if isinstance(config, dict) else None
    if not isinstance(name, str) or not isinstance(encoder, str):
        raise ModelError(f"{path} names no _model_class and encoder_name; give the folder that smp wrote")
    if name not in _NETWORKS:
        raise ModelError(f"{path}: {name} is not built here; {', '.join(_NETWORKS)} are")
    network = _NETWORKS[name]
    defaults = defaults_of(network)
    for key, value in config.items():
        if key.startswith("_") or key in _NO_MATTER or value is None:
            continue
        known = (*_AS_GOOD.get(key, ()), defaults.get(key))
        if not any(type(value) is type(one) and value == one for one in known):
            raise ModelError(f"{path}: {key} {json.dumps(value)[:80]} is not built here; train it without")
    return SmpFolder(network=network, encoder=encoder, weights=folder / WEIGHTS)
