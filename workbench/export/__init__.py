"""Patch releases: reviewed zones become versioned, checked, immutable trees that IGN's loaders read.

``folds`` decides which set a zone belongs to, ``patches`` what a patch is, ``layouts`` how published trees
name and describe patches; ``building`` makes a release, ``subset`` one of a part of another, ``recode``
one in other classes; ``release`` opens one, ``checks`` verifies it, and ``diff`` compares two. Nothing here
knows campaigns or journals: zones arrive as `ZoneSource` values with callables for their pixels.
"""

from workbench.export.building import build_release
from workbench.export.checks import verify_release
from workbench.export.patches import Patch, ZoneSource
from workbench.export.recode import recode_release
from workbench.export.release import Release, open_release
from workbench.export.subset import subset_release

__all__ = [
    "Patch",
    "Release",
    "ZoneSource",
    "build_release",
    "open_release",
    "recode_release",
    "subset_release",
    "verify_release",
]
