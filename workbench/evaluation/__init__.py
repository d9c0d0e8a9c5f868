"""How good predictions are: figures by IGN's two rules, calibration, cross-validation, pictures of them.

``confusion`` and ``calibration`` count, ``rules`` and ``scores`` make figures of what was counted. What runs
networks is no concern of this room: a predictor is a function that is handed in.
"""

from workbench.evaluation.calibration import Calibration
from workbench.evaluation.comparison import Comparison, Gain
from workbench.evaluation.confusion import Confusion
from workbench.evaluation.crossvalidation import CrossValidation, Fold
from workbench.evaluation.evaluation import Evaluation
from workbench.evaluation.rasters import evaluate_raster
from workbench.evaluation.releases import evaluate_release
from workbench.evaluation.rules import ChallengeRule, FlairRule, rule_of
from workbench.evaluation.scores import Score
from workbench.evaluation.submissions import ScoredSubmission, score_submission
from workbench.evaluation.tally import Tally

__all__ = [
    "Calibration",
    "ChallengeRule",
    "Comparison",
    "Confusion",
    "CrossValidation",
    "Evaluation",
    "FlairRule",
    "Fold",
    "Gain",
    "Score",
    "ScoredSubmission",
    "Tally",
    "evaluate_raster",
    "evaluate_release",
    "rule_of",
    "score_submission",
]
