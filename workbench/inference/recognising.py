"""The network that a checkpoint's tensors belong to, from their names and shapes alone."""

from __future__ import annotations

__all__ = ["Recognised", "recognise"]

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workbench.errors import ModelError
from workbench.inference.architecture import Architecture
from workbench.inference.layouts import Layout, read_layout
from workbench.inference.networks.building import first_convolution, head_of, outline_network
from workbench.inference.tensors import TensorFile

_MOST_BANDS, _MOST_CLASSES = 64, 254
_WITHOUT_ENCODER = ("workbench", "odeon")
_Widths = Mapping[int, tuple[str, ...]]
_RESNETS = ("resnet34", "resnet18", "resnet50", "resnet101", "resnet152")
_VGGS = ("vgg16", "vgg16_bn", "vgg13", "vgg13_bn", "vgg19", "vgg19_bn", "vgg11", "vgg11_bn")
_MITS = ("mit_b5", "mit_b1", "mit_b2", "mit_b3", "mit_b4")
_SWINS: _Widths = {
    96: ("tu-swin_tiny_patch4_window7_224", "tu-swin_small_patch4_window7_224"),
    128: ("tu-swin_base_patch4_window12_384", "tu-swin_base_patch4_window7_224"),
    192: ("tu-swin_large_patch4_window12_384", "tu-swin_large_patch4_window7_224"),
}
_CONVNEXTS: _Widths = {
    96: ("tu-convnext_tiny", "tu-convnext_small"),
    128: ("tu-convnext_base",),
    192: ("tu-convnext_large",),
}
_SIZES = {40: "atto", 48: "femto", 64: "pico", 80: "nano", 96: "tiny", 128: "base", 192: "large"}
_CONVNEXTS_V2: _Widths = {width: (f"tu-convnextv2_{size}",) for width, size in _SIZES.items()}
_OF_TRANSFORMERS: _Widths = {
    96: ("swin-small", "swin-tiny"),
    128: ("swin-base",),
    192: ("swin-large",),
}
_ENCODERS: tuple[tuple[str, str, _Widths], ...] = (
    ("encoder.layer1.", "encoder.conv1.weight", {64: _RESNETS}),
    ("encoder.features.", "encoder.features.0.weight", {64: _VGGS}),
    ("encoder.patch_embed1.", "encoder.patch_embed1.proj.weight", {32: ("mit_b0",), 64: _MITS}),
    ("encoder.model.patch_embed.", "encoder.model.patch_embed.proj.weight", _SWINS),
    ("encoder.model.stages_0.blocks.0.mlp.grn.", "encoder.model.stem_0.weight", _CONVNEXTS_V2),
    ("encoder.model.stages_0.blocks.0.gamma", "encoder.model.stem_0.weight", _CONVNEXTS),
    ("backbone.embeddings.", "backbone.embeddings.patch_embeddings.projection.weight", _OF_TRANSFORMERS),
)
"""What the tensors of encoders begin with, the convolution that takes the bands, and the encoders by the
number of its filters, the most probable first."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Recognised:
    """A checkpoint whose network is known."""

    layout: Layout
    architecture: Architecture
    outline: nn.Module
    """The network without memory for weights."""

    @property
    def class_weights(self) -> Tensor | None:
        """Weight of each class in the loss, shape (class,), where the checkpoint kept it."""
        kept = [
            one
            for name, one in self.layout.aside.items()
            if "criterion." in name and one.shape == (self.architecture.outputs,)
        ]
        return kept[0] if kept and all(torch.equal(one, kept[0]) for one in kept) else None


def recognise(file: TensorFile, *, encoder: str | None = None) -> Recognised:
    """Find the network of a checkpoint; bands and classes are counted by the shapes of its ends.

    Of the encoders whose tensors are called so, the one from which the fewest differ.

    Parameters
    ----------
    encoder
        The encoder, where it is known.

    Raises
    ------
    ModelError
        No network that can be built has such tensors.
    """
    layout = read_layout(file)
    outputs = _counted(file, layout.tensors, _head(layout), axis=0, most=_MOST_CLASSES, what="classes")
    found = {name: tensor.shape for name, tensor in layout.tensors.items()}
    tried: list[tuple[int, Recognised]] = []
    for name in (encoder,) if encoder else _candidates(file, layout):
        one = Architecture(
            provider=layout.provider,
            network=layout.network,
            encoder=name,
            inputs=_inputs(file, layout, name),
            outputs=outputs,
        )
        outline = outline_network(one)
        shapes = {name: tensor.shape for name, tensor in outline.state_dict().items()}
        differing = sum(found.get(name) != shapes.get(name) for name in found.keys() | shapes)
        tried.append((differing, Recognised(layout=layout, architecture=one, outline=outline)))
        if not differing:
            break
    return min(tried, key=lambda one: one[0])[1]


def _candidates(file: TensorFile, layout: Layout) -> tuple[str | None, ...]:
    """Return the encoders whose tensors are called as those of a checkpoint."""
    if layout.provider in _WITHOUT_ENCODER:
        return (None,)
    for begin, entry, encoders in _ENCODERS:
        if any(name.startswith(begin) for name in layout.tensors):
            width = layout.tensors[entry].shape[0] if entry in layout.tensors else None
            return encoders.get(int(width or 0)) or tuple(
                name for names in encoders.values() for name in names
            )
    raise ModelError(
        f"{file.path}: its encoder is none of those that are recognised; name it with --encoder, as "
        "segmentation-models-pytorch calls it"
    )


def _inputs(file: TensorFile, layout: Layout, encoder: str | None) -> int:
    """Count the bands by the first convolution, which only an outline names where nothing is known."""
    entry = next((entry for _, entry, _ in _ENCODERS if entry in layout.tensors), None)
    if entry is None:
        blank = Architecture(
            provider=layout.provider, network=layout.network, encoder=encoder, inputs=1, outputs=1
        )
        entry = first_convolution(outline_network(blank))
    return _counted(file, layout.tensors, entry, axis=1, most=_MOST_BANDS, what="bands")


def _head(layout: Layout) -> str:
    blank = Architecture(provider=layout.provider, network=layout.network, inputs=1, outputs=1)
    return f"{head_of(blank)[0]}.weight"


def _counted(
    file: TensorFile, tensors: Mapping[str, Tensor], name: str, *, axis: int, most: int, what: str
) -> int:
    """Count bands or classes by the shape of a tensor, before anything is built for so many."""
    if name not in tensors or tensors[name].ndim != 4:
        raise ModelError(f"{file.path}: {name} is missing, so it is no whole checkpoint; get it again")
    count = int(tensors[name].shape[axis])
    if not 1 <= count <= most:
        raise ModelError(f"{file.path}: {name} is for {count:,} {what}, and 1 to {most} can be")
    return count
