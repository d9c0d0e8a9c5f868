"""``preview.parquet``: some patches as one sees them, for pyarrow alone and for the viewer of a hub."""

from __future__ import annotations

__all__ = ["PATCHES", "PREVIEW", "SHEET", "Preview", "make_preview"]

import io
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workbench.dataset.survey import Survey
from workbench.dataset.thumbnails import Thumbnails, contact_sheet
from workbench.errors import ReleaseError
from workbench.export import Patch, Release
from workbench.export.choosing import choose_patches
from workbench.export.folds import PROD, SPLITS
from workbench.threads import Map

PREVIEW: Final = "preview.parquet"
SHEET: Final = "preview.png"
PATCHES: Final = 240
"""At most; so many thumbnails are smaller than 30 MB, whatever is on them."""
_SHOWN: Final = 6
"""Patches in the picture of a card."""
_GROUP: Final = 60
"""Rows that a viewer reads at once."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Preview:
    """Files that show what is in a release."""

    table: bytes
    """``preview.parquet``."""
    sheet: bytes
    """``preview.png``."""
    names: tuple[str, ...]
    """What is drawn of each patch."""
    shown: tuple[str, ...]
    """Ids of the patches on the sheet."""
    patches: int
    """Rows of the table."""


def make_preview(
    survey: Survey,
    *,
    map: Map = map,  # noqa: A002 - the house's name for what runs in parallel
    progress: Callable[[int, int], None] | None = None,
) -> Preview:
    """Draw patches of a release that are spread over its zones and classes; the same ones each time.

    Patches whose labels are withheld are not among them.

    Raises
    ------
    WorkbenchError
        A patch cannot be read.
    """
    release = survey.release
    patches = choose_patches(release, wanted=PATCHES)
    if not patches:
        raise ReleaseError(f"{release.name} withholds all its labels, so there is nothing to show of them")
    draw = _Draw(release, Thumbnails(bands=release.richest.bands, nomenclature=survey.nomenclature))
    rows: list[dict[str, bytes]] = []
    for drawn in map(draw, patches):
        rows.append(drawn)
        if progress is not None:
            progress(len(rows), len(patches))
    shown = _most_varied(patches)
    return Preview(
        table=_parquet(survey, patches, rows, draw.thumbnails.names),
        sheet=contact_sheet(
            [rows[place] for place in shown],
            draw.thumbnails.names,
            _legend(survey, [patches[place] for place in shown]),
        ),
        names=draw.thumbnails.names,
        shown=tuple(patches[place].id for place in shown),
        patches=len(patches),
    )


class _Draw:
    """Draw a patch; a class, so that it can be sent to another thread."""

    def __init__(self, release: Release, thumbnails: Thumbnails) -> None:
        self.release, self.thumbnails = release, thumbnails

    def __call__(self, patch: Patch) -> dict[str, bytes]:
        layout = self.release.richest.name
        image = self.release.image(patch, layout=layout)
        return self.thumbnails.draw(image, self.release.labels(patch, layout=layout))


def _most_varied(patches: Sequence[Patch]) -> list[int]:
    """Return the places of the patches with the most balanced classes, of different zones if it can be."""

    def variety(patch: Patch) -> float:
        counts = np.array([count for count in patch.class_counts.values() if count], np.float64)
        shares = counts / max(counts.sum(), 1.0)
        return -float((shares * np.log(shares)).sum())

    order = sorted(range(len(patches)), key=lambda place: (-variety(patches[place]), place))
    first = {patches[place].zone: place for place in reversed(order)}
    ranked = [place for place in order if first[patches[place].zone] == place]
    ranked += [place for place in order if place not in ranked]
    return sorted(ranked[:_SHOWN])


def _legend(survey: Survey, patches: Sequence[Patch]) -> list[tuple[str, str]]:
    """Return name and colour of the classes that patches show; what nobody labelled is drawn as other."""
    seen = {key for patch in patches for key, count in patch.class_counts.items() if count}
    if any(patch.unlabelled for patch in patches):
        other = survey.nomenclature.schemes[survey.release.richest.scheme].other
        seen |= {other} if other else set()
    entries = [entry for entry in survey.nomenclature.classes if entry.key in seen]
    return [(entry.titles["en"], entry.colour) for entry in entries]


def _parquet(
    survey: Survey, patches: Sequence[Patch], rows: Sequence[Mapping[str, bytes]], names: Sequence[str]
) -> bytes:
    """Return the table; pictures are structs of bytes and path, as the hub has its ``Image``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {}
    for name in names:
        kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
        pictures = [
            {"bytes": drawn[name], "path": f"{patch.id}.{name}.png"}
            for patch, drawn in zip(patches, rows, strict=True)
        ]
        columns[name] = pa.array(pictures, kind)
    for name in ("id", "zone", "domain"):
        columns[name] = pa.array([getattr(patch, name) for patch in patches], pa.string())
    columns["fold"] = pa.array([patch.fold for patch in patches], pa.int64())
    for name in (*SPLITS, PROD):
        columns[name] = pa.array([patch.splits[name] for patch in patches], pa.string())
    days = [patch.acquired.isoformat() if patch.acquired else None for patch in patches]
    columns["acquired"] = pa.array(days, pa.string())
    pixels = survey.release.lattice.pixels**2
    for key in survey.nomenclature.keys:
        shares = [patch.class_counts.get(key, 0) / pixels for patch in patches]
        columns[f"share_{key}"] = pa.array(shares, pa.float32())
    columns["share_unlabelled"] = pa.array([patch.unlabelled / pixels for patch in patches], pa.float32())
    table = pa.table(columns)
    features = {one.name: _feature(one.name in names, str(one.type)) for one in table.schema}
    about = {"huggingface": json.dumps({"info": {"features": features}})}
    content = io.BytesIO()
    pq.write_table(table.replace_schema_metadata(about), content, compression="zstd", row_group_size=_GROUP)
    return content.getvalue()


def _feature(picture: bool, arrow: str) -> dict[str, str]:
    """Return what `datasets` calls a column."""
    if picture:
        return {"_type": "Image"}
    return {"dtype": {"float": "float32"}.get(arrow, arrow), "_type": "Value"}
