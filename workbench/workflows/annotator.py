"""The scripted annotator: labels a zone from a known truth with the picks of a perfect person.

It answers the checks before the zone is handed in as a person does, too.
"""

from __future__ import annotations

__all__ = ["answer_checks", "label_script"]

import json
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from workbench.campaign import Campaign
from workbench.geo.zone import Zone
from workbench.labels.edits import Comment, Provenance, assign
from workbench.nomenclature import Nomenclature
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.quality import nested_picks
from workbench.workflows.closing import check_store


def label_script(
    hierarchy: Hierarchy,
    truth: NDArray[np.uint8],
    nomenclature: Nomenclature,
    *,
    accuracy: float,
    prelabels: NDArray[np.uint8] | None = None,
) -> Iterator[str]:
    """Yield the lines of a label script that reaches an accuracy in the fewest nested picks.

    Outer regions come first, what differs inside is repainted: the way the desk is meant to be used. Where a
    model proposes labels they are taken over first, and what is wrong is picked.

    Parameters
    ----------
    hierarchy
        Of the zone.
    truth
        Class codes, shape (row, col).
    nomenclature
        Names the classes in the script.
    accuracy
        Share of pixels that must end up right, in (0, 1].
    prelabels
        Shape (row, col). Codes that a model proposes, 0 where it proposes nothing.
    """
    if prelabels is not None and prelabels.any():
        yield json.dumps({"prelabels": "accept"})
    for pick in nested_picks(hierarchy, truth, accuracy=accuracy, begun=prelabels):
        line = {
            "pick": [pick.row, pick.col],
            "scale": pick.scale,
            "class": nomenclature.by_code(pick.value).key,
        }
        yield json.dumps(line)


def answer_checks(
    campaign: Campaign, zone: Zone, *, author: str, truth: NDArray[np.uint8]
) -> tuple[int, int]:
    """Answer every open finding of a zone: what is wrong is labelled anew, what is right is justified.

    Parameters
    ----------
    campaign, zone, author
        Who labels what.
    truth
        Class codes, shape (row, col), none 0.

    Returns
    -------
    fixed, justified
        Number of findings.
    """
    fixed = justified = 0
    with campaign.open_store(zone, author=author) as store:
        # Each round makes wrong pixels right or justifies, so there is a last one.
        while left := check_store(campaign, zone, store).open:
            for finding in left:
                right = truth[finding.window.slices]
                wrong = finding.mask.decode() & (store.labels[finding.window.slices] != right)
                if wrong.any():
                    made = Provenance(tool="brush")
                    store.apply_all(
                        assign(wrong & (right == code), finding.window, int(code), made)
                        for code in np.unique(right[wrong])
                    )
                    fixed += 1
                else:
                    text, (row, col) = "as in the synthetic truth", (finding.row, finding.col)
                    store.record(Comment(row=row, col=col, text=text, justifies=finding.kind))
                    justified += 1
    return fixed, justified
