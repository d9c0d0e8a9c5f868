"""Scale-sets segmentation: pixels → leaves → merges → a hierarchy of regions, its file and its quality."""

from workbench.segmentation.building import segment
from workbench.segmentation.hierarchy import (
    NODATA_LEAF,
    Cut,
    Hierarchy,
    Node,
    read_hierarchy,
    write_hierarchy,
)
from workbench.segmentation.parameters import SegmentationParameters
from workbench.segmentation.quality import evaluate, nested_picks

__all__ = [
    "Cut",
    "Hierarchy",
    "NODATA_LEAF",
    "Node",
    "SegmentationParameters",
    "evaluate",
    "nested_picks",
    "read_hierarchy",
    "segment",
    "write_hierarchy",
]
