from __future__ import annotations

import json
import re
from collections.abc import Iterator

import numpy as np
import pytest
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.documents import shipped
from workbench.errors import HierarchyError, WorkbenchError
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.labels.edits import AssignMask
from workbench.labels.payloads import edit_of
from workbench.labels.provenance import sources
from workbench.labels.strokes import polygon_mask
from workbench.nomenclature import load_nomenclature
from workbench.segmentation.hierarchy import Hierarchy
from workbench.segmentation.storage import read_hierarchy
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone
from workbench.workflows.script_line import check_keys
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


def run(campaign: Campaign, zone: Zone, *documents: object, author: str = "marie") -> list[str]:
    lines = [document if isinstance(document, str) else json.dumps(document) for document in documents]
    ops: list[str] = []
    label_zone(campaign, zone, author=author, lines=lines, on_edit=lambda op, line: ops.append(op))
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
    "too many undos": ({"undo": 2}, "line 2.*only 1 is there"),
    "nothing to redo": ({"redo": 1}, "line 2.*there is nothing to"),
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


SQUARE = [[9.5, 19.5], [9.5, 49.5], [29.5, 49.5], [29.5, 19.5]]
CODES = {"building": 1, "water": 5, "ligneous": 17, "snow": 14}


def test_a_brush_and_a_line_take_what_is_near_their_path(campaign: Campaign, zone: Zone) -> None:
    run(
        campaign,
        zone,
        {"brush": [[50, 50]], "radius": 3, "class": "water"},
        {"line": [[100, 10], [100, 60]], "width": 4, "class": "building"},
    )
    found = labels(campaign, zone)
    rows, cols = np.mgrid[:512, :512]
    assert np.array_equal(found == 5, np.hypot(rows - 50, cols - 50) <= 3)
    near = np.hypot(rows - 100, cols - np.clip(cols, 10, 60)) <= 2
    assert np.array_equal(found == 1, near)


def test_a_drag_paints_each_region_that_its_path_touches_as_one_gesture(
    campaign: Campaign, zone: Zone, hierarchy: Hierarchy
) -> None:
    scale = hierarchy.cut_count(300).scale
    path = [[100, 20], [100, 200], [180, 200]]
    run(campaign, zone, {"drag": path, "scale": scale, "class": "water"})
    regions = hierarchy.cut(scale).labels()
    along = [*regions[100, 20:201], *regions[100:181, 200]]
    assert np.array_equal(labels(campaign, zone) == 5, np.isin(regions, along))
    run(campaign, zone, {"undo": 1})
    assert not labels(campaign, zone).any()


def test_a_cut_takes_the_side_of_a_region_where_the_pick_is(
    campaign: Campaign, zone: Zone, hierarchy: Hierarchy
) -> None:
    scale = hierarchy.cut_count(30).scale
    window, mask = hierarchy.mask(hierarchy.node_at(200, 100, scale))
    across = [[200, 100 + 8], [window.row_stop + 5, 108]]
    across.insert(0, [window.row - 5, 108])
    run(campaign, zone, {"cut": across, "pick": [200, 100], "scale": scale, "class": "water"})
    found = labels(campaign, zone) == 5
    region = np.zeros_like(found)
    region[window.slices] = mask
    assert found[200, 100]
    assert found.sum() < region.sum()
    assert not (found & ~region).any()
    assert not found[:, 111:].any()


def test_merge_and_recode_change_patches_and_classes(campaign: Campaign, zone: Zone) -> None:
    run(
        campaign,
        zone,
        {"polygon": SQUARE, "class": "building"},
        {"polygon": [[9.5, 49.5], [9.5, 60.5], [29.5, 60.5], [29.5, 49.5]], "class": "water"},
        {"polygon": [[99.5, 49.5], [99.5, 60.5], [109.5, 60.5], [109.5, 49.5]], "class": "water"},
    )
    before = labels(campaign, zone)
    run(campaign, zone, {"merge": [[15, 25], [15, 55]]})
    found = labels(campaign, zone)
    assert (found[10:30, 20:61] == 1).all()
    assert (found[100:110, 50:61] == 5).all()
    run(campaign, zone, {"undo": 1}, {"recode": ["water", "snow"], "polygon": SQUARE_OF_THE_SECOND})
    found = labels(campaign, zone)
    assert (found[10:30, 50:61] == 14).all()
    assert (found[100:110, 50:61] == 5).all()
    run(campaign, zone, {"undo": 1}, {"recode": ["water", "snow"]})
    assert np.array_equal(labels(campaign, zone), np.where(before == 5, 14, before))


SQUARE_OF_THE_SECOND = [[0, 40], [0, 70], [40, 70], [40, 40]]


def test_protected_pixels_upper_classes_and_questions(campaign: Campaign, zone: Zone) -> None:
    ops = run(
        campaign,
        zone,
        {"polygon": SQUARE, "upper": "woody_vegetation"},
        {"protect": SQUARE},
        {"polygon": [[9.5, 19.5], [9.5, 60.5], [29.5, 60.5], [29.5, 19.5]], "class": "water"},
        {"comment": "spruce or larch?", "at": [15, 25], "question": True},
        {"comment": "larch", "at": [15, 25], "answers": "marie:4", "ruling": "deciduous"},
        {"unprotect": SQUARE},
    )
    assert ops == [f"marie:{number}" for number in range(1, 7)]
    with campaign.open_store(zone) as store:
        assert (store.labels[10:30, 20:50] == 17).all()
        assert (store.labels[10:30, 50:61] == 5).all()
        assert store.unresolved() == {"woody_vegetation": 600}
        assert [comment.text for _, comment in store.comments()] == ["spruce or larch?", "larch"]
        assert not store.protected.any()


def test_an_upper_class_is_merged_and_resolved(campaign: Campaign, zone: Zone) -> None:
    beside = [[9.5, 49.5], [9.5, 60.5], [29.5, 60.5], [29.5, 49.5]]
    run(
        campaign,
        zone,
        {"polygon": SQUARE, "upper": "herbaceous_and_arable"},
        {"polygon": beside, "class": "water"},
        {"merge": [[15, 25], [15, 55]]},
    )
    with campaign.open_store(zone) as store:
        assert not store.labels.any()  # no class of flair-19 stands for it
        assert store.unresolved() == {"herbaceous_and_arable": 820}
    run(campaign, zone, {"recode": ["herbaceous_and_arable", "vineyard"], "polygon": beside})
    with campaign.open_store(zone) as store:
        assert store.unresolved() == {"herbaceous_and_arable": 600}
        assert (store.labels[10:30, 50:61] == load_nomenclature("flair-19").by_key("vineyard").code).all()


def test_prelabels_are_accepted_by_region_class_and_confidence(campaign: Campaign, zone: Zone) -> None:
    beside = [[9.5, 49.5], [9.5, 60.5], [29.5, 60.5], [29.5, 49.5]]
    below = [[99.5, 49.5], [99.5, 60.5], [109.5, 60.5], [109.5, 49.5]]
    run(
        campaign,
        zone,
        {"polygon": SQUARE, "class": "building", "confidence": 0.9},
        {"polygon": beside, "class": "water", "confidence": 0.6},
        {"polygon": below, "class": "water", "confidence": 0.95},
        author="model-unet",
    )
    assert not labels(campaign, zone).any()
    with campaign.open_store(zone) as store:
        assert store.label_heads() == ()
        assert [(one.code, one.pixels, one.confidence) for one in store.prelabels().waiting()] == [
            (1, 600, (0.9, 0.9)), (5, 330, (0.6, 0.95))
        ]  # fmt: skip
    for filters, reason in (
        ({"class": "snow"}, "no pre-label of the 3 there is of this class"),
        ({"above": 0.99}, "the surest of the 3 pre-labels there has a confidence of 0.95"),
        ({"class": "building", "above": 0.95}, "the surest of the 1 .* 0.9"),
        ({"polygon": [[0, 0], [0, 5], [5, 5]]}, "no model proposes anything there"),
    ):
        with pytest.raises(WorkbenchError, match=reason):
            run(campaign, zone, {"prelabels": "accept", **filters})
    run(campaign, zone, {"prelabels": "accept", "class": "water", "above": 0.9})
    assert set(np.flatnonzero(np.bincount(labels(campaign, zone).ravel()))) == {0, 5}
    assert (labels(campaign, zone)[100:110, 50:61] == 5).all()
    run(campaign, zone, {"prelabels": "accept", "polygon": SQUARE})
    run(campaign, zone, {"polygon": [[9.5, 19.5], [9.5, 29.5], [29.5, 29.5], [29.5, 19.5]], "class": "snow"})
    found = labels(campaign, zone)
    assert (found[10:30, 20:30] == 14).all()
    assert (found[10:30, 30:50] == 1).all()
    assert not found[10:30, 50:61].any()
    with campaign.open_store(zone) as store:
        numbers, table = sources(store)
        told = {(source.prelabel, source.code): source for source in table}
        assert {key: source.pixels for key, source in told.items()} == {
            ("untouched", 5): 110, ("untouched", 1): 400, ("corrected", 14): 200
        }  # fmt: skip
        kept = edit_of(told["untouched", 1].op)
        assert isinstance(kept, AssignMask)
        assert (kept.source, kept.provenance.model) == ("model-unet:1", "unet")
        assert (numbers[10:30, 20:30] == told["corrected", 14].number).all()
    run(campaign, zone, {"prelabels": "accept"})
    assert (labels(campaign, zone)[10:30, 20:30] == 14).all()  # a person's label stays
    with pytest.raises(WorkbenchError, match="labelled already; replace takes it over"):
        run(campaign, zone, {"prelabels": "accept", "polygon": SQUARE})
    run(campaign, zone, {"prelabels": "replace", "polygon": SQUARE})
    with campaign.open_store(zone) as store:
        assert store.prelabels().waiting() == ()
    with pytest.raises(WorkbenchError, match="is what the labels are already"):
        run(campaign, zone, {"prelabels": "replace", "polygon": SQUARE})
    assert (labels(campaign, zone)[10:30, 20:50] == 1).all()
    run(campaign, zone, {"undo": 5})
    assert not labels(campaign, zone).any()


def test_a_reviewer_accepts_a_polygon_and_opens_it_again(campaign: Campaign, zone: Zone) -> None:
    run(campaign, zone, {"polygon": SQUARE, "class": "water"})
    run(campaign, zone, {"accept": SQUARE}, author="paul")
    for line in ({"polygon": SQUARE, "class": "snow"}, {"unprotect": SQUARE}, {"undo": 1}):
        with pytest.raises(WorkbenchError, match=r"line 1: .* accepted by paul \(op paul:1\)"):
            run(campaign, zone, line)
    run(campaign, zone, {"reopen": SQUARE}, author="paul")
    run(campaign, zone, {"protect": SQUARE})
    with pytest.raises(WorkbenchError, match="line 1: nothing is accepted there"):
        run(campaign, zone, {"reopen": SQUARE}, author="paul")
    run(campaign, zone, {"unprotect": SQUARE})
    run(campaign, zone, {"polygon": SQUARE, "class": "snow"})
    assert (labels(campaign, zone)[10:30, 20:50] == 14).all()


BAD_EDITS = {
    "merge without a label": ({"merge": [[1, 1], [2, 2]]}, "no label at pixel"),
    "cut beside the region": (
        {"cut": [[0, 0], [1, 1]], "pick": [200, 100], "scale": 0, "class": "water"},
        "does not part",
    ),
    "nothing to recode": ({"recode": ["water", "snow"]}, "no water there"),
    "a class where an upper class belongs": ({"polygon": SQUARE, "upper": "water"}, "no upper class 'water'"),
    "both": ({"polygon": SQUARE, "upper": "woody_vegetation", "class": "water"}, "class"),
    "neither": ({"brush": [[1, 1]], "radius": 2}, "class"),
    "brush without radius": ({"brush": [[1, 1]], "class": "water"}, "radius"),
    "brush outside": ({"brush": [[-50, -50]], "radius": 2, "class": "water"}, "covers no pixel"),
    "answer to nothing": ({"comment": "x", "at": [1, 1], "answers": "marie:77"}, "no comment marie:77"),
    "ruling by an unknown class": (
        {"comment": "x", "at": [1, 1], "answers": "marie:1", "ruling": "grass"},
        "no class 'grass'",
    ),
    "nothing to do": ({"class": "water"}, "nothing to do; it needs one of cut, recode"),
    "an empty line": ({}, "nothing to do"),
    "two things": (
        {"brush": [[1, 1]], "radius": 2, "line": [[1, 1]], "class": "water"},
        "brush does not go with line",
    ),
    "undo of a class": ({"undo": 1, "class": "water"}, "undo does not go with class"),
    "ruling without a question": ({"comment": "x", "at": [1, 1], "ruling": "water"}, "ruling needs answers"),
    "undo of nothing": ({"undo": 1}, "there is nothing to undo"),
    "unprotect of nothing": ({"unprotect": SQUARE}, "nothing is protected or accepted there"),
    "accept of nothing": ({"accept": SQUARE}, "nothing is labelled there yet that could be accepted"),
    "pre-labels of nobody": ({"prelabels": "accept"}, "no model proposes anything in this zone"),
    "confidence of a person": (
        {"polygon": SQUARE, "class": "water", "confidence": 0.5},
        "confidence is a model's to say",
    ),
    "comment of blanks": ({"comment": " ", "at": [1, 1]}, "a comment of blanks says nothing"),
    "comment nowhere": ({"comment": "x", "at": [600, 1]}, "outside zone"),
}


@pytest.mark.parametrize("case", BAD_EDITS)
def test_an_edit_that_makes_no_sense_is_refused(
    campaign: Campaign, zone: Zone, hierarchy: Hierarchy, case: str
) -> None:
    line, reason = BAD_EDITS[case]
    with pytest.raises(WorkbenchError, match=f"line 1.*{reason}"):
        run(campaign, zone, line)
    assert not labels(campaign, zone).any()


STRANGE = {
    "an op that is none": (
        {"fly": [1, 2], "class": "water"},
        "line 1: 'fly' is nothing to do; what a line does is ",
    ),
    "its name as a value": (
        {"op": "pick"},
        "'op' is nothing to do; what a line does is one of cut, recode, fill",
    ),
    "a slip beside an op": (
        {"pick": [1, 2], "scale": 3, "klass": "water"},
        "line 1: pick takes no 'klass'; it takes class, confidence, scale, upper",
    ),
    "beside one that takes nothing": ({"undo": 1, "all": True}, "undo takes no 'all'; it takes nothing else"),
}


@pytest.mark.parametrize("case", STRANGE)
def test_a_key_that_no_line_has_is_told_with_what_there_is(case: str, campaign: Campaign, zone: Zone) -> None:
    line, told = STRANGE[case]
    with pytest.raises(WorkbenchError, match=re.escape(told)) as refusal:
        run(campaign, zone, line)
    assert "\n" not in str(refusal.value)


def test_the_keys_of_lines_are_those_of_the_schema() -> None:
    schema = json.loads((shipped("schema") / "script-line.schema.json").read_text(encoding="utf-8"))
    for key in schema["properties"]:
        check_keys(json.dumps({key: 1}))
