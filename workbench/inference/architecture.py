"""Which network a model is: enough to build it again, without torch."""

from __future__ import annotations

__all__ = ["Architecture", "Provider"]

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from workbench.counting import counted
from workbench.errors import ModelError

Provider = Literal["workbench", "smp", "odeon", "flair-hub", "transformers"]
"""Whose network it is: ours, segmentation-models-pytorch, IGN's ODEON, FLAIR-HUB's UPerNet (smp 0.4), or
transformers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A network before its weights.

    Raises
    ------
    ModelError
        An unknown provider, or no input or output channel.
    """

    provider: Provider
    network: str
    """``tiny-unet``, ``unet``, ``fpn``, ``deeplabv3``, ``deeplabv3plus``, ``upernet``, ``heavy-unet``."""
    encoder: str | None = None
    """As its provider calls it, such as ``resnet34``, ``mit_b5`` or ``tu-swin_small_patch4_window7_224``."""
    inputs: int
    """Bands that go in."""
    outputs: int
    """Classes that come out, trained or not."""

    def __post_init__(self) -> None:
        if self.provider not in get_args(Provider):
            raise ModelError(
                f"{self.provider!r} builds no networks; choose from {', '.join(get_args(Provider))}"
            )
        if min(self.inputs, self.outputs) < 1:
            raise ModelError(
                f"a network of {self.inputs} bands and {self.outputs} classes cannot be; both are at least 1"
            )

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> Self:
        """Return the architecture that a model card describes."""
        return cls(**document)

    def document(self) -> dict[str, Any]:
        """Return the JSON view, a part of the model card."""
        return {
            "provider": self.provider,
            "network": self.network,
            "encoder": self.encoder,
            "inputs": self.inputs,
            "outputs": self.outputs,
        }

    def __str__(self) -> str:
        net = self.network if self.encoder is None else f"{self.encoder.removeprefix('tu-')}-{self.network}"
        sizes = f"{counted(self.inputs, 'band')}, {counted(self.outputs, 'class', 'classes')}"
        return f"{net} ({self.provider}), {sizes}"
