"""The model that ships with the workbench: demonstration weights, and a start for training."""

from __future__ import annotations

__all__ = ["embedded_model"]

from pathlib import Path

from workbench.errors import ModelError
from workbench.inference.card import CARD


def embedded_model() -> Path:
    """Return the directory of the shipped model; ``python -m workbench.workflows.embedding`` makes it.

    It learned from synthetic scenes alone: of real orthophotos it knows nothing before it is trained on some.

    Raises
    ------
    ModelError
        It is missing from the installation.
    """
    path = Path(__file__).resolve().parents[1] / "weights" / "tiny"
    if not (path / CARD).is_file():
        raise ModelError(f"{path} is missing; install the package again")
    return path
