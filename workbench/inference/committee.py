"""Several opinions as one: of models with other bands and classes, of a model that sees a tile turned."""

from __future__ import annotations

__all__ = ["Committee"]

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workbench.documents import canonical_bytes, digest
from workbench.errors import ModelError
from workbench.geo.grid import Window
from workbench.geo.predictions import DISAGREEMENT, PLANES
from workbench.inference.architecture import Architecture
from workbench.inference.batches import Batches
from workbench.inference.card import Band, ModelCard
from workbench.inference.network import NetworkSegmenter
from workbench.inference.reduction import disagreement, reduce_probabilities
from workbench.inference.segmenter import Views


class Committee:
    """Averages what its members say in probability; a `Segmenter` that tells their disagreement, too.

    A class that a member does not have gets nothing from it. Members see the bands that they know, by name.

    Parameters
    ----------
    members
        On one device, with one nomenclature and resolution.
    views
        How often each of them looks at a tile.
    lacking
        Bands that the tiles do not have: each member sees its own mean there, not another's.

    Raises
    ------
    ModelError
        Members that do not belong together.
    """

    planes = (*PLANES, DISAGREEMENT)

    def __init__(
        self, members: Sequence[NetworkSegmenter], *, views: Views = 1, lacking: Sequence[str] = ()
    ) -> None:
        self._members, self._views = tuple(members), views
        cards = [member.card for member in members]
        for what in ("nomenclature", "resolution"):
            told = {str(getattr(card, what)) for card in cards}
            if len(told) > 1:
                raise ModelError(
                    f"models of {' and '.join(sorted(told))} do not go together; choose those of one {what}"
                )
        self.card = _together(cards, views)
        names = [band.name for band in self.card.bands]
        self._bands = [[names.index(band.name) for band in card.bands] for card in cards]
        self._classes = [
            torch.tensor([self.card.classes.index(key) for key in card.classes], device=members[0].device)
            for card in cards
        ]
        # Of each member, the bands that its tiles lack, and the value that stands there.
        self._lacking = [
            [(place, card.fills[place]) for place, band in enumerate(card.bands) if band.name in lacking]
            for card in cards
        ]
        self._batches = Batches(torch.device(members[0].device), each=views)

    @property
    def cards(self) -> tuple[ModelCard, ...]:
        """Those of the members."""
        return tuple(member.card for member in self._members)

    @property
    def digest(self) -> str:
        """SHA-256 of the members' digests and how they look."""
        return digest(canonical_bytes([self._views, *(member.digest for member in self._members)]))

    @property
    def device(self) -> str:
        """Where they run."""
        return self._members[0].device

    @property
    def batch(self) -> int:
        """Tiles that are looked at at once."""
        return self._batches.size

    @property
    def lanes(self) -> int:
        """As of a member."""
        return self._members[0].lanes

    def enter_lane(self) -> None:
        """As of a member."""
        self._members[0].enter_lane()

    def without(self, bands: Sequence[str]) -> Self:
        """Return the same for tiles that lack bands: each member sees its own mean there, not another's."""
        return type(self)(self._members, views=self._views, lacking=bands)

    def predict_proba(self, tiles: NDArray[np.uint8], *, core: Window | None = None) -> NDArray[np.float32]:
        """Return the mean probability of each class, shape (tile, class, row, col)."""
        return self._batches.ask(tiles, lambda part: self._mean(part, core)[0].cpu().numpy())

    def predict_opinions(
        self, tiles: NDArray[np.uint8], *, core: Window | None = None
    ) -> NDArray[np.float32]:
        """Return the mean probability of each class, and after them mutual information, from 0 to 1."""
        counted = int(self.card.trained.sum())

        def told(part: NDArray[np.uint8]) -> NDArray[np.float32]:
            mean, shared = self._mean(part, core)
            both = torch.cat([mean, disagreement(mean, shared, counted)[:, None]], dim=1)
            opinions: NDArray[np.float32] = both.cpu().numpy()
            return opinions

        return self._batches.ask(tiles, told)

    def predict_reduced(self, tiles: NDArray[np.uint8], *, core: Window | None = None) -> NDArray[np.uint8]:
        """Return class, probability, entropy and mutual information, shape (tile, plane, row, col)."""
        counted = int(self.card.trained.sum())
        return self._batches.ask(tiles, lambda part: reduce_probabilities(*self._mean(part, core), counted))

    def _mean(self, tiles: NDArray[np.uint8], core: Window | None) -> tuple[Tensor, Tensor]:
        """Return the mean of the probabilities and that of the entropies."""
        cut = (slice(None),) * 2 if core is None else core.slices
        shape = (len(tiles), len(self.card.classes), *tiles[0, *cut, 0].shape)
        mean = torch.zeros(shape, device=self.device)
        shared = torch.zeros((shape[0], *shape[2:]), device=self.device)
        opinions = 0
        parts = zip(self._members, self._bands, self._classes, self._lacking, strict=True)
        for member, bands, classes, lacking in parts:
            own = tiles[..., bands]
            for place, fill in lacking:
                own[..., place] = fill
            for told in self._opinions(member, own):
                proba = told[..., *cut]
                mean.index_add_(1, classes, proba.contiguous())
                shared += torch.special.entr(proba).sum(dim=1)
                opinions += 1
        return mean / opinions, shared / opinions

    def _opinions(self, member: NetworkSegmenter, tiles: NDArray[np.uint8]) -> Iterator[Tensor]:
        """Yield the probabilities that a member gives, seen each way and turned back."""
        for view in range(self._views):
            seen = np.rot90(tiles, view % 4, axes=(1, 2))
            seen = np.ascontiguousarray(seen[:, :, ::-1] if view >= 4 else seen)
            told = member.scores(seen).softmax(dim=1)
            told = told.flip(-1) if view >= 4 else told
            yield told.rot90(-(view % 4), dims=(2, 3))


def _together(cards: Sequence[ModelCard], views: int) -> ModelCard:
    """Return the card of several models as one."""
    classes = tuple(dict.fromkeys(key for card in cards for key in card.classes))
    trained = {key for card in cards for key in card.classes if key not in card.untrained}
    bands: dict[str, Band] = {}
    for card in cards:
        for band in card.bands:
            known = bands.get(band.name, band)
            bands[band.name] = replace(known, optional=known.optional and band.optional)
    name = digest(canonical_bytes([views, *(card.digest for card in cards)]))[:8]
    first = cards[0]
    return ModelCard(
        id=f"{first.id[:30]}-{name}" if len(cards) == 1 else f"committee-{name}",
        title=f"{' + '.join(card.id for card in cards)}, seen {views} times"
        if views > 1
        else " + ".join(card.id for card in cards),
        architecture=Architecture(
            provider=first.architecture.provider,
            network=first.architecture.network,
            encoder=first.architecture.encoder,
            inputs=len(bands),
            outputs=len(classes),
        ),
        nomenclature=first.nomenclature,
        classes=classes,
        untrained=tuple(key for key in classes if key not in trained),
        bands=tuple(bands.values()),
        resolution=first.resolution,
        licence=" + ".join(dict.fromkeys(card.licence for card in cards)),
        source=" + ".join(card.id for card in cards),
        domains=tuple(sorted({domain for card in cards for domain in card.domains})),
        weights_sha256=digest("".join(card.weights_sha256 for card in cards).encode()),
    )
