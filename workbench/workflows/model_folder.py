"""The folder of a published model on disk: what is in it, where it may lie, and how it gets there whole."""

from __future__ import annotations

__all__ = ["check_folder", "training_files", "write_folder"]

import json
import shutil
import uuid
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final

from workbench.documents import digest, digest_file, read_document, sync_directory, validate
from workbench.errors import ModelError
from workbench.export.manifest import Manifest
from workbench.export.staging import Staging
from workbench.inference.card import CARD, WEIGHTS
from workbench.inference.places import CURVES, HISTORY, check_place
from workbench.workflows.hub_metadata import front_matter
from workbench.workflows.model_figures import MATRIX, METRICS
from workbench.workflows.model_readme import readme
from workbench.workflows.publication import Figures, Publication

README: Final = "README.md"
_PNG: Final = b"\x89PNG"


def check_folder(output: Path, *, sources: Sequence[Path], overwrite: bool) -> None:
    """Refuse a place before any work goes into it: only a folder that is nothing but a model is replaced.

    Parameters
    ----------
    output
        The folder to write.
    sources
        Folders that it is made of.
    overwrite
        Whether a model may be there already.

    Raises
    ------
    ModelError
        Something else is there, or would be lost.
    """
    check_place(output, overwrite=overwrite)
    goal = output.resolve()
    for source in sources:
        taken = source.resolve()
        if goal.is_relative_to(taken) or taken.is_relative_to(goal):
            raise ModelError(f"{output} and {source} are one, or lie in each other; choose a folder beside")


def training_files(model: Path) -> dict[str, bytes]:
    """Return what a training left beside a model, by the name of the file: its curves, as numbers and drawn.

    Raises
    ------
    DocumentError, ModelError
        One of them is not what it is called.
    """
    found = {}
    if (path := model / HISTORY).is_file():
        read_document(path, schema="training-history")
        found[HISTORY] = path.read_bytes()
    if (path := model / CURVES).is_file():
        found[CURVES] = path.read_bytes()
        if not found[CURVES].startswith(_PNG):
            raise ModelError(f"{path} is no PNG image; copy the model again, or remove it")
    return found


def write_folder(
    output: Path, made: Publication, beside: Mapping[str, bytes], *, weights: Path
) -> dict[str, str]:
    """Write a folder aside and rename it last.

    Parameters
    ----------
    output
        The folder; an older one is replaced when the new one is whole.
    made
        What its card tells.
    beside
        Further files, as `training_files` returns them.
    weights
        The file that is copied, byte by byte.

    Returns
    -------
    dict
        SHA-256 of each file by its name, but of ``SHA256SUMS``.

    Raises
    ------
    ModelError, ReleaseError
        The disk is full or fails, or the weights are not those of the card. An older folder stays.
    """
    contents = _contents(made, source=str(output / CARD)) | dict(beside)
    digests = {name: digest(content) for name, content in contents.items()}
    digests[WEIGHTS] = made.card.weights_sha256
    with Staging.beside(output) as staging:
        try:
            for name, content in contents.items():
                (staging.path / name).write_bytes(content)
            shutil.copyfile(weights, staging.path / WEIGHTS)
            Manifest(digests.items()).write(staging.path)
        except OSError as error:
            raise ModelError(
                f"{output} cannot be written ({error.strerror or error}); look at the room on the disk"
            ) from error
        if digest_file(staging.path / WEIGHTS) != made.card.weights_sha256:
            raise ModelError(f"{weights} changed while it was copied; publish the model again")
        _put(staging, output)
    return dict(sorted(digests.items()))


def _contents(made: Publication, *, source: str) -> dict[str, bytes]:
    """Return what is written of a publication, by the name of the file."""
    card = made.card.document()
    validate(card, "model-card", source=source)
    contents = {CARD: _json(card, ordered=True)}
    if isinstance(made.figures, Figures):
        from workbench.evaluation.plots import confusion_png

        found = made.figures.evaluation
        doubtful = ", perhaps seen" if made.figures.doubt else ""
        title = f"{made.card.id} on {found.reference}, {found.split}{doubtful}"
        contents[MATRIX] = confusion_png(found.score, found.nomenclature, title=title)
        if made.figures.doubt is None:
            contents[METRICS] = _json(found.ign_document())
    software = f"ocs-workbench {version('ocs-workbench')}"
    contents[README] = readme(made, front=front_matter(made), software=software).encode()
    return contents


def _put(staging: Staging, output: Path) -> None:
    """Rename a folder that is ready to its place; an older one goes when the new one is there."""
    old = output.with_name(f".{output.name}-old-{uuid.uuid4().hex[:8]}")
    replaced = output.exists()
    if replaced:
        output.rename(old)
    there = False
    try:
        there = staging.publish()
    finally:
        if replaced and not there and not output.exists():
            old.rename(output)
    if not there:
        raise ModelError(f"{output} appeared while the model was published; choose another name")
    shutil.rmtree(old, ignore_errors=True)
    sync_directory(output.parent)


def _json(document: Mapping[str, Any], *, ordered: bool = False) -> bytes:
    text = json.dumps(document, indent=2, sort_keys=ordered, ensure_ascii=False, allow_nan=False)
    return f"{text}\n".encode()
