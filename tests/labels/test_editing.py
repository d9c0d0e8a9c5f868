from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from affine import Affine

from workbench.errors import EditRefused
from workbench.geo.grid import PixelGrid, Window
from workbench.labels.annotation import AnnotationStore
from workbench.labels.editing import Given, absorbing, filling, given_of, painting, shielding
from workbench.labels.edits import OPEN, PROTECTED, Provenance, assign
from workbench.nomenclature import Nomenclature, load_nomenclature

GRID = PixelGrid(crs="EPSG:2154", transform=Affine(0.2, 0, 0, 0, -0.2, 0), height=12, width=16)
WHOLE = (GRID.whole, np.ones(GRID.shape, bool))
MADE = Provenance(tool="pick")


@pytest.fixture
def flair() -> Nomenclature:
    return load_nomenclature("flair-19")


@pytest.fixture
def store(tmp_path: Path, flair: Nomenclature) -> Iterator[AnnotationStore]:
    footprint = np.ones(GRID.shape, bool)
    footprint[:, 14:] = False
    with AnnotationStore.open(
        tmp_path / "journal",
        zone_id="D051_2019/Z1_AA",
        grid=GRID,
        footprint=footprint,
        nomenclature=flair,
        author="marie",
    ) as opened:
        yield opened


def drawn(store: AnnotationStore, picture: str, codes: dict[str, Given]) -> None:
    """Label a zone as a picture of letters says; '.' stays as it is."""
    rows = picture.split()
    letters = np.full(GRID.shape, ".")
    for row, line in enumerate(rows):
        letters[row, : len(line)] = list(line)
    store.apply_all(painting((GRID.whole, letters == letter), given, MADE) for letter, given in codes.items())


def test_what_a_key_gives_is_a_class_an_upper_class_or_nothing(flair: Nomenclature) -> None:
    assert given_of(flair, "water") == Given(code=5)
    assert given_of(flair, "woody_vegetation") == Given(code=17, upper="woody_vegetation")
    assert given_of(flair, "mineral_ground") == Given(code=0, upper="mineral_ground")
    assert given_of(flair, "unlabelled") == Given(code=0)


def test_filling_labels_what_has_no_label_and_leaves_upper_classes_and_protected_pixels(
    store: AnnotationStore, flair: Nomenclature
) -> None:
    drawn(store, "aab uu", {"a": Given(code=1)})
    store.apply(
        painting(
            (Window(row=0, col=2, height=1, width=1), np.ones((1, 1), bool)),
            Given(code=0, upper="mineral_ground"),
            MADE,
        )
    )
    store.apply(shielding(store, (Window(row=0, col=3, height=1, width=1), np.ones((1, 1), bool))))
    store.apply(filling(store, WHOLE, given_of(flair, "water"), MADE))
    assert store.labels[0, :5].tolist() == [1, 1, 0, 0, 5]
    assert (store.labels[1:, :14] == 5).all()
    assert not store.labels[:, 14:].any()
    with pytest.raises(EditRefused, match="unlabelled there is protected"):
        filling(store, WHOLE, given_of(flair, "water"), MADE)


def test_filling_where_all_is_labelled_is_refused(store: AnnotationStore) -> None:
    store.apply(assign(*WHOLE[::-1], 3, MADE))
    with pytest.raises(EditRefused, match="labelled already"):
        filling(store, WHOLE, Given(code=5), MADE)
    with pytest.raises(EditRefused, match="name a class"):
        filling(store, WHOLE, Given(code=0), MADE)


def test_slivers_go_into_the_neighbour_with_the_longest_border(
    store: AnnotationStore, flair: Nomenclature
) -> None:
    picture = """
        aaaaaaaabbbbbb
        aaaaaaaabbbbbb
        aaaaaacbbbbbbb
        aaaaaaccbbbbbb
        aaaaaaaabbbbbb
    """
    drawn(store, picture, {"a": Given(code=1), "b": Given(code=2), "c": Given(code=5)})
    window = Window(row=0, col=0, height=5, width=14)
    store.apply_all(absorbing(store, flair, (window, np.ones(window.shape, bool)), smallest=4))
    # The corner of c has 4 edgels to a (left and below) and 3 to b: all of it becomes a.
    assert store.labels[2:4, 5:9].tolist() == [[1, 1, 2, 2], [1, 1, 1, 2]]
    assert store.last_own is not None
    assert store.last_own.tool == "absorb"


def test_a_heap_of_slivers_ends_in_what_surrounds_it_and_holes_close(
    store: AnnotationStore, flair: Nomenclature
) -> None:
    store.apply(assign(*WHOLE[::-1], 1, MADE))
    heap = np.zeros(GRID.shape, np.uint8)
    heap[4:7, 4:7] = [[2, 3, 2], [3, 0, 3], [2, 3, 2]]
    for code in (2, 3):
        store.apply(assign(heap == code, GRID.whole, code, MADE))
    store.apply(assign((np.arange(12)[:, None] == 5) & (np.arange(16) == 5), GRID.whole, 0, MADE))
    store.apply_all(absorbing(store, flair, WHOLE, smallest=3))
    assert (store.labels[:, :14] == 1).all()


def test_slivers_outside_the_region_or_protected_stay(store: AnnotationStore, flair: Nomenclature) -> None:
    store.apply(assign(*WHOLE[::-1], 1, MADE))
    specks = [(1, 1), (5, 5), (9, 9)]
    for row, col in specks:
        store.apply(assign(np.ones((1, 1), bool), Window(row=row, col=col, height=1, width=1), 7, MADE))
    store.apply(shielding(store, (Window(row=5, col=5, height=1, width=1), np.ones((1, 1), bool))))
    region = Window(row=0, col=0, height=7, width=14), np.ones((7, 14), bool)
    store.apply_all(absorbing(store, flair, region, smallest=10))
    assert [int(store.labels[place]) for place in specks] == [1, 7, 7]
    with pytest.raises(EditRefused, match="no sliver of fewer than 10"):
        absorbing(store, flair, region, smallest=10)


def test_a_sliver_of_an_upper_class_gives_it_on(store: AnnotationStore, flair: Nomenclature) -> None:
    upper = given_of(flair, "woody_vegetation")
    store.apply(painting(WHOLE, upper, MADE))
    store.apply(assign(np.ones((1, 1), bool), Window(row=3, col=3, height=1, width=1), 7, MADE))
    store.apply_all(absorbing(store, flair, WHOLE, smallest=2))
    numbers, keys = store.uppers()
    assert keys == ("woody_vegetation",)
    assert (numbers[:, :14] == 1).all()
    assert (store.labels[:, :14] == 17).all()


def test_protecting_a_region_again_lets_it_be_painted(store: AnnotationStore) -> None:
    region = Window(row=2, col=2, height=3, width=4), np.ones((3, 4), bool)
    store.apply(shielding(store, region))
    assert (store.protected_in(region[0]) == PROTECTED).all()
    # Of a region that is protected in part the rest is protected, too.
    wider = Window(row=2, col=2, height=3, width=6), np.ones((3, 6), bool)
    store.apply(shielding(store, wider))
    assert (store.protected_in(wider[0]) == PROTECTED).all()
    store.apply(shielding(store, wider))
    assert (store.protected_in(wider[0]) == OPEN).all()
