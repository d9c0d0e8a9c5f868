"""The models that IGN's table and its two collections name: which network each is, and how large.

Weights of FLAIR-INC and FLAIR-HUB lie on the Hugging Face hub; those of the table's rows are not public, but
a file of one is recognised. `millions` is what is published; where our count differs from it by more than a
percent, the remark says why.

A name proves nothing: what is published of a model is told of a file of its name as that, and only where
nothing in the file says that it is another one.
"""

from __future__ import annotations

__all__ = ["PUBLISHED", "Published", "published_as"]

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any

from workbench.inference.architecture import Architecture, Provider
from workbench.inference.card import ModelCard
from workbench.inference.flair import UNTRAINED_OF_12, UNTRAINED_OF_15, NamedSo, told_by_name

_RGB = ("R", "G", "B")
_MODALITIES = {"rgb": _RGB, "rgbi": (*_RGB, "NIR"), "rgbie": (*_RGB, "NIR", "E")}
_OF_HUB = {"RGB": _RGB, "IR": ("NIR", "R", "G")}
_OUTPUTS = 19
_NOTHING: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """One published model."""

    name: str
    """As IGN writes it; for those on the hub the repository's, ``IGNF/`` and this."""
    table: str
    """Where it is named: ``IGN``, ``FLAIR-INC`` or ``FLAIR-HUB``."""
    architecture: Architecture
    bands: tuple[str, ...] | None
    """In the network's order; None where the table does not say, and the network is counted with three."""
    untrained: tuple[str, ...]
    millions: float | None = None
    """Parameters, as published."""
    receptive_field: int | None = None
    """Pixels, as published."""
    metrics: Mapping[str, float] = field(default_factory=lambda: _NOTHING)
    """Percent, as published."""
    remark: str = ""

    @property
    def told(self) -> NamedSo:
        """What the name tells."""
        return told_by_name(self.name)

    @property
    def figures(self) -> dict[str, Any]:
        """What a card tells of the figures, with whose they are; empty where none are published."""
        whose = {"by": "IGN in percent, for the model of this name"}
        return {"published": whose | dict(self.metrics)} if self.metrics else {}

    def contradictions(self, card: ModelCard) -> Iterator[str]:
        """Yield what in a card says that the model is another one."""
        own, family = card.architecture, self.told.family
        if (own.provider, own.network, own.encoder) != self._network:
            published = replace(self.architecture, inputs=own.inputs, outputs=own.outputs)
            yield f"its network is {own}, that one's {published}"
        names = tuple(band.name for band in card.bands)
        if self.bands is not None and names != self.bands:
            yield f"it takes {','.join(names)}, that one {','.join(self.bands)}"
        elif family is not None and card.bands != family.bands(names):
            yield "its bands are normalised otherwise"
        if family is not None and card.classes != family.classes:
            yield "its classes are others"
        if set(card.untrained) != set(self.untrained):
            yield f"{len(card.untrained)} of its classes were not trained, {len(self.untrained)} of that's"

    @property
    def _network(self) -> tuple[str, str, str | None]:
        return self.architecture.provider, self.architecture.network, self.architecture.encoder

    def document(self) -> dict[str, Any]:
        """Return the JSON view."""
        return {
            "name": self.name,
            "table": self.table,
            "architecture": self.architecture.document(),
            "bands": None if self.bands is None else list(self.bands),
            "untrained": list(self.untrained),
            "millions": self.millions,
            "receptive_field": self.receptive_field,
            "metrics": dict(self.metrics),
            "remark": self.remark,
        }

    def row(self) -> tuple[str, ...]:
        """Return one line of a list: name, network, bands, millions of parameters, remark."""
        size = "" if self.millions is None else f"{self.millions:.1f} M"
        network = str(self.architecture).partition(",")[0]
        return (self.name, network, ",".join(self.bands or ("any",)), size, self.remark)


def _network(provider: Provider, network: str, encoder: str | None, inputs: int) -> Architecture:
    return Architecture(provider=provider, network=network, encoder=encoder, inputs=inputs, outputs=_OUTPUTS)


def _table() -> tuple[Published, ...]:
    heavy = _network("odeon", "heavy-unet", None, 3)
    unet = _network("smp", "unet", "resnet34", 3)
    fpn = _network("smp", "fpn", "resnet34", 3)
    small, large = (_network("transformers", "upernet", f"swin-{size}", 3) for size in ("small", "large"))
    one = "29.0 is 28.96 rounded: ODEON's heavy U-Net, not VGG16 of segmentation-models-pytorch (23.75)"
    four = "24.4 repeats the U-Net's count in the row above it; this FPN has 23.16"
    rows: tuple[tuple[str, Architecture, float, int | None, str], ...] = (
        ("v10-vgg16-unet", heavy, 29.0, 140, one),
        ("V11-vgg16-unet", heavy, 29.0, 140, one),
        ("V11-resnet34-unet", unet, 24.4, 370, ""),
        ("V12-resnet34-unet", unet, 24.4, 370, ""),
        ("V11-resnet34-fpn", fpn, 24.4, 370, four),
        ("V12-swin-upernet-small", small, 81.2, None, "its auxiliary head counted"),
        ("V12-swin-upernet-large", large, 233.0, None, "its auxiliary head counted, 233.86"),
    )
    return tuple(
        Published(
            name=name,
            table="IGN",
            architecture=architecture,
            bands=None,
            untrained=UNTRAINED_OF_15,
            millions=millions,
            receptive_field=seen,
            remark=remark,
        )
        for name, architecture, millions, seen, remark in rows
    )


def _flair_inc() -> tuple[Published, ...]:
    known = {
        "rgbie_15cl_resnet34-unet": {"mIoU": 54.72, "OA": 76.37},
        "rgb_15cl_resnet34-deeplabv3": {"mIoU": 58.09, "OA": 74.89},
    }
    networks = {
        "resnet34-unet": ("unet", "resnet34"),
        "resnet34-fpn": ("fpn", "resnet34"),
        "resnet34-deeplabv3": ("deeplabv3", "resnet34"),
        "mitb5-unet": ("unet", "mit_b5"),
    }
    rows = [(bands, count, "resnet34-unet") for bands in _MODALITIES for count in (12, 15)]
    rows += [("rgb", 15, name) for name in networks if name != "resnet34-unet"]
    found = []
    for bands, count, name in rows:
        title = f"{bands}_{count}cl_{name}"
        network, encoder = networks[name]
        found.append(
            Published(
                name=f"FLAIR-INC_{title}",
                table="FLAIR-INC",
                architecture=_network("smp", network, encoder, len(bands)),
                bands=_MODALITIES[bands],
                untrained=UNTRAINED_OF_12 if count == 12 else UNTRAINED_OF_15,
                millions=24.4 if name == "resnet34-unet" else None,
                metrics=MappingProxyType(known.get(title, {})),
            )
        )
    return tuple(found)


def _flair_hub() -> tuple[Published, ...]:
    swin = {
        "tiny": ("swin_tiny_patch4_window7_224", None),
        "small": ("swin_small_patch4_window7_224", None),
        "base": ("swin_base_patch4_window12_384", 89.4),
        "large": ("swin_large_patch4_window12_384", None),
    }
    convnext = {"tiny": ("convnextv2_tiny", 29.8), "base": ("convnextv2_base", 90.2)}
    known = {
        ("IR", "convnextv2tiny"): {"mIoU": 62.73, "OA": 76.43},
        ("IR", "convnextv2base"): {"mIoU": 63.77, "OA": 77.03},
    }
    encoders = {f"swin{size}": one for size, one in swin.items()}
    encoders |= {f"convnextv2{size}": one for size, one in convnext.items()}
    rows = [(bands, name) for name in encoders for bands in _OF_HUB]
    return tuple(
        Published(
            name=f"FLAIR-HUB_LC-A_{bands}_{name}-upernet",
            table="FLAIR-HUB",
            architecture=_network("flair-hub", "upernet", f"tu-{encoders[name][0]}", 3),
            bands=_OF_HUB[bands],
            untrained=UNTRAINED_OF_15,
            millions=encoders[name][1],
            metrics=MappingProxyType(known.get((bands, name), {})),
        )
        for bands, name in rows
        if name.startswith("swin") or bands == "IR"
    )


PUBLISHED: tuple[Published, ...] = (*_table(), *_flair_inc(), *_flair_hub())
"""In the order of IGN's table, then of its collections."""


def published_as(name: str) -> Published | None:
    """Return the model that a file, folder or repository is called after, by the whole of its name.

    >>> published_as("FLAIR-INC_rgb_15cl_resnet34-unet_weights.pth").name
    'FLAIR-INC_rgb_15cl_resnet34-unet'
    >>> published_as("my-FLAIR-INC_rgb_15cl_resnet34-unet-trained-on.pth")
    """
    last = PurePosixPath(name.lower()).name
    stem = re.sub(r"([_-]weights)?(\.(pth|pt|ckpt|bin|safetensors))?$", "", last)
    return next((one for one in PUBLISHED if one.name.lower() == stem), None)
