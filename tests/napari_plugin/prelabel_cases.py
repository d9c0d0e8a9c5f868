"""A model's pre-labels for made zones."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench.campaign import Campaign
from workbench.geo.grid import Window
from workbench.labels.edits import AssignMask, Provenance, assign

UNET = "model-unet"
CODES = (3, 5, 7, 8)


def propose(campaign: Campaign, regions: int = 40, *, model: str = UNET, seed: int = 0) -> None:
    """Have a model propose a class for each region of a cut, with a confidence for all but every ninth."""
    zone, rng = campaign.only_zone(), np.random.default_rng(seed)
    cut = campaign.read_hierarchy(zone).cut_count(regions)
    labels = cut.labels()
    edits: list[AssignMask] = []
    for place in range(cut.count):
        mask = labels == place
        rows, cols = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        window = Window(
            row=int(rows[0]),
            col=int(cols[0]),
            height=int(rows[-1] - rows[0]) + 1,
            width=int(cols[-1] - cols[0]) + 1,
        )
        made = Provenance(tool="tree", model=model.removeprefix("model-"))
        edit = assign(mask[window.slices], window, CODES[place % len(CODES)], made)
        confidence = None if place % 9 == 8 else round(float(rng.random()), 3)
        edits.append(replace(edit, confidence=confidence))
    with campaign.open_store(zone, author=model) as store:
        store.apply_all(edits)
