"""Pre-labels from predictions: what is written, what a second run adds, what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from made_models import made_card, made_model, state
from made_orthos import MakeOrtho

from workbench.arrivals import Arrival
from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.errors import CampaignError, HierarchyError, ModelError, RasterError, WorkbenchError
from workbench.export.ground import GroundMap
from workbench.geo.geotiff import write_raster
from workbench.geo.predictions import PROBABILITIES
from workbench.geo.raster import inspect_raster, read_bands
from workbench.geo.spans import mask_of
from workbench.geo.zone import Zone
from workbench.inference import ModelCard
from workbench.inference.models import write_model
from workbench.labels.prelabels import Chosen
from workbench.workflows.admitting import set_gold
from workbench.workflows.intake import add_zone
from workbench.workflows.predicting import open_models, predict_zone
from workbench.workflows.predictions import prediction_path, prediction_tags
from workbench.workflows.prelabelling import Prelabelled, prelabel_zone, prelabel_zones
from workbench.workflows.segmenting import segment_zones
from workbench.workflows.unseen import unseen_model

MODEL, DIGEST = "tiny", "ab" * 32
TAGS = prediction_tags(model=MODEL, digest=DIGEST, nomenclature="flair-19")


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a campaign of one zone, segmented, made once."""
    from made_orthos import made_grid, made_image, made_truth

    folder = tmp_path_factory.mktemp("segmented")
    truth, grid = made_truth(512, 512), made_grid(512, 512)
    write_raster(folder / "ortho.tif", made_image(truth), grid, level=1)
    write_raster(folder / "truth.tif", truth, grid)
    campaign = Campaign.create(folder / "campaign")
    add_zone(campaign, folder / "ortho.tif", domain="D051_2019", name="Z15_UN")
    list(segment_zones(campaign, None, say=lambda _: None))
    return folder


@pytest.fixture
def campaign(segmented: Path, tmp_path: Path) -> Campaign:
    shutil.copytree(segmented / "campaign", tmp_path / "campaign")
    return Campaign.open(tmp_path / "campaign")


@pytest.fixture
def truth(campaign: Campaign, segmented: Path) -> np.ndarray:
    return campaign.nomenclature.decode(read_bands(segmented / "truth.tif")[0], "flair")


def predict(campaign: Campaign, codes: np.ndarray, *, tags=TAGS, sure: int = 204, path: Path | None = None):
    """Write a prediction for the only zone."""
    zone = campaign.only_zone()
    planes = np.stack([codes, np.full_like(codes, sure), np.full_like(codes, 50)])
    target = path or prediction_path(campaign, zone)
    target.unlink(missing_ok=True)
    write_raster(target, planes.astype(np.uint8), zone.grid, tags=tags)
    return target


def noisy(truth: np.ndarray, seed: int = 0) -> np.ndarray:
    """Return a map with a tenth of wrong pixels, and a square of which nothing is known."""
    rng = np.random.default_rng(seed)
    found = np.where(rng.random(truth.shape) < 0.1, rng.choice(np.unique(truth), truth.shape), truth)
    found[400:450, 100:180] = 0
    return found.astype(np.uint8)


def proposed(campaign: Campaign, author: str = "model-tiny") -> np.ndarray:
    with campaign.open_store(campaign.only_zone()) as store:
        return store.proposals.journals(author).replayed().fold.labels.values.copy()


def run(campaign: Campaign, **options) -> Prelabelled:
    return prelabel_zone(campaign, campaign.only_zone(), **options)


def files(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_regions_that_explain_a_prediction_become_edits_of_the_model(campaign, truth):
    predict(campaign, noisy(truth))
    done = run(campaign)
    codes = proposed(campaign)
    known = noisy(truth) > 0
    assert (codes[~known] == 0).all()
    assert (codes[known] == truth[known]).mean() > 0.995 > (noisy(truth)[known] == truth[known]).mean()
    hierarchy = campaign.read_hierarchy(campaign.only_zone())
    with campaign.open_store(campaign.only_zone()) as store:
        assert not store.labels.any()
        assert len(store.ops) == done.regions == done.written < 40
        ops = store.ops
        confidences = store.prelabels().proposed.confidence[1:]
    assert {(op.author, op.track, op.kind, op.tool) for op in ops} == {
        ("model-tiny", "prelabels", "assign", "prelabel")
    }
    assert {op.model for op in ops} == {"tiny@abababababab"}
    assert {op.hierarchy_digest for op in ops} == {hierarchy.digest}
    assert len({op.gesture for op in ops}) == 1
    with campaign.open_store(campaign.only_zone()) as store:
        for op, edit in zip(ops, store.prelabels().proposed.edits, strict=True):
            row, col, _ = edit.mask.spans()[0].tolist()
            spans = hierarchy.spans(hierarchy.node_at(row, col, op.scale))
            whole = mask_of(spans, store.grid.whole)
            assert np.array_equal(whole & known, mask_of(edit.mask.spans(), store.grid.whole))
    assert ((confidences > 0.6) & (confidences <= 0.8)).all(), "204 / 255, less what contradicts"
    assert done.pixels == known.sum()
    assert 0.06 < done.contradicted < 0.1


def test_edits_do_not_overlap(campaign, truth):
    predict(campaign, noisy(truth))
    run(campaign)
    with campaign.open_store(campaign.only_zone()) as store:
        proposal = store.prelabels().proposed
        painted = sum(edit.mask.pixels for edit in proposal.edits)
        assert painted == (proposal.last(store.grid.whole) > 0).sum()


def test_the_same_prediction_writes_nothing_the_second_time(campaign, truth):
    predict(campaign, noisy(truth))
    run(campaign)
    before = files(campaign.journal_dir(campaign.only_zone()))
    done = run(campaign)
    assert (done.written, done.erased) == (0, 0)
    assert "all there already" in done.text()
    assert files(campaign.journal_dir(campaign.only_zone())) == before


def test_another_prediction_replaces_what_changed_and_nothing_else(campaign, truth):
    first = noisy(truth)
    predict(campaign, first)
    before = run(campaign)
    second = first.copy()
    second[truth == 3] = 9  # the road
    second[450:500, 100:180] = 0
    predict(campaign, second)
    done = run(campaign)
    assert done.erased == ((first > 0) & (second == 0)).sum()
    assert 0 < done.written < before.regions
    with campaign.open_store(campaign.only_zone()) as store:
        number = len({op.gesture for op in store.ops})
    assert number == 2
    renamed = dict(TAGS, MODEL="fresh")
    predict(campaign, second, tags=renamed)
    run(campaign)
    assert np.array_equal(proposed(campaign), proposed(campaign, "model-fresh"))
    predict(campaign, first)
    run(campaign)
    predict(campaign, first, tags=renamed)
    run(campaign)
    assert np.array_equal(proposed(campaign), proposed(campaign, "model-fresh"))
    predict(campaign, np.zeros_like(first))
    assert run(campaign).erased == (first > 0).sum()
    assert not proposed(campaign).any()


def test_another_confidence_alone_is_written_too(campaign, truth):
    predict(campaign, noisy(truth))
    before = run(campaign)
    predict(campaign, noisy(truth), sure=230)
    assert run(campaign).written == before.regions


def test_what_is_accepted_says_which_model_it_comes_from(campaign, truth):
    predict(campaign, noisy(truth))
    run(campaign)
    with campaign.open_store(campaign.only_zone(), author="marie") as store:
        store.apply_drawn(store.prelabels().accepting(Chosen()))
        labels, op = store.labels.copy(), store.last_own
    assert np.array_equal(labels, proposed(campaign))
    assert (op.tool, op.model) == ("accept-all", "tiny@abababababab")
    run(campaign)
    with campaign.open_store(campaign.only_zone()) as store:
        assert np.array_equal(store.labels, labels)


def test_a_higher_price_proposes_fewer_regions(campaign, truth):
    predict(campaign, noisy(truth))
    counts = [run(campaign, price=price).regions for price in (0.5, 60, 1e5)]
    assert counts[0] > counts[1] > counts[2] == 1


def test_pixels_outside_the_footprint_get_no_prelabel(campaign, make_ortho: MakeOrtho, tmp_path):
    made = Campaign.create(tmp_path / "corner")
    image, _ = make_ortho(1024, 1024, name="large")
    add_zone(made, image, domain="D051_2019", name="Z1")
    zone = made.only_zone()
    cut = replace(zone, name="Z2", cells=tuple(cell for cell in zone.cells if (cell.row, cell.col) != (1, 1)))
    corner = Campaign.create(tmp_path / "cut")
    corner.add_zone(Arrival(zone=cut))
    list(segment_zones(corner, None, say=lambda _: None))
    predict(corner, np.full(cut.grid.shape, 7, np.uint8))
    done = run(corner)
    assert (done.regions, done.pixels) == (1, 3 * 512 * 512)
    assert not proposed(corner)[512:, 512:].any()


def check_refused(campaign: Campaign, error: type[WorkbenchError], match: str, **options) -> None:
    before = files(campaign.path)
    with pytest.raises(error, match=match):
        run(campaign, **options)
    assert files(campaign.path) == before


def test_a_zone_without_hierarchy_is_refused_before_anything_is_predicted(campaign, truth):
    predict(campaign, truth)
    campaign.hierarchy_path(campaign.only_zone()).unlink()
    asked = []
    check_refused(campaign, HierarchyError, "is not segmented; run: workbench segment", predict=asked.append)
    assert asked == []


def test_a_zone_without_prediction_is_refused(campaign):
    check_refused(campaign, CampaignError, r"has no prediction .*; run: workbench prelabel .* --model M")


@pytest.mark.parametrize(
    ("tags", "match"),
    [
        ({}, "does not say which model made it"),
        (dict(TAGS, MODEL="../evil"), "does not say which model made it"),
        (dict(TAGS, MODEL_SHA256="of mine"), "does not say which model made it"),
        (dict(TAGS, NOMENCLATURE="ign-naf 1.0"), "classes of ign-naf, the campaign labels with flair-19"),
    ],
    ids=["nobody's", "no name", "no digest", "other nomenclature"],
)
def test_a_prediction_that_does_not_say_what_it_is_is_refused(campaign, truth, tags, match):
    predict(campaign, truth, tags=tags)
    check_refused(campaign, ModelError, match)


def test_a_class_that_nobody_knows_is_refused(campaign, truth):
    predict(campaign, np.where(truth == truth[0, 0], 99, truth))
    check_refused(campaign, ModelError, "has class 99, which flair-19 does not have")


def test_a_raster_that_is_no_prediction_is_refused(campaign, segmented):
    check_refused(
        campaign,
        RasterError,
        "has the class alone, and does not say how sure it is; predict the zone again",
        predict=lambda zone: segmented / "truth.tif",
    )


def test_the_probability_of_each_class_is_no_prediction_and_withdraws_nothing(campaign, truth, tmp_path):
    predict(campaign, noisy(truth))
    run(campaign)
    path, planes = tmp_path / "all.tif", np.stack([truth] * 19)
    write_raster(path, planes, campaign.only_zone().grid, kind=PROBABILITIES, tags=TAGS)
    told = "is the file of --probabilities, a band for each class; give the prediction"
    check_refused(campaign, RasterError, told, predict=lambda zone: path)
    assert proposed(campaign).any()


def test_a_price_of_nothing_is_refused(campaign, truth):
    predict(campaign, truth)
    check_refused(campaign, HierarchyError, "a price of 0 pixels", price=0)


def test_a_gold_zone_is_refused_and_all_the_others_are_done(campaign, truth, segmented, make_ortho):
    image, mask = make_ortho(512, 512, col=512, name="gold")
    add_zone(campaign, image, domain="D051_2019", name="Z9_UU", mask=mask)
    add_zone(campaign, make_ortho(512, 512, col=1024, name="bare")[0], domain="D051_2019", name="Z8_UU")
    set_gold(campaign, campaign.zone("Z9_UU"), 0.9)
    with pytest.raises(CampaignError, match="gold zone, in which people show how they label unaided"):
        prelabel_zone(campaign, campaign.zone("Z9_UU"))
    said: list[str] = []
    zone = campaign.zone("Z15_UN")
    planes = np.stack([truth, np.full_like(truth, 200), np.zeros_like(truth)])
    write_raster(prediction_path(campaign, zone), planes, zone.grid, tags=TAGS)
    done = list(prelabel_zones(campaign, campaign.zones(), say=said.append))
    assert [one.zone for one in done] == ["D051_2019/Z15_UN"]
    left_out = [text for text in said if "left out" in text]
    assert left_out == ["D051_2019/Z8_UU: left out, not segmented", "D051_2019/Z9_UU: left out, a gold zone"]


def test_of_all_zones_those_that_fail_are_told_in_the_end(campaign):
    with pytest.raises(CampaignError, match=r"1 of 1 zone could not be pre-labelled: zone .* no prediction"):
        list(prelabel_zones(campaign, campaign.zones()))


def card_of(name: str, *, domains: tuple[str, ...] = ("D001_2020",)) -> ModelCard:
    classes = ("building", "water", "deciduous", "herbaceous_vegetation")
    return made_card(classes, ("R", "G", "NIR"), untrained=("deciduous",), domains=domains, name=name)


def write_models(folder: Path, *cards: ModelCard) -> None:
    folder.mkdir()
    for card in cards:
        write_model(card, state(card.architecture), folder / card.id)


def test_a_model_predicts_a_zone_and_its_prediction_says_whose_it_is(campaign, tmp_path):
    card = card_of("small")
    write_models(tmp_path / "models", card)
    zone = campaign.only_zone()
    segmenter = open_models([tmp_path / "models" / "small"], device="cpu")

    def predicted(zone: Zone) -> Path:
        return predict_zone(campaign, zone, segmenter, say=lambda text: None)

    done = run(campaign, predict=predicted)
    path = prediction_path(campaign, zone)
    tags = inspect_raster(path).tags
    assert (tags["MODEL"], tags["NOMENCLATURE"]) == ("small", "flair-19 1.0.0")
    assert tags["MODEL_SHA256"] == done.model_sha256
    codes, _, _ = read_bands(path)
    keys = {campaign.nomenclature.by_code(int(code)).key for code in np.unique(codes)}
    assert keys <= {"building", "water", "herbaceous_vegetation"}
    assert done.author == "model-small"
    assert set(np.unique(proposed(campaign, "model-small"))) <= set(np.unique(codes))


def test_several_models_propose_together_and_never_one_for_all_of_them(campaign, tmp_path):
    folder, zone = tmp_path / "models", campaign.only_zone()
    folder.mkdir()
    for seed, name in enumerate(("a", "b")):
        made_model(folder / name, card_of(name), seed=seed)
    arguments = ["prelabel", str(campaign.path), "--all", "--device", "cpu", "--model", str(folder / "a")]
    before = files(campaign.path)
    twice = CliRunner().invoke(command, [*arguments, "--model", str(folder / "a")])
    assert "models a and a are the same network" in str(twice.exception)
    assert files(campaign.path) == before
    both = CliRunner().invoke(command, [*arguments, "--model", str(folder / "b"), "--json"])
    (done,) = json.loads(both.stdout)["zones"]
    assert done["author"].startswith("model-committee-")
    together = open_models([folder / "a", folder / "b"], device="cpu")
    assert (done["model"], done["model_sha256"]) == (together.card.id, together.digest)
    info = inspect_raster(prediction_path(campaign, zone))
    assert (info.tags["MODEL"], info.band_count) == (together.card.id, 4)


def test_of_several_models_that_is_taken_which_never_saw_the_zone(campaign, tmp_path):
    zone, folder = campaign.only_zone(), tmp_path / "models"
    here, others = zone.domain, ("D001_2020", "D002_2020", "D003_2020")
    write_models(
        folder,
        card_of("fold-1", domains=(here, *others)),
        card_of("fold-2", domains=others[:2]),
        card_of("fold-3", domains=others),
        card_of("imported", domains=()),
    )
    ground = GroundMap.of_zones(campaign.zones())
    chosen = unseen_model(folder, zone, ground)
    assert (chosen.path, chosen.card.id) == (folder / "fold-3", "fold-3")
    assert chosen.text() == f"{zone.id}: by fold-3, which never saw {here}"
    for name in ("fold-2", "fold-3"):
        shutil.rmtree(folder / name)
    told = rf"of 2 models in .* all were trained on {here} or do not say what they saw \(imported\)"
    with pytest.raises(ModelError, match=told):
        unseen_model(folder, zone, ground)
    with pytest.raises(ModelError, match="holds no models"):
        unseen_model(tmp_path, zone, ground)
