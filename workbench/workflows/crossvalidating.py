"""Cross-validation: a model for each fold of a release, judged where it never was, and one for production."""

from __future__ import annotations

__all__ = ["CROSS_VALIDATION", "cross_validate"]

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from workbench.counting import counted
from workbench.documents import write_document, write_file
from workbench.errors import EvaluationError, ModelError
from workbench.evaluation import CrossValidation, Evaluation, Fold, rule_of
from workbench.export import Release, open_release
from workbench.export.folds import PROD, SPLITS
from workbench.export.ground import GroundMap
from workbench.export.selection import Selection
from workbench.inference.card import CARD, read_card
from workbench.outputs import new_folder
from workbench.workflows.evaluating import evaluate_model
from workbench.workflows.training import checkpoint_of, id_of, train_model
from workbench.workflows.training_plan import PLANNED, Plan, plan_training

CROSS_VALIDATION = "cross-validation.json"
_TABLE = "cross-validation.md"
_OWN = re.compile(rf"(fold_[1-5]|{PROD})(\.checkpoint)?|{CROSS_VALIDATION}|{_TABLE}|\..*")
"""Names of what such a folder may hold, and of what a process that was killed left there."""


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
        Whether a model is trained on all folds, too. Where no zone is *valid* in ``prod``, nothing judges it.
    resume
        Go on in a folder where some models are there already, of this release and trained in the same way.
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
        A model cannot be trained, or one that is there was trained otherwise.
    """
    release = open_release(path)
    release.prove()
    plan = plan_training(**{name: how[name] for name in PLANNED if name in how})
    splits = [split for split in SPLITS if _holds(release, split, "test")]
    if len(splits) < 2:
        raise EvaluationError(
            f"{path} has zones in {counted(len(splits), 'fold')}; to judge a model where it never was takes "
            "two folds: add zones of other domains"
        )
    left_out = [split for split in SPLITS if split not in splits]
    if left_out:
        say(f"no zone is in the test of {', '.join(left_out)}: {len(splits)} folds are judged")
    _check_folder(output, resume=resume, say=say)
    wanted = {split: split.replace("split", "fold") for split in (*splits, *([PROD] if prod else []))}
    there = {split for split, name in wanted.items() if (output / name / CARD).is_file()}
    for split in sorted(there):
        _check_same(output / wanted[split], release, split, plan)
    with new_folder(output):
        folds: dict[str, Fold] = {}
        for number, (split, name) in enumerate(wanted.items()):

            def told(share: float, what: str, number: int = number, name: str = name) -> None:
                progress((number + share) / len(wanted), f"{name}: {what}")

            if split in there:
                say(f"{name}: is there already")
            else:
                _train(
                    path, output / name, split, resume=resume, device=device, say=say, progress=told, how=how
                )
            if split == PROD and not _holds(release, PROD, "valid"):
                say(f"{name}: trained on the zones of all folds; none is valid in it, so it is not judged")
            else:
                folds[split] = _judged(path, output / name, split, rule=rule, device=device, say=say)
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


def _train(
    path: Path,
    model: Path,
    split: str,
    *,
    resume: bool,
    device: str,
    say: Callable[[str], None],
    progress: Callable[[float, str], None],
    how: Mapping[str, Any],
) -> None:
    """Train the model of a split; go on with it, if it was begun."""
    train_model(
        path,
        model,
        id=id_of(f"{model.resolve().parent.name}-{model.name}"),
        split=split,
        resume=resume and checkpoint_of(model).exists(),
        device=device,
        say=say,
        progress=progress,
        **how,
    )


def _holds(release: Release, split: str, subset: str) -> bool:
    return bool(Selection(split=split, subset=subset).of(release.patches()))


def _check_folder(output: Path, *, resume: bool, say: Callable[[str], None]) -> None:
    if not output.parent.is_dir():
        raise EvaluationError(f"{output.parent} is not a folder; make it first")
    if output.exists() and not output.is_dir():
        raise EvaluationError(f"{output} is no folder; choose another name")
    there = sorted(path.name for path in output.iterdir()) if output.is_dir() else []
    if there and not resume:
        raise EvaluationError(
            f"{output} is not empty; choose a new folder, or go on with a cross-validation there by --resume"
        )
    if strange := [name for name in there if not _OWN.fullmatch(name)]:
        raise EvaluationError(
            f"{output} holds {strange[0]}, which is no part of a cross-validation; choose another folder"
        )
    if resume and not there:
        say(f"{output} holds nothing to go on from: the cross-validation begins")


def _judged(
    path: Path, model: Path, split: str, *, rule: str, device: str, say: Callable[[str], None]
) -> Fold:
    """Return what a model is worth on the test of its split; that of all folds on what is *valid* in it."""
    subset = "valid" if split == PROD else "test"
    found = evaluate_model(
        path, model, rule=rule, split=f"{split}:{subset}", device=device, say=lambda sentence: None
    )
    if split == PROD:  # it has seen all domains, and its column says so
        found = replace(found, seen=(), unknown=_learned_otherwise(path, model, found))
    say(f"{model.name}: mIoU {found.score.mean_iou:.1%}, OA {found.score.accuracy:.1%}")
    if found.doubt:
        say(f"{model.name}: no test, or perhaps none, and in no mean: {found.doubt}")
    return Fold.of(model.name, found)


def _learned_otherwise(path: Path, model: Path, found: Evaluation) -> str | None:
    """Return which of the zones that judge the model of all folds was learned at another date, if one was."""
    learned = read_card(model).training["zones"]
    ground = GroundMap.of_patches(open_release(path).patches())
    for zone in sorted(found.zones):
        if twin := ground.twin(zone, learned):
            return f"{zone}, by which it is judged, shows the ground of {twin}, which it learned"
    return None


def _check_same(model: Path, release: Release, split: str, plan: Plan) -> None:
    """Refuse a model that is there, but of other labels, of another split, or trained otherwise."""
    card = read_card(model)
    source = card.training.get("source", {})
    if (source.get("content_sha256"), source.get("split")) != (release.card["content_sha256"], split):
        raise ModelError(
            f"{model} was not trained on {split} of this {release.name}, whose labels or folds are others; "
            "choose a new folder"
        )
    if others := [*plan.differences(card)]:
        raise ModelError(
            f"{model} was trained otherwise ({'; '.join(others)}); go on with the settings that it has, or "
            "choose a new folder"
        )
