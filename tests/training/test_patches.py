"""Patches, held-out zones, budgets: what is decided before a network learns."""

from __future__ import annotations

import numpy as np
import pytest
from made_patches import QUICK, made_patches

from workbench.errors import ModelError
from workbench.inference.card import Band
from workbench.training import Budget, LabelledPixels, PatchSet, Recipe, hold_out
from workbench.training.budget import one_cycle
from workbench.training.patches import PatchCache
from workbench.training.sampling import MASKED, CropSampler

ZONES = [f"D{number % 4:03}_2020/Z{number}_AA" for number in range(40)]
PLAIN = (
    Band(name="R", mean=0, std=1),
    Band(name="P", mean=0, std=1, optional=True),
    Band(name="E", mean=0, std=1),
)


def one_to_one(codes: range = range(1, 20)) -> np.ndarray:
    table = np.full(256, MASKED, np.uint8)
    table[list(codes)] = np.arange(len(codes))
    return table


def zones_of(pixels: np.ndarray) -> PatchSet:
    """Return patches, one per zone, of which only the counts are known."""
    return PatchSet(
        zones=tuple(ZONES[: len(pixels)]),
        bands=(("R",),) * len(pixels),
        pixels=np.asarray(pixels, np.int32),
        shape=(8, 8),
        resolution=0.2,
        read=made_patches().read,
    )


def test_a_fifth_of_the_zones_is_held_out_and_hangs_on_ids_alone() -> None:
    patches = zones_of(np.ones((40, 4)))
    held = hold_out(patches)
    assert len(held) == 8
    assert held == hold_out(patches.chosen(range(39, -1, -1)))
    assert held != hold_out(patches, seed=1)
    assert hold_out(patches.chosen([0, 1])) == frozenset()
    assert len(hold_out(patches.chosen([0, 1, 2]))) == 1


@pytest.mark.parametrize("seed", range(5))
def test_the_only_zone_of_a_class_is_held_out_last(seed: int) -> None:
    pixels = np.ones((10, 6))
    pixels[1:, 2], pixels[[0, *range(2, 10)], 5] = 0, 0  # class 2 only in zone 0, class 5 only in zone 1
    pixels[:8, 3] = 0  # and class 3 in two: one of them may go
    held = hold_out(zones_of(pixels), seed=seed, share=0.4)
    assert not held & {ZONES[0], ZONES[1]}
    assert not {ZONES[8], ZONES[9]} <= held


def test_no_zone_is_both_learned_from_and_judged_on() -> None:
    patches = made_patches(3)
    many = patches.chosen([0, 1, 2, 0, 1, 2])
    held = hold_out(many)
    train, judged = many.of_zones(set(many.zone_ids) - held), many.of_zones(held)
    assert not set(train.zones) & set(judged.zones)
    assert (len(train), len(judged)) == (4, 2)
    assert np.array_equal(judged.read(1).codes, patches.read(many.zones.index(judged.zones[0])).codes)


def test_the_cache_keeps_what_was_asked_for_last_within_its_bytes() -> None:
    reads: list[int] = []

    def read(number: int) -> LabelledPixels:
        reads.append(number)
        return LabelledPixels(image=np.zeros((5, 10, 10), np.uint8), codes=np.zeros((10, 10), np.uint8))

    cache = PatchCache(read, most=1300)
    for number in (0, 1, 0, 2, 0, 1):
        cache(number)
    assert reads == [0, 1, 2, 1], "two of 600 bytes fit, the one unused for longest goes"
    assert cache.held == 1200


def test_a_set_with_parts_missing_is_refused() -> None:
    with pytest.raises(ModelError, match="4 zones, 3 lists of bands"):
        PatchSet(
            zones=tuple(ZONES[:4]),
            bands=(("R",),) * 3,
            pixels=np.zeros((4, 20), np.int32),
            shape=(8, 8),
            resolution=0.2,
            read=made_patches().read,
        )


def test_rare_classes_are_drawn_as_often_as_others() -> None:
    codes = [np.full((64, 64), 10, np.uint8) for _ in range(20)]
    codes[7][3, 60] = 13  # one pixel of a pool in 80,000
    patches = made_patches(20, codes=codes)
    with_pool = {}
    for balance in (0.0, 1.0):
        recipe = Recipe(batch=64, crop=16, balance=balance)
        sampler = CropSampler(patches, bands=PLAIN, output_of=one_to_one(), recipe=recipe)
        with_pool[balance] = sum(
            (sampler.crops(step).outputs == 12).any(axis=(1, 2)).mean() for step in range(3)
        )
    assert with_pool[0.0] / 3 < 0.1
    assert with_pool[1.0] / 3 > 0.4


def test_every_crop_has_a_pixel_to_learn_from() -> None:
    codes = [np.zeros((64, 64), np.uint8) for _ in range(3)]
    codes[1][60, 2], codes[2][5, 5] = 3, 19
    patches = made_patches(3, codes=codes)
    sampler = CropSampler(
        patches, bands=PLAIN, output_of=one_to_one(range(1, 19)), recipe=Recipe(batch=32, crop=16)
    )
    crops = sampler.crops(0)
    assert (crops.outputs == 2).any(axis=(1, 2)).all(), "the only pixel of a class that is learned"
    assert np.unique(crops.outputs).tolist() == [2, MASKED]


def test_crops_are_turned_with_their_labels() -> None:
    patches = made_patches(1, codes=[np.arange(1, 17, dtype=np.uint8).repeat(256).reshape(64, 64)])
    shown = patches.read(0)
    shown.image[:] = shown.codes
    crops = CropSampler(patches, bands=PLAIN, output_of=one_to_one(), recipe=Recipe(batch=32, crop=16)).crops(
        5
    )
    assert np.array_equal(crops.images[..., 0], crops.outputs + 1)
    assert len({crop.tobytes() for crop in crops.images}) > 8


def test_a_band_that_is_not_there_is_nought_and_heights_have_no_light() -> None:
    crops = CropSampler(
        made_patches(2), bands=PLAIN, output_of=one_to_one(), recipe=Recipe(batch=16, crop=16)
    ).crops(0)
    assert not crops.contrast[:, 1].any()
    assert not crops.brightness[:, 1].any()
    assert (crops.contrast[:, 2] == 1).all()
    assert np.ptp(crops.contrast[:, 0]) > 0


def test_crops_are_reduced_to_sets_of_bands() -> None:
    bands = tuple(Band(name=name, mean=0, std=1) for name in ("R", "G", "B", "NIR", "E"))
    recipe = Recipe(batch=64, crop=16, band_dropout=0.5, band_sets=(("R", "G", "B"), ("NIR", "R", "G")))
    crops = CropSampler(made_patches(2), bands=bands, output_of=one_to_one(), recipe=recipe).crops(0)
    there = (crops.contrast != 0).astype(int)
    kinds = {tuple(row) for row in there.tolist()}
    assert kinds == {(1, 1, 1, 1, 1), (1, 1, 1, 0, 0), (1, 1, 0, 1, 0)}
    assert 0.3 < (there.sum(axis=1) == 5).mean() < 0.7
    assert [recipe.spares(band.name) for band in bands] == [False, False, True, True, True]


def test_the_crops_of_a_step_hang_on_the_seed_and_the_step_alone() -> None:
    sampler = CropSampler(made_patches(), bands=PLAIN, output_of=one_to_one(), recipe=QUICK)
    stream = sampler.batches(3)
    third, fourth = next(stream), next(stream)
    stream.close()
    assert np.array_equal(third.images, sampler.crops(3).images)
    assert np.array_equal(fourth.outputs, sampler.crops(4).outputs)
    assert not np.array_equal(third.images, fourth.images)


def test_patches_without_a_pixel_to_learn_from_are_refused() -> None:
    patches = made_patches(2, codes=[np.zeros((64, 64), np.uint8)] * 2)
    with pytest.raises(ModelError, match="no labelled pixel"):
        CropSampler(patches, bands=PLAIN, output_of=one_to_one(), recipe=QUICK)


def test_the_rate_rises_then_falls_to_nearly_nothing() -> None:
    rates = [one_cycle(spent) for spent in np.linspace(0, 1, 41)]
    assert rates[:11] == sorted(rates[:11])
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert max(rates) == 1
    assert rates[-1] < 0.001


def test_a_budget_ends_with_what_is_used_up_first() -> None:
    budget = Budget(steps=100, seconds=60)
    assert budget.spent(step=50, seconds=6) == 0.5
    assert budget.spent(step=50, seconds=600) == 1


@pytest.mark.parametrize("budget", [{}, {"steps": 0}, {"seconds": 0.0}, {"seconds": float("nan")}])
def test_a_budget_of_nothing_is_refused(budget: dict[str, float]) -> None:
    with pytest.raises(ModelError, match="trains nothing"):
        Budget(**budget)
