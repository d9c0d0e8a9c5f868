"""Networks of every provider: built, counted, and the same as what wrote the published files."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from seeded import seed_network, seeded_image
from torch import nn

from workbench.errors import ModelError
from workbench.inference.architecture import Architecture
from workbench.inference.networks import build_network
from workbench.inference.networks.building import first_convolution, head_of, outline_network
from workbench.inference.published import PUBLISHED, Published
from workbench.inference.recognising import recognise
from workbench.inference.tensors import TensorFile

GOLDEN = Path(__file__).parent / "golden" / "upernet_smp_0.4.0.json"
UNET = Architecture(provider="smp", network="unet", encoder="resnet18", inputs=4, outputs=5)
UPERNET = Architecture(provider="flair-hub", network="upernet", encoder="resnet18", inputs=4, outputs=5)
HEAVY = Architecture(provider="odeon", network="heavy-unet", inputs=4, outputs=5)
DISTINCT = {str(one.architecture): one for one in PUBLISHED}


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def counted(network: nn.Module) -> float:
    return sum(one.numel() for one in network.parameters()) / 1e6


def needs(architecture: Architecture) -> None:
    if architecture.provider == "transformers":
        pytest.importorskip("transformers")


@pytest.mark.parametrize("one", DISTINCT.values(), ids=lambda one: one.name)
def test_every_published_model_has_its_size_and_is_recognised_by_its_tensors(one: Published) -> None:
    needs(one.architecture)
    network = outline_network(one.architecture)
    millions = counted(network)
    if one.millions is not None and abs(millions - one.millions) > 0.01 * one.millions:
        assert f"{millions:.2f}" in one.remark, "a difference is explained"
    found = recognise(TensorFile(path=Path("x.pth"), tensors=network.state_dict()))
    assert found.architecture == one.architecture


def test_names_of_published_models_are_unique() -> None:
    assert len({one.name for one in PUBLISHED}) == len(PUBLISHED)


@pytest.mark.parametrize("bands", [1, 3, 4, 5])
def test_a_network_takes_any_number_of_bands(bands: int) -> None:
    for one in (UNET, UPERNET, HEAVY):
        network = outline_network(replace(one, inputs=bands))
        assert network.state_dict()[first_convolution(network)].shape[1] == bands
        assert all(network.get_submodule(name).weight.shape[0] == 5 for name in head_of(one))


@pytest.mark.parametrize(
    "architecture",
    [
        UNET,
        UPERNET,
        replace(UNET, network="fpn"),
        replace(UNET, network="deeplabv3"),
        replace(UNET, network="deeplabv3plus"),
        replace(UNET, network="upernet"),
        replace(UNET, encoder="mit_b0"),
        replace(UPERNET, encoder="tu-convnextv2_atto"),
        HEAVY,
    ],
    ids=str,
)
def test_a_network_takes_any_size(architecture: Architecture) -> None:
    network = build_network(architecture).eval()
    with torch.inference_mode():
        assert network(torch.zeros(1, 4, 70, 33)).shape == (1, 5, 70, 33)


def test_a_swin_takes_any_size_with_the_same_weights() -> None:
    encoder = "tu-swin_tiny_patch4_window7_224"
    network = build_network(replace(UPERNET, encoder=encoder)).eval()
    with torch.inference_mode():
        for side in (96, 250):
            assert network(torch.zeros(1, 4, side, side)).shape == (1, 5, side, side)


@pytest.mark.parametrize("case", json.loads(GOLDEN.read_text()), ids=lambda case: case["encoder"])
def test_flair_hubs_upernet_says_what_smp_0_4_0_said(case: dict[str, object]) -> None:
    """Written by tests/benchmarks/golden_upernet.py in an environment that has that version."""
    encoder, bands, side = case["encoder"], case["bands"], case["side"]
    architecture = replace(UPERNET, encoder=encoder, inputs=bands, outputs=19)
    with torch.inference_mode():
        logits = seed_network(build_network(architecture))(seeded_image(bands, side))
    assert torch.allclose(logits[0, ::6, ::7, ::7].flatten(), torch.tensor(case["logits"]), atol=1e-3)


def test_the_deepest_map_of_the_heavy_unet_sees_140_pixels() -> None:
    """As published, by the arithmetic of its kernels and strides."""
    network, seen, step = outline_network(HEAVY), 1, 1
    for part in ("inc", "down1", "down2", "down3", "down4"):
        for layer in network.get_submodule(part).modules():
            if isinstance(layer, nn.Conv2d):
                seen += (layer.kernel_size[0] - 1) * step
            elif isinstance(layer, nn.MaxPool2d):
                seen, step = seen + step, 2 * step
    assert seen == 140


@pytest.mark.parametrize(
    ("architecture", "told"),
    [
        (replace(UNET, encoder="resnet35"), "there is no encoder 'resnet35'"),
        (replace(UNET, encoder="hf-hub:somebody/something"), "there is no encoder"),
        (replace(UNET, encoder="tu-hf-hub:somebody/something"), "there is no encoder"),
        (replace(UNET, encoder=None), "needs an encoder"),
        (replace(UNET, network="deeplabv4"), "no network that this version can build"),
        (replace(UPERNET, encoder="tu-vit_tiny_patch16_224"), "cannot be built: .*; choose another encoder"),
    ],
)
def test_what_cannot_be_built_is_refused(architecture: Architecture, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        build_network(architecture)


@pytest.mark.parametrize(
    ("architecture", "missing", "extra"),
    [
        (UNET, "segmentation_models_pytorch", "torch"),
        (UPERNET, "segmentation_models_pytorch", "torch"),
        (replace(UPERNET, provider="transformers", encoder="swin-small"), "transformers", "transformers"),
    ],
    ids=str,
)
def test_what_is_not_installed_is_named_with_the_command(
    architecture: Architecture, missing: str, extra: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [missing, *(name for name in sys.modules if name.startswith(f"{missing}."))]:
        monkeypatch.setitem(sys.modules, name, None)
    for name in [name for name in sys.modules if name.startswith("workbench.inference.networks.")]:
        if name.rpartition(".")[2] in {"smp_networks", "flair_hub", "encoders", "transformers_networks"}:
            monkeypatch.delitem(sys.modules, name)
            package = importlib.import_module("workbench.inference.networks")
            monkeypatch.delattr(package, name.rpartition(".")[2], raising=False)
    with pytest.raises(ModelError, match=rf"pip install 'ocs-workbench\[{extra}\]'"):
        build_network(architecture)


def test_transformers_networks_take_any_size() -> None:
    pytest.importorskip("transformers")
    small = replace(UPERNET, provider="transformers", encoder="swin-tiny")
    with torch.inference_mode():
        assert build_network(small).eval()(torch.zeros(1, 4, 70, 33)).shape == (1, 5, 70, 33)
