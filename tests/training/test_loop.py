"""Networks that learn: what moves their weights, and that nothing else does."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_patches import QUICK, made_patches, patch_set
from torch import nn

from workbench.errors import ModelError
from workbench.nomenclature import load_nomenclature
from workbench.training import Budget, Focal, PatchSet, Recipe
from workbench.training.history import History, draw_curves
from workbench.training.learner import Learner
from workbench.training.loop import Trained, train
from workbench.training.losses import class_weights, pixel_loss
from workbench.training.preparing import Begun, Prepared, prepare
from workbench.training.recipe import CrossEntropy, Loss
from workbench.training.sampling import MASKED
from workbench.training.validation import score_of

FLAIR = load_nomenclature("flair-19")


def prepared(patches: PatchSet, recipe: Recipe = QUICK, begin: Begun | None = None) -> Prepared:
    return prepare(patches, id="made", nomenclature=FLAIR, recipe=recipe, begin=begin)


def trained(patches: PatchSet, *, steps: int = 4, recipe: Recipe = QUICK, **options: object) -> Trained:
    return train(
        prepared(patches, recipe), patches, recipe=recipe, budget=Budget(steps=steps), device="cpu", **options
    )


def same(one: Trained, other: Trained) -> bool:
    return one.weights.keys() == other.weights.keys() and all(
        torch.equal(tensor, other.weights[name]) for name, tensor in one.weights.items()
    )


@pytest.mark.parametrize("loss", [CrossEntropy(), Focal()], ids=["cross-entropy", "focal"])
def test_masked_pixels_have_no_gradient(loss: Loss) -> None:
    logits = torch.randn(2, 3, 8, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    outputs = torch.full((2, 8, 8), MASKED)
    outputs[0, :4] = 1
    pixel_loss(logits, outputs, torch.ones(3), loss).backward()
    assert logits.grad is not None
    assert logits.grad[0, :, :4].abs().min() > 0
    assert not logits.grad[0, :, 4:].any()
    assert not logits.grad[1].any()


def test_where_nobody_labelled_there_is_no_loss() -> None:
    logits = torch.randn(1, 3, 4, 4, requires_grad=True)
    found = pixel_loss(logits, torch.full((1, 4, 4), MASKED), torch.ones(3), CrossEntropy())
    found.backward()
    assert found == 0
    assert logits.grad is not None
    assert not logits.grad.any()


def test_focal_loss_looks_away_from_what_is_easy() -> None:
    logits = torch.tensor([[4.0, 0.0], [0.5, 0.0]]).T.reshape(1, 2, 1, 2)
    outputs, weights = torch.zeros(1, 1, 2, dtype=torch.int64), torch.ones(2)
    plain, focal = (
        [pixel_loss(logits[..., k : k + 1], outputs[..., :1], weights, loss).item() for k in (0, 1)]
        for loss in (CrossEntropy(), Focal(gamma=2))
    )
    easy, hard = (of_focal / of_plain for of_focal, of_plain in zip(focal, plain, strict=True))
    assert easy < 0.001
    assert 0.1 < hard < 1


def test_focal_loss_with_no_focus_is_cross_entropy() -> None:
    logits, outputs = torch.randn(1, 3, 4, 4), torch.randint(0, 3, (1, 4, 4))
    weights = torch.tensor([1.0, 2.0, 0.5])
    expected = torch.nn.functional.cross_entropy(logits, outputs, weight=weights)
    for loss in (CrossEntropy(), Focal(gamma=0)):
        assert torch.allclose(pixel_loss(logits, outputs, weights, loss), expected)


def test_rare_classes_weigh_more_and_pixels_one_on_average() -> None:
    pixels = np.array([8100, 1600, 0, 100])
    weights = class_weights(pixels, 0.5)
    assert np.allclose(weights[[1, 3]] / weights[0], [2.25, 9])
    assert weights[2] == 0
    assert np.isclose((weights * pixels).sum() / pixels.sum(), 1)
    assert class_weights(np.array([10**6, 1]), 0.5)[1] == 10, "a single pixel does not shake everything"


def test_labels_under_the_mask_change_nothing() -> None:
    """What is 0 in one set is *other*, which counts for nothing, in the next; the weights are the same."""
    truths = [made_patches(1, seed=number).read(0).codes for number in range(3)]
    images = [made_patches(1, seed=number).read(0).image for number in range(3)]
    holes = [np.where(np.arange(64) < 20, 0, truth).astype(np.uint8) for truth in truths]
    counts = patch_set(images, holes).pixels
    plain = patch_set(images, holes)
    poison = [np.where(hole == 0, np.uint8(200 + number), hole) for number, hole in enumerate(holes)]
    poisoned = replace(
        plain, pixels=counts, read=lambda number: replace(plain.read(number), codes=poison[number])
    )
    assert same(trained(plain), trained(poisoned))


def test_other_labels_make_other_weights() -> None:
    patches = made_patches(3)
    codes = [np.where(patches.read(number).codes == 10, 11, 10).astype(np.uint8) for number in range(3)]
    assert not same(trained(patches), trained(made_patches(3, codes=codes)))


def test_the_same_arguments_give_the_same_weights() -> None:
    patches = made_patches(3)
    assert same(trained(patches), trained(patches))
    assert not same(trained(patches), trained(patches, recipe=replace(QUICK, seed=1)))


@pytest.mark.parametrize("optimiser", ["adamw", "sgd"])
def test_a_killed_training_goes_on_to_the_same_weights(tmp_path: Path, optimiser: str) -> None:
    patches, recipe = made_patches(5), replace(QUICK, optimiser=optimiser, validations=3)
    train_on, judged = patches.chosen([0, 1, 2]), patches.chosen([3, 4])
    whole = trained(train_on, steps=9, recipe=recipe, held_out=judged)
    checkpoint = tmp_path / "made.checkpoint"

    def killed(share: float, told: str) -> None:
        if share > 0.5:
            raise KeyboardInterrupt

    options = {"steps": 9, "recipe": recipe, "held_out": judged, "checkpoint": checkpoint, "between": 0.0}
    with pytest.raises(KeyboardInterrupt):
        trained(train_on, **options, progress=killed)
    steps: list[float] = []
    resumed = trained(train_on, **options, progress=lambda share, told: steps.append(share))
    assert len(steps) == 4
    assert same(whole, resumed)
    assert [row["step"] for row in resumed.history.scores] == [3, 6, 9]
    assert resumed.history.document()["losses"][0] | {"seconds": 0} == whole.history.losses[0] | {
        "seconds": 0
    }


def test_a_checkpoint_of_another_training_is_refused(tmp_path: Path) -> None:
    checkpoint = tmp_path / "made.checkpoint"
    trained(made_patches(3), checkpoint=checkpoint, between=0.0)
    for patches, recipe in ((made_patches(4), QUICK), (made_patches(3), replace(QUICK, seed=3))):
        with pytest.raises(ModelError, match="was begun with other patches, settings"):
            trained(patches, recipe=recipe, checkpoint=checkpoint)
    checkpoint.write_bytes(checkpoint.read_bytes()[:200])
    with pytest.raises(ModelError, match="is damaged"):
        trained(made_patches(3), checkpoint=checkpoint)


def test_the_budget_of_time_is_obeyed_and_the_rate_follows_it() -> None:
    patches, ticks = made_patches(3), iter(range(10_000))
    done = train(
        prepared(patches),
        patches,
        recipe=QUICK,
        budget=Budget(seconds=60),
        device="cpu",
        clock=lambda: float(next(ticks)),  # each look at the clock is a second
    )
    assert 20 <= done.steps <= 60
    assert done.seconds >= 60
    rates = [row["rate"] for row in done.history.losses]
    assert max(rates) > 0.99 * QUICK.rate
    assert rates[-1] < 0.02 * QUICK.rate


def test_it_stops_where_held_out_zones_say_that_it_is_enough() -> None:
    patches = made_patches(3)
    noise = made_patches(
        2, codes=[np.random.default_rng(n).integers(1, 20, (64, 64), np.uint8) for n in (0, 1)]
    )
    recipe = replace(QUICK, rate=1e-9, validations=80, patience=3)
    done = trained(patches, steps=80, recipe=recipe, held_out=noise)
    assert done.stopped_early
    assert done.steps < 80
    assert done.steps == done.history.scores[-1]["step"]
    assert done.history.kept_step < done.steps
    assert done.score is not None
    assert round(done.score.mean_iou, 5) == max(row["mean_iou"] for row in done.history.scores)


def test_a_network_learns_what_is_plain_to_see() -> None:
    patches = made_patches(6)
    done = trained(
        patches.chosen([0, 1, 2, 3]),
        steps=60,
        recipe=replace(QUICK, batch=4, crop=48, rate=1e-2),
        held_out=patches.chosen([4, 5]),
    )
    assert done.score is not None
    assert done.score.accuracy > 0.6
    assert done.history.losses[-1]["loss"] < 0.6 * done.history.losses[0]["loss"]


def test_few_zones_leave_batch_norm_as_the_first_model_had_it() -> None:
    patches = made_patches(3)
    first = prepared(patches)
    running = first.network.stem[1].running_mean.clone()
    begun = (first.card, first.network)
    for recipe, kept in ((QUICK, True), (replace(QUICK, frozen_below=2), False)):
        done = train(
            prepared(patches, recipe, begin=begun),
            patches,
            recipe=recipe,
            budget=Budget(steps=2),
            device="cpu",
        )
        assert done.frozen == kept
        assert torch.equal(done.weights["stem.1.running_mean"], running) == kept
        assert not torch.equal(done.weights["stem.0.weight"], first.network.stem[0].weight)


def test_an_encoder_learns_as_slowly_as_it_is_told_whatever_it_is_called() -> None:
    patches, parts = made_patches(2), ("encoder", "backbone", "decoder")
    made = replace(
        prepared(patches), network=nn.ModuleDict({name: nn.Conv2d(5, 5, 1, bias=False) for name in parts})
    )
    learner = Learner(made, patches, replace(QUICK, encoder_factor=0.1), "cpu")
    factors = {
        id(one): group["factor"] for group in learner.optimiser.param_groups for one in group["params"]
    }
    assert [factors[id(made.network[name].weight)] for name in parts] == [0.1, 0.1, 1.0]


def test_classes_that_nobody_labelled_are_untrained() -> None:
    card = prepared(made_patches(3)).card
    assert set(card.classes) - set(card.untrained) == {
        FLAIR.by_code(code).key for code in (1, 3, 5, 7, 10, 11) if made_patches(3).class_pixels[code]
    }


def test_bands_that_no_patch_has_are_done_without_if_they_may() -> None:
    recipe = replace(QUICK, band_dropout=0.5, band_sets=(("R", "G", "B"), ("NIR", "R", "G")))
    first = prepared(made_patches(3), recipe)
    assert [band.optional for band in first.card.bands] == [False, False, True, True, True]
    begun = (first.card, first.network)
    then = prepared(made_patches(3, bands=("G", "R", "B")), begin=begun).card
    assert [(band.name, band.optional) for band in then.bands] == [
        ("R", False),
        ("G", False),
        ("B", False),
        ("NIR", True),
        ("E", True),
    ]
    with pytest.raises(ModelError, match="begin with another model, or none"):
        prepared(
            patch_set([np.zeros((1, 64, 64), np.uint8)], [np.ones((64, 64), np.uint8)], ("P",)), begin=begun
        )


def test_bands_are_normalised_as_the_first_model_did_or_anew() -> None:
    others = made_patches(3)
    first = prepared(made_patches(3, seed=9))
    for statistics in ("model", "patches"):
        recipe = replace(QUICK, statistics=statistics)
        bands = prepared(others, recipe, begin=(first.card, first.network)).card.bands
        assert (bands == first.card.bands) == (statistics == "model")
        assert (bands == prepared(others, recipe).card.bands) == (statistics == "patches")


def test_scores_are_those_of_a_confusion_matrix_made_by_hand() -> None:
    score = score_of(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    assert score.mean_iou == pytest.approx((3 / 4 + 4 / 5) / 2)
    assert score.accuracy == 7 / 8
    assert score_of(np.zeros((2, 2), np.int64)).mean_iou == 0


def test_the_curves_are_a_picture() -> None:
    rows = [{"step": n, "seconds": n, "rate": 1e-3 / n, "loss": 1 / n} for n in range(1, 9)]
    scores = [{"step": n, "seconds": n, "mean_iou": n / 9, "accuracy": n / 8} for n in range(1, 9)]
    for history in (History(losses=rows, scores=scores, kept_step=8), History(losses=rows)):
        picture = draw_curves(history)
        assert picture is not None
        assert picture.startswith(b"\x89PNG")
