"""A model on disk: ``card.json`` and ``weights.safetensors`` in a directory of its own."""

from __future__ import annotations

__all__ = ["WEIGHTS", "check_fit", "fill", "read_model", "read_weights", "write_model"]

import shutil
import uuid
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from workbench.documents import digest, sync_directory, write_file, write_files
from workbench.errors import ModelError
from workbench.inference.card import WEIGHTS, ModelCard, read_card, write_card
from workbench.inference.networks import build_network
from workbench.inference.places import check_place

_LISTED = 10


def write_model(
    card: ModelCard,
    weights: Mapping[str, Tensor],
    directory: Path,
    *,
    beside: Mapping[str, bytes] = MappingProxyType({}),
    overwrite: bool = False,
    half: bool = False,
) -> ModelCard:
    """Write a model into a directory that is not there yet; it appears whole or not at all.

    Parameters
    ----------
    card
        Its digest of the weights is set here.
    weights
        The network's state.
    beside
        Further files, by name.
    overwrite
        Replace an older model.
    half
        Store floats in 16 bits.

    Returns
    -------
    ModelCard
        As it was written.

    Raises
    ------
    ModelError
        The directory exists, or holds something that is no model.
    """
    check_place(directory, overwrite=overwrite)
    tensors = {
        name: (tensor.half() if half and tensor.is_floating_point() else tensor).contiguous().cpu()
        for name, tensor in sorted(weights.items())
    }
    content = save(tensors)
    written = replace(card, weights_sha256=digest(content))
    making = directory.with_name(f".{directory.name}.part")
    shutil.rmtree(making, ignore_errors=True)
    try:
        making.mkdir()
        write_file(making / WEIGHTS, content, error=ModelError)
        write_card(written, making)
        write_files({making / name: more for name, more in beside.items()}, error=ModelError)
        _put(making, directory)
        sync_directory(directory.parent)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return written


def _put(making: Path, directory: Path) -> None:
    """Rename a model that is whole to its place.

    An older one goes aside first: of one that was half removed when the process was killed, nobody could tell
    that it was a model.
    """
    older = directory.with_name(f".{directory.name}-old-{uuid.uuid4().hex[:8]}")
    replaced = directory.exists()
    if replaced:
        directory.rename(older)
    try:
        making.rename(directory)
    except OSError:
        if replaced:
            older.rename(directory)
        raise
    shutil.rmtree(older, ignore_errors=True)


def read_model(directory: Path) -> tuple[ModelCard, nn.Module]:
    """Read a model: its card, and its network with its weights, ready to predict.

    Raises
    ------
    ModelError
        There is none, the weights are not those of the card, or do not fit its network.
    """
    card, weights = read_card(directory), read_weights(directory)
    network = build_network(card.architecture)
    fill(network, weights, source=str(directory / WEIGHTS))
    return card, network.eval()


def read_weights(directory: Path) -> dict[str, Tensor]:
    """Read the state of a model's network, proved to be the one that its card was written for.

    Raises
    ------
    ModelError
        There is none, or another one.
    """
    card, path = read_card(directory), directory / WEIGHTS
    if not path.is_file():
        raise ModelError(f"{directory} has a card, but no {WEIGHTS}; copy the model again")
    content = path.read_bytes()
    if digest(content) != card.weights_sha256:
        raise ModelError(f"{path} is not the file that the card was written for; copy the model again")
    try:
        weights: dict[str, Tensor] = load(content)
    except SafetensorError as error:
        raise ModelError(f"{path} is damaged ({error}); copy the model again") from error
    return weights


def fill(network: nn.Module, weights: Mapping[str, Tensor], *, source: str) -> int:
    """Give a network its weights, all of them and no others; return how many tensors it took.

    Raises
    ------
    ModelError
        Names or shapes differ; the first ten are named.
    """
    count = check_fit(network, weights, source=source)
    network.load_state_dict(
        {
            name: tensor.to(torch.float32) if tensor.is_floating_point() else tensor
            for name, tensor in weights.items()
        },
        strict=True,
    )
    return count


def check_fit(network: nn.Module, weights: Mapping[str, Tensor], *, source: str) -> int:
    """Refuse weights that are not all of a network's and no others; return how many tensors they are.

    Raises
    ------
    ModelError
        Names or shapes differ; the first ten are named.
    """
    expected = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    found = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    differing = [
        f"{name} {_told(found.get(name), 'is missing')} (expected {_told(expected.get(name), 'nothing')})"
        for name in sorted(expected.keys() | found.keys())
        if expected.get(name) != found.get(name)
    ]
    if differing:
        more = f" and {len(differing) - _LISTED} more" if len(differing) > _LISTED else ""
        raise ModelError(
            f"{source}: {len(differing)} of {len(expected)} tensors do not fit the network: "
            f"{'; '.join(differing[:_LISTED])}{more}; nothing was loaded"
        )
    return len(expected)


def _told(shape: tuple[int, ...] | None, absent: str) -> str:
    return absent if shape is None else f"[{', '.join(map(str, shape))}]"
