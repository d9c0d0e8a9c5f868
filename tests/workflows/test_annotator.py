"""The scripted annotator: what they believe, what they label, how long it takes, and what they hand in."""

from __future__ import annotations

import json
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from made_orthos import MakeOrtho, made_truth
from numpy.typing import NDArray

from workbench.assessment.perception import Confusions, loose_borders
from workbench.campaign import Campaign
from workbench.errors import DocumentError, EditRefused, NomenclatureError
from workbench.geo.geotiff import write_raster
from workbench.geo.zone import Zone
from workbench.labels.outline import read_outline
from workbench.nomenclature import load_nomenclature
from workbench.workflows.annotator import LabelScript, annotate_zone, write_script
from workbench.workflows.habits import Habits, read_habits, write_habits
from workbench.workflows.intake import add_zone
from workbench.workflows.predictions import prediction_path, prediction_tags
from workbench.workflows.prelabelling import prelabel_zone
from workbench.workflows.segmenting import segment_zones

FLAIR = load_nomenclature("flair-19")
TRUTH = made_truth(512, 512)
CROPS = {"agricultural_land": {"herbaceous_vegetation": 0.5}}
CONFUSED = Habits(confusions=Confusions.of(FLAIR, CROPS), accuracy=0.98)


@pytest.fixture
def zone(campaign: Campaign, make_ortho: MakeOrtho) -> Zone:
    found = add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA").zone
    list(segment_zones(campaign, None, say=lambda message: None))
    return found


def script(campaign: Campaign, zone: Zone, habits: Habits, **options) -> LabelScript:
    return write_script(campaign.read_hierarchy(zone), TRUTH, FLAIR, habits=habits, zone=zone.id, **options)


def labels(campaign: Campaign, zone: Zone) -> NDArray[np.uint8]:
    with campaign.open_store(zone) as store:
        return store.labels.copy()


def propose(campaign: Campaign, zone: Zone, codes: NDArray[np.uint8]) -> None:
    """Have a model propose labels."""
    planes = np.stack([codes, np.full_like(codes, 230), np.zeros_like(codes)])
    tags = prediction_tags(model="tiny", digest="ab" * 32, nomenclature="flair-19")
    write_raster(prediction_path(campaign, zone), planes, zone.grid, tags=tags)
    prelabel_zone(campaign, zone)


def test_a_perfect_annotator_hands_in_the_truth_to_the_accuracy_asked(campaign, zone):
    done = annotate_zone(campaign, zone, TRUTH, habits=Habits(accuracy=0.98), author="marie")
    assert done.mistaken == 0
    assert (done.belief == TRUTH).all()
    assert 0.98 <= done.accuracy == pytest.approx(1 - done.missed)
    assert done.accuracy == (labels(campaign, zone) == TRUTH).mean()
    assert read_outline(campaign.journal_dir(zone), campaign.subject(zone)).state.state == "submitted"
    assert done.picks == script(campaign, zone, Habits(accuracy=0.98)).picks
    answers = done.mended + done.justified
    assert done.seconds == pytest.approx(30 + 5 + 2.7 * done.picks + 10 * answers)


def test_mistakes_and_what_picks_missed_are_told_apart(campaign, zone):
    done = annotate_zone(campaign, zone, TRUTH, habits=CONFUSED, author="marie")
    found = labels(campaign, zone)
    wrong = done.belief != TRUTH
    assert wrong.any()
    assert (TRUTH[wrong] == 11).all()
    assert (done.belief[wrong] == 10).all()
    assert done.mistaken == wrong.mean()
    assert done.missed == (found != done.belief).mean() <= 0.02
    assert done.accuracy == (found == TRUTH).mean() <= 1 - done.mistaken + done.missed


def test_what_is_mistaken_depends_on_seed_and_zone_alone(campaign, zone):
    first = script(campaign, zone, CONFUSED)
    np.random.default_rng(3).random(100)
    again = script(campaign, zone, replace(CONFUSED, accuracy=0.9), begun=np.full_like(TRUTH, 5))
    assert (first.belief == again.belief).all()
    elsewhere = write_script(
        campaign.read_hierarchy(zone), TRUTH, FLAIR, habits=CONFUSED, zone="D051_2019/Z2_AA"
    )
    others = [script(campaign, zone, replace(CONFUSED, seed=seed)).belief for seed in range(1, 6)]
    assert any((one != first.belief).any() for one in [elsewhere.belief, *others])


def test_borders_within_the_tolerance_cost_no_pick(campaign, zone):
    shifted = np.roll(TRUTH, 2, axis=1)
    exact, loose = (
        script(campaign, zone, Habits(accuracy=0.999, tolerance=tolerance), begun=shifted).picks
        for tolerance in (0, 3)
    )
    assert loose < exact
    assert script(campaign, zone, Habits(accuracy=0.9, tolerance=3), begun=shifted).picks == 0
    assert loose_borders(TRUTH, 3).any()


def test_work_that_was_begun_is_gone_on_with(campaign, zone):
    habits = Habits(accuracy=0.98)
    first = annotate_zone(campaign, zone, TRUTH, habits=habits, author="marie")
    assert script(campaign, zone, habits, begun=labels(campaign, zone)).picks == 0 < first.picks


def test_wrong_prelabels_stay_as_often_as_their_classes_are_confused(campaign, zone):
    proposed = np.where(TRUTH == 11, 10, TRUTH).astype(np.uint8)
    propose(campaign, zone, proposed)
    done = annotate_zone(campaign, zone, TRUTH, habits=CONFUSED, author="marie")
    alone = script(campaign, zone, CONFUSED)
    assert (done.belief == alone.belief).all()
    assert done.picks < alone.picks
    crops, taken = TRUTH == 11, alone.belief == 10
    kept = labels(campaign, zone) == 10
    assert taken[crops].any()
    assert np.count_nonzero(crops & (kept != taken)) <= 0.02 * TRUTH.size


def test_who_trusts_a_model_keeps_what_it_says(campaign, zone):
    proposed = np.where(TRUTH == 5, 1, TRUTH).astype(np.uint8)
    sure, blind = (script(campaign, zone, Habits(trust=trust), prelabels=proposed) for trust in (0.0, 1.0))
    assert (sure.belief == TRUTH).all()
    assert (blind.belief == proposed).all()
    assert json.loads(blind.lines[0]) == {"prelabels": "accept"}
    assert blind.picks == 1 < sure.picks


def test_where_picks_do_not_reach_they_stop(campaign, zone):
    speckled = TRUTH.copy()
    speckled[::4, ::4] = 14  # a pixel of snow here and there, which no region has for itself
    found = write_script(
        campaign.read_hierarchy(zone), speckled, FLAIR, habits=Habits(accuracy=1.0), zone=zone.id
    )
    assert found.picks > 0


def test_a_truth_that_does_not_cover_the_zone_is_refused_and_nothing_is_labelled(campaign, zone):
    holes = TRUTH.copy()
    holes[:2, :3] = 0
    for truth, reason in ((holes, "6 pixels without a class"), (TRUTH[:100], "cut it to the zone")):
        with pytest.raises(EditRefused, match=reason):
            annotate_zone(campaign, zone, truth, habits=Habits(), author="marie")
    assert not campaign.journal_dir(zone).exists() or not labels(campaign, zone).any()


def test_habits_come_back_from_a_file(tmp_path: Path):
    path = tmp_path / "habits.json"
    for habits in (Habits(), Habits.preset("novice", FLAIR, seed=4), replace(CONFUSED, trust=0.1)):
        write_habits(habits, path, FLAIR)
        again = read_habits(path, FLAIR)
        for one in fields(Habits):
            if one.name != "confusions":
                assert getattr(again, one.name) == getattr(habits, one.name)
        assert again.confusions.codes == habits.confusions.codes
        assert np.allclose(again.confusions.shares, habits.confusions.shares)


@pytest.mark.parametrize(
    ("change", "error", "reason"),
    [
        ({"confusions": {"brushwood": {"deciduous": 1.5}}}, DocumentError, "1.5"),
        (
            {"confusions": {"brushwood": {"deciduous": 0.7, "bare_soil": 0.7}}},
            EditRefused,
            "class 8 is taken",
        ),
        ({"confusions": {"scrub": {"deciduous": 0.5}}}, NomenclatureError, "scrub"),
        ({"patience": 3}, DocumentError, "patience"),
        ({"accuracy": 2}, DocumentError, "accuracy"),
    ],
    ids=["no probability", "too much", "no class", "no habit", "no share"],
)
def test_a_file_that_holds_no_habits_is_refused(tmp_path: Path, change, error, reason):
    path = tmp_path / "habits.json"
    document = {"format": "ocs-workbench/habits", "format_version": 1, "confusions": {}}
    path.write_text(json.dumps(document | change))
    with pytest.raises(error, match=reason):
        read_habits(path, FLAIR)


@pytest.mark.parametrize("name", ["practised", "novice"])
def test_made_people_confuse_what_the_nomenclature_says(name):
    confusions = Habits.preset(name, FLAIR).confusions.document(FLAIR)
    for entry in FLAIR.classes:
        taken = confusions.get(entry.key, {}).keys() - {entry.key}
        assert taken <= {*entry.confused_with}
        assert bool(taken) == bool(entry.confused_with)
    assert not Habits.preset("perfect", FLAIR).confusions.codes
    assert confusions["coniferous"]["deciduous"] > confusions["coniferous"]["mixed"]


@pytest.mark.parametrize("wrong", [{"accuracy": 1.2}, {"trust": -0.1}, {"pick_seconds": -1}, {"extent": 0}])
def test_habits_that_cannot_be_are_refused(wrong):
    with pytest.raises(EditRefused, match=next(iter(wrong))):
        Habits(**wrong)
