"""The loop: crops in, weights out, until the budget is spent or held-out zones say that it is enough."""

from __future__ import annotations

__all__ = ["Trained", "train"]

import math
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workbench.documents import canonical_bytes, digest
from workbench.errors import ModelError
from workbench.inference.network import pick_device
from workbench.training.budget import Budget, one_cycle
from workbench.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from workbench.training.history import History
from workbench.training.losses import class_weights, pixel_loss
from workbench.training.patches import PatchSet
from workbench.training.preparing import Prepared
from workbench.training.recipe import Recipe
from workbench.training.sampling import Crops, CropSampler
from workbench.training.validation import Score, validate_on

_STRETCHES = 100
"""Rows of the history, over the whole budget."""
_JUDGED_PATCHES = 32
_JUDGING_SHARE = 0.1
"""Of the time, where it is what is budgeted."""
_BETWEEN_CHECKPOINTS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trained:
    """What came of a training."""

    weights: dict[str, Tensor]
    """State of the network: the best on held-out zones, or the last where there are none."""
    history: History
    steps: int
    seconds: float
    score: Score | None
    """Of these weights on the held-out zones."""
    stopped_early: bool
    frozen: bool
    """Whether batch-norm statistics were kept as they were."""
    device: str


def train(
    prepared: Prepared,
    patches: PatchSet,
    *,
    recipe: Recipe,
    budget: Budget,
    held_out: PatchSet | None = None,
    device: str = "auto",
    source: Any = None,
    checkpoint: Path | None = None,
    between: float = _BETWEEN_CHECKPOINTS,
    clock: Callable[[], float] = time.perf_counter,
    progress: Callable[[float, str], None] = lambda share, told: None,
) -> Trained:
    """Train a network.

    With a budget of steps the same arguments give the same weights on a processor, killed and resumed or not.

    Parameters
    ----------
    prepared
        The network; it is changed.
    patches
        To learn from.
    recipe, budget
        How, and for how long.
    held_out
        Patches of other zones, to judge on.
    device
        As for `pick_device`.
    source
        JSON of what the patches were made of: a training is resumed only on the same.
    checkpoint
        Where to keep what a killed training goes on from; one that is there is gone on from.
    between
        Seconds from one checkpoint to the next.
    clock
        What the seconds of the budget are measured by.
    progress
        Told the share of the budget that is spent, and how it goes.

    Raises
    ------
    ModelError
        Nothing is there to learn from, the loss is no number any more, or the checkpoint is of another
        training.
    """
    learner = _Learner(prepared, patches, recipe, device)
    run = digest(
        canonical_bytes(
            {
                "recipe": recipe.document(),
                "budget": [budget.steps, budget.seconds],
                "card": prepared.card.document(),
                "zones": [patches.zones, held_out.zones if held_out else []],
                "pixels": digest(np.ascontiguousarray(patches.pixels).tobytes()),
                "weights": _digest(prepared.network),
                "source": source,
            }
        )
    )
    state, best = Checkpoint(run=run, history=History()), dict[str, Tensor]()
    if checkpoint is not None and checkpoint.exists():
        state, best = read_checkpoint(checkpoint, learner.network, learner.optimiser, run=run)
    judged = _some(held_out) if held_out is not None and len(held_out) else None
    before, begun, saved = state.seconds, clock(), clock()
    spent = budget.spent(step=state.step, seconds=state.seconds)
    batches = learner.sampler.batches(state.step)
    try:
        while spent < 1 and state.worse < recipe.patience:
            rate = recipe.rate * one_cycle(spent)
            loss = learner.step(next(batches), rate, number=state.step)
            state.step += 1
            state.losses = (state.losses[0] + loss, state.losses[1] + 1)
            state.seconds = before + clock() - begun
            last, spent = spent, budget.spent(step=state.step, seconds=state.seconds)
            if _passed(last, spent, _STRETCHES):
                _note(state, rate)
            if (
                judged is not None
                and _passed(last, spent, recipe.validations)
                and _may_judge(state, budget, spent)
            ):
                start = clock()
                best = _judge(state, learner, judged) or best
                state.judging += clock() - start
            if checkpoint is not None and clock() - saved >= between:
                state.seconds = before + clock() - begun
                write_checkpoint(checkpoint, state, learner.network, learner.optimiser, best)
                saved = clock()
            progress(spent, _told(state))
    finally:
        batches.close()
    weights = best or {name: tensor.detach().cpu() for name, tensor in learner.network.state_dict().items()}
    score = None
    if judged is not None and best:
        learner.network.load_state_dict(best)
        score = learner.score(judged)
    elif not best:
        state.history.kept_step = state.step
    return Trained(
        weights=weights,
        history=state.history,
        steps=state.step,
        seconds=before + clock() - begun,
        score=score,
        stopped_early=spent < 1,
        frozen=learner.frozen,
        device=str(learner.device),
    )


class _Learner:
    """A network with all that one step needs."""

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
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimiser.step()
        found = float(loss.detach())
        if not math.isfinite(found):
            raise ModelError(f"the loss is no number at step {number + 1}; train with a lower rate")
        return found

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
        groups.setdefault((name.startswith("encoder."), parameter.ndim > 1), []).append(parameter)
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


def _passed(last: float, spent: float, parts: int) -> bool:
    """Tell whether one of some equal parts of the budget ended between two moments."""
    return math.floor(spent * parts) > math.floor(last * parts)


def _may_judge(state: Checkpoint, budget: Budget, spent: float) -> bool:
    """Tell whether there is time to judge: always at the end, and where steps are counted."""
    return budget.seconds is None or spent >= 1 or state.judging <= _JUDGING_SHARE * state.seconds


def _judge(state: Checkpoint, learner: _Learner, patches: PatchSet) -> dict[str, Tensor] | None:
    """Judge the network; return its weights if it was never better."""
    score = learner.score(patches)
    state.history.scores.append(
        {
            "step": state.step,
            "seconds": round(state.seconds, 3),
            "mean_iou": round(score.mean_iou, 5),
            "accuracy": round(score.accuracy, 5),
        }
    )
    if score.mean_iou <= state.best:
        state.worse += 1
        return None
    state.best, state.worse, state.history.kept_step = score.mean_iou, 0, state.step
    return {name: tensor.detach().cpu().clone() for name, tensor in learner.network.state_dict().items()}


def _note(state: Checkpoint, rate: float) -> None:
    total, count = state.losses
    state.history.losses.append(
        {
            "step": state.step,
            "seconds": round(state.seconds, 3),
            "rate": float(f"{rate:.4g}"),
            "loss": round(total / count, 5),
        }
    )
    state.losses = (0.0, 0)


def _told(state: Checkpoint) -> str:
    loss = f"loss {state.history.losses[-1]['loss']:.3f}" if state.history.losses else "begun"
    score = f", mean IoU {state.history.scores[-1]['mean_iou']:.3f}" if state.history.scores else ""
    return f"step {state.step:,}: {loss}{score}"


def _some(patches: PatchSet) -> PatchSet:
    """Return patches all over a set, no more than can be judged again and again."""
    count = min(len(patches), _JUDGED_PATCHES)
    return patches.chosen(np.unique(np.linspace(0, len(patches) - 1, count).astype(int)).tolist())


def _digest(network: nn.Module) -> str:
    parts = [
        [name, digest(tensor.detach().cpu().contiguous().numpy().tobytes())]
        for name, tensor in sorted(network.state_dict().items())
    ]
    return digest(canonical_bytes(parts))
