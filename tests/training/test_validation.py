"""How a network is judged while it learns."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.evaluation import ChallengeRule, Confusion
from workbench.training.validation import score_of

KEYS = ("a", "b", "c", "d")
RULE = ChallengeRule(groups={key: key for key in KEYS}, keys=KEYS, scored=KEYS)


@given(hnp.arrays(np.int64, (4, 4), elements=st.integers(0, 5)))
def test_the_mean_of_a_training_is_that_of_a_comparison_and_not_of_a_model_alone(
    counts: np.ndarray,
) -> None:
    counts[0, 0] += 1
    found, confusion = score_of(counts), Confusion(keys=KEYS, counts=counts, unanswered=np.zeros(4, np.int64))
    compared = RULE.score(confusion).over_true_classes()
    assert found.mean_iou == pytest.approx(compared.mean_iou)
    assert (found.classes, found.accuracy) == (len(compared.averaged), pytest.approx(compared.accuracy))
    alone = RULE.score(confusion)
    assert (alone.mean_iou < found.mean_iou) == (len(alone.only_predicted) > 0)
