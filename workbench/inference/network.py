"""A network at work: tiles in, what it thinks of their pixels out, on a processor or a graphics card."""

from __future__ import annotations

__all__ = ["NetworkSegmenter", "open_segmenter", "pick_device"]

import math
import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workbench.errors import ModelError
from workbench.geo.grid import Window
from workbench.geo.predictions import PLANES
from workbench.inference.batches import Batches
from workbench.inference.card import ModelCard
from workbench.inference.folding import fold_batch_norms
from workbench.inference.models import read_model
from workbench.inference.networks.tiny_unet import TinyUNet
from workbench.inference.reduction import reduce_scores


def pick_device(wish: str) -> torch.device:
    """Return the device that is called ``auto``, ``cpu``, ``cuda`` or ``cuda:1``.

    Raises
    ------
    ModelError
        torch does not know it, or it is not there.
    """
    if wish == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(wish)
    except RuntimeError as error:
        raise ModelError(f"{wish!r} is no device; choose auto, cpu or cuda") from error
    if device.type not in ("cpu", "cuda"):
        raise ModelError(f"nothing is predicted on {wish}; choose auto, cpu or cuda")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ModelError(f"{wish} is not on this machine; choose auto or cpu")
    return device


def open_segmenter(directory: Path, *, device: str = "auto") -> NetworkSegmenter:
    """Open the model in a directory, on a device.

    Raises
    ------
    ModelError
        There is no model, its weights are not those of its card, or the device is not there.
    """
    card, network = read_model(directory)
    fold_batch_norms(network)
    return NetworkSegmenter(card, network, device=device)


class NetworkSegmenter:
    """A network with its card; a `Segmenter`.

    Parameters
    ----------
    card
        What the network takes and gives.
    network
        From (tile, band, row, col) to logits (tile, class, row, col).
    device
        As for `pick_device`.
    """

    def __init__(self, card: ModelCard, network: nn.Module, *, device: str = "auto") -> None:
        self.card = card
        self._device = pick_device(device)
        self.network = network.eval().to(self._device).to(memory_format=torch.channels_last)
        trained = torch.from_numpy(card.trained)
        self._mask = torch.where(trained, 0.0, -math.inf).to(self._device)[:, None, None]
        self._mean = torch.tensor([band.mean for band in card.bands], device=self._device)
        self._batches = Batches(self._device)
        self._factor = torch.tensor([1 / band.std for band in card.bands], device=self._device)

    @property
    def device(self) -> str:
        """Where it runs."""
        return str(self._device)

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """Its own."""
        return (self.card,)

    @property
    def digest(self) -> str:
        """SHA-256 of the card, which has that of the weights."""
        return self.card.digest

    @property
    def planes(self) -> tuple[str, ...]:
        """What is told of a pixel."""
        return PLANES

    @property
    def batch(self) -> int:
        """Tiles that are looked at at once."""
        return self._batches.size

    @property
    def lanes(self) -> int:
        """A thread for each core, each with a tile of its own; two keep a graphics card busy."""
        return (os.cpu_count() or 1) if self._device.type == "cpu" else 2

    def enter_lane(self) -> None:
        """Have torch keep to this thread: the others have tiles of their own."""
        if self._device.type == "cpu":
            torch.set_num_threads(1)

    def without(self, bands: Sequence[str]) -> Self:
        """Return itself: what stands in the place of a band is its own mean."""
        return self

    def normalise(self, tiles: NDArray[np.uint8]) -> Tensor:
        """Return tiles (tile, row, col, band) as numbers around 0, (tile, band, row, col), channels last."""
        pixels = torch.from_numpy(tiles).to(self._device)
        return ((pixels - self._mean) * self._factor).permute(0, 3, 1, 2)

    def scores(self, tiles: NDArray[np.uint8], *, core: Window | None = None) -> Tensor:
        """Return logits on the device, (tile, class, row, col); -inf for untrained classes."""
        with torch.inference_mode(), self._precision():
            logits: Tensor
            if isinstance(self.network, TinyUNet):
                logits = self.network(self.normalise(tiles), core)
            else:
                logits = self.network(self.normalise(tiles))
                if core is not None:
                    logits = logits[..., *core.slices]
            return logits.float() + self._mask

    def predict_proba(self, tiles: NDArray[np.uint8], *, core: Window | None = None) -> NDArray[np.float32]:
        """Return the probability of each class, shape (tile, class, row, col); 0 for untrained ones."""
        return self._batches.ask(tiles, lambda part: _probabilities(self.scores(part, core=core)))

    def predict_opinions(
        self, tiles: NDArray[np.uint8], *, core: Window | None = None
    ) -> NDArray[np.float32]:
        """Return the same: one model disagrees with nobody."""
        return self.predict_proba(tiles, core=core)

    def predict_reduced(self, tiles: NDArray[np.uint8], *, core: Window | None = None) -> NDArray[np.uint8]:
        """Return class, probability and entropy in a byte each, shape (tile, plane, row, col)."""
        return self._batches.ask(tiles, lambda part: reduce_scores(self.scores(part, core=core)))

    def _precision(self) -> AbstractContextManager[object]:
        """Return autocast where the hardware has it: on a processor it is eight times slower than floats."""
        if self._device.type != "cuda":
            return nullcontext()
        half = torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
        return torch.autocast("cuda", dtype=half)


def _probabilities(scores: Tensor) -> NDArray[np.float32]:
    proba: NDArray[np.float32] = scores.softmax(dim=1).cpu().numpy()
    return proba
