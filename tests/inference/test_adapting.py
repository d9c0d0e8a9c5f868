"""Networks for other bands: what was learnt stays under its name."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from test_card import CARD

from workbench.inference.adapting import adapt_bands
from workbench.inference.architecture import Architecture
from workbench.inference.card import Band
from workbench.inference.models import check_fit
from workbench.inference.networks import build_network
from workbench.inference.networks.building import first_convolution, outline_network

NETWORKS = (
    Architecture(provider="workbench", network="tiny-unet", inputs=2, outputs=3),
    Architecture(provider="odeon", network="heavy-unet", inputs=2, outputs=3),
    Architecture(provider="smp", network="unet", encoder="mit_b0", inputs=2, outputs=3),
    Architecture(provider="smp", network="deeplabv3plus", encoder="resnet18", inputs=2, outputs=3),
    Architecture(provider="flair-hub", network="upernet", encoder="tu-convnextv2_atto", inputs=2, outputs=3),
)
G = Band(name="G", mean=110.0, std=45.0)


@pytest.mark.parametrize("architecture", NETWORKS, ids=str)
def test_bands_are_found_by_name_and_new_ones_are_the_mean_of_the_old(architecture: Architecture) -> None:
    card = replace(CARD, architecture=architecture)
    weights = build_network(architecture).state_dict()
    red, infrared = card.bands
    adapted, changed = adapt_bands(card, weights, (infrared, G, red, replace(G, name="B")))
    assert [band.name for band in adapted.bands] == ["NIR", "G", "R", "B"]
    assert adapted.training["bands_before"] == ["R", "NIR"]
    check_fit(outline_network(adapted.architecture), changed, source="adapted")
    name = first_convolution(outline_network(architecture))
    before, after = weights[name], changed[name]
    assert torch.equal(after[:, 0], before[:, 1])
    assert torch.equal(after[:, 2], before[:, 0])
    assert torch.allclose(after[:, 1], before.mean(dim=1) * 2 / 4)
    assert all(torch.equal(changed[key], one) for key, one in weights.items() if key != name)


def test_a_band_that_is_left_out_leaves_the_others_as_they_are() -> None:
    card = replace(CARD, architecture=NETWORKS[0])
    weights = build_network(NETWORKS[0]).state_dict()
    changed = adapt_bands(card, weights, (card.bands[1],))[1]
    name = first_convolution(outline_network(NETWORKS[0]))
    assert torch.equal(changed[name], weights[name][:, 1:])
