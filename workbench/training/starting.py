"""What a training begins with: random weights, or those of another model, found by the names of its parts."""

from __future__ import annotations

__all__ = ["named_architecture", "transfer"]

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

import torch
from torch import Tensor

from workbench.errors import ModelError
from workbench.inference.architecture import Architecture, Provider
from workbench.inference.card import ModelCard
from workbench.inference.networks.building import outline_network

_ALONE: Mapping[str, Provider] = MappingProxyType({"tiny-unet": "workbench", "heavy-unet": "odeon"})
"""Networks without an encoder to choose, and whose they are."""
_OF_TIMM = ("swin_", "swinv2_", "convnext")
"""What the names of encoders begin with that timm alone has; ``tu-`` goes before them."""


def named_architecture(name: str, *, inputs: int, outputs: int) -> Architecture:
    """Return the architecture of a name such as ``tiny-unet``, ``resnet34-unet`` or ``mit_b5-unet``.

    >>> str(named_architecture("resnet34-fpn", inputs=4, outputs=19))
    'resnet34-fpn (smp), 4 bands, 19 classes'
    >>> named_architecture("swin_tiny_patch4_window7_224-upernet", inputs=3, outputs=19).encoder
    'tu-swin_tiny_patch4_window7_224'
    """
    if name in _ALONE:
        return Architecture(provider=_ALONE[name], network=name, inputs=inputs, outputs=outputs)
    encoder, _, network = name.rpartition("-")
    if not encoder or not network:
        raise ModelError(f"{name!r} is no network; write it like tiny-unet or resnet34-unet")
    if encoder.startswith(_OF_TIMM):
        encoder = f"tu-{encoder}"
    return Architecture(provider="smp", network=network, encoder=encoder, inputs=inputs, outputs=outputs)


def transfer(weights: Mapping[str, Tensor], from_card: ModelCard, to_card: ModelCard) -> dict[str, Tensor]:
    """Return the weights of a model for other bands and classes; those of the same names keep theirs.

    Rows of the head are copied for classes of the same key, filters of the first layer for bands of the same
    name. A class that the model did not learn has a row of zeros, and a band that it did not know filters of
    zeros: the network begins as the old one would without the band.

    Parameters
    ----------
    weights
        State of the old network.
    from_card, to_card
        What the old network takes and gives, and the new one. Only their architectures, classes and bands
        count.

    Raises
    ------
    ModelError
        They are different networks, or have no band in common.
    """
    old, new = from_card.architecture, to_card.architecture
    if replace(old, inputs=new.inputs, outputs=new.outputs) != new:
        raise ModelError(
            f"a {new} cannot begin as a {old}: their layers differ; begin with a model of the same network, "
            "or with none"
        )
    learned = [key for key in from_card.classes if key not in from_card.untrained]
    classes = [from_card.classes.index(key) if key in learned else None for key in to_card.classes]
    names = [band.name for band in from_card.bands]
    bands = [names.index(band.name) if band.name in names else None for band in to_card.bands]
    if all(number is None for number in bands):
        raise ModelError(f"model {from_card.id} knows none of the bands; begin with another model, or none")
    grown = dict(weights)
    for name in _changing(old, replace(old, outputs=old.outputs + 1)):
        grown[name] = _picked(grown[name], classes, axis=0)
    for name in _changing(old, replace(old, inputs=old.inputs + 1)):
        grown[name] = _picked(grown[name], bands, axis=1)
    return grown


def _changing(one: Architecture, other: Architecture) -> list[str]:
    """Return the names of the tensors whose shape differs between two architectures."""
    shapes = [
        {name: tensor.shape for name, tensor in outline_network(made).state_dict().items()}
        for made in (one, other)
    ]
    return [name for name, shape in shapes[0].items() if shapes[1][name] != shape]


def _picked(tensor: Tensor, numbers: list[int | None], *, axis: int) -> Tensor:
    """Return slices of a tensor along an axis, zeros where there is none."""
    nothing = torch.zeros_like(tensor.select(axis, 0))
    return torch.stack(
        [nothing if number is None else tensor.select(axis, number) for number in numbers], dim=axis
    )
