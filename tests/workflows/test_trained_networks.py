"""IGN's networks in training: each learns what is plain to see, is written, opens again and predicts."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_models import UNET, UPERNET, hub, inc, save, state
from made_orthos import made_grid, made_image

from workbench.campaign import Campaign
from workbench.errors import ModelError
from workbench.geo.geotiff import write_raster
from workbench.inference.models import read_weights
from workbench.inference.networks.building import first_convolution, outline_network
from workbench.training import Recipe
from workbench.workflows.intake import add_zone
from workbench.workflows.models import import_model
from workbench.workflows.predicting import open_models
from workbench.workflows.training import TrainingDone, train_model

SWIN = "swin_tiny_patch4_window7_224"
QUICK = Recipe(rate=1e-3, batch=4, crop=48, frozen_below=0)
SURFACES = (1, 5, 10)
"""Building, water, herbaceous vegetation."""


pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """Return a campaign of two zones of squares in three colours; of two, none is held out."""
    folder = tmp_path_factory.mktemp("labelled")
    campaign = Campaign.create(folder / "campaign")
    squares = np.arange(512) // 32
    truth = np.array(SURFACES, np.uint8)[np.add.outer(squares, squares) % 3]
    for number in range(2):
        image, mask, grid = (
            folder / f"{number}.tif",
            folder / "mask.tif",
            made_grid(512, 512, col=1024 * number),
        )
        write_raster(image, made_image(truth, number), grid, level=1)
        mask.unlink(missing_ok=True)
        write_raster(mask, truth, grid)
        add_zone(campaign, image, domain="D051_2019", name=f"Z{number}_AA", mask=mask)
    return campaign


def check_learned(done: TrainingDone) -> None:
    """Prove that the loss fell, and that the model that was written sees it."""
    losses = [row["loss"] for row in done.trained.history.losses]
    assert losses[-1] < 0.5 * losses[0]
    patch, bands = done.patches.train.read(0), done.patches.train.bands[0]
    planes = [patch.image[bands.index(band.name)] for band in done.card.bands]
    tile = np.stack(planes, axis=-1)[np.newaxis, :96, :96]
    segmenter = open_models([done.directory], device="cpu")
    told = segmenter.card.codes(done.patches.nomenclature)[segmenter.predict_reduced(tile)[0, 0] - 1]
    assert set(np.unique(told)) <= set(SURFACES)
    assert (told == patch.codes[:96, :96]).mean() > 0.5


@pytest.mark.parametrize("network", ["resnet34-unet", f"{SWIN}-upernet"])
def test_a_network_learns_from_nothing(network: str, labelled: Campaign, tmp_path: Path) -> None:
    done = train_model(
        labelled.path, tmp_path / "model", network=network, recipe=QUICK, steps=12, device="cpu"
    )
    check_learned(done)
    assert done.begun_with is None
    encoder, _, name = network.rpartition("-")
    architecture = done.card.architecture
    assert (architecture.provider, architecture.network) == ("smp", name)
    assert architecture.encoder in (encoder, f"tu-{encoder}")
    assert done.card.training["recipe"] == QUICK.document()


def test_flair_hubs_upernet_learns_on(labelled: Campaign, tmp_path: Path) -> None:
    architecture = replace(UPERNET, encoder=f"tu-{SWIN}")
    checkpoint = tmp_path / "FLAIR-HUB_LC-A_IR_swintiny-upernet.safetensors"
    save(hub(state(architecture)), checkpoint)
    import_model(str(checkpoint), tmp_path / "hub")
    done = train_model(
        labelled.path,
        tmp_path / "model",
        begin=tmp_path / "hub",
        network=f"{SWIN}-upernet",
        recipe=QUICK,
        steps=12,
        device="cpu",
    )
    check_learned(done)
    assert done.begun_with == "hub"
    assert done.card.architecture == architecture, "not the UPerNet of today's smp"
    assert [band.name for band in done.card.bands] == ["NIR", "R", "G"]


@pytest.mark.parametrize("family", ["flair-inc", "flair-hub"])
def test_what_an_imported_model_knows_stays_under_its_name(
    family: str, labelled: Campaign, tmp_path: Path
) -> None:
    named, architecture, name = {
        "flair-inc": (inc, replace(UNET, inputs=4), "FLAIR-INC_rgbi_15cl_x.pth"),
        "flair-hub": (hub, UPERNET, "FLAIR-HUB_LC-A_RGB_x.safetensors"),
    }[family]
    weights = state(architecture)
    save(named(weights), tmp_path / name)
    first = import_model(str(tmp_path / name), tmp_path / "first").card
    gentle = replace(QUICK, rate=1e-5)
    done = train_model(
        labelled.path, tmp_path / "then", begin=tmp_path / "first", recipe=gentle, steps=2, device="cpu"
    )
    assert done.begun_with == "first"
    assert done.card.bands == first.bands
    assert (done.card.classes != first.classes) == (family == "flair-hub"), "its order is another"
    then, head = read_weights(tmp_path / "then"), "segmentation_head.0.weight"
    for number, key in enumerate(done.card.classes):
        row, known = then[head][number], weights[head][first.classes.index(key)]
        assert torch.allclose(row, torch.zeros_like(row) if key in first.untrained else known, atol=1e-4)
    for moved in (head, first_convolution(outline_network(architecture))):
        assert not torch.equal(then[moved], weights[moved])


def test_another_network_than_that_of_the_first_model_is_refused(labelled: Campaign, tmp_path: Path) -> None:
    save(inc(state(UNET)), tmp_path / "FLAIR-INC_rgb_15cl_x.pth")
    import_model(str(tmp_path / "FLAIR-INC_rgb_15cl_x.pth"), tmp_path / "first")
    for network in ("mit_b0-fpn", "mit_b1-unet", f"{SWIN}-unet"):
        with pytest.raises(ModelError, match=f"not a {network}; leave out --network"):
            train_model(labelled.path, tmp_path / "m", begin=tmp_path / "first", network=network, steps=1)
