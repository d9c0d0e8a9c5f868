"""Noise, domes and cells: the parts that scenes are made of."""

from __future__ import annotations

import importlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.workflows.demo import load_sample_maker

maker = load_sample_maker()
textures = importlib.import_module(f"{maker.__name__}.textures")
layout = importlib.import_module(f"{maker.__name__}.layout")
pieces = importlib.import_module(f"{maker.__name__}.pieces")
truth = importlib.import_module(f"{maker.__name__}.truth")


def cut_up(seed, shape=(200, 260), area=4000.0):
    ground = layout.Ground(shape, textures.stream(seed, 1))
    rng = textures.stream(seed, 2)
    cells, cuts = layout.subdivide(
        ground.frame,
        rng,
        area=lambda: area * rng.uniform(0.5, 1.5),
        border=lambda depth: ("road", 12.0),
        jitter=0.3,
    )
    return ground, cells, cuts


def test_normal_noise_has_mean_0_and_deviation_1():
    noise = textures.normal(textures.stream(1), (300, 301))
    assert noise.dtype == np.float32
    assert abs(noise.mean()) < 0.02
    assert noise.std() == pytest.approx(1, abs=0.02)
    assert abs(np.corrcoef(noise[:, 1:].ravel(), noise[:, :-1].ravel())[0, 1]) < 0.02


@pytest.mark.parametrize("period", [1.5, 4.0, 9.0])
def test_smooth_noise_keeps_its_deviation_and_varies_over_its_period(period):
    noise = textures.smooth_noise(textures.stream(1), (400, 400), period)
    assert noise.std() == pytest.approx(1, abs=0.12)
    far, near = 4 * round(period), max(1, round(period / 3))
    assert abs(np.corrcoef(noise[:, far:].ravel(), noise[:, :-far].ravel())[0, 1]) < 0.15
    assert np.corrcoef(noise[:, near:].ravel(), noise[:, :-near].ravel())[0, 1] > 0.5


def test_domes_rise_to_1_and_stand_only_where_they_may():
    alive = np.zeros((120, 90), dtype=bool)
    alive[:, :45] = True
    height, tone = textures.domes(textures.stream(1), alive.shape, 12, alive=alive)
    assert height.min() >= 0
    assert 0.9 < height.max() <= 1
    assert (height[:, 60:] == 0).all()
    assert (height[:, :40] > 0).mean() > 0.5
    assert tone[height > 0].min() >= -1


@given(position=st.floats(-1e3, 1e3))
def test_a_hump_is_a_wave_of_period_1(position):
    wave = textures.hump(np.array([position, position + 1, position + 0.5]))
    assert wave[0] == pytest.approx(wave[1], abs=1e-6)
    assert wave[0] == pytest.approx(-wave[2], abs=1e-6)
    assert abs(wave[0]) <= 1


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_cells_cover_every_pixel_once(seed):
    ground, cells, _ = cut_up(seed)
    count = np.zeros(ground.shape, int)
    for cell in cells:
        piece = pieces.piece_of(ground, cell)
        if piece is not None:
            count[piece.window.slices] += piece.mask
    assert (count == 1).all()


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_blocks_of_a_strip_are_its_pixels_within_half_its_width(seed):
    ground, _, cuts = cut_up(seed, shape=(700, 90), area=20_000)
    for cut in cuts[:3]:
        inside = cut.parent.mask(ground, whole := layout.Window(row=0, col=0, height=700, width=90))
        near = np.abs(ground.distance(cut.line, whole)) < cut.half_width
        found = np.zeros(ground.shape, dtype=bool)
        for piece in pieces.blocks_of(ground, cut.strip):
            assert not (found[piece.window.slices] & piece.mask).any()
            found[piece.window.slices] |= piece.mask
        assert (found != (inside & near)).mean() < 1e-4


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000), row=st.floats(30, 170), col=st.floats(30, 230))
def test_image_point_undoes_the_warp(seed, row, col):
    ground = layout.Ground((200, 260), textures.stream(seed, 1))
    at_row, at_col = ground.image_point(row, col)
    if 0 <= at_row < 200 and 0 <= at_col < 260:
        pixel = int(at_row), int(at_col)
        assert float(ground.rows[pixel]) == pytest.approx(row, abs=1.5)
        assert float(ground.cols[pixel]) == pytest.approx(col, abs=1.5)


@settings(max_examples=20)
@given(seed=st.integers(0, 10_000))
def test_halves_of_a_cell_share_its_area(seed):
    _, cells, cuts = cut_up(seed)
    assert sum(cell.area for cell in cells) == pytest.approx(cuts[0].parent.area)


def test_crumbs_go_to_a_neighbour_and_parts_that_do_not_touch_are_told_apart():
    painted = np.full((40, 40), 7, np.uint32)
    painted[:, 20:22] = 9
    painted[5:8, 5:8] = 4
    classes = np.where(painted == 7, 10, np.where(painted == 9, 3, 1)).astype(np.uint8)
    codes, objects = truth.tidy(classes, painted)
    assert objects[0, 0] == 1
    assert [objects[0, 20], objects[0, 39]] == [2, 3]
    assert (objects[5:8, 5:8] == 1).all()
    assert (codes[5:8, 5:8] == 10).all()
    assert objects.max() == 3


def test_a_truth_of_crumbs_alone_is_left_as_it_is():
    painted = np.arange(16, dtype=np.uint32).reshape(4, 4) + 1
    codes, objects = truth.tidy(np.full((4, 4), 5, np.uint8), painted)
    assert (objects.ravel() == np.arange(1, 17)).all()
    assert (codes == 5).all()
