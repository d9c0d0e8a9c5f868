"""What models gave of the labels of a zone, and what labels say the same as a model had said before.

Who accepts a pre-label takes it from one model. Another may have proposed the same class there, and be no
less a reason for it: it counts as *agreeing* wherever who gave a label had read that proposal, whichever
model it was taken from, and whether or not it stood there any more. Earlier workbenches wrote of a model that
was trained anew only what changed, so what stands of the version before is of both.

A label is never held against what a model said after it was given, and nobody knows who looked at proposals
without adding anything to a journal afterwards.
"""

from __future__ import annotations

__all__ = ["Influence", "influences"]

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workbench.labels.annotation import AnnotationStore
from workbench.labels.op import Op
from workbench.labels.prelabels import Prelabels
from workbench.labels.proposed import MODEL, is_model
from workbench.labels.provenance import PRELABEL_FATES, Fates, fates_of

_GIVEN = [PRELABEL_FATES.index(fate) for fate in ("kept", "untouched")]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Influence:
    """What one version of a model had to do with the labels of a zone."""

    pixels: Mapping[str, int]
    """Labelled pixels that it proposed something for by what became of that, of `PRELABEL_FATES` those that
    some have; of what several models proposed, the one that was taken over counts, else the last."""
    gave: NDArray[np.bool_]
    """Shape (row, col). Labels that were taken from it: ``kept`` or ``untouched``."""
    agrees: NDArray[np.bool_]
    """Shape (row, col). Labels of the class that it had proposed, before the eyes of who gave them."""


def influences(store: AnnotationStore) -> dict[str, Influence]:
    """Return that of each model by what edits call it, such as ``unet@1f0a2b3c4d5e``.

    Whatever was trained anew is another model. Nothing is replayed where no model proposed anything.
    """
    ops = store.ops
    if not any(is_model(op.author) or op.model for op in ops):
        return {}
    fates, nowhere = fates_of(store, ops), np.zeros(store.last_op.shape, np.bool_)
    told = fates.told(lambda proposal: proposal[1])
    gave, agrees = _gave(fates), _agreeing(store, ops)
    return {
        model: Influence(
            pixels=told.get(model, {}), gave=gave.get(model, nowhere), agrees=agrees.get(model, nowhere)
        )
        for model in sorted({*told, *(name for name, mask in agrees.items() if mask.any())})
    }


def _gave(fates: Fates) -> dict[str, NDArray[np.bool_]]:
    numbers = defaultdict[str, list[int]](list)
    for number, (_, model) in enumerate(fates.known, start=1):
        numbers[model].append(number)
    given = np.isin(fates.fates, _GIVEN)
    return {model: given & np.isin(fates.proposals, own) for model, own in numbers.items()}


def _agreeing(store: AnnotationStore, ops: Sequence[Op]) -> dict[str, NDArray[np.bool_]]:
    """Return, by model, where labels have a class that it had proposed before who gave them."""
    last, found = store.last_op, dict[str, NDArray[np.bool_]]()
    authors = sorted({op.author for op in ops})
    whose = np.array([-1, *(authors.index(op.author) for op in ops)], np.int32)[last]
    for model in filter(is_model, authors):
        read = np.array([0, *(op.seen.get(model, 0) for op in ops)], np.uint32)
        for count in np.unique(read[read > 0]).tolist():
            readers = [authors.index(op.author) for op in ops if op.seen.get(model, 0) == count]
            before = np.isin(whose, readers) & (read[last] >= count)
            if not before.any():
                continue
            prelabels = store.proposals.prelabels(store.proposals.journals(model, ops=count))
            there, same = prelabels.compared()
            agreeing = before & there & same
            for name, standing in _versions(prelabels, model):
                mask = agreeing & standing
                found[name] = found[name] | mask if name in found else mask
    return found


def _versions(prelabels: Prelabels, model: str) -> Iterator[tuple[str, NDArray[np.bool_]]]:
    """Yield each version of a model with where pre-labels are its own, or stood when it had last written."""
    ends = {op.model or model.removeprefix(MODEL): place for place, op in enumerate(prelabels.ops, start=1)}
    for name, end in ends.items():
        yield name, prelabels.last <= end
