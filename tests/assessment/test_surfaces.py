from __future__ import annotations

import numpy as np
import pytest
from made_orthos import made_image
from numpy.typing import NDArray

from sample_data import make_scene
from workbench.assessment.closing import Closing, check_closing
from workbench.assessment.findings import Finding, Kind
from workbench.nomenclature import load_nomenclature

FLAIR = load_nomenclature("flair-19")
BANDS = ("R", "G", "B", "NIR", "E")
BUILDING, SEALED, WATER, DECIDUOUS, GRASS, POOL, GREENHOUSE = 1, 3, 5, 7, 10, 13, 18


def check(codes: NDArray[np.uint8], image: NDArray[np.uint8], bands: tuple[str, ...] = BANDS) -> Closing:
    chosen = {name: image[BANDS.index(name)] for name in bands}
    return check_closing(codes, np.ones(codes.shape, np.bool_), chosen, FLAIR)


def of_kind(found: Closing, kind: Kind) -> list[Finding]:
    return [one for one in found.found if one.kind == kind]


def town() -> NDArray[np.uint8]:
    """Return codes of a lawn with a street, a house, a lake and a wood."""
    codes = np.full((300, 300), GRASS, np.uint8)
    codes[100:130] = SEALED
    codes[30:70, 40:90] = BUILDING
    codes[160:280, 20:140] = WATER
    codes[160:280, 200:280] = DECIDUOUS
    return codes


@pytest.fixture(scope="module")
def image() -> NDArray[np.uint8]:
    return made_image(town())


def test_true_labels_are_quiet(image: NDArray[np.uint8]) -> None:
    assert check(town(), image) == Closing(found=(), left_out=())


@pytest.mark.parametrize("water", [WATER, POOL])
def test_a_roof_as_water_stands_up(image: NDArray[np.uint8], water: int) -> None:
    codes = town()
    codes[30:70, 40:90] = water
    (found,) = check(codes, image).found
    assert (found.kind, found.code) == ("tall-water", water)
    assert found.measured == pytest.approx(6, abs=0.3)
    assert found.limit == 2
    assert found.pixels > 0.9 * 40 * 50
    assert "6.0 m above ground" in found.told


def test_a_wood_that_leans_over_the_lake_is_found_in_it(image: NDArray[np.uint8]) -> None:
    codes = town()
    codes[200:240, 140:230] = WATER
    (found,) = of_kind(check(codes, image), "tall-water")
    assert found.window.col in range(198, 203), "only what stands up is found, not the lake"


def test_noise_of_the_height_on_water_is_none(image: NDArray[np.uint8]) -> None:
    noisy = image.copy()
    noisy[4, 180:250, 30:100] = 200
    assert check(town(), noisy).found == ()


def test_a_dark_roof_as_water_is_found_as_it_stands_up_as_a_whole(image: NDArray[np.uint8]) -> None:
    dark, codes = image.copy(), town()
    dark[3, 30:70, 40:90] = 20
    codes[30:70, 40:90] = WATER
    assert [one.kind for one in check(codes, dark).found] == ["tall-water"]


def test_a_lawn_as_sealed_ground_is_green(image: NDArray[np.uint8]) -> None:
    codes = town()
    codes[0:28, 150:200] = SEALED
    (found,) = check(codes, image).found
    assert (found.kind, found.code, found.limit < found.measured) == ("green-impervious", SEALED, True)
    assert found.window.row == 0


def test_what_is_green_is_measured_against_the_zone_itself(image: NDArray[np.uint8]) -> None:
    """A picture whose NIR is weak has a low NDVI everywhere."""
    weak, codes = image.copy(), town()
    weak[3] = weak[3] // 2
    codes[0:28, 150:200] = SEALED
    assert [one.kind for one in check(codes, weak).found] == ["green-impervious"]
    assert check(town(), weak).found == ()


def test_a_street_as_building_is_flat_and_a_house_with_a_narrow_flat_side_is_not(
    image: NDArray[np.uint8],
) -> None:
    codes, leaning = town(), image.copy()
    leaning[4, 30:70, 79:90] = 0
    assert check(codes, leaning).found == ()
    codes[100:130, :150] = BUILDING
    (found,) = check(codes, image).found
    assert (found.kind, found.measured, found.limit) == ("flat-building", 0, 1.5)
    assert found.named == ("building",)


def test_a_greenhouse_may_be_lower_than_a_building(image: NDArray[np.uint8]) -> None:
    codes, low = town(), image.copy()
    low[4, 30:70, 40:90] = 6  # 1.2 m
    assert [one.kind for one in check(codes, low).found] == ["flat-building"]
    codes[30:70, 40:90] = GREENHOUSE
    assert check(codes, low).found == ()


@pytest.mark.parametrize(
    ("bands", "left"),
    [
        (BANDS, []),
        (("R", "G", "B"), ["tall-water", "green-impervious", "flat-building"]),
        (("R", "G", "B", "NIR"), ["tall-water", "flat-building"]),
        (("E",), ["tall-water", "green-impervious"]),
        ((), ["tall-water", "green-impervious", "flat-building"]),
    ],
)
def test_checks_without_their_bands_are_left_out_and_said(
    image: NDArray[np.uint8], bands: tuple[str, ...], left: list[str]
) -> None:
    codes = town()
    codes[100:130, :150] = BUILDING
    found = check(codes, image, bands)
    assert [kind for kind, _ in found.left_out] == left
    assert len(of_kind(found, "flat-building")) == ("E" in bands)
    assert all("no band" in reason for _, reason in found.left_out)


def test_a_zone_of_nothing_but_water_says_nothing_about_land(image: NDArray[np.uint8]) -> None:
    assert check(np.full((50, 50), WATER, np.uint8), image[:, 200:250, 40:90]).found == ()


def test_a_scene_is_quiet_and_its_roofs_and_lawns_are_found_under_a_wrong_class() -> None:
    scene = make_scene(seed=6, height=512, theme="UH")
    kinds = {one.kind for one in check(scene.classes, scene.image).found}
    assert not kinds & {"tall-water", "green-impervious", "flat-building"}
    for true, wrong, kind, least in (
        (BUILDING, WATER, "tall-water", 400),
        (GRASS, SEALED, "green-impervious", 900),
        (SEALED, BUILDING, "flat-building", 1600),
    ):
        objects = scene.objects[scene.classes == true]
        ids, sizes = np.unique(objects, return_counts=True)
        one = scene.objects == ids[sizes >= least][0]
        found = check(np.where(one, np.uint8(wrong), scene.classes), scene.image).found
        hits = [f for f in found if f.kind == kind]
        assert hits
        assert all((f.mask.decode() & one[f.window.slices]).any() for f in hits)
