"""The two rules against matrices made by hand, and against what IGN published."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from workbench.errors import EvaluationError
from workbench.evaluation import ChallengeRule, Confusion, FlairRule, rule_of
from workbench.evaluation.rules import Rule
from workbench.nomenclature import load_nomenclature

FLAIR, URBAN = load_nomenclature("flair-19"), load_nomenclature("ign-urbain")
TWELVE = FLAIR.keys[:12]
FIFTEEN = (*FLAIR.keys[:14], "greenhouse")

# IoU in percent as IGN published them: slides of the challenge, cards of the models on the hub.
FLAIR_1_BASELINE = (80.04, 47.39, 70.78, 39.95, 78.18, 32.13, 65.37, 31.27, 80.16, 51.09, 45.20, 33.15)
RGBIE_UNET = (
    *(82.6313, 53.2351, 74.1742, 60.3958, 87.5887, 46.3504, 67.4473, 30.2346, 82.9251, 55.0283, 52.0145),
    *(40.8387, 48.4433, None, 39.4447),
)
RGB_DEEPLAB = (
    *(74.67, 52.89, 69.45, 59.28, 82.14, 55.44, 68.46, 28.22, 78.00, 50.62, 58.22, 43.88),
    *(38.21, None, 53.82),
)


def matrix(rows: list[list[int]], keys: str = "abc") -> Confusion:
    return Confusion(keys=tuple(keys), counts=np.array(rows), unanswered=np.zeros(len(rows), np.int64))


def with_ious(published: dict[str, float], errors_to: str | None) -> Confusion:
    """Return a matrix over flair-19 that has these IoU.

    Each union is 1,000,000 pixels; its errors are taken for one class, or for none.
    """
    counts, missed = np.zeros((19, 19), np.int64), np.zeros(19, np.int64)
    for key, percent in published.items():
        place, right = FLAIR.keys.index(key), round(10_000 * percent)
        counts[place, place] = right
        if errors_to is None:
            missed[place] = 1_000_000 - right
        else:
            counts[place, FLAIR.keys.index(errors_to)] = 1_000_000 - right
    return Confusion(keys=FLAIR.keys, counts=counts, unanswered=missed)


def test_the_twelve_ious_of_flair_1_average_as_published() -> None:
    made = with_ious(dict(zip(TWELVE, FLAIR_1_BASELINE, strict=True)), errors_to="ligneous")
    score = rule_of("challenge", FLAIR).score(made)
    assert score.scored == TWELVE
    assert [round(100 * score.of(key), 2) for key in TWELVE] == list(FLAIR_1_BASELINE)
    assert round(100 * score.mean_iou, 2) == 54.56


def test_the_same_map_has_another_mean_by_the_other_rule() -> None:
    """Pixels taken for a class of weight 0 are errors by the first rule, and gone by the second."""
    made = with_ious(dict(zip(TWELVE, FLAIR_1_BASELINE, strict=True)), errors_to="ligneous")
    score = rule_of("flair", FLAIR).score(made)
    assert score.scored == FIFTEEN
    assert score.mean_iou == 12 / 15
    assert score.accuracy == 1


@pytest.mark.parametrize(
    ("ious", "dropped", "mean"),
    [
        pytest.param(RGBIE_UNET, (), 54.7168, id="rgbie-snow-as-0"),
        pytest.param(RGBIE_UNET, ("snow",), 58.63, id="rgbie-without-snow"),
        pytest.param(RGB_DEEPLAB, ("snow",), 58.09, id="rgb-without-snow"),
    ],
)
def test_the_cards_of_flair_inc_average_as_published(
    ious: tuple[float | None, ...], dropped: tuple[str, ...], mean: float
) -> None:
    """IGN's hub says 54.7168 and, in a later text, 58.63 for one model: with snow as 0, and without."""
    published = {key: iou for key, iou in zip(FIFTEEN, ious, strict=True) if iou is not None}
    score = rule_of("flair", FLAIR, dropped=dropped).score(with_ious(published, errors_to=None))
    assert round(100 * score.mean_iou, len(str(mean).partition(".")[2])) == mean


# Rows are the truth. a: 6 right, 2 missed as b, 2 as c; b: 4 right; c (other): 5 right, 1 taken for a.
BY_HAND = matrix([[6, 2, 2], [0, 4, 0], [1, 0, 5]])


def test_challenge_leaves_other_out_of_the_mean_only() -> None:
    rule = ChallengeRule(groups={key: key for key in "abc"}, keys=("a", "b", "c"), scored=("a", "b"))
    score = rule.score(BY_HAND)
    assert score.of("a") == 6 / 11  # 2 pixels taken for other and 1 of other count
    assert score.of("b") == 4 / 6
    assert score.mean_iou == pytest.approx((6 / 11 + 4 / 6) / 2)
    assert score.accuracy == 15 / 20


def test_flair_deletes_rows_and_columns_first() -> None:
    score = FlairRule(dropped=("c",)).score(BY_HAND)
    assert score.of("a") == 6 / 8
    assert score.of("b") == 4 / 6
    assert score.accuracy == 10 / 12
    assert math.isnan(score.of("c"))


def test_precision_recall_and_f1_by_hand() -> None:
    assert BY_HAND.precision.tolist() == [6 / 7, 4 / 6, 5 / 7]
    assert BY_HAND.recall.tolist() == [6 / 10, 1, 5 / 6]
    assert BY_HAND.f1.tolist() == [12 / 17, 8 / 10, 10 / 13]


def test_a_class_that_is_nowhere_is_0_by_flair_and_nothing_by_challenge() -> None:
    made = matrix([[8, 0, 0], [0, 0, 0], [0, 0, 2]])
    rule = ChallengeRule(groups={key: key for key in "abc"}, keys=("a", "b", "c"), scored=("a", "b"))
    assert rule.score(made).mean_iou == 1
    assert FlairRule(dropped=("c",)).score(made).mean_iou == 0.5


# Rows are the truth: a right, b taken for c, c and d in no truth; d and e in neither map.
LACKING = matrix([[8, 0, 0, 0, 0], [0, 0, 2, 0, 0], *[[0] * 5] * 3], "abcde")


@pytest.mark.parametrize(
    ("rule", "averaged", "nowhere", "told"),
    [
        pytest.param(
            ChallengeRule(groups={key: key for key in "abcde"}, keys=tuple("abcde"), scored=tuple("abcd")),
            ("a", "b", "c"),
            ("d", "e"),
            ["mIoU 33.33 % of 3 classes", "in neither map, and in no mean: 2 classes"],
            id="challenge",
        ),
        pytest.param(
            FlairRule(dropped=("e",)),
            ("a", "b", "c", "d"),
            ("d",),
            [
                "mIoU 25.00 % of 4 classes",
                "in neither map, and 0 in the mean (--drop leaves them out): 1 class",
            ],
            id="flair",
        ),
    ],
)
def test_a_mean_is_told_with_the_number_of_its_classes(
    rule: Rule, averaged: tuple[str, ...], nowhere: tuple[str, ...], told: list[str]
) -> None:
    score = rule.score(LACKING)
    assert (score.averaged, score.nowhere, score.only_predicted) == (averaged, nowhere, ("c",))
    assert score.mean_iou == pytest.approx(1 / len(averaged))
    text = score.text()
    assert [one for one in told if one not in text] == []
    assert "in the prediction alone, so 0 in the mean: c" in text


def test_the_picture_and_the_table_leave_out_the_same_classes(monkeypatch: pytest.MonkeyPatch) -> None:
    plots = pytest.importorskip("workbench.evaluation.plots")
    pytest.importorskip("matplotlib")
    drawn: list[str] = []
    monkeypatch.setattr(plots, "_head", lambda figure, *told: drawn.extend(told))
    rule = rule_of("challenge", FLAIR)
    score = rule.score(with_ious({"water": 50.0, "vineyard": 70.0}, errors_to=None))
    plots.confusion_png(score, FLAIR, title="x")
    assert "other" in score.nowhere
    assert "rule challenge: mIoU 60.00 % of 2 classes, OA 60.00 %" in drawn[1]
    assert drawn[1].endswith("in neither map: 11 classes")
    assert "in neither map, and in no mean: 11 classes" in score.text()


def test_nothing_predicted_is_an_error_by_both_rules() -> None:
    made = replace(BY_HAND, unanswered=np.array([10, 0, 0]))
    assert FlairRule(dropped=("c",)).score(made).of("a") == 6 / 18
    assert made.accuracy == 15 / 30
    assert made.precision.tolist() == BY_HAND.precision.tolist()


def test_swimming_pools_are_other_in_the_challenge() -> None:
    made = Confusion.of(
        np.array([[13, 14, 5]], np.uint8),
        np.array([[14, 5, 5]], np.uint8),
        codes={entry.key: entry.code for entry in FLAIR.classes},
    )
    score = rule_of("challenge", FLAIR).score(made)
    assert score.accuracy == 2 / 3
    assert score.of("water") == 1 / 2


def test_rules_refuse_what_they_cannot_do() -> None:
    with pytest.raises(EvaluationError, match="12 classes are of flair-19, not of ign-naf"):
        rule_of("challenge", load_nomenclature("ign-naf"))
    with pytest.raises(EvaluationError, match="drops no class, so not snow"):
        rule_of("challenge", FLAIR, dropped=("snow",))
    with pytest.raises(EvaluationError, match="no class glacier to drop"):
        rule_of("flair", FLAIR, dropped=("glacier",))
    with pytest.raises(EvaluationError, match=r"flair-19 without building, .* has no class to average; drop"):
        rule_of("flair", FLAIR, dropped=FIFTEEN)
    with pytest.raises(EvaluationError, match=r"ign-urbain without .* has no class to average"):
        rule_of("flair", URBAN, dropped=URBAN.keys)
    with pytest.raises(EvaluationError, match="no rule 'best'"):
        rule_of("best", FLAIR)


def test_another_nomenclature_is_scored_over_all_its_classes() -> None:
    naf = load_nomenclature("ign-naf")
    score = rule_of("flair", naf).score(Confusion.empty(naf.keys))
    assert score.scored == naf.keys


LABELS = hnp.arrays(np.uint8, (5, 7), elements=st.integers(0, 3))
CODES = {"a": 1, "b": 2, "c": 3}


@given(LABELS, LABELS)
def test_a_matrix_counts_each_labelled_pixel_once(truth: np.ndarray, predicted: np.ndarray) -> None:
    made = Confusion.of(truth, predicted, codes=CODES)
    assert made.pixels == np.count_nonzero(truth)
    for key, code in CODES.items():
        row = list(CODES).index(key)
        either = (truth != 0) & ((truth == code) | (predicted == code))
        assert made.support[row] == (truth == code).sum()
        if either.any():
            assert made.iou[row] == ((truth == code) & (predicted == code)).sum() / either.sum()
        else:
            assert np.isnan(made.iou[row])


@given(LABELS, LABELS)
def test_matrices_of_parts_add_up_to_that_of_the_whole(truth: np.ndarray, predicted: np.ndarray) -> None:
    whole = Confusion.of(truth, predicted, codes=CODES)
    first, *others = (
        Confusion.of(truth[row : row + 1], predicted[row : row + 1], codes=CODES) for row in range(5)
    )
    added = first.plus(*others)
    assert np.array_equal(added.counts, whole.counts)
    assert np.array_equal(added.unanswered, whole.unanswered)


@given(LABELS, LABELS)
def test_grouping_labels_first_gives_the_grouped_matrix(truth: np.ndarray, predicted: np.ndarray) -> None:
    lut = np.array([0, 1, 2, 2], np.uint8)
    grouped = Confusion.of(truth, predicted, codes=CODES).grouped(
        {"a": "a", "b": "rest", "c": "rest"}, ["a", "rest"]
    )
    straight = Confusion.of(lut[truth], lut[predicted], codes={"a": 1, "rest": 2})
    assert np.array_equal(grouped.counts, straight.counts)
    assert np.array_equal(grouped.unanswered, straight.unanswered)


def test_codes_of_no_class_are_refused_where_they_count() -> None:
    truth, predicted = np.array([[0, 1]], np.uint8), np.array([[9, 1]], np.uint8)
    assert Confusion.of(truth, predicted, codes=CODES).pixels == 1
    with pytest.raises(EvaluationError, match="the prediction has code 9 in 1 pixel, of no class"):
        Confusion.of(np.array([[1, 1]], np.uint8), predicted, codes=CODES)
    with pytest.raises(EvaluationError, match="the truth has code 200"):
        Confusion.of(np.array([[200, 1]], np.uint8), predicted, codes=CODES)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: matrix([[1]], "ab"), "shape"),
        (lambda: matrix([[1, 0], [0, 1]], "aa"), "each is there once"),
        (lambda: matrix([[-1]], "a"), "counted from 0"),
        (lambda: matrix([[1]], "a").plus(matrix([[1]], "b")), "do not add up"),
        (lambda: matrix([[1]], "a").without(["a"]), "at least one"),
        (lambda: matrix([[1]], "a").without(["b"]), "no class b to leave out"),
        (lambda: matrix([[1]], "a").grouped({}, ["x"]), "fall into none"),
        (lambda: Confusion.of(np.zeros((2, 2), np.uint8), np.zeros((2, 3), np.uint8), codes=CODES), "shape"),
    ],
)
def test_matrices_that_cannot_be_are_refused(make, told: str) -> None:
    with pytest.raises(EvaluationError, match=told):
        make()


def test_igns_document_is_in_percent_with_absent_classes_as_0() -> None:
    made = with_ious(dict(zip(TWELVE, FLAIR_1_BASELINE, strict=True)), errors_to="ligneous")
    titles = {entry.key: entry.titles["en"] for entry in FLAIR.classes}
    document = rule_of("flair", FLAIR).score(made).ign_document(titles)
    assert document["Avg_metrics_name"] == ["mIoU", "Overall Accuracy", "Fscore", "Precision", "Recall"]
    assert document["Avg_metrics"] == pytest.approx([80, 100, 80, 80, 80])
    assert document["classes"][-1] == "greenhouse"
    assert document["per_class_iou"] == [100.0] * 12 + [0.0] * 3
    assert {len(document[f"per_class_{name}"]) for name in ("iou", "fscore", "precision", "recall")} == {15}
