"""How a network is trained: the numbers that are chosen, and that its card tells."""

from __future__ import annotations

__all__ = ["CrossEntropy", "Focal", "Loss", "Recipe", "recipe_for"]

from dataclasses import asdict, dataclass
from typing import Any, Literal

from workbench.errors import ModelError
from workbench.inference.architecture import Architecture

_SEEDS = 1 << 32
"""So many there are for every generator of random numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossEntropy:
    """Cross-entropy of each labelled pixel, weighted by class."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Focal:
    """Cross-entropy that looks away from what is easy: times (1 − p)^γ (Lin et al. 2017)."""

    gamma: float = 2.0


Loss = CrossEntropy | Focal


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The hyper-parameters of a training.

    Raises
    ------
    ModelError
        One of them cannot be.
    """

    rate: float = 3e-3
    """Highest learning rate."""
    encoder_factor: float = 1.0
    """What the rate is multiplied by in the encoder; less than 1 keeps what it learned before."""
    optimiser: Literal["adamw", "sgd"] = "adamw"
    decay: float = 1e-2
    """Weight decay."""
    batch: int = 8
    """Crops of a step."""
    crop: int = 128
    """Pixels a side of a crop; the whole patch where that is smaller."""
    loss: Loss = CrossEntropy()
    class_weight: float = 0.5
    """A class of a share f of the pixels weighs f to the minus this: 0 = all alike, 0.5 = by square root."""
    balance: float = 0.5
    """Share of the crops that are drawn around a pixel of a class drawn first, each class as often."""
    band_dropout: float = 0.0
    """Share of the crops reduced to one of ``band_sets``, so that a raster of no more than those will do."""
    band_sets: tuple[tuple[str, ...], ...] = ()
    """Bands that crops are reduced to, each set as often."""
    jitter: float = 0.05
    """Spread of brightness and contrast, in standard deviations of a band."""
    statistics: Literal["model", "patches"] = "model"
    """Whose mean and spread bands are normalised by, where a network learned before: its own, or those of the
    new patches, which bring what it sees nearer to what it knows."""
    frozen_below: int = 8
    """A network that learned before keeps its batch-norm statistics where it learns from fewer zones."""
    validations: int = 20
    """How often it is judged on the held-out zones."""
    patience: int = 5
    """Judgements without a better one after which it stops, in the second half of its budget."""
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("rate", "encoder_factor", "batch", "crop", "validations", "patience"):
            if not getattr(self, name) > 0:
                raise ModelError(f"{name} {getattr(self, name)} is not above 0")
        for name in ("balance", "band_dropout"):
            if not 0 <= getattr(self, name) <= 1:
                raise ModelError(f"{name} {getattr(self, name)} is not between 0 and 1")
        if not 0 <= self.seed < _SEEDS:
            raise ModelError(f"seed {self.seed} cannot be; use an integer from 0 to {_SEEDS - 1}")

    def spares(self, band: str) -> bool:
        """Tell whether a network learns to do without a band."""
        return self.band_dropout > 0 and any(band not in one for one in self.band_sets)

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        focal = self.loss if isinstance(self.loss, Focal) else None
        loss = {"loss": "focal", "gamma": focal.gamma} if focal else {"loss": "cross-entropy"}
        return asdict(self) | loss | {"band_sets": [list(one) for one in self.band_sets]}


def recipe_for(
    architecture: Architecture, *, seed: int = 0, loss: Loss | None = None, begun: bool = False
) -> Recipe:
    """Return what suits a network.

    Parameters
    ----------
    architecture
        The network.
    seed, loss
        As in `Recipe`.
    begun
        Whether it learned before.
    """
    chosen = loss or CrossEntropy()
    if architecture.provider == "workbench":
        # What it knows needs less of the rare, which few zones show again and again.
        rate, balance = (2e-3, 0.25) if begun else (4e-3, 0.5)
        return Recipe(rate=rate, balance=balance, loss=chosen, statistics="patches", seed=seed)
    return Recipe(rate=1e-4, encoder_factor=0.1 if begun else 1.0, crop=512, batch=4, loss=chosen, seed=seed)
