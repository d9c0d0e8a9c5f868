"""Files of a submission: which patch each predicts, and what is in them."""

from __future__ import annotations

__all__ = ["find_predictions", "read_prediction"]

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EvaluationError, Problem, RasterError
from workbench.export.patches import Patch
from workbench.geo.raster import inspect_raster, read_bands

# As IGN's three writers call them: FLAIR-1 after the image, FLAIR-2 after its number, FLAIR-HUB after the
# label.
_NUMBERED = re.compile(r"PRED_(?:IMG_|MSK_)?([0-9]{1,12})\.tiff?")
_NAMED = re.compile(
    r"PRED_(D[0-9]+-[0-9]{4})_(?:AERIAL_(?:RGBI|LABEL-COSIA)_)?([A-Za-z0-9-]+_[0-9]+-[0-9]+)\.tiff?"
)


def find_predictions(submission: Path, patches: Sequence[Patch]) -> tuple[dict[str, Path], list[Problem]]:
    """Return the prediction of each patch by its id, and what is missing, doubled or too much.

    Parameters
    ----------
    submission
        Its files may lie at any depth; hidden ones do not count, and links are not followed.
    patches
        Those that are to be predicted.

    Raises
    ------
    EvaluationError
        There is no such folder.
    """
    if not submission.is_dir():
        raise EvaluationError(f"{submission} is no folder of predictions; unpack the submission first")
    by_number = {patch.number: patch.id for patch in patches if patch.number is not None}
    wanted = {patch.id for patch in patches}
    found: defaultdict[str, list[Path]] = defaultdict(list)
    problems = []
    for path in sorted(submission.rglob("*")):
        name = path.relative_to(submission)
        if any(part.startswith(".") for part in name.parts):
            continue
        patch_id = _patch_of(path.name, by_number)
        if path.is_symlink():
            message = "is a link, which may lead to anything; a prediction is a file of its own"
            problems.append(Problem(loc=(name.as_posix(),), message=message, kind="link"))
        elif path.is_dir() and patch_id is None:
            continue
        elif not path.is_file():
            message = "is called as a prediction and is no file; a prediction is a GeoTIFF"
            problems.append(Problem(loc=(name.as_posix(),), message=message, kind="extra"))
        elif patch_id in wanted:
            found[patch_id].append(path)
        else:
            message = "predicts no patch of the test; a prediction is called PRED_ and the name of its image"
            problems.append(Problem(loc=(name.as_posix(),), message=message, kind="extra"))
    for patch in patches:
        if patch.id not in found:
            called = f"PRED_IMG_{patch.number:06d}.tif or " if patch.number is not None else ""
            message = f"there is no prediction of patch {patch.id}: {called}PRED_{patch.id}.tif"
            problems.append(Problem(loc=(), message=message, kind="missing"))
    for patch_id, paths in found.items():
        for path in paths[1:]:
            message = f"predicts patch {patch_id}, and so does {paths[0].relative_to(submission).as_posix()}"
            loc = (path.relative_to(submission).as_posix(),)
            problems.append(Problem(loc=loc, message=message, kind="doubled"))
    return {patch_id: paths[0] for patch_id, paths in found.items()}, problems


def read_prediction(path: Path, patch: Patch) -> NDArray[np.uint8] | tuple[str, str]:
    """Return the numbers of a prediction, shape (row, col), or kind and words of what is wrong with it."""
    try:
        pixels = read_bands(path)
    except RasterError as error:
        return "raster", str(error)
    if pixels.dtype != np.uint8:
        return "dtype", f"has {pixels.dtype} pixels; predictions are integers of 8 bits"
    if len(pixels) != 1:
        return "bands", f"has {len(pixels)} bands; a prediction has one"
    if pixels.shape[1:] != patch.grid.shape:
        size, should = (" × ".join(map(str, shape)) for shape in (pixels.shape[1:], patch.grid.shape))
        return "size", f"has {size} pixels, patch {patch.id} has {should}"
    try:
        placed = inspect_raster(path, assume_crs=patch.grid.crs).grid
    except RasterError:  # IGN's writers leave the place out, unless they are asked for it
        placed = patch.grid
    if not placed.coincides(patch.grid):
        return "place", f"lies elsewhere than patch {patch.id}: another patch under its name, or another CRS"
    values: NDArray[np.uint8] = pixels[0]
    return values


def _patch_of(name: str, by_number: dict[int, str]) -> str | None:
    """Return the id of the patch that a file predicts, by its name."""
    if numbered := _NUMBERED.fullmatch(name):
        return by_number.get(int(numbered[1]))
    named = _NAMED.fullmatch(name)
    return f"{named[1]}_{named[2]}" if named else None
