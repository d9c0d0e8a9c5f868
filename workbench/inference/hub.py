"""The Hugging Face hub, where IGN's models lie: asked only when somebody says so."""

from __future__ import annotations

__all__ = ["by_hand", "fetch", "is_hub_name"]

import logging
import re
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import ModelError

_NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,95}/[A-Za-z0-9][\w.-]{0,95}")
_KINDS = (".safetensors", ".pth", ".ckpt")
"""Endings of checkpoints, the best first."""


def is_hub_name(source: str) -> bool:
    """Tell whether something can be the name of a repository, and is nothing on this machine.

    >>> is_hub_name("IGNF/FLAIR-INC_rgb_15cl_resnet34-unet"), is_hub_name("models/missing.pth")
    (True, False)
    """
    path = Path(source)
    here = path.parent.exists() or path.suffix in _KINDS
    return _NAME.fullmatch(source) is not None and not here


def by_hand(name: str) -> str:
    """Return the sentence that says how a model comes here without a network."""
    return (
        f"{name} is nothing on this machine, and nothing is fetched without --network: pass it, or "
        f"{_load_down(name)}"
    )


def fetch(name: str) -> Path:
    """Fetch the checkpoint of a repository into the hub's own cache; return its file.

    Raises
    ------
    ModelError
        The library is not installed, the hub does not answer, or the repository has no one checkpoint.
    """
    try:
        from huggingface_hub import HfApi, hf_hub_download

        # Base of all that its client raises, whichever library that is: requests, httpx …
        from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]
    except ImportError as error:
        raise ModelError(
            f"{name} cannot be fetched without huggingface_hub: pip install 'ocs-workbench[torch]'"
        ) from error
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.ERROR)  # it tells of each time that it tries again, and then raises
    try:
        chosen = _checkpoint(name, HfApi().list_repo_files(name))
        return Path(hf_hub_download(name, chosen))
    except (HTTPError, OSError, ValueError, RuntimeError) as error:
        if isinstance(error, ModelError):
            raise
        first = str(error).strip().partition("\n")[0] or type(error).__name__
        raise ModelError(
            f"{name} could not be fetched ({first}); look at the network, or {_load_down(name)}"
        ) from error
    finally:
        logger.setLevel(before)


def _load_down(name: str) -> str:
    return (
        f"load the .safetensors or .pth of https://huggingface.co/{name}/tree/main down and import that file"
    )


def _checkpoint(name: str, files: Sequence[str]) -> str:
    """Choose the one checkpoint of a repository."""
    for ending in _KINDS:
        found = [one for one in files if one.endswith(ending)]
        if len(found) == 1:
            return found[0]
        if found:
            raise ModelError(
                f"{name} has {len(found)} checkpoints ({', '.join(sorted(found)[:5])}); load the one that is "
                "meant down and import it"
            )
    raise ModelError(f"{name} has no .safetensors, .pth or .ckpt; look at https://huggingface.co/{name}")
