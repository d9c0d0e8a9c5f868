"""Layouts: how published trees name, number and describe patches, so that their loaders read ours.

Requirements of each loader are in the docstrings; paths are relative to the layout's folder, with ``/``.
"""

from __future__ import annotations

__all__ = ["LAYOUTS", "FlairHub", "FlairOne", "Layout", "layouts_of", "parse_layouts"]

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Protocol

from workbench.errors import ReleaseError
from workbench.export.folds import SPLITS
from workbench.export.patches import Patch
from workbench.export.tables import csv_bytes, split_geopackage
from workbench.geo.grid import NATIONAL_GRID

_FOLDER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
_LABEL: Final = "AERIAL_LABEL-COSIA"
_IMAGE: Final = "AERIAL_RGBI"
# The header of FLAIR-HUB's own CSV files.
_HUB_COLUMNS: Final = (
    "patch_id",
    "AERIAL-RLT_PAN",
    _LABEL,
    _IMAGE,
    "ALL_LABEL-LPIS",
    "DEM_ELEV",
    "SENTINEL1-ASC_TS",
    "SENTINEL1-DESC_TS",
    "SENTINEL2_MSK-SC",
    "SENTINEL2_TS",
    "SPOT_RGBI",
)


class Layout(Protocol):
    """How one published tree is laid out."""

    @property
    def name(self) -> str:
        """What the layout is called on the command line."""

    @property
    def root(self) -> str:
        """Folder of the tree in the release."""

    @property
    def scheme(self) -> str:
        """Scheme of the nomenclature that its label values follow."""

    @property
    def bands(self) -> tuple[str, ...]:
        """Bands of its images, in order."""

    @property
    def coloured(self) -> bool:
        """Whether its label files carry a colour table."""

    def image_path(self, patch: Patch) -> str:
        """Return where a patch's image lies."""

    def label_path(self, patch: Patch) -> str:
        """Return where a patch's labels lie."""

    def tables(self, patches: Sequence[Patch]) -> Iterator[tuple[str, bytes]]:
        """Yield the path and bytes of each file that describes the patches."""

    def note(self) -> str:
        """Return what ``README.md`` says about the layout."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlairHub:
    """FLAIR-HUB: a folder per domain, year and modality; labels 0–18.

    IGN's loader takes the paths from the CSV column of each active modality, rebuilds the patch id from the
    first and the last two parts of the label's name, and needs a split column in which each patch has
    ``train``, ``valid`` or ``test``. The CSV has the whole header of FLAIR-HUB; cells of modalities that a
    release does not have are empty, and its user's configuration sets them to False. ``DEM_ELEV`` is a
    surface and a terrain model in metres: a band of heights times five cannot be turned into it, so it is
    left out.

    TorchGeo's ``FLAIRHUBToy`` wants the folder ``FLAIR-HUB_TOY``: ``FlairHub(root="FLAIR-HUB_TOY")``.
    """

    name: ClassVar[str] = "flair-hub"
    scheme: ClassVar[str] = "flair_hub"
    bands: ClassVar[tuple[str, ...]] = ("R", "G", "B", "NIR")
    coloured: ClassVar[bool] = True
    root: str = "FLAIR-HUB"

    def image_path(self, patch: Patch) -> str:
        """Return where a patch's image lies."""
        return _hub_path(patch, _IMAGE)

    def label_path(self, patch: Patch) -> str:
        """Return where a patch's labels lie."""
        return _hub_path(patch, _LABEL)

    def tables(self, patches: Sequence[Patch]) -> Iterator[tuple[str, bytes]]:
        """Yield the GeoPackage of splits, and the CSV files of the three sets of ``split_1``.

        Paths in the CSV files start at their own folder, as FLAIR-HUB's do (``../D055-2018_AERIAL_RGBI/…``).
        """
        yield "GLOBAL_ALL_MTD/GLOBAL_ALL_MTD_SPLIT.gpkg", split_geopackage(patches)
        for subset in ("train", "valid", "test"):
            rows = [_HUB_COLUMNS] + [
                tuple(self._cells(patch).get(column, "") for column in _HUB_COLUMNS)
                for patch in patches
                if patch.splits[SPLITS[0]] == subset
            ]
            yield f"csv/split_1_{subset}.csv", csv_bytes(rows)

    def note(self) -> str:
        """Return what ``README.md`` says about the layout."""
        return f"""\
## Folder `{self.root}`: layout FLAIR-HUB

Modalities `AERIAL_RGBI` (R, G, B, NIR) and `AERIAL_LABEL-COSIA` (0–18). The paths in `csv/split_1_*.csv`
start at the folder `csv`. Cells of other modalities are empty: in `flair_hub`'s configuration keep their
keys under `modalities: inputs:` (`SENTINEL2_TS` among them) and set them to `False`. `DEM_ELEV` is absent:
it holds a surface and a terrain model, which a height above ground does not give. `split_toy` and
`split_flairchallenge` repeat `split_1`.
"""

    def _cells(self, patch: Patch) -> dict[str, str]:
        return {
            "patch_id": patch.id,
            _IMAGE: f"../{self.image_path(patch)}",
            _LABEL: f"../{self.label_path(patch)}",
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FlairOne:
    """FLAIR#1: a folder per domain and zone, numbered patches of five bands, labels 1–19.

    IGN's loader takes the paths from headless CSV files and subtracts 1 from the labels. Its five channels
    are fixed by default, and a tree whose images have four or five bands fails in mid-training; so zones
    without elevation are refused. Labels carry no colour table, as IGN's do not: readers that apply one would
    turn classes into colours. Test = ``split_1``.
    """

    name: ClassVar[str] = "flair1"
    scheme: ClassVar[str] = "flair"
    bands: ClassVar[tuple[str, ...]] = ("R", "G", "B", "NIR", "E")
    coloured: ClassVar[bool] = False
    root: str = "FLAIR1"

    def image_path(self, patch: Patch) -> str:
        """Return where a patch's image lies."""
        tree = "flair_1_aerial_test" if patch.splits[SPLITS[0]] == "test" else "flair_aerial_train"
        return f"{tree}/{patch.domain}/{patch.zone_name}/img/IMG_{patch.number:06d}.tif"

    def label_path(self, patch: Patch) -> str:
        """Return where a patch's labels lie."""
        tree = "flair_1_labels_test" if patch.splits[SPLITS[0]] == "test" else "flair_labels_train"
        return f"{tree}/{patch.domain}/{patch.zone_name}/msk/MSK_{patch.number:06d}.tif"

    def tables(self, patches: Sequence[Patch]) -> Iterator[tuple[str, bytes]]:
        """Yield the CSV files of the three sets, paths starting at their own folder, and the metadata."""
        for called, subset in (("train", "train"), ("val", "valid"), ("test", "test")):
            rows = [
                (self.image_path(patch), self.label_path(patch))
                for patch in patches
                if patch.splits[SPLITS[0]] == subset
            ]
            yield f"{called}.csv", csv_bytes(rows)
        records = {f"IMG_{patch.number:06d}": _flair_metadata(patch) for patch in patches}
        text = json.dumps(records, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False)
        yield "flair_aerial_metadata.json", f"{text}\n".encode()

    def note(self) -> str:
        """Return what ``README.md`` says about the layout."""
        return f"""\
## Folder `{self.root}`: layout FLAIR#1

Images have R, G, B, NIR and the height above ground × 5; masks have 1–19. The paths in `train.csv`, `val.csv`
and `test.csv` (`split_1`) start at this folder. What is unknown in `flair_aerial_metadata.json` is null:
keep `use_metadata: False`.
"""


LAYOUTS: Final[Mapping[str, type[FlairHub] | type[FlairOne]]] = {"flair-hub": FlairHub, "flair1": FlairOne}


def parse_layouts(specs: Iterable[str | Layout]) -> tuple[Layout, ...]:
    """Return the layouts of specifications such as ``flair1`` or, with another folder, ``flair-hub=HUB``.

    Raises
    ------
    ReleaseError
        A layout is unknown or named twice, two have the same folder, or a folder's name is not a plain one.

    >>> [layout.root for layout in parse_layouts(["flair1", "flair-hub=FLAIR-HUB_TOY"])]
    ['FLAIR1', 'FLAIR-HUB_TOY']
    """
    layouts = tuple(_parse(spec) if isinstance(spec, str) else spec for spec in specs)
    if not layouts:
        raise ReleaseError(f"no layout is named; choose from {', '.join(LAYOUTS)}")
    for layout in layouts:
        if not _FOLDER.fullmatch(layout.root) or ".." in layout.root:
            raise ReleaseError(
                f"layout {layout.name}: folder {layout.root!r} is not letters, digits and . _ -"
            )
    for taken in ([layout.name for layout in layouts], [layout.root.lower() for layout in layouts]):
        if len(set(taken)) < len(taken):
            twice = max(taken, key=taken.count)
            raise ReleaseError(f"layout or folder {twice} is named twice; name each once")
    return layouts


def layouts_of(card: Mapping[str, Any]) -> tuple[Layout, ...]:
    """Return the layouts that a ``release.json`` lists."""
    return parse_layouts(f"{entry['name']}={entry['folder']}" for entry in card["layouts"])


def _parse(spec: str) -> Layout:
    name, _, root = spec.partition("=")
    if name not in LAYOUTS:
        raise ReleaseError(f"layout {name!r} is unknown; choose from {', '.join(LAYOUTS)}")
    kind = LAYOUTS[name]
    return kind(root=root) if "=" in spec else kind()


def _hub_path(patch: Patch, modality: str) -> str:
    domain = patch.domain.replace("_", "-")
    place = f"{patch.roi}_{patch.row}-{patch.col}"
    return f"{domain}_{modality}/{patch.roi}/{domain}_{modality}_{place}.tif"


def _flair_metadata(patch: Patch) -> dict[str, Any]:
    """Return a patch's record; what nobody knows is null, so that no loader takes it for a measurement.

    IGN's encoder of metadata stops at a null, and at a year outside 2018–2021; its default,
    ``use_metadata: False``, reads neither.
    """
    half = NATIONAL_GRID.pitch / 2
    return {
        "domain": patch.domain,
        "zone": patch.zone_name,
        "patch_centroid_x": round(patch.grid.transform.c + half, 3),
        "patch_centroid_y": round(patch.grid.transform.f - half, 3),
        "patch_centroid_z": None,
        "date": patch.acquired.isoformat() if patch.acquired else None,
        "time": None,
        "camera": patch.camera,
    }
