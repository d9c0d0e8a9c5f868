"""The bias of a zone: which labels are held against which, on which leaves, and what is refused."""

from __future__ import annotations

import json
from collections.abc import Iterable

import numpy as np
import pytest
from made_orthos import MakeOrtho, made_image, made_truth
from numpy.typing import NDArray
from scipy import ndimage

from workbench.assessment.borders import edges_of
from workbench.campaign import Campaign
from workbench.documents import validate
from workbench.errors import WorkbenchError
from workbench.geo.zone import Zone
from workbench.labels.edits import Provenance, assign_raster
from workbench.segmentation.hierarchy import Hierarchy, SegmentationParameters
from workbench.workflows.annotator import write_script
from workbench.workflows.bias import BiasReport, _leaves_seen, measure_bias
from workbench.workflows.habits import Habits
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone
from workbench.workflows.refining import refine_node
from workbench.workflows.segmenting import segment_zones

TRUTH = made_truth(512, 512)


def hand(seed: int = 5) -> NDArray[np.uint8]:
    """What a hand draws of the truth that misses each edge by a pixel or two, smoothly."""
    rng = np.random.default_rng(seed)
    fields = [ndimage.zoom(rng.normal(size=(40, 40)), 14, order=3)[:512, :512] for _ in range(2)]
    moved = [
        place + 1.5 * field / field.std()
        for place, field in zip(np.indices(TRUTH.shape), fields, strict=True)
    ]
    rows, cols = (np.clip(np.rint(one), 0, 511).astype(int) for one in moved)
    return TRUTH[rows, cols]


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    found = add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA").zone
    list(segment_zones(campaign, None, say=lambda message: None))
    return found


def draw(
    campaign: Campaign,
    zone: Zone,
    author: str,
    codes: NDArray[np.uint8],
    *,
    blind: bool,
    tool: str = "polygon",
) -> None:
    with campaign.open_store(zone, author=author, blind=blind) as store:
        store.apply_all(assign_raster(codes, provenance=Provenance(tool=tool)))


def label(campaign: Campaign, zone: Zone, lines: Iterable[str], *, author: str = "marie") -> None:
    label_zone(campaign, zone, author=author, lines=lines, on_edit=lambda op, line: None)


def picks(campaign: Campaign, zone: Zone) -> list[str]:
    hierarchy, habits = campaign.read_hierarchy(zone), Habits(accuracy=0.98)
    return list(write_script(hierarchy, TRUTH, campaign.nomenclature, habits=habits, zone=zone.id).lines)


def told(report: BiasReport) -> dict[str, object]:
    """Return the JSON view, once it was held against its schema."""
    document = json.loads(json.dumps(report.document(), allow_nan=False))
    head = {"format": "ocs-workbench/labels-bias", "format_version": 1}
    validate(head | document, "outputs/labels-bias", source="bias")
    return dict(document)


def test_picks_are_biased_against_a_second_author_who_drew(campaign: Campaign, zone: Zone) -> None:
    label(campaign, zone, picks(campaign, zone))
    draw(campaign, zone, "zoe", hand(), blind=True)
    report = measure_bias(campaign, zone, reference="zoe")
    document = told(report)
    assert document["reference"] == "zoe"
    assert report.found.labels.share.value == 1
    assert report.found.bias.low > 0
    assert report.elsewhere == 0
    assert report.leaves == campaign.read_hierarchy(zone).leaf_count
    assert report.found.disagreement is not None
    assert "segmentation bias" in report.text()
    assert "at most" not in report.text()


def test_what_the_reference_drew_is_not_among_the_labels(campaign: Campaign, zone: Zone) -> None:
    """Zoe draws over all of the zone in the labels themselves, and under it are still the picks."""
    label(campaign, zone, picks(campaign, zone))
    blind = hand()
    draw(campaign, zone, "blind", blind, blind=True)
    apart = measure_bias(campaign, zone, reference="blind")
    draw(campaign, zone, "zoe", blind, blind=False)
    assert measure_bias(campaign, zone, reference="zoe").found == apart.found
    with campaign.open_store(zone) as store:
        assert (store.labels == blind).all()


def test_a_hand_against_a_hand_has_no_bias(campaign: Campaign, zone: Zone) -> None:
    draw(campaign, zone, "marie", hand(1), blind=False)
    draw(campaign, zone, "zoe", hand(2), blind=True)
    found = measure_bias(campaign, zone, reference="zoe").found
    assert found.bias.low <= 0 <= found.bias.high


def test_without_a_reference_borders_drawn_by_hand_stand_for_it(campaign: Campaign, zone: Zone) -> None:
    label(campaign, zone, picks(campaign, zone))
    part = np.where(np.indices(TRUTH.shape)[1] < 200, hand(), 0).astype(np.uint8)
    draw(campaign, zone, "marie", part, blind=False, tool="brush")
    report = measure_bias(campaign, zone, reference=None)
    document = told(report)
    assert document["reference"] is None
    assert document["disagreement"] is None
    assert report.found.reference.edgels < report.found.labels.edgels
    assert report.found.bias.low > 0
    assert "the bias is this at most" in report.text()


def refine(campaign: Campaign, zone: Zone, author: str, row: int, col: int, count: int) -> Hierarchy:
    with campaign.open_store(zone, author=author) as store:
        base = campaign.read_hierarchy(zone)
        scale = base.cut_count(count).scale
        node, image = base.node_at(row, col, scale), made_image(TRUTH)
        edit, refined = refine_node(base, node, image, row=row, col=col, scale=scale)
        store.record(edit)
        window, mask = refined.mask(refined.node_at(row, col, 0.0))
        codes = np.zeros(TRUTH.shape, np.uint8)
        codes[window.slices][mask] = 14
        made = Provenance(tool="pick", row=row, col=col, scale=0.0, hierarchy_digest=refined.digest)
        store.apply_all(assign_raster(codes, provenance=made))
        return refined


def test_picks_of_refined_regions_follow_leaves_too(campaign: Campaign, zone: Zone) -> None:
    label(campaign, zone, picks(campaign, zone))
    refined = [
        refine(campaign, zone, author, row, col, 40)
        for author, row, col in (("marie", 100, 100), ("paul", 100, 110), ("marie2", 400, 300))
    ]
    draw(campaign, zone, "zoe", hand(), blind=True)
    report = measure_bias(campaign, zone, reference="zoe")
    assert report.found.labels.share.value == 1
    assert report.elsewhere == 0
    assert report.leaves > max(one.leaf_count for one in refined)
    with campaign.open_store(zone) as store:
        base, inside = campaign.read_hierarchy(zone), store.footprint
        leaves, _ = _leaves_seen(base, store, ("marie", "marie2", "paul"))
        borders = edges_of(store.labels, inside)
    assert not (borders & ~edges_of(leaves, inside)).any()
    assert (borders & ~edges_of(base.leaves, inside)).any()
    assert np.unique(leaves).size == report.leaves


def test_picks_of_another_hierarchy_are_counted(campaign: Campaign, zone: Zone) -> None:
    lines = picks(campaign, zone)
    label(campaign, zone, lines)
    draw(campaign, zone, "zoe", hand(), blind=True)
    plain = SegmentationParameters.preset("plain")
    list(segment_zones(campaign, None, say=lambda message: None, parameters=plain, overwrite=True))
    report = measure_bias(campaign, zone, reference="zoe")
    assert 0 < report.elsewhere <= len(lines)
    assert f"{report.elsewhere:,} picks are of another hierarchy" in report.text()


def test_what_is_no_reference_is_refused(campaign: Campaign, zone: Zone) -> None:
    lines = picks(campaign, zone)
    label(campaign, zone, lines)

    def refuses(reference: str | None, *reasons: str) -> None:
        with pytest.raises(WorkbenchError) as caught:
            measure_bias(campaign, zone, reference=reference)
        for reason in reasons:
            assert reason in str(caught.value)
        assert "\n" not in str(caught.value)

    refuses("marie", "marie did not draw by hand alone", " pick; take an author")
    refuses("nobody", "no journal of nobody")
    refuses(None, "nobody drew by hand", "--reference AUTHOR")
    with campaign.open_store(zone, author="paul") as store:
        store.apply_all(assign_raster(hand(), provenance=Provenance(tool="polygon")))
        store.undo()
    refuses("paul", "paul labelled nothing")
    dot = np.zeros(TRUTH.shape, np.uint8)
    dot[:3, :3] = 5
    draw(campaign, zone, "zoe", dot, blind=True)
    refuses("zoe", "takes 200 of each")
    campaign.hierarchy_path(zone).unlink()
    refuses("zoe", "is not segmented")


def test_nothing_in_common_is_refused(campaign: Campaign, zone: Zone) -> None:
    left = np.indices(TRUTH.shape)[1] < 256
    draw(campaign, zone, "marie", np.where(left, TRUTH, 0).astype(np.uint8), blind=False)
    draw(campaign, zone, "zoe", np.where(left, 0, TRUTH).astype(np.uint8), blind=True)
    with pytest.raises(WorkbenchError, match="no pixel that both labelled"):
        measure_bias(campaign, zone, reference="zoe")
