"""Cross-validation records and models compared on one test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from workbench.documents import validate
from workbench.errors import EvaluationError
from workbench.evaluation import Comparison, Confusion, CrossValidation, Evaluation, Fold, Tally, rule_of
from workbench.export.ground import Seen
from workbench.nomenclature import load_nomenclature

FLAIR = load_nomenclature("flair-19")


def matrix(right: int, wrong: int) -> Confusion:
    """Return a matrix of water and grass of which some are taken for each other."""
    counts = np.zeros((19, 19), np.int64)
    for one, other in ((4, 9), (9, 4)):
        counts[one, one], counts[one, other] = right, wrong
    return Confusion(keys=FLAIR.keys, counts=counts, unanswered=np.zeros(19, np.int64))


def fold(number: int, right: int, wrong: int) -> Fold:
    return Fold(
        name=f"fold_{number}",
        model=f"tiny-{number}",
        split=f"split_{number}:test",
        domains=(f"D{number:03d}_2020",),
        patches=4,
        confusion=matrix(right, wrong),
        ece=0.1,
    )


FOLDS = (fold(1, 90, 10), fold(2, 80, 20), fold(3, 70, 30))
CROSSED = CrossValidation(
    release="FR_V0.1",
    nomenclature=FLAIR,
    rule=rule_of("challenge", FLAIR),
    folds=FOLDS,
    prod=replace(fold(4, 95, 5), name="prod", model="tiny-prod", split="prod:valid"),
)


def test_folds_have_a_mean_and_the_deviation_of_a_sample() -> None:
    ious = [90 / 110, 80 / 120, 70 / 130]
    assert [score.mean_iou for score in CROSSED.scores] == pytest.approx(ious)
    assert CROSSED.spread(ious) == pytest.approx((np.mean(ious), np.std(ious, ddof=1)))
    assert CROSSED.pooled.mean_iou == pytest.approx(240 / 360)


def test_it_comes_back_from_its_document() -> None:
    document = json.loads(json.dumps(CROSSED.document(), allow_nan=False))
    validate(document, "cross-validation", source="x")
    again = CrossValidation.from_document(document, FLAIR)
    assert again.document() == CROSSED.document()
    assert again.text() == CROSSED.text()
    dropped = replace(CROSSED, rule=rule_of("flair", FLAIR, dropped=("snow",)), prod=None)
    validate(dropped.document(), "cross-validation", source="x")
    assert CrossValidation.from_document(dropped.document(), FLAIR).document() == dropped.document()


def test_the_table_has_classes_down_and_folds_across() -> None:
    lines = CROSSED.text().splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    assert cells[0] == ["IoU, %", "fold_1", "fold_2", "fold_3", "mean ± sd", "pooled", "PROD"]
    rows = {row[0]: row[1:] for row in cells[2:]}
    assert len(rows) == 12 + 2
    assert rows["water"] == ["81.82", "66.67", "53.85", "67.44 ± 14.00", "66.67", "90.48"]
    assert rows["building"] == ["–"] * 6
    assert rows["**OA**"][:3] == ["90.00", "80.00", "70.00"]
    assert len({len(line) for line in lines if line.startswith("|")}) == 1
    assert "- fold_2: tiny-2, D002_2020" in lines


def test_a_doubt_marks_its_column_also_that_of_prod() -> None:
    doubted = replace(CROSSED, prod=replace(CROSSED.prod, doubt="it learned that"))
    text = doubted.text()
    assert "| PROD * |" in text
    assert "\\* no test of prod, in no mean: it learned that" in text
    assert "*" not in CROSSED.text().replace("**", "")


def test_one_fold_has_no_deviation_and_no_prod_column() -> None:
    alone = replace(CROSSED, folds=FOLDS[:1], prod=None)
    assert "±" not in alone.text().split("**mIoU**")[1].splitlines()[0]
    assert "PROD" not in alone.text()


def test_folds_that_share_a_domain_are_refused() -> None:
    with pytest.raises(EvaluationError, match=r"domain D001_2020 is in fold_1 and in fold_2"):
        replace(CROSSED, folds=(FOLDS[0], replace(FOLDS[1], domains=FOLDS[0].domains)))
    with pytest.raises(EvaluationError, match="one fold at least"):
        replace(CROSSED, folds=())


def evaluation(model: str, right: int, wrong: int, *, rule: str = "challenge") -> Evaluation:
    return Evaluation(
        subject=model,
        reference="FR_V0.1",
        split="split_1:test",
        patches=4,
        nomenclature=FLAIR,
        rule=rule_of(rule, FLAIR),
        zones={"D001_2020/Z1_UF": Tally(confusion=matrix(right, wrong))},
    )


def test_a_fold_is_made_of_an_evaluation() -> None:
    made = Fold.of("fold_1", evaluation("tiny-1", 90, 10))
    assert (made.model, made.domains, made.patches) == ("tiny-1", ("D001_2020",), 4)
    assert np.isnan(made.ece)


def test_models_are_compared_on_one_test() -> None:
    made = Comparison(
        evaluations=(evaluation("v1", 70, 30), evaluation("v2", 80, 20), evaluation("v3", 90, 10))
    )
    validate(made.document(), "model-comparison", source="x")
    assert [one["model"] for one in made.document()["models"]] == ["v1", "v2", "v3"]
    line = next(line for line in made.text().splitlines() if line.startswith("| **mIoU**"))
    assert [cell.strip() for cell in line.strip("|").split("|")] == [
        "**mIoU**",
        "53.85",
        "66.67",
        "81.82",
        "+27.97",
    ]


@pytest.mark.parametrize(
    ("evaluations", "told"),
    [
        ([evaluation("v1", 70, 30)], "two models at least"),
        ([evaluation("v1", 70, 30), evaluation("v1", 80, 20)], "the same id"),
        ([evaluation("v1", 70, 30), evaluation("v2", 80, 21)], "not judged by the same pixels"),
        ([evaluation("v1", 70, 30), evaluation("v2", 80, 20, rule="flair")], "by one rule"),
        ([evaluation("v1", 7, 3), replace(evaluation("v2", 7, 3), reference="FR_V0.2")], "one frozen test"),
    ],
)
def test_models_that_cannot_be_compared_are_refused(evaluations: list[Evaluation], told: str) -> None:
    with pytest.raises(EvaluationError, match=told):
        Comparison(evaluations=tuple(evaluations))


def in_zones(model: str, rights: Sequence[int]) -> Evaluation:
    zones = {
        f"D001_2020/Z{n}_UF": Tally(confusion=matrix(right, 100 - right)) for n, right in enumerate(rights)
    }
    return replace(evaluation(model, 1, 1), zones=zones)


def test_what_was_gained_has_bounds_by_drawing_zones_anew() -> None:
    first = in_zones("v1", [60, 70, 65, 80, 75, 62])
    better = Comparison(evaluations=(first, in_zones("v2", [70, 78, 76, 89, 86, 73]))).gain
    assert 0 < better.low < better.mean_iou < better.high
    assert better.zones == 6
    luck = Comparison(evaluations=(first, in_zones("v2", [90, 50, 65, 85, 45, 82])))
    assert luck.gain.low < 0 < luck.gain.high
    assert "may as well be chance" in luck.text()
    same = Comparison(evaluations=(first, in_zones("v2", [60, 70, 65, 80, 75, 62]))).gain
    assert (same.mean_iou, same.low, same.high) == (0, 0, 0)


def test_of_few_zones_nobody_says_how_sure_a_gain_is() -> None:
    made = Comparison(evaluations=(in_zones("v1", [60] * 4), in_zones("v2", [70] * 4)))
    assert np.isnan(made.gain.low)
    assert made.document()["gain"]["low"] is None
    assert "4 zones are too few" in made.text()


def test_a_model_that_saw_the_test_is_marked() -> None:
    seen = replace(in_zones("v2", [70] * 5), seen=(Seen(domain="D001_2020"),))
    told = Comparison(evaluations=(in_zones("v1", [60] * 5), seen))
    assert "v2 *" in told.text()
    assert told.document()["models"][1]["seen"] == ["D001_2020"]


CODES = {entry.key: entry.code for entry in FLAIR.classes}
WATER, CONIFEROUS, GRASS, BUILDING, OTHER = 5, 6, 10, 1, 19


def of_maps(model: str, truths: NDArray[np.uint8], maps: NDArray[np.uint8], **how: Any) -> Evaluation:
    """Return an evaluation of maps, shape (zone, pixel), against truths of as many zones."""
    zones = {
        f"D001_2020/Z{number}_UF": Tally(confusion=Confusion.of(truth, found, codes=CODES))
        for number, (truth, found) in enumerate(zip(truths, maps, strict=True))
    }
    return replace(evaluation(model, 1, 1, **how), zones=zones)


def strayed(maps: NDArray[np.uint8], row: int, code: int) -> NDArray[np.uint8]:
    """Return maps in which the first pixel of a zone is of another class."""
    changed = maps.copy()
    changed[row, 0] = code
    return changed


def test_a_stray_pixel_of_a_class_that_the_test_has_not_does_not_turn_a_loss_into_a_gain() -> None:
    truths = np.repeat(np.array([[WATER] * 5 + [GRASS] * 5], np.uint8), 6, axis=0)
    first = strayed(truths, 0, BUILDING)
    last = truths.copy()
    last[:, :1] = GRASS  # worse: one of five pixels of water in each zone
    before, after = of_maps("v1", truths, first), of_maps("v2", truths, last)
    assert before.score.mean_iou < after.score.mean_iou, "each over its own classes: the last seems better"
    made = Comparison(evaluations=(before, after))
    validate(made.document(), "model-comparison", source="x")
    assert made.classes == ("water", "herbaceous_vegetation") == tuple(made.document()["classes"])
    assert made.gain.mean_iou == pytest.approx((24 / 30 + 30 / 36) / 2 - (29 / 30 + 1) / 2)
    assert made.gain.mean_iou < made.gain.high < 0
    text = made.text()
    assert "mIoU is the mean of 2 classes, those of which the test has pixels; others are in brackets" in text
    assert (
        f"alone, v1 has an mIoU of {100 * before.score.mean_iou:.2f} %: it gives building, of which the test "
        "has no pixel, and that is 0 in its mean"
    ) in text
    assert "alone, v2" not in text
    rows = {line.split("|")[1].strip(): line for line in text.splitlines() if line.startswith("|")}
    assert "98.33" in rows["**mIoU**"]
    assert [cell.strip() for cell in rows["(building)"].split("|")[2:5]] == ["0.00", "–", "–"]


def test_pixels_that_are_wrong_either_way_change_neither_a_gain_nor_its_bounds() -> None:
    """Nothing predicted, or a class that the test has not: both miss the true class, and no more."""
    truths = np.repeat(np.array([[WATER] * 5 + [GRASS] * 5], np.uint8), 6, axis=0)
    maps = strayed(strayed(truths, 1, 0), 4, 0)
    stray = strayed(strayed(truths, 1, BUILDING), 4, CONIFEROUS)
    gain = Comparison(evaluations=(of_maps("v1", truths, maps), of_maps("v2", truths, stray))).gain
    assert (gain.mean_iou, gain.low, gain.high) == (0, 0, 0)


PIXELS = hnp.arrays(np.uint8, (5, 8), elements=st.sampled_from([WATER, CONIFEROUS, GRASS, BUILDING, OTHER]))


@settings(max_examples=30)
@given(truths=PIXELS, maps=st.tuples(PIXELS, PIXELS, PIXELS), rule=st.sampled_from(["challenge", "flair"]))
def test_the_gain_is_the_difference_of_the_means_that_are_shown_and_hangs_on_no_third_model(
    truths: NDArray[np.uint8], maps: tuple[NDArray[np.uint8], ...], rule: str
) -> None:
    truths[0, 0] = WATER
    one, two, three = (of_maps(f"v{n}", truths, found, rule=rule) for n, found in enumerate(maps))
    made = Comparison(evaluations=(one, two))
    found = [each.mean_iou for each in made.scores.values()]
    assert made.gain.mean_iou == pytest.approx(found[1] - found[0], abs=1e-12)
    assert len({each.averaged for each in made.scores.values()}) == 1
    among = Comparison(evaluations=(three, one, two)).scores
    assert {model: among[model].mean_iou for model in made.scores} == {
        model: score.mean_iou for model, score in made.scores.items()
    }
    if rule == "challenge":
        assert found == pytest.approx([true_mean(truths, each) for each in maps[:2]])
    else:
        assert found == [one.score.mean_iou, two.score.mean_iou], "absent classes are in all means already"


def true_mean(truths: NDArray[np.uint8], maps: NDArray[np.uint8]) -> float:
    """Return the mean IoU over the classes of the truth but *other*, by sets of pixels."""
    codes = set(truths.ravel().tolist()) - {OTHER}
    return float(
        np.mean([((truths == c) & (maps == c)).sum() / ((truths == c) | (maps == c)).sum() for c in codes])
    )
