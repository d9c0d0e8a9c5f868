"""Evaluate models on a release, or a predicted raster on a mask, and write what was found."""

from __future__ import annotations

__all__ = [
    "Outputs",
    "check_outputs",
    "compare_models",
    "evaluate_model",
    "evaluate_prediction",
    "write_outputs",
]

import io
import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.documents import write_files
from workbench.errors import EvaluationError
from workbench.evaluation import Comparison, Evaluation, evaluate_raster, evaluate_release, rule_of
from workbench.evaluation.plots import CONFUSION, RELIABILITY
from workbench.evaluation.releases import Predict
from workbench.export import Release, open_release
from workbench.export.selection import Selection
from workbench.geo.grid import NATIONAL_GRID
from workbench.inference import Segmenter, read_card
from workbench.nomenclature import load_nomenclature
from workbench.outputs import FileKind, check_output, new_folder
from workbench.workflows.learned import SeenGround
from workbench.workflows.unseen import namesakes, unknown_ground


def _is_metrics(path: Path) -> bool:
    told = json.loads(path.read_bytes())
    return isinstance(told, dict) and {"Avg_metrics_name", "Avg_metrics", "classes"} <= told.keys()


def _is_matrix(path: Path) -> bool:
    """Tell whether a file is a square of counts, no larger than classes are in a byte."""
    with path.open("rb") as file:
        if np.lib.format.read_magic(file) != (1, 0):
            return False
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    return len(shape) == 2 and 0 < shape[0] == shape[1] <= _MOST_CLASSES and dtype.kind in "iu"


_MOST_CLASSES = 256
_IN_FOLDER = {
    "metrics.json": FileKind(name="a file of metrics", is_one=_is_metrics),
    "confmat.npy": FileKind(name="a confusion matrix", is_one=_is_matrix),
}
"""What IGN's tools write, and so what a folder of metrics holds; nothing in them says who did."""
_SAME = 0.01
"""Relative difference up to which two resolutions are the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Files that an evaluation writes beside its report; None = not wanted."""

    plot: Path | None = None
    """PNG of the confusion matrix."""
    reliability: Path | None = None
    """PNG of the reliability diagram."""
    metrics: Path | None = None
    """Folder for IGN's ``metrics.json`` and ``confmat.npy``."""
    overwrite: bool = False


def evaluate_model(
    path: Path,
    model: Path,
    *,
    rule: str = "challenge",
    dropped: Sequence[str] = (),
    split: str = "split_1:test",
    without: Sequence[str] = (),
    device: str = "auto",
    say: Callable[[str], None] = lambda sentence: None,
    progress: Callable[[int, int], None] | None = None,
) -> Evaluation:
    """Hold a model against the patches of a release.

    Parameters
    ----------
    path
        The release's folder.
    model
        The model's folder.
    rule
        ``challenge`` or ``flair``; by the latter, classes that the model was not trained on are dropped too.
    dropped
        Keys of further classes to drop by the rule ``flair``.
    split
        As `Selection.parse` reads it.
    without
        Domains whose patches are left out.
    device
        Where the network runs.
    say
        Told what the figures have to be read with.
    progress
        Called with the patches done and their total.

    Raises
    ------
    WorkbenchError
        There is no such release or model, or the model does not fit the release.
    """
    release, card = open_release(path), read_card(model)
    release.prove()
    selection = replace(Selection.parse(split), without=tuple(without))
    left_out = (*dropped, *card.untrained) if rule == "flair" else dropped
    chosen = rule_of(rule, release.nomenclature, dropped=left_out)
    card.codes(release.nomenclature)  # before torch is loaded: whether the model's classes are known there
    if abs(card.resolution / NATIONAL_GRID.resolution - 1) > _SAME:
        say(
            f"model {card.id} was trained at {card.resolution:g} m, the patches have "
            f"{NATIONAL_GRID.resolution:g} m: its figures are too low"
        )
    from workbench.inference.network import open_segmenter

    segmenter = open_segmenter(model, device=device)
    found = evaluate_release(
        release,
        predictor(segmenter, release),
        subject=card.id,
        selection=selection,
        rule=chosen,
        trained_on=card.domains,
        progress=progress,
    )
    here = SeenGround.of(card).shown_whole([zone["id"] for zone in release.card["zones"]])
    found = replace(found, unknown=unknown_ground(card) or namesakes(card.domains, found.domains, here=here))
    if found.unknown:
        say(f"whether model {card.id} was trained on these domains is not known: {found.unknown}")
    if found.seen:
        named = ", ".join(map(str, found.seen))
        say(f"model {card.id} was trained on {named}: these are no test for it")
    return found


def compare_models(
    path: Path,
    models: Sequence[Path],
    *,
    rule: str = "challenge",
    dropped: Sequence[str] = (),
    split: str = "split_1:test",
    device: str = "auto",
    say: Callable[[str], None] = lambda sentence: None,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Hold several models against the same patches of a release; parameters are those of `evaluate_model`.

    By the rule ``flair``, classes that one of them was not trained on are dropped for all.
    """
    cards = [read_card(model) for model in models]
    if len({card.id for card in cards}) != len(cards):
        raise EvaluationError(
            "two of the models have the same id; give each its own by workbench model import"
        )
    left_out = tuple(dict.fromkeys([*dropped, *(key for card in cards for key in card.untrained)]))
    told = progress or (lambda done, total: None)
    found = []
    for number, model in enumerate(models):

        def of_all(done: int, total: int, number: int = number) -> None:
            told(number * total + done, len(models) * total)

        found.append(
            evaluate_model(
                path,
                model,
                rule=rule,
                dropped=left_out if rule == "flair" else dropped,
                split=split,
                device=device,
                say=say,
                progress=of_all,
            )
        )
    return Comparison(evaluations=tuple(found))


def predictor(segmenter: Segmenter, release: Release) -> Predict:
    """Return how a segmenter predicts a patch of a release, in codes of the release's nomenclature."""
    card = segmenter.card
    codes = np.concatenate([np.zeros(1, np.uint8), card.codes(release.nomenclature)])

    def predict(image: NDArray[np.uint8], names: Sequence[str]) -> NDArray[np.uint8]:
        numbers = card.band_numbers(names, where=f"release {release.name}")
        tile = np.empty((1, *image.shape[:2], len(numbers)), np.uint8)
        for place, (number, fill) in enumerate(zip(numbers, card.fills, strict=True)):
            tile[0, :, :, place] = fill if number is None else image[:, :, number - 1]
        planes: NDArray[np.uint8] = segmenter.predict_reduced(tile)[0]
        planes[0] = codes[planes[0]]
        return planes

    return predict


def evaluate_prediction(
    truth: Path,
    prediction: Path,
    *,
    rule: str = "challenge",
    dropped: Sequence[str] = (),
    nomenclature: str = "flair-19",
    scheme: str | None = None,
    prediction_scheme: str | None = None,
) -> Evaluation:
    """Hold a predicted raster against a mask; see `workbench.evaluation.evaluate_raster`."""
    if truth.is_dir():
        raise EvaluationError(
            f"{truth} is a folder; a prediction is held against a mask, and a release is for --model"
        )
    known = load_nomenclature(nomenclature)
    return evaluate_raster(
        truth,
        prediction,
        nomenclature=known,
        rule=rule_of(rule, known, dropped=dropped),
        scheme=scheme,
        prediction_scheme=prediction_scheme,
    )


def check_outputs(outputs: Outputs, *, sources: Iterable[Path]) -> None:
    """Refuse outputs before any work goes into them.

    Raises
    ------
    EvaluationError
        A file or folder is in the way, or its folder is not there.
    """
    pictures = [path.resolve() for path in (outputs.plot, outputs.reliability) if path is not None]
    if len(set(pictures)) != len(pictures):
        raise EvaluationError(f"{outputs.plot} cannot hold both pictures; give --reliability another name")
    for path, kind in ((outputs.plot, CONFUSION), (outputs.reliability, RELIABILITY)):
        if path is None:
            continue
        if path.suffix.lower() != ".png":
            raise EvaluationError(f"{path}: a picture is written as PNG; give it a name that ends in .png")
        check_output(path, kind, overwrite=outputs.overwrite, sources=sources, error=EvaluationError)
    if outputs.metrics is not None:
        _check_metrics(outputs.metrics, overwrite=outputs.overwrite)


def _check_metrics(folder: Path, *, overwrite: bool) -> None:
    if not folder.exists():
        if not folder.parent.is_dir():
            raise EvaluationError(f"{folder.parent} is not a folder; make it first")
        return
    strange = not folder.is_dir() or {path.name for path in folder.iterdir()} - _IN_FOLDER.keys()
    if strange or not overwrite:
        way_out = "choose another folder" + ("" if strange else " or pass --overwrite")
        raise EvaluationError(f"{folder} exists already; {way_out}")
    for name, kind in _IN_FOLDER.items():
        check_output(folder / name, kind, overwrite=True, error=EvaluationError)


def write_outputs(evaluation: Evaluation, outputs: Outputs) -> tuple[Path, ...]:
    """Write what is wanted of an evaluation; return the files.

    Raises
    ------
    EvaluationError
        matplotlib is not there, or a reliability diagram is wanted of a prediction without probabilities.
    """
    title = f"{Path(evaluation.subject).name} against {Path(evaluation.reference).name}"
    if evaluation.split:
        title += f", {evaluation.split}"
    contents: dict[Path, bytes] = {}
    if outputs.plot or outputs.reliability:
        from workbench.evaluation.plots import confusion_png, reliability_png

        if outputs.plot:
            contents[outputs.plot] = confusion_png(evaluation.score, evaluation.nomenclature, title=title)
        if outputs.reliability:
            sure = evaluation.calibration(evaluation.total)
            if sure is None:
                raise EvaluationError(
                    f"{evaluation.subject} has no probabilities, so there is no reliability to draw; leave "
                    "--reliability out"
                )
            contents[outputs.reliability] = reliability_png(sure, title=title)
    if outputs.metrics:
        text = json.dumps(evaluation.ign_document(), indent=2, ensure_ascii=False, allow_nan=False)
        matrix = io.BytesIO()
        np.save(matrix, evaluation.total.confusion.counts)
        contents |= zip(
            (outputs.metrics / name for name in _IN_FOLDER),
            (f"{text}\n".encode(), matrix.getvalue()),
            strict=True,
        )
    with new_folder(outputs.metrics) if outputs.metrics else nullcontext():
        write_files(contents, error=EvaluationError)
    return tuple(contents)
