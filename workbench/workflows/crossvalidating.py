"""Cross-validation: a model for each fold of a release, judged where it never was, and one for production."""

from __future__ import annotations

__all__ = ["CROSS_VALIDATION", "cross_validate"]

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.documents import write_document, write_file
from workbench.errors import EvaluationError, ModelError
from workbench.evaluation import CrossValidation, Fold, rule_of
from workbench.export import Release, open_release
from workbench.export.folds import PROD, SPLITS
from workbench.export.selection import Selection
from workbench.inference.card import CARD, ModelCard, read_card
from workbench.workflows.evaluating import evaluate_model
from workbench.workflows.training import budget_of, id_of, train_model

CROSS_VALIDATION = "cross-validation.json"
_TABLE = "cross-validation.md"


def cross_validate(
    path: Path,
    output: Path,
    *,
    rule: str = "challenge",
    prod: bool = True,
    resume: bool = False,
    device: str = "auto",
    say: Callable[[str], None] = lambda sentence: None,
    progress: Callable[[float, str], None] = lambda share, told: None,
    **how: Any,
) -> CrossValidation:
    """Train and judge a model for each fold that has zones; write the models and their table.

    Parameters
    ----------
    path
        The release's folder.
    output
        Folder to write: ``fold_1`` … and ``prod``, each a model, ``cross-validation.json`` and ``.md``.
    rule
        As for `evaluate_model`.
    prod
        Whether a model is trained on all folds, too.
    resume
        Go on in a folder where some models are there already.
    device
        Where networks run.
    say
        Told what is worth knowing.
    progress
        Told how much of the whole is done, and what is being done.
    how
        Budget and the like of each model, as `train_model` takes them.

    Raises
    ------
    EvaluationError
        Fewer than two folds have zones, or the folder is in the way.
    ModelError
        A model cannot be trained.
    """
    release = open_release(path)
    splits = [split for split in SPLITS if _holds(release, split, "test")]
    if len(splits) < 2:
        raise EvaluationError(
            f"{path} has zones in {len(splits)} of its folds; to judge a model where it never was takes two "
            "folds: add zones of other domains"
        )
    left_out = [split for split in SPLITS if split not in splits]
    if left_out:
        say(f"no zone is in the test of {', '.join(left_out)}: {len(splits)} folds are judged")
    _check_folder(output, resume=resume)
    wanted = [*splits, *([PROD] if prod and _holds(release, PROD, "valid") else [])]
    folds: dict[str, Fold] = {}
    for number, split in enumerate(wanted):
        name = PROD if split == PROD else split.replace("split", "fold")

        def told(share: float, what: str, number: int = number, name: str = name) -> None:
            progress((number + share) / len(wanted), f"{name}: {what}")

        _train(path, output / name, split, release, told=told, resume=resume, device=device, say=say, how=how)
        judged = f"{split}:{'valid' if split == PROD else 'test'}"
        evaluation = evaluate_model(path, output / name, rule=rule, split=judged, device=device, say=_quiet)
        folds[split] = Fold.of(
            name, evaluation if split != PROD else replace(evaluation, seen=(), unknown=None)
        )
        say(f"{name}: mIoU {evaluation.score.mean_iou:.1%}, OA {evaluation.score.accuracy:.1%}")
        if evaluation.doubt and split != PROD:
            say(f"{name}: no test, or perhaps none, and in no mean: {evaluation.doubt}")
    result = CrossValidation(
        release=release.name,
        nomenclature=release.nomenclature,
        rule=rule_of(rule, release.nomenclature),
        folds=tuple(folds[split] for split in splits),
        prod=folds.get(PROD),
    )
    write_document(result.document(), output / CROSS_VALIDATION, schema="cross-validation")
    write_file(output / _TABLE, (result.text() + "\n").encode(), error=EvaluationError)
    return result


def _holds(release: Release, split: str, subset: str) -> bool:
    return bool(Selection(split=split, subset=subset).of(release.patches()))


def _check_folder(output: Path, *, resume: bool) -> None:
    if not output.parent.is_dir():
        raise EvaluationError(f"{output.parent} is not a folder; make it first")
    if output.exists() and not output.is_dir():
        raise EvaluationError(f"{output} is no folder; choose another name")
    if output.is_dir() and any(output.iterdir()) and not resume:
        raise EvaluationError(
            f"{output} is not empty; choose a new folder, or go on with a cross-validation there by --resume"
        )
    output.mkdir(exist_ok=True)


def _train(
    path: Path,
    model: Path,
    split: str,
    release: Release,
    *,
    told: Callable[[float, str], None],
    resume: bool,
    device: str,
    say: Callable[[str], None],
    how: Mapping[str, Any],
) -> None:
    """Train the model of a split, unless it is there."""
    if (model / CARD).is_file():
        _check_same(model, read_card(model), release, split, how)
        say(f"{model.name}: is there already")
        return
    called = id_of(f"{model.resolve().parent.name}-{model.name}")
    train_model(
        path, model, id=called, split=split, resume=resume, device=device, say=say, progress=told, **how
    )


def _check_same(model: Path, card: ModelCard, release: Release, split: str, how: Mapping[str, Any]) -> None:
    """Refuse a model that is there, but of other labels, another split or another budget."""
    source, budget = card.training.get("source", {}), card.training.get("budget", {})
    if (source.get("content_sha256"), source.get("split")) != (release.card["content_sha256"], split):
        raise ModelError(
            f"{model} was not trained on {split} of this {release.name}, whose labels or folds are others; "
            "choose a new folder"
        )
    wanted = budget_of(how.get("minutes"), how.get("steps"))
    if budget != {"steps": wanted.steps, "seconds": wanted.seconds}:
        raise ModelError(
            f"{model} was trained for another budget ({_told(budget)}); go on with that, or choose a new "
            "folder"
        )


def _told(budget: Mapping[str, Any]) -> str:
    minutes = f"{budget['seconds'] / 60:g} minutes" if budget.get("seconds") else ""
    steps = f"{budget['steps']} steps" if budget.get("steps") else ""
    return " and ".join(one for one in (steps, minutes) if one) or "which it does not tell"


def _quiet(sentence: str) -> None:
    """Say nothing: what an evaluation says stands in the table."""
