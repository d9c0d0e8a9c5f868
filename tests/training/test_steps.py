"""One step of each network of IGN's table that no other test trains."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from made_models import made_card
from made_patches import QUICK, made_patches

from workbench.inference.architecture import Architecture
from workbench.inference.networks import build_network
from workbench.inference.networks.building import first_convolution, head_of
from workbench.nomenclature import load_nomenclature
from workbench.training import Budget
from workbench.training.loop import train
from workbench.training.preparing import Prepared, prepare

FLAIR = load_nomenclature("flair-19")
PATCHES = made_patches(2, bands=("R", "G", "B"))


def moved(prepared: Prepared) -> None:
    """Train a network for a step and prove that its first layer and its head learned."""
    network, architecture = prepared.network, prepared.card.architecture
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    done = train(prepared, PATCHES, recipe=QUICK, budget=Budget(steps=1), device="cpu")
    names = {first_convolution(network), *(f"{head}.weight" for head in head_of(architecture)[:1])}
    assert len(names) == 2
    assert not any(torch.equal(before[name], done.weights[name]) for name in names)


@pytest.mark.parametrize(
    "name",
    [
        "heavy-unet",
        "resnet34-fpn",
        "resnet34-deeplabv3",
        "resnet34-deeplabv3plus",
        "mit_b5-unet",
        "convnextv2_atto-upernet",
    ],
)
def test_a_network_is_trained_by_its_name(name: str) -> None:
    moved(prepare(PATCHES, id="made", nomenclature=FLAIR, recipe=QUICK, network=name))


def test_a_upernet_of_transformers_is_trained_on() -> None:
    pytest.importorskip("transformers")
    swin = Architecture(provider="transformers", network="upernet", encoder="swin-tiny", inputs=3, outputs=4)
    begun = (replace(made_card(), architecture=swin), build_network(swin))
    moved(prepare(PATCHES, id="made", nomenclature=FLAIR, recipe=QUICK, begin=begun))
