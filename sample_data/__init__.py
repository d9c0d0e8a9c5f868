"""Seeded synthetic orthophotos with exact truth, and the sample campaign made of them.

The folder has two names: ``sample_data`` in a checkout, ``workbench._sample_data`` in a wheel. So its modules
import each other relatively, and `workbench.workflows.demo.load_sample_maker` loads it by its path.
"""

# ruff: noqa: TID252
from .files import ScenePaths, national_corner, place_of, write_scene
from .plan import ZonePlan, sample_campaign_plan
from .scene import THEMES, VERSION, Scene, make_scene

__all__ = [
    "THEMES",
    "VERSION",
    "Scene",
    "ScenePaths",
    "ZonePlan",
    "make_scene",
    "national_corner",
    "place_of",
    "sample_campaign_plan",
    "write_scene",
]
