"""From a model to the folder that goes to a model hub: card, figures, pictures, digests beside the weights.

A figure is called a test only where it is one: patches of domains that the model was trained on, by whatever
name it saw their ground, are left out, and where all of them are, or nobody knows, the card says so in bold;
the hub's metadata and ``metrics.json``, which are read without the sentences around them, then have none.
Nothing tells when or where a folder was written: the same model and release give the same bytes.
"""

from __future__ import annotations

__all__ = ["PublishedModel", "publish_model"]

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from workbench.counting import counted
from workbench.errors import EvaluationError, ModelError, WorkbenchError
from workbench.evaluation import Confusion, Score, rule_of
from workbench.evaluation.rules import RULES
from workbench.export import Release, open_release, verify_release
from workbench.export.folds import PROD, SPLITS
from workbench.export.ground import GroundMap
from workbench.export.statistics import band_statistics
from workbench.geo.zone import domain_of
from workbench.inference.card import WEIGHTS, ModelCard, read_card
from workbench.inference.places import CURVES
from workbench.nomenclature import Nomenclature, load_nomenclature
from workbench.workflows.evaluating import evaluate_model
from workbench.workflows.hub_metadata import check_library, licence_id
from workbench.workflows.model_folder import check_folder, training_files, write_folder
from workbench.workflows.publication import Figures, Ground, NetworkFacts, NotMeasured, Publication

_Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PublishedModel:
    """A folder that was written."""

    directory: Path
    publication: Publication
    files: Mapping[str, str]
    """SHA-256 by name, but of ``SHA256SUMS``."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/model-publish.schema.json``)."""
        made, ground = self.publication, self.publication.ground
        figures = made.figures if isinstance(made.figures, Figures) else None
        told = figures.document() if figures else {}
        return {
            "path": str(self.directory),
            "id": made.card.id,
            "licence": made.card.licence,
            "parameters": made.network.parameters,
            "release": ground.release if ground else None,
            "split": ground.split if ground else None,
            "learned": ground.learned if ground else None,
            "statistics": [one.document() for one in ground.statistics] if ground else [],
            "test": told.get("test"),
            "measured": told.get("measured"),
            "seen": [one.domain for one in figures.seen] if figures else [],
            "warning": made.bold,
            "files": dict(self.files),
        }

    def text(self) -> str:
        """Return what a person wants to read at the end."""
        made = self.publication
        lines = [
            f"{self.directory}: model {made.card.id}, {counted(len(self.files) + 1, 'file')}; "
            "read its README.md first"
        ]
        if isinstance(made.figures, Figures):
            lines += ["", made.figures.evaluation.text()]
        return "\n".join(lines)


def publish_model(
    directory: Path,
    output: Path,
    *,
    release: Path | None = None,
    split: str | None = None,
    rule: str = "challenge",
    licence: str | None = None,
    authors: Sequence[str] = (),
    contact: str | None = None,
    device: str = "auto",
    overwrite: bool = False,
    say: Callable[[str], None] = lambda sentence: None,
    progress: _Progress | None = None,
) -> PublishedModel:
    """Write the folder of a model for a model hub; it is a model itself.

    Parameters
    ----------
    directory
        The model.
    output
        The folder to write; it appears whole or not at all.
    release
        Folder of the release: the statistics of bands are of its TRAIN and VALID, the figures of its TEST.
        Without one nothing is measured.
    split
        ``split_1`` … ``split_5`` or ``prod``; by default the one that the model learned from, or ``split_1``
        of a release that it did not.
    rule
        ``challenge`` or ``flair``, as for `evaluate_model`.
    licence
        Under which the model is published; by default what its card says.
    authors, contact
        Whom the card names; nobody by default.
    device
        Where the network runs.
    overwrite
        Replace an older model.
    say
        Told what the card says in bold, and what else is worth knowing.
    progress
        Called with the patches done and their total, once for the figures and once for the statistics.

    Raises
    ------
    WorkbenchError
        There is no such model or release, they do not fit, something is in the way or is not installed.
        Nothing was written.
    """
    check_folder(output, sources=[directory, *([release] if release else [])], overwrite=overwrite)
    check_library()
    card, network = _opened(directory, device)
    beside = training_files(directory)
    opened = _release(release, rule) if release else None
    ground, figures = _looked_at(directory, card, opened, split, rule, device, say, progress)
    made = Publication(
        card=_card(card, licence, ground, figures),
        network=network,
        nomenclature=_nomenclature(card, opened),
        ground=ground,
        figures=figures,
        pictures=frozenset(name for name in beside if name == CURVES),
        authors=tuple(one.strip() for one in authors if one.strip()),
        contact=contact,
    )
    if made.bold:
        say(made.bold)
    if licence_id(made.card.licence)[0] == "unknown":
        say("the card states no licence, and without one nobody may use the model; give one with --licence")
    files = write_folder(output, made, beside, weights=directory / WEIGHTS)
    return PublishedModel(directory=output, publication=made, files=files)


def _opened(directory: Path, device: str) -> tuple[ModelCard, NetworkFacts]:
    """Return a model's card, proved to be that of its weights, and its network in numbers."""
    card = read_card(directory)
    try:
        from workbench.inference.models import check_fit, read_weights
        from workbench.inference.network import pick_device
        from workbench.inference.networks.building import outline_network
    except ImportError as error:
        raise ModelError(
            f"{directory} cannot be opened without {error.name or 'torch'}: "
            "pip install 'ocs-workbench[torch]'"
        ) from error
    pick_device(device)
    weights, path = read_weights(directory), directory / WEIGHTS
    network = outline_network(card.architecture)
    numbers = {str(one.dtype).partition(".")[2] for one in weights.values() if one.is_floating_point()}
    return card, NetworkFacts(
        parameters=sum(one.numel() for one in network.parameters()),
        tensors=check_fit(network, weights, source=str(path)),
        weights_bytes=path.stat().st_size,
        number=" and ".join(sorted(numbers)) or "integers",
    )


def _release(path: Path, rule: str) -> Release:
    """Open a release; refuse before any work what could not be measured on it, or not be drawn."""
    release = open_release(path)
    release.prove()
    rule_of(rule, release.nomenclature)
    if problems := verify_release(path).problems:  # its digest stands beside the figures
        raise ModelError(
            f"{path} is not as it was built: {problems[0]}"
            + (f" and {counted(len(problems) - 1, 'more problem')}" if len(problems) > 1 else "")
            + f"; look at it by workbench release verify {path}"
        )
    if importlib.util.find_spec("matplotlib") is None:
        raise EvaluationError(
            "the confusion matrix is drawn by matplotlib, which is not installed: "
            "pip install 'ocs-workbench[plots]'"
        )
    return release


def _looked_at(
    model: Path,
    card: ModelCard,
    release: Release | None,
    split: str | None,
    rule: str,
    device: str,
    say: Callable[[str], None],
    progress: _Progress | None,
) -> tuple[Ground | None, Figures | NotMeasured]:
    """Return what a release has to learn from, and what the model is worth on its TEST."""
    if release is None:
        nothing = "Nothing was measured when this card was written, for no release was given"
        return None, NotMeasured(reason=nothing)
    chosen, learned = _split(release, card, split)
    # What does not fit is refused here, before the pass over TRAIN and VALID.
    figures = _figures(
        model,
        card,
        release,
        split=chosen,
        rule=rule,
        device=device,
        say=say,
        progress=progress,
    )
    return _ground(release, split=chosen, learned=learned, progress=progress), figures


def _split(release: Release, card: ModelCard, wish: str | None) -> tuple[str, bool]:
    """Return the split of a release, and whether the model learned from it."""
    source = card.training.get("source", {})
    learned = source.get("content_sha256") == release.card["content_sha256"]
    own = source.get("split") if learned else None
    chosen = wish or own or SPLITS[0]
    if chosen not in (*SPLITS, PROD):
        raise ModelError(f"{chosen!r} is no split; choose one of {', '.join(SPLITS)} or {PROD}")
    if own and chosen != own:
        raise ModelError(
            f"model {card.id} learned from {own} of {release.name}, which {chosen} divides otherwise; leave "
            "--split out"
        )
    return chosen, learned


def _figures(
    model: Path,
    card: ModelCard,
    release: Release,
    *,
    split: str,
    rule: str,
    device: str,
    say: Callable[[str], None],
    progress: _Progress | None,
) -> Figures | NotMeasured:
    """Return the figures of the domains of a release's TEST that the model has not seen."""
    listed = release.patches()
    test = {patch.zone for patch in listed if patch.splits[split] == "test"}
    seen = GroundMap.of_patches(listed).seen(test, card.domains)
    if not test:
        why = ", for all of it is there to learn from" if split == PROD else ""
        return NotMeasured(reason=f"Nothing was measured: {release.name} has no TEST in {split}{why}")
    if len(seen) == len({*map(domain_of, test)}):
        return NotMeasured(
            reason=f"Nothing was measured: the model was trained on {', '.join(map(str, seen))}, all domains "
            f"of the TEST of {release.name} ({split}), so it is no test for it"
        )
    remarks: list[str] = []
    found = evaluate_model(
        release.path,
        model,
        rule=rule,
        split=f"{split}:test",
        without=[one.domain for one in seen],
        device=device,
        say=remarks.append,
        progress=progress,
    )
    for remark in remarks:
        say(remark)
    return Figures(
        evaluation=found,
        content_sha256=release.card["content_sha256"],
        seen=seen,
        doubt=found.unknown,
        remarks=tuple(remarks),
        other_rules=tuple(_other_rules(found.total.confusion, release.nomenclature, card, rule)),
    )


def _other_rules(
    confusion: Confusion, nomenclature: Nomenclature, card: ModelCard, rule: str
) -> Iterator[Score]:
    """Yield the same pixels by the rules that were not asked for, where the nomenclature has them."""
    for name in RULES:
        if name != rule and nomenclature.name == "flair-19":
            dropped = card.untrained if name == "flair" else ()
            yield rule_of(name, nomenclature, dropped=dropped).score(confusion)


def _ground(release: Release, *, split: str, learned: bool, progress: _Progress | None) -> Ground:
    """Return the TRAIN and VALID patches of a release with the statistics of their bands."""
    patches = tuple(patch for patch in release.patches() if patch.splits[split] != "test")
    return Ground(
        release=release.name,
        content_sha256=release.card["content_sha256"],
        split=split,
        learned=learned,
        patches=patches,
        statistics=band_statistics(release, patches, progress=progress) if patches else (),
    )


def _nomenclature(card: ModelCard, release: Release | None) -> Nomenclature | None:
    """Return the nomenclature of a card's classes: the release's own copy, or the shipped one."""
    if release is not None and release.nomenclature.name == card.nomenclature:
        return release.nomenclature
    try:
        return load_nomenclature(card.nomenclature)
    except WorkbenchError:  # of another campaign: its titles and codes are not known here
        return None


def _card(
    card: ModelCard, licence: str | None, ground: Ground | None, figures: Figures | NotMeasured
) -> ModelCard:
    """Return the card with its figures and statistics; what was measured before is replaced."""
    training, metrics = dict(card.training), dict(card.metrics)
    if ground and ground.statistics:
        training["statistics"] = ground.document()
    if isinstance(figures, Figures):
        for old in ("test", "measured"):
            metrics.pop(old, None)
            metrics.pop(f"{old}_iou", None)
        metrics |= figures.document()
    return replace(card, licence=licence or card.licence, training=training, metrics=metrics)
