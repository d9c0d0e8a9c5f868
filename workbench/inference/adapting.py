"""A trained network made to take other bands, before it is trained on.

Never done unasked: what was not trained for its bands predicts worse, and does not say so.
"""

from __future__ import annotations

__all__ = ["adapt_bands"]

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from workbench.inference.card import Band, ModelCard
from workbench.inference.networks.building import first_convolution, outline_network

_LIMITS = (
    "Its first layer was changed for other bands than {}, which it was trained with: it has no figures, and "
    "has to be trained on before it is used."
)


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
        As it is now; how it was made is in the card's training and limits. Figures are left out: they are of
        another input.
    """
    name = first_convolution(outline_network(card.architecture))
    filters, known = weights[name].float(), [band.name for band in card.bands]
    mean = filters.mean(dim=1) * (len(known) / len(bands))
    made = [filters[:, known.index(band.name)] if band.name in known else mean for band in bands]
    adapted = replace(
        card,
        architecture=replace(card.architecture, inputs=len(bands)),
        bands=bands,
        limits=f"{card.limits} {_LIMITS.format(','.join(known))}".strip(),
        training={**card.training, "bands_before": known},
        metrics={},
    )
    return adapted, {**weights, name: torch.stack(made, dim=1)}
