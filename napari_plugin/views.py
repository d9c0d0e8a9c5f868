"""What one sees of a zone: a way to look at it, and a second one that is blinked to or lies beside."""

from __future__ import annotations

__all__ = ["Views"]

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from napari_plugin.desk_rasters import DeskRaster, desk_raster
from napari_plugin.language import said, tr
from napari_plugin.pictures import Look, Picture, Showing, Swipe
from napari_plugin.recipes import Recipe, recipes_for
from napari_plugin.session import Session

Wait = Callable[[str, Callable[[], DeskRaster], Callable[[DeskRaster], None], Callable[[str], None]], None]
"""Has a raster read elsewhere: takes a title, what reads it, and what to call with it, or with why not."""


class Views:
    """The pictures of the zone of a session, as the viewer is to show them.

    Parameters
    ----------
    session
        Whose zone.
    wait
        Has rasters read that are looked at for the first time.
    """

    changed = Signal()
    """Which picture is shown, or how, or whether there is a second one."""

    def __init__(self, session: Session, wait: Wait) -> None:
        self._session, self._wait = session, wait
        zone = session.opened.zone
        self.recipes: tuple[Recipe, ...] = tuple(recipes_for(zone.rasters))
        """Ways to look at the zone, the one that it opens with first."""
        self._rasters = {zone.ortho.key: session.opened.ortho}
        self._look = Look()
        self.first = self._picture(self.recipes[0])
        """What is shown."""
        # The likeliest second look is at infrared, as everybody knows natural colours.
        infrared = [one for one in self.recipes if one.key == "irc"]
        self.second_recipe = [*infrared, *self.recipes[1:], *self.recipes][0]
        self.blinking = False
        """Whether the second view is shown in place of the first, as long as a key is held."""
        self.swipe: float | None = None
        """World x, in metres, of the line right of which the second view lies; None without one."""
        self._second: Picture | None = None

    @property
    def second(self) -> Picture | None:
        """What is shown over the first; None where nothing is."""
        return self._second if self.blinking or self.swipe is not None else None

    def thumbnail(self) -> NDArray[np.uint8]:
        """Return a small picture of the zone alone, shape (row, col, 3)."""
        raster, grid = self._session.opened.ortho, self._session.grid
        overview, last = self.first.overview(), len(raster.levels) - 1
        parts = []
        for axis, side in ((0, grid.height), (1, grid.width)):
            first, step = raster.centres(last, 0 if axis == 0 else 1)
            start = max(0, round((0.0 - first) / step))
            parts.append(slice(start, max(start + 1, round((side * grid.resolution - first) / step))))
        return overview[parts[0], parts[1], :3]

    def show(self, key: str) -> None:
        """Look at the zone in another way; a raster that is not read yet is shown once it is."""
        recipe = self._recipe(key)

        def take() -> None:
            self.first = self._picture(recipe)
            self.changed.emit()

        self._with_raster(recipe, take)

    def show_place(self, place: int) -> None:
        """Look at the zone in the way that is listed at a place; nothing if there is none."""
        if place < len(self.recipes):
            self.show(self.recipes[place].key)

    def toggle_infrared(self) -> None:
        """Look at the zone in infrared, or in natural colours again."""
        keys = {recipe.key for recipe in self.recipes}
        wanted = self.recipes[0].key if self.first.view.recipe.key == "irc" else "irc"
        if wanted in keys:
            self.show(wanted)
        else:
            self._session.noticed.emit(tr("The picture of this zone has no infrared."))

    def show_second(self, key: str) -> None:
        """Take another way for the second view."""
        self.second_recipe = self._recipe(key)
        self._second = None
        if self.blinking or self.swipe is not None:
            self._with_raster(self.second_recipe, self._show_second)

    def blink(self, on: bool) -> None:
        """Show the second view in place of the first, or no longer."""
        self.blinking = on
        self._with_raster(self.second_recipe, self._show_second)

    def swipe_at(self, x: float | None) -> None:
        """Show the second view right of a line across the world, in metres; None shows the first alone."""
        self.swipe = x
        self._with_raster(self.second_recipe, self._show_second)

    def lift(self, gamma: float) -> None:
        """Lift shadows, above 1, or deepen them."""
        self._look = replace(self._look, gamma=gamma)
        self.first.view = replace(self.first.view, look=self._look)
        if self._second is not None:
            self._second.view = replace(self._second.view, look=self._look)
        self.changed.emit()

    def _show_second(self) -> None:
        if self._second is None:
            self._second = self._picture(self.second_recipe)
        hides = None if self.blinking or self.swipe is None else Swipe(hides="left", at=self.swipe)
        self._second.view = replace(self._second.view, swipe=hides)
        self.changed.emit()

    def _recipe(self, key: str) -> Recipe:
        return next(recipe for recipe in self.recipes if recipe.key == key)

    def _picture(self, recipe: Recipe) -> Picture:
        return Picture(self._rasters[recipe.raster], Showing(recipe=recipe, look=self._look))

    def _with_raster(self, recipe: Recipe, act: Callable[[], None]) -> None:
        """Do something with the raster of a recipe, now or as soon as it is read."""
        if recipe.raster in self._rasters:
            act()
            return
        opened = self._session.opened
        raster = next(one for one in opened.zone.rasters if one.key == recipe.raster)

        def read() -> DeskRaster:
            found = opened.campaign.read_raster(opened.zone, raster)
            return desk_raster(found, opened.zone, key=raster.key)

        def done(laid: DeskRaster) -> None:
            self._rasters[raster.key] = laid
            act()

        def failed(why: str) -> None:
            if why:
                self._session.refused.emit(said(why))

        self._wait(tr("Reading {raster}", raster=raster.key), read, done, failed)
