"""The whole chain on a synthetic sample campaign: no GPU, no download, nothing to prepare."""

from __future__ import annotations

__all__ = ["DemoOutcome", "free_directory", "load_sample_maker", "run_demo"]

import importlib.util
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from workbench.campaign import Campaign
from workbench.counting import counted
from workbench.documents import shipped
from workbench.errors import CampaignError
from workbench.export import verify_release
from workbench.geo.raster import read_bands
from workbench.geo.zone import Zone
from workbench.inference.embedded import embedded_model
from workbench.workflows.annotator import annotate_zone, write_script
from workbench.workflows.habits import Habits
from workbench.workflows.intake import add_zone
from workbench.workflows.predicting import open_models, predict_zone
from workbench.workflows.prelabelling import prelabel_zones
from workbench.workflows.publishing import ReleaseOrder, publish
from workbench.workflows.segmenting import segment_zones
from workbench.workflows.standing import review_zone

_ANNOTATOR, _REVIEWER = "scripted-annotator", "scripted-reviewer"
_HABITS = Habits(accuracy=0.95)
"""Nobody errs here: what a newcomer sees is the chain, and every pixel that is wrong one that picks left."""
_RELEASE = "SAMPLE_V0.1"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoOutcome:
    """What the demo made, and how."""

    directory: Path
    release: Path
    zones: tuple[dict[str, Any], ...]
    """Per zone: id, leaves, picks, those that it takes without pre-labels, accuracy against the synthetic
    truth."""
    patches: int
    verified: bool
    seconds: float

    def document(self) -> dict[str, Any]:
        """Return the JSON view (``schema/outputs/demo.schema.json``)."""
        return {
            "campaign": str(self.directory / "campaign"),
            "release": str(self.release),
            "zones": list(self.zones),
            "patches": self.patches,
            "verified": self.verified,
            "seconds": round(self.seconds, 1),
        }

    def text(self) -> str:
        """Return what a newcomer wants to read at the end."""
        campaign, verdict = self.directory / "campaign", "verified" if self.verified else "NOT SOUND"
        lines = ["", f"The sample campaign is done in {self.seconds:.0f} s:"]
        lines += [
            f"  {zone['zone']:18} {zone['leaves']:7,} leaves {zone['picks']:5,} picks "
            f"{zone['accuracy']:6.1%}" + self._saved(zone)
            for zone in self.zones
        ]
        lines += [
            "",
            f"campaign  {campaign}  (registry.gpkg opens in QGIS)",
            f"release   {self.release}  ({counted(self.patches, 'patch', 'patches')}, {verdict})",
            "",
            "Look at a zone in napari (pip install 'ocs-workbench[napari]' PyQt6):",
            f"  workbench annotate {campaign} --zone {self.zones[0]['zone']}",
        ]
        return "\n".join(lines)

    @staticmethod
    def _saved(zone: Mapping[str, Any]) -> str:
        alone = zone["picks_alone"]
        return "" if alone is None else f"  ({alone:,} without pre-labels)"


def load_sample_maker() -> ModuleType:
    """Return the module that makes synthetic orthophotos, from a wheel or from a checkout."""
    folder, name = shipped("sample_data"), "workbench._sample_data"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(
            name, folder / "__init__.py", submodule_search_locations=[str(folder)]
        )
        if spec is None or spec.loader is None:
            raise CampaignError(f"{folder} holds no sample data maker; install the package again")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


def free_directory(wish: Path) -> Path:
    """Return a directory that is not there yet: the wish, or the wish with a number."""
    number, free = 1, wish
    while free.exists():
        number += 1
        free = wish.with_name(f"{wish.name}-{number}")
    return free


def run_demo(directory: Path, *, say: Callable[[str], None]) -> DemoOutcome:
    """Make scenes, a campaign, hierarchies, labels, reviews and a verified release below a directory.

    Raises
    ------
    CampaignError
        The directory holds something already.
    """
    start = time.perf_counter()
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise CampaignError(f"{directory} is not an empty directory; choose a new one for the demo")
    campaign = Campaign.create(directory / "campaign")
    truths = _make_zones(campaign, say)
    leaves = {done.zone: done.hierarchy.leaf_count for done in segment_zones(campaign, None, say=_quiet)}
    proposed = _propose(campaign, say)
    zones = []
    for zone in campaign.zones():
        told = _label(campaign, zone, truths[zone.id], say, proposed=proposed)
        say(
            f"{zone.id}: {counted(leaves[zone.id], 'leaf', 'leaves')}, labelled with "
            f"{counted(told['picks'], 'pick')}, accepted"
        )
        zones.append({"zone": zone.id, "leaves": leaves[zone.id]} | told)
    built = publish(campaign, ReleaseOrder(name=_RELEASE, out=directory / "releases"), say=say)
    checked = verify_release(built.path)
    return DemoOutcome(
        directory=directory,
        release=built.path,
        zones=tuple(zones),
        patches=checked.patches,
        verified=checked.sound,
        seconds=time.perf_counter() - start,
    )


def _make_zones(campaign: Campaign, say: Callable[[str], None]) -> dict[str, Path]:
    """Make the scenes of the sample campaign; return where the truth of each zone lies."""
    maker = load_sample_maker()
    truths = {}
    for plan in maker.sample_campaign_plan():
        say(f"{plan.domain}/{plan.zone}: making a synthetic orthophoto ({plan.theme}, seed {plan.seed})")
        folder = campaign.path / "rasters" / plan.domain / plan.zone
        maker.write_scene(
            maker.make_scene(seed=plan.seed, height=plan.size, theme=plan.theme), folder, x=plan.x, y=plan.y
        )
        done = add_zone(
            campaign,
            folder / "ortho.tif",
            domain=plan.domain,
            name=plan.zone,
            acquired=plan.acquired,
            camera=plan.camera,
        )
        truths[done.zone.id] = folder / "truth.tif"
    return truths


def _propose(campaign: Campaign, say: Callable[[str], None]) -> bool:
    """Have the shipped model pre-label all zones; tell whether what runs it is installed."""
    if importlib.util.find_spec("torch") is None or importlib.util.find_spec("safetensors") is None:
        say("no model proposes labels: that takes torch, pip install 'ocs-workbench[demo]'")
        return False
    model = open_models([embedded_model()])

    def predict(zone: Zone) -> Path:
        return predict_zone(campaign, zone, model, say=say)

    for done in prelabel_zones(campaign, campaign.zones(), predict=predict, say=say):
        say(f"{done.zone}: the demonstration model proposes {counted(done.regions, 'region')}")
    return True


def _label(
    campaign: Campaign, zone: Zone, truth_path: Path, say: Callable[[str], None], *, proposed: bool
) -> dict[str, Any]:
    """Label, submit and accept a zone; return picks, those without pre-labels, and how much is right."""
    nomenclature = campaign.nomenclature
    truth = nomenclature.decode(read_bands(truth_path, window=zone.ortho.window)[0], "flair")
    alone = write_script(campaign.read_hierarchy(zone), truth, nomenclature, habits=_HABITS, zone=zone.id)
    done = annotate_zone(campaign, zone, truth, habits=_HABITS, author=_ANNOTATOR)
    say(
        f"{zone.id}: of what the checks found, {counted(done.mended, 'place was', 'places were')} mended and "
        f"{done.justified} justified"
    )
    review_zone(campaign, zone, author=_REVIEWER, verdict="accept")
    return {
        "picks": done.picks,
        "picks_alone": alone.picks if proposed else None,
        "accuracy": done.accuracy,
    }


def _quiet(message: str) -> None:
    """Say nothing: the caller reports in its own words."""
