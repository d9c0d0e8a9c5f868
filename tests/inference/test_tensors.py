"""Files of tensors by others: hostile, damaged, oversized ones are one sentence each, and nothing runs."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from workbench.errors import ModelError
from workbench.inference import tensors
from workbench.inference.tensors import read_tensors

STATE = {"a.weight": torch.arange(12.0).reshape(3, 4), "a.count": torch.tensor(7)}


class Hostile:
    """Makes a folder when it is unpickled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return os.mkdir, (str(self.folder),)


@pytest.mark.parametrize("ending", ["pth", "ckpt", "safetensors"])
def test_tensors_come_back(ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{ending}"
    if ending == "safetensors":
        save_file(STATE, path)
    else:
        torch.save({"state_dict": STATE, "epoch": 3} if ending == "ckpt" else STATE, path)
    found = read_tensors(path).tensors
    assert found.keys() == STATE.keys()
    assert all(torch.equal(found[name], tensor) for name, tensor in STATE.items())


def test_a_wrong_ending_misleads_nobody(tmp_path: Path) -> None:
    save_file(STATE, tmp_path / "x.pth")
    torch.save(STATE, tmp_path / "x.safetensors")
    assert read_tensors(tmp_path / "x.pth").tensors.keys() == STATE.keys()
    with pytest.raises(
        ModelError, match=r"is called \.safetensors and is an archive of torch; call it \.pth"
    ):
        read_tensors(tmp_path / "x.safetensors")


def test_a_hostile_pickle_is_refused_and_does_not_run(tmp_path: Path) -> None:
    torch.save({**STATE, "b": Hostile(tmp_path / "pwned")}, tmp_path / "x.pth")
    with pytest.raises(ModelError, match=r"holds more than tensors \(\w+\.mkdir\), and opening it could run"):
        read_tensors(tmp_path / "x.pth")
    torch.save(STATE, tmp_path / "y.pth", _use_new_zipfile_serialization=False)
    (tmp_path / "z.pth").write_bytes(pickle.dumps(Hostile(tmp_path / "pwned")))
    for name in ("y.pth", "z.pth"):
        with pytest.raises(ModelError, match="is a bare pickle"):
            read_tensors(tmp_path / name)
    assert not (tmp_path / "pwned").exists()


def _archive(path: Path, members: dict[str, bytes], *, packed: bool = False) -> None:
    kind = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    with zipfile.ZipFile(path, "w", compression=kind) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def _repacked(path: Path, *, pickled: bytes | None = None, packed: bool = False) -> None:
    """Write what torch wrote with another pickle, or deflated."""
    torch.save(STATE, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    if pickled is not None:
        members[next(name for name in members if name.endswith("data.pkl"))] = pickled
    _archive(path, members, packed=packed)


def _safetensors(path: Path, header: bytes, body: bytes = b"") -> None:
    path.write_bytes(struct.pack("<Q", len(header)) + header + body)


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "no file": (lambda path: None, "is no file"),
    "empty": (lambda path: path.write_bytes(b""), "is no checkpoint"),
    "text": (lambda path: path.write_text("weights, weights, weights"), "is no checkpoint"),
    "archive of others": (
        lambda path: _archive(path, {"readme.txt": b"hello"}),
        "an archive, but not of torch",
    ),
    "torchscript": (
        lambda path: _archive(path, {"x/data.pkl": b".", "x/constants.pkl": b".", "x/code/x.py": b""}),
        "TorchScript program",
    ),
    "number": (lambda path: torch.save(3, path), "holds a int, not tensors by name"),
    "list": (lambda path: torch.save([torch.zeros(3)], path), "holds a list, not tensors by name"),
    "no tensors": (lambda path: torch.save({"a": 1, "b": "c"}, path), "holds no tensors"),
    "sparse": (lambda path: torch.save({"a": torch.eye(3).to_sparse()}, path), "a is no plain tensor"),
    "deflated": (lambda path: _repacked(path, packed=True), "packed in a way that torch never does"),
    "bomb": (
        lambda path: _archive(path, {"x/data.pkl": bytes(100 << 20), "x/version": b"3"}, packed=True),
        "may be a trap",
    ),
    "odd pickle": (lambda path: _repacked(path, pickled=b"\x80\x02}q\x00X\xff\xff\xff\x7f."), "is damaged"),
    "empty pickle": (lambda path: _repacked(path, pickled=b"."), "is damaged"),
    "endless header": (lambda path: _safetensors(path, b"{" + b" " * 10), "is damaged"),
    "lying header": (
        lambda path: _safetensors(
            path,
            b'{"a":{"dtype":"F32","shape":[1000000,1000000],"data_offsets":[0,4000000000000]}}',
            bytes(16),
        ),
        "is damaged",
    ),
    "header without end": (
        lambda path: path.write_bytes(struct.pack("<Q", 1 << 40) + b"{"),
        "is no checkpoint",
    ),
}


@pytest.mark.parametrize(("make", "told"), BAD.values(), ids=BAD)
def test_what_is_no_checkpoint_is_one_sentence(
    make: Callable[[Path], object], told: str, tmp_path: Path
) -> None:
    make(tmp_path / "x.pth")
    with pytest.raises(ModelError, match=told) as caught:
        read_tensors(tmp_path / "x.pth")
    assert str(tmp_path / "x.pth") in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("ending", ["pth", "safetensors"])
@pytest.mark.parametrize("share", [0.05, 0.3, 0.6, 0.9, 0.99])
def test_a_file_that_was_cut_off_is_refused(share: float, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"x.{ending}"
    state = {f"layer{number}.weight": torch.randn(50) for number in range(40)}
    if ending == "pth":
        torch.save(state, path)
    else:
        save_file(state, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ModelError, match=r"damaged|cut off|no checkpoint"):
        read_tensors(path)


def test_any_flipped_byte_of_the_pickle_is_survived(tmp_path: Path) -> None:
    """Damage is refused or leads to other tensors, never to anything else."""
    torch.save(STATE, tmp_path / "x.pth")
    with zipfile.ZipFile(tmp_path / "x.pth") as archive:
        whole = archive.read(next(name for name in archive.namelist() if name.endswith("data.pkl")))
    for place in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= 0x55
        _repacked(tmp_path / "y.pth", pickled=bytes(damaged))
        with suppress(ModelError):
            read_tensors(tmp_path / "y.pth")


def test_a_file_larger_than_any_network_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.save(STATE, tmp_path / "x.pth")
    monkeypatch.setattr(tensors, "_LARGEST", 100)
    with pytest.raises(ModelError, match="GiB, more than any network here"):
        read_tensors(tmp_path / "x.pth")
