"""Write the golden copies of every format that this version writes, for `tests/test_golden.py`.

Run it once when a format gets a new version: ``python tests/golden/make.py``. What is there is never written
again: these files stand for what users have on their disks.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from datetime import date
from pathlib import Path

import numpy as np
from affine import Affine

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from made_orthos import LEFT, TOP, made_grid, made_image, made_truth  # noqa: E402

from workbench.campaign import Campaign  # noqa: E402
from workbench.documents import digest  # noqa: E402
from workbench.geo.geotiff import write_raster  # noqa: E402
from workbench.geo.grid import PixelGrid  # noqa: E402
from workbench.labels.annotation import AnnotationStore  # noqa: E402
from workbench.labels.carrying import name_outside  # noqa: E402
from workbench.nomenclature import load_nomenclature  # noqa: E402
from workbench.segmentation import segment, write_hierarchy  # noqa: E402
from workbench.workflows.intake import add_zone  # noqa: E402
from workbench.workflows.labelling import label_zone  # noqa: E402
from workbench.workflows.packing import pack_zone  # noqa: E402
from workbench.workflows.publishing import ReleaseOrder, publish  # noqa: E402
from workbench.workflows.rasters import add_raster  # noqa: E402
from workbench.workflows.refining import refine_node  # noqa: E402
from workbench.workflows.standing import review_zone  # noqa: E402

_SQUARE = '{"polygon": [[%d, 10], [%d, 90], [80, 90], [80, 10]], "class": "%s"}'


def make_campaign(target: Path) -> None:
    """Write campaign, registry and journals: two authors, an undo, a redo, a review; and what they mean."""
    with tempfile.TemporaryDirectory() as scratch:
        campaign = Campaign.create(Path(scratch) / "campaign")
        folder = campaign.path / "rasters"
        folder.mkdir()
        truth = made_truth(512, 512)
        write_raster(folder / "ortho.tif", np.zeros((1, 512, 512), np.uint8) + 7, made_grid(512, 512))
        write_raster(folder / "mask.tif", truth, made_grid(512, 512))
        zone = add_zone(
            campaign, folder / "ortho.tif", domain="D051_2019", name="Z1_AA", mask=folder / "mask.tif"
        ).zone
        (folder / "mask.tif").unlink()
        review_zone(campaign, zone, author="import", verdict="send-back", reason="to be labelled on")
        lines = [_SQUARE % (20, 20, "water"), _SQUARE % (30, 30, "snow"), '{"undo": 2}', '{"redo": 1}']
        label_zone(campaign, zone, author="marie", lines=lines, on_edit=lambda op, line: None)
        label_zone(
            campaign,
            zone,
            author="paul",
            lines=[_SQUARE % (60, 60, "vineyard")],
            on_edit=lambda op, line: None,
        )
        review_zone(campaign, zone, author="marie", verdict="submit", anyway="a made zone")
        with campaign.open_store(zone) as store:
            meaning = {
                "labels_sha256": digest(store.labels.tobytes()),
                "last_op_sha256": digest(store.last_op.tobytes()),
                "heads": store.head,
                "state": "submitted",
            }
        (campaign.path / "meaning.json").write_text(json.dumps(meaning, indent=2) + "\n")
        for lock in campaign.path.rglob("*.lock"):
            lock.unlink()
        shutil.copytree(campaign.path, target)


def make_campaign_with_rasters(target: Path) -> None:
    """Write the campaign of `make_campaign`, whose zone looks at two more rasters of other resolutions."""
    with tempfile.TemporaryDirectory() as scratch:
        make_campaign(Path(scratch) / "campaign")
        campaign = Campaign.open(Path(scratch) / "campaign")
        (zone,) = campaign.zones()
        for name, pixels, side in (("dsm", 2.0, 60), ("2014", 0.5, 210)):
            grid = PixelGrid(
                crs="EPSG:2154",
                transform=Affine(pixels, 0, LEFT, 0, -pixels, TOP),
                height=side,
                width=side,
            )
            image = np.full((1, side, side), 7, np.float32 if name == "dsm" else np.uint8)
            write_raster(campaign.path / "rasters" / f"{name}.tif", image, grid)
        add_raster(campaign, zone, campaign.path / "rasters" / "dsm.tif", role="dsm")
        add_raster(
            campaign,
            zone,
            campaign.path / "rasters" / "2014.tif",
            role="other-date",
            acquired=date(2014, 6, 1),
        )
        shutil.copytree(campaign.path, target)


def make_pack(target: Path) -> None:
    """Write a pack of the campaign that `make_campaign` makes, and what its zone means."""
    with tempfile.TemporaryDirectory() as scratch:
        make_campaign(Path(scratch) / "campaign")
        campaign = Campaign.open(Path(scratch) / "campaign")
        (zone,) = campaign.zones()
        target.mkdir()
        pack_zone(campaign, zone, target / "zone.zip", overwrite=False)
        meaning = json.loads((campaign.path / "meaning.json").read_text())
        meaning["heads"] = {
            name_outside(author, campaign.pseudonym): seq for author, seq in meaning["heads"].items()
        }
        del meaning["last_op_sha256"]  # by place in an order that is another there
        (target / "meaning.json").write_text(json.dumps(meaning, indent=2) + "\n")


def make_hierarchy(target: Path) -> None:
    """Write a hierarchy of a small image, and the sizes of some of its cuts."""
    target.mkdir()
    grid = made_grid(96, 128)
    found = segment(made_image(made_truth(96, 128)), grid=grid)
    write_hierarchy(found, target / "hierarchy.h5")
    cuts = {str(scale): digest(found.cut(scale).labels().tobytes()) for scale in (0.0, 100.0, 5000.0)}
    meaning = {"digest": found.digest, "leaves": found.leaf_count, "cuts_sha256": cuts}
    (target / "meaning.json").write_text(json.dumps(meaning, indent=2) + "\n")


def make_refined(target: Path) -> None:
    """Write a hierarchy, a journal that refines two of its regions, and the regions that come of it."""
    target.mkdir()
    grid, image = made_grid(96, 128), made_image(made_truth(96, 128))
    base = segment(image, grid=grid)
    write_hierarchy(base, target / "hierarchy.h5")
    with open_refined(target) as store:
        found = base
        for row, col, scale in ((20, 20, 900.0), (20, 22, 80.0), (80, 100, 300.0)):
            node = found.node_at(row, col, scale)
            edit, found = refine_node(found, node, image, row=row, col=col, scale=scale)
            store.record(edit)
        store.undo()
        store.redo()
    (target / "journal" / "marie.lock").unlink()
    meaning = {"digest": found.digest, "leaves_sha256": digest(found.leaves.tobytes())}
    (target / "meaning.json").write_text(json.dumps(meaning, indent=2) + "\n")


def open_refined(path: Path) -> AnnotationStore:
    """Open the labels of the zone that `make_refined` made."""
    grid = made_grid(96, 128)
    return AnnotationStore.open(
        path / "journal",
        zone_id="D051_2019/Z1_AA",
        grid=grid,
        footprint=np.ones(grid.shape, np.bool_),
        nomenclature=load_nomenclature("flair-19"),
        author="marie",
    )


def make_release(target: Path) -> None:
    """Write a release of one patch in both layouts, and its labels."""
    with tempfile.TemporaryDirectory() as scratch:
        campaign, grid = Campaign.create(Path(scratch) / "campaign"), made_grid(512, 512)
        image, mask = Path(scratch) / "ortho.tif", Path(scratch) / "mask.tif"
        write_raster(image, np.full((5, 512, 512), 7, np.uint8), grid)
        write_raster(mask, made_truth(512, 512), grid)
        add_zone(campaign, image, domain="D051_2019", name="Z1_AA", mask=mask)
        release = publish(campaign, ReleaseOrder(name=target.name, out=Path(scratch) / "out"), say=print)
        (patch,) = release.patches()
        meaning = {"patch": patch.id, "labels_sha256": digest(release.labels(patch).tobytes())}
        shutil.copytree(release.path, target / target.name)
        (target / "meaning.json").write_text(json.dumps(meaning, indent=2) + "\n")


if __name__ == "__main__":
    makers = {
        "campaign_v1": make_campaign,
        "campaign_v1_own_nomenclature": make_campaign,
        "campaign_v1_rasters": make_campaign_with_rasters,
        "hierarchy_v1": make_hierarchy,
        "hierarchy_v2": make_hierarchy,
        "hierarchy_v2_sealed": make_hierarchy,
        "pack_v1": make_pack,
        "refined_v1": make_refined,
        "release_v1": make_release,
    }
    for name, make in makers.items():
        if not (HERE / name).exists():
            make(HERE / name)
