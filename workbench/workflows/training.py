"""From labelled zones to a model in a directory of its own."""

from __future__ import annotations

__all__ = ["TrainingDone", "budget_of", "checkpoint_of", "id_of", "train_model"]

import platform
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from workbench.campaign import Campaign
from workbench.documents import alone
from workbench.errors import ModelError
from workbench.export import open_release
from workbench.inference.architecture import Architecture
from workbench.inference.card import ModelCard, check_place, read_card
from workbench.inference.embedded import embedded_model
from workbench.inference.models import read_model, write_model
from workbench.training import Budget, CrossEntropy, Focal, Recipe
from workbench.training.checkpoint import is_checkpoint
from workbench.training.history import CURVES, HISTORY
from workbench.training.loop import Trained, train
from workbench.training.preparing import Begun, Prepared, prepare
from workbench.training.recipe import recipe_for
from workbench.training.starting import named_architecture
from workbench.workflows.patch_sources import (
    SplitPatches,
    SurePatches,
    campaign_patches,
    release_patches,
    sure_patches,
)
from workbench.workflows.unseen import unknown_ground

MINUTES = 10.0
"""Budget where none is given."""
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
            f"{self.directory}: {self.card.architecture}{begun}; {trained.steps:,} steps in "
            f"{trained.seconds:.0f} s on {trained.device}, {len(self.patches.train):,} patches of "
            f"{len(self.patches.train.zone_ids)} zones"
        ]
        if self.pseudo:
            own, named = self.pseudo.patches, " and ".join(name for name, _ in self.pseudo.models)
            lines.append(
                f"and {len(own):,} patches of {len(own.zone_ids)} unlabelled zones, where {named} was at "
                f"least {self.pseudo.confidence:.0%} sure"
            )
        if score:
            early = ", stopped early" if trained.stopped_early else ""
            lines.append(
                f"held-out zones: mean IoU {score.mean_iou:.1%}, accuracy {score.accuracy:.1%} "
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
    budget = budget_of(minutes, steps)
    begun = _begun(begin, network, say)
    wanted = (
        begun[0].architecture if begun else named_architecture(network or "tiny-unet", inputs=1, outputs=1)
    )
    loss = Focal() if focal else CrossEntropy()
    recipe = recipe or recipe_for(wanted, seed=seed, loss=loss, begun=begun is not None)
    patches = _patches(source, split, seed=recipe.seed, unreviewed=unreviewed, say=say)
    pseudo = None
    if sure is not None:
        pseudo = sure_patches(Campaign.open(sure), patches, confidence=confidence, seed=seed, say=say)
    learned = patches.train.joined(pseudo.patches) if pseudo else patches.train
    prepared = prepare(
        learned,
        id=id_of(id or output.resolve().name),
        nomenclature=patches.nomenclature,
        recipe=recipe,
        network=network or "tiny-unet",
        begin=begun,
    )
    _tell(patches, prepared, begun, say)
    with alone(output, error=ModelError):
        if checkpoint.exists() and resume:
            say(f"{checkpoint}: going on from there")
        elif resume:
            say(f"{checkpoint} is not there, so there is nothing to go on from: the training begins")
        elif checkpoint.exists():
            checkpoint.unlink()
        done = train(
            prepared,
            learned,
            recipe=recipe,
            budget=budget,
            held_out=patches.held_out,
            device=device,
            source={**patches.source, "pseudo_labels": pseudo.document() if pseudo else None},
            checkpoint=checkpoint,
            progress=progress,
        )
        card = _card(prepared.card, patches, pseudo, recipe, budget, done, begun[0] if begun else None)
        beside = done.history.files()
        written = write_model(card, done.weights, output, beside=beside, overwrite=overwrite)
        checkpoint.unlink(missing_ok=True)
    return TrainingDone(
        directory=output,
        card=written,
        trained=done,
        patches=patches,
        pseudo=pseudo,
        begun_with=begun[0].id if begun else None,
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


def _begun(
    begin: Path | Literal["none"] | None, network: str | None, say: Callable[[str], None]
) -> Begun | None:
    """Return the model to begin with; say so if nobody can know what it saw."""
    if begin == "none":
        return None
    if begin is None:
        shipped = embedded_model()
        return read_model(shipped) if network in (None, read_card(shipped).architecture.network) else None
    card, made = read_model(begin)
    own = card.architecture
    if network is not None and not _called(own, network):
        raise ModelError(f"{begin} is a {own}, not a {network}; leave out --network, or pass --init none")
    if unknown := unknown_ground(card):
        say(f"nobody can tell what model {card.id} has seen: {unknown}; nor what the new one has")
    return card, made


def _called(architecture: Architecture, name: str) -> bool:
    """Tell whether a network goes by a name, whoever made it: FLAIR-HUB has a UPerNet of its own."""
    named = named_architecture(name, inputs=architecture.inputs, outputs=architecture.outputs)
    return replace(named, provider=architecture.provider) == architecture


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
    begun: Begun | None,
    say: Callable[[str], None],
) -> None:
    """Say what of the patches or the model is left out."""
    own, there = [band.name for band in prepared.card.bands], patches.train.common_bands
    if unused := [name for name in there if name not in own]:
        say(f"the network does not take {','.join(unused)}: not used; with --init none a network takes all")
    if without := [name for name in own if name not in there]:
        say(f"not all patches have {','.join(without)}: the network does without")
    if begun and (lost := [band.name for band in begun[0].bands if band.name not in own]):
        say(f"not all patches have {','.join(lost)}: the network no longer takes it, as {begun[0].id} did")
    if begun and abs(begun[0].resolution / patches.train.resolution - 1) > 0.05:
        say(
            f"model {begun[0].id} was made for pixels of {begun[0].resolution:g} m, these are "
            f"{patches.train.resolution:g} m; it learns them anew"
        )


def id_of(name: str) -> str:
    """Return the id that a model gets of a name.

    >>> id_of("Mon modèle 3")
    'mon-mod-le-3'
    """
    return re.sub(r"[^a-z0-9_.-]+", "-", name.lower()).strip("-_.")[:48] or "model"


def budget_of(minutes: float | None, steps: int | None) -> Budget:
    """Return the budget that is meant: ten minutes, where neither is given."""
    timed = minutes is not None or steps is None
    return Budget(steps=steps, seconds=60 * (MINUTES if minutes is None else minutes) if timed else None)


def _lineage(begun: ModelCard | None) -> dict[str, Any] | None:
    """Return what a card tells of the model that a training began with, and what ground that had seen."""
    if begun is None:
        return None
    return {"id": begun.id, "digest": begun.digest, "domains_known": unknown_ground(begun) is None}


def _card(
    card: ModelCard,
    patches: SplitPatches,
    pseudo: SurePatches | None,
    recipe: Recipe,
    budget: Budget,
    done: Trained,
    begun: ModelCard | None,
) -> ModelCard:
    train, held_out, score, judged = patches.train, patches.held_out, done.score, done.judged
    pixels: Mapping[str, int] = {
        entry.key: int(train.class_pixels[entry.code]) for entry in patches.nomenclature.classes
    }
    saw = {domain for one in (pseudo, begun) if one for domain in one.domains}
    metrics: dict[str, Any] = {}
    if score and judged:
        metrics["held_out"] = {
            "mIoU": round(score.mean_iou, 5),
            "OA": round(score.accuracy, 5),
            "pixels": score.pixels,
            "patches": len(judged),
            "zones": len(judged.zone_ids),
        }
    return replace(
        card,
        title=f"{card.architecture.network} trained on {patches.release or 'zones of a campaign'}",
        licence="not stated: that of the labels and pictures it was trained on",
        source=f"workbench train, {patches.release or 'a campaign'}",
        release=patches.release,
        domains=tuple(sorted({*patches.domains, *saw})),
        usage="Pre-labels for people who look at them, and proposals of zones to label next.",
        limits=_LIMITS,
        training={
            "source": dict(patches.source),
            "zones": list(train.zone_ids),
            "held_out": list(held_out.zone_ids),
            "patches": len(train),
            "class_pixels": pixels,
            "pseudo_labels": pseudo.document() if pseudo else None,
            "recipe": recipe.document(),
            "budget": {"steps": budget.steps, "seconds": budget.seconds},
            "begun_with": _lineage(begun),
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
