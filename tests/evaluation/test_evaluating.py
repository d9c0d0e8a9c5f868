"""Predictors held against releases, rasters held against masks, and what is written of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_orthos import made_grid, made_truth

from workbench.documents import validate
from workbench.errors import EvaluationError, NomenclatureError, RasterError, ReleaseError
from workbench.evaluation import Evaluation, evaluate_raster, evaluate_release, rule_of
from workbench.export import Release
from workbench.export.selection import Selection
from workbench.geo.geotiff import write_raster
from workbench.geo.predictions import PLANES, PREDICTION, PROBABILITIES
from workbench.geo.raster import read_bands
from workbench.geo.raster_kinds import LABELS
from workbench.nomenclature import load_nomenclature
from workbench.workflows.evaluating import Outputs, check_outputs, evaluate_prediction, write_outputs

FLAIR = load_nomenclature("flair-19")
RULE = rule_of("challenge", FLAIR)
PATCHES = Path(__file__).resolve().parents[3] / "shared" / "data" / "flair"
Write = Callable[..., Path]


def always(code: int, *, probability: int = 255):
    """Return a predictor that says one class everywhere."""

    def predict(image, names):
        assert image.shape == (512, 512, len(names))
        return np.stack([np.full(image.shape[:2], value, np.uint8) for value in (code, probability, 0)])

    return predict


def checked(evaluation: Evaluation) -> dict:
    """Return the JSON view, held against its schema as the command prints it."""
    document = evaluation.document()
    head = {"format": "ocs-workbench/evaluate", "format_version": 1, "files": []}
    validate(json.loads(json.dumps(head | document, allow_nan=False)), "outputs/evaluate", source="evaluate")
    return document


def test_a_release_is_judged_fold_by_fold(release: Release) -> None:
    found = {
        text: evaluate_release(
            release, always(10), subject="grass", selection=Selection.parse(text), rule=RULE
        )
        for text in ("split_1:test", "split_2", "all")
    }
    assert [list(one.domains) for one in found.values()] == [
        ["D036_2020"],
        ["D051_2019"],
        ["D036_2020", "D051_2019", "D055_2018"],
    ]
    assert [one.patches for one in found.values()] == [2, 2, 6]
    for number, one in enumerate(list(found.values())[:2]):
        truth = made_truth(512, 1024, number)
        assert one.score.accuracy == (truth == 10).mean()
        assert one.score.of("herbaceous_vegetation") == (truth == 10).mean()
    whole = checked(found["all"])
    assert sum(one["pixels"] for one in whole["domains"]) == whole["score"]["pixels"] == 6 * 512**2
    assert [one["zone"] for one in whole["zones"]] == [f"{name}/Z1_UF" for name in found["all"].domains]
    assert whole["calibration"]["ece"] == pytest.approx(1 - found["all"].score.accuracy, abs=1e-6)
    assert "D036_2020" in found["all"].text()


def test_the_layout_with_most_bands_is_read(release: Release) -> None:
    seen = set()

    def predict(image, names):
        seen.add(tuple(names))
        return always(1)(image, names)

    evaluate_release(release, predict, subject="x", selection=Selection.parse("split_1"), rule=RULE)
    assert seen == {("R", "G", "B", "NIR", "E")}


def test_domains_that_a_model_was_trained_on_are_marked(release: Release) -> None:
    found = evaluate_release(
        release,
        always(10),
        subject="x",
        selection=Selection.parse("all"),
        rule=RULE,
        trained_on=("D051_2019", "D001_2020"),
    )
    assert [one["domain"] for one in checked(found)["domains"] if one["seen"]] == ["D051_2019"]
    assert "D051_2019 *" in found.text()


def test_a_perfect_predictor_is_perfect_by_both_rules(release: Release) -> None:
    patches = iter(release.patches())

    def predict(image, names):
        truth = release.labels(next(patches))
        return np.stack([truth, np.full_like(truth, 255), np.zeros_like(truth)])

    found = evaluate_release(release, predict, subject="x", selection=Selection.parse("all"), rule=RULE)
    assert (found.score.mean_iou, found.score.accuracy) == (1, 1)
    assert found.calibration(found.total).expected_error() == 0


@pytest.mark.parametrize("text", ["split_6", "split_1:tests", "", "prod:tset", "test"])
def test_sets_of_patches_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(ReleaseError, match="is no set of patches"):
        Selection.parse(text)


def test_an_empty_fold_is_refused(release: Release) -> None:
    with pytest.raises(EvaluationError, match="no patch in split_5:test"):
        evaluate_release(release, always(1), subject="x", selection=Selection.parse("split_5"), rule=RULE)


def test_a_mask_is_its_own_best_prediction(write: Write) -> None:
    path = write("truth", made_truth(300, 400))
    found = evaluate_prediction(path, path, rule="flair")
    assert found.score.accuracy == 1
    assert checked(found)["calibration"] is None
    assert set(checked(found)) >= {"domains", "zones"}


def test_three_bands_are_codes_probability_and_entropy(write: Write) -> None:
    truth = made_truth(300, 400)
    truth[:50] = 10
    planes = np.stack([np.where(truth == 10, 11, truth), np.full_like(truth, 204), np.zeros_like(truth)])
    found = evaluate_prediction(write("truth", truth), write("prediction", planes.astype(np.uint8)))
    assert found.score.of("herbaceous_vegetation") == 0
    assert found.score.accuracy == 1 - (truth == 10).mean()
    assert found.calibration(found.total).confidence == 204 / 255


def test_hub_numbers_are_told_from_flair_numbers(write: Write) -> None:
    truth = made_truth(300, 400)
    hub = FLAIR.encode(truth, "flair_hub")
    mask, predicted = write("truth", hub), write("prediction", truth)
    found = evaluate_prediction(mask, predicted, scheme="flair_hub", prediction_scheme="flair")
    assert found.score.accuracy == 1
    assert found.score.confusion.pixels == truth.size  # buildings, 0 in FLAIR-HUB, count


def test_what_flair_detect_writes_is_read_one_off(write: Write) -> None:
    truth = made_truth(300, 400)
    mask, argmax = write("truth", truth), write("argmax", truth - np.uint8(1))
    assert evaluate_prediction(mask, argmax, prediction_scheme="flair-argmax").score.accuracy == 1
    assert evaluate_prediction(mask, argmax).score.accuracy < 0.1


def test_a_prediction_that_says_its_numbers_is_read_by_them_or_not_at_all(
    write: Write, tmp_path: Path
) -> None:
    truth, grid = made_truth(100, 100), made_grid(100, 100)
    planes = np.stack([truth, np.full_like(truth, 200), np.zeros_like(truth)])
    write_raster(tmp_path / "p.tif", planes, grid, kind=PREDICTION, descriptions=PLANES)
    mask = write("truth", truth)
    assert evaluate_prediction(mask, tmp_path / "p.tif").score.accuracy == 1
    with pytest.raises(RasterError, match="are codes of their nomenclature, not flair-argmax"):
        evaluate_prediction(mask, tmp_path / "p.tif", prediction_scheme="flair-argmax")


def test_a_mask_that_says_its_scheme_needs_no_other_word(write: Write, tmp_path: Path) -> None:
    truth = made_truth(100, 100)
    tags = {"SCHEME": "flair_hub", "NOMENCLATURE": "flair-19 1.0.0"}
    hub = FLAIR.encode(truth, "flair_hub")
    write_raster(tmp_path / "hub.tif", hub, made_grid(100, 100), kind=LABELS, tags=tags)
    predicted = write("prediction", truth)
    found = evaluate_prediction(tmp_path / "hub.tif", predicted, prediction_scheme="flair")
    assert found.score.accuracy == 1
    with pytest.raises(RasterError, match="numbered as flair_hub, not flair; leave the scheme out"):
        evaluate_prediction(tmp_path / "hub.tif", predicted, scheme="flair")


def test_unlabelled_pixels_do_not_count(write: Write) -> None:
    truth = made_truth(300, 400)
    holed = truth.copy()
    holed[:100] = 0
    found = evaluate_prediction(write("truth", holed), write("prediction", truth))
    assert found.score.confusion.pixels == 200 * 400
    with pytest.raises(EvaluationError, match="no labelled pixel"):
        evaluate_prediction(write("none", holed[:100]), write("prediction", truth))


def test_a_prediction_may_be_larger_than_the_mask(write: Write) -> None:
    truth = made_truth(1400, 300)
    mask = write("truth", truth[100:1300, 50:250], row=100, col=50)
    assert evaluate_prediction(mask, write("prediction", truth)).score.accuracy == 1
    with pytest.raises(EvaluationError, match="does not cover the pixels"):
        evaluate_prediction(write("large", truth), mask)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda truth: truth.astype(np.uint16), "is uint16"),
        (lambda truth: np.stack([truth, truth]), "has 2 bands"),
        (lambda truth: truth + np.uint8(100), "unknown values"),
    ],
)
def test_rasters_that_are_no_predictions_are_refused(write: Write, change, told: str) -> None:
    truth = made_truth(100, 100)
    with pytest.raises((RasterError, NomenclatureError), match=told):
        evaluate_prediction(write("truth", truth), write("prediction", change(truth)))


def test_a_value_of_no_class_is_told_with_its_file_and_its_first_pixel(write: Write) -> None:
    truth = made_truth(1100, 100)
    truth[1050, 7] = 54
    mask = write("mask", truth)
    with pytest.raises(NomenclatureError) as refused:
        evaluate_prediction(mask, mask)
    assert str(refused.value) == (
        f"{mask}, from row 1024 and column 0 on: unknown value 54 in 1 pixel, first at (row 26, col 7): "
        "scheme flair of flair-19 allows 1–19; correct these pixels, or name the scheme they follow (flair, "
        "flair_hub, cosia_numero)"
    )


def test_probabilities_of_each_class_are_no_prediction(write: Write, tmp_path: Path) -> None:
    truth = made_truth(100, 100)
    path = tmp_path / "all.tif"
    write_raster(path, np.stack([truth] * 3), made_grid(100, 100), kind=PROBABILITIES)
    with pytest.raises(RasterError, match="is the file of --probabilities"):
        evaluate_prediction(write("truth", truth), path)


def test_pictures_and_igns_files_are_written_and_nothing_is_lost(write: Write, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    truth = made_truth(200, 200)
    planes = np.stack([np.roll(truth, 5), np.full_like(truth, 200), np.zeros_like(truth)])
    found = evaluate_prediction(write("truth", truth), write("prediction", planes), rule="flair")
    outputs = Outputs(
        plot=tmp_path / "a.png", reliability=tmp_path / "b.png", metrics=tmp_path / "metrics", overwrite=False
    )
    check_outputs(outputs, sources=[])
    written = write_outputs(found, outputs)
    assert [path.name for path in written] == ["a.png", "b.png", "metrics.json", "confmat.npy"]
    for path in written[:2]:
        assert path.read_bytes().startswith(b"\x89PNG")
    again = write_outputs(found, outputs)
    assert [path.read_bytes() for path in again] == [path.read_bytes() for path in written]
    metrics = json.loads(written[2].read_text())
    assert metrics["Avg_metrics"][0] == pytest.approx(100 * found.score.mean_iou)
    assert np.array_equal(np.load(written[3]), found.total.confusion.counts)
    for name, told in (("plot", "exists already"), ("metrics", "exists already")):
        with pytest.raises(EvaluationError, match=told):
            check_outputs(Outputs(**{name: getattr(outputs, name)}), sources=[])
    (tmp_path / "metrics" / "mine.txt").write_text("x")
    with pytest.raises(EvaluationError, match=r"exists already; choose another folder$"):
        check_outputs(Outputs(metrics=outputs.metrics, overwrite=True), sources=[])
    with pytest.raises(EvaluationError, match=r"ends in \.png"):
        check_outputs(Outputs(plot=tmp_path / "a.jpg"), sources=[])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "metrics.json").write_text('{"accuracy": 0.9}')
    with pytest.raises(EvaluationError, match="does not say that it is a file of metrics"):
        check_outputs(Outputs(metrics=tmp_path / "other", overwrite=True), sources=[])


@pytest.mark.parametrize(
    "array",
    [np.arange(5), np.zeros((3, 4), np.int64), np.zeros((3, 3)), np.zeros((300, 300), np.int64)],
    ids=["a list", "no square", "no counts", "too many classes"],
)
def test_an_array_of_ones_own_is_not_taken_for_a_confusion_matrix(tmp_path: Path, array: np.ndarray) -> None:
    np.save(tmp_path / "confmat.npy", array)
    with pytest.raises(EvaluationError, match="does not say that it is a confusion matrix"):
        check_outputs(Outputs(metrics=tmp_path, overwrite=True), sources=[])
    np.save(tmp_path / "confmat.npy", np.zeros((19, 19), np.int64))
    check_outputs(Outputs(metrics=tmp_path, overwrite=True), sources=[])


def test_a_prediction_is_not_held_against_a_folder(tmp_path: Path) -> None:
    with pytest.raises(
        EvaluationError, match="is a folder; a prediction is held against a mask, and a relea"
    ):
        evaluate_prediction(tmp_path, tmp_path / "p.tif")


def test_a_full_disk_leaves_neither_a_folder_nor_half_of_what_was_wanted(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write("truth", made_truth(50, 50))
    found = evaluate_prediction(path, path)
    before = sorted(tmp_path.rglob("*"))

    def full(self: Path, content: bytes) -> int:
        if "confmat" in self.name:
            raise OSError(28, "No space left on device")
        return write_bytes(self, content)

    write_bytes = Path.write_bytes
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(EvaluationError, match=r"confmat.npy cannot be written \(No space"):
        write_outputs(found, Outputs(metrics=tmp_path / "metrics"))
    assert sorted(tmp_path.rglob("*")) == before


def test_no_reliability_without_probabilities(write: Write, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    path = write("truth", made_truth(100, 100))
    with pytest.raises(EvaluationError, match="no probabilities"):
        write_outputs(evaluate_prediction(path, path), Outputs(reliability=tmp_path / "a.png"))
    assert not (tmp_path / "a.png").exists()


@pytest.mark.skipif(not PATCHES.is_dir(), reason=f"no real patches in {PATCHES}")
def test_a_shifted_real_mask_is_a_worse_prediction_the_further_it_is_shifted(write: Write) -> None:
    """Two of the masks carry a local CRS; the figures of all three come from the file itself and an array."""
    for path in sorted(PATCHES.glob("*/*/msk/MSK_*.tif")):
        itself = evaluate_raster(path, path, nomenclature=FLAIR, rule=RULE, scheme="flair")
        assert itself.score.mean_iou == 1
        truth = read_bands(path)[0]
        accuracies = []
        for step in (1, 4, 16):
            mask = write("mask", truth)
            found = evaluate_prediction(mask, write("shifted", np.roll(truth, step, axis=1)))
            accuracies.append(found.score.accuracy)
        assert 1 > accuracies[0] > accuracies[1] > accuracies[2] > 0.6
