"""A network with all that it needs to learn from some crops, and to be judged."""

from __future__ import annotations

__all__ = ["Learner"]

import math
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workbench.documents import canonical_bytes, digest
from workbench.errors import ModelError
from workbench.inference.network import pick_device
from workbench.training.losses import class_weights, pixel_loss
from workbench.training.patches import PatchSet
from workbench.training.preparing import Prepared
from workbench.training.recipe import Recipe
from workbench.training.sampling import Crops, CropSampler
from workbench.training.validation import Score, validate_on

_STEEPEST = 5.0
"""Norm that gradients are clipped to."""
_ENCODERS = ("encoder.", "backbone.")
"""What the parameters of encoders are called, in segmentation-models-pytorch and in transformers."""


class Learner:
    """A network, its optimiser and the crops that it learns from, on a device.

    Parameters
    ----------
    prepared
        The network; it is changed.
    patches
        To learn from.
    recipe
        How.
    device
        As for `pick_device`.
    """

    def __init__(self, prepared: Prepared, patches: PatchSet, recipe: Recipe, device: str) -> None:
        card = prepared.card
        self.recipe, self.prepared = recipe, prepared
        self.device = pick_device(device)
        self.network = prepared.network.to(self.device).to(memory_format=torch.channels_last)
        self.frozen = prepared.begun and len(patches.zone_ids) < recipe.frozen_below
        self.sampler = CropSampler(
            patches, bands=card.bands, output_of=prepared.output_of(untrained=False), recipe=recipe
        )
        pixels = patches.class_pixels
        self._weights = self._tensor(
            class_weights(
                np.array([pixels[code] if code < len(pixels) else 0 for code in prepared.codes]),
                recipe.class_weight,
            )
        )
        self._mean = self._tensor(np.array([band.mean for band in card.bands], np.float32))
        self._factor = self._tensor(np.array([1 / band.std for band in card.bands], np.float32))
        self._mask = self._tensor(np.where(card.trained, 0, -np.inf).astype(np.float32))[:, None, None]
        self.optimiser = _optimiser(self.network, recipe)

    def step(self, crops: Crops, rate: float, *, number: int) -> float:
        """Learn from some crops; return the loss."""
        self.network.train()
        if self.frozen:
            for module in self.network.modules():
                if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d):
                    module.eval()
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group["factor"]
        outputs = torch.from_numpy(crops.outputs).to(self.device).long()
        cards = [self.device] if self.device.type == "cuda" else []
        with torch.random.fork_rng(devices=cards):  # for layers that drop at random
            torch.manual_seed(self.recipe.seed * 1_000_003 + number)
            with self._precision():
                logits = self.network(self._normalised(crops))
        loss = pixel_loss(logits.float() + self._mask, outputs, self._weights, self.recipe.loss)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), _STEEPEST)
        self.optimiser.step()
        found = float(loss.detach())
        if not math.isfinite(found):
            raise ModelError(f"the loss is no number at step {number + 1}; train with a lower rate")
        return found

    def state(self) -> dict[str, Tensor]:
        """Return a copy of the network's weights as they are now."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self.network.state_dict().items()}

    @property
    def digest(self) -> str:
        """SHA-256 of the network's weights."""
        parts = [
            [name, digest(tensor.contiguous().numpy().tobytes())]
            for name, tensor in sorted(self.state().items())
        ]
        return digest(canonical_bytes(parts))

    def score(self, patches: PatchSet) -> Score:
        """Judge the network on patches."""
        self.network.eval()
        return validate_on(
            patches,
            self._predict,
            output_of=self.prepared.output_of(untrained=True),
            outputs=len(self.prepared.codes),
        )

    def _predict(self, image: NDArray[np.uint8], bands: tuple[str, ...]) -> NDArray[np.uint8]:
        own = self.prepared.card.bands
        there = np.array([[band.name in bands for band in own]], np.float32)
        planes = [image[bands.index(band.name)] if band.name in bands else image[0] for band in own]
        crops = Crops(
            images=np.stack(planes, axis=-1)[np.newaxis],
            outputs=np.zeros(0, np.uint8),
            contrast=there,
            brightness=np.zeros_like(there),
        )
        with torch.inference_mode(), self._precision():
            logits = self.network(self._normalised(crops))
            found: NDArray[np.uint8] = (logits.float() + self._mask).argmax(dim=1)[0].byte().cpu().numpy()
        return found

    def _normalised(self, crops: Crops) -> Tensor:
        """Return pixels as numbers around 0, (crop, band, row, col), channels last; 0 where a band lacks."""
        pixels = (torch.from_numpy(crops.images).to(self.device) - self._mean) * self._factor
        contrast = torch.from_numpy(crops.contrast).to(self.device)[:, None, None]
        brightness = torch.from_numpy(crops.brightness).to(self.device)[:, None, None]
        return (pixels * contrast + brightness).permute(0, 3, 1, 2)

    def _tensor(self, values: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(values).to(self.device)

    def _precision(self) -> AbstractContextManager[object]:
        if self.device.type != "cuda" or not torch.cuda.is_bf16_supported():
            return nullcontext()
        return torch.autocast("cuda", dtype=torch.bfloat16)


def _optimiser(network: nn.Module, recipe: Recipe) -> torch.optim.Optimizer:
    """Return the optimiser; norms and biases do not decay, and an encoder may learn more slowly."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        groups.setdefault((name.startswith(_ENCODERS), parameter.ndim > 1), []).append(parameter)
    listed = [
        {
            "params": parameters,
            "factor": recipe.encoder_factor if encoder else 1.0,
            "weight_decay": recipe.decay if decays else 0.0,
        }
        for (encoder, decays), parameters in groups.items()
    ]
    if recipe.optimiser == "sgd":
        return torch.optim.SGD(listed, lr=recipe.rate, momentum=0.9, nesterov=True)
    return torch.optim.AdamW(listed, lr=recipe.rate)
