"""From patches and wishes to what is trained: a network with its first weights, and the card it will have."""

from __future__ import annotations

__all__ = ["Begun", "Prepared", "sampled_statistics", "prepare"]

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from workbench.counting import counted
from workbench.errors import ModelError
from workbench.inference.card import Band, ModelCard
from workbench.inference.models import fill
from workbench.inference.networks import build_network
from workbench.nomenclature import Nomenclature
from workbench.training.patches import PatchSet
from workbench.training.recipe import Recipe
from workbench.training.sampling import MASKED
from workbench.training.starting import named_architecture, transfer

Begun = tuple[ModelCard, nn.Module]
"""A model to begin with, as `workbench.inference.models.read_model` gives it."""
_MEASURED = 64
"""Patches that the statistics of bands are taken from."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """A network that is ready to learn."""

    network: nn.Module
    card: ModelCard
    """Without what only the training can tell."""
    codes: NDArray[np.uint8]
    """Shape (class,). Code of each output in the nomenclature of the patches."""
    begun: bool
    """Whether the network learned before."""

    def output_of(self, *, untrained: bool) -> NDArray[np.uint8]:
        """Return the output of each code, shape (256,); `MASKED` where there is none.

        Parameters
        ----------
        untrained
            Whether classes that are not learned have theirs: as what is predicted is judged, not learned.
        """
        table = np.full(256, MASKED, np.uint8)
        for number, (code, key) in enumerate(zip(self.codes, self.card.classes, strict=True)):
            if untrained or key not in self.card.untrained:
                table[code] = number
        return table


def prepare(
    patches: PatchSet,
    *,
    id: str,  # noqa: A002 - as the card calls it
    nomenclature: Nomenclature,
    recipe: Recipe,
    network: str = "tiny-unet",
    begin: Begun | None = None,
) -> Prepared:
    """Build the network for the bands and classes of some patches.

    Parameters
    ----------
    patches
        To learn from.
    id
        Of the model.
    nomenclature
        Of the patches' codes; all its classes become outputs, those without a pixel untrained ones.
    recipe
        Its seed draws random weights.
    network
        As for `named_architecture`, where there is nothing to begin with.
    begin
        A model to begin with. Its bands are kept, also those that patches lack, where it can do without; what
        else the patches have is left out.

    Raises
    ------
    ModelError
        No patch, no band that all of them have, or a model that does not suit.
    """
    if not len(patches):
        raise ModelError("no patch is there to learn from; label some zones first")
    keys = tuple(entry.key for entry in nomenclature.classes)
    codes = np.array([entry.code for entry in nomenclature.classes], np.uint8)
    counts = np.zeros(256, np.int64)
    counts[: patches.pixels.shape[1]] = patches.class_pixels
    untrained = tuple(key for key, code in zip(keys, codes, strict=True) if not counts[code])
    if len(untrained) == len(keys):
        raise ModelError("no labelled pixel is there to learn from; label some zones first")
    bands = _bands(patches, recipe, begin[0] if begin else None)
    if begin:
        architecture = replace(begin[0].architecture, inputs=len(bands), outputs=len(keys))
    else:
        architecture = named_architecture(network, inputs=len(bands), outputs=len(keys))
    card = ModelCard(
        id=id,
        title=f"{architecture.network} trained on {counted(len(patches), 'patch', 'patches')}",
        architecture=architecture,
        nomenclature=nomenclature.name,
        classes=keys,
        untrained=untrained,
        bands=bands,
        resolution=patches.resolution,
        licence="not stated",
        source="workbench train",
        weights_sha256="0" * 64,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        made = build_network(architecture)
    if begin:
        fill(made, transfer(begin[1].state_dict(), begin[0], card), source=f"model {begin[0].id}")
    return Prepared(network=made, card=card, codes=codes, begun=begin is not None)


def sampled_statistics(patches: PatchSet, names: tuple[str, ...]) -> list[tuple[float, float]]:
    """Return mean and standard deviation of bands, from some patches all over the set; std is 1 at least."""
    sums, squares, count = np.zeros(len(names)), np.zeros(len(names)), 0
    for number in np.unique(np.linspace(0, len(patches) - 1, _MEASURED).astype(int)):
        found, bands = patches.read(int(number)), patches.bands[number]
        pixels = found.image[[bands.index(name) for name in names]].reshape(len(names), -1).astype(np.float64)
        sums += pixels.sum(axis=1)
        squares += (pixels**2).sum(axis=1)
        count += pixels.shape[1]
    means = sums / count
    spreads = np.sqrt(np.maximum(squares / count - means**2, 1.0))
    return list(zip(means.round(3).tolist(), spreads.round(3).tolist(), strict=True))


def _bands(patches: PatchSet, recipe: Recipe, begun: ModelCard | None) -> tuple[Band, ...]:
    common = patches.common_bands
    if begun is None:
        if not common:
            raise ModelError("the patches have no band in common; train on zones of the same bands")
        measured = sampled_statistics(patches, common)
        return tuple(
            Band(name=name, mean=mean, std=std, optional=recipe.spares(name))
            for name, (mean, std) in zip(common, measured, strict=True)
        )
    bands = [
        replace(band, optional=band.name not in common or (band.optional and recipe.spares(band.name)))
        for band in begun.bands
        if band.name in common or band.optional
    ]
    if all(band.name not in common for band in bands):
        raise ModelError(
            f"model {begun.id} takes {','.join(band.name for band in begun.bands)}, the patches have "
            f"{','.join(common) or 'no band in common'}; begin with another model, or none"
        )
    if recipe.statistics == "model":
        return tuple(bands)
    shared = tuple(band.name for band in bands if band.name in common)
    anew = dict(zip(shared, sampled_statistics(patches, shared), strict=True))
    old = {band.name: (band.mean, band.std) for band in bands}
    return tuple(
        replace(band, mean=mean, std=std)
        for band, (mean, std) in ((band, (old | anew)[band.name]) for band in bands)
    )
