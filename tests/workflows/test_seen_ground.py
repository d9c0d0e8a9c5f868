"""Seen means ground: what a model learned at another date is no test, whatever its domain is called."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_models import made_card, made_model
from made_orthos import made_grid, made_image, made_truth

from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.counting import counted
from workbench.documents import validate
from workbench.errors import ModelError, ReleaseError
from workbench.export import Release
from workbench.export.folds import PROD, splits_of_zone
from workbench.export.ground import GroundMap
from workbench.geo.geotiff import write_raster
from workbench.geo.predictions import PLANES, PREDICTION
from workbench.inference.card import read_card, write_card
from workbench.workflows.crossvalidating import cross_validate
from workbench.workflows.evaluating import evaluate_model
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone
from workbench.workflows.learned import SeenGround
from workbench.workflows.model_publishing import publish_model
from workbench.workflows.patch_sources import campaign_patches, release_patches, sure_patches
from workbench.workflows.predicting import open_models, predict_zone
from workbench.workflows.predictions import predicted_by, prediction_path, prediction_tags, read_prediction
from workbench.workflows.prelabelling import prelabel_zone, prelabel_zones
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.segmenting import segment_zones
from workbench.workflows.training import train_model
from workbench.workflows.unseen import namesakes, unseen_model

THEN, NOW, ELSEWHERE = "D055_2018/Z1_AA", "D055_2021/Z1_AA", "D036_2020/Z1_AA"
"""Zones of folds 1, 2 and 3; the first two show the same ground."""
AS_NOW = f"D055_2018 as D055_2021 ({THEN} shows the ground of {NOW})"
AS_THEN = f"D055_2021 as D055_2018 ({NOW} shows the ground of {THEN})"

pytestmark = pytest.mark.usefixtures("one_thread")


def add(campaign: Campaign, zone: str, *, col: int, seed: int, labelled: bool = True) -> None:
    """Add a zone of one patch."""
    folder, (domain, name) = campaign.path.parent, zone.split("/")
    truth, grid = made_truth(512, 512, col), made_grid(512, 512, col=col)
    image, mask = folder / f"{domain}-{name}.tif", folder / f"{domain}-{name}-mask.tif"
    write_raster(image, made_image(truth, seed), grid, level=1)
    write_raster(mask, truth, grid)
    add_zone(campaign, image, domain=domain, name=name, mask=mask if labelled else None)


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """Return a campaign with a place at two dates, as two domains; nothing here changes its labels."""
    campaign = Campaign.create(tmp_path_factory.mktemp("twins") / "campaign")
    for number, (zone, col) in enumerate(((THEN, 0), (NOW, 0), (ELSEWHERE, 512))):
        add(campaign, zone, col=col, seed=number)
    # As a campaign of before folds were drawn by department, or a table of its maintainer, has them.
    campaign.registry.set_folds({"D055_2018": 1, "D055_2021": 2, "D036_2020": 3})
    list(segment_zones(campaign, None, say=lambda _: None))
    return campaign


@pytest.fixture(scope="module")
def release(twins: Campaign, tmp_path_factory: pytest.TempPathFactory) -> Release:
    return publish(
        twins, ReleaseOrder(name="FR_V0.1", out=tmp_path_factory.mktemp("releases")), say=lambda _: None
    )


def model_of(folder: Path, *domains: str, name: str = "made") -> Path:
    return made_model(folder / name, made_card(domains=domains, name=name))


def test_a_fold_whose_ground_its_model_learned_at_another_date_is_no_test_and_in_no_mean(
    release: Release, tmp_path: Path
) -> None:
    said: list[str] = []
    found = cross_validate(
        release.path, tmp_path / "folds", steps=1, prod=False, begin="none", device="cpu", say=said.append
    )
    doubts = {fold.domains[0]: fold.doubt for fold in found.folds}
    assert doubts == {
        "D055_2018": f"it was trained on {AS_NOW}",
        "D055_2021": f"it was trained on {AS_THEN}",
        "D036_2020": None,
    }
    assert sum("no test, or perhaps none" in text for text in said) == 2
    (test,) = (fold for fold in found.folds if fold.doubt is None)
    assert found.pooled.mean_iou == found.rule.score(test.confusion).mean_iou


def test_the_model_of_all_folds_is_doubted_where_the_ground_that_judges_it_was_learned(
    tmp_path: Path,
) -> None:
    campaign = Campaign.create(tmp_path / "campaign")
    names = [f"Z{number}_AA" for number in range(40)]
    judging = next(name for name in names if splits_of_zone(f"D055_2021/{name}", fold=2)[PROD] == "valid")
    learned = next(name for name in names if splits_of_zone(f"D055_2018/{name}", fold=1)[PROD] == "train")
    add(campaign, f"D055_2021/{judging}", col=0, seed=1)
    add(campaign, f"D055_2018/{learned}", col=0, seed=2)
    campaign.registry.set_folds({"D055_2018": 1, "D055_2021": 2})
    with campaign.registry.writing() as connection:  # earlier versions drew the dates of a place apart
        connection.execute("DELETE FROM places")
    release = publish(campaign, ReleaseOrder(name="FR_V0.3", out=tmp_path), say=lambda _: None)
    found = cross_validate(release.path, tmp_path / "folds", steps=1, begin="none", device="cpu")
    assert found.prod is not None
    same = f"D055_2021/{judging}, by which it is judged, shows the ground of D055_2018/{learned}"
    assert found.prod.doubt == f"{same}, which it learned"
    assert "PROD *" in (tmp_path / "folds" / "cross-validation.md").read_text()


def test_of_a_damaged_release_nothing_is_read_before_it_is_proven(release: Release, tmp_path: Path) -> None:
    model = model_of(tmp_path, "D001_2020")
    for name, old, new in (
        ("nomenclature.json", b'"water"', b'"wa\xff\xffr"'),
        ("release.json", b'"R"', b'"B"'),
    ):
        shutil.copytree(release.path, tmp_path / name)
        path = tmp_path / name / name
        path.write_bytes(path.read_bytes().replace(old, new, 1))
        for call in (
            lambda place: evaluate_model(place, model, device="cpu"),
            lambda place: cross_validate(place, tmp_path / "folds", steps=1, device="cpu"),
            lambda place: train_model(place, tmp_path / "new", steps=1, device="cpu"),
            lambda place: publish_model(model, tmp_path / "out", release=place, device="cpu"),
        ):
            with pytest.raises(
                ReleaseError, match=rf"is not as it was built: {name} has other content; run: "
            ):
                call(tmp_path / name)
    assert not {"folds", "new", "out"} & {path.name for path in tmp_path.iterdir()}


def test_an_evaluation_says_by_which_zone_of_which_domain_the_ground_was_seen(
    release: Release, tmp_path: Path
) -> None:
    model = model_of(tmp_path, "D055_2021")
    arguments = ["evaluate", str(release.path), "--model", str(model), "--device", "cpu", "--split", "all"]
    done = CliRunner().invoke(command, [*arguments, "--json"], catch_exceptions=False)
    document = json.loads(done.stdout)
    validate(document, "outputs/evaluate", source="evaluate")
    assert {one["domain"]: (one["seen"], one["seen_as"]) for one in document["domains"]} == {
        "D036_2020": (False, None),
        "D055_2018": (True, NOW),
        "D055_2021": (True, None),
    }
    assert f"model made was trained on {AS_NOW}, D055_2021: these are no test for it" in done.stderr
    told = evaluate_model(release.path, model, device="cpu")
    assert told.doubt == f"it was trained on {AS_NOW}"
    assert f"* the model was trained on {AS_NOW}" in told.text()


def test_ground_that_it_saw_by_another_name_is_left_out_of_published_figures(
    release: Release, tmp_path: Path
) -> None:
    model = model_of(tmp_path, "D055_2021", "D036_2020")
    said: list[str] = []
    done = publish_model(model, tmp_path / "out", release=release.path, device="cpu", say=said.append)
    sentence = f"Nothing was measured: the model was trained on {AS_NOW}, all domains of the TEST of FR_V0.1"
    assert any(text.startswith(sentence) for text in said)
    assert done.document()["test"] is None
    assert "that it never saw" not in (tmp_path / "out" / "README.md").read_text()


def test_of_another_year_of_the_department_that_is_not_here_nobody_can_tell(
    release: Release, tmp_path: Path
) -> None:
    said: list[str] = []
    found = evaluate_model(release.path, model_of(tmp_path, "D055_2014"), device="cpu", say=said.append)
    doubt = "it was trained on D055_2014, and nothing here tells whether that shows ground of D055_2018"
    assert (found.seen, found.unknown) == ((), doubt)
    assert said == [f"whether model made was trained on these domains is not known: {doubt}"]
    done = publish_model(tmp_path / "made", tmp_path / "out", release=release.path, device="cpu")
    assert done.document()["test"] is None
    assert done.publication.bold.startswith(f"Nobody can tell whether the figures are of a test: {doubt}")
    far = evaluate_model(release.path, model_of(tmp_path, "D036_2014", name="far"), device="cpu")
    assert far.doubt is None, "of another department"


def test_a_domain_is_shown_whole_where_all_its_zones_that_were_seen_are_known_and_here() -> None:
    card = made_card(domains=("D055_2014", "D055_2021"))
    here = [THEN, NOW, ELSEWHERE, "D055_2014/Z3_AA"]
    assert SeenGround.of(card).shown_whole(here) == set(), "its card names domains alone"
    listed = replace(card, training={"zones": ["D055_2014/Z3_AA", NOW], "held_out": ["D055_2014/Z4_AA"]})
    assert SeenGround.of(listed).shown_whole(here) == {"D055_2021"}
    assert SeenGround.of(listed).shown_whole([*here, "D055_2014/Z4_AA"]) == {"D055_2014", "D055_2021"}


@pytest.mark.parametrize(
    "before",
    [
        {"begun_with": {"id": "other", "digest": "0" * 64, "domains_known": True}},
        {"pseudo_labels": {"domains_known": True, "models": [{"id": "other"}], "zones": [ELSEWHERE]}},
    ],
    ids=["begun with another", "taught by another"],
)
def test_an_earlier_card_that_does_not_tell_the_zones_of_another_model_tells_none(
    before: dict[str, object],
) -> None:
    card = made_card(domains=("D055_2021",))
    assert SeenGround.of(replace(card, training={"zones": [NOW]})).zones == {NOW}
    assert SeenGround.of(replace(card, training={"zones": [NOW], **before})).zones == set()
    told = {"zones": [NOW], "seen_zones": [NOW], **before}
    assert SeenGround.of(replace(card, training=told)).zones == {NOW}


@pytest.fixture(scope="module")
def elsewhere_in_it(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return a release with another zone of D055_2021 than that which shows the ground of D055_2018."""
    campaign = Campaign.create(tmp_path_factory.mktemp("elsewhere") / "campaign")
    for number, (zone, col) in enumerate(((THEN, 0), ("D055_2021/Z2_AA", 1024), (ELSEWHERE, 512))):
        add(campaign, zone, col=col, seed=number)
    campaign.registry.set_folds({"D055_2018": 1, "D055_2021": 2, "D036_2020": 3})
    return publish(campaign, ReleaseOrder(name="FR_V0.2", out=campaign.path.parent), say=lambda _: None)


def test_what_a_model_began_with_stays_a_doubt_where_its_zones_are_not_here(
    release: Release, elsewhere_in_it: Release, tmp_path: Path
) -> None:
    doubt = "it was trained on D055_2021, and nothing here tells whether that shows ground of D055_2018"
    how, begun = {"steps": 1, "split": "split_1", "device": "cpu"}, "none"
    for path, name in (
        (release.path, "first"),
        (elsewhere_in_it.path, "then"),
        (elsewhere_in_it.path, "last"),
    ):
        train_model(path, tmp_path / name, begin=begun, **how)
        begun = tmp_path / name
        assert evaluate_model(elsewhere_in_it.path, begun, device="cpu").unknown == doubt, name
    card = read_card(tmp_path / "then")
    assert card.training["seen_zones"] == [ELSEWHERE, NOW, "D055_2021/Z2_AA"]
    earlier = {key: value for key, value in card.training.items() if key != "seen_zones"}
    write_card(replace(card, training=earlier), tmp_path / "then")
    assert evaluate_model(elsewhere_in_it.path, tmp_path / "then", device="cpu").unknown == doubt
    said: list[str] = []
    made = publish_model(
        tmp_path / "last", tmp_path / "out", release=elsewhere_in_it.path, device="cpu", say=said.append
    )
    assert made.document()["test"] is None
    assert any(
        text.startswith(f"Nobody can tell whether the figures are of a test: {doubt}") for text in said
    )


def test_there_is_no_doubt_where_all_that_the_whole_lineage_saw_is_here(
    elsewhere_in_it: Release, tmp_path: Path
) -> None:
    begun = "none"
    for name in ("first", "then"):
        train_model(
            elsewhere_in_it.path, tmp_path / name, begin=begun, steps=1, split="split_1", device="cpu"
        )
        begun = tmp_path / name
        assert evaluate_model(elsewhere_in_it.path, begun, device="cpu").doubt is None, name


@pytest.mark.parametrize(
    ("trained_on", "told"),
    [
        (["D055_2014"], True),
        (["D024055_2014"], True),
        (["D055_2018"], False),
        (["D055_2021"], False),
        (["D550_2014"], False),
        (["D05_2014"], False),
    ],
)
def test_domains_are_of_the_same_department_by_its_digits(trained_on: list[str], told: bool) -> None:
    found = namesakes(trained_on, ["D055_2018"], here=["D055_2018", "D055_2021"])
    assert (found is not None) is told


def test_no_model_that_learned_a_zone_at_another_date_is_taken_for_one_that_never_saw_it(
    twins: Campaign, tmp_path: Path
) -> None:
    ground, zone = GroundMap.of_zones(twins.zones()), twins.zone(THEN)
    model_of(tmp_path, "D055_2021", "D036_2020", name="fold_1")
    model_of(tmp_path, "D055_2018", "D036_2020", name="fold_2")
    with pytest.raises(ModelError) as caught:
        unseen_model(tmp_path, zone, ground)
    assert f"were trained on D055_2018 or {AS_NOW}: none can predict {THEN} unseen" in str(caught.value)
    model_of(tmp_path, "D055_2014", "D036_2020", "D001_2020", name="older")
    chosen = unseen_model(tmp_path, zone, ground)
    assert chosen.card.id == "older"
    assert "older, which never saw D055_2018 by that name, but it was trained on D055_2014" in chosen.text()
    model_of(tmp_path, "D036_2020", name="sure")
    chosen = unseen_model(tmp_path, zone, ground)
    assert (chosen.card.id, chosen.doubt) == ("sure", None)


def predict(campaign: Campaign, zone_id: str, domains: list[str] | None, zones: tuple[str, ...] = ()) -> None:
    """Write a prediction that is sure everywhere."""
    zone = campaign.zone(zone_id)
    planes = np.stack([np.full((512, 512), value, np.uint8) for value in (5, 250, 0)])
    tags = prediction_tags(
        model="made", digest="ab" * 32, nomenclature="flair-19", domains=domains, zones=zones
    )
    write_raster(
        prediction_path(campaign, zone),
        planes,
        zone.grid,
        kind=PREDICTION,
        descriptions=PLANES,
        tags=tags,
        overwrite=True,
    )


@pytest.mark.parametrize(
    ("domains", "told"),
    [
        (["D055_2018"], "model made was trained on D055_2018: its confidences there are too good"),
        (["D055_2021"], f"model made was trained on {AS_NOW}: its confidences there are too good"),
        (
            ["D055_2014"],
            "the confidences of model made in D055_2018 may be too good: it was trained on D055_2014",
        ),
        (
            None,
            "what ground model made was trained on is not known: where it was, its confidences are too good",
        ),
        (["D036_2020"], None),
        ([], None),
    ],
    ids=["its domain", "its ground", "perhaps", "not said", "elsewhere", "nowhere"],
)
def test_prelabels_of_ground_that_a_model_learned_are_said_to_be_too_sure(
    twins: Campaign, domains: list[str] | None, told: str | None
) -> None:
    said: list[str] = []
    predict(twins, THEN, domains)
    prelabel_zone(twins, twins.zone(THEN), say=said.append)
    warned = [text for text in said if "confidences" in text]
    assert [text[: len(told or "")] for text in warned] == ([told] if told else [])


@pytest.mark.parametrize(
    ("zones", "told"),
    [((), True), (("D055_2021/Z2_AA",), False), (("D055_2021/Z2_AA", NOW), True)],
    ids=["not said", "elsewhere, and here", "not all here"],
)
def test_a_prediction_is_doubted_unless_the_zones_that_its_model_saw_are_all_here(
    tmp_path: Path, zones: tuple[str, ...], told: bool
) -> None:
    campaign, said = Campaign.create(tmp_path / "campaign"), list[str]()
    add(campaign, THEN, col=0, seed=1, labelled=False)
    add(campaign, "D055_2021/Z2_AA", col=1024, seed=2, labelled=False)
    list(segment_zones(campaign, None, say=lambda _: None))
    predict(campaign, THEN, ["D055_2021"], zones)
    prelabel_zone(campaign, campaign.zone(THEN), say=said.append)
    doubt = "the confidences of model made in D055_2018 may be too good: it was trained on D055_2021, and"
    assert [text.startswith(doubt) for text in said] == [True] * told


def test_a_prediction_says_which_zones_its_model_saw(twins: Campaign, tmp_path: Path) -> None:
    card = replace(made_card(domains=("D001_2020", "D002_2020")), training={"zones": ["D001_2020/Z1"]})
    zone, model = twins.zone(ELSEWHERE), made_model(tmp_path / "made", card)
    path = predict_zone(twins, zone, open_models([model], device="cpu"), say=lambda _: None)
    found = predicted_by(read_prediction(path, zone.grid), twins.nomenclature, path=path)
    assert found.saw == SeenGround.of(card)
    assert found.saw.zones == {"D001_2020/Z1"}


def test_of_all_zones_each_such_sentence_is_said_once(tmp_path: Path) -> None:
    campaign, said = Campaign.create(tmp_path / "campaign"), list[str]()
    for number in range(3):
        add(campaign, f"D055_2018/Z{number}", col=512 * number, seed=number, labelled=False)
        predict(campaign, f"D055_2018/Z{number}", ["D055_2018"])
    list(segment_zones(campaign, None, say=lambda _: None))
    assert len(list(prelabel_zones(campaign, campaign.zones(), say=said.append))) == 3
    assert said == ["model made was trained on D055_2018: its confidences there are too good"]


def test_no_pseudo_labels_come_from_the_ground_of_the_test_or_of_what_is_held_out(
    release: Release, tmp_path: Path
) -> None:
    campaign, said = Campaign.create(tmp_path / "campaign"), list[str]()
    add(campaign, "D055_2023/Z7_AA", col=0, seed=5, labelled=False)
    add(campaign, "D001_2023/Z8_AA", col=2048, seed=6, labelled=False)
    for zone in campaign.zones():
        predict(campaign, zone.id, ["D010_2018"])
    beside = release_patches(release, split="split_1")
    assert beside.tested == {"D055_2018"}
    found = sure_patches(campaign, beside, confidence=0.9, say=said.append)
    assert found.patches.zone_ids == ("D001_2023/Z8_AA",)
    assert said == [
        "D055_2023/Z7_AA: no pseudo-labels are taken, it shows ground of the test or of zones held out"
    ]
    held = replace(
        beside, tested=frozenset(), apart=GroundMap.of_zones(campaign.zones()).cells(["D001_2023/Z8_AA"])
    )
    assert sure_patches(campaign, held, confidence=0.9).patches.zone_ids == ("D055_2023/Z7_AA",)


def test_a_campaign_keeps_the_ground_of_its_test_apart_whether_it_is_labelled_or_not(tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "campaign")
    add(campaign, THEN, col=0, seed=1, labelled=False)
    add(campaign, ELSEWHERE, col=2048, seed=2)
    found = campaign_patches(campaign, split="split_1")
    assert found.apart == GroundMap.of_zones(campaign.zones()).zones[THEN]


def test_a_held_out_zone_whose_ground_is_learned_from_is_told_of(tmp_path: Path) -> None:
    campaign, said = Campaign.create(tmp_path / "campaign"), list[str]()
    for number, zone in enumerate((THEN, NOW, "D051_2019/Z1_AA", "D052_2019/Z1_AA")):
        add(campaign, zone, col=512 * (number // 2), seed=number)
    found = campaign_patches(campaign, say=said.append)
    (held,) = found.held_out.zone_ids
    twin = {THEN: NOW, NOW: THEN}.get(held) or ({"D051_2019/Z1_AA", "D052_2019/Z1_AA"} - {held}).pop()
    assert said == [
        f"zone {held} is held out and shows the ground of {twin}, which is learned from: scores on it are "
        "too good"
    ]


def test_an_accepted_zone_is_prelabelled_by_its_name_only_and_both_are_said(twins: Campaign) -> None:
    said: list[str] = []
    predict(twins, ELSEWHERE, [])
    assert list(prelabel_zones(twins, [twins.zone(ELSEWHERE)], say=said.append)) == []
    assert said == [f"{ELSEWHERE}: left out, accepted"]
    with twins.open_store(twins.zone(ELSEWHERE)) as store:
        assert "model-made" not in store.head
    said.clear()
    before = labels_of(twins, ELSEWHERE)
    done = prelabel_zone(twins, twins.zone(ELSEWHERE), say=said.append)
    assert [text.split(": ")[0] for text in said] == [f"zone {ELSEWHERE} is accepted"]
    assert np.array_equal(labels_of(twins, ELSEWHERE), before)
    status = ["zone", "status", str(twins.path), "--zone", ELSEWHERE]
    document = json.loads(CliRunner().invoke(command, [*status, "--json"], catch_exceptions=False).stdout)
    validate(document, "outputs/zone-status", source="zone status")
    same = int((before == 5).sum())
    assert document["prelabels"] == [], "nothing waits"
    assert document["proposed"] == [
        {"model": "model-made", "regions": done.regions, "pixels": 512 * 512, "same": same}
    ]
    told = CliRunner().invoke(command, status, catch_exceptions=False).stdout
    proposed = counted(done.regions, "region")
    assert f"model-made proposes {proposed} for 262,144 pixels, of which {same / 512**2:.1%}" in told


def labels_of(campaign: Campaign, zone_id: str) -> np.ndarray:
    with campaign.open_store(campaign.zone(zone_id)) as store:
        return store.labels.copy()


def test_a_line_of_the_status_tells_what_waits(tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "campaign")
    add(campaign, THEN, col=0, seed=1, labelled=False)
    list(segment_zones(campaign, None, say=lambda _: None))
    predict(campaign, THEN, [])
    zone = campaign.only_zone()
    prelabel_zone(campaign, zone)
    line = json.dumps({"polygon": [[0, 0], [0, 511], [255, 511], [255, 0]], "class": "building"})
    label_zone(campaign, zone, author="marie", lines=[line], on_edit=lambda op, line: None)
    status = ["zone", "status", str(campaign.path), "--zone", THEN]
    told = CliRunner().invoke(command, status, catch_exceptions=False).stdout
    assert "  model-made proposes 1 region for 262,144 pixels, of which 0.0% are labelled so" in told
    waiting = int((labels_of(campaign, THEN) == 0).sum())
    assert f"  waits to be accepted: water by model-made for {counted(waiting, 'pixel')}" in told
