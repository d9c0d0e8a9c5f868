"""The loop: crops in, weights out, until the budget is spent or held-out zones say that it is enough."""

from __future__ import annotations

__all__ = ["Trained", "train"]

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from workbench.documents import canonical_bytes, digest
from workbench.training.budget import Budget, one_cycle
from workbench.training.checkpoint import Checkpoint, read_checkpoint, write_checkpoint
from workbench.training.history import History
from workbench.training.learner import Learner
from workbench.training.patches import PatchSet
from workbench.training.preparing import Prepared
from workbench.training.recipe import Recipe
from workbench.training.sampling import Crops
from workbench.training.validation import Score

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
    judged: PatchSet | None
    """Patches of these that they are judged by."""
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
    say: Callable[[str], None] = lambda _: None,
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
        Seconds from one checkpoint to the next; there is one after each judgement, too.
    clock
        What the seconds of the budget are measured by.
    say
        Told if a checkpoint is gone on from, once it is known to be of this training.
    progress
        Told the share of the budget that is spent, and how it goes.

    Raises
    ------
    ModelError
        Nothing is there to learn from, the loss is no number any more, or the checkpoint is of another
        training.
    """
    learner = Learner(prepared, patches, recipe, device)
    facts = {
        "recipe": recipe.document(),
        "budget": [budget.steps, budget.seconds],
        "card": prepared.card.document(),
        "zones": [patches.zones, held_out.zones if held_out else []],
        "pixels": digest(np.ascontiguousarray(patches.pixels).tobytes()),
        "weights": learner.digest,
        "source": source,
    }
    run = _Run(learner, recipe, budget, held_out, digest(canonical_bytes(facts)), clock)
    if checkpoint is not None and checkpoint.exists():
        run.resume(checkpoint)
        say(f"{checkpoint}: going on from step {run.state.step:,}")
    batches = learner.sampler.batches(run.state.step)
    saved = clock()
    try:
        while run.spent < 1 and run.state.worse < recipe.patience:
            judged = run.step(next(batches))
            if checkpoint is not None and (judged or clock() - saved >= between):
                write_checkpoint(checkpoint, run.state, learner.network, learner.optimiser, run.best)
                saved = clock()
            progress(run.spent, run.told())
    finally:
        batches.close()
    return run.end()


class _Run:
    """A training that is going on."""

    def __init__(
        self,
        learner: Learner,
        recipe: Recipe,
        budget: Budget,
        held_out: PatchSet | None,
        digest: str,
        clock: Callable[[], float],
    ) -> None:
        self._learner, self._recipe, self._budget, self._clock = learner, recipe, budget, clock
        self._judged_on = _some(held_out) if held_out else None
        self.state = Checkpoint(run=digest, history=History())
        self.best: dict[str, Tensor] = {}
        """State of the network when it was best; empty where it was never judged."""
        self._before, self._begun = 0.0, clock()

    @property
    def spent(self) -> float:
        """Share of the budget that is used up."""
        return self._budget.spent(step=self.state.step, seconds=self.state.seconds)

    def resume(self, checkpoint: Path) -> None:
        """Go on from a checkpoint."""
        learner = self._learner
        self.state, self.best = read_checkpoint(
            checkpoint, learner.network, learner.optimiser, run=self.state.run
        )
        self._before = self.state.seconds

    def step(self, crops: Crops) -> bool:
        """Learn from some crops; return whether the network was judged after that."""
        state, last = self.state, self.spent
        rate = self._recipe.rate * one_cycle(last)
        loss = self._learner.step(crops, rate, number=state.step)
        state.step += 1
        state.losses = (state.losses[0] + loss, state.losses[1] + 1)
        state.seconds = self._elapsed()
        spent = self.spent
        if _passed(last, spent, _STRETCHES):
            self._note(rate)
        if not _passed(last, spent, self._recipe.validations) or not self._may_judge(spent):
            return False
        return self._judge()

    def told(self) -> str:
        """Return how it goes, in words."""
        losses, scores = self.state.history.losses, self.state.history.scores
        loss = f"loss {losses[-1]['loss']:.3f}" if losses else "begun"
        score = f", mIoU {scores[-1]['mean_iou']:.1%}" if scores else ""
        return f"step {self.state.step:,}: {loss}{score}"

    def end(self) -> Trained:
        """Return what came of it."""
        state, learner, score = self.state, self._learner, None
        if self.best and self._judged_on:
            learner.network.load_state_dict(self.best)
            score = learner.score(self._judged_on)
        else:
            state.history.kept_step = state.step
        return Trained(
            weights=self.best or learner.state(),
            history=state.history,
            steps=state.step,
            seconds=self._elapsed(),
            score=score,
            judged=self._judged_on,
            stopped_early=self.spent < 1,
            frozen=learner.frozen,
            device=str(learner.device),
        )

    def _elapsed(self) -> float:
        return self._before + self._clock() - self._begun

    def _may_judge(self, spent: float) -> bool:
        """Tell whether there is time to judge: always at the end, and where only steps are counted."""
        state = self.state
        return spent >= 1 or self._budget.seconds is None or state.judging <= _JUDGING_SHARE * state.seconds

    def _judge(self) -> bool:
        """Judge the network, if on anything; keep its weights if it was never better."""
        if self._judged_on is None:
            return False
        start, state = self._clock(), self.state
        score = self._learner.score(self._judged_on)
        row = {"step": state.step, "seconds": round(state.seconds, 3)}
        row |= {"mean_iou": round(score.mean_iou, 5), "accuracy": round(score.accuracy, 5)}
        state.history.scores.append(row)
        if score.mean_iou > state.best:
            state.best, state.worse, state.history.kept_step = score.mean_iou, 0, state.step
            self.best = self._learner.state()
        elif self.spent > 0.5:  # while the rate is high, nothing can be said
            state.worse += 1
        state.judging += self._clock() - start
        state.seconds = self._elapsed()
        return True

    def _note(self, rate: float) -> None:
        """Add a row to the history."""
        state, (total, count) = self.state, self.state.losses
        row = {"step": state.step, "seconds": round(state.seconds, 3)}
        state.history.losses.append(row | {"rate": float(f"{rate:.4g}"), "loss": round(total / count, 5)})
        state.losses = (0.0, 0)


def _passed(last: float, spent: float, parts: int) -> bool:
    """Tell whether one of some equal parts of the budget ended between two moments."""
    return math.floor(spent * parts) > math.floor(last * parts)


def _some(patches: PatchSet) -> PatchSet:
    """Return patches all over a set, no more than can be judged again and again."""
    count = min(len(patches), _JUDGED_PATCHES)
    return patches.chosen(np.unique(np.linspace(0, len(patches) - 1, count).astype(int)).tolist())
