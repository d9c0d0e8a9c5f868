"""Pre-labels: what models propose for a zone, and the edits by which a person takes it over.

No label comes from there by itself. Whoever accepts a pre-label copies its pixels into the labels by an edit
of their own, which names the op that it was copied from.
"""

from __future__ import annotations

__all__ = ["BULK_TOOL", "Chosen", "POINTED_TOOL", "Prelabels", "Proposals", "ProposedBy", "Waiting"]

from collections import defaultdict
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workbench.errors import EditRefused
from workbench.geo.grid import Window
from workbench.geo.spans import pixel_count
from workbench.labels.edits import OPEN, AssignMask, Provenance, assign
from workbench.labels.fold import Drawn, Fold
from workbench.labels.op import Op
from workbench.labels.proposed import MODEL, Group, ModelJournals, Proposed, is_model
from workbench.labels.strokes import given_map

POINTED_TOOL, BULK_TOOL = "accept", "accept-all"
"""Tools of edits that accept pre-labels: where a person pointed, or wherever something is true of them."""
_STRIP = 1 << 20
"""Pixels that are looked at at a time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Pre-labels of one class by one model that nobody has taken over yet."""

    model: str
    code: int
    upper: str | None
    """Key of an upper class, where the model proposes one."""
    pixels: int
    confidence: tuple[float, float] | None
    """The least and the most that the model said; None where it said none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedBy:
    """What one model proposes for a zone where no other does so later, whatever became of it."""

    model: str
    regions: int
    pixels: int
    same: int
    """Pixels that have the label that it proposes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chosen:
    """Which pre-labels somebody takes over."""

    region: tuple[Window, NDArray[np.bool_]] | None = None
    """Where: a window and its mask. None = anywhere."""
    pointed: bool = False
    """Whether a person pointed at this region; a pre-label that is alone there was looked at for itself."""
    code: int | None = None
    """Only pre-labels of this class."""
    above: float | None = None
    """Only pre-labels in which the model has at least this confidence, 0 to 1."""
    over: bool = False
    """Replace labels that are there, too; else only what is unlabelled."""
    among: Collection[Group] | None = None
    """Only pre-labels of these groups."""

    def means(self, found: AssignMask, group: Group) -> bool:
        """Tell whether a pre-label is of the class and group that are meant."""
        if self.code is not None and (found.code, found.upper) != (self.code, None):
            return False
        return self.among is None or group in self.among

    def trusts(self, found: AssignMask) -> bool:
        """Tell whether the model is sure enough of a pre-label."""
        if self.above is None:
            return True
        return found.confidence is not None and found.confidence >= self.above


class Prelabels:
    """What models propose for a zone, the last op on each pixel, beside its labels as they are."""

    def __init__(self, labels: Fold, proposed: Proposed) -> None:
        self._labels, self._fold = labels, proposed.fold
        self.proposed = proposed
        self._bulk = np.zeros(1, np.bool_)
        """Shape (op + 1,). Whether an op of the labels accepts pre-labels with others; it grows."""

    @property
    def codes(self) -> NDArray[np.uint8]:
        """Shape (row, col). Class codes, 0 where no model proposes anything."""
        return self._fold.labels.values

    @property
    def last(self) -> NDArray[np.uint32]:
        """Shape (row, col). 1 + place in `ops` of the op that proposes the code, 0 = none."""
        return self.proposed.last(self.whole)

    @property
    def ops(self) -> tuple[Op, ...]:
        """The ops of the models' journals."""
        return tuple(self._fold.table.op(position) for position in range(len(self._fold.table)))

    @property
    def whole(self) -> Window:
        """Window of the zone."""
        return self._fold.canvas.subject.grid.whole

    def accepting(self, chosen: Chosen) -> list[Drawn]:
        """Return the edits that take pre-labels over, one for each op that proposes some of the pixels.

        Meant for `AnnotationStore.apply_drawn`, before anything else is done to the labels.

        Raises
        ------
        EditRefused
            There is no such pre-label.
        """
        window, mask = chosen.region or (self.whole, np.ones(self.whole.shape, np.bool_))
        wanted, counts = self._wanted(window, mask, over=chosen.over)
        there = [(place, self._edit(place)) for place in _numbers(counts)]
        if not there:
            raise EditRefused(self._nothing_there(window, mask, over=chosen.over))
        groups, numbers = self.proposed.groups, self.proposed.group
        meant = [one for one in there if chosen.means(one[1], groups[numbers[one[0]] - 1])]
        if not meant:
            raise EditRefused(f"no pre-label of the {len(there)} there is of this class")
        sure = [one for one in meant if chosen.trusts(one[1])]
        if not sure:
            said = [found.confidence for _, found in meant if found.confidence is not None]
            most = f"a confidence of {max(said)}" if said else "no confidence"
            raise EditRefused(f"the surest of the {len(meant)} pre-labels there has {most}")
        tool = POINTED_TOOL if chosen.pointed and len(sure) == 1 else BULK_TOOL
        return [self._copied(place, found, wanted, counts, window, tool) for place, found in sure]

    def compared(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Return where there are pre-labels, and where the labels are the same: class or upper class alike.

        Returns
        -------
        there, same
            Shape (row, col) of the zone.
        """
        here, proposed = self.given(self.whole)
        return proposed > 0, here == proposed

    def by_model(self) -> tuple[ProposedBy, ...]:
        """Return what each model proposes, by its name, also where nothing of it can be accepted any more."""
        (there, same), last, proposed = self.compared(), self.last, self.proposed
        pixels = np.bincount(last[there], minlength=proposed.group.size)
        alike = np.bincount(last[there & same], minlength=proposed.group.size)
        places = defaultdict[str, list[int]](list)
        for place in _numbers(pixels):
            places[proposed.groups[proposed.group[place] - 1].model].append(place)
        return tuple(
            ProposedBy(
                model=model, regions=len(own), pixels=int(pixels[own].sum()), same=int(alike[own].sum())
            )
            for model, own in sorted(places.items())
        )

    def waiting(self) -> tuple[Waiting, ...]:
        """Return what can be accepted without replacing a label, by model and class, most pixels first."""
        whole, proposed = self.whole, self.proposed
        wanted = np.where(self._free(whole, over=False), self.last, np.uint32(0))
        counts, places = np.bincount(wanted.reshape(-1), minlength=1), defaultdict[int, list[int]](list)
        for place in _numbers(counts):
            places[int(proposed.group[place])].append(place)
        found = []
        for number, own in places.items():
            group, said = proposed.groups[number - 1], proposed.confidence[own]
            known = said[~np.isnan(said)].tolist()
            found.append(
                Waiting(
                    model=group.model,
                    code=group.code,
                    upper=group.upper,
                    pixels=int(counts[own].sum()),
                    confidence=(min(known), max(known)) if known else None,
                )
            )
        return tuple(sorted(found, key=lambda one: (-one.pixels, one.model, one.code, one.upper or "")))

    def _free(self, window: Window, *, over: bool) -> NDArray[np.bool_]:
        """Return where a pre-label of a window can change something, shape (row, col) of it."""
        here, proposed = self.given(window)
        changing: NDArray[np.bool_] = here != proposed if over else here == 0
        return changing & (proposed > 0) & np.equal(self.levels(window), OPEN)

    def _wanted(
        self, window: Window, mask: NDArray[np.bool_], *, over: bool
    ) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
        """Return the op that changes something on each pixel of a mask, 0 for none, and pixels by op."""
        wanted = np.zeros(window.shape, np.uint32)
        counts = np.zeros(self.proposed.group.size, np.int64)
        rows = max(1, _STRIP // window.width)
        for row in range(0, window.height, rows):  # numpy keeps other threads waiting for as long as it works
            strip = Window(
                row=window.row + row,
                col=window.col,
                height=min(rows, window.height - row),
                width=window.width,
            )
            place = slice(row, row + strip.height)
            free = self._free(strip, over=over) & mask[place]
            wanted[place] = np.where(free, self.proposed.last(strip), np.uint32(0))
            counts += np.bincount(wanted[place].reshape(-1), minlength=counts.size)
        return wanted, counts

    def levels(self, window: Window) -> NDArray[np.uint8]:
        """Return `edits.OPEN`, `PROTECTED` or `ACCEPTED` of a window's pixels, shape (row, col)."""
        return self._labels.guard.levels(window)

    def untouched(self, window: Window) -> NDArray[np.bool_]:
        """Return where labels are pre-labels accepted with others, which nobody looked at for themselves.

        Shape (row, col) of the window. What was recoded since is not among it.
        """
        table, known = self._labels.table, self._bulk.size
        if known <= len(table):
            fresh = [table.tool(position) == BULK_TOOL for position in range(known - 1, len(table))]
            self._bulk = np.concatenate([self._bulk, np.array(fresh, np.bool_)])
        untouched: NDArray[np.bool_] = self._bulk[self._labels.labels.last(window)]
        return untouched

    def given(self, window: Window) -> tuple[NDArray[np.uint16], NDArray[np.uint16]]:
        """Return labels and pre-labels of a window as `given_map`, upper classes numbered alike in both."""
        uppers, keys = self._labels.uppers(window)
        known = {key: number for number, key in enumerate(keys, start=1)}
        given = [0]
        for group in self.proposed.groups:
            number = known.setdefault(group.upper, len(known) + 1) if group.upper is not None else 0
            given.append(group.code + 256 * number)
        proposed = np.array(given, np.uint16)[self.proposed.group][self.proposed.last(window)]
        return given_map(self._labels.labels.values[window.slices], uppers), proposed

    def _edit(self, place: int) -> AssignMask:
        """Return what an op of the models' proposes, by 1 + its place."""
        edit = self.proposed.edits[place - 1]
        assert edit is not None  # noqa: S101 - it stands on pixels
        return edit

    def _copied(
        self,
        place: int,
        found: AssignMask,
        wanted: NDArray[np.uint32],
        counts: NDArray[np.int64],
        window: Window,
        tool: str,
    ) -> Drawn:
        """Return the edit that copies those pixels of a pre-label that are wanted in a window."""
        author, seq = self._fold.table.name(place - 1)
        made = Provenance(
            tool=tool,
            scale=found.provenance.scale,
            hierarchy_digest=found.provenance.hierarchy_digest,
            model=found.provenance.model or author.removeprefix(MODEL),
        )
        copied = replace(found, provenance=made, source=f"{author}:{seq}", confidence=None)
        spans = self._fold.table.spans(place - 1)
        if pixel_count(spans) == counts[place]:
            return Drawn(edit=copied, spans=spans)  # all of it: nothing has to be encoded again
        part = window.intersection(found.window)
        assert part is not None  # noqa: S101 - some of the pixels are its
        pixels = wanted[part.within(window).slices] == place
        return Drawn(edit=replace(copied, mask=assign(pixels, part, found.code, made).mask))

    def _nothing_there(self, window: Window, mask: NDArray[np.bool_], *, over: bool) -> str:
        """Return why nothing can be accepted in a region."""
        if not self.compared()[0].any():
            return "no model proposes anything in this zone"
        there = mask & (self.given(window)[1] > 0)
        if not there.any():
            return "no model proposes anything there"
        if not (there & (self.levels(window) == OPEN)).any():
            return "what models propose there is protected or accepted"
        if over:
            return "what models propose there is what the labels are already"
        return "what models propose there is labelled already; replace takes it over what is there"


class Proposals:
    """What models wrote about the zone of a store, and what of it was replayed."""

    def __init__(self, labels: Fold, directory: Path) -> None:
        self._labels, self._directory = labels, directory
        self._kept: Proposed | None = None

    def journals(self, model: str | None = None, *, ops: int | None = None) -> ModelJournals:
        """Return what models wrote; or one of them, such as ``model-unet``, in its first so many ops."""
        table = self._labels.table
        models = [author for author in table.heads if is_model(author) and model in (None, author)]
        rows = {author: tuple(table.rows(author)[:ops]) for author in models}
        return ModelJournals(canvas=self._labels.canvas, rows=rows, directory=self._directory)

    @property
    def replayed(self) -> bool:
        """Whether `prelabels` has nothing to replay."""
        return self._kept is not None and self._kept.heads == self.journals().heads

    def keep(self, proposed: Proposed) -> None:
        """Keep what somebody replayed of `journals`, in another thread say, for `prelabels`."""
        self._kept = proposed

    def prelabels(self, journals: ModelJournals | None = None) -> Prelabels:
        """Return what some journals of models propose; by default those of all models.

        They are replayed unless they were before, or `keep` was given that.
        """
        wanted = journals if journals is not None else self.journals()
        if self._kept is None or self._kept.heads != wanted.heads:
            self._kept = wanted.replayed()
        return Prelabels(self._labels, self._kept)


def _numbers(counts: NDArray[np.int64]) -> Iterator[int]:
    """Yield the numbers above 0 of which there are some, ascending."""
    yield from (np.flatnonzero(counts[1:]) + 1).tolist()
