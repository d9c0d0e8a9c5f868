"""Models without training, for tests."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from workbench.inference import Architecture, Band, ModelCard
from workbench.inference.models import write_model
from workbench.inference.networks import build_network

STATISTICS = {"R": (105.0, 52.0), "G": (111.0, 45.0), "B": (102.0, 44.0), "NIR": (106.0, 40.0)}


def made_card(
    classes: tuple[str, ...] = ("building", "water", "clear_cut", "herbaceous_vegetation"),
    bands: tuple[str, ...] = ("R", "G", "B"),
    *,
    untrained: tuple[str, ...] = ("clear_cut",),
    optional: tuple[str, ...] = (),
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
        domains=("D055_2018",),
        weights_sha256="0" * 64,
    )


def made_model(directory: Path, card: ModelCard | None = None, *, seed: int = 0) -> Path:
    """Write a model of random weights whose opinions are not all the same."""
    card = card or made_card()
    torch.manual_seed(seed)
    network = build_network(card.architecture)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None  # statistics of what it sees next, so that nothing fades on its way
    with torch.no_grad():
        network(torch.randn(2, card.architecture.inputs, 128, 128))
    weights = network.state_dict()
    weights["head.weight"] *= 8
    write_model(card, weights, directory)
    return directory
