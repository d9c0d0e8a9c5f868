"""From a checkpoint of IGN's to a predicted raster: classes and bands by name, whatever their order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from made_models import UNET, UPERNET, hub, inc, opinionated, save, state
from made_orthos import made_grid
from torch import Tensor

from workbench.geo.geotiff import write_raster
from workbench.geo.raster import inspect_raster, read_bands
from workbench.inference.architecture import Architecture
from workbench.inference.tiles import Tiling
from workbench.nomenclature import load_nomenclature
from workbench.workflows.models import import_model
from workbench.workflows.predicting import open_models, predict_file

FLAIR = load_nomenclature("flair-19")
SIDE = 64
IN_FILE = ("E", "NIR", "B", "G", "R")
"""Bands of the raster, in an order that no model has."""
PIXELS = np.random.default_rng(4).integers(0, 256, (5, SIDE, SIDE), dtype=np.uint8)
OUTPUTS = {
    "inc": {"building": 0, "coniferous": 5, "vineyard": 8, "swimming_pool": 12, "greenhouse": 17},
    "hub": {"building": 0, "coniferous": 13, "vineyard": 11, "swimming_pool": 2, "greenhouse": 1},
}
"""Numbers of outputs as IGN documents each family, from 0: not those that our own tables tell."""
STATISTICS = {
    "inc": {"R": (105.08, 52.17), "G": (110.87, 45.38), "B": (101.82, 44.0), "NIR": (106.38, 39.69)}
    | {"E": (53.26, 79.3)},
    "hub": {"R": (105.66, 52.23), "G": (111.35, 45.62), "B": (102.18, 44.3), "NIR": (106.59, 39.78)},
}
"""Mean and standard deviation, documented there, too."""
_Named = Callable[[dict[str, Tensor]], dict[str, Tensor]]


@dataclass(frozen=True, slots=True, kw_only=True)
class StandIn:
    """A checkpoint as IGN would have published it."""

    name: str
    family: str
    named: _Named
    """Calls tensors as the family's files do."""
    architecture: Architecture
    bands: tuple[str, ...]

    def imported(self, folder: Path, tensors: dict[str, Tensor]) -> Path:
        """Write a checkpoint and import it; return the model."""
        model = folder / self.name.lower().partition(".")[0]
        import_model(str(save(self.named(tensors), folder / self.name)), model)
        return model

    def firing(self, folder: Path, key: str) -> Path:
        """Return a model that says one class everywhere, which is numbered as its family does."""
        return self.imported(folder, state(self.architecture, fires=OUTPUTS[self.family][key]))


def of_inc(name: str, bands: str, *, named: _Named = inc, encoder: str = "mit_b0") -> StandIn:
    names = {"rgb": ("R", "G", "B"), "rgbi": ("R", "G", "B", "NIR"), "rgbie": ("R", "G", "B", "NIR", "E")}[
        bands
    ]
    return StandIn(
        name=f"FLAIR-INC_{bands}_15cl_{name}",
        family="inc",
        named=named,
        architecture=replace(UNET, encoder=encoder, inputs=len(names)),
        bands=names,
    )


def of_hub(name: str, bands: str, *, encoder: str = "mit_b0") -> StandIn:
    names = {"RGB": ("R", "G", "B"), "IR": ("NIR", "R", "G"), "RGBI": ("R", "G", "B", "NIR")}[bands]
    return StandIn(
        name=f"FLAIR-HUB_LC-A_{bands}_{name}",
        family="hub",
        named=hub,
        architecture=replace(UPERNET, encoder=encoder, inputs=len(names)),
        bands=names,
    )


PLAIN = of_inc("resnet34-unet_weights.pth", "rgb", named=dict)
INC = of_inc("resnet34-unet_weights.pth", "rgb")
INC_OF_FOUR = of_inc("resnet34-unet.ckpt", "rgbi")
INC_OF_FIVE = of_inc("resnet34-unet.ckpt", "rgbie")
HUB = of_hub("swintiny-upernet.safetensors", "RGB")
HUB_INFRARED = of_hub("swintiny-upernet.safetensors", "IR")
HUB_OF_FOUR = of_hub("swintiny-upernet.safetensors", "RGBI")


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def raster(tmp_path: Path) -> Path:
    """Return a raster that says what its bands show."""
    path = tmp_path / "raster.tif"
    write_raster(path, PIXELS, made_grid(SIDE, SIDE), descriptions=IN_FILE)
    return path


def predicted(
    raster: Path, output: Path, *models: Path, bands: tuple[str, ...] | None = None, **options: object
) -> np.ndarray:
    """Return the bands of the raster that is written."""
    segmenter = open_models(models, device="cpu")
    tiling = Tiling(size=SIDE, margin=0)
    done = predict_file(
        raster, output, segmenter, tiling=tiling, bands=bands, say=lambda text: None, **options
    )
    return read_bands(done.done.path)


def says(planes: np.ndarray, key: str) -> bool:
    """Tell whether a class, and no doubt of it, is written everywhere."""
    return (planes[0] == FLAIR.by_key(key).code).all() and (planes[1] == 255).all() and not planes[2:].any()


@pytest.mark.parametrize(
    ("one", "key"),
    [
        (PLAIN, "greenhouse"),
        (INC, "coniferous"),
        (INC_OF_FOUR, "greenhouse"),
        (INC_OF_FIVE, "building"),
        (HUB, "greenhouse"),
        (HUB, "building"),
        (HUB_INFRARED, "coniferous"),
        (HUB_INFRARED, "swimming_pool"),
        (HUB_OF_FOUR, "vineyard"),
    ],
    ids=lambda one: one.name if isinstance(one, StandIn) else one,
)
def test_the_class_that_fires_is_the_one_that_is_written(
    one: StandIn, key: str, raster: Path, tmp_path: Path
) -> None:
    assert says(predicted(raster, tmp_path / "p.tif", one.firing(tmp_path, key)), key)


@pytest.mark.parametrize(
    "one", [INC, INC_OF_FOUR, INC_OF_FIVE, HUB, HUB_INFRARED, HUB_OF_FOUR], ids=lambda one: one.name
)
def test_a_network_sees_the_bands_that_it_knows_normalised_as_its_family_does(
    one: StandIn, raster: Path, tmp_path: Path
) -> None:
    segmenter = open_models([one.imported(tmp_path, state(one.architecture))], device="cpu")
    seen: list[Tensor] = []
    segmenter.network.register_forward_pre_hook(lambda _, images: seen.append(images[0]))
    predict_file(
        raster, tmp_path / "p.tif", segmenter, tiling=Tiling(size=SIDE, margin=0), say=lambda text: None
    )
    for number, name in enumerate(one.bands):
        mean, std = STATISTICS[one.family][name]
        expected = (PIXELS[IN_FILE.index(name)] - mean) / std
        assert np.allclose(seen[0][0, number], expected, atol=1e-4)


def test_a_raster_that_says_nothing_is_told_its_bands(tmp_path: Path) -> None:
    pixels = np.stack([PIXELS[IN_FILE.index(name)] for name in HUB_INFRARED.bands])
    write_raster(tmp_path / "irg.tif", pixels, made_grid(SIDE, SIDE))
    write_raster(tmp_path / "all.tif", PIXELS, made_grid(SIDE, SIDE))
    model = HUB_INFRARED.imported(tmp_path, opinionated(HUB_INFRARED.architecture))
    told, chosen = (
        predicted(tmp_path / f"{name}.tif", tmp_path / f"{name}-p.tif", model, bands=bands)
        for name, bands in (("irg", HUB_INFRARED.bands), ("all", IN_FILE))
    )
    assert np.array_equal(told, chosen)
    assert len(np.unique(told[0])) > 1


def test_two_families_agree_as_a_committee_on_the_class_that_both_name(raster: Path, tmp_path: Path) -> None:
    models = [one.firing(tmp_path, "greenhouse") for one in (INC_OF_FIVE, HUB_INFRARED)]
    assert says(predicted(raster, tmp_path / "p.tif", *models), "greenhouse")


def test_a_committee_of_two_families_is_the_mean_of_what_they_say_of_each_class(
    raster: Path, tmp_path: Path
) -> None:
    models = [
        one.imported(tmp_path, opinionated(one.architecture, seed=number))
        for number, one in enumerate((INC_OF_FIVE, HUB_INFRARED))
    ]
    shares = {}
    for name, chosen in (
        ("inc", models[:1]),
        ("hub", models[1:]),
        ("both", models),
        ("turned", models[::-1]),
    ):
        path = tmp_path / f"{name}-all.tif"
        predicted(raster, tmp_path / f"{name}.tif", *chosen, probabilities=path)
        keys = inspect_raster(path).descriptions
        planes = read_bands(path, bands=[keys.index(key) + 1 for key in FLAIR.keys])
        shares[name] = planes.astype(float)
    assert np.abs(shares["inc"] - shares["hub"]).max() > 50, "they have opinions of their own"
    for name in ("both", "turned"):
        assert np.abs(shares[name] - (shares["inc"] + shares["hub"]) / 2).max() <= 1


def test_the_networks_that_ign_published_say_the_same_class(raster: Path, tmp_path: Path) -> None:
    published = (
        of_inc("resnet34-unet_weights.pth", "rgbie", encoder="resnet34"),
        of_hub("swintiny-upernet.safetensors", "IR", encoder="tu-swin_tiny_patch4_window7_224"),
    )
    models = [one.firing(tmp_path, "coniferous") for one in published]
    for number, chosen in enumerate((models[:1], models[1:], models)):
        assert says(predicted(raster, tmp_path / f"{number}.tif", *chosen), "coniferous")
