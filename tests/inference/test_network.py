"""Networks at work: shapes, masks, the three bytes, models on disk."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_models import made_card
from torch import nn

from workbench.errors import ModelError
from workbench.geo.grid import Window
from workbench.inference.folding import fold_batch_norms
from workbench.inference.models import WEIGHTS, fill, read_model, write_model
from workbench.inference.network import NetworkSegmenter, open_segmenter, pick_device
from workbench.inference.networks import build_network
from workbench.inference.reduction import reduce_probabilities, reduce_scores

CARD = made_card(("water", "clear_cut", "building"), ("R", "NIR"), optional=("NIR",), name="two")


def tiles(*, count: int = 2, side: int = 64, bands: int = 2) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, side, side, bands), dtype=np.uint8)


def made(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return build_network(CARD.architecture)


@pytest.mark.parametrize("shape", [(64, 64), (70, 33), (1, 1)])
def test_the_tiny_network_takes_any_size(shape: tuple[int, int]) -> None:
    with torch.inference_mode():
        assert made().eval()(torch.zeros(1, 2, *shape)).shape == (1, 3, *shape)


def test_the_tiny_network_is_tiny() -> None:
    assert sum(one.numel() for one in made().parameters()) * 2 < 1_000_000  # bytes, in 16 bits


def test_untrained_classes_have_no_probability() -> None:
    proba = NetworkSegmenter(CARD, made(), device="cpu").predict_proba(tiles())
    assert proba.shape == (2, 3, 64, 64)
    assert not proba[:, 1].any()
    assert np.allclose(proba.sum(axis=1), 1, atol=1e-6)


def test_three_bytes_say_what_the_probabilities_say() -> None:
    segmenter = NetworkSegmenter(CARD, made(), device="cpu")
    proba, planes = segmenter.predict_proba(tiles()), segmenter.predict_reduced(tiles())
    assert np.array_equal(planes[:, 0], proba.argmax(axis=1) + 1)
    assert np.array_equal(planes[:, 1], np.floor(proba.max(axis=1) * 255 + 0.5))
    entropy = -(proba * np.log(np.where(proba > 0, proba, 1))).sum(axis=1) / math.log(2)
    assert np.abs(planes[:, 2] - entropy * 255).max() <= 0.51


def test_a_core_is_what_the_whole_tile_says_there() -> None:
    segmenter = NetworkSegmenter(CARD, made(), device="cpu")
    whole, core = (
        segmenter.predict_reduced(tiles()),
        segmenter.predict_reduced(tiles(), core=Window(row=8, col=12, height=48, width=41)),
    )
    differing = np.abs(core.astype(int) - whole[..., 8:56, 12:53])
    assert differing.max() <= 1
    assert (differing > 0).mean() < 0.001


def test_of_equal_logits_the_first_class_counts_and_doubt_is_whole() -> None:
    scores = torch.zeros(1, 3, 2, 2).to(memory_format=torch.channels_last)
    assert reduce_scores(scores)[0, :, 0, 0].tolist() == [1, 85, 255]


def test_no_number_is_no_class() -> None:
    scores = torch.zeros(1, 3, 2, 2)
    scores[0, :, 0, 1] = math.nan
    assert reduce_scores(scores)[0, :, 0, 1].tolist() == [0, 0, 0]
    told = reduce_probabilities(scores.softmax(dim=1), torch.zeros(1, 2, 2), 3)
    assert told[0, :, 0, 1].tolist() == [0, 0, 0, 0]
    assert told[0, :, 0, 0].tolist() == [1, 85, 255, 255]


class _Forgetful(nn.Module):
    """A network on a card with memory for two tiles."""

    def __init__(self) -> None:
        super().__init__()
        self.network, self.seen = made(), list[int]()

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        self.seen.append(len(image))
        if len(image) > 2:
            raise torch.cuda.OutOfMemoryError
        logits: torch.Tensor = self.network(image)
        return logits


def test_without_memory_for_a_batch_half_of_it_is_asked_for_from_then_on() -> None:
    network = _Forgetful()
    segmenter = NetworkSegmenter(CARD, network, device="cpu")
    segmenter._batches.size = 8
    expected = NetworkSegmenter(CARD, made(), device="cpu").predict_reduced(tiles(count=5))
    assert np.array_equal(segmenter.predict_reduced(tiles(count=5)), expected)
    assert network.seen == [8, 4, 2, 2, 2], "the last batch is filled up"
    assert segmenter.batch == 2


def test_without_memory_for_a_tile_the_way_out_is_told() -> None:
    class Full(nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            raise torch.cuda.OutOfMemoryError

    with pytest.raises(ModelError, match="cpu has no memory for a tile of 64 pixels; choose smaller tiles"):
        NetworkSegmenter(CARD, Full(), device="cpu").predict_reduced(tiles(count=1))


def test_members_that_disagree_have_mutual_information() -> None:
    sure = torch.tensor([1.0, 0.0])[None, :, None, None]
    unsure = torch.tensor([0.5, 0.5])[None, :, None, None]
    doubt = torch.full((1, 1, 1), math.log(2))
    agree = reduce_probabilities(unsure, doubt, 2)
    differ = reduce_probabilities((sure + sure.flip(1)) / 2, 0 * doubt, 2)
    assert agree[0, :, 0, 0].tolist() == [1, 128, 255, 0]
    assert differ[0, :, 0, 0].tolist() == [1, 128, 255, 255]


def test_a_model_comes_back_from_disk(tmp_path: Path) -> None:
    network = made()
    card = write_model(CARD, network.state_dict(), tmp_path / "two")
    assert open_segmenter(tmp_path / "two", device="cpu").card == card
    again = open_segmenter(tmp_path / "two", device="cpu").predict_reduced(tiles())
    before = NetworkSegmenter(CARD, network, device="cpu").predict_reduced(tiles())
    assert np.abs(again.astype(int) - before)[:, 1:].max() <= 1
    assert (again[:, 0] != before[:, 0]).mean() < 0.001


def test_a_folded_network_says_the_same() -> None:
    network, folded = made().eval(), made().eval()
    for norm in (one for one in network.modules() if isinstance(one, nn.BatchNorm2d)):
        norm.running_mean.uniform_(-1, 1)
        norm.running_var.uniform_(0.5, 2)
    folded.load_state_dict(network.state_dict())
    fold_batch_norms(folded)
    assert not any(isinstance(one, nn.BatchNorm2d) for one in folded.modules())
    image = torch.randn(1, 2, 64, 64)
    with torch.inference_mode():
        assert torch.allclose(network(image), folded(image), atol=1e-5)


def test_a_model_in_sixteen_bits_is_half_as_large(tmp_path: Path) -> None:
    write_model(CARD, made().state_dict(), tmp_path / "whole")
    write_model(CARD, made().state_dict(), tmp_path / "half", half=True)
    whole, half = ((tmp_path / name / WEIGHTS).stat().st_size for name in ("whole", "half"))
    assert half < 0.55 * whole
    assert next(read_model(tmp_path / "half")[1].parameters()).dtype == torch.float32


def test_other_weights_than_the_card_s_are_refused(tmp_path: Path) -> None:
    write_model(CARD, made().state_dict(), tmp_path / "two")
    content = bytearray((tmp_path / "two" / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (tmp_path / "two" / WEIGHTS).write_bytes(content)
    with pytest.raises(ModelError, match="is not the file that the card was written for"):
        read_model(tmp_path / "two")


def test_nothing_but_a_model_is_replaced(tmp_path: Path) -> None:
    write_model(CARD, made().state_dict(), tmp_path / "two")
    with pytest.raises(ModelError, match="exists already"):
        write_model(CARD, made(1).state_dict(), tmp_path / "two")
    write_model(CARD, made(1).state_dict(), tmp_path / "two", overwrite=True)
    (tmp_path / "else").mkdir()
    with pytest.raises(ModelError, match="is no model"):
        write_model(CARD, made().state_dict(), tmp_path / "else", overwrite=True)
    (tmp_path / "two" / "notes.txt").write_text("mine")
    with pytest.raises(ModelError, match=r"holds notes.txt, no part of a model, which would be lost"):
        write_model(CARD, made().state_dict(), tmp_path / "two", overwrite=True)
    assert (tmp_path / "two" / "notes.txt").read_text() == "mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["else", "two"]


def test_weights_of_another_network_are_named() -> None:
    weights = made().state_dict()
    weights["head.weight"] = weights["head.weight"][:2]
    del weights["head.bias"]
    with pytest.raises(
        ModelError, match=r"2 of \d+ tensors do not fit .*head.bias is missing \(expected \[3\]\)"
    ):
        fill(made(), weights, source="x")
    assert fill(made(), made().state_dict(), source="x") == len(made().state_dict())


def test_a_network_that_nobody_builds_is_refused() -> None:
    with pytest.raises(ModelError, match="no network that this version can build"):
        build_network(replace(CARD.architecture, network="huge-unet"))


@pytest.mark.parametrize(
    ("wish", "told"),
    [("tpu!", "is no device"), ("meta", "nothing is predicted on"), ("cuda:9", "is not on this machine")],
)
def test_a_device_that_is_not_there_is_refused(wish: str, told: str) -> None:
    with pytest.raises(ModelError, match=told):
        pick_device(wish)
