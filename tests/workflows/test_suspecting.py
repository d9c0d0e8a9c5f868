"""Suspects of a campaign: whose labels, by which model, what is warned of, refused, and written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyogrio
import pytest
from click.testing import CliRunner, Result
from made_orthos import made_grid, made_image, made_truth
from numpy.typing import NDArray
from scipy import ndimage

from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.documents import validate
from workbench.errors import CampaignError
from workbench.geo.geotiff import write_raster
from workbench.geo.zone import Zone
from workbench.workflows.intake import add_zone
from workbench.workflows.predictions import prediction_path, prediction_tags
from workbench.workflows.segmenting import segment_zones
from workbench.workflows.standing import review_zone
from workbench.workflows.suspecting import Suspected, accepted_zones, suspect_zones

TRUTH = made_truth(512, 512)
CROP, GRASS = 11, 10
TAGS = prediction_tags(
    model="fold_1", digest="ab" * 32, nomenclature="flair-19", domains=["D004_2021"], zones=[]
)


def swapped() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    fields, _ = ndimage.label(TRUTH == CROP)
    field = fields == 1 + int(np.bincount(fields.ravel())[1:].argmax())
    return np.where(field, np.uint8(GRASS), TRUTH), field


@pytest.fixture
def zone(campaign: Campaign, tmp_path: Path) -> Zone:
    """Return an accepted zone, one field of which is labelled wrong, segmented."""
    labels, _ = swapped()
    write_raster(tmp_path / "ortho.tif", made_image(TRUTH), made_grid(512, 512), level=1)
    write_raster(tmp_path / "labels.tif", labels, made_grid(512, 512))
    found = add_zone(
        campaign, tmp_path / "ortho.tif", domain="D051_2019", name="Z15_UN", mask=tmp_path / "labels.tif"
    ).zone
    list(segment_zones(campaign, None, say=lambda _: None))
    return found


def predict(campaign: Campaign, zone: Zone, codes: NDArray[np.uint8] = TRUTH, tags=TAGS) -> None:
    rng = np.random.default_rng(0)
    planes = np.stack([codes, rng.integers(200, 250, codes.shape), np.zeros_like(codes)]).astype(np.uint8)
    prediction_path(campaign, zone).unlink(missing_ok=True)
    write_raster(prediction_path(campaign, zone), planes, zone.grid, tags=tags)


def find(campaign: Campaign, *zones: Zone, say=lambda _: None) -> Suspected:
    found = suspect_zones(campaign, zones, say=say)
    head = {"format": "ocs-workbench/suspects", "format_version": 1}
    document = json.loads(json.dumps(head | found.document(), allow_nan=False))
    validate(document, "outputs/suspects", source="suspects")
    return found


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments])


def test_a_wrong_field_is_told_with_the_picks_that_mend_it(campaign, zone):
    predict(campaign, zone)
    found = find(campaign, zone)
    (told, first), *_ = found.ranked
    assert (told.model, told.doubt, told.pixels) == ("fold_1", None, 512 * 512)
    assert (found.key(first.label), found.key(first.suggested)) == (
        "herbaceous_vegetation",
        "agricultural_land",
    )
    assert swapped()[1][first.row, first.col]
    assert first.picks >= 1
    assert "herbaceous_vegetation, rather agricultural_land" in found.text()
    assert found.never_said == ()


def test_no_label_changes(campaign, zone):
    predict(campaign, zone)
    before = {path.name: path.read_bytes() for path in campaign.journal_dir(zone).iterdir()}
    find(campaign, zone)
    assert {path.name: path.read_bytes() for path in campaign.journal_dir(zone).iterdir()} == before


def test_thresholds_are_those_of_all_zones_together(campaign, zone, tmp_path):
    """A class that one zone labels nowhere has the threshold that other zones give it."""
    write_raster(tmp_path / "b.tif", made_image(TRUTH), made_grid(512, 512, col=5120), level=1)
    write_raster(tmp_path / "b_labels.tif", TRUTH, made_grid(512, 512, col=5120))
    other = add_zone(
        campaign, tmp_path / "b.tif", domain="D051_2019", name="Z16_UN", mask=tmp_path / "b_labels.tif"
    ).zone
    predict(campaign, zone)
    predict(campaign, other)
    heard: list[str] = []
    together = find(campaign, zone, other, say=heard.append)
    assert [len(one.suspects) > 0 for one in together.zones] == [True, False]
    assert heard == [
        f"zone {other.id} is not segmented: its suspects are connected pixels, and nobody knows their picks"
    ]
    assert accepted_zones(campaign, say=heard.append) == [zone, other]


def test_a_model_that_saw_the_zone_is_named(campaign, zone):
    heard: list[str] = []
    saw = prediction_tags(
        model="prod", digest="ab" * 32, nomenclature="flair-19", domains=["D051_2019"], zones=[zone.id]
    )
    predict(campaign, zone, tags=saw)
    found = find(campaign, zone, say=heard.append)
    assert heard == [
        "model prod was trained on D051_2019: its confidences there are too good, and it repeats what is "
        "wrong in labels that it learned"
    ]
    assert found.zones[0].doubt is not None


def test_a_model_that_is_mostly_wrong_is_not_to_be_believed(campaign, zone):
    heard: list[str] = []
    shifted = np.roll(TRUTH, 200, axis=0)
    predict(campaign, zone, shifted)
    agreed = find(campaign, zone, say=heard.append).zones[0].agreed
    assert agreed == (shifted == swapped()[0]).mean() < 0.5
    assert heard == [
        f"model fold_1 says the same as {agreed:.0%} of the labels of {zone.id}: it is wrong more often than "
        "they are, so do not take its word"
    ]


def test_nothing_found_is_said(campaign, zone):
    predict(campaign, zone, swapped()[0])
    assert "nothing is suspected" in find(campaign, zone).text()
    done = run("suspects", campaign.path, "--all")
    assert (done.exit_code, "nothing is suspected" in done.stdout) == (0, True)


def test_what_cannot_be_judged_is_refused_in_one_sentence(campaign, zone):
    def refuses(error: type[Exception], reason: str) -> None:
        with pytest.raises(error, match=reason) as caught:
            suspect_zones(campaign, [zone])
        assert "\n" not in str(caught.value)

    refuses(CampaignError, "1 of 1 zone could not be judged: .* has no prediction .*--models FOLDER")
    predict(campaign, zone, tags=TAGS | {"NOMENCLATURE": "ign-naf 1"})
    refuses(CampaignError, "has the classes of ign-naf, the campaign labels with flair-19")
    predict(campaign, zone, np.zeros_like(TRUTH))
    refuses(CampaignError, "no pixel with a label and a prediction")
    review_zone(campaign, zone, author="paul", verdict="send-back", reason="look again")
    refuses(CampaignError, "is not accepted, so nobody stands for its labels yet")
    with pytest.raises(CampaignError, match="has no accepted zone"):
        accepted_zones(campaign, say=lambda _: None)


def test_the_map_has_a_polygon_for_each_suspect(campaign, zone, tmp_path):
    predict(campaign, zone)
    path = tmp_path / "suspects.gpkg"
    done = run("suspects", campaign.path, "--zone", zone.id, "-o", path, "--json")
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    frame = pyogrio.read_dataframe(path)
    assert list(frame["rank"]) == [one["rank"] for one in document["suspects"]]
    assert list(frame["suggested"]) == [one["suggested"] for one in document["suspects"]]
    assert frame.crs.to_epsg() == 2154
    first = document["suspects"][0]
    assert frame.geometry[0].area == pytest.approx(0.04 * first["pixels"] / first["share"], rel=1e-3)
    x, y = zone.grid.xy(first["row"], first["col"])
    assert frame.geometry[0].distance(type(frame.geometry[0].centroid)(x + 0.1, y - 0.1)) < 0.3
    assert "agricultural_land" in path.with_suffix(".qml").read_text()
    assert run("suspects", campaign.path, "--all", "-o", path).exit_code == 1
    predict(campaign, zone, swapped()[0])
    assert run("suspects", campaign.path, "--all", "-o", path, "--overwrite").exit_code == 0
    assert len(pyogrio.read_dataframe(path)) == 0


def test_a_bad_call_writes_nothing(campaign, zone, tmp_path):
    predict(campaign, zone)
    for wrong in ((), ("--all", "--zone", zone.id), ("--all", "--model", "a", "--models", "b")):
        done = run("suspects", campaign.path, *wrong)
        assert (done.exit_code, "give --zone ID or --all" in done.stderr) == (2, True)
    done = run("suspects", campaign.path, "--all", "-o", tmp_path / "suspects.shp")
    assert "give a name that ends in .gpkg" in str(done.exception)
    assert not (tmp_path / "suspects.shp").exists()
    done = run("suspects", campaign.path, "--all", "--models", tmp_path)
    assert isinstance(done.exception, CampaignError)
    assert "holds no models" in str(done.exception)
