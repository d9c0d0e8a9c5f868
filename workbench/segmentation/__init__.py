"""Scale-sets segmentation: pixels → leaves → merges → a hierarchy of regions, its file and its quality."""

from workbench.segmentation.building import segment
from workbench.segmentation.hierarchy import NODATA_LEAF, Cut, Hierarchy, Node
from workbench.segmentation.parameters import SegmentationParameters
from workbench.segmentation.quality import evaluate, nested_picks
from workbench.segmentation.refinement import Refinement
from workbench.segmentation.refining import refine
from workbench.segmentation.storage import read_hierarchy, write_hierarchy

__all__ = [
    "Cut",
    "Hierarchy",
    "NODATA_LEAF",
    "Node",
    "Refinement",
    "SegmentationParameters",
    "evaluate",
    "nested_picks",
    "read_hierarchy",
    "refine",
    "segment",
    "write_hierarchy",
]
