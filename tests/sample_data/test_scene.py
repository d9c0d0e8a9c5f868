"""Synthetic scenes: the same everywhere, true to themselves, and as hard as real pixels."""

from __future__ import annotations

import hashlib
import importlib
import os
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage
from skimage.measure import label

from workbench.workflows.demo import load_sample_maker

maker = load_sample_maker()
camera = importlib.import_module(f"{maker.__name__}.camera")
canvas_module = importlib.import_module(f"{maker.__name__}.canvas")
style_module = importlib.import_module(f"{maker.__name__}.style")
Code = style_module.Code

GOLDEN = "65efcd39785f79dd87c82d5756910b861b50e4d43e40a46a6bf2fb92b9817ba0"


@cache
def scene(theme, seed=3, size=384):
    return maker.make_scene(seed=seed, height=size, theme=theme)


def digest(made):
    return hashlib.sha256(made.image.tobytes() + made.classes.tobytes() + made.objects.tobytes()).hexdigest()


def assert_sound(made, shape):
    """Every pixel has a class and an object; objects are numbered, whole and of one class."""
    assert made.image.shape == (5, *shape)
    assert made.image.dtype == made.classes.dtype == np.uint8
    assert made.objects.dtype == np.uint32
    assert made.classes.shape == made.objects.shape == made.shape == shape
    assert made.classes.min() >= 1
    assert made.classes.max() <= 19
    assert np.array_equal(np.unique(made.objects), np.arange(1, made.object_count + 1))
    assert label(made.objects.astype(np.int64), connectivity=1, background=0).max() == made.object_count
    pairs = np.unique(np.stack([made.objects.ravel(), made.classes.ravel()]), axis=1)
    assert pairs.shape[1] == made.object_count


def basins(image):
    """Count drop-of-water basins: pixels lower in the gradient than their 4 neighbours, ties by index."""
    slope = np.zeros(image.shape[1:])
    for band in image[:4].astype(np.float64):
        slope = np.maximum(slope, np.hypot(ndimage.sobel(band, 0), ndimage.sobel(band, 1)))
    around = np.pad(slope, 1, constant_values=np.inf)
    here, before, after = around[1:-1, 1:-1], slice(None, -2), slice(2, None)
    low = (here < around[before, 1:-1]) & (here < around[1:-1, before])
    return int((low & (here <= around[after, 1:-1]) & (here <= around[1:-1, after])).sum())


def grass(made):
    return made.image[:4, made.classes == Code.HERBACEOUS].mean(axis=1)


def flat(code, grey=110.0, side=160):
    canvas = canvas_module.Canvas((side, side))
    canvas.paint(canvas.whole, np.ones((side, side), dtype=bool), code=code, colour=(grey,) * 4)
    return canvas


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others():
    first, again, other = (maker.make_scene(seed=seed, height=200, theme="AU") for seed in (3, 3, 4))
    assert digest(first) == digest(again)
    assert digest(first) != digest(other)


def test_bytes_do_not_depend_on_the_process_or_the_processor():
    """Without its newest instructions the processor takes NumPy's other code paths."""
    program = (
        "import hashlib; from workbench.workflows.demo import load_sample_maker\n"
        "made = load_sample_maker().make_scene(seed=3, height=200, theme='AU')\n"
        "parts = made.image.tobytes() + made.classes.tobytes() + made.objects.tobytes()\n"
        "print(hashlib.sha256(parts).hexdigest())"
    )
    features = np._core._multiarray_umath.__cpu_dispatch__
    environment = os.environ | {"PYTHONHASHSEED": "99", "NPY_DISABLE_CPU_FEATURES": " ".join(features)}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == digest(maker.make_scene(seed=3, height=200, theme="AU"))


def test_bytes_change_only_with_the_version_of_the_generator():
    """A golden copy: a change of what scenes look like raises VERSION and brings the new digest here."""
    assert maker.VERSION == 1
    assert digest(maker.make_scene(seed=7, height=160, theme="UN")) == GOLDEN


def test_the_seed_chooses_the_theme_unless_one_is_given():
    chosen = maker.make_scene(seed=11, height=64)
    assert chosen.theme in maker.THEMES
    assert digest(chosen) == digest(maker.make_scene(seed=11, height=64, theme=chosen.theme))


def test_a_scene_of_its_own_flight_has_the_bytes_that_it_has_without_one():
    alone = maker.make_scene(seed=7, height=160, theme="UN")
    assert digest(maker.make_scene(seed=7, height=160, theme="UN", flight=7)) == digest(alone)


def test_scenes_of_one_flight_are_other_land_and_look_alike():
    """Grassland has nearly the same grey levels in the scenes of one flight, and others in another's."""
    scenes = [
        [maker.make_scene(seed=seed, height=384, theme="NN", flight=flight) for seed in (1, 2, 3)]
        for flight in (20, 21, 22)
    ]
    assert not np.array_equal(scenes[0][0].classes, scenes[0][1].classes)
    looks = np.array([[grass(made) for made in flown] for flown in scenes])
    assert (looks.mean(axis=1).std(axis=0) > 1.5 * looks.std(axis=1).mean(axis=0)).all()


@pytest.mark.parametrize("shape", [(16, 16), (17, 300), (301, 40), (450, 420)], ids=str)
def test_truth_is_sound_at_any_size(shape):
    assert_sound(maker.make_scene(seed=5, height=shape[0], width=shape[1], theme="UA"), shape)


@settings(max_examples=12)
@given(
    seed=st.integers(0, 2**40),
    theme=st.sampled_from(maker.THEMES),
    height=st.integers(16, 220),
    width=st.integers(16, 220),
)
def test_truth_is_sound_for_any_seed_and_theme(seed, theme, height, width):
    assert_sound(maker.make_scene(seed=seed, height=height, width=width, theme=theme), (height, width))


@pytest.mark.parametrize(
    ("theme", "codes"),
    [
        ("AA", {Code.AGRICULTURAL, Code.PLOWED, Code.VINEYARD, Code.HERBACEOUS}),
        ("UU", {Code.BUILDING, Code.IMPERVIOUS, Code.HERBACEOUS, Code.DECIDUOUS}),
        ("FF", {Code.DECIDUOUS, Code.CONIFEROUS, Code.MIXED, Code.CLEAR_CUT}),
        ("NN", {Code.BRUSHWOOD, Code.HERBACEOUS, Code.DECIDUOUS, Code.CONIFEROUS, Code.BARE_SOIL}),
        ("HH", {Code.WATER}),
    ],
)
def test_a_theme_is_mostly_what_its_letters_say(theme, codes):
    shares = scene(theme).class_shares()
    assert sum(shares.get(code, 0) for code in codes) > (0.2 if theme == "HH" else 0.6)
    assert sum(shares.values()) == pytest.approx(1)


def test_snow_lies_only_where_it_is_asked_for():
    assert Code.SNOW not in scene("NN").class_shares()
    snowy = maker.make_scene(seed=3, height=256, theme="NN", snow=True)
    assert snowy.class_shares()[Code.SNOW] > 0.05
    assert snowy.image[:4, snowy.classes == Code.SNOW].mean() > 160


@pytest.mark.parametrize("theme", ["AA", "UU", "FF", "NN", "HN"])
@pytest.mark.parametrize("seed", [3, 8])
def test_a_scene_has_a_tenth_of_a_basin_per_pixel(theme, seed):
    made = scene(theme, seed=seed)
    assert basins(made.image) / made.classes.size >= 0.1


def test_the_noise_of_a_flat_surface_is_at_least_2_6_grey_levels():
    style = style_module.draw_style(np.random.default_rng(1))
    image = camera.expose(flat(Code.WATER), style, seed=1).astype(np.float64)
    for band in image:
        assert np.diff(band, axis=1).std() / np.sqrt(2) >= 2.6
        assert (band - ndimage.gaussian_filter(band, 12)).std() >= 2.6


def test_noise_of_bands_and_seeds_is_independent():
    style = style_module.draw_style(np.random.default_rng(1))
    one, other = (camera.expose(flat(Code.WATER), style, seed=seed).astype(np.float64) for seed in (1, 2))
    grain = [np.diff(band).ravel() for band in (*one, *other)]
    assert np.abs(np.corrcoef(grain) - np.eye(8)).max() < 0.05


def test_an_edge_is_as_soft_as_a_camera_makes_it():
    canvas = flat(Code.WATER, grey=60)
    canvas.decorate(canvas.whole, np.arange(160)[None, :] >= np.full((160, 1), 80), colour=(200,) * 4)
    profile = camera.expose(canvas, style_module.draw_style(np.random.default_rng(1)), seed=1)[0].mean(axis=0)
    spread = np.diff(profile[70:90])
    centre = (spread * np.arange(19)).sum() / spread.sum()
    deviation = np.sqrt((spread * (np.arange(19) - centre) ** 2).sum() / spread.sum())
    assert 0.5 < deviation < 1.1


def test_the_light_drifts_over_a_scene():
    style = style_module.draw_style(np.random.default_rng(1))
    canvas = flat(Code.WATER, side=1000)
    corners = ndimage.uniform_filter(camera.expose(canvas, style, seed=4)[0].astype(np.float64), 41)[
        50::225, 50::225
    ]
    assert np.ptp(corners) > 1


def test_a_tower_casts_its_shadow_away_from_the_sun():
    height = np.zeros((100, 60), np.float32)
    height[80:90, 20:40] = 6.0
    style = style_module.draw_style(np.random.default_rng(1))
    overhead = style_module.Style(
        **{name: getattr(style, name) for name in style.__slots__} | {"sun_slope": 0.0, "sun_height": 1.0}
    )
    sun = camera.light(height, np.full(height.shape, Code.IMPERVIOUS, np.uint8), overhead)
    dark = sun[:, 30] < 0.05
    assert dark[52:79].all()  # 6 m of shadow are 30 pixels
    assert not dark[:48].any()
    assert not dark[92:].any()
    assert sun[30, 5] == pytest.approx(1)


def test_buildings_stand_on_the_ground_that_roads_lie_on():
    made = scene("UU", size=512)
    metres = made.image[4] / 5
    assert 3 < np.median(metres[made.classes == Code.BUILDING]) < 20
    assert np.median(metres[made.classes == Code.IMPERVIOUS]) < 0.5
    assert np.median(metres[made.classes == Code.HERBACEOUS]) < 0.5


def test_trees_are_tall_and_a_crown_has_a_shady_side():
    made = scene("FF")
    trees = np.isin(made.classes, (Code.DECIDUOUS, Code.CONIFEROUS, Code.MIXED))
    assert 4 < np.median(made.image[4][trees] / 5) < 30
    assert made.image[0][trees].std() > 12


def test_elevation_over_water_is_the_nonsense_that_image_matching_gives():
    made = scene("HH")
    water = ndimage.binary_erosion(made.classes == Code.WATER, iterations=20)
    over_water = made.image[4][water]
    assert np.percentile(over_water, 95) > 50
    assert np.median(made.image[4][made.classes == Code.BARE_SOIL]) < 5


def test_water_is_dark_and_leaves_are_bright_in_the_near_infrared():
    water, wood = scene("HH"), scene("FF")
    assert np.median(water.image[3][water.classes == Code.WATER]) < 75
    leaves = wood.classes == Code.DECIDUOUS
    assert np.median(wood.image[3][leaves]) > np.median(wood.image[0][leaves])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"seed": -1, "height": 64}, "seed is -1"),
        ({"seed": 1, "height": 8}, "8 × 8"),
        ({"seed": 1, "height": 64, "width": 40_000}, "64 × 40000"),
        ({"seed": 1, "height": 64, "theme": "XX"}, "theme 'XX'"),
        ({"seed": 1, "height": 64, "flight": -2}, "flight is -2"),
    ],
)
def test_a_scene_that_cannot_be_is_refused_with_a_reason(arguments, words):
    with pytest.raises(ValueError, match=words):
        maker.make_scene(**arguments)
