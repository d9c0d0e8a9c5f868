"""Checkpoints of others: recognised by their tensors, matched whole, their classes found by name."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from made_models import HUB_NAME, INC_NAME, TINY, UNET, UPERNET, hub, inc, save, state
from torch import Tensor

from workbench.errors import ModelError
from workbench.inference.card import Band, read_card, write_card
from workbench.inference.checkpoints import Imported, import_checkpoint
from workbench.inference.flair import FLAIR_HUB, FLAIR_INC, UNTRAINED_OF_12, UNTRAINED_OF_15
from workbench.inference.models import read_model, read_weights, write_model
from workbench.inference.network import open_segmenter
from workbench.inference.telling import Said
from workbench.nomenclature import load_nomenclature
from workbench.workflows.models import describe_model


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def imported(tensors: dict[str, Tensor], path: Path, **said: object) -> Imported:
    return import_checkpoint(
        save(tensors, path), path.parent / "model", id="stand-in", said=Said(**said), overwrite=True
    )


def refused(tensors: dict[str, Tensor], path: Path, **said: object) -> str:
    """Return why a checkpoint is refused, and prove that nothing was written."""
    save(tensors, path)
    before = sorted(path.parent.rglob("*"))
    with pytest.raises(ModelError) as caught:
        import_checkpoint(path, path.parent / "model", id="stand-in", said=Said(**said))
    assert sorted(path.parent.rglob("*")) == before
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_an_untrained_class_is_never_given_however_high_its_logit(tmp_path: Path) -> None:
    imported(inc(state(UNET, fires=FLAIR_INC.classes.index("mixed"))), tmp_path / INC_NAME)
    segmenter = open_segmenter(tmp_path / "model", device="cpu")
    planes = segmenter.predict_reduced(np.zeros((1, 64, 64, 3), np.uint8))
    assert segmenter.card.codes(load_nomenclature("flair-19"))[planes[0, 0] - 1].all()
    assert FLAIR_INC.classes.index("mixed") + 1 not in planes[:, 0]


def test_flair_inc_is_read_from_pth_and_from_lightning(tmp_path: Path) -> None:
    for name in (INC_NAME, INC_NAME.replace("_weights.pth", ".ckpt")):
        done = imported(inc(state(UNET)), tmp_path / name)
        assert (done.layout, done.tensors, done.aside) == ("FLAIR-INC checkpoint", len(state(UNET)), 1)
        card = done.card
        assert (card.architecture, card.classes) == (UNET, FLAIR_INC.classes)
        assert card.bands[0] == Band(name="R", mean=105.08, std=52.17)
        assert card.untrained == UNTRAINED_OF_15
        assert card.source == name
        weights = read_weights(tmp_path / "model")
        assert all(torch.equal(weights[key], tensor) for key, tensor in state(UNET).items())


def test_flair_hub_is_read_from_safetensors_and_from_lightning(tmp_path: Path) -> None:
    for name in (HUB_NAME, HUB_NAME.replace(".safetensors", ".ckpt")):
        done = imported(hub(state(UPERNET)), tmp_path / name)
        assert (done.layout, done.tensors) == ("FLAIR-HUB checkpoint", len(state(UPERNET)))
        assert done.aside == 8, "the head of an auxiliary loss, the fusion, and six that are never used"
        assert (done.card.architecture, done.card.classes) == (UPERNET, FLAIR_HUB.classes)
        assert done.card.bands[1] == Band(name="G", mean=111.35, std=45.62)
        assert set(done.card.untrained) == set(UNTRAINED_OF_15)


def test_what_had_no_weight_in_the_loss_is_untrained(tmp_path: Path) -> None:
    done = imported(inc(state(UNET), untrained=(0, 18)), tmp_path / "x.pth", bands=("R", "G", "B"))
    assert done.card.untrained == ("building", "other")
    done = imported(inc(state(UNET), untrained=(0, 18)), tmp_path / INC_NAME)
    assert done.remarks[0] == "its loss has 2 classes without weight, its name says 4"


def test_the_name_tells_twelve_classes(tmp_path: Path) -> None:
    done = imported(inc(state(UNET)), tmp_path / INC_NAME.replace("15cl", "12cl"))
    assert done.card.untrained == UNTRAINED_OF_12


def test_deeplabv3_of_older_smp_is_renamed(tmp_path: Path) -> None:
    tensors = state(replace(UNET, network="deeplabv3", encoder="resnet18"))
    old = {}
    for name, tensor in tensors.items():
        for now, then in (("aspp", "0"), ("conv", "1"), ("bn", "2")):
            name = name.replace(f"decoder.{now}.", f"decoder.{then}.")
        old[name] = tensor
    assert old.keys() != tensors.keys()
    done = imported(inc(old), tmp_path / "FLAIR-INC_rgb_15cl_resnet34-deeplabv3_weights.pth")
    assert done.card.architecture.network == "deeplabv3"
    assert read_weights(tmp_path / "model").keys() == tensors.keys()


def test_bands_are_told_by_count_by_name_or_by_the_person(tmp_path: Path) -> None:
    five = replace(UNET, inputs=5)
    done = imported(inc(state(five)), tmp_path / "x.pth")
    assert [band.name for band in done.card.bands] == ["R", "G", "B", "NIR", "E"]
    assert "does not tell which (3 may be R,G,B or NIR,R,G); pass --bands" in refused_after(
        inc(state(UNET)), tmp_path
    )
    done = imported(
        inc(state(UNET)), tmp_path / "x.pth", bands=("NIR", "R", Band(name="X", mean=1.0, std=2.0))
    )
    assert [(band.name, band.std) for band in done.card.bands] == [("NIR", 39.69), ("R", 52.17), ("X", 2.0)]
    done = imported(hub(state(UPERNET)), tmp_path / "FLAIR-HUB_LC-A_IR_swinbase-upernet.safetensors")
    assert (done.card.bands[0].name, done.card.bands[0].mean) == ("NIR", 106.59)


def refused_after(tensors: dict[str, Tensor], folder: Path, **said: object) -> str:
    (folder / "again").mkdir(exist_ok=True)
    return refused(tensors, folder / "again" / "x.pth", **said)


def test_bands_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    four = inc(state(replace(UNET, inputs=4)))
    assert "takes 4 bands, its name says R,G,B; pass --bands with 4" in refused(four, tmp_path / INC_NAME)
    assert "--bands names R,G" in refused_after(four, tmp_path, bands=("R", "G"))
    told = refused_after(four, tmp_path, bands=("R", "G", "B", "DSM"))
    assert "tells no mean and standard deviation of DSM" in told


def test_another_count_of_classes_is_refused_until_they_are_named(tmp_path: Path) -> None:
    tensors = inc(state(replace(UNET, outputs=13)))
    assert "gives 13 classes, FLAIR-INC has 19; name all of them" in refused(tensors, tmp_path / INC_NAME)
    (tmp_path / INC_NAME).unlink()
    keys = (*FLAIR_INC.classes[:12], "other")
    done = imported(tensors, tmp_path / INC_NAME, classes=keys, untrained=("other",))
    assert (done.card.classes, done.card.untrained) == (keys, ("other",))
    (tmp_path / "again").mkdir()
    told = refused(tensors, tmp_path / "again" / INC_NAME, classes=(*keys[:12], "glacier"))
    assert "flair-19 has no class glacier" in told


def test_a_part_of_a_checkpoint_is_refused_and_the_first_ten_differences_named(tmp_path: Path) -> None:
    tensors = state(UNET)
    wrong = [name for name in tensors if name.startswith("encoder.block4.")]
    for name in wrong:
        del tensors[name]
    tensors["encoder.surprise"] = torch.zeros(3)
    told = refused(inc(tensors), tmp_path / INC_NAME)
    assert f"{len(wrong) + 1} of {len(state(UNET))} tensors do not fit" in told
    assert told.count("(expected [") == 10
    assert f"and {len(wrong) + 1 - 10} more" in told


@pytest.mark.parametrize(
    ("name", "shape", "told"),
    [
        (
            "segmentation_head.0.weight",
            (10**9, 16, 3, 3),
            "is for 1,000,000,000 classes, and 1 to 254 can be",
        ),
        (
            "encoder.patch_embed1.proj.weight",
            (32, 10**9, 7, 7),
            "is for 1,000,000,000 bands, and 1 to 64 can be",
        ),
        ("decoder.blocks.0.conv1.0.weight", (10**9, 10**9), "1 of 168 tensors do not fit"),
        ("segmentation_head.0.weight", (3,), "segmentation_head.0.weight is missing"),
    ],
)
def test_a_shape_that_nothing_can_have_is_refused_before_memory_is_taken(
    name: str, shape: tuple[int, ...], told: str, tmp_path: Path
) -> None:
    tensors = inc(state(UNET))
    tensors[f"model.seg_model.{name}"] = torch.zeros(1).expand(shape)
    assert told.replace("168", str(len(state(UNET)))) in refused(tensors, tmp_path / INC_NAME)


def test_numbers_that_are_none_are_refused(tmp_path: Path) -> None:
    tensors = state(UNET)
    tensors["encoder.norm1.weight"] = torch.full((32,), torch.nan)
    assert "encoder.norm1.weight holds what is no number" in refused(inc(tensors), tmp_path / INC_NAME)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"modality": "SPOT_RGBI"}, "looks at SPOT_RGBI; only models of aerial images"),
        ({"task": "ALL_LABEL-LPIS"}, "predicts ALL_LABEL-LPIS, not land cover"),
    ],
)
def test_flair_hubs_other_models_are_refused(changes: dict[str, str], told: str, tmp_path: Path) -> None:
    assert told in refused(hub(state(UPERNET), **changes), tmp_path / HUB_NAME)


def test_a_second_task_is_left_aside(tmp_path: Path) -> None:
    crops = hub(state(UPERNET), task="ALL_LABEL-LPIS")
    done = imported({**crops, **hub(state(UPERNET))}, tmp_path / HUB_NAME)
    assert done.tensors == len(state(UPERNET))


def test_a_model_of_metadata_is_refused(tmp_path: Path) -> None:
    tensors = inc(state(UNET)) | {"model.enc.enc_mlp.0.weight": torch.zeros(64, 45)}
    assert "table of cameras and dates" in refused(tensors, tmp_path / INC_NAME)


def test_nobodys_tensors_are_refused(tmp_path: Path) -> None:
    told = refused({"layer.weight": torch.zeros(3), "layer.bias": torch.zeros(3)}, tmp_path / INC_NAME)
    assert "no network that is known has tensors called layer.weight, layer.bias" in told


def test_a_file_that_tells_nothing_asks_for_what_is_missing(tmp_path: Path) -> None:
    assert "pass --family flair-inc or flair-hub, or --classes" in refused(state(UNET), tmp_path / "x.pth")
    five = ("water", "building", "vineyard", "snow", "other")
    small = state(replace(UNET, outputs=5))
    told = refused_after(small, tmp_path, classes=five, bands=("R", "G", "B"))
    assert "does not tell how its band R was normalised" in told
    bands = tuple(Band(name=name, mean=100.0, std=50.0) for name in "RGB")
    done = imported(small, tmp_path / "x.pth", classes=five, bands=bands, resolution=0.5, licence="mine")
    card = done.card
    assert (card.classes, card.bands, card.resolution, card.licence) == (five, bands, 0.5, "mine")
    done = imported(state(UNET), tmp_path / "x.pth", family=FLAIR_HUB, bands=("NIR", "R", "G"))
    assert done.card.classes == FLAIR_HUB.classes
    assert done.card.licence == "unknown: ask whoever made it"


def test_what_lightning_and_several_devices_put_before_names_is_stripped(tmp_path: Path) -> None:
    for prefix in ("model.", "module.", "module.model."):
        named = {f"{prefix}{name}": tensor for name, tensor in state(TINY).items()}
        done = imported(named, tmp_path / "x.ckpt", family=FLAIR_INC, bands=("R", "G", "B"))
        assert done.card.architecture == TINY


def test_half_floats_are_as_good(tmp_path: Path) -> None:
    halves = {name: one.half() if one.is_floating_point() else one for name, one in state(TINY).items()}
    imported(halves, tmp_path / "x.safetensors", family=FLAIR_INC, bands=("R", "G", "B"))
    assert next(read_model(tmp_path / "model")[1].parameters()).dtype == torch.float32


def test_a_folder_of_smp_is_imported(tmp_path: Path) -> None:
    smp = pytest.importorskip("segmentation_models_pytorch")
    network = smp.FPN("resnet18", encoder_weights=None, in_channels=4, classes=19, activation="softmax2d")
    network.save_pretrained(tmp_path / "fpn")
    done = import_checkpoint(tmp_path / "fpn", tmp_path / "model", id="fpn", said=Said(family=FLAIR_INC))
    assert done.card.architecture == replace(UNET, network="fpn", encoder="resnet18", inputs=4)
    assert done.layout == "folder of segmentation-models-pytorch"
    config = json.loads((tmp_path / "fpn" / "config.json").read_text())
    for changes, told in (
        ({"decoder_interpolation": "bilinear"}, 'decoder_interpolation "bilinear" is not built here'),
        ({"activation": "sigmoid"}, 'activation "sigmoid" is not built here'),
        ({"_model_class": "PAN"}, "PAN is not built here; Unet, FPN"),
        ({"_model_class": "Unet"}, "config.json says unet, its tensors fpn"),
        ({"encoder_name": "hf-hub:x/y"}, "there is no encoder 'hf-hub:x/y'"),
        ({"encoder_name": "resnet50"}, "tensors do not fit"),
        ({"encoder_name": 3}, "names no _model_class and encoder_name"),
    ):
        changed = config | changes
        if changes.get("_model_class") == "Unet":
            changed = {key: changed[key] for key in ("_model_class", "encoder_name")}
        (tmp_path / "fpn" / "config.json").write_text(json.dumps(changed))
        with pytest.raises(ModelError, match=told.replace("(", r"\(")):
            import_checkpoint(tmp_path / "fpn", tmp_path / "other", id="fpn", said=Said(family=FLAIR_INC))
    assert not (tmp_path / "other").exists()


def test_a_model_of_ours_is_imported_under_another_name(tmp_path: Path) -> None:
    first = imported(inc(state(UNET)), tmp_path / INC_NAME)
    for source in (tmp_path / "model", tmp_path / "model" / "weights.safetensors"):
        said = Said(title="Second", licence="mine", adapt_bands=("NIR", "R"), family=FLAIR_INC)
        done = import_checkpoint(source, tmp_path / "second", id="second", said=said, overwrite=True)
        assert (done.card.id, done.card.title, done.card.licence) == ("second", "Second", "mine")
        assert [band.name for band in done.card.bands] == ["NIR", "R"]
        assert done.remarks == (done.card.limits,)
        assert "other bands than R,G,B" in done.card.limits
        assert done.card.classes == first.card.classes
        before, after = (
            read_weights(tmp_path / name)["encoder.patch_embed1.proj.weight"] for name in ("model", "second")
        )
        assert torch.equal(after[:, 1], before[:, 0])
        assert torch.allclose(after[:, 0], before.mean(dim=1) * 1.5)
        assert read_card(tmp_path / "second") == done.card


FIVE = replace(UNET, encoder="resnet34", inputs=5)
"""The network of which IGN publishes figures."""
FIVE_NAME = "FLAIR-INC_rgbie_15cl_resnet34-unet_weights.pth"


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a checkpoint of random weights that is called and built as one of IGN's; nothing changes it."""
    return save(inc(state(FIVE)), tmp_path_factory.mktemp("five") / FIVE_NAME)


def test_what_ign_publishes_of_a_name_is_told_as_that_where_nothing_contradicts(
    five: Path, tmp_path: Path
) -> None:
    done = import_checkpoint(five, tmp_path / "model", id="five")
    assert done.card.metrics == {
        "published": {"by": "IGN in percent, for the model of this name", "mIoU": 54.72, "OA": 76.37}
    }
    assert done.card.title == "FLAIR-INC_rgbie_15cl_resnet34-unet"
    assert done.card.licence.startswith("Etalab 2.0")
    assert done.remarks == ()
    assert "by IGN in percent, for the model of this name" in describe_model(tmp_path / "model").text()


OTHERS: dict[str, tuple[dict[str, object], str]] = {
    "other bands": ({"bands": ("NIR", "R", "G", "B", "E")}, "it takes NIR,R,G,B,E, that one R,G,B,NIR,E"),
    "other classes": ({"classes": ("flair_hub",)}, "its classes are others"),
    "other untrained classes": ({"untrained": ("snow",)}, "1 of its classes were not trained, 4 of that"),
    "otherwise normalised": (
        {"bands": (Band(name="R", mean=1.0, std=2.0), "G", "B", "NIR", "E")},
        "its bands are normalised otherwise",
    ),
}


@pytest.mark.parametrize("case", OTHERS)
def test_figures_are_of_no_model_that_is_said_to_be_another(case: str, five: Path, tmp_path: Path) -> None:
    said, told = OTHERS[case]
    done = import_checkpoint(five, tmp_path / "model", id="five", said=Said(**said))
    assert done.card.metrics == {}
    assert done.card.licence.startswith("unknown")
    assert done.card.title == "FLAIR-INC_rgbie_15cl_resnet34-unet_weights, not as published"
    (remark,) = done.remarks
    assert "and is not as published (" in remark
    assert told in remark


@pytest.mark.parametrize(
    ("tensors", "name", "told"),
    [
        (inc(state(UNET)), INC_NAME, "its network is mit_b0-unet (smp), "),
        (hub(state(UPERNET)), HUB_NAME, "that one's swin_base_patch4_window12_384-upernet (flair-hub)"),
    ],
    ids=["flair-inc", "flair-hub"],
)
def test_another_network_than_its_name_says_is_told_of_and_has_no_figures(
    tensors: dict[str, Tensor], name: str, told: str, tmp_path: Path
) -> None:
    done = imported(tensors, tmp_path / name)
    assert any(told in remark for remark in done.remarks)
    assert (done.card.metrics, done.card.training) == ({}, {})
    assert done.card.licence.startswith("unknown")


def test_a_name_that_only_begins_or_ends_as_one_of_igns_is_not_that(tmp_path: Path) -> None:
    for name in (f"my-{INC_NAME}", INC_NAME.replace("_weights", "_trained-on")):
        done = imported(inc(state(UNET)), tmp_path / name)
        assert done.remarks == ("IGN calls no model of FLAIR-INC so: licence and figures are not known",)
        assert done.card.title == Path(name).stem
        assert done.card.licence.startswith("unknown")


def test_a_network_that_was_adapted_has_no_figures_and_its_card_says_why(five: Path, tmp_path: Path) -> None:
    said = Said(adapt_bands=("NIR", "R", "G"))
    done = import_checkpoint(five, tmp_path / "adapted", id="adapted", said=said)
    assert done.card.metrics == {}
    assert done.card.title == "FLAIR-INC_rgbie_15cl_resnet34-unet, first layer changed"
    assert done.card.licence.startswith("Etalab 2.0"), "its weights are IGN's all the same"
    sentence = "Its first layer was changed for other bands than R,G,B,NIR,E, which it was trained with"
    assert done.card.limits.startswith(sentence)
    assert sentence in describe_model(tmp_path / "adapted").text()
    again = import_checkpoint(tmp_path / "adapted", tmp_path / "again", id="again")
    assert again.card.limits == done.card.limits


def test_figures_of_a_model_of_ours_go_where_its_bands_or_classes_are_told_otherwise(tmp_path: Path) -> None:
    card = imported(inc(state(UNET)), tmp_path / INC_NAME).card
    write_card(replace(card, metrics={"held_out": {"mIoU": 0.5}}), tmp_path / "model")
    same = import_checkpoint(
        tmp_path / "model", tmp_path / "same", id="same", said=Said(bands=("R", "G", "B"))
    )
    assert same.card.metrics == {"held_out": {"mIoU": 0.5}}
    said = Said(bands=("NIR", "R", "G"), family=FLAIR_INC)
    other = import_checkpoint(tmp_path / "model", tmp_path / "other", id="other", said=said)
    assert other.card.metrics == {}
    assert any("the figures that it had are left out" in remark for remark in other.remarks)


def test_an_import_replaces_nothing_unasked(tmp_path: Path) -> None:
    card = imported(inc(state(UNET)), tmp_path / INC_NAME).card
    with pytest.raises(ModelError, match="exists already"):
        import_checkpoint(tmp_path / INC_NAME, tmp_path / "model", id="other")
    assert read_card(tmp_path / "model") == card
    write_model(card, state(UNET), tmp_path / "copy")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"has no card\.json and no config\.json"):
        import_checkpoint(tmp_path, tmp_path / "model", id="x")
