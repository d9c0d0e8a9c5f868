"""A training on disk while it goes on: weights, optimiser and everything else that it needs to go on.

One safetensors file, with what is no tensor as JSON in its header; nothing is unpickled. Crops are drawn from
the seed and the step, so there is no state of a random generator to keep.
"""

from __future__ import annotations

__all__ = ["Checkpoint", "is_checkpoint", "read_checkpoint", "write_checkpoint"]

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.optim import Optimizer

from workbench.documents import write_file
from workbench.errors import ModelError
from workbench.training.history import History

_FORMAT = "ocs-workbench/training-checkpoint/1"


@dataclass(slots=True, kw_only=True)
class Checkpoint:
    """Where a training stands, beside the weights."""

    run: str
    """Digest of all that the training was begun with."""
    step: int = 0
    """Steps done."""
    seconds: float = 0.0
    """That it took so far."""
    judging: float = 0.0
    """Of them, spent on held-out zones."""
    losses: tuple[float, int] = (0.0, 0)
    """Sum and number of the losses since the last row of the history."""
    best: float = -1.0
    """Best score so far."""
    worse: int = 0
    """Judgements since then."""
    history: History


def write_checkpoint(
    path: Path, checkpoint: Checkpoint, network: nn.Module, optimiser: Optimizer, best: dict[str, Tensor]
) -> None:
    """Write where a training stands; an older checkpoint stays until the new one is whole.

    Raises
    ------
    ModelError
        The disk is full, or may not be written to.
    """
    tensors = {f"network/{name}": tensor for name, tensor in network.state_dict().items()}
    tensors |= {f"best/{name}": tensor for name, tensor in best.items()}
    for number, parameter in enumerate(_parameters(optimiser)):
        for name, value in optimiser.state[parameter].items():
            if isinstance(value, Tensor):
                tensors[f"optimiser/{number}/{name}"] = value
    facts = {
        "run": checkpoint.run,
        "step": checkpoint.step,
        "seconds": checkpoint.seconds,
        "judging": checkpoint.judging,
        "losses": list(checkpoint.losses),
        "best": checkpoint.best,
        "worse": checkpoint.worse,
        "history": checkpoint.history.document(),
    }
    content = save(
        {name: tensor.detach().contiguous().cpu() for name, tensor in tensors.items()},
        metadata={"format": _FORMAT, "facts": json.dumps(facts)},
    )
    write_file(path, content, error=ModelError)


def read_checkpoint(
    path: Path, network: nn.Module, optimiser: Optimizer, *, run: str
) -> tuple[Checkpoint, dict[str, Tensor]]:
    """Bring a network and its optimiser to where a training stood.

    Returns
    -------
    Checkpoint
        Where it stood.
    best
        State of the network when it was best; empty where it was never judged.

    Raises
    ------
    ModelError
        The file is damaged, or of a training that was begun with something else.
    """
    try:
        with safe_open(path, framework="pt") as file:
            head: dict[str, str] = file.metadata() or {}
            facts: dict[str, Any] = json.loads(head.get("facts", "null")) or {}
            if head.get("format") != _FORMAT or facts.get("run") != run:
                raise ModelError(
                    f"{path} was begun with other patches, settings or by another workbench; train with the "
                    "same ones, or remove it to begin again"
                )
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (SafetensorError, OSError, json.JSONDecodeError) as error:
        raise ModelError(f"{path} is damaged ({error}); remove it to begin again") from error
    parts: dict[str, dict[str, Tensor]] = {"network": {}, "best": {}, "optimiser": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition("/")
        parts[part][rest] = tensor
    network.load_state_dict(parts["network"])
    for number, parameter in enumerate(_parameters(optimiser)):
        state = {
            name.partition("/")[2]: _placed(tensor, parameter, name)
            for name, tensor in parts["optimiser"].items()
            if name.partition("/")[0] == str(number)
        }
        if state:
            optimiser.state[parameter] = state
    document = facts.pop("history")
    history = History(losses=document["losses"], scores=document["scores"], kept_step=document["kept_step"])
    total, count = facts.pop("losses")
    return Checkpoint(**facts, losses=(total, count), history=history), parts["best"]


def is_checkpoint(path: Path) -> bool:
    """Tell whether a file is what `write_checkpoint` writes."""
    try:
        with safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get("format") == _FORMAT
    except (SafetensorError, OSError):
        return False


def _parameters(optimiser: Optimizer) -> Iterable[Tensor]:
    return (parameter for group in optimiser.param_groups for parameter in group["params"])


def _placed(tensor: Tensor, parameter: Tensor, name: str) -> Tensor:
    """Return a tensor of the optimiser where its parameter is; steps are counted on the processor."""
    return tensor if name.endswith("/step") else tensor.to(parameter.device)
