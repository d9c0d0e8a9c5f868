"""Who wrote a checkpoint, by how its tensors are called; and the same tensors as our networks call them."""

from __future__ import annotations

__all__ = ["Layout", "read_layout"]

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from workbench.errors import ModelError
from workbench.inference.architecture import Provider
from workbench.inference.flair import FLAIR_HUB, FLAIR_INC, Family
from workbench.inference.tensors import TensorFile

_COSIA = "AERIAL_LABEL-COSIA"
_AERIAL = ("AERIAL_RGBI", "AERIAL-RLT_PAN")
_OF_INC = re.compile(r"(?:(?:.+\.)?model\.)?seg_model\.(?P<rest>.+)")
_OF_HUB = re.compile(r"(?:model\.)?(?P<part>encoders|main_decoders)\.(?P<which>[^.]+)\.(?P<rest>.+)")
_ASIDE = re.compile(r"(?:model\.)?(?:criterion|fusion_handler|aux_decoders)\.")
_UNUSED = "decoder.fpn_stages.4."
_OLD_DEEPLAB = {"decoder.0.": "decoder.aspp.", "decoder.1.": "decoder.conv.", "decoder.2.": "decoder.bn."}
_MARKS: tuple[tuple[Provider, str, tuple[str, ...]], ...] = (
    ("smp", "unet", ("encoder.", "decoder.blocks.0.conv1.", "segmentation_head.0.")),
    ("smp", "fpn", ("encoder.", "decoder.p5.", "segmentation_head.0.")),
    ("smp", "deeplabv3plus", ("encoder.", "decoder.aspp.0.", "decoder.block1.", "segmentation_head.0.")),
    ("smp", "deeplabv3", ("encoder.", "decoder.aspp.convs.", "segmentation_head.0.")),
    ("smp", "upernet", ("encoder.", "decoder.psp.", "decoder.feature_norms.", "segmentation_head.0.")),
    ("flair-hub", "upernet", ("encoder.", "decoder.psp.", "segmentation_head.0.")),
    ("transformers", "upernet", ("backbone.embeddings.", "decode_head.")),
    ("odeon", "heavy-unet", ("inc.double_conv.", "down4.", "up4.", "outc.conv.")),
    ("workbench", "tiny-unet", ("stem.0.", "down.3.", "up.3.", "head.")),
)
"""What the tensors of each network begin with; the first row that is there whole counts."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layout:
    """A checkpoint understood so far: the network's kind is known, not yet its encoder or its counts."""

    title: str
    """In words."""
    family: Family | None
    """Whose files are laid out so."""
    provider: Provider
    network: str
    tensors: Mapping[str, Tensor]
    """As the network calls them."""
    aside: Mapping[str, Tensor]
    """What belongs to training, or is never used."""


def read_layout(file: TensorFile) -> Layout:
    """Tell whose checkpoint a file is and strip what its tensors' names begin with.

    Raises
    ------
    ModelError
        Nobody's that is known, or one of several rasters or of crops.
    """
    if any(_OF_HUB.match(name) for name in file.tensors):
        title, family, strip = "FLAIR-HUB checkpoint", FLAIR_HUB, _strip_hub
    elif any(_OF_INC.fullmatch(name) for name in file.tensors):
        title, family, strip = "FLAIR-INC checkpoint", FLAIR_INC, _strip_inc
    else:
        return _marked("state of a network", None, file, dict(_strip_plain(file)))
    return _marked(title, family, file, dict(strip(file)))


def _marked(title: str, family: Family | None, file: TensorFile, named: Mapping[str, Tensor]) -> Layout:
    """Find the network that such tensors belong to."""
    tensors = {name: one for name, one in named.items() if not _ASIDE.match(name)}
    aside = {name: one for name, one in named.items() if name not in tensors}
    if any(name.startswith("decoder.0.convs.") for name in tensors):
        tensors = {_renamed(name): one for name, one in tensors.items()}
    kind = next(
        (
            (provider, network)
            for provider, network, marks in _MARKS
            if all(any(name.startswith(mark) for name in tensors) for mark in marks)
        ),
        None,
    )
    if kind is None:
        first = ", ".join(list(named)[:3])
        raise ModelError(
            f"{file.path}: no network that is known has tensors called {first} …; U-Net, FPN, DeepLabV3 and "
            "UPerNet of segmentation-models-pytorch, FLAIR, ODEON and transformers are"
        )
    provider, network = kind
    if provider == "flair-hub":
        aside |= {name: one for name, one in tensors.items() if name.startswith(_UNUSED)}
        tensors = {name: one for name, one in tensors.items() if name not in aside}
    return Layout(
        title=title, family=family, provider=provider, network=network, tensors=tensors, aside=aside
    )


def _strip_inc(file: TensorFile) -> Iterator[tuple[str, Tensor]]:
    for name, tensor in file.tensors.items():
        if re.match(r"(?:model\.)?enc\.enc_mlp\.", name):
            raise ModelError(
                f"{file.path} was trained with FLAIR's table of cameras and dates, which no other picture "
                "has; take a model that was trained without"
            )
        found = _OF_INC.fullmatch(name)
        yield (found["rest"] if found else name), tensor


def _strip_hub(file: TensorFile) -> Iterator[tuple[str, Tensor]]:
    parts: dict[str, set[str]] = {"encoders": set(), "main_decoders": set()}
    for name in file.tensors:
        if found := _OF_HUB.match(name):
            parts[found["part"]].add(found["which"])
    rasters, tasks = sorted(parts["encoders"]), sorted(parts["main_decoders"])
    if len(rasters) != 1 or rasters[0] not in _AERIAL:
        raise ModelError(
            f"{file.path} looks at {', '.join(rasters) or 'no picture'}; only models of aerial images alone "
            "can be imported, FLAIR-HUB's LC-A"
        )
    if _COSIA not in tasks:
        raise ModelError(
            f"{file.path} predicts {', '.join(tasks)}, not land cover ({_COSIA}); take an LC model"
        )
    for name, tensor in file.tensors.items():
        found = _OF_HUB.match(name)
        if found is None:
            yield name, tensor
        elif found["part"] == "encoders":
            yield f"encoder.{found['rest'].removeprefix('seg_model.')}", tensor
        elif found["which"] == _COSIA:
            yield found["rest"].removeprefix("seg_model."), tensor
        else:
            yield f"aux_decoders.{found['which']}.{found['rest']}", tensor


def _strip_plain(file: TensorFile) -> Iterator[tuple[str, Tensor]]:
    """Strip what Lightning and training on several devices put before all names."""
    prefix = ""
    for one in ("module.", "model.", "module."):
        longer = prefix + one
        if all(name.startswith(longer) or _ASIDE.match(name) for name in file.tensors):
            prefix = longer
    for name, tensor in file.tensors.items():
        yield name.removeprefix(prefix), tensor


def _renamed(name: str) -> str:
    """Return the name that DeepLabV3's tensors have since segmentation-models-pytorch 0.5."""
    return next(
        (new + name.removeprefix(old) for old, new in _OLD_DEEPLAB.items() if name.startswith(old)), name
    )
