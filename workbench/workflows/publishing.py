"""From the zones of a campaign to a release."""

from __future__ import annotations

__all__ = ["publish", "release_sources"]

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.export.patches import ZoneSource
from workbench.geo.grid import Window
from workbench.geo.zone import Zone
from workbench.labels.review import zone_state


def release_sources(campaign: Campaign, *, say: Callable[[str], None]) -> list[ZoneSource]:
    """Return what a release is cut from: the accepted zones, with people under pseudonyms.

    Zones that are not accepted stay out, and are said.
    """
    folds = campaign.folds()
    sources = []
    for zone in campaign.zones():
        with campaign.open_store(zone) as store:
            state = zone_state(store)
        if state.state != "accepted":
            say(
                f"{zone.id} is {state} and stays out; accept it: workbench review … --zone {zone.id} --accept"
            )
            continue
        numbers = campaign.patch_numbers(zone)
        sources.append(
            ZoneSource(
                zone=zone,
                fold=folds[zone.domain],
                numbers=tuple(numbers[cell] for cell in zone.cells),
                image=partial(_image, campaign, zone),
                labels=partial(_labels, campaign, zone),
                state=state.state,
                heads={campaign.pseudonym(head.author): head.seq for head in state.heads},
            )
        )
    return sources


def _image(campaign: Campaign, zone: Zone, window: Window) -> NDArray[np.uint8]:
    return campaign.read_image(zone, window=window)


def _labels(campaign: Campaign, zone: Zone) -> NDArray[np.uint8]:
    with campaign.open_store(zone) as store:
        return store.labels
