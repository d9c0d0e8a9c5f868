"""The arms that are compared; what each of them sees is in `views`.

*random* takes any zone, uniformly; *stratified* domains by turns, the one with the fewest labelled zones
first, uniformly inside. *k-centre*, *uncertain* (entropy), *varied* (entropy and diversity) and *value*
(ours) are strategies of ``workbench propose``. *class_oracle* is shown the truth and takes the zones whose
pixels are of classes of which least is labelled, by what they are expected to cost: a measure of what could
be gained.
"""

from __future__ import annotations

__all__ = ["ARMS", "ORACLES", "class_oracle", "random", "stratified"]

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from tasks import chosen_by
from views import Arm, Oracle, View

from workbench.active import strategies
from workbench.active.value import value

_PIXELS = 20_000.0
"""Pixels that every class is taken to have already."""


def random(view: View, rng: np.random.Generator, budget: float) -> Sequence[int]:
    """Take any zone."""
    return rng.permutation(len(view.candidates.ids)).tolist()


def stratified(view: View, rng: np.random.Generator, budget: float) -> Sequence[int]:
    """Take zones from the domains by turns, the one with the fewest labelled zones first."""
    have = Counter(view.labelled.domains)
    waiting: dict[str, list[int]] = {}
    for place in rng.permutation(len(view.candidates.ids)).tolist():
        waiting.setdefault(view.candidates.domains[place], []).append(place)
    # Which of equals is first is drawn as well: they are in the order of the permutation.
    order = []
    while waiting:
        domain = min(waiting, key=lambda name: have[name])
        order.append(waiting[domain].pop())
        have[domain] += 1
        if not waiting[domain]:
            del waiting[domain]
    return order


def class_oracle(
    view: View,
    rng: np.random.Generator,
    budget: float,
    truth: NDArray[np.int64],
) -> Sequence[int]:
    """Take the zone that adds most to the logarithms of all classes' labelled pixels per pick, and so on."""
    have = view.labelled_pixels.sum(axis=0) + _PIXELS
    left = list(range(len(truth)))
    order = []
    while left:
        gains = np.log1p(truth[left] / have).sum(axis=1) / view.predicted.picks[left]
        order.append(left.pop(int(gains.argmax())))
        have = have + truth[order[-1]]
    return order


ARMS: Mapping[str, Arm] = {
    "random": random,
    "stratified": stratified,
    "k-centre": partial(chosen_by, strategies.k_centre),
    "uncertain": partial(chosen_by, strategies.uncertain),
    "varied": partial(chosen_by, strategies.varied),
    "value": partial(chosen_by, value),
}
"""Arms that see no truth, by name."""
ORACLES: Mapping[str, Oracle] = {"class_oracle": class_oracle}
"""Arms that do."""
