"""Which builder makes which network, and what must be installed for it."""

from __future__ import annotations

__all__ = ["build_network", "defaults_of", "first_convolution", "head_of", "outline_network"]

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from workbench.errors import ModelError
from workbench.inference.architecture import Architecture
from workbench.inference.networks.heavy_unet import HeavyUNet
from workbench.inference.networks.tiny_unet import TinyUNet

_SMP = ("unet", "fpn", "deeplabv3", "deeplabv3plus", "upernet")
_HEADS = {
    "workbench": ("head",),
    "odeon": ("outc.conv",),
    "smp": ("segmentation_head.0",),
    "flair-hub": ("segmentation_head.0",),
    "transformers": ("decode_head.classifier", "auxiliary_head.classifier"),
}


def build_network(architecture: Architecture) -> nn.Module:
    """Build a network with random weights: (tile, band, row, col) float32 to (tile, class, row, col) logits.

    Raises
    ------
    ModelError
        Nobody builds it, or the extra that does is not installed.
    """
    inputs, outputs = architecture.inputs, architecture.outputs
    with _told(architecture):
        match (architecture.provider, architecture.network):
            case ("workbench", "tiny-unet"):
                return TinyUNet(inputs, outputs)
            case ("odeon", "heavy-unet"):
                return HeavyUNet(inputs, outputs)
            case ("smp", network) if network in _SMP:
                from workbench.inference.networks.smp_networks import build_smp

                return build_smp(architecture)
            case ("flair-hub", "upernet"):
                from workbench.inference.networks import flair_hub

                return flair_hub.UPerNet(architecture.encoder, inputs, outputs)
            case ("transformers", "upernet"):
                from workbench.inference.networks import transformers_networks

                return transformers_networks.UPerNet(architecture.encoder, inputs, outputs)
    raise ModelError(f"{architecture} is no network that this version can build; update the workbench")


def outline_network(architecture: Architecture) -> nn.Module:
    """Build a network without memory for weights: the names and shapes of its tensors, at once at any size.

    Raises
    ------
    ModelError
        As `build_network`.
    """
    with torch.device("meta"), _NumbersStay():
        return build_network(architecture)


def defaults_of(network: str) -> dict[str, Any]:
    """Return the settings that a network of segmentation-models-pytorch is built with here, as JSON has them.

    Raises
    ------
    ModelError
        The library is not installed.
    """
    with _told(Architecture(provider="smp", network=network, inputs=1, outputs=1)):
        from workbench.inference.networks.smp_networks import NETWORKS

        settings = inspect.signature(NETWORKS[network].__init__).parameters.items()
    plain = {key: one.default for key, one in settings if one.default is not inspect.Parameter.empty}
    return {key: list(one) if isinstance(one, tuple) else one for key, one in plain.items()}


def first_convolution(network: nn.Module) -> str:
    """Return the name of the tensor that takes the bands: its second dimension counts them."""
    return next(name for name, tensor in network.state_dict().items() if tensor.ndim == 4)


def head_of(architecture: Architecture) -> tuple[str, ...]:
    """Return the names of the modules that give the classes: their weights' first dimension counts them."""
    return _HEADS[architecture.provider]


class _NumbersStay(TorchFunctionMode):
    """Keep what is read while building off the device without memory: rates of stochastic depth."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = dict(kwargs or {})
        if func is torch.linspace:
            given["device"] = "cpu"
        return func(*args, **given)


@contextmanager
def _told(architecture: Architecture) -> Iterator[None]:
    """Tell what is missing, or what a library refuses, in one sentence."""
    extra = "transformers" if architecture.provider == "transformers" else "torch"
    try:
        yield
    except ImportError as error:
        raise ModelError(
            f"{architecture} needs {error.name or 'a library'}, which is not installed: "
            f"pip install 'ocs-workbench[{extra}]'"
        ) from error
    except (ValueError, RuntimeError, KeyError, TypeError, NotImplementedError, AssertionError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{architecture} cannot be built: {error}; choose another encoder") from error
