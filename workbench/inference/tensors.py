"""Files of tensors by others: opened without running anything that they say, and without believing sizes.

``.safetensors`` files, and archives of torch with its reader that knows tensors and plain containers alone;
what else is pickled in one is refused, never run.
"""

from __future__ import annotations

__all__ = ["TensorFile", "read_tensors"]

import pickle
import re
import struct
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from workbench.errors import ModelError

_LARGEST = 16 << 30
"""Bytes. The largest of IGN's has 0.9 GB; with the state of its optimiser, three times that."""
_LARGEST_PICKLE = 64 << 20
_STATES = ("state_dict", "model_state_dict")
_ARCHIVE = b"PK\x03\x04"
_FORBIDDEN = re.compile(r"(?:GLOBAL|global|class|function) [`']?([\w.]+\.[\w.]+)")
_MALFORMED = (
    pickle.UnpicklingError,
    struct.error,
    OSError,
    EOFError,
    RuntimeError,
    ValueError,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
    AssertionError,
)
"""What torch raises at a malformed archive."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TensorFile:
    """The tensors of a file, by name, in its order; they are read when they are used."""

    path: Path
    tensors: Mapping[str, Tensor]

    def __post_init__(self) -> None:
        if not self.tensors:
            raise ModelError(f"{self.path} holds no tensors, so it is no checkpoint")


def read_tensors(path: Path) -> TensorFile:
    """Open a checkpoint of a network's state.

    A Lightning checkpoint's optimiser and settings are left aside.

    Raises
    ------
    ModelError
        The file is no checkpoint, is damaged, or holds what cannot be trusted.
    """
    if not path.is_file():
        raise ModelError(f"{path} is no file; give a checkpoint or the folder of a model")
    size = path.stat().st_size
    if size > _LARGEST:
        raise ModelError(
            f"{path} has {size / 2**30:.1f} GiB, more than any network here; keep its state_dict alone"
        )
    with path.open("rb") as file:
        first = file.read(9)
    if first.startswith(_ARCHIVE):
        found = _read_archive(path, size)
    elif len(first) == 9 and first.endswith(b"{") and int.from_bytes(first[:8], "little") <= size:
        found = _read_safetensors(path)
    elif first.startswith((b"\x80", b"\x8a")):
        raise ModelError(
            f"{path} is a bare pickle, as torch wrote before 1.6, and is not opened; whoever trusts it "
            "saves its state_dict as .safetensors"
        )
    else:
        raise ModelError(f"{path} is no checkpoint: neither .safetensors nor an archive of torch, or cut off")
    return TensorFile(path=path, tensors=found)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path} is damaged ({error}); get it again") from error


def _read_archive(path: Path, size: int) -> dict[str, Tensor]:
    _check_archive(path, size)
    if path.suffix == ".safetensors":  # torch would believe the ending
        raise ModelError(f"{path} is called .safetensors and is an archive of torch; call it .pth")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that a pickle is of another protocol than torch's own
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except _MALFORMED as error:
        if "eights only load failed" in str(error) or isinstance(error, pickle.UnpicklingError):
            named = _FORBIDDEN.search(str(error).partition("\n")[2])
            what = f" ({named[1]})" if named else ""
            raise ModelError(
                f"{path} holds more than tensors{what}, and opening it could run any code, so it is not "
                "opened; ask whoever made it for .safetensors, or for its state_dict alone"
            ) from error
        raise ModelError(f"{path} is damaged, or no checkpoint; get it again") from error
    state = next(
        (content[key] for key in _STATES if isinstance(content, Mapping) and key in content), content
    )
    if not isinstance(state, Mapping):
        raise ModelError(f"{path} holds a {type(state).__name__}, not tensors by name; save its state_dict")
    plain = {str(name): value for name, value in state.items() if isinstance(value, Tensor)}
    for name, value in plain.items():
        if value.layout != torch.strided or value.is_quantized or value.is_meta:
            raise ModelError(f"{path}: {name} is no plain tensor of numbers; save the network in floats")
    return plain


def _check_archive(path: Path, size: int) -> None:
    """Refuse an archive that would grow: torch stores, and never packs."""
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, struct.error) as error:
        raise ModelError(f"{path} is damaged or cut off ({error}); get it again") from error
    pickled = sum(member.file_size for member in members if member.filename.endswith(".pkl"))
    if not pickled:
        raise ModelError(f"{path} is an archive, but not of torch; give the checkpoint inside it")
    if any(member.filename.endswith("/constants.pkl") for member in members):
        raise ModelError(
            f"{path} is a TorchScript program, which is not run; ask for the network's state_dict"
        )
    packed = any(member.compress_type != zipfile.ZIP_STORED for member in members)
    if packed or sum(member.file_size for member in members) > size or pickled > _LARGEST_PICKLE:
        raise ModelError(
            f"{path} is packed in a way that torch never does, and may be a trap; get it elsewhere"
        )
