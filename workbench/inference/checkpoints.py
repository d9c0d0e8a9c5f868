"""Checkpoints of others as models of the workbench: nothing is run, guessed, or left out silently."""

from __future__ import annotations

__all__ = ["Imported", "import_checkpoint"]

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workbench.counting import counted
from workbench.errors import ModelError
from workbench.inference.adapting import adapt_bands
from workbench.inference.card import CARD, ModelCard, read_card
from workbench.inference.flair import Family, told_by_name
from workbench.inference.models import WEIGHTS, check_fit, read_weights, write_model
from workbench.inference.networks.building import outline_network
from workbench.inference.published import published_as
from workbench.inference.recognising import Recognised, recognise
from workbench.inference.smp_folders import CONFIG, is_smp_folder, read_smp_folder
from workbench.inference.telling import (
    RESOLUTION,
    UNKNOWN_LICENCE,
    Said,
    Unsaid,
    tell_bands,
    tell_classes,
    tell_nomenclature,
    tell_untrained,
    with_statistics,
)
from workbench.inference.tensors import read_tensors

_OF_SAVED = "model.safetensors"
_UNWRITTEN = "0" * 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What became of a checkpoint."""

    directory: Path
    card: ModelCard
    layout: str
    """Whose file it was, in words."""
    tensors: int
    """What the network has; every one was in the file."""
    aside: int
    """Tensors of the file that belong to training or are never used."""
    remarks: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/model-import.schema.json``)."""
        return {
            "path": str(self.directory),
            "layout": self.layout,
            "tensors": self.tensors,
            "matched": self.tensors,
            "aside": self.aside,
            "remarks": list(self.remarks),
            "card": self.card.document(),
        }

    def text(self) -> str:
        """Return a few lines for a person."""
        card = self.card
        untrained = f", never trained and never given: {', '.join(card.untrained)}" if card.untrained else ""
        return "\n".join(
            [
                f"{self.directory}: model {card.id}, {card.architecture}",
                f"{self.layout}: {self.tensors} of {counted(self.tensors, 'tensor')} matched, "
                f"{self.aside} left aside",
                f"bands {','.join(band.name for band in card.bands)}; "
                f"{counted(len(card.classes), 'class', 'classes')} of {card.nomenclature}{untrained}",
                f"{card.resolution:g} m per pixel; licence {card.licence}",
                *self.remarks,
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Opened:
    """A checkpoint before it is written."""

    card: ModelCard
    weights: Mapping[str, Tensor]
    layout: str
    aside: int = 0
    remarks: tuple[str, ...] = ()


_NOTHING_SAID = Said()


def import_checkpoint(
    source: Path,
    directory: Path,
    *,
    id: str,  # noqa: A002
    name: str | None = None,
    said: Said = _NOTHING_SAID,
    overwrite: bool = False,
) -> Imported:
    """Make a model of a checkpoint.

    Parameters
    ----------
    source
        A file, a folder of segmentation-models-pytorch or transformers, or a model of the workbench.
    directory
        The model to write.
    id
        What the model is to be called.
    name
        What the checkpoint is called where it comes from, if not as its file. IGN's names tell the bands and
        the classes that were not trained.
    said
        What counts more than what is found.
    overwrite
        Replace an older model.

    Returns
    -------
    Imported
        The card as it was written, and how many tensors matched.

    Raises
    ------
    ModelError
        It is no checkpoint, is damaged or hostile, does not fit the network that it seems to be of, or does
        not tell what must be known; nothing is written.
    """
    called = name or source.name
    opened = _open(source, id=id, name=called, said=said)
    for tensor, values in opened.weights.items():
        if values.is_floating_point() and not bool(torch.isfinite(values).all()):
            raise ModelError(f"{source}: {tensor} holds what is no number; its training went wrong")
        if tensor.endswith("running_var") and bool((values < 0).any()):
            raise ModelError(f"{source}: {tensor} holds a variance below 0; its training went wrong")
    remarks = opened.remarks
    card, weights = opened.card, {key: values.clone() for key, values in opened.weights.items()}
    if said.adapt_bands is not None:
        family, kept = said.family or told_by_name(called).family, {band.name: band for band in card.bands}
        bands = with_statistics(said.adapt_bands, kept, family, where=str(source))
        card, weights = adapt_bands(card, weights, bands)
        card = replace(card, title=said.title or f"{card.title}, first layer changed"[:200])
        remarks += (card.limits,)
    return Imported(
        directory=directory,
        card=write_model(card, weights, directory, overwrite=overwrite),
        layout=opened.layout,
        tensors=len(opened.weights),
        aside=opened.aside,
        remarks=remarks,
    )


def _open(source: Path, *, id: str, name: str, said: Said) -> _Opened:  # noqa: A002
    """Read a checkpoint of any kind and check it against its network."""
    folder = source if source.is_dir() else source.parent
    if (folder / CARD).is_file() and source in (folder, folder / WEIGHTS):
        return _open_own(folder, id=id, said=said)
    encoder, network, file = said.encoder, None, source
    if source.is_dir():
        if not (source / CONFIG).is_file():
            raise ModelError(f"{source} is no folder of a model: it has no {CARD} and no {CONFIG}")
        file = source / _OF_SAVED
        if is_smp_folder(source):
            config = read_smp_folder(source)
            encoder, network = encoder or config.encoder, config.network
    found = recognise(read_tensors(file), encoder=encoder)
    if network not in (None, found.architecture.network):
        raise ModelError(f"{source}: {CONFIG} says {network}, its tensors {found.architecture.network}")
    check_fit(found.outline, found.layout.tensors, source=str(file))
    card, remarks = _card(found, where=str(source), id=id, name=name, said=said)
    return _Opened(
        card=card,
        weights=found.layout.tensors,
        layout="folder of segmentation-models-pytorch" if network else found.layout.title,
        aside=len(found.layout.aside),
        remarks=remarks,
    )


def _open_own(folder: Path, *, id: str, said: Said) -> _Opened:  # noqa: A002
    """Read a model of ours; what is said of it goes into its card."""
    card, weights = read_card(folder), read_weights(folder)
    check_fit(outline_network(card.architecture), weights, source=str(folder))
    one = Unsaid(
        where=str(folder),
        inputs=len(card.bands),
        outputs=len(card.classes),
        family=said.family,
        told=told_by_name(""),
    )
    nomenclature = tell_nomenclature(said, card.nomenclature)
    kept = {band.name: band for band in card.bands}
    told = replace(
        card,
        id=id,
        title=said.title or card.title,
        nomenclature=nomenclature.name,
        classes=card.classes if said.classes is None else tell_classes(one, said, nomenclature),
        untrained=card.untrained if said.untrained is None else said.untrained,
        bands=card.bands
        if said.bands is None
        else with_statistics(said.bands, kept, said.family, where=one.where),
        resolution=said.resolution or card.resolution,
        licence=said.licence or card.licence,
    )
    if (told.bands, told.classes, told.untrained) == (card.bands, card.classes, card.untrained):
        return _Opened(card=told, weights=weights, layout="model of the workbench")
    remark = "its bands or classes are told otherwise than before: the figures that it had are left out"
    left = replace(told, metrics={})
    return _Opened(card=left, weights=weights, layout="model of the workbench", remarks=(remark,))


def _card(
    found: Recognised,
    *,
    where: str,
    id: str,  # noqa: A002
    name: str,
    said: Said,
) -> tuple[ModelCard, tuple[str, ...]]:
    """Put together what the file, its name, its family and the person tell."""
    told = told_by_name(name)
    family = said.family or told.family or found.layout.family
    weights = found.class_weights
    one = Unsaid(
        where=where,
        inputs=found.architecture.inputs,
        outputs=found.architecture.outputs,
        family=family,
        told=told,
        class_weights=None if weights is None else weights.tolist(),
    )
    nomenclature = tell_nomenclature(said)
    classes = tell_classes(one, said, nomenclature)
    untrained, remarks = tell_untrained(one, said, classes)
    if said.resolution is None and family is None:
        remarks += (f"nothing tells its resolution; {RESOLUTION:g} m is taken, or pass --resolution",)
    card = ModelCard(
        id=id,
        title=said.title or Path(name).stem[:200],
        architecture=found.architecture,
        nomenclature=nomenclature.name,
        classes=classes,
        untrained=untrained,
        bands=tell_bands(one, said),
        resolution=said.resolution or (family.resolution if family else RESOLUTION),
        licence=said.licence or UNKNOWN_LICENCE,
        source=name,
        weights_sha256=_UNWRITTEN,
    )
    attributed, remark = _attributed(card, told.family, said)
    return attributed, remarks + remark


def _attributed(card: ModelCard, named: Family | None, said: Said) -> tuple[ModelCard, tuple[str, ...]]:
    """Give a card title, licence and figures of the model that it is called after, unless it is another."""
    row, unknown = published_as(card.source), "licence and figures are not known"
    if row is None:
        return card, (f"IGN calls no model of {named.dataset} so: {unknown}",) if named else ()
    if others := [*row.contradictions(card)]:
        remark = f"it is called as IGN's {row.name} and is not as published ({'; '.join(others)}): {unknown}"
        return replace(card, title=said.title or f"{card.title}, not as published"[:200]), (remark,)
    return replace(
        card,
        title=said.title or row.name,
        licence=said.licence or (named.licence if named else UNKNOWN_LICENCE),
        training={"dataset": named.dataset} if named else {},
        metrics=row.figures,
    ), ()
