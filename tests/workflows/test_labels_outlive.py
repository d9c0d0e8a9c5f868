"""Labels outlive hierarchies: thrown away, made anew in another way, refined differently by two people."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_orthos import MakeOrtho
from test_kept_refinements import refined

from workbench.campaign import Campaign
from workbench.geo.zone import Zone
from workbench.labels.annotation import AnnotationStore
from workbench.segmentation import SegmentationParameters
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import export_labels, label_zone
from workbench.workflows.refining import refined_by
from workbench.workflows.segmenting import segment_zones
from workbench.workflows.standing import review_zone, standing


def segmented(campaign: Campaign, preset: str = "default") -> None:
    parameters = SegmentationParameters.preset(preset)  # type: ignore[arg-type]
    list(segment_zones(campaign, None, parameters=parameters, say=lambda message: None))


@pytest.fixture
def labelled(campaign: Campaign, make_ortho: MakeOrtho) -> tuple[Campaign, Zone]:
    """A zone that two authors labelled by picks, and refined differently in the same place."""
    add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA")
    segmented(campaign)
    (zone,) = campaign.zones()
    image, hierarchy = campaign.read_image(zone), campaign.read_hierarchy(zone)
    places = {"marie": ((40, 40), (300, 200)), "jean": ((300, 200), (42, 44))}
    for author, picks in places.items():
        lines = [
            f'{{"pick": [{row}, {col}], "scale": {scale}, "class": "{key}"}}'
            for (row, col), scale, key in zip(picks, (4000, 250), ("water", "building"), strict=True)
        ]
        label_zone(campaign, zone, author=author, lines=lines, on_edit=lambda op, line: None)
        with campaign.open_store(zone, author=author) as store:
            refined(store, hierarchy, image, picks)
    return campaign, zone


def exported(campaign: Campaign, zone: Zone, folder: Path) -> bytes:
    path = folder / "labels.tif"
    export_labels(campaign, zone, path, scheme="flair", overwrite=True)
    return path.read_bytes()


CHANGES: dict[str, Callable[[Campaign, Zone], object]] = {
    "thrown away": lambda campaign, zone: campaign.hierarchy_path(zone).unlink(),
    "damaged": lambda campaign, zone: campaign.hierarchy_path(zone).write_bytes(b"noise"),
    "made with other parameters": lambda campaign, zone: segmented(campaign, "plain"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_labels_undo_and_review_stand_whatever_becomes_of_the_hierarchy(
    labelled: tuple[Campaign, Zone], change: str, tmp_path: Path
) -> None:
    campaign, zone = labelled
    before = exported(campaign, zone, tmp_path)
    CHANGES[change](campaign, zone)
    assert exported(campaign, zone, tmp_path) == before
    found = standing(campaign, zone)
    assert found.conflicts == ()
    assert found.segmented == (change != "thrown away")
    assert review_zone(campaign, zone, author="paul", verdict="accept", anyway="a part").state == "accepted"
    review_zone(campaign, zone, author="paul", verdict="send-back", reason="once more")
    for author in ("jean", "marie"):
        with campaign.open_store(zone, author=author) as store:
            assert len(store.refinements()) == 2
            while store.undo():
                pass
    with campaign.open_store(zone) as store:
        assert not store.labels.any()
    for author in ("marie", "jean"):
        with campaign.open_store(zone, author=author) as store:
            while store.redo():
                pass
    assert exported(campaign, zone, tmp_path) == before


def test_each_author_has_their_own_refinements_of_the_same_place(labelled: tuple[Campaign, Zone]) -> None:
    campaign, zone = labelled
    base = campaign.read_hierarchy(zone)
    found = {}
    for author in ("marie", "jean"):
        with campaign.open_store(zone, author=author) as store:
            assert isinstance(store, AnnotationStore)
            found[author], left_out = refined_by(base, store.refinements())
            assert left_out == ""
    assert found["marie"].digest != found["jean"].digest
    assert not np.array_equal(found["marie"].leaves, found["jean"].leaves)


def test_refinements_of_another_hierarchy_are_said_and_passed_over(labelled: tuple[Campaign, Zone]) -> None:
    campaign, zone = labelled
    segmented(campaign, "plain")
    base = campaign.read_hierarchy(zone)
    with campaign.open_store(zone, author="marie") as store:
        again, left_out = refined_by(base, store.refinements())
        assert again.digest == base.digest
        assert left_out
