"""What a training begins with: a network by its name, or another model, its classes and bands by theirs."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from made_models import made_card, state

from workbench.errors import ModelError
from workbench.inference.architecture import Architecture
from workbench.inference.models import check_fit
from workbench.inference.networks import build_network
from workbench.inference.networks.building import first_convolution, head_of, outline_network
from workbench.training.starting import named_architecture, transfer

NETWORKS = (
    Architecture(provider="workbench", network="tiny-unet", inputs=2, outputs=3),
    Architecture(provider="odeon", network="heavy-unet", inputs=2, outputs=3),
    Architecture(provider="smp", network="unet", encoder="mit_b0", inputs=2, outputs=3),
    Architecture(provider="smp", network="fpn", encoder="resnet18", inputs=2, outputs=3),
    Architecture(provider="flair-hub", network="upernet", encoder="tu-convnextv2_atto", inputs=2, outputs=3),
    Architecture(provider="transformers", network="upernet", encoder="swin-tiny", inputs=2, outputs=3),
)
TWO = made_card(("water", "clear_cut", "building"), ("R", "NIR"), name="two")


@pytest.mark.parametrize("architecture", NETWORKS, ids=str)
def test_every_network_keeps_its_classes_and_bands_under_their_names(architecture: Architecture) -> None:
    if architecture.provider == "transformers":
        pytest.importorskip("transformers")
    old = replace(TWO, architecture=architecture)
    new = made_card(("snow", "building", "clear_cut", "water"), ("NIR", "G", "R"), untrained=())
    new = replace(new, architecture=replace(architecture, inputs=3, outputs=4))
    weights = state(architecture)
    grown = transfer(weights, old, new)
    check_fit(outline_network(new.architecture), grown, source="grown")
    first = first_convolution(outline_network(architecture))
    head = [f"{part}.{kind}" for part in head_of(architecture) for kind in ("weight", "bias")]
    for name in head:
        assert torch.equal(grown[name][[1, 3]], weights[name][[2, 0]])
        assert not grown[name][[0, 2]].any(), "snow is new to it, and clear_cut was never trained"
    assert torch.equal(grown[first][:, [0, 2]], weights[first][:, [1, 0]])
    assert not grown[first][:, 1].any()
    assert all(torch.equal(grown[name], one) for name, one in weights.items() if name not in (first, *head))


def test_a_network_says_of_the_classes_that_it_knew_what_it_said_before() -> None:
    old = made_card(("water", "clear_cut", "building"), ("R", "G", "B"))
    new = made_card(("building", "snow", "water"), ("NIR", "B", "R", "G"), untrained=())
    before, after = (build_network(card.architecture).eval() for card in (old, new))
    after.load_state_dict(transfer(before.state_dict(), old, new))
    image, infrared = torch.randn(1, 3, 64, 64), torch.randn(1, 1, 64, 64)
    with torch.inference_mode():
        said = before(image)
        says = after(torch.cat([infrared, image[:, [2, 0, 1]]], dim=1))
    assert torch.allclose(says[:, [0, 2]], said[:, [2, 0]], atol=1e-5)
    assert not says[:, 1].any(), "a class that the old model did not know"


def test_a_model_of_another_network_is_no_beginning() -> None:
    other = replace(TWO, architecture=replace(NETWORKS[2], encoder="resnet18"))
    with pytest.raises(ModelError, match="cannot begin as a"):
        transfer({}, TWO, other)


@pytest.mark.parametrize(
    ("name", "provider", "encoder", "network"),
    [
        ("tiny-unet", "workbench", None, "tiny-unet"),
        ("resnet34-unet", "smp", "resnet34", "unet"),
        ("mit_b5-unet", "smp", "mit_b5", "unet"),
        ("heavy-unet", "odeon", None, "heavy-unet"),
        ("tu-swin_tiny_patch4_window7_224-upernet", "smp", "tu-swin_tiny_patch4_window7_224", "upernet"),
        ("swin_tiny_patch4_window7_224-upernet", "smp", "tu-swin_tiny_patch4_window7_224", "upernet"),
        ("convnextv2_tiny-upernet", "smp", "tu-convnextv2_tiny", "upernet"),
    ],
)
def test_a_network_is_chosen_by_its_name(name: str, provider: str, encoder: str | None, network: str) -> None:
    made = named_architecture(name, inputs=4, outputs=19)
    assert (made.provider, made.encoder, made.network) == (provider, encoder, network)


def test_what_is_no_network_is_refused() -> None:
    with pytest.raises(ModelError, match="write it like tiny-unet"):
        named_architecture("unet", inputs=1, outputs=1)
