"""Whose weights a model began with, and under which licence: what is made of them owes them both."""

from __future__ import annotations

__all__ = ["Owed", "licence_with", "owed_by", "owed_of"]

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Final

from workbench.inference.card import ModelCard

_UNSTATED: Final = "not stated"
"""What the licence of a model begins with that nobody has given one."""
_LONGEST: Final = 1000
"""Characters of a licence in a card."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A model whose weights are in another one."""

    id: str
    title: str
    source: str
    licence: str

    def document(self) -> dict[str, str]:
        """Return the JSON view, a part of ``training.credits`` in the model's card."""
        return asdict(self)

    def text(self) -> str:
        """Return it in one line."""
        return f"{self.title} ({self.id}, {self.source}), {self.licence}"


def owed_of(card: ModelCard) -> tuple[Owed, ...]:
    """Return the models whose weights are in that of a card, the first first."""
    return tuple(Owed(**one) for one in card.training.get("credits", ()))


def owed_by(start: ModelCard | None) -> tuple[Owed, ...]:
    """Return what a model owes that begins with another: that one, if it has a licence, and what it owes."""
    if start is None:
        return ()
    own = Owed(id=start.id, title=start.title, source=start.source, licence=start.licence)
    stated = not start.licence.startswith(_UNSTATED)
    return tuple(dict.fromkeys((*owed_of(start), *([own] if stated else []))))


def licence_with(owed: Iterable[Owed]) -> str:
    """Return the licence of a model that was just trained: not stated, but what it began with has one."""
    told = f"{_UNSTATED}: that of the labels and pictures it was trained on"
    licences = "; ".join(dict.fromkeys(one.licence for one in owed))
    whole = f"{told}, and of the weights that it began with: {licences}" if licences else told
    return whole if len(whole) <= _LONGEST else f"{told}, and those of the weights that it began with"
