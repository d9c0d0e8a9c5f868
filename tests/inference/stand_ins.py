"""Checkpoints as IGN's two families write them, of small networks whose heads fire one class."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from workbench.inference.architecture import Architecture
from workbench.inference.networks import build_network

INC_NAME = "FLAIR-INC_rgb_15cl_resnet34-unet_weights.pth"
HUB_NAME = "FLAIR-HUB_LC-A_RGB_swinbase-upernet.safetensors"
COSIA = "AERIAL_LABEL-COSIA"
UNET = Architecture(provider="smp", network="unet", encoder="mit_b0", inputs=3, outputs=19)
UPERNET = Architecture(provider="flair-hub", network="upernet", encoder="mit_b0", inputs=3, outputs=19)


@cache
def _state(architecture: Architecture) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return dict(build_network(architecture).state_dict())


def state(architecture: Architecture, *, fires: int | None = None) -> dict[str, Tensor]:
    """Return a network's weights; one output's bias is so high that it always wins."""
    found = dict(_state(architecture))
    if fires is not None:
        found["segmentation_head.0.bias"] = torch.zeros(architecture.outputs)
        found["segmentation_head.0.bias"][fires] = 1000.0
    return found


def inc(tensors: Mapping[str, Tensor], *, untrained: tuple[int, ...] = ()) -> dict[str, Tensor]:
    """Call tensors as FLAIR-INC's files do, with the weights of the loss."""
    named = {f"model.seg_model.{name}": tensor for name, tensor in tensors.items()}
    weights = torch.ones(len(tensors["segmentation_head.0.bias"]))
    weights[list(untrained)] = 0
    return {**named, "criterion.weight": weights}


def hub(
    tensors: Mapping[str, Tensor], *, modality: str = "AERIAL_RGBI", task: str = COSIA
) -> dict[str, Tensor]:
    """Call tensors as FLAIR-HUB's files do, with what only training needs."""
    named = {}
    for name, tensor in tensors.items():
        part = name.removeprefix("encoder.")
        encoder = part != name
        where = f"encoders.{modality}" if encoder else f"main_decoders.{task}"
        named[f"model.{where}.seg_model.{part}"] = tensor
    for name in (
        "0.weight",
        "1.weight",
        "1.bias",
        "1.running_mean",
        "1.running_var",
        "1.num_batches_tracked",
    ):
        unused = torch.zeros(256, 1, 1, 1) if name == "0.weight" else torch.zeros(256)
        named[f"model.main_decoders.{task}.seg_model.decoder.fpn_stages.4.skip_conv.{name}"] = unused
    named["model.fusion_handler.conv_f.0.weight"] = torch.zeros(64, 64, 1, 1)
    named[f"model.aux_decoders.{modality}__{task}.seg_model.segmentation_head.0.bias"] = torch.zeros(19)
    return named


def save(tensors: Mapping[str, Tensor], path: Path) -> Path:
    """Write tensors as the ending of a file says; a ``.ckpt`` is one of Lightning."""
    if path.suffix == ".safetensors":
        save_file({name: tensor.clone() for name, tensor in tensors.items()}, path)
    elif path.suffix == ".ckpt":
        extra = {"epoch": 3, "pytorch-lightning_version": "2.1.1", "hyper_parameters": {"lr": 0.02}}
        torch.save({**extra, "state_dict": dict(tensors), "optimizer_states": [{"state": {}}]}, path)
    else:
        torch.save(dict(tensors), path)
    return path
