"""From a campaign to a release that says what labelled and chose its test zones."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result
from made_orthos import MakeOrtho, made_grid, made_image, made_truth

from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.documents import validate
from workbench.errors import CampaignError, ReleaseError
from workbench.export.assistance import Choice
from workbench.export.rules import Rules
from workbench.geo.geotiff import write_raster
from workbench.geo.raster import read_bands
from workbench.labels.edits import Comment
from workbench.labels.prelabels import Chosen
from workbench.workflows.assisting import note_model
from workbench.workflows.folding import keep_for_test
from workbench.workflows.intake import add_zone
from workbench.workflows.learned import SeenGround
from workbench.workflows.packing import pack_zone
from workbench.workflows.predictions import PredictedBy, prediction_path, prediction_tags
from workbench.workflows.prelabelling import prelabel_zone
from workbench.workflows.publishing import ReleaseOrder, judge, publish, release_sources
from workbench.workflows.segmenting import segment_zones
from workbench.workflows.standing import review_zone
from workbench.workflows.unpacking import unpack_zone

DIGEST = "ab" * 32
NAMED = "tiny@abababababab"
GOLDEN = Path(__file__).resolve().parents[1] / "golden"


def quiet(*_: object) -> None:
    """Say nothing."""


@pytest.fixture(scope="module")
def segmented(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a campaign of a segmented zone of fold 1, and one of fold 2 with a mask; it is only copied."""
    folder = tmp_path_factory.mktemp("honest")
    campaign = Campaign.create(folder / "campaign")
    for number, domain in enumerate(("D051_2019", "D055_2018")):
        truth, grid = made_truth(512, 512, number + 1), made_grid(512, 512, col=20 * 512 * number)
        write_raster(campaign.path / f"{domain}.tif", made_image(truth, number), grid, level=1)
        write_raster(folder / f"{domain}-mask.tif", truth, grid)
    add_zone(campaign, campaign.path / "D051_2019.tif", domain="D051_2019", name="Z1_UN")
    mask = folder / "D055_2018-mask.tif"
    add_zone(campaign, campaign.path / "D055_2018.tif", domain="D055_2018", name="Z1_UN", mask=mask)
    list(segment_zones(campaign, "D051_2019/Z1_UN", say=quiet))
    return folder


@pytest.fixture
def campaign(segmented: Path, tmp_path: Path) -> Campaign:
    return Campaign.open(Path(shutil.copytree(segmented / "campaign", tmp_path / "campaign")))


def propose(
    campaign: Campaign,
    segmented: Path,
    domains: list[str] | None,
    *,
    digest: str = DIGEST,
    model: str = "tiny",
) -> None:
    """Have a model propose the truth of the first zone, that was trained on some domains."""
    zone = campaign.zone("D051_2019/Z1_UN")
    truth = read_bands(segmented / "D051_2019-mask.tif")[0]
    planes = np.stack([truth, np.full_like(truth, 200), np.full_like(truth, 50)])
    tags = prediction_tags(model=model, digest=digest, nomenclature="flair-19", domains=domains)
    prediction_path(campaign, zone).unlink(missing_ok=True)
    write_raster(prediction_path(campaign, zone), planes, zone.grid, tags=tags)
    prelabel_zone(campaign, zone)


def finish(campaign: Campaign) -> None:
    """Take over what is proposed for the first zone, and have it accepted."""
    zone = campaign.zone("D051_2019/Z1_UN")
    with campaign.open_store(zone, author="marie") as store:
        store.apply_drawn(store.prelabels().accepting(Chosen()))
    review_zone(campaign, zone, author="marie", verdict="submit", anyway="a test")
    review_zone(campaign, zone, author="paul", verdict="accept")


def run(*words: object) -> Result:
    return CliRunner().invoke(command, [str(word) for word in words])


def test_a_zone_that_a_model_of_its_fold_labelled_is_no_test_unless_asked_for(
    campaign: Campaign, segmented: Path, tmp_path: Path
) -> None:
    assert campaign.folds() == {"D051_2019": 1, "D055_2018": 2}
    propose(campaign, segmented, ["D051_2019"])
    assert campaign.registry.models() == {NAMED: ("D051_2019",)}
    finish(campaign)
    campaign.registry.check()
    source, plain = release_sources(campaign, say=quiet)
    (gave,) = source.assistance
    assert (gave.model, gave.domains, gave.folds) == (NAMED, ("D051_2019",), (1,))
    assert gave.pixels == {"untouched": source.labelled}
    assert (plain.assistance, plain.labelled) == ((), 512 * 512)
    with pytest.raises(ReleaseError, match=r"trained on their fold: D051_2019/Z1_UN \(100\.0%\)"):
        publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=quiet)
    assert not (tmp_path / "out").exists()
    release = publish(
        campaign, ReleaseOrder(name="V1", out=tmp_path / "out", rules=Rules(assisted_test=True)), say=quiet
    )
    (first, second) = release.card["zones"]
    assert first["assistance"] == [gave.document()]
    told = f"100.0% of its labels from {NAMED}, trained on fold 1"
    assert first["disclosure"] == f"D051_2019/Z1_UN, test in split_1: {told}"
    assert (second["assistance"], second["disclosure"]) == ([], None)
    assert first["disclosure"] in (release.path / "README.md").read_text()
    everything = b"".join(path.read_bytes() for path in release.path.rglob("*") if path.is_file())
    assert not [name for name in (b"marie", b"paul") if name in everything]


def test_a_zone_that_a_model_of_other_folds_labelled_is_a_plain_test(
    campaign: Campaign, segmented: Path, tmp_path: Path
) -> None:
    propose(campaign, segmented, ["D055_2018"])
    finish(campaign)
    release = publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=quiet)
    entry = release.card["zones"][0]
    assert (entry["assistance"][0]["folds"], entry["disclosure"]) == ([2], None)


@pytest.mark.parametrize(("held", "refused"), [("1", True), ("2", False), ("3", False)])
def test_a_model_of_all_folds_may_label_where_no_fold_is_kept_for_test(
    campaign: Campaign, segmented: Path, tmp_path: Path, held: str, refused: bool
) -> None:
    """The model for production saw every fold; the zone that it labelled is of fold 1."""
    keep_for_test(campaign, [held])
    propose(campaign, segmented, ["D051_2019", "D055_2018"])
    finish(campaign)
    order = ReleaseOrder(name="V1", out=tmp_path / "out")
    if refused:
        with pytest.raises(ReleaseError, match=r"trained on their fold: D051_2019/Z1_UN \(100\.0%\)"):
            publish(campaign, order, say=quiet)
        assert not order.out.exists()
        return
    release = publish(campaign, order, say=quiet)
    assert {one["rule"]: one["verdict"] for one in release.card["rules"]}["assisted-test"] == "warned"
    assert "trained on fold 1" in release.card["zones"][0]["disclosure"]


def test_a_model_of_a_joined_domain_saw_the_folds_of_both_departments(
    campaign: Campaign, segmented: Path, tmp_path: Path
) -> None:
    """FLAIR-HUB's D055051 shows ground of D055 and of D051, whichever of them is tested."""
    propose(campaign, segmented, ["D055051_2021"])
    finish(campaign)
    source, _ = release_sources(campaign, say=quiet)
    assert source.assistance[0].folds == (1, 2)
    with pytest.raises(ReleaseError, match=r"trained on their fold: D051_2019/Z1_UN \(100\.0%\)"):
        publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=quiet)


@pytest.mark.parametrize("model", ["tiny", "other"], ids=["another version", "another model"])
@pytest.mark.parametrize("tainted_first", [True, False])
def test_a_model_that_agrees_with_an_unseeing_one_is_told_all_the_same(
    campaign: Campaign, segmented: Path, tmp_path: Path, model: str, tainted_first: bool
) -> None:
    """Whoever takes the labels over has both before their eyes."""
    runs = [("tiny", "cd" * 32, ["D055_2018"]), (model, DIGEST, ["D051_2019"])]
    zone = campaign.zone("D051_2019/Z1_UN")
    for name, digest, domains in reversed(runs) if tainted_first else runs:
        propose(campaign, segmented, domains, digest=digest, model=name)
        with campaign.open_store(zone, author="marie") as store:
            store.record(Comment(row=1, col=1, text="read"))
    finish(campaign)
    source, _ = release_sources(campaign, say=quiet)
    tainted = f"{model}@{DIGEST[:12]}"
    whole = {one.model: one.assisted for one in source.assistance}
    assert whole[tainted] == source.labelled
    with pytest.raises(ReleaseError, match=r"trained on their fold: D051_2019/Z1_UN \(100\.0%\)"):
        publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=quiet)
    release = publish(
        campaign, ReleaseOrder(name="V1", out=tmp_path / "out", rules=Rules(assisted_test=True)), say=quiet
    )
    told = release.card["zones"][0]["disclosure"]
    assert f"100.0% of its labels from {tainted}, trained on fold 1" in told
    assert ("given otherwise, after it had proposed the same" in told) == tainted_first


@pytest.mark.parametrize("noted", [True, False])
def test_of_what_nobody_knows_the_release_says_so(
    campaign: Campaign, segmented: Path, tmp_path: Path, noted: bool
) -> None:
    """Nobody knows it of a model that does not tell, and of one that proposed before anything was noted."""
    propose(campaign, segmented, None if noted else ["D055_2018"])
    if not noted:
        with campaign.registry.writing() as connection:
            connection.execute("DROP TABLE models")
    finish(campaign)
    with pytest.raises(ReleaseError, match="nobody knows what they were trained on"):
        publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=quiet)
    release = publish(
        campaign, ReleaseOrder(name="V1", out=tmp_path / "out", rules=Rules(unknown=1.0)), say=quiet
    )
    assert "unknown-model" in {warning["kind"] for warning in release.card["warnings"]}
    assert release.card["zones"][0]["assistance"][0]["domains"] is None
    assert "and nobody knows what that was trained on" in release.card["zones"][0]["disclosure"]


def saw(domain: str) -> SeenGround:
    return SeenGround(domains=frozenset({domain}), zones=frozenset())


def test_a_campaign_of_an_earlier_version_knows_no_models_and_notes_the_first(tmp_path: Path) -> None:
    old = Campaign.open(Path(shutil.copytree(GOLDEN / "campaign_v1", tmp_path / "campaign")))
    assert (old.registry.models(), old.registry.choices()) == ({}, {})
    note_model(old, PredictedBy(model="tiny", digest=DIGEST, saw=saw("D055_2018")))
    assert Campaign.open(old.path).registry.models() == {NAMED: ("D055_2018",)}


def test_what_is_said_of_a_model_without_a_digest_only_ever_grows(campaign: Campaign) -> None:
    known: list[object] = []
    for seen in (saw("D051_2019"), saw("D055_2018"), None, saw("D051_2019")):
        note_model(campaign, PredictedBy(model="unet", digest="", saw=seen))
        known.append(campaign.registry.models()["unet"])
    assert known == [("D051_2019",), ("D051_2019", "D055_2018"), None, None]
    for seen in (None, saw("D051_2019")):  # the same digest is the same card, which is read better now
        note_model(campaign, PredictedBy(model="unet", digest=DIGEST, saw=seen))
    assert campaign.registry.models()["unet@abababababab"] == ("D051_2019",)


def test_a_zone_says_what_chose_it_and_a_release_repeats_it(
    campaign: Campaign, make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    image, mask = make_ortho(col=40 * 512)
    words = ["zone", "add", campaign.path, image, "--domain", "D036_2020", "--labels", mask]
    assert run(*words, "--zone", "Z1_AA", "--inclusion", "0.1").exit_code == 2
    assert "no probability above 0" in str(
        run(*words, "--zone", "Z1_AA", "--chosen-by", "bald", "--inclusion", "2").exception
    )
    done = run(*words, "--zone", "Z1_AA", "--chosen-by", "bald", "--inclusion", "0.1", "--json")
    document = json.loads(done.stdout)
    validate(document, "outputs/zone-add", source="zone-add")
    assert document["choice"] == {"strategy": "bald", "inclusion": 0.1}
    assert campaign.registry.choices() == {"D036_2020/Z1_AA": Choice(strategy="bald", inclusion=0.1)}
    release = publish(campaign, ReleaseOrder(name="V1", out=tmp_path / "out"), say=quiet)
    (entry,) = [zone for zone in release.card["zones"] if zone["id"] == "D036_2020/Z1_AA"]
    assert entry["choice"] == {"strategy": "bald", "inclusion": 0.1}
    assert entry["disclosure"].endswith("test in split_3: chosen by bald with a probability of 0.1")
    assert "chosen by bald" in (release.path / "README.md").read_text()


def test_a_choice_goes_along_with_a_pack_and_to_another_nomenclature(
    make_ortho: MakeOrtho, tmp_path: Path
) -> None:
    image, _ = make_ortho()
    old = Campaign.create(tmp_path / "old", nomenclature="ign-urbain")
    choice = Choice(strategy="margin", inclusion=None)
    zone = add_zone(old, image, domain="D036_2020", name="Z1_AA", choice=choice).zone
    old.registry.note_models({NAMED: ("D055_2018",), "unet": None})
    pack_zone(old, zone, tmp_path / "zone.zip", overwrite=False)
    other = Campaign.create(tmp_path / "other", nomenclature="ign-urbain")
    unpack_zone(other, tmp_path / "zone.zip")
    done = run("zone", "migrate", old.path, tmp_path / "new", "--all", "--table", "ign-urbain-to-flair-19")
    assert done.exit_code == 0, done.output
    new = Campaign.open(tmp_path / "new")
    assert other.registry.choices() == new.registry.choices() == {"D036_2020/Z1_AA": choice}
    assert new.registry.models() == {NAMED: ("D055_2018",), "unet": None}
    assert other.registry.models() == {}, "what a stranger says of models is not believed"


def test_the_report_builds_nothing_and_fails_where_the_build_would(
    campaign: Campaign, segmented: Path, tmp_path: Path
) -> None:
    propose(campaign, segmented, ["D051_2019"])
    finish(campaign)
    words = ["release", "build", campaign.path, "--name", "V1", "-o", tmp_path / "out"]
    refused = run(*words, "--report", "--json")
    document = json.loads(refused.stdout)
    validate(document, "outputs/release-build", source="release-build")
    rules = {one["rule"]: one for one in document["trial"]}
    assert (refused.exit_code, document["refused"]) == (1, True)
    assert rules["assisted-test"]["verdict"] == "refused"
    assert rules["assisted-test"]["places"][0].startswith("D051_2019/Z1_UN, test in split_1")
    assert (rules["distance"]["measured"], rules["distance"]["limit"]) == (1945.6, 100.0)
    assert not (tmp_path / "out").exists()
    passed = run(*words, "--report", "--assisted-test", "--buffer", "5000")
    assert passed.exit_code == 0
    assert "warned   assisted-test" in passed.stdout
    assert "V1 would be built; nothing was built" in passed.stdout
    wrong = run(*words, "--report", "--assisted-test", "--version", "1.0")
    assert "was withdrawn stays out: 1 problem, most 0" in wrong.stdout
    assert not (tmp_path / "out").exists()
    built = run(*words, "--assisted-test", "--json")
    assert built.exit_code == 0
    document = json.loads(built.stdout)
    validate(document, "outputs/release-build", source="release-build")
    trial = judge(
        campaign, ReleaseOrder(name="V2", out=tmp_path / "out", rules=Rules(assisted_test=True)), say=quiet
    )
    assert document["rules"] == [one.document() for one in trial.verdicts]


def test_a_registry_whose_models_were_changed_by_hand_is_named(campaign: Campaign) -> None:
    campaign.registry.note_models({"unet": ("D051_2019",)})
    with campaign.registry.writing() as connection:
        connection.execute("UPDATE models SET domains = 'D051_2019'")
    with pytest.raises(CampaignError, match=r"registry\.gpkg: what a model was trained on is damaged"):
        campaign.registry.models()
