"""The checks together: what they share, whatever the kind."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_orthos import made_image

from workbench.assessment.closing import check_closing
from workbench.assessment.findings import regions
from workbench.errors import EditRefused, GridError
from workbench.geo.grid import Window
from workbench.labels.edits import Comment
from workbench.labels.op import split_payload
from workbench.labels.payloads import entry_of
from workbench.nomenclature import load_nomenclature

FLAIR = load_nomenclature("flair-19")


@settings(max_examples=40)
@given(seed=st.integers(0, 9999), cut=st.booleans())
def test_findings_lie_in_the_zone_are_of_the_pixels_they_say_and_come_largest_first(
    seed: int, cut: bool
) -> None:
    rng = np.random.default_rng(seed)
    codes = np.kron(rng.choice([0, 1, 3, 5, 10], (9, 9)), np.ones((11, 11))).astype(np.uint8)
    codes[rng.random(codes.shape) < 0.01] = 13
    footprint = np.ones(codes.shape, np.bool_)
    footprint[50:, 50:] = not cut
    bands = dict(zip(("R", "G", "B", "NIR", "E"), made_image(codes.clip(1), seed), strict=True))
    found = check_closing(codes, footprint, bands, FLAIR).found
    assert [one.pixels for one in found] == sorted((one.pixels for one in found), reverse=True)
    bare = np.zeros(codes.shape, np.bool_)
    for one in found:
        mask = np.zeros(codes.shape, np.bool_)
        mask[one.window.slices] = one.mask.decode()
        assert mask.sum() == one.pixels
        assert mask[one.row, one.col]
        assert one.contains(one.row, one.col)
        assert not (mask & ~footprint).any()
        if one.kind == "unlabelled":
            bare |= mask
    assert np.array_equal(bare, footprint & (codes == 0))
    again = check_closing(codes, footprint, bands, FLAIR).found
    assert again == found


def test_one_unlabelled_pixel_is_found() -> None:
    codes = np.full((40, 50), 10, np.uint8)
    codes[39, 0] = 0
    (found,) = check_closing(codes, np.ones(codes.shape, np.bool_), {}, FLAIR).found
    assert (found.kind, found.code, found.pixels, found.row, found.col) == ("unlabelled", 0, 1, 39, 0)


def test_a_zone_without_any_label_is_one_finding() -> None:
    codes = np.zeros((30, 30), np.uint8)
    (found,) = check_closing(codes, np.ones(codes.shape, np.bool_), {}, FLAIR).found
    assert (found.pixels, found.window) == (900, Window(row=0, col=0, height=30, width=30))


def test_rasters_of_different_shapes_are_refused() -> None:
    codes = np.ones((4, 5), np.uint8)
    with pytest.raises(GridError, match=r"band E has shape \(5, 4\), the labels have \(4, 5\)"):
        check_closing(codes, np.ones((4, 5), np.bool_), {"E": np.ones((5, 4), np.uint8)}, FLAIR)


def test_regions_are_of_one_value_and_of_a_size() -> None:
    values = np.zeros((6, 9), np.uint8)
    values[0, :4], values[1, 4], values[1, 5:8], values[5, 8] = 1, 1, 2, 2
    found = [(one.window.row, one.window.col, int(one.mask.sum())) for one in regions(values)]
    assert sorted(found) == [(0, 0, 5), (1, 5, 3), (5, 8, 1)]
    assert [int(one.mask.sum()) for one in regions(values, least=4)] == [5]
    assert list(regions(np.zeros((3, 3), np.uint8))) == []


def test_a_comment_that_justifies_nothing_has_the_payload_it_always_had() -> None:
    plain = Comment(row=1, col=2, text="spruce or larch?", question=True)
    header, _ = split_payload(entry_of(plain).payload)
    assert set(header) == {"row", "col", "text", "answers", "question", "ruling"}
    header, _ = split_payload(entry_of(Comment(row=1, col=2, text="a weir", justifies="tall-water")).payload)
    assert header["justifies"] == "tall-water"
    with pytest.raises(EditRefused, match="no kind of finding"):
        Comment(row=1, col=2, text="x", justifies="Tall water")
