"""Published trees of patches, read back: FLAIR#1 and FLAIR#2, FLAIR-HUB, and releases of ours."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from workbench.errors import ReleaseError
from workbench.export.release import open_release
from workbench.export.trees.flair_hub import FlairHubTree
from workbench.export.trees.flair_one import FlairOneTree
from workbench.export.trees.released import ReleasedTree
from workbench.export.trees.tree import PatchRaster, Tree, TreePatch

__all__ = ["TREES", "PatchRaster", "Tree", "TreePatch", "open_tree"]

TREES: Final = {one.layout: one for one in (FlairOneTree, FlairHubTree)}
"""Trees of others, by the name of their layout."""


def open_tree(path: Path, *, layout: str | None = None) -> Tree:
    """Open a published tree, without reading any pixel.

    Parameters
    ----------
    path
        Its folder, or one above it.
    layout
        One of `TREES`; found out if not given. A release is read as one, by its index, if none is given.

    Raises
    ------
    ReleaseError
        There is no such tree, or there are two, or it is that of a release of derived labels.
    """
    _check_annotated(path)
    if layout is None and (path / "release.json").is_file():
        return ReleasedTree(open_release(path))
    if layout is not None and layout not in TREES:
        raise ReleaseError(f"layout {layout!r} of a tree is unknown; choose from {', '.join(TREES)}")
    if not path.is_dir():
        raise ReleaseError(f"{path} is no folder; give the one that holds the tree")
    found: list[Tree] = [kind(path) for name, kind in TREES.items() if layout in (None, name)]
    there = [tree for tree in found if tree.zones]
    if len(there) == 1:
        return there[0]
    if there:
        raise ReleaseError(f"{path} holds trees of {' and '.join(one.layout for one in there)}; say --layout")
    forms = {
        "flair1": "{domain}/{zone}/img/IMG_036294.tif",
        "flair-hub": "D055-2018_AERIAL_RGBI/{roi}/D055-2018_AERIAL_RGBI_{roi}_1-1.tif",
    }
    wanted = " or ".join(form for name, form in forms.items() if layout in (None, name))
    raise ReleaseError(f"{path} holds no patches such as {wanted}; unpack the archives, or give their folder")


def _check_annotated(path: Path) -> None:
    """Refuse labels that nobody gave: in a campaign, they would pass for those of people.

    Their trees look like any other, in other numbers; so a release is asked for above a tree, too.
    """
    for folder in (path, path.parent):
        if (folder / "release.json").is_file() and "derived" in (card := open_release(folder).card):
            raise ReleaseError(
                f"labels of {card['name']} are derived from {card['derived']['of']}, and nobody gave them; "
                f"import {card['derived']['of']}"
            )
