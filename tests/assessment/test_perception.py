"""What somebody sees: shares as the confusions say, whole objects, and what an agreement tells back."""

from __future__ import annotations

import numpy as np
import pytest
from made_orthos import made_truth
from numpy.typing import NDArray
from scipy import ndimage

from workbench.assessment.agreement import measure_agreement
from workbench.assessment.perception import Confusions, believed, loose_borders, perceived
from workbench.errors import EditRefused, NomenclatureError
from workbench.nomenclature import load_nomenclature

FLAIR = load_nomenclature("flair-19")
TREES = {"coniferous": {"deciduous": 0.2, "brushwood": 0.1}, "brushwood": {"deciduous": 0.3}}
CONIFEROUS, DECIDUOUS, BRUSHWOOD = 6, 7, 8
FOUR_DEVIATIONS = 4.0


def patches(side: int = 12, count: int = 60, seed: int = 2) -> NDArray[np.uint8]:
    """Return a chequered truth: squares of trees of some kind, none of which touches one of its own."""
    rng = np.random.default_rng(seed)
    squares = rng.choice([CONIFEROUS, DECIDUOUS, BRUSHWOOD], (count, count))
    squares[np.indices(squares.shape).sum(axis=0) % 2 == 1] = 5
    return np.repeat(np.repeat(squares, side, 0), side, 1).astype(np.uint8)


def shares(truth: NDArray[np.uint8], seen: NDArray[np.uint8], code: int) -> NDArray[np.float64]:
    counts = np.bincount(seen[truth == code], minlength=20)
    return counts / counts.sum()


@pytest.mark.parametrize("reach", [0.0, 40.0])
def test_shares_come_out_as_the_confusions_say(reach: float) -> None:
    """Over seeds, within four deviations of a binomial of independent objects, or of whole pictures."""
    truth, confusions = patches(), Confusions.of(FLAIR, TREES)
    seen = [perceived(truth, confusions, rng=np.random.default_rng(seed), reach=reach) for seed in range(60)]
    for true, row in TREES.items():
        code = FLAIR.by_key(true).code
        found = np.stack([shares(truth, one, code) for one in seen])
        objects = np.count_nonzero(truth == code) / 12**2
        for taken, wanted in row.items():
            own = found[:, FLAIR.by_key(taken).code]
            alone = np.sqrt(wanted * (1 - wanted) / objects)
            deviation = alone if reach == 0 else own.std()
            assert abs(own.mean() - wanted) < FOUR_DEVIATIONS * deviation / np.sqrt(len(seen))
            if reach:
                assert own.std() > 2 * alone, "what is near is mistaken alike"
    assert all((one[truth == 5] == 5).all() for one in seen)


def test_objects_are_mistaken_as_a_whole() -> None:
    truth = made_truth(800, 800)
    truth[truth == 10] = BRUSHWOOD
    seen = perceived(truth, Confusions.of(FLAIR, TREES), rng=np.random.default_rng(0))
    assert (seen != truth).any()
    for code in np.unique(truth):
        objects, count = ndimage.label(truth == code)
        for number in range(1, count + 1):
            assert np.unique(seen[objects == number]).size == 1


def test_no_object_is_larger_than_a_part_of_the_ground() -> None:
    truth = np.full((200, 200), BRUSHWOOD, np.uint8)
    within = np.arange(200)[:, None] // 20 + np.zeros(200, np.int64)
    seen = perceived(truth, Confusions.of(FLAIR, TREES), rng=np.random.default_rng(1), within=within)
    assert set(np.unique(seen)) == {DECIDUOUS, BRUSHWOOD}
    assert (seen == seen[:, :1]).all()
    assert all(np.unique(seen[within == part]).size == 1 for part in range(10))


def test_the_same_generator_gives_the_same_and_another_something_else() -> None:
    truth, confusions = patches(count=20), Confusions.of(FLAIR, TREES)
    first, again, other = (
        perceived(truth, confusions, rng=np.random.default_rng(seed), reach=30) for seed in (1, 1, 2)
    )
    assert (first == again).all()
    assert (first != other).any()


def test_who_confuses_nothing_sees_the_truth_and_what_is_unknown_stays() -> None:
    truth = patches(count=10)
    truth[:30] = 0
    for confusions in (Confusions(), Confusions.of(FLAIR, {"brushwood": {"brushwood": 1.0}})):
        assert (perceived(truth, confusions, rng=np.random.default_rng(0)) == truth).all()
    always = Confusions.of(FLAIR, {"brushwood": {"water": 1.0}})
    seen = perceived(truth, always, rng=np.random.default_rng(0))
    assert (seen == np.where(truth == BRUSHWOOD, 5, truth)).all()


def test_two_who_err_alike_tell_by_their_agreement_how_they_err() -> None:
    """Alike in flows: as many coniferous are taken for deciduous as the other way round."""
    truth = patches(count=150, side=6)
    counts = {code: np.count_nonzero(truth == code) for code in (CONIFEROUS, DECIDUOUS, BRUSHWOOD)}
    share = {"coniferous": 0.06, "deciduous": 0.06 * counts[CONIFEROUS] / counts[DECIDUOUS]}
    made = Confusions.of(
        FLAIR,
        {"coniferous": {"deciduous": share["coniferous"]}, "deciduous": {"coniferous": share["deciduous"]}},
    )
    first, second = (perceived(truth, made, rng=np.random.default_rng(seed)) for seed in (1, 2))
    agreement = measure_agreement(
        first, second, np.ones(truth.shape, bool), rng=np.random.default_rng(0), moved=0
    )
    found = Confusions.measured(agreement)
    assert found.codes == (5, CONIFEROUS, DECIDUOUS, BRUSHWOOD)
    assert np.allclose(found.shares.sum(axis=1), 1)
    assert found.shares[0, 0] == found.shares[3, 3] == 1
    # Both err on 0.06² of the objects, which nobody sees: the least of the bounds.
    deviation = np.sqrt(0.06 / (2 * counts[CONIFEROUS] / 6**2))
    for true, taken, key in ((1, 2, "coniferous"), (2, 1, "deciduous")):
        assert abs(found.shares[true, taken] - share[key]) < 0.06**2 + FOUR_DEVIATIONS * deviation


def test_who_agrees_in_all_confuses_nothing() -> None:
    truth = patches(count=10)
    agreement = measure_agreement(truth, truth, np.ones(truth.shape, bool), rng=np.random.default_rng(0))
    assert (Confusions.measured(agreement).shares == np.eye(4)).all()


def test_a_model_is_believed_as_often_as_it_is_trusted() -> None:
    seen, proposed = patches(seed=1), patches(seed=3)
    proposed[:50] = 0
    against = (proposed > 0) & (seen != proposed)
    for trust in (0.0, 0.3, 1.0):
        found = believed(seen, proposed, trust=trust, rng=np.random.default_rng(5))
        taken = (found == proposed)[against].mean()
        squares = np.count_nonzero(against) / 12**2
        assert abs(taken - trust) <= FOUR_DEVIATIONS * np.sqrt(trust * (1 - trust) / squares)
        assert (found == seen)[~against].all()


def test_borders_are_loose_and_thin_objects_are_none() -> None:
    truth = np.full((60, 60), 10, np.uint8)
    truth[20:50, 20:50] = 7  # 30 pixels wide
    truth[5:8] = 3  # a path
    loose = loose_borders(truth, 3)
    assert loose[17:20, 30].all()
    assert loose[20:23, 30].all()
    assert not loose[23:47, 30].any()
    assert not loose[truth == 3].any()
    assert loose[2:5, 30].all()
    assert not loose_borders(truth, 0).any()
    assert not loose_borders(np.full_like(truth, 10), 3).any()


@pytest.mark.parametrize(
    ("codes", "table", "reason"),
    [
        ((6, 7), [[0.5, 0.4], [0, 1]], "class 6 is taken for others"),
        ((6, 7), [[1, 0], [1.2, -0.2]], "class 7"),
        ((6, 7), [[1, 0], [np.nan, 1]], "class 7"),
        ((7, 6), [[1, 0], [0, 1]], "do not rise"),
        ((6,), [[1, 0], [0, 1]], "1 classes"),
    ],
    ids=["too little", "negative", "nan", "order", "shape"],
)
def test_what_are_no_probabilities_is_refused(codes, table, reason) -> None:
    with pytest.raises(EditRefused, match=reason):
        Confusions(codes=codes, shares=np.array(table, np.float64))


def test_confusions_have_the_classes_of_a_nomenclature() -> None:
    confusions = Confusions.of(FLAIR, TREES)
    assert confusions.document(FLAIR)["brushwood"] == pytest.approx({"deciduous": 0.3, "brushwood": 0.7})
    again = Confusions.of(FLAIR, confusions.document(FLAIR))
    assert again.codes == confusions.codes
    assert np.allclose(again.shares, confusions.shares)
    with pytest.raises(NomenclatureError, match="no class 'scrub'"):
        Confusions.of(FLAIR, {"scrub": {"water": 0.1}})
