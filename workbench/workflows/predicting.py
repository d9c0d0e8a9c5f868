"""Predictions of models for rasters and for zones: opened, checked, written, told."""

from __future__ import annotations

__all__ = ["Predicted", "open_models", "predict_dalle", "predict_file", "predict_zone"]

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.documents import canonical_bytes, digest, write_file
from workbench.errors import RasterError
from workbench.geo.dalle import Dalle
from workbench.geo.predictions import PREDICTION, PROBABILITIES, check_picture
from workbench.geo.raster import inspect_raster
from workbench.geo.styles import PREDICTION_STYLE, RasterClass, raster_style
from workbench.geo.zone import Zone
from workbench.inference.card import ModelCard
from workbench.inference.predict import PredictedRaster, predict_raster
from workbench.inference.segmenter import Segmenter, Views
from workbench.inference.source import RasterSource, band_names
from workbench.inference.tiles import Tiling
from workbench.nomenclature import Nomenclature, load_nomenclature
from workbench.outputs import check_older, check_output, is_known
from workbench.workflows.learned import SeenGround
from workbench.workflows.predictions import dalle_prediction, prediction_path, prediction_tags
from workbench.workflows.unseen import unknown_ground

_WARP = "gdalwarp -t_srs EPSG:2154"


@dataclass(frozen=True, slots=True, kw_only=True)
class Predicted:
    """What a prediction did."""

    done: PredictedRaster
    card: ModelCard
    device: str
    pixels: int
    style: Path | None
    """That QGIS opens the prediction with; None where something else is in its place."""

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/predict.schema.json``)."""
        return {
            "prediction": str(self.done.path),
            "model": self.card.id,
            "device": self.device,
            "pixels": self.pixels,
            "classified_pixels": self.done.classified,
            "style": None if self.style is None else str(self.style),
            "tiles": self.done.tiles,
            "executed_tiles": self.done.executed,
            "reused_parts": self.done.reused,
            "seconds": round(self.done.seconds, 3),
            "copy_seconds": round(self.done.copy_seconds, 3),
        }

    def text(self) -> str:
        """Return one line for a person."""
        again = (
            f", {counted(self.done.reused, 'part was', 'parts were')} there already"
            if self.done.reused
            else ""
        )
        known, pixels = self.done.classified, counted(self.pixels, "pixel")
        if not known:
            return f"{self.done.path}: empty, for none of the {pixels} has data; {self.card.id} was not asked"
        if known < self.pixels:
            pixels = f"{known:,} of {pixels}"
        return (
            f"{self.done.path}: {pixels} by {self.card.id} on {self.device}, "
            f"{self.done.executed:,} of {counted(self.done.tiles, 'tile')} in {self.done.seconds:.1f} s"
            f"{again}, one file of them in {self.done.copy_seconds:.1f} s"
        )


def open_models(models: Sequence[Path], *, views: Views = 1, device: str = "auto") -> Segmenter:
    """Open a model, or several as a committee.

    Parameters
    ----------
    models
        Their directories.
    views
        How often each tile is looked at: as it is, in its rotations, in the symmetries of a square.
    device
        ``auto``, ``cpu``, ``cuda`` …

    Raises
    ------
    ModelError
        A model cannot be opened, they do not go together, or the device is not there.
    """
    from workbench.inference.committee import Committee
    from workbench.inference.network import open_segmenter

    members = [open_segmenter(model, device=device) for model in models]
    return members[0] if len(members) == views == 1 else Committee(members, views=views)


def predict_file(
    raster: Path,
    output: Path,
    segmenter: Segmenter,
    *,
    tiling: Tiling | None = None,
    bands: Sequence[str] | None = None,
    resample: bool = False,
    probabilities: Path | None = None,
    nomenclature: Nomenclature | None = None,
    overwrite: bool = False,
    say: Callable[[str], None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Predicted:
    """Predict a raster of any size.

    Parameters
    ----------
    raster
        What to look at.
    output, probabilities
        GeoTIFFs to write; the second one only if it is given.
    segmenter
        Who looks at it; see `open_models`.
    tiling
        Sizes of tiles; what suits the device by default.
    bands
        What each band of the raster shows; by its descriptions or number if not given.
    resample
        Give the model pixels of the resolution that it was trained at.
    nomenclature
        Whose codes are written; the models' own by default.
    overwrite
        Replace older outputs.
    say
        Hears what a person should know.
    progress
        Called with the tiles that are done and all of them.

    Raises
    ------
    ModelError
        The model does not fit the raster.
    RasterError
        The raster cannot be read, or an output not be written.
    """
    info = inspect_raster(raster)
    check_picture(info)
    if probabilities is not None and probabilities.resolve() == output.resolve():
        raise RasterError(
            f"{output} is the prediction, and cannot hold the probabilities, too; name another file"
        )
    for path, kind in ((output, PREDICTION), (probabilities, PROBABILITIES)):
        if path is not None:
            if path.suffix.lower() not in (".tif", ".tiff"):
                raise RasterError(f"{path}: a GeoTIFF is written; give it a name that ends in .tif")
            check_output(path, kind, overwrite=overwrite, sources=[raster], error=RasterError)
    card = segmenter.card
    names = band_names(info, bands, card)
    if resample and info.geographic:
        raise RasterError(
            f"{raster} lies in degrees, which are resampled to no metres; warp it first: {_WARP}"
        )
    source = RasterSource.of(info, card, bands=names, resample=resample)
    if info.geographic:
        say(f"{raster} lies in degrees, so nobody knows how large its pixels are; warp it: {_WARP}")
    elif source.differs(card):
        say(
            f"{raster} has pixels of {info.grid.resolution:g} m, {card.id} was trained at "
            f"{card.resolution:g} m, so expect less of it; --resample gives it what it knows"
        )
    return _predicted(source, segmenter, output, nomenclature, tiling, probabilities, say, progress)


def predict_zone(
    campaign: Campaign,
    zone: Zone,
    segmenter: Segmenter,
    *,
    tiling: Tiling | None = None,
    say: Callable[[str], None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Predict a zone's orthophoto; the prediction lies beside its hierarchy, another one is replaced.

    Raises
    ------
    ModelError
        The model does not fit the zone.
    RasterError
        Something else than a prediction of the workbench lies in its place.
    """
    ortho = zone.ortho
    info = inspect_raster(ortho.path, assume_crs=zone.grid.crs)
    source = RasterSource.of(info, segmenter.card, bands=ortho.bands, window=ortho.window)
    output = prediction_path(campaign, zone)
    return _kept(zone.id, source, segmenter, output, campaign.nomenclature, tiling, say, progress)


def predict_dalle(
    campaign: Campaign,
    dalle: Dalle,
    segmenter: Segmenter,
    *,
    tiling: Tiling | None = None,
    say: Callable[[str], None],
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Predict a dalle of the pool; the prediction lies in the campaign's folder ``pool``.

    Raises
    ------
    ModelError
        The model does not fit the dalle.
    RasterError
        The dalle cannot be read, or something else than a prediction of the workbench lies in its place.
    """
    source = RasterSource.of(inspect_raster(dalle.path), segmenter.card, bands=dalle.bands)
    output = dalle_prediction(campaign, dalle)
    output.parent.mkdir(parents=True, exist_ok=True)
    return _kept(dalle.id, source, segmenter, output, campaign.nomenclature, tiling, say, progress)


def _kept(
    name: str,
    source: RasterSource,
    segmenter: Segmenter,
    output: Path,
    nomenclature: Nomenclature,
    tiling: Tiling | None,
    say: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> Path:
    """Predict what has its place in a campaign, unless the same model did it already."""
    if source.differs(segmenter.card):
        say(
            f"{name} is at {source.info.grid.resolution:g} m, {segmenter.card.id} was trained at "
            f"{segmenter.card.resolution:g} m, so expect less of it"
        )
    tags = _tags(source, segmenter, nomenclature, tiling or Tiling.on(segmenter.device))
    if _is_there(output, tags):
        say(f"{name}: {segmenter.card.id} has predicted it already")
        return output
    check_older(output, PREDICTION, error=RasterError)
    done = _predicted(source, segmenter, output, nomenclature, tiling, None, say, progress)
    return done.done.path


def _predicted(
    source: RasterSource,
    segmenter: Segmenter,
    output: Path,
    nomenclature: Nomenclature | None,
    tiling: Tiling | None,
    probabilities: Path | None,
    say: Callable[[str], None],
    progress: Callable[[int, int], None],
) -> Predicted:
    nomenclature = nomenclature or load_nomenclature(segmenter.card.nomenclature)
    tiling = tiling or Tiling.on(segmenter.device)
    lacking = [
        band.name for band, number in zip(segmenter.card.bands, source.numbers, strict=True) if number is None
    ]
    done = predict_raster(
        source,
        segmenter.without(lacking),
        output,
        codes=segmenter.card.codes(nomenclature),
        tiling=tiling,
        tags=_tags(source, segmenter, nomenclature, tiling),
        probabilities=probabilities,
        say=say,
        progress=progress,
    )
    height, width = source.grid.shape
    return Predicted(
        done=done,
        card=segmenter.card,
        device=segmenter.device,
        pixels=height * width,
        style=_styled(output, segmenter.card, nomenclature, say),
    )


def _styled(
    output: Path, card: ModelCard, nomenclature: Nomenclature, say: Callable[[str], None]
) -> Path | None:
    """Write the style that QGIS opens a prediction with, unless something else is in its place.

    A colour table would be nearer, but a GeoTIFF of several bands cannot have one.
    """
    path = output.with_suffix(".qml")
    if path.exists() and not is_known(path, PREDICTION_STYLE):
        say(f"{path} is another style than the workbench's, and stays as it is")
        return None
    entries = (nomenclature.by_key(key) for key in card.classes if key not in card.untrained)
    classes = [RasterClass(one.code, one.titles["fr"], one.colour) for one in entries]
    write_file(path, raster_style(PREDICTION_STYLE, sorted(classes)), error=RasterError)
    return path


def _tags(
    source: RasterSource, segmenter: Segmenter, nomenclature: Nomenclature, tiling: Tiling
) -> dict[str, str]:
    """Return what a prediction says of itself."""
    card = segmenter.card
    codes = {key: int(code) for key, code in zip(card.classes, card.codes(nomenclature), strict=True)}
    seen = [dict(source.key), tiling.size, tiling.margin, tiling.blended]
    name = f"{nomenclature.name} {nomenclature.version}"
    first, *others = map(SeenGround.of, segmenter.cards)
    saw = first.joined(*others)
    said = prediction_tags(
        model=card.id,
        digest=segmenter.digest,
        nomenclature=name,
        domains=None if any(map(unknown_ground, segmenter.cards)) else saw.domains,
        zones=saw.zones,
    )
    return said | {
        "SOFTWARE": f"ocs-workbench {version('ocs-workbench')}",
        "CLASSES": json.dumps(codes),
        "SOURCE_SHA256": digest(canonical_bytes(seen)),
    }


def _is_there(path: Path, tags: Mapping[str, str]) -> bool:
    """Tell whether a prediction was made already, by the same model of the same pixels."""
    try:
        found = inspect_raster(path).tags
    except RasterError:
        return False
    return all(found.get(key) == value for key, value in tags.items())
