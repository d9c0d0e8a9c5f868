"""Land-cover annotation workbench: scale-sets segmentation, labels that are never lost, patch releases.

The names below are the public interface; they load when they are first used, so that ``import workbench``
(and ``workbench --help``) costs nothing.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.campaign import Campaign
    from workbench.errors import WorkbenchError
    from workbench.evaluation import score_submission
    from workbench.export import (
        Patch,
        Release,
        build_release,
        open_release,
        subset_release,
        verify_release,
    )
    from workbench.export.diff import diff_releases
    from workbench.geo import PixelGrid, Window
    from workbench.geo.zone import Zone
    from workbench.labels import AnnotationStore
    from workbench.nomenclature import Nomenclature, load_nomenclature
    from workbench.segmentation import Cut, Hierarchy, read_hierarchy, segment, write_hierarchy
    from workbench.torch_dataset import ReleaseDataset
    from workbench.workflows.active_loop import LoopPlan, active_loop
    from workbench.workflows.demo import run_demo
    from workbench.workflows.importing import import_release
    from workbench.workflows.intake import add_zone
    from workbench.workflows.publishing import ReleaseOrder, publish
    from workbench.workflows.withdrawing import withdraw_zones
    from workbench.workflows.zone_proposing import ProposalOrder

# torch's threads wait for each other by turning in place: on a machine that does other things too, that takes
# six times as long as the work. OpenMP reads this once, when torch is loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

_HOMES = {
    "AnnotationStore": "workbench.labels",
    "Campaign": "workbench.campaign",
    "Cut": "workbench.segmentation",
    "Hierarchy": "workbench.segmentation",
    "LoopPlan": "workbench.workflows.active_loop",
    "Nomenclature": "workbench.nomenclature",
    "Patch": "workbench.export",
    "PixelGrid": "workbench.geo",
    "ProposalOrder": "workbench.workflows.zone_proposing",
    "Release": "workbench.export",
    "ReleaseDataset": "workbench.torch_dataset",
    "ReleaseOrder": "workbench.workflows.publishing",
    "Window": "workbench.geo",
    "WorkbenchError": "workbench.errors",
    "Zone": "workbench.geo.zone",
    "active_loop": "workbench.workflows.active_loop",
    "add_zone": "workbench.workflows.intake",
    "build_release": "workbench.export",
    "diff_releases": "workbench.export.diff",
    "import_release": "workbench.workflows.importing",
    "load_nomenclature": "workbench.nomenclature",
    "open_release": "workbench.export",
    "publish": "workbench.workflows.publishing",
    "read_hierarchy": "workbench.segmentation",
    "run_demo": "workbench.workflows.demo",
    "score_submission": "workbench.evaluation",
    "segment": "workbench.segmentation",
    "subset_release": "workbench.export",
    "verify_release": "workbench.export",
    "withdraw_zones": "workbench.workflows.withdrawing",
    "write_hierarchy": "workbench.segmentation",
}

__all__ = [
    "AnnotationStore",
    "Campaign",
    "Cut",
    "Hierarchy",
    "LoopPlan",
    "Nomenclature",
    "Patch",
    "PixelGrid",
    "ProposalOrder",
    "Release",
    "ReleaseDataset",
    "ReleaseOrder",
    "Window",
    "WorkbenchError",
    "Zone",
    "active_loop",
    "add_zone",
    "build_release",
    "diff_releases",
    "import_release",
    "load_nomenclature",
    "open_release",
    "publish",
    "read_hierarchy",
    "run_demo",
    "score_submission",
    "segment",
    "subset_release",
    "verify_release",
    "withdraw_zones",
    "write_hierarchy",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
