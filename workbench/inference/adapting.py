"""A trained network made to take other bands, or to give other classes, before it is trained on.

Never done unasked: what was not trained for its bands or classes predicts worse, and does not say so.
"""

from __future__ import annotations

__all__ = ["adapt_bands", "transfer_head"]

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from workbench.inference.architecture import Architecture
from workbench.inference.card import Band, ModelCard
from workbench.inference.networks.building import first_convolution, head_of, outline_network


def adapt_bands(
    card: ModelCard, weights: Mapping[str, Tensor], bands: tuple[Band, ...]
) -> tuple[ModelCard, dict[str, Tensor]]:
    """Make a network take other bands, found by name.

    The filters of a band that it knew stay; those of a new one are the mean of the old, times old over new
    counts, so that a sum over bands stays as large; those of a band that goes are left out.

    Parameters
    ----------
    card
        Of the model as it is.
    weights
        Its state.
    bands
        What it is to take, in order.

    Returns
    -------
    ModelCard, dict
        As it is now; how it was made is in the card's training.
    """
    name = first_convolution(outline_network(card.architecture))
    filters, known = weights[name].float(), [band.name for band in card.bands]
    mean = filters.mean(dim=1) * (len(known) / len(bands))
    made = [filters[:, known.index(band.name)] if band.name in known else mean for band in bands]
    adapted = replace(
        card,
        architecture=replace(card.architecture, inputs=len(bands)),
        bands=bands,
        training={**card.training, "bands_before": known},
    )
    return adapted, {**weights, name: torch.stack(made, dim=1)}


def transfer_head(
    card: ModelCard, weights: Mapping[str, Tensor], classes: tuple[str, ...], *, seed: int
) -> tuple[Architecture, dict[str, Tensor], tuple[str, ...]]:
    """Make a network give other classes: what it learnt of those of the same name stays.

    Parameters
    ----------
    card
        Of the model as it is.
    weights
        Its state.
    classes
        Keys that it is to give, in order.
    seed
        Of the filters of classes that are new to it, which begin as small as the others and at random.

    Returns
    -------
    Architecture, dict, tuple
        The network, its state, and the classes that it was trained for before.
    """
    known = {key: number for number, key in enumerate(card.classes) if key not in card.untrained}
    random = torch.Generator().manual_seed(seed)
    changed = dict(weights)
    for head in head_of(card.architecture):
        for name in (f"{head}.weight", f"{head}.bias"):
            old = weights[name].float()
            made = torch.empty(len(classes), *old.shape[1:]).normal_(generator=random)
            made = made * old.std() if name.endswith("weight") else torch.zeros_like(made) + old.mean()
            for number, key in enumerate(classes):
                if key in known:
                    made[number] = old[known[key]]
            changed[name] = made
    architecture = replace(card.architecture, outputs=len(classes))
    return architecture, changed, tuple(key for key in classes if key in known)
