"""Models on disk: import one, look at one, list those of a campaign."""

from __future__ import annotations

__all__ = ["Described", "ModelList", "describe_model", "import_model", "list_models", "parse_bands"]

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.documents import digest_file
from workbench.errors import ModelError, WorkbenchError
from workbench.inference.card import CARD, WEIGHTS, Band, ModelCard, read_card
from workbench.inference.hub import by_hand, fetch, is_hub_name
from workbench.inference.places import check_place
from workbench.inference.telling import Said
from workbench.nomenclature import load_nomenclature
from workbench.workflows.card_figures import in_words, means_told
from workbench.workflows.learned import Learned
from workbench.workflows.licences import owed_of

if TYPE_CHECKING:
    from workbench.inference.checkpoints import Imported

_MODELS = "models"
_NO_ID = re.compile(r"[^a-z0-9_.-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A model and its files."""

    path: Path
    card: ModelCard
    megabytes: float
    codes: tuple[int | None, ...]
    """Code of each output in its nomenclature; None where that is not known here."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/model-info.schema.json``)."""
        return {
            "path": str(self.path),
            "megabytes": round(self.megabytes, 3),
            "codes": list(self.codes),
            "card": self.card.document(),
        }

    def row(self) -> tuple[str, ...]:
        """Return one line of a list: path, id, network, bands, classes, metres, megabytes."""
        card = self.card
        trained = len(card.classes) - len(card.untrained)
        bands = ",".join(band.name for band in card.bands)
        network = str(card.architecture).partition(",")[0]
        counts = (str(trained), f"{card.resolution:g}", f"{self.megabytes:.1f}")
        return (str(self.path), card.id, network, bands, *counts)

    def text(self) -> str:
        """Return the card for a person."""
        card = self.card
        lines = [
            f"{self.path}: {card.title} ({card.id})",
            f"network      {card.architecture}, {self.megabytes:.1f} MB",
            f"resolution   {card.resolution:g} m",
            f"source       {card.source}",
            f"licence      {card.licence}",
        ]
        lines.append(f"trained on   {Learned.of(card).text()}")
        lines += [f"begun with   {one.text()}" for one in owed_of(card)]
        lines += [f"{key:<12} {_told(value)}" for key, value in in_words(card.metrics).items()]
        lines += [f"{'':<12} {sentence}" for sentence in means_told(card.metrics)]
        for title, text in (("usage", card.usage), ("limits", card.limits)):
            lines += [f"{title:<12} {text}"] if text else []
        lines += [""] + [
            f"band {number}  {band.name:<4} mean {band.mean:7.2f}  std {band.std:6.2f}"
            + ("  (does without)" if band.optional else "")
            for number, band in enumerate(card.bands, start=1)
        ]
        lines += [""] + [
            f"output {number:>3}  {key:<24}"
            + ("never trained, never given" if key in card.untrained else f"code {code or '-'}")
            for number, (key, code) in enumerate(zip(card.classes, self.codes, strict=True), start=1)
        ]
        return "\n".join(lines)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelList:
    """The models of a folder."""

    models: tuple[Described, ...]
    damaged: tuple[tuple[Path, str], ...]
    """What looks like a model and is none, and why."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/model-list.schema.json``)."""
        return {
            "models": [one.document() for one in self.models],
            "damaged": [{"path": str(path), "problem": problem} for path, problem in self.damaged],
            "published": [],
        }


def _told(value: object) -> str:
    """Return figures, or a few of them, on one line."""
    if isinstance(value, dict):
        return ", ".join(f"{key} {_told(one)}" for key, one in value.items())
    return " and ".join(value) if isinstance(value, list) else str(value)


def import_model(
    source: str,
    output: Path,
    *,
    id: str | None = None,  # noqa: A002
    said: Said | None = None,
    network: bool = False,
    overwrite: bool = False,
) -> Imported:
    """Make a model of a checkpoint on this machine, or with leave of one on the hub.

    Parameters
    ----------
    source
        A path, or the name of a repository on the Hugging Face hub.
    output
        The model to write.
    id
        What the model is to be called; as its folder if not given.
    said
        What counts more than what is found.
    network
        Whether anything may be fetched.
    overwrite
        Replace an older model.

    Raises
    ------
    ModelError
        Nothing is written.
    """
    check_place(output, overwrite=overwrite)
    called = id or _NO_ID.sub("-", output.name.lower()).strip("-._")[:48]
    on_hub = is_hub_name(source)
    if on_hub and not network:
        raise ModelError(by_hand(source))
    path = fetch(source) if on_hub else Path(source)

    try:
        from workbench.inference.checkpoints import import_checkpoint
    except ImportError as error:
        raise ModelError(
            f"{source} cannot be opened without {error.name or 'torch'}: pip install 'ocs-workbench[torch]'"
        ) from error
    return import_checkpoint(
        path,
        output,
        id=called,
        name=source if on_hub else None,
        said=said or Said(),
        overwrite=overwrite,
    )


def describe_model(directory: Path) -> Described:
    """Look at a model without opening its network.

    Raises
    ------
    ModelError
        There is none, or its weights are not those of its card.
    """
    card, path = read_card(directory), directory / WEIGHTS
    if not path.is_file():
        raise ModelError(f"{directory} has a card, but no {WEIGHTS}; copy the model again")
    if digest_file(path) != card.weights_sha256:
        raise ModelError(f"{path} is not the file that the card was written for; copy the model again")
    try:
        known = {entry.key: entry.code for entry in load_nomenclature(card.nomenclature).classes}
    except WorkbenchError:  # of another campaign: its codes are not known here
        known = {}
    codes = tuple(known.get(key) for key in card.classes)
    return Described(path=directory, card=card, megabytes=path.stat().st_size / 1e6, codes=codes)


def list_models(folder: Path) -> ModelList:
    """Look at a model, at those in a folder, or at those of a campaign.

    Raises
    ------
    ModelError
        There is no such folder.
    """
    if not folder.is_dir():
        raise ModelError(f"{folder} is no folder; give one with models in it, or a campaign")
    places = [folder, *sorted(folder.iterdir())]
    if (folder / _MODELS).is_dir():
        places += sorted((folder / _MODELS).iterdir())
    models, damaged = [], []
    for place in places:
        if place.name.startswith(".") or not (place / CARD).is_file():
            continue
        try:
            models.append(describe_model(place))
        except WorkbenchError as error:
            damaged.append((place, str(error)))
        except OSError as error:
            damaged.append((place, f"{place} cannot be read ({error.strerror or error})"))
    return ModelList(models=tuple(models), damaged=tuple(damaged))


def parse_bands(parts: Sequence[str]) -> tuple[str | Band, ...]:
    """Read bands as a person writes them: names, or names with mean and standard deviation.

    >>> parse_bands(["R", "NIR:106.38:39.69"])
    ('R', Band(name='NIR', mean=106.38, std=39.69, optional=False))

    Raises
    ------
    ModelError
        One is neither.
    """
    found: list[str | Band] = []
    for part in parts:
        name, *numbers = part.split(":")
        if not numbers and name:
            found.append(name)
            continue
        try:
            mean, std = map(float, numbers)
        except ValueError as error:
            raise ModelError(
                f"{part!r} is no band; write NAME or NAME:MEAN:STD, such as R:105.08:52.17"
            ) from error
        found.append(Band(name=name, mean=mean, std=std))
    return tuple(found)
