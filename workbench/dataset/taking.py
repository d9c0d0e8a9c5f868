"""The files of a release taken into another folder, each proven by its digest as it is taken."""

from __future__ import annotations

__all__ = ["check_place", "check_same", "check_whole", "take_files"]

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from workbench.documents import digest_file, inside
from workbench.errors import ReleaseError, WorkbenchError
from workbench.export import Release
from workbench.export.manifest import MANIFEST, Manifest, check_files, is_about, listed_files
from workbench.outputs import check_outside_releases
from workbench.threads import Map

_CARD: Final = "release.json"
Progress = Callable[[int, int], None]


def check_place(release: Release, target: Path) -> None:
    """Refuse a place that something else has than what is to be made, or that lies in a release.

    Raises
    ------
    ReleaseError
        Something is there that has not the content of the release, or is the release itself.
    """
    goal, taken = target.resolve(), release.path.resolve()
    check_outside_releases(target, error=ReleaseError)
    if not os.path.lexists(target):
        return
    if goal == taken or not (target / MANIFEST).is_file():
        raise _taken(target, "exists")
    if Manifest.read(target).content_sha256 != release.card["content_sha256"]:
        raise _taken(target, f"has other content than {release.path}")


def check_same(
    target: Path,
    made: Manifest,
    *,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
) -> None:
    """Refuse what is there, unless it is whole and every file of it is one that was just made.

    Raises
    ------
    ReleaseError
        It is something else, or damaged.
    """
    if not (target / MANIFEST).is_file():
        raise _taken(target, "exists")
    there = Manifest.read(target)
    pairs = ((made, there), (there, made))
    others = (path for one, two in pairs for path, sha256 in one if two.get(path) != sha256)
    if (other := next(others, None)) is not None:
        raise _taken(target, f"says something else (first {other})")
    if damage := check_files(target, there, map=map):
        raise ReleaseError(
            f"{target} is what would be made but is damaged ({damage[0]}); move it away and publish again"
        )


def check_whole(release: Release) -> Manifest:
    """Return the files of a release; refuse one that has others, or is not what its card says.

    Whether each is there as it was built is found by `take_files`.

    Raises
    ------
    ReleaseError
        It is damaged.
    """
    manifest = Manifest.read(release.path)
    if manifest.content_sha256 != release.card["content_sha256"]:
        raise _damaged(release.path, f"{MANIFEST} does not list what release.json says")
    for path in listed_files(release.path):
        if path != MANIFEST and manifest.get(path) is None:
            raise _damaged(release.path, f"{path} is not in {MANIFEST}")
    return manifest


def take_files(
    release: Path,
    manifest: Manifest,
    folder: Path,
    *,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
    progress: Progress | None = None,
) -> Manifest:
    """Have the data of a release, and its ``release.json``, in a folder; return what was taken.

    One file on the disk under two names where the disk knows links, else a copy.

    Raises
    ------
    ReleaseError
        A file is not what ``SHA256SUMS`` says, or the disk is full.
    """
    taken = Manifest((path, sha256) for path, sha256 in manifest if path == _CARD or not is_about(path))
    total = len(taken)
    for done, _ in enumerate(map(_Take(release, folder), taken), start=1):
        if progress is not None:
            progress(done, total)
    return taken


class _Take:
    """Take one (path, digest); a class, so that it can be sent to another thread."""

    def __init__(self, release: Path, folder: Path) -> None:
        self.release, self.folder = release, folder

    def __call__(self, entry: tuple[str, str]) -> None:
        path, sha256 = entry
        source, target = self.release / path, self.folder / path
        try:
            inside(self.release, path)
            found = None if source.is_symlink() else digest_file(source)
        except (OSError, WorkbenchError) as error:
            raise _damaged(self.release, f"{path} is missing, or cannot be read") from error
        if found != sha256:
            raise _damaged(self.release, f"{path} is not what {MANIFEST} says")
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:  # another disk, or one that knows no links
            shutil.copyfile(source, target)
            if digest_file(target) != sha256:
                raise _damaged(self.release, f"{path} changed while it was copied") from None


def _taken(target: Path, why: str) -> ReleaseError:
    return ReleaseError(
        f"{target} {why}, and nothing is ever replaced; choose another folder, or move it away"
    )


def _damaged(release: Path, what: str) -> ReleaseError:
    return ReleaseError(
        f"{release} is not as it was built: {what}; look at it by workbench release verify {release}"
    )
