"""Cross-validation records and models compared on one test."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

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
