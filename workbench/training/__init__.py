"""Training: networks learn from labelled patches, within a budget of minutes or steps.

Patches come in as a `PatchSet`, whoever made it: nothing here knows campaigns, journals or releases. Torch
loads with `workbench.training.run`, not with these names.
"""

from __future__ import annotations

from workbench.training.budget import Budget
from workbench.training.patches import LabelledPixels, PatchSet, hold_out
from workbench.training.recipe import CrossEntropy, Focal, Recipe

__all__ = ["Budget", "CrossEntropy", "Focal", "LabelledPixels", "PatchSet", "Recipe", "hold_out"]
