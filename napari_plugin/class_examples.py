"""Thumbnails of classes from the accepted zones of a campaign, found once, beside the window."""

from __future__ import annotations

__all__ = ["ClassExamples", "Pictures"]

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from napari_plugin.jobs import Job, Report, start
from napari_plugin.language import tr
from napari_plugin.layers import natural_colours
from workbench.campaign import Campaign
from workbench.workflows.examples import Example, examples_of

Pictures: TypeAlias = Mapping[int, Sequence[NDArray[np.uint8]]]
_Found: TypeAlias = Mapping[int, Sequence[tuple[str, NDArray[np.uint8]]]]
"""Pictures with the zones that they are of."""


class ClassExamples:
    """Knows examples of the classes of campaigns that it was asked for."""

    def __init__(self) -> None:
        self._known: dict[Path, _Found] = {}
        self.job: Job | None = None
        """Looks for examples, or has done so last."""

    def find(self, campaign: Campaign, take: Callable[[Pictures], None], *, hidden: str = "") -> None:
        """Have examples looked for in the accepted zones of a campaign.

        Parameters
        ----------
        campaign
            Which one.
        take
            Called with {code: pictures (row, col, red green blue)}; at once where they are known. Not called
            where they cannot be found: nobody's work depends on them.
        hidden
            Id of a zone of which no example is shown: who labels it blind would see what others made of it.
        """
        known = self._known.get(campaign.path)
        if known is not None:
            take(_pictures(known, hidden))
            return

        def work(report: Report) -> Mapping[int, Sequence[Example]]:
            return examples_of(campaign, progress=report)

        def done(found: Mapping[int, Sequence[Example]]) -> None:
            self._known[campaign.path] = {
                code: [(one.zone, natural_colours(one.pixels, one.bands)) for one in examples]
                for code, examples in found.items()
            }
            take(_pictures(self._known[campaign.path], hidden))

        self.job = start(tr("Examples of classes"), work, done=done, failed=lambda why: None)


def _pictures(found: _Found, hidden: str) -> Pictures:
    return {code: [picture for zone, picture in own if zone != hidden] for code, own in found.items()}
