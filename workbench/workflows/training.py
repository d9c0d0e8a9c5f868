"""From labelled zones to a model in a directory of its own."""

from __future__ import annotations

__all__ = ["TrainingDone", "checkpoint_of", "id_of", "train_model"]

import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.documents import alone
from workbench.errors import ModelError
from workbench.export import open_release
from workbench.inference.card import ModelCard
from workbench.inference.models import write_model
from workbench.inference.places import CURVES, HISTORY, check_place
from workbench.training import Recipe
from workbench.training.checkpoint import is_checkpoint
from workbench.training.loop import Trained, train
from workbench.training.preparing import Prepared, prepare
from workbench.training.validation import RULE
from workbench.workflows.learned import SeenGround
from workbench.workflows.licences import licence_with, owed_by
from workbench.workflows.patch_sources import (
    SplitPatches,
    SurePatches,
    campaign_patches,
    release_patches,
    sure_patches,
)
from workbench.workflows.training_plan import Plan, plan_training
from workbench.workflows.unseen import unknown_ground

CONFIDENCE = 0.9
"""From which pseudo-labels are learned from, unless told otherwise."""
_LIMITS = (
    "Learned from the zones that its card lists: elsewhere, at other seasons or with other cameras its "
    "predictions are guesses until somebody has looked at them."
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainingDone:
    """A model that was trained."""

    directory: Path
    card: ModelCard
    trained: Trained
    patches: SplitPatches
    pseudo: SurePatches | None
    begun_with: str | None
    """Id of the model that it began with."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/train.schema.json``)."""
        score, curves = self.trained.score, self.directory / CURVES
        return {
            "model": str(self.directory),
            "id": self.card.id,
            "network": str(self.card.architecture),
            "begun_with": self.begun_with,
            "bands": [band.name for band in self.card.bands],
            "classes": [key for key in self.card.classes if key not in self.card.untrained],
            "untrained": list(self.card.untrained),
            "zones": list(self.patches.train.zone_ids),
            "held_out": list(self.patches.held_out.zone_ids),
            "patches": len(self.patches.train),
            "pseudo_labels": self.pseudo.document() if self.pseudo else None,
            "steps": self.trained.steps,
            "seconds": round(self.trained.seconds, 1),
            "kept_step": self.trained.history.kept_step,
            "stopped_early": self.trained.stopped_early,
            "device": self.trained.device,
            "mean_iou": score and round(score.mean_iou, 5),
            "accuracy": score and round(score.accuracy, 5),
            "history": str(self.directory / HISTORY),
            "curves": str(curves) if curves.is_file() else None,
        }

    def text(self) -> str:
        """Return what a person wants to read at the end."""
        trained, score = self.trained, self.trained.score
        begun = f", begun with {self.begun_with}" if self.begun_with else ""
        lines = [
            f"{self.directory}: {self.card.architecture}{begun}; {counted(trained.steps, 'step')} in "
            f"{trained.seconds:.0f} s on {trained.device}, "
            f"{counted(len(self.patches.train), 'patch', 'patches')} of "
            f"{counted(len(self.patches.train.zone_ids), 'zone')}"
        ]
        if self.pseudo:
            own, named = self.pseudo.patches, " and ".join(name for name, _ in self.pseudo.models)
            lines.append(
                f"and {counted(len(own), 'patch', 'patches')} of "
                f"{counted(len(own.zone_ids), 'unlabelled zone')}, where {named} was at least "
                f"{self.pseudo.confidence:.0%} sure"
            )
        if score:
            early = ", stopped early" if trained.stopped_early else ""
            lines.append(
                f"held-out zones: mIoU {score.mean_iou:.1%} over "
                f"{counted(score.classes, 'class', 'classes')} labelled there, OA {score.accuracy:.1%} "
                f"(weights of step {trained.history.kept_step:,}{early})"
            )
        if self.card.untrained:
            lines.append(f"never predicted, nobody labelled them: {', '.join(self.card.untrained)}")
        return "\n".join(lines)


def train_model(
    source: Path,
    output: Path,
    *,
    id: str | None = None,  # noqa: A002 - as the card calls it
    begin: Path | Literal["none"] | None = None,
    network: str | None = None,
    minutes: float | None = None,
    steps: int | None = None,
    split: str | None = None,
    unreviewed: bool = False,
    sure: Path | None = None,
    confidence: float = CONFIDENCE,
    focal: bool = False,
    seed: int = 0,
    recipe: Recipe | None = None,
    device: str = "auto",
    resume: bool = False,
    overwrite: bool = False,
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[float, str], None] = lambda share, told: None,
) -> TrainingDone:
    """Train a model on a release, or on the zones of a campaign.

    Parameters
    ----------
    source
        Directory of a release or a campaign.
    output
        Directory of the model. While it is trained, ``<output>.checkpoint`` lies beside.
    id
        Of the model; after its directory by default.
    begin
        Directory of a model to begin with, or ``none``; by default the shipped one, where it is of the
        network wanted.
    network
        As for `workbench.training.starting.named_architecture`; by default that of ``begin``.
    minutes, steps
        The budget; what is used up first ends it. Ten minutes by default.
    split
        ``split_1`` … ``split_5`` or ``prod``; ``split_1`` by default for a release, ``prod`` for a campaign.
    unreviewed
        Whether zones of a campaign count that nobody accepted yet.
    sure, confidence
        Directory of a campaign whose predicted, unlabelled zones are learned from, too, where a model was at
        least so sure of the class; see `sure_patches`.
    focal
        Whether the focal loss takes the place of cross-entropy.
    seed
        Of all that is drawn.
    recipe
        How; what suits the network by default. One that is given has a loss and a seed of its own, which
        count in place of ``focal`` and ``seed``.
    device
        ``auto``, ``cpu`` or ``cuda``.
    resume
        Go on from a checkpoint, where there is one.
    overwrite
        Replace an older model, and drop an older checkpoint.
    say, progress
        Told what is worth knowing, and how far it is.

    Raises
    ------
    ModelError
        There is nothing to learn from, the model to begin with does not suit, or something is in the way.
    """
    checkpoint = checkpoint_of(output)
    _check_free(output, checkpoint, resume=resume, overwrite=overwrite)
    plan = plan_training(
        begin=begin,
        network=network,
        minutes=minutes,
        steps=steps,
        focal=focal,
        seed=seed,
        recipe=recipe,
        say=say,
    )
    patches = _patches(source, split, seed=plan.recipe.seed, unreviewed=unreviewed, say=say)
    pseudo = None
    if sure is not None:
        pseudo = sure_patches(Campaign.open(sure), patches, confidence=confidence, seed=seed, say=say)
    learned = patches.train.joined(pseudo.patches) if pseudo else patches.train
    prepared = prepare(
        learned,
        id=id_of(id or output.resolve().name),
        nomenclature=patches.nomenclature,
        recipe=plan.recipe,
        network=plan.network,
        begin=plan.begun,
    )
    _tell(patches, prepared, plan.start, say)
    with alone(output, error=ModelError):
        if resume and not checkpoint.exists():
            say(f"{checkpoint} is not there, so there is nothing to go on from: the training begins")
        elif not resume:
            checkpoint.unlink(missing_ok=True)
        done = train(
            prepared,
            learned,
            recipe=plan.recipe,
            budget=plan.budget,
            held_out=patches.held_out,
            device=device,
            source={**patches.source, "pseudo_labels": pseudo.document() if pseudo else None},
            checkpoint=checkpoint,
            say=say,
            progress=progress,
        )
        card = _card(prepared.card, patches, pseudo, plan, done)
        beside = done.history.files()
        written = write_model(card, done.weights, output, beside=beside, overwrite=overwrite)
        checkpoint.unlink(missing_ok=True)
    return TrainingDone(
        directory=output,
        card=written,
        trained=done,
        patches=patches,
        pseudo=pseudo,
        begun_with=plan.start.id if plan.start else None,
    )


def checkpoint_of(output: Path) -> Path:
    """Return where a training that was cut short is gone on from."""
    return output.with_name(f"{output.name}.checkpoint")


def software() -> dict[str, str]:
    """Return the versions of what trains."""
    names = {"workbench": "ocs-workbench", "torch": "torch", "numpy": "numpy"}
    return {"python": platform.python_version()} | {name: version(package) for name, package in names.items()}


def _check_free(output: Path, checkpoint: Path, *, resume: bool, overwrite: bool) -> None:
    check_place(output, overwrite=overwrite)
    if checkpoint.exists() and not is_checkpoint(checkpoint):
        raise ModelError(
            f"{checkpoint} is in the way: it is no checkpoint, or one that was cut off; remove it, or choose "
            "another name for the model"
        )
    if checkpoint.exists() and not resume and not overwrite:
        raise ModelError(
            f"{checkpoint} is what a training that was cut short left; go on from it with --resume, or begin "
            "again with --overwrite"
        )


def _patches(
    source: Path, split: str | None, *, seed: int, unreviewed: bool, say: Callable[[str], None]
) -> SplitPatches:
    if Campaign.is_in(source):
        campaign = Campaign.open(source)
        return campaign_patches(campaign, split=split or "prod", seed=seed, unreviewed=unreviewed, say=say)
    if not (source / "release.json").is_file():
        raise ModelError(f"{source} is neither a campaign nor a release; give the directory of one")
    if unreviewed:
        raise ModelError(f"{source} is a release, whose zones are all accepted; leave out --unreviewed")
    return release_patches(open_release(source), split=split or "split_1", seed=seed, say=say)


def _tell(
    patches: SplitPatches,
    prepared: Prepared,
    start: ModelCard | None,
    say: Callable[[str], None],
) -> None:
    """Say what of the patches or the model is left out."""
    own, there = [band.name for band in prepared.card.bands], patches.train.common_bands
    if unused := [name for name in there if name not in own]:
        say(f"the network does not take {','.join(unused)}: not used; with --init none a network takes all")
    if without := [name for name in own if name not in there]:
        say(f"not all patches have {','.join(without)}: the network does without")
    if start and (lost := [band.name for band in start.bands if band.name not in own]):
        say(f"not all patches have {','.join(lost)}: the network no longer takes it, as {start.id} did")
    if start and abs(start.resolution / patches.train.resolution - 1) > 0.05:
        say(
            f"model {start.id} was made for pixels of {start.resolution:g} m, these are "
            f"{patches.train.resolution:g} m; it learns them anew"
        )


def id_of(name: str) -> str:
    """Return the id that a model gets of a name.

    >>> id_of("Mon modèle 3")
    'mon-mod-le-3'
    """
    return re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-_.")[:48] or "model"


def _lineage(begun: ModelCard | None) -> dict[str, Any] | None:
    """Return what a card tells of the model that a training began with, and what ground that had seen."""
    if begun is None:
        return None
    return {"id": begun.id, "digest": begun.digest, "domains_known": unknown_ground(begun) is None}


def _seen(patches: SplitPatches, pseudo: SurePatches | None, begun: ModelCard | None) -> SeenGround:
    """Return the ground that a model has seen once it was trained."""
    before = [pseudo.saw] if pseudo else []
    before += [SeenGround.of(begun)] if begun else []
    return SeenGround.of_zones([*patches.train.zone_ids, *patches.held_out.zone_ids]).joined(*before)


def _card(
    card: ModelCard,
    patches: SplitPatches,
    pseudo: SurePatches | None,
    plan: Plan,
    done: Trained,
) -> ModelCard:
    train, held_out, score, judged = patches.train, patches.held_out, done.score, done.judged
    pixels: Mapping[str, int] = {
        entry.key: int(train.class_pixels[entry.code]) for entry in patches.nomenclature.classes
    }
    saw = _seen(patches, pseudo, plan.start)
    metrics: dict[str, Any] = {}
    owed = owed_by(plan.start)
    if score and judged:
        metrics["held_out"] = {
            "rule": RULE,
            "mIoU": round(score.mean_iou, 5),
            "OA": round(score.accuracy, 5),
            "IoU": {
                key: round(one, 5)
                for key, one in zip(card.classes, score.ious, strict=True)
                if one is not None
            },
            "pixels": score.pixels,
            "patches": len(judged),
            "zones": len(judged.zone_ids),
        }
    return replace(
        card,
        title=f"{card.architecture.network} trained on {patches.release or 'zones of a campaign'}",
        licence=licence_with(owed),
        source=f"workbench train, {patches.release or 'a campaign'}",
        release=patches.release,
        domains=tuple(sorted(saw.domains)),
        usage="Pre-labels for people who look at them, and proposals of zones to label next.",
        limits=_LIMITS,
        training={
            "source": dict(patches.source),
            "zones": list(train.zone_ids),
            "held_out": list(held_out.zone_ids),
            "seen_zones": sorted(saw.zones),
            "patches": len(train),
            "class_pixels": pixels,
            "pseudo_labels": pseudo.document() if pseudo else None,
            "recipe": plan.recipe.document(),
            "budget": {"steps": plan.budget.steps, "seconds": plan.budget.seconds},
            "begun_with": _lineage(plan.start),
            "credits": [one.document() for one in owed],
            "steps": done.steps,
            "seconds": round(done.seconds, 1),
            "kept_step": done.history.kept_step,
            "stopped_early": done.stopped_early,
            "frozen_batch_norm": done.frozen,
            "device": done.device,
            "software": software(),
        },
        metrics=metrics,
    )
