"""What a release tells of the labels of a zone: sums that are right, and nobody's name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_orthos import MakeOrtho

from workbench.campaign import Campaign
from workbench.export import open_release
from workbench.geo.zone import Zone
from workbench.labels.edits import Provenance, assign_raster
from workbench.labels.review import submit
from workbench.workflows.annotator import write_script
from workbench.workflows.doubling import double
from workbench.workflows.habits import Habits
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.segmenting import segment_zones
from workbench.workflows.standing import review_zone
from workbench.workflows.zone_facts import ORIGINS, zone_facts

WHOLE = [[-1, -1], [-1, 600], [600, 600], [600, -1]]
TOP = [[-1, -1], [-1, 600], [127.5, 600], [127.5, -1]]


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    return add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA").zone


def quiet(message: str) -> None:
    """Say nothing."""


def label(campaign: Campaign, zone: Zone, author: str, *lines: object, blind: bool = False) -> None:
    label_zone(
        campaign, zone, author=author, lines=map(json.dumps, lines), on_edit=lambda *_: None, blind=blind
    )


def facts(campaign: Campaign, zone: Zone) -> dict[str, Any]:
    with campaign.open_store(zone) as store:
        return zone_facts(campaign, zone, store, say=quiet)


def hand_in(campaign: Campaign, zone: Zone, author: str, *, blind: bool = False) -> None:
    with campaign.open_store(zone, author=author, blind=blind) as store:
        submit(store)


def test_origins_add_up_to_the_labelled_pixels(campaign: Campaign, make_ortho: MakeOrtho) -> None:
    image, mask = make_ortho()
    zone = add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask).zone
    found = facts(campaign, zone)
    assert found == {"origins": dict.fromkeys(ORIGINS, 0) | {"imported": 512 * 512}}
    review_zone(campaign, zone, author="paul", verdict="send-back", reason="a pond")
    label(campaign, zone, "marie", {"polygon": TOP, "class": "water"})
    found = facts(campaign, zone)
    assert found == {"origins": dict.fromkeys(ORIGINS, 0) | {"imported": 384 * 512, "drawn": 128 * 512}}


def test_what_nobody_labelled_has_no_origin(campaign: Campaign, zone: Zone) -> None:
    label(campaign, zone, "marie", {"polygon": TOP, "class": "water"})
    assert sum(facts(campaign, zone)["origins"].values()) == 128 * 512


def test_picks_are_no_drawing(campaign: Campaign, zone: Zone) -> None:
    list(segment_zones(campaign, None, say=quiet))
    with campaign.open_store(zone) as store:
        truth = np.full(store.labels.shape, 7, np.uint8)
    script = write_script(
        campaign.read_hierarchy(zone), truth, campaign.nomenclature, habits=Habits(accuracy=0.9), zone=zone.id
    )
    label_zone(campaign, zone, author="marie", lines=script.lines, on_edit=lambda *_: None)
    origins = facts(campaign, zone)["origins"]
    assert origins["picked"] > 0.9 * 512 * 512
    assert sum(origins.values()) == origins["picked"]


def test_a_second_annotation_counts_once_it_is_done(campaign: Campaign, zone: Zone) -> None:
    label(campaign, zone, "marie", {"polygon": WHOLE, "class": "coniferous"})
    hand_in(campaign, zone, "marie")
    label(campaign, zone, "jean", {"polygon": TOP, "class": "water"}, blind=True)
    assert double(campaign, zone).begun
    assert "agreement" not in facts(campaign, zone)
    label(
        campaign, zone, "jean",
        {"polygon": WHOLE, "class": "coniferous"}, {"polygon": TOP, "class": "water"},
        blind=True,
    )  # fmt: skip
    (found,) = facts(campaign, zone)["agreement"]
    assert (found["pixels"], found["same"]) == (512 * 512, 384 * 512)
    assert found["overall"]["value"] == 0.75
    assert found["classes"] == {
        "water": {"both": 0, "either": 128 * 512},
        "coniferous": {"both": 384 * 512, "either": 512 * 512},
    }
    (pair,) = found["pairs"]
    assert pair["classes"] == ["water", "coniferous"]
    assert pair["boundary"] + pair["class"] == 128 * 512
    assert "jean" not in json.dumps(facts(campaign, zone))


def test_bias_is_told_where_the_zone_is_segmented_and_somebody_drew(campaign: Campaign, zone: Zone) -> None:
    label(
        campaign, zone, "marie", {"polygon": WHOLE, "class": "coniferous"}, {"polygon": TOP, "class": "water"}
    )
    hand_in(campaign, zone, "marie")
    assert "bias" not in facts(campaign, zone)
    list(segment_zones(campaign, None, say=quiet))
    own = facts(campaign, zone)["bias"]
    assert (own["against"], own["bias"]["value"]) == ("own", 0.0)
    with campaign.open_store(zone, author="jean", blind=True) as store:
        drawn = np.full((512, 512), 6, np.uint8)
        drawn[:, :200] = 5
        store.apply_all(assign_raster(drawn, provenance=Provenance(tool="polygon")))
    second = facts(campaign, zone)["bias"]
    assert (second["against"], second["pixels"]) == ("second", 512 * 512)
    assert second["labels"]["edgels"] >= 512


def test_a_broken_hierarchy_is_said_and_stops_nothing(campaign: Campaign, zone: Zone) -> None:
    list(segment_zones(campaign, None, say=quiet))
    label(campaign, zone, "marie", {"polygon": TOP, "class": "water"})
    campaign.hierarchy_path(zone).write_bytes(b"no hierarchy")
    said: list[str] = []
    with campaign.open_store(zone) as store:
        assert "bias" not in zone_facts(campaign, zone, store, say=said.append)
    (one,) = said
    assert one.startswith("D051_2019/Z1_AA tells no segmentation bias: ")


def test_a_release_carries_them_and_names_nobody(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    image, mask = make_ortho()
    add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask, author="marie")
    built = publish(campaign, ReleaseOrder(name="V1", out=tmp_path), say=quiet)
    (entry,) = open_release(built.path).card["zones"]
    labelled = sum(built.card["class_pixels"].values())
    assert sum(entry["origins"].values()) == labelled
    assert "marie" not in (built.path / "release.json").read_text()
