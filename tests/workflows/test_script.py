from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.errors import HierarchyError, WorkbenchError
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.storage import read_hierarchy
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone
from workbench.workflows.script import polygon_mask
from workbench.workflows.segmenting import segment_zones


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    return add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA").zone


@pytest.fixture
def hierarchy(campaign: Campaign, zone: Zone) -> Hierarchy:
    list(segment_zones(campaign, None, say=lambda message: None))
    return read_hierarchy(campaign.hierarchy_path(zone))


@pytest.fixture
def read(campaign: Campaign, zone: Zone) -> Iterator[AnnotationStore]:
    with campaign.open_store(zone) as store:
        yield store


def run(campaign: Campaign, zone: Zone, *documents: object) -> list[str]:
    lines = [document if isinstance(document, str) else json.dumps(document) for document in documents]
    ops: list[str] = []
    label_zone(campaign, zone, author="marie", lines=lines, on_edit=lambda op, line: ops.append(op))
    return ops


def labels(campaign: Campaign, zone: Zone) -> np.ndarray:
    with campaign.open_store(zone) as store:
        return store.labels.copy()


def test_a_pick_labels_exactly_the_region_of_the_cut(
    campaign: Campaign, zone: Zone, hierarchy: Hierarchy
) -> None:
    scale = hierarchy.cut_count(30).scale
    ops = run(campaign, zone, {"pick": [200, 100], "scale": scale, "class": "water"})
    regions = hierarchy.cut(scale).labels()
    assert ops == ["marie:1"]
    assert (labels(campaign, zone) == np.where(regions == regions[200, 100], 5, 0)).all()


def test_a_polygon_labels_the_pixels_whose_centre_it_holds(campaign: Campaign, zone: Zone) -> None:
    corners = [[9.5, 19.5], [9.5, 49.5], [29.5, 49.5], [29.5, 19.5]]
    run(campaign, zone, {"polygon": corners, "class": "building"})
    expected = np.zeros((512, 512), dtype=np.uint8)
    expected[10:30, 20:50] = 1
    assert (labels(campaign, zone) == expected).all()


def test_a_polygon_across_the_border_is_clipped(campaign: Campaign, zone: Zone) -> None:
    run(
        campaign, zone, {"polygon": [[-100, -100], [-100, 20.5], [20.5, 20.5], [20.5, -100]], "class": "snow"}
    )
    assert (labels(campaign, zone) == 14).sum() == 21 * 21


def test_undo_and_redo_walk_the_gestures(campaign: Campaign, zone: Zone) -> None:
    square = [[0, 0], [0, 9], [9, 9], [9, 0]]
    run(
        campaign,
        zone,
        {"polygon": square, "class": "water"},
        {"polygon": square, "class": "snow"},
        {"undo": 2},
        {"redo": 1},
    )
    assert (labels(campaign, zone)[:10, :10] == 5).all()
    run(campaign, zone, {"redo": 1})
    assert (labels(campaign, zone)[:10, :10] == 14).all()


def test_empty_lines_are_skipped(campaign: Campaign, zone: Zone) -> None:
    assert len(run(campaign, zone, "", {"polygon": [[0, 0], [0, 9], [9, 9]], "class": "water"}, "  \n")) == 1


BAD_LINES = {
    "not json": ("{pick", "line 2"),
    "nan": ('{"pick": [1, 1], "scale": NaN, "class": "water"}', "line 2.*NaN"),
    "unknown class": ({"polygon": [[0, 0], [0, 9], [9, 9]], "class": "lava"}, "line 2.*lava"),
    "unknown verb": ({"paint": [1, 1]}, "line 2.*paint"),
    "no scale": ({"pick": [1, 1], "class": "water"}, "line 2.*scale"),
    "two points": ({"polygon": [[0, 0], [0, 9]], "class": "water"}, "line 2.*polygon"),
    "outside": ({"polygon": [[900, 900], [900, 950], [950, 950]], "class": "water"}, "line 2.*no pixel"),
    "pick outside": ({"pick": [512, 0], "scale": 5, "class": "water"}, "line 2.*outside"),
    "negative scale": ({"pick": [1, 1], "scale": -5, "class": "water"}, "line 2.*scale"),
    "fraction": ({"pick": [1.5, 1], "scale": 5, "class": "water"}, "line 2"),
    "too many undos": ({"undo": 2}, "line 2.*only 1 are there"),
    "nothing to redo": ({"redo": 1}, "line 2.*only 0 are there"),
    "a list": ("[1, 2]", "line 2"),
    "a scale of 400 digits": (f'{{"pick": [1, 1], "scale": {"9" * 400}, "class": "water"}}', "line 2"),
}


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_refused_line_stops_the_script_and_keeps_what_was_done(
    campaign: Campaign, zone: Zone, hierarchy: Hierarchy, case: str
) -> None:
    line, reason = BAD_LINES[case]
    first = {"polygon": [[0, 0], [0, 9], [9, 9], [9, 0]], "class": "greenhouse"}
    last = {"polygon": [[0, 0], [0, 9], [9, 9], [9, 0]], "class": "water"}
    with pytest.raises(WorkbenchError, match=reason):
        run(campaign, zone, first, line, last)
    after = labels(campaign, zone)
    assert not (after == 5).any()
    assert (after == 18).sum() == 100


def test_a_pick_without_a_hierarchy_says_how_to_get_one(campaign: Campaign, zone: Zone) -> None:
    with pytest.raises(WorkbenchError, match="workbench segment"):
        run(campaign, zone, {"pick": [1, 1], "scale": 5, "class": "water"})


def test_labels_outlive_the_hierarchy(campaign: Campaign, zone: Zone, hierarchy: Hierarchy) -> None:
    run(campaign, zone, {"pick": [200, 100], "scale": 1000, "class": "water"})
    before = labels(campaign, zone)
    campaign.hierarchy_path(zone).unlink()
    assert (labels(campaign, zone) == before).all()
    run(campaign, zone, {"undo": 1})
    assert not labels(campaign, zone).any()
    run(campaign, zone, {"redo": 1})
    assert (labels(campaign, zone) == before).all()


def test_segmenting_again_is_skipped_and_a_broken_file_is_made_again(
    campaign: Campaign, zone: Zone, hierarchy: Hierarchy
) -> None:
    path = campaign.hierarchy_path(zone)
    before = path.read_bytes()
    (again,) = segment_zones(campaign, zone.id, say=lambda message: None)
    assert again.skipped
    path.write_bytes(before[: len(before) // 2])
    with pytest.raises(HierarchyError, match="workbench segment"):
        read_hierarchy(path)
    (again,) = segment_zones(campaign, zone.id, say=lambda message: None)
    assert not again.skipped
    assert path.read_bytes() == before


def test_a_triangle_holds_the_centres_below_its_long_side() -> None:
    window, mask = polygon_mask([[0, 0], [3, 0], [3, 3]], (10, 10))
    assert window.shape == mask.shape
    assert (mask == np.tri(4, dtype=bool)).all()
