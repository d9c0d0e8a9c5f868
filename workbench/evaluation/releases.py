"""A predictor held against the patches of a release: those of a test fold, of a validation set, or all."""

from __future__ import annotations

__all__ = ["Predict", "evaluate_release"]

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EvaluationError
from workbench.evaluation.evaluation import Evaluation
from workbench.evaluation.rules import Rule
from workbench.evaluation.tally import Tally
from workbench.export.ground import GroundMap
from workbench.export.release import Release
from workbench.export.selection import Selection

Predict = Callable[[NDArray[np.uint8], Sequence[str]], NDArray[np.uint8]]
"""From an image, shape (row, col, band), and the names of its bands, to planes of shape (plane, row, col):
code of the class in the release's nomenclature (0 = nothing), top-1 probability, entropy, each in a byte."""


def evaluate_release(
    release: Release,
    predict: Predict,
    *,
    subject: str,
    selection: Selection,
    rule: Rule,
    trained_on: Collection[str] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Hold a predictor against patches of a release.

    Pixels that nobody labelled are *other* in a release, and count as that.

    Parameters
    ----------
    release
        Its patches are read one by one, in the layout that has most bands.
    predict
        See `Predict`.
    subject
        What the predictor is called.
    selection
        Which patches.
    rule
        By which the figures are made.
    trained_on
        Domains that the predictor has seen; it has seen their ground whatever domain of the release shows it.
    progress
        Called with the patches done and their total after each.

    Raises
    ------
    EvaluationError
        There are no such patches, or what was predicted fits none.
    ReleaseError
        A file is not the one that was built.
    """
    release.prove()
    listed = release.patches()
    patches = selection.of(listed)
    if not patches:
        raise EvaluationError(
            f"{release.name} has no patch in {selection}; few domains leave folds empty: choose another "
            "--split, or all"
        )
    layout, nomenclature = release.richest, release.nomenclature
    zones: defaultdict[str, list[Tally]] = defaultdict(list)
    for done, patch in enumerate(patches, start=1):
        image = np.ascontiguousarray(np.moveaxis(release.image(patch, layout=layout.name), 0, -1))
        truth = release.labels(patch, layout=layout.name)
        zones[patch.zone].append(Tally.of(truth, predict(image, layout.bands), nomenclature))
        if progress is not None:
            progress(done, len(patches))
    return Evaluation(
        subject=subject,
        reference=release.name,
        split=str(selection),
        patches=len(patches),
        nomenclature=nomenclature,
        rule=rule,
        zones={zone: Tally.total(tallies) for zone, tallies in zones.items()},
        seen=GroundMap.of_patches(listed).seen(zones, trained_on),
    )
