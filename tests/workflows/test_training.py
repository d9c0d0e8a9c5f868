"""Training on campaigns and releases: what is learned from, what is written, what is refused."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from filelock import FileLock
from made_orthos import MakeOrtho, made_grid, made_image, made_truth

from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.documents import read_document, validate
from workbench.errors import ModelError, ReleaseError, WorkbenchError
from workbench.export import Release, open_release
from workbench.geo.geotiff import write_raster
from workbench.geo.raster import inspect_raster, read_bands
from workbench.inference.card import read_card, write_card
from workbench.inference.embedded import embedded_model
from workbench.inference.models import read_model
from workbench.inference.network import open_segmenter
from workbench.workflows.evaluating import evaluate_model
from workbench.workflows.intake import add_zone
from workbench.workflows.labelling import label_zone
from workbench.workflows.patch_sources import campaign_patches, release_patches
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.training import train_model

PLACES = [("D051_2019", "Z1_AA"), ("D051_2019", "Z2_AA"), ("D036_2020", "Z1_AA"), ("D036_2020", "Z2_AA")]


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """Return a campaign of four zones with accepted labels, in two domains; nothing here changes it."""
    folder = tmp_path_factory.mktemp("labelled")
    campaign = Campaign.create(folder / "campaign")
    for number, (domain, name) in enumerate(PLACES):
        truth, grid = made_truth(512, 512, number + 1), made_grid(512, 512, col=1024 * number)
        write_raster(folder / f"{number}.tif", made_image(truth), grid, level=1)
        write_raster(folder / f"{number}-mask.tif", truth, grid)
        add_zone(
            campaign, folder / f"{number}.tif", domain=domain, name=name, mask=folder / f"{number}-mask.tif"
        )
    return campaign


@pytest.fixture(scope="module")
def release(labelled: Campaign, tmp_path_factory: pytest.TempPathFactory) -> Release:
    return publish(
        labelled, ReleaseOrder(name="FR_V0.1", out=tmp_path_factory.mktemp("releases")), say=lambda _: None
    )


def test_a_campaign_gives_the_labels_and_pixels_of_its_zones(labelled: Campaign) -> None:
    found = campaign_patches(labelled)
    assert {*found.train.zones, *found.held_out.zones} == {"/".join(place) for place in PLACES}
    assert not {*found.train.zones} & {*found.held_out.zones}
    assert len(found.held_out) == 1
    for number, zone_id in enumerate(found.train.zones):
        zone, pixels = labelled.zone(zone_id), found.train.read(number)
        assert np.array_equal(pixels.image, labelled.read_image(zone))
        with labelled.open_store(zone) as store:
            assert np.array_equal(pixels.codes, store.labels)
            assert (
                found.train.pixels[number].tolist()
                == np.bincount(store.labels.ravel(), minlength=20).tolist()
            )
    assert {one["zone"] for one in found.source["zones"]} == {"/".join(place) for place in PLACES}


def test_the_zones_of_a_fold_stay_out_of_its_split(labelled: Campaign) -> None:
    fold = labelled.folds()["D051_2019"]
    found = campaign_patches(labelled, split=f"split_{fold}")
    assert found.domains == ("D036_2020",)


def test_zones_that_nobody_accepted_count_where_they_are_asked_for(
    campaign: Campaign, make_ortho: MakeOrtho
) -> None:
    add_zone(campaign, make_ortho()[0], domain="D051_2019", name="Z1_AA")
    line = json.dumps({"polygon": [[0, 0], [0, 99], [99, 99], [99, 0]], "class": "water"})
    zone = campaign.only_zone()
    with pytest.raises(ModelError, match="no zone to learn from; label some"):
        campaign_patches(campaign, unreviewed=True)
    label_zone(campaign, zone, author="marie", lines=[line], on_edit=lambda op, line: None)
    with pytest.raises(ModelError, match="pass --unreviewed"):
        campaign_patches(campaign)
    found = campaign_patches(campaign, unreviewed=True).train
    assert found.class_pixels[5] == (found.read(0).codes == 5).sum() > 0
    assert found.class_pixels.sum() == found.class_pixels[5]


def test_a_release_gives_its_patches_and_other_is_learned_from_nowhere(release: Release) -> None:
    found = release_patches(release, split="prod")
    patches = {patch.zone: patch for patch in release.patches()}
    assert {*found.train.zones, *found.held_out.zones} == set(patches)
    assert found.train.bands[0] == ("R", "G", "B", "NIR", "E"), "the layout with the most bands"
    for number, zone in enumerate(found.train.zones):
        labels = release.labels(patches[zone])
        pixels = found.train.read(number)
        assert np.array_equal(pixels.codes, np.where(labels == 19, 0, labels))
        assert np.array_equal(pixels.image, release.image(patches[zone], layout="flair1"))
        counted = np.bincount(pixels.codes.ravel(), minlength=20)
        assert np.array_equal(found.train.pixels[number, 1:], counted[1:])
    assert not found.train.class_pixels[19]
    assert found.source["content_sha256"] == release.card["content_sha256"]


def test_the_valid_zones_of_a_split_are_those_held_out(release: Release) -> None:
    for split in ("split_1", "split_2", "prod"):
        patches = release.patches()
        valid = {patch.zone for patch in patches if patch.splits[split] == "valid"}
        train = {patch.zone for patch in patches if patch.splits[split] == "train"}
        found = release_patches(release, split=split)
        assert set(found.train.zones) | set(found.held_out.zones) == train | valid
        if train and valid:
            assert set(found.held_out.zones) == valid


def test_a_model_is_trained_and_tells_what_it_learned_from(release: Release, tmp_path: Path) -> None:
    said: list[str] = []
    done = train_model(
        release.path, tmp_path / "Model 1", steps=3, split="prod", device="cpu", say=said.append
    )
    card = read_card(tmp_path / "Model 1")
    assert card == done.card
    assert card.id == "model-1"
    assert (card.release, card.domains) == ("FR_V0.1", ("D036_2020", "D051_2019"))
    assert not any("does not tell" in text for text in said), "the shipped model saw no domain"
    assert card.training["zones"] == list(done.patches.train.zone_ids)
    assert card.training["begun_with"]["id"] == "tiny"
    assert card.training["source"]["split"] == "prod"
    held_out, score = card.metrics["held_out"], done.trained.score
    assert score is not None
    assert (held_out["zones"], held_out["rule"]) == (1, "labelled")
    assert f"mIoU {score.mean_iou:.1%} over {score.classes} classes labelled there" in done.text()
    assert "other" in card.untrained
    assert [band.name for band in card.bands] == ["R", "G", "B", "NIR", "E"]
    validate(
        {"format": "ocs-workbench/train", "format_version": 1} | done.document(), "outputs/train", source="x"
    )
    history = read_document(tmp_path / "Model 1" / "history.json", schema="training-history")
    assert history["kept_step"] in {row["step"] for row in history["scores"]}
    assert (tmp_path / "Model 1" / "curves.png").is_file()
    tile = np.moveaxis(done.patches.train.read(0).image, 0, 2)[np.newaxis, :64, :64]
    assert open_segmenter(tmp_path / "Model 1", device="cpu").predict_reduced(tile)[0, 0].min() > 0
    assert not list(tmp_path.glob("*.checkpoint"))


def test_the_same_training_gives_the_same_model(release: Release, tmp_path: Path) -> None:
    for name in ("one", "other"):
        train_model(release.path, tmp_path / name, steps=2, begin="none", seed=3, device="cpu")
    assert (tmp_path / "one" / "weights.safetensors").read_bytes() == (
        tmp_path / "other" / "weights.safetensors"
    ).read_bytes()


def test_a_training_that_was_cut_short_goes_on_when_it_is_told_to(labelled: Campaign, tmp_path: Path) -> None:
    whole = train_model(labelled.path, tmp_path / "whole", steps=4, device="cpu")

    def killed(share: float, told: str) -> None:
        if share >= 0.75:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train_model(labelled.path, tmp_path / "parts", steps=4, device="cpu", progress=killed)
    checkpoint = tmp_path / "parts.checkpoint"
    assert checkpoint.is_file()
    with pytest.raises(ModelError, match="go on from it with --resume"):
        train_model(labelled.path, tmp_path / "parts", steps=4, device="cpu")
    said: list[str] = []
    with pytest.raises(ModelError, match="was begun with other patches, settings"):
        train_model(labelled.path, tmp_path / "parts", steps=5, device="cpu", resume=True, say=said.append)
    assert not any("going on" in text for text in said), "before it is known that it can"
    assert not (tmp_path / "parts").exists()
    parts = train_model(
        labelled.path, tmp_path / "parts", steps=4, device="cpu", resume=True, say=said.append
    )
    assert f"{checkpoint}: going on from step 3" in said
    assert not any("nothing to go on from" in one for one in said)
    assert not checkpoint.exists()
    assert parts.card.weights_sha256 == whole.card.weights_sha256


def test_where_there_is_nothing_to_go_on_from_that_is_said(labelled: Campaign, tmp_path: Path) -> None:
    said: list[str] = []
    train_model(labelled.path, tmp_path / "m", steps=1, device="cpu", resume=True, say=said.append)
    told = f"{tmp_path / 'm.checkpoint'} is not there, so there is nothing to go on from: the training begins"
    assert told in said


def test_a_model_is_there_with_its_history_or_not_at_all(
    labelled: Campaign, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, content: bytes) -> int:
        if self.name.startswith(".history"):
            raise OSError(28, "No space left on device")
        return write_bytes(self, content)

    write_bytes = Path.write_bytes
    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(ModelError, match=r"history.json cannot be written \(No space left on device\)"):
            train_model(labelled.path, tmp_path / "m", steps=1, device="cpu")
    assert [path.name for path in tmp_path.iterdir()] == ["m.checkpoint"]
    train_model(labelled.path, tmp_path / "m", steps=1, device="cpu", resume=True)
    assert (tmp_path / "m" / "history.json").is_file()


def test_a_model_goes_on_learning_from_another(labelled: Campaign, tmp_path: Path) -> None:
    train_model(labelled.path, tmp_path / "first", steps=1, begin="none", device="cpu")
    done = train_model(labelled.path, tmp_path / "then", steps=1, begin=tmp_path / "first", device="cpu")
    assert done.begun_with == "first"
    assert done.card.training["frozen_batch_norm"]
    first, then = (read_model(tmp_path / name)[1].state_dict() for name in ("first", "then"))
    assert (first["stem.1.running_mean"] == then["stem.1.running_mean"]).all()
    assert not (first["stem.0.weight"] == then["stem.0.weight"]).all()


def test_a_model_has_seen_what_the_one_that_it_began_with_had_seen(
    labelled: Campaign, tmp_path: Path
) -> None:
    fold = labelled.folds()["D051_2019"]
    how = {"steps": 1, "device": "cpu", "split": f"split_{fold}"}
    train_model(labelled.path, tmp_path / "first", begin="none", **how)
    assert read_card(tmp_path / "first").domains == ("D036_2020",)
    card = replace(read_card(tmp_path / "first"), domains=("D001_2018",))
    write_card(card, tmp_path / "first")
    done = train_model(labelled.path, tmp_path / "then", begin=tmp_path / "first", **how)
    assert done.card.domains == ("D001_2018", "D036_2020")
    assert done.card.training["begun_with"]["domains_known"]
    write_card(replace(card, domains=()), tmp_path / "first")
    done = train_model(labelled.path, tmp_path / "silent", begin=tmp_path / "first", **how)
    assert not done.card.training["begun_with"]["domains_known"]
    done = train_model(labelled.path, tmp_path / "third", begin=tmp_path / "silent", **how)
    assert not done.card.training["begun_with"]["domains_known"], "not by what it has added itself"


def test_a_band_that_patches_lack_is_no_longer_taken_and_that_is_said(
    labelled: Campaign, tmp_path: Path
) -> None:
    first, said = tmp_path / "first", list[str]()
    shutil.copytree(embedded_model(), first)
    card = read_card(first)
    thermal = replace(card.bands[4], name="T", optional=False)
    write_card(replace(card, bands=(*card.bands[:4], thermal)), first)
    done = train_model(labelled.path, tmp_path / "then", begin=first, steps=1, device="cpu", say=said.append)
    assert [band.name for band in done.card.bands] == ["R", "G", "B", "NIR"]
    assert "not all patches have T: the network no longer takes it, as tiny did" in said


def test_two_processes_do_not_train_the_same_model(labelled: Campaign, tmp_path: Path) -> None:
    with (
        FileLock(tmp_path / ".model.lock"),
        pytest.raises(ModelError, match="model is being made by another process"),
    ):
        train_model(labelled.path, tmp_path / "model", steps=1, device="cpu")
    train_model(labelled.path, tmp_path / "model", steps=1, device="cpu")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]


REFUSED: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "nothing there": (
        lambda root, _: train_model(root / "no", root / "m", steps=1),
        "neither a campaign nor",
    ),
    "a model there": (
        lambda root, source: train_model(source, root / "model", steps=1),
        "exists already; choose another name or pass --overwrite",
    ),
    "something else there": (
        lambda root, source: train_model(source, root / "folder", steps=1, overwrite=True),
        "is no model",
    ),
    "more than a model there": (
        lambda root, source: train_model(source, root / "kept", steps=1, overwrite=True),
        "holds notes.txt, no part of a model, which would be lost",
    ),
    "a link there": (
        lambda root, source: train_model(source, root / "link", steps=1, overwrite=True),
        "is a link",
    ),
    "no place to write": (
        lambda root, source: train_model(source, Path("/proc/t"), steps=1),
        r"/proc/t cannot be written \(.*\); choose another place",
    ),
    "no folder": (lambda root, source: train_model(source, root / "a" / "m", steps=1), "make it first"),
    "no model to begin with": (
        lambda root, source: train_model(source, root / "m", steps=1, begin=root / "folder"),
        "is no model",
    ),
    "another network": (
        lambda root, source: train_model(
            source, root / "m", steps=1, begin=root / "model", network="resnet34-unet"
        ),
        "not a resnet34-unet; leave out --network",
    ),
    "no network": (
        lambda root, source: train_model(source, root / "m", steps=1, network="unet"),
        "is no network",
    ),
    "no checkpoint": (
        lambda root, source: train_model(source, root / "x", steps=1, overwrite=True),
        "in the way",
    ),
    "no time": (lambda root, source: train_model(source, root / "m", minutes=0.0), "trains nothing"),
    "no seed": (
        lambda root, source: train_model(source, root / "m", steps=1, seed=10**23),
        "seed 100000000000000000000000 cannot be; use an integer from 0 to 4294967295",
    ),
    "no device": (
        lambda root, source: train_model(source, root / "m", steps=1, device="tpu!"),
        "is no device",
    ),
    "an unreviewed release": (
        lambda root, source: train_model(source, root / "m", steps=1, unreviewed=True),
        "leave out --unreviewed",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_and_changes_nothing(release: Release, tmp_path: Path, case: str) -> None:
    call, told = REFUSED[case]
    shutil.copytree(embedded_model(), tmp_path / "model")
    shutil.copytree(embedded_model(), tmp_path / "kept")
    (tmp_path / "kept" / "notes.txt").write_text("mine")
    (tmp_path / "link").symlink_to(tmp_path / "model")
    (tmp_path / "folder").mkdir()
    (tmp_path / "x.checkpoint").write_text("mine")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.suffix != ".lock"}
    with pytest.raises(WorkbenchError, match=told) as caught:
        call(tmp_path, release.path)
    assert "\n" not in str(caught.value)
    assert before == {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.suffix != ".lock"}


def test_no_model_vouches_for_a_release_whose_pixels_were_changed(release: Release, tmp_path: Path) -> None:
    copy = open_release(Path(shutil.copytree(release.path, tmp_path / release.name)))
    for patch in copy.patches():
        mask = copy.path / patch.files[copy.richest.name]["label"].path
        codes, grid = read_bands(mask), inspect_raster(mask).grid
        mask.unlink()
        write_raster(mask, np.where(codes == codes.max(), codes.min(), codes), grid)
    told = r"is not as it was built: FLAIR1/.*; run: workbench release verify"
    with pytest.raises(ReleaseError, match=told):
        train_model(copy.path, tmp_path / "model", steps=1, split="prod", device="cpu")
    assert not (tmp_path / "model").exists()
    with pytest.raises(ReleaseError, match=told):
        evaluate_model(copy.path, embedded_model(), split="all", device="cpu")
    shutil.copy(copy.path / "README.md", copy.path / "index.parquet")
    with pytest.raises(ReleaseError, match=r"is not as it was built: index.parquet has other content"):
        train_model(copy.path, tmp_path / "model", steps=1, split="prod", device="cpu")


def test_without_torch_the_command_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "workbench.workflows.training")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "workbench.inference.models")
    with pytest.raises(ModelError, match=r"needs torch, .*pip install 'ocs-workbench\[torch\]'"):
        CliRunner().invoke(command, ["train", str(tmp_path), "-o", "m"], catch_exceptions=False)


def test_the_command_prints_one_document(release: Release, tmp_path: Path) -> None:
    arguments = ["train", str(release.path), "-o", str(tmp_path / "m"), "--steps", "1", "--focal", "--json"]
    done = CliRunner().invoke(command, [*arguments, "--split", "2", "--init", "none"], catch_exceptions=False)
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    validate(found, "outputs/train", source="train")
    assert found["begun_with"] is None
    card = read_card(tmp_path / "m")
    assert card.training["recipe"]["loss"] == "focal"
    assert card.training["source"]["split"] == "split_2"
