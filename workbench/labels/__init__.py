"""Labels: edits as values, one append-only journal per author, the annotation store, review."""

from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import AssignMask, Provenance, assign
from workbench.labels.review import ZoneState, zone_state

__all__ = [
    "AnnotationStore",
    "AssignMask",
    "Provenance",
    "ZoneState",
    "assign",
    "zone_state",
]
