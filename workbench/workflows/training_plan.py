"""How a model is to be trained, whatever it learns from: network, recipe, budget, and what it begins with."""

from __future__ import annotations

__all__ = ["PLANNED", "Plan", "plan_training"]

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from workbench.counting import counted
from workbench.documents import canonical_bytes
from workbench.errors import ModelError
from workbench.inference.architecture import Architecture
from workbench.inference.card import ModelCard, read_card
from workbench.inference.embedded import embedded_model
from workbench.inference.models import read_model
from workbench.training import Budget, CrossEntropy, Focal, Recipe
from workbench.training.preparing import Begun
from workbench.training.recipe import recipe_for
from workbench.training.starting import named_architecture
from workbench.workflows.unseen import unknown_ground

PLANNED = ("begin", "network", "minutes", "steps", "focal", "seed", "recipe")
"""Parameters of `plan_training` that say how."""
_MINUTES = 10.0
"""Budget where none is given."""
_NETWORK = "tiny-unet"
"""Where none is given and nothing is begun with."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Plan:
    """What is wished for a training."""

    network: str
    """As for `workbench.training.starting.named_architecture`; counts where it begins with nothing."""
    begun: Begun | None
    """The model that it begins with."""
    recipe: Recipe
    budget: Budget

    @property
    def start(self) -> ModelCard | None:
        """Card of the model that it begins with."""
        return self.begun[0] if self.begun else None

    def differences(self, card: ModelCard) -> Iterator[str]:
        """Yield in what a model was trained otherwise than is wished, such as ``seed 0, not 1``."""
        told = card.training
        there = {"network": _called(card.architecture), "begun with": _start(told.get("begun_with"))}
        there |= {"budget": _budget(told.get("budget") or {})} | told.get("recipe", {})
        start = self.start
        wanted: dict[str, Any] = {
            "network": _called(_architecture(self.network, start)),
            "begun with": _start({"id": start.id, "digest": start.digest} if start else None),
            "budget": _budget({"steps": self.budget.steps, "seconds": self.budget.seconds}),
        }
        wanted |= self.recipe.document()
        for name in wanted | there:
            one, other = there.get(name), wanted.get(name)
            if canonical_bytes(one) != canonical_bytes(other):
                yield f"{name.replace('_', ' ')} {_told(one)}, not {_told(other)}"


def plan_training(
    *,
    begin: Path | Literal["none"] | None = None,
    network: str | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    focal: bool = False,
    seed: int = 0,
    recipe: Recipe | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Plan:
    """Return how a model is to be trained; parameters are those of `training.train_model`.

    Raises
    ------
    ModelError
        The budget is none, there is no such network, or the model to begin with is none or of another one.
    """
    timed = minutes is not None or steps is None
    budget = Budget(steps=steps, seconds=60 * (_MINUTES if minutes is None else minutes) if timed else None)
    begun = _begun(begin, network, say)
    architecture = _architecture(network or _NETWORK, begun[0] if begun else None)
    loss = Focal() if focal else CrossEntropy()
    return Plan(
        network=network or _NETWORK,
        begun=begun,
        recipe=recipe or recipe_for(architecture, seed=seed, loss=loss, begun=begun is not None),
        budget=budget,
    )


def _architecture(network: str, start: ModelCard | None) -> Architecture:
    """Return the network; its bands and classes will be those of the patches."""
    return start.architecture if start else named_architecture(network, inputs=1, outputs=1)


def _begun(
    begin: Path | Literal["none"] | None, network: str | None, say: Callable[[str], None]
) -> Begun | None:
    """Return the model to begin with; say so if nobody can know what it saw."""
    if begin == "none":
        return None
    if begin is None:
        shipped = embedded_model()
        return read_model(shipped) if network in (None, read_card(shipped).architecture.network) else None
    card, made = read_model(begin)
    own = card.architecture
    if network is not None and not _goes_by(own, network):
        raise ModelError(f"{begin} is a {own}, not a {network}; leave out --network, or pass --init none")
    if unknown := unknown_ground(card):
        say(f"nobody can tell what model {card.id} has seen: {unknown}; nor what the new one has")
    return card, made


def _goes_by(architecture: Architecture, name: str) -> bool:
    """Tell whether a network goes by a name, whoever made it: FLAIR-HUB has a UPerNet of its own."""
    named = named_architecture(name, inputs=architecture.inputs, outputs=architecture.outputs)
    return replace(named, provider=architecture.provider) == architecture


def _called(architecture: Architecture) -> str:
    """Return what a network is called, without its bands and classes."""
    return str(architecture).partition(",")[0]


def _start(begun: Mapping[str, Any] | None) -> str:
    return f"{begun['id']} (card {begun['digest'][:12]}…)" if begun else "nothing"


def _budget(budget: Mapping[str, Any]) -> str:
    steps = counted(budget["steps"], "step") if budget.get("steps") else ""
    spent = f"{(budget.get('seconds') or 0) / 60:g}"
    minutes = f"{spent} minute{'' if spent == '1' else 's'}" if budget.get("seconds") else ""
    return " or ".join(one for one in (steps, minutes) if one) or "not told"


def _told(value: object) -> str:
    return "not told" if value is None else str(value)
