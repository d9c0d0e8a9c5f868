"""A recorded disk: every write and sync of a process, and the disks that a power cut could have left.

`record` runs a program under strace. `disk_after` plays what it did to its files up to some event, on a disk
that forgets: of a file only what was synced is there, and of a folder only the names that it had when it was
synced. What was written since may be there in part, in any order, torn at sectors.
"""

from __future__ import annotations

import os
import random
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SECTOR = 512
_CALLS = (
    "openat,open,creat,close,write,writev,pwrite64,ftruncate,fsync,fdatasync,rename,renameat,renameat2,unlink,"
    "unlinkat,lseek"
)
RECORDING = ("-xx", "-s", "16777216", "-e", f"trace={_CALLS}")
"""Options that make strace write down what `events_of` reads."""
_LINE = re.compile(r"^(\d+)\s+(.*)$")
_CALL = re.compile(r"^(\w+)\((.*)\)\s+= (-?\d+)")
_TEXT = re.compile(r'"((?:\\x[0-9a-f]{2})*)"')


@dataclass(frozen=True, slots=True)
class Event:
    """What a process did: ``create write truncate sync rename unlink say``, or ``failed sync``."""

    kind: str
    path: str = ""
    file: int = 0
    """Number of the file: it keeps it when it is renamed."""
    offset: int = 0
    data: bytes = b""
    goal: str = ""


@dataclass(slots=True)
class _File:
    durable: bytearray = field(default_factory=bytearray)
    pending: list[tuple[int, bytes]] = field(default_factory=list)
    """Writes since the last sync; a truncation is a write of nothing at the new size."""

    def now(self) -> bytes:
        return _written(self.durable, self.pending)


@cache
def has_strace() -> bool:
    """Tell whether a process can be recorded here."""
    if shutil.which("strace") is None:
        return False
    return (
        subprocess.run(["strace", "-o", os.devnull, "true"], capture_output=True, check=False).returncode == 0
    )


def record(program: str, *arguments: str, root: Path, log: Path) -> list[Event]:
    """Run a Python program and return what it did to files below a folder, and what it printed."""
    command = ["strace", "-f", "-qq", *RECORDING, "-o", str(log)]
    subprocess.run([*command, sys.executable, "-c", program, *arguments], check=True, capture_output=True)
    return events_of(log.read_text(encoding="ascii"), root)


def disk_after(events: list[Event], count: int, goal: Path, *, chance: random.Random | None = None) -> None:
    """Write the files that a power cut after some events leaves.

    Parameters
    ----------
    events, count
        What was done, and how many of it before the cut.
    goal
        Folder for the files.
    chance
        Decides which unsynced writes reached the disk; None: none of them.
    """
    files: dict[int, _File] = {}
    names: dict[str, int] = {}
    durable: dict[str, int] = {}
    for event in events[:count]:
        _play(event, files, names, durable)
    if chance is not None and chance.random() < 0.5:
        durable = names  # the file system wrote its own journal by itself
    for path, number in durable.items():
        held = files[number]
        content = bytes(held.durable) if chance is None else _torn(held, chance)
        target = goal / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def _play(event: Event, files: dict[int, _File], names: dict[str, int], durable: dict[str, int]) -> None:
    match event.kind:
        case "create":
            files[event.file] = _File()
            names[event.path] = event.file
        case "write":
            files[event.file].pending.append((event.offset, event.data))
        case "truncate":
            files[event.file].pending.append((event.offset, b""))
        case "sync":
            held = files[event.file]
            held.durable, held.pending = bytearray(held.now()), []
        case (
            "failed sync"
        ):  # the kernel takes those pages for written from now on, and no sync returns to them
            files[event.file].pending = []
        case "sync folder":
            inside = {path: number for path, number in names.items() if str(Path(path).parent) == event.path}
            gone = [path for path in durable if str(Path(path).parent) == event.path and path not in inside]
            for path in gone:
                del durable[path]
            durable |= inside
        case "rename":
            names[event.goal] = names.pop(event.path)
        case "unlink":
            names.pop(event.path, None)


def _torn(held: _File, chance: random.Random) -> bytes:
    """Return a file of whose unsynced writes some sectors reached the disk."""
    kept: list[tuple[int, bytes]] = []
    for offset, data in held.pending:
        if not data:
            kept += [(offset, data)] if chance.random() < 0.5 else []
            continue
        at = offset
        while at < offset + len(data):
            stop = min(offset + len(data), (at // SECTOR + 1) * SECTOR)
            if chance.random() < 0.5:
                kept.append((at, data[at - offset : stop - offset]))
            at = stop
    return _written(held.durable, kept)


def _written(content: bytes | bytearray, writes: list[tuple[int, bytes]]) -> bytes:
    result = bytearray(content)
    for offset, data in writes:
        if not data:
            del result[offset:]
            result += bytes(offset - len(result))
            continue
        result += bytes(max(0, offset - len(result)))
        result[offset : offset + len(data)] = data
    return bytes(result)


class _Process:
    """What strace's lines mean: which file each descriptor is, and where it stands in it."""

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.events: list[Event] = []
        self.names: dict[str, int] = {}
        self.open: dict[int, tuple[str, int]] = {}
        """Descriptor → path below the root and number of the file; -1 for a folder."""
        self.places: dict[int, int] = {}
        self.count = 0
        self.said = b""

    def follow(self, name: str, arguments: str, result: int) -> None:
        texts = [bytes.fromhex(text.replace("\\x", "")) for text in _TEXT.findall(arguments)]
        numbers = arguments.split(",")
        if result < 0:
            path, number = self.open.get(int(numbers[0]) if numbers[0].isdecimal() else -1, ("", -1))
            if name in ("fsync", "fdatasync") and number >= 0:
                self.events.append(Event("failed sync", path, number))
            return
        if name in ("open", "openat", "creat"):
            self._opened(texts[0].decode(), arguments, result)
        elif name in ("rename", "renameat", "renameat2"):
            old, new = (self._inside(text.decode()) for text in texts)
            if old is not None and new is not None and old in self.names:
                self.names[new] = self.names.pop(old)
                self.events.append(Event("rename", old, goal=new))
        elif name in ("unlink", "unlinkat"):
            path = self._inside(texts[0].decode())
            if path is not None and self.names.pop(path, None) is not None:
                self.events.append(Event("unlink", path))
        else:
            self._used(name, int(numbers[0]), texts, numbers, result)

    def _used(self, name: str, handle: int, texts: list[bytes], numbers: list[str], result: int) -> None:
        if name in ("write", "writev") and handle == 1:
            self.said += texts[0]
            *whole, self.said = self.said.split(b"\n")
            self.events += [Event("say", data=line) for line in whole]
        if handle not in self.open:
            return
        path, number = self.open[handle]
        if name == "close":
            del self.open[handle]
        elif name == "lseek":
            self.places[handle] = result
        elif name in ("write", "pwrite64"):
            offset = int(numbers[-1]) if name == "pwrite64" else self.places.get(handle, 0)
            self.events.append(Event("write", path, number, offset, texts[0][:result]))
            self.places[handle] = offset + result
        elif name == "ftruncate":
            self.events.append(Event("truncate", path, number, int(numbers[1])))
        elif name in ("fsync", "fdatasync"):
            self.events.append(Event("sync folder" if number < 0 else "sync", path, number))

    def _opened(self, text: str, arguments: str, handle: int) -> None:
        path = self._inside(text)
        if path is None:
            self.open.pop(handle, None)
            return
        if (self.root / path).is_dir():
            self.open[handle] = path, -1
            return
        if path not in self.names and "O_CREAT" in arguments:
            self.count += 1
            self.names[path] = self.count
            self.events.append(Event("create", path, self.count))
        elif path in self.names and "O_TRUNC" in arguments:
            self.events.append(Event("truncate", path, self.names[path], 0))
        if path in self.names:
            self.open[handle] = path, self.names[path]
            self.places[handle] = 0

    def _inside(self, text: str) -> str | None:
        path = Path(text)
        if not path.is_absolute() or not path.is_relative_to(self.root):
            return None
        return str(path.relative_to(self.root))


def events_of(log: str, root: Path) -> list[Event]:
    """Return what a process did to files below a folder, from strace's log, and what it printed."""
    process, unfinished = _Process(root), dict[str, str]()
    for line in log.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        pid, text = found.groups()
        if text.endswith("<unfinished ...>"):
            unfinished[pid] = text.removesuffix("<unfinished ...>").rstrip()
            continue
        if text.startswith("<..."):
            text = unfinished.pop(pid, "") + text.split("resumed>", 1)[1]
        call = _CALL.match(text)
        if call is not None:
            process.follow(call[1], call[2], int(call[3]))
    return process.events
