"""Models without training, for tests: of the workbench, and checkpoints as IGN's two families write them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from workbench.inference import Architecture, Band, ModelCard
from workbench.inference.models import write_model
from workbench.inference.networks import build_network
from workbench.inference.networks.building import head_of

STATISTICS = {"R": (105.0, 52.0), "G": (111.0, 45.0), "B": (102.0, 44.0)}
STATISTICS |= {"NIR": (106.0, 40.0), "E": (53.0, 79.0)}
INC_NAME = "FLAIR-INC_rgb_15cl_resnet34-unet_weights.pth"
HUB_NAME = "FLAIR-HUB_LC-A_RGB_swinbase-upernet.safetensors"
COSIA = "AERIAL_LABEL-COSIA"
UNET = Architecture(provider="smp", network="unet", encoder="mit_b0", inputs=3, outputs=19)
UPERNET = Architecture(provider="flair-hub", network="upernet", encoder="mit_b0", inputs=3, outputs=19)
TINY = Architecture(provider="workbench", network="tiny-unet", inputs=3, outputs=19)
"""Small networks in place of the published ones."""


def made_card(
    classes: tuple[str, ...] = ("building", "water", "clear_cut", "herbaceous_vegetation"),
    bands: tuple[str, ...] = ("R", "G", "B"),
    *,
    untrained: tuple[str, ...] = ("clear_cut",),
    optional: tuple[str, ...] = (),
    domains: tuple[str, ...] = ("D055_2018",),
    name: str = "made",
) -> ModelCard:
    return ModelCard(
        id=name,
        title="Made for a test",
        architecture=Architecture(
            provider="workbench", network="tiny-unet", inputs=len(bands), outputs=len(classes)
        ),
        nomenclature="flair-19",
        classes=classes,
        untrained=untrained,
        bands=tuple(
            Band(name=band, mean=STATISTICS[band][0], std=STATISTICS[band][1], optional=band in optional)
            for band in bands
        ),
        resolution=0.2,
        licence="Apache-2.0",
        source="a test",
        domains=domains,
        weights_sha256="0" * 64,
    )


def made_model(directory: Path, card: ModelCard | None = None, *, seed: int = 0) -> Path:
    """Write a model of the workbench, of random weights whose opinions are not all the same."""
    card = card or made_card()
    weights = opinionated(card.architecture, seed=seed)
    write_model(card, weights, directory)
    return directory


def opinionated(architecture: Architecture, *, seed: int = 0) -> dict[str, Tensor]:
    """Return random weights with which a network tells the pixels of an image apart."""
    torch.manual_seed(seed)
    network = build_network(architecture)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # statistics of what it sees next, so that nothing fades on its way
    with torch.no_grad():
        network(torch.randn(2, architecture.inputs, 128, 128))
    weights = dict(network.state_dict())
    weights[f"{head_of(architecture)[0]}.weight"] *= 8
    return weights


@cache
def _state(architecture: Architecture) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return dict(build_network(architecture).state_dict())


def state(architecture: Architecture, *, fires: int | None = None) -> dict[str, Tensor]:
    """Return random weights of a network; one output's bias is so high that it always wins."""
    found = dict(_state(architecture))
    if fires is not None:
        bias = torch.zeros(architecture.outputs)
        bias[fires] = 1000.0
        found[f"{head_of(architecture)[0]}.bias"] = bias
    return found


def inc(tensors: Mapping[str, Tensor], *, untrained: tuple[int, ...] = ()) -> dict[str, Tensor]:
    """Call tensors as FLAIR-INC's files do, with the weights of the loss."""
    named = {f"model.seg_model.{name}": tensor for name, tensor in tensors.items()}
    outputs = next(len(one) for name, one in tensors.items() if name.endswith(("head.bias", "head.0.bias")))
    weights = torch.ones(outputs)
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
