"""How good labels are: two annotations compared, the bias of a segmentation, what to look at before closing.

Everything here is a function of arrays and values: ``agreement`` and ``bias`` compare two label maps by their
``borders`` and give intervals drawn from ``blocks``; ``closing`` looks one map over for ``findings``. What
they look at comes out of journals and rasters, which nothing here reads.
"""

from workbench.assessment.agreement import Agreement, measure_agreement
from workbench.assessment.bias import Bias, bias_against, bias_within
from workbench.assessment.closing import Closing, check_closing
from workbench.assessment.findings import Finding

__all__ = [
    "Agreement",
    "Bias",
    "Closing",
    "Finding",
    "bias_against",
    "bias_within",
    "check_closing",
    "measure_agreement",
]
