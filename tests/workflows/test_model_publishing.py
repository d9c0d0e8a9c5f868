"""Publishing models: what the card says, what it refuses to say, and the folder that it lies in."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from click.testing import CliRunner
from huggingface_hub import ModelCard as HubCard
from made_models import made_card, made_model
from made_orthos import made_grid, made_image, made_truth

from workbench.campaign import Campaign
from workbench.cli import workbench as command
from workbench.documents import read_document, validate
from workbench.errors import ModelError, WorkbenchError
from workbench.evaluation import Confusion, Tally, rule_of
from workbench.export import Release, open_release
from workbench.export.manifest import MANIFEST, Manifest, check_files
from workbench.export.staging import Staging
from workbench.geo.geotiff import write_raster
from workbench.geo.raster import read_bands
from workbench.inference.card import CARD, WEIGHTS, ModelCard, read_card, write_card
from workbench.inference.embedded import embedded_model
from workbench.inference.network import open_segmenter
from workbench.inference.places import CURVES, FILES, HISTORY
from workbench.workflows.evaluating import evaluate_model
from workbench.workflows.hub_metadata import front_matter
from workbench.workflows.intake import add_zone
from workbench.workflows.model_figures import MATRIX, METRICS
from workbench.workflows.model_folder import README
from workbench.workflows.model_publishing import PublishedModel, publish_model
from workbench.workflows.model_readme import readme
from workbench.workflows.models import describe_model
from workbench.workflows.publication import Figures, NotMeasured, Publication
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.training import train_model
from workbench.workflows.unseen import unknown_ground

DOMAINS = ("D001_2019", "D002_2019", "D003_2020", "D004_2020", "D005_2021", "D006_2021")
"""Of folds 1, 2, 3, 4, 5 and 1: the TEST of ``split_1`` is the first and the last."""
TEST = ("D001_2019", "D006_2021")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Return a release of a patch in each of six domains; nothing here changes it."""
    folder = tmp_path_factory.mktemp("made")
    campaign = Campaign.create(folder / "campaign")
    for number, domain in enumerate(DOMAINS):
        truth, grid = made_truth(512, 512, number), made_grid(512, 512, col=1024 * number)
        image, mask = folder / f"{domain}.tif", folder / f"{domain}-mask.tif"
        write_raster(image, made_image(truth, number), grid, level=1)
        write_raster(mask, truth, grid)
        taken = date(int(domain[-4:]), 5 + number, 1)
        add_zone(campaign, image, domain=domain, name="Z1_UF", mask=mask, acquired=taken, camera="UCE-M3")
    return publish(campaign, ReleaseOrder(name="FR_V0.1", out=folder / "releases"), say=lambda _: None)


@pytest.fixture(scope="module")
def trained(release: Release, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model that learned a little from ``split_1``; nothing here changes it."""
    folder = tmp_path_factory.mktemp("trained") / "little"
    train_model(release.path, folder, steps=2, begin="none", device="cpu")
    return folder


def changed(model: Path, goal: Path, **entries: Any) -> Path:
    """Copy a model with another card."""
    shutil.copytree(model, goal)
    write_card(replace(read_card(model), **entries), goal)
    return goal


def published(model: Path, goal: Path, **options: Any) -> PublishedModel:
    return publish_model(model, goal, **{"device": "cpu", **options})


def head_of(folder: Path) -> dict[str, Any]:
    """Return the metadata of a folder's card as YAML has it."""
    parsed = yaml.safe_load((folder / "README.md").read_text(encoding="utf-8").split("---\n")[1])
    return dict(parsed)


def body_of(folder: Path) -> str:
    return (folder / "README.md").read_text(encoding="utf-8").split("---\n", 2)[2]


def row_of(text: str, first: str) -> list[str]:
    """Return the other cells of the row of a table that begins with a cell."""
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {first} |")]
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def below(root: Path) -> Mapping[str, bytes]:
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_a_published_model_is_a_model_that_predicts_the_same(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    done = published(trained, tmp_path / "out", release=release.path)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {*done.files, "SHA256SUMS"}
    assert set(done.files) == {
        "README.md",
        "card.json",
        "confusion.png",
        "curves.png",
        "history.json",
        "metrics.json",
        "weights.safetensors",
    }
    for name in ("weights.safetensors", "history.json", "curves.png"):
        assert (tmp_path / "out" / name).read_bytes() == (trained / name).read_bytes()
    assert dict(Manifest.read(tmp_path / "out")) == done.files
    assert not check_files(tmp_path / "out", Manifest(done.files.items()))
    assert describe_model(tmp_path / "out").card == done.publication.card
    image = release.image(release.patches()[0], layout="flair1")
    tiles = np.moveaxis(image, 0, 2)[np.newaxis, :128, :128]
    before, after = (open_segmenter(path, device="cpu") for path in (trained, tmp_path / "out"))
    assert np.array_equal(before.predict_reduced(tiles), after.predict_reduced(tiles))


def test_the_same_model_and_release_give_the_same_bytes(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        published(trained, tmp_path / name / "out", release=release.path, authors=("IGN",))
    assert below(tmp_path / "one") == below(tmp_path / "other")


def test_the_statistics_are_those_of_all_pixels_of_train_and_valid(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    published(trained, tmp_path / "out", release=release.path)
    paths = [patch.files["flair1"]["image"].path for patch in release.patches() if patch.domain not in TEST]
    pixels = np.concatenate([read_bands(release.path / path).reshape(5, -1) for path in paths], axis=1)
    found = read_card(tmp_path / "out").training["statistics"]
    assert (found["split"], found["patches"], found["learned"]) == ("split_1", len(paths), True)
    assert [one["name"] for one in found["bands"]] == ["R", "G", "B", "NIR", "E"]
    exact = pixels.astype(np.float64)
    assert [one["mean"] for one in found["bands"]] == pytest.approx(exact.mean(axis=1), rel=1e-13)
    assert [one["std"] for one in found["bands"]] == pytest.approx(exact.std(axis=1), rel=1e-12)
    own, text = read_card(trained).bands, body_of(tmp_path / "out")
    for band, mean, std in zip(own, exact.mean(axis=1), exact.std(axis=1), strict=True):
        cells = [f"{band.mean:.3f}", f"{band.std:.3f}", f"{mean:.4f}", f"{std:.4f}"]
        assert row_of(text, band.name)[:4] == cells
    assert read_card(tmp_path / "out").bands == own, "the model's own normalisation stays"


def test_where_the_models_own_normalisation_is_another_one_it_is_said(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    sentence = "**The two differ. Use the model's own**"
    found = published(trained, tmp_path / "out", release=release.path).publication.ground.statistics
    bands = read_card(trained).bands
    # Of three of four patches, the fourth being held out: not those of all.
    assert sentence in body_of(tmp_path / "out")
    same = tuple(replace(band, mean=one.mean, std=one.std) for band, one in zip(bands, found, strict=True))
    published(changed(trained, tmp_path / "same", bands=same), tmp_path / "out-2", release=release.path)
    assert sentence not in body_of(tmp_path / "out-2")


def test_the_figures_are_those_of_the_evaluation(release: Release, trained: Path, tmp_path: Path) -> None:
    published(trained, tmp_path / "out", release=release.path)
    found = evaluate_model(release.path, trained, split="split_1:test", device="cpu")
    assert list(found.domains) == list(TEST)
    (entry,) = head_of(tmp_path / "out")["model-index"]
    (result,) = entry["results"]
    assert result["dataset"] == {
        "name": "FR_V0.1",
        "type": "FR_V0.1",
        "config": "split_1",
        "split": "test",
        "revision": release.card["content_sha256"],
        "args": {"domains": list(TEST)},
    }
    values = {one["name"]: one["value"] for one in result["metrics"]}
    mean = f"mean of {len(found.score.averaged)} classes"
    assert values[f"mIoU (rule challenge, {mean})"] == round(100 * found.score.mean_iou, 4)
    assert values["Overall accuracy (rule challenge)"] == round(100 * found.score.accuracy, 4)
    assert values["IoU building (rule challenge)"] == round(100 * found.score.of("building"), 4)
    error = found.calibration(found.total).expected_error()
    assert values["Expected calibration error (rule challenge)"] == round(100 * error, 4)
    by_flair = evaluate_model(release.path, trained, rule="flair", device="cpu").score
    left_out = f"{len(by_flair.dropped)} classes left out"
    name = f"mIoU (rule flair, mean of {len(by_flair.averaged)} classes, {left_out})"
    assert values[name] == round(100 * by_flair.mean_iou, 4)
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == found.ign_document()
    metrics = read_card(tmp_path / "out").metrics
    assert metrics["test"]["mIoU"] == round(found.score.mean_iou, 6)
    assert metrics["test"]["domains"] == list(TEST)
    assert metrics["held_out"] == read_card(trained).metrics["held_out"]
    text = body_of(tmp_path / "out")
    figures = [f"{100 * one:.2f}" for one in (found.score.of("building"), by_flair.of("building"))]
    cells = row_of(text.split("## Evaluation")[1], "building")
    assert [cells[0], cells[4]] == figures
    assert (tmp_path / "out" / "confusion.png").read_bytes().startswith(b"\x89PNG")


def judged_by(made: Publication, rule: str, **pixels: dict[str, int]) -> tuple[str, list[str]]:
    """Return the text of a card, and the names of its figures, of {true class: {predicted class: pixels}}."""
    assert made.nomenclature is not None
    assert isinstance(made.figures, Figures)
    keys = made.nomenclature.keys
    counts = np.zeros((len(keys), len(keys)), np.int64)
    for true, given in pixels.items():
        for key, count in given.items():
            counts[keys.index(true), keys.index(key)] = count
    tally = Tally(confusion=Confusion(keys=keys, counts=counts, unanswered=np.zeros(len(keys), np.int64)))
    evaluation = replace(
        made.figures.evaluation, zones={f"{TEST[0]}/Z1_UF": tally}, rule=rule_of(rule, made.nomenclature)
    )
    made = replace(made, figures=replace(made.figures, evaluation=evaluation, other_rules=()))
    head = yaml.safe_load(front_matter(made).split("---")[1])
    (result,) = head["model-index"][0]["results"]
    return readme(made, front="", software="x"), [one["name"] for one in result["metrics"]]


def test_a_card_tells_the_number_of_classes_that_are_in_the_mean_and_how_others_fared(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    made = published(trained, tmp_path / "out", release=release.path).publication
    text, names = judged_by(made, "challenge", water={"water": 6, "bare_soil": 2}, other={"water": 2})
    assert "mIoU 30.00 by the rule *challenge*, the mean over 2 classes; overall accuracy 60.00." in text
    assert "by the rule *challenge*: mIoU 30.00 % of 2 classes, overall accuracy 60.00 %." in text
    assert "mIoU (rule challenge, mean of 2 classes)" in names
    (judged,) = [line for line in text.splitlines() if "Judged by mistakes alone" in line]
    assert judged.endswith("the test has no pixel of them and the model gives some: bare soil.")
    (unjudged,) = [line for line in text.splitlines() if "Not judged" in line]
    assert "vineyard" in unjudged
    assert "bare soil" not in unjudged
    assert "IoU bare soil (rule challenge, no pixel of it in the truth)" in names
    assert "IoU water (rule challenge)" in names
    assert not [name for name in names if name.startswith("IoU vineyard")]


def test_a_figure_that_leaves_pixels_out_says_so_where_it_stands(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    made = published(trained, tmp_path / "out", release=release.path).publication
    text, names = judged_by(
        made, "flair", water={"water": 3, "vineyard": 1}, other={"water": 3, "ligneous": 3}
    )
    assert "overall accuracy 75.00 % without the pixels of 4 classes" in text
    assert (
        "overall accuracy 75.00, without pixels that are one of these or are taken for one: clear cut, "
        "mixed, ligneous, other." in text
    )
    assert "Over all pixels and classes, overall accuracy is 30.00." in text
    assert "Overall accuracy (rule flair, 4 classes left out)" in names
    assert "mIoU (rule flair, mean of 15 classes, 4 classes left out)" in names
    assert [name for name in names if "(rule flair" not in name] == []


def test_the_hubs_own_library_reads_the_card(release: Release, trained: Path, tmp_path: Path) -> None:
    published(trained, tmp_path / "out", release=release.path, licence="Licence Ouverte 2.0")
    data = HubCard.load(tmp_path / "out" / "README.md").data
    assert (data.license, data.pipeline_tag, data.library_name) == (
        "etalab-2.0",
        "image-segmentation",
        "ocs-workbench",
    )
    assert data.datasets == ["FR_V0.1"]
    assert data.model_name == "little"
    assert {one.dataset_split for one in data.eval_results} == {"test"}


def test_the_card_says_what_somebody_who_knows_nothing_asks(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    published(
        trained,
        tmp_path / "out",
        release=release.path,
        licence="etalab-2.0",
        authors=("", " IGN", "", "LASTIG", " "),
        contact="somebody@example.org",
    )
    text = body_of(tmp_path / "out")
    assert [line for line in text.splitlines() if line.startswith("## ")] == [
        "## Model",
        "## Uses",
        "## Limits",
        "## How to get started",
        "## Training data",
        "## Pre-processing",
        "## Training",
        "## Evaluation",
        "## Technical specification",
        "## Licence",
        "## Citation",
        "## Digests",
    ]
    assert row_of(text, "made by") == ["IGN, LASTIG"]
    assert "somebody@example.org" in text
    assert "author = {{IGN} and {LASTIG}}" in text
    assert "from 2019-06-01 to 2021-09-01" in text, "of what it learned from, not of the TEST"
    assert "taken in June, July, August, September" in text
    card = read_card(trained)
    for key, value in card.training["recipe"].items():
        assert row_of(text, f"`{key}`")[0] in (str(value), "none")
    assert row_of(text, "D002_2019") == ["1", "1", "2019-06-01", "UCE-M3"]
    learned, all_of_them = card.training["class_pixels"]["building"], 0
    for patch in release.patches():
        all_of_them += patch.class_counts["building"] * (patch.domain not in TEST)
    cells = row_of(text.split("## Training data")[1].split("## Pre")[0], "building")
    assert [cells[0], cells[2]] == [f"{all_of_them:,}", f"{learned:,}"]
    assert card.weights_sha256 in text
    assert str(tmp_path) not in text


def test_the_examples_of_the_card_run(
    release: Release, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(trained, tmp_path / "out", release=release.path)
    monkeypatch.chdir(tmp_path / "out")
    text = body_of(tmp_path / "out")
    made: dict[str, Any] = {}
    exec(text.split("```python\n")[1].split("```")[0], made)
    assert made["output"].shape == (512, 512)
    path = release.path / release.patches()[0].files["flair1"]["image"].path
    shutil.copy(path, tmp_path / "out" / "ortho.tif")
    install, run = (block.split("```")[0] for block in text.split("```sh\n")[1:])
    assert install == "pip install '.[demo]'\n", "no package of an index, which anybody could have put there"
    assert "pip install 'ocs-workbench" not in text
    for line in run.splitlines():
        assert CliRunner().invoke(command, line.split()[1:], catch_exceptions=False).exit_code == 0


def test_without_a_release_nothing_was_measured_and_the_card_says_so(trained: Path, tmp_path: Path) -> None:
    said: list[str] = []
    done = published(trained, tmp_path / "out", say=said.append)
    assert set(done.files) == {
        "README.md",
        "card.json",
        "curves.png",
        "history.json",
        "weights.safetensors",
    }
    assert isinstance(done.publication.figures, NotMeasured)
    sentence = "Nothing was measured when this card was written, for no release was given."
    assert f"**{sentence}**" in body_of(tmp_path / "out").split("## Model")[0]
    assert sentence in said
    assert "model-index" not in head_of(tmp_path / "out")
    held_out = read_card(trained).metrics["held_out"]["mIoU"]
    assert row_of(body_of(tmp_path / "out"), "`held_out: mIoU`") == [f"{100 * held_out:.2f} %"]
    assert row_of(body_of(tmp_path / "out"), "`held_out: rule`") == ["labelled"]
    mean = "mIoU of held_out: the mean over the classes labelled there, by no rule of evaluate"
    assert mean in body_of(tmp_path / "out")
    assert mean in describe_model(trained).text()
    assert f"mIoU {100 * held_out:.2f} %" in describe_model(trained).text()
    assert "the weights were chosen by them: it is no test" in body_of(tmp_path / "out")


def test_domains_that_it_was_trained_on_are_no_test_and_left_out(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    card = read_card(trained)
    seen = changed(trained, tmp_path / "seen", domains=(*card.domains, TEST[0]))
    said: list[str] = []
    done = published(seen, tmp_path / "out", release=release.path, say=said.append)
    figures = done.publication.figures
    assert isinstance(figures, Figures)
    assert list(figures.evaluation.domains) == [TEST[1]]
    assert [one.domain for one in figures.seen] == [TEST[0]]
    whole = evaluate_model(release.path, trained, device="cpu")
    alone = whole.rule.score(whole.domains[TEST[1]].confusion)
    assert figures.evaluation.score.mean_iou == alone.mean_iou
    assert done.document()["test"]["mIoU"] == round(alone.mean_iou, 6)
    (result,) = head_of(tmp_path / "out")["model-index"][0]["results"]
    assert result["dataset"]["args"] == {"domains": [TEST[1]]}
    sentence = f"Measured on {TEST[1]} alone: the model was trained on {TEST[0]}"
    assert any(sentence in one for one in said)
    assert f"**{sentence}" in body_of(tmp_path / "out").split("## Model")[0]
    assert f"| {TEST[0]} |" not in body_of(tmp_path / "out")


def test_a_model_that_saw_all_of_the_test_has_no_figures(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    seen = changed(trained, tmp_path / "seen", domains=DOMAINS)
    said: list[str] = []
    done = published(seen, tmp_path / "out", release=release.path, say=said.append)
    assert isinstance(done.publication.figures, NotMeasured)
    assert not {"metrics.json", "confusion.png"} & set(done.files)
    assert "model-index" not in head_of(tmp_path / "out")
    sentence = "Nothing was measured: the model was trained on D001_2019, D006_2021, all domains of the TEST"
    assert any(one.startswith(sentence) for one in said)
    assert body_of(tmp_path / "out").count(f"**{sentence}") == 2, "at the top and where figures would be"
    assert "test" not in read_card(tmp_path / "out").metrics
    assert read_card(tmp_path / "out").training["statistics"]["patches"] == 4


def test_where_nobody_knows_what_it_saw_no_figure_is_called_a_test(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    silent = changed(trained, tmp_path / "silent", domains=())
    done = published(silent, tmp_path / "out", release=release.path)
    assert isinstance(done.publication.figures, Figures)
    assert "metrics.json" not in done.files
    assert "model-index" not in head_of(tmp_path / "out")
    document = done.document()
    assert document["test"] is None
    assert document["measured"]["domains"] == list(TEST)
    assert {"measured", "measured_iou"} < set(read_card(tmp_path / "out").metrics)
    assert "**Nobody can tell whether the figures are of a test: its card names no domain" in body_of(
        tmp_path / "out"
    )
    # Somebody found out, and what was measured before does not stay beside the test.
    card = read_card(tmp_path / "out")
    write_card(replace(card, domains=DOMAINS[1:5]), tmp_path / "out")
    published(tmp_path / "out", tmp_path / "known", release=release.path)
    assert {"test", "test_iou", "held_out"} == set(read_card(tmp_path / "known").metrics)


LINEAGES: dict[str, tuple[Callable[[ModelCard], ModelCard], str | None]] = {
    "its own domains": (lambda card: card, None),
    "no domains": (lambda card: replace(card, domains=()), "names no domain"),
    "the shipped model": (lambda card: read_card(embedded_model()), None),
    "began with nothing": (lambda card: replace(card, training={"begun_with": None}), None),
    "began with the shipped one, as an older card says it": (
        lambda card: replace(
            card, training={"begun_with": {"id": "tiny", "digest": read_card(embedded_model()).digest}}
        ),
        None,
    ),
    "began with a stranger, as an older card says it": (
        lambda card: replace(card, training={"begun_with": {"id": "flair", "digest": "0" * 64}}),
        "began with the weights of flair",
    ),
    "began with a stranger": (
        lambda card: replace(card, training={"begun_with": {"id": "flair", "domains_known": False}}),
        "began with the weights of flair",
    ),
    "began with what is known": (
        lambda card: replace(card, training={"begun_with": {"id": "flair", "domains_known": True}}),
        None,
    ),
}


@pytest.mark.parametrize("case", LINEAGES)
def test_what_ground_a_model_saw_is_known_if_its_forebears_tell(case: str) -> None:
    change, told = LINEAGES[case]
    found = unknown_ground(change(made_card()))
    assert (found is None) if told is None else (found is not None and told in found)


def test_a_model_of_all_zones_has_no_test(release: Release, tmp_path: Path) -> None:
    train_model(release.path, tmp_path / "prod", steps=1, split="prod", device="cpu")
    said: list[str] = []
    done = published(tmp_path / "prod", tmp_path / "out", release=release.path, say=said.append)
    assert done.document()["split"] == "prod", "that which it learned from"
    assert any("FR_V0.1 has no TEST in prod, for all of it is there to learn from" in one for one in said)
    assert read_card(tmp_path / "out").training["statistics"]["patches"] == 6


def test_a_release_that_it_did_not_learn_from_is_not_called_its_training_data(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    source = read_card(trained).training["source"] | {"content_sha256": "0" * 64}
    other = changed(
        trained,
        tmp_path / "other",
        release="FR_V0.0",
        training={**read_card(trained).training, "source": source},
    )
    done = published(other, tmp_path / "out", release=release.path, split="split_2")
    assert done.document()["learned"] is False
    text = body_of(tmp_path / "out").split("## Training data")[1].split("## Pre-processing")[0]
    assert "Its card says FR_V0.0: " in text
    assert "**FR_V0.1, by which it was looked at here, is not what it learned from**" in text
    assert "| held against: FR_V0.1 |" in body_of(tmp_path / "out")
    assert head_of(tmp_path / "out")["datasets"] == ["FR_V0.0"]


def test_a_release_without_train_and_valid_has_no_statistics(trained: Path, tmp_path: Path) -> None:
    campaign = Campaign.create(tmp_path / "campaign")
    truth, grid = made_truth(512, 512, 9), made_grid(512, 512)
    write_raster(tmp_path / "ortho.tif", made_image(truth, 9), grid, level=1)
    write_raster(tmp_path / "mask.tif", truth, grid)
    add_zone(campaign, tmp_path / "ortho.tif", domain="D099_2022", name="Z1_UU", mask=tmp_path / "mask.tif")
    alone = publish(campaign, ReleaseOrder(name="ALONE", out=tmp_path / "releases"), say=lambda _: None)
    done = published(trained, tmp_path / "out", release=alone.path)
    assert done.document()["statistics"] == []
    assert done.document()["test"]["domains"] == ["D099_2022"]
    assert "statistics" not in read_card(tmp_path / "out").training
    assert "ALONE has no patch in TRAIN or VALID of `split_1`" in body_of(tmp_path / "out")


def test_text_of_a_card_stays_in_its_place(trained: Path, tmp_path: Path) -> None:
    strange = changed(
        trained,
        tmp_path / "strange",
        title="a | b\n---\n# {c} <script>",
        source="x | y\nz",
        licence="a: b #c",
    )
    done = published(strange, tmp_path / "out")
    text = body_of(tmp_path / "out")
    assert text.splitlines()[1] == "# a \\| b --- # {c} &lt;script>"
    assert "| source | x \\| y z |" in text
    assert "title = {a | b --- # c <script>}," in text
    assert head_of(tmp_path / "out")["license_name"] == "a-b-c"
    assert done.publication.card.title == read_card(tmp_path / "out").title


def test_a_model_without_a_licence_is_told_of(trained: Path, tmp_path: Path) -> None:
    said: list[str] = []
    published(trained, tmp_path / "out", say=said.append)
    assert any("--licence" in one for one in said)
    assert head_of(tmp_path / "out")["license"] == "unknown"
    said.clear()
    published(trained, tmp_path / "stated", licence="etalab-2.0", say=said.append)
    assert not any("--licence" in one for one in said)
    assert read_card(tmp_path / "stated").licence == "etalab-2.0"


def test_an_older_model_is_replaced_where_it_is_asked_for(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(embedded_model(), tmp_path / "out")
    published(trained, tmp_path / "out", overwrite=True)
    assert read_card(tmp_path / "out").id == "little"
    published(trained, tmp_path / "out", overwrite=True, licence="mit")
    assert read_card(tmp_path / "out").licence == "mit"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_all_that_training_and_publishing_write_is_part_of_a_model() -> None:
    assert {README, CARD, WEIGHTS, METRICS, MATRIX, CURVES, HISTORY, MANIFEST} == FILES


def test_an_older_model_stays_where_the_new_one_cannot_be_written(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(embedded_model(), tmp_path / "out")
    before = below(tmp_path)

    def failing(self: Staging) -> bool:
        raise ModelError("the disk is full")

    monkeypatch.setattr(Staging, "publish", failing)
    with pytest.raises(ModelError, match="the disk is full"):
        published(trained, tmp_path / "out", overwrite=True)
    assert below(tmp_path) == before
    with pytest.raises(ModelError, match="the disk is full"):
        published(trained, tmp_path / "new")
    assert below(tmp_path) == before


REFUSED: dict[str, tuple[Callable[[Path, Path], object], str]] = {
    "no model": (lambda root, release: published(root / "folder", root / "out"), "is no model"),
    "damaged weights": (lambda root, release: published(root / "bad", root / "out"), "is not the file that"),
    "damaged history": (lambda root, release: published(root / "old", root / "out"), "history.json"),
    "a picture that is none": (lambda root, release: published(root / "text", root / "out"), "no PNG image"),
    "there already": (lambda root, release: published(root / "model", root / "there"), "pass --overwrite"),
    "no older model": (
        lambda root, release: published(root / "model", root / "folder", overwrite=True),
        "is no model",
    ),
    "an older model with more in it": (
        lambda root, release: published(root / "model", root / "kept", overwrite=True),
        "holds .git, no part of a model, which would be lost",
    ),
    "onto itself": (
        lambda root, release: published(root / "model", root / "model", overwrite=True),
        "are one, or lie in each other",
    ),
    "into the model": (
        lambda root, release: published(root / "model", root / "model" / "x"),
        "in each other",
    ),
    "into the release": (
        lambda root, release: published(root / "model", release / "x", release=release),
        "in each other",
    ),
    "a link": (lambda root, release: published(root / "model", root / "link", overwrite=True), "is a link"),
    "no folder": (lambda root, release: published(root / "model", root / "a" / "out"), "make it first"),
    "no release": (
        lambda root, release: published(root / "model", root / "out", release=root / "folder"),
        "is no release",
    ),
    "no split": (
        lambda root, release: published(root / "model", root / "out", release=release, split="split_6"),
        "is no split",
    ),
    "another split": (
        lambda root, release: published(root / "model", root / "out", release=release, split="split_2"),
        "learned from split_1 of FR_V0.1, which split_2 divides otherwise; leave --split out",
    ),
    "no rule": (
        lambda root, release: published(root / "model", root / "out", release=release, rule="corine"),
        "no rule 'corine'",
    ),
    "no device": (
        lambda root, release: published(root / "model", root / "out", release=release, device="tpu!"),
        "is no device",
    ),
    "other bands": (
        lambda root, release: published(root / "thermal", root / "out", release=release),
        "T missing",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_is_refused_and_changes_nothing(
    release: Release, trained: Path, tmp_path: Path, case: str
) -> None:
    call, told = REFUSED[case]
    for name in ("model", "there", "kept", "bad", "old", "text"):
        shutil.copytree(trained, tmp_path / name)
    (tmp_path / "kept" / ".git").mkdir()
    (tmp_path / "bad" / "weights.safetensors").write_bytes(b"no")
    (tmp_path / "old" / "history.json").write_text("{}")
    (tmp_path / "text" / "curves.png").write_text("a picture")
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there")
    first = read_card(trained).bands[0]
    bands = (replace(first, name="T"), *read_card(trained).bands[1:])
    changed(trained, tmp_path / "thermal", bands=bands)
    before = below(tmp_path), {path.name for path in tmp_path.iterdir()}, below(release.path)
    with pytest.raises(WorkbenchError, match=told) as caught:
        call(tmp_path, release.path)
    assert "\n" not in str(caught.value)
    assert before == (below(tmp_path), {path.name for path in tmp_path.iterdir()}, below(release.path))


@pytest.mark.parametrize(
    ("missing", "told"),
    [("huggingface_hub", r"ocs-workbench\[torch\]"), ("matplotlib", r"ocs-workbench\[plots\]")],
)
def test_what_is_not_installed_is_said_before_any_work(
    release: Release, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str, told: str
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    with pytest.raises(WorkbenchError, match=f"{missing}, which is not installed: pip install '{told}'"):
        published(trained, tmp_path / "out", release=release.path, progress=lambda *_: pytest.fail("work"))
    assert not list(tmp_path.iterdir())


def test_the_command_prints_one_document_and_warns_beside_it(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    silent = changed(trained, tmp_path / "silent", domains=())
    arguments = ["model", "publish", str(silent), "-o", str(tmp_path / "out"), "--json", "--device", "cpu"]
    done = CliRunner().invoke(
        command,
        [*arguments, "--release", str(release.path), "--split", "1", "--authors", "IGN, LASTIG"],
        catch_exceptions=False,
    )
    assert done.exit_code == 0
    found = json.loads(done.stdout)
    validate(found, "outputs/model-publish", source="model publish")
    assert found["warning"] in done.stderr
    assert found["files"] == dict(Manifest.read(tmp_path / "out"))
    assert "IGN, LASTIG" in body_of(tmp_path / "out")
    plain = CliRunner().invoke(
        command, ["model", "publish", str(trained), "-o", str(tmp_path / "plain"), "--split", "6"]
    )
    assert plain.exit_code == 2
    assert "choose 1 to 5 or prod" in plain.stderr


def test_a_model_without_training_files_or_a_known_nomenclature_is_published_too(tmp_path: Path) -> None:
    card = replace(made_card(), nomenclature="corine-44", classes=("sea", "land", "ice", "fog"), untrained=())
    made_model(tmp_path / "model", card)
    done = published(tmp_path / "model", tmp_path / "out")
    assert set(done.files) == {"README.md", "card.json", "weights.safetensors"}
    text = body_of(tmp_path / "out")
    assert "The card does not say how it was trained." in text
    assert "The card has no figures." in text
    assert "| 1 | sea | `sea` | – |  |" in text
    assert read_document(tmp_path / "out" / "card.json", schema="model-card")["metrics"] == {}


def test_the_release_is_only_read(release: Release) -> None:
    assert open_release(release.path).patches()
    assert not check_files(release.path, Manifest.read(release.path))


def test_a_release_that_is_not_as_it_was_built_gives_no_figures(
    release: Release, trained: Path, tmp_path: Path
) -> None:
    shutil.copytree(release.path, tmp_path / release.name)
    label = next((tmp_path / release.name).rglob("*AERIAL_LABEL-COSIA*.tif"))
    label.write_bytes(label.read_bytes()[:-1] + b"?")
    with pytest.raises(
        ModelError, match=r"is not as it was built: .*; look at it by workbench release verify"
    ):
        publish_model(trained, tmp_path / "published", release=tmp_path / release.name, device="cpu")
    assert not (tmp_path / "published").exists()
