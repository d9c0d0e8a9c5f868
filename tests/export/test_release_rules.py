"""Rules of a release: kept, warned of or refused before anything appears, and the report says the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from made_zones import L_SHAPE, ONE, MadeZone, build, changed, make_zone, sources_of

from workbench.cli.releasing import release_build
from workbench.errors import CampaignError, ReleaseError
from workbench.export.assistance import Assistance, Choice
from workbench.export.layouts import parse_layouts
from workbench.export.rules import DEFAULTS, Rules
from workbench.export.shares import drift
from workbench.export.trial import Trial, try_release
from workbench.geo.grid import NATIONAL_GRID, parse_lattice
from workbench.nomenclature import load_nomenclature

FLAIR = load_nomenclature("flair-19")
MEADOW, WATER = 10, 5
STRICT = replace(DEFAULTS, least_zones=1)
"""Five zones in five domains are no pilot."""


def zones_of(domains: int) -> list[MadeZone]:
    """Return a zone of each of some domains, one in each fold after the other, far from each other."""
    return [
        make_zone(
            f"D{10 + number:03}_2020",
            "Z1",
            fold=number % 5 + 1,
            east=20 * number,
            first_number=1 + 10 * number,
            seed=number,
        )
        for number in range(domains)
    ]


def labelled(zone: MadeZone, code: int, *, of: float = 1.0) -> MadeZone:
    """Return a zone of one class, up to a row."""
    labels = np.zeros_like(zone.labels)
    labels[: round(of * labels.shape[0])] = code
    return replace(changed(zone, labels=lambda: labels), labels=labels)


def counted(zone: MadeZone) -> MadeZone:
    """Return a zone whose labels were counted before."""
    return changed(zone, code_counts=tuple(np.bincount(zone.labels.ravel(), minlength=256).tolist()))


def shown(zone: MadeZone, image: np.ndarray) -> MadeZone:
    return changed(zone, image=lambda window: image[:, *window.slices].copy())


def helped(zone: MadeZone, share: float, folds: tuple[int, ...] | None) -> MadeZone:
    """Return a zone of whose labels a model gave a share."""
    pixels = round(share * 512 * 512)
    named = None if folds is None else tuple(f"D{fold:03}_2019" for fold in folds)
    one = Assistance(
        model="unet@1f0a2b3c4d5e",
        domains=named,
        folds=folds,
        pixels={"kept": pixels // 2, "untouched": pixels - pixels // 2, "corrected": 1_000},
    )
    return changed(zone, assistance=(one,))


def tried(zones: list[MadeZone], rules: Rules = DEFAULTS) -> Trial:
    return try_release(
        sources_of(zones),
        name="FR_V0.1",
        nomenclature=FLAIR,
        layouts=parse_layouts(["flair-hub", "flair1"]),
        lattice=NATIONAL_GRID,
        rules=rules,
    )


def outcomes(trial: Trial) -> dict[str, str]:
    return {one.rule: one.outcome for one in trial.verdicts if one.outcome != "kept"}


def same_ground(domains: int) -> list[MadeZone]:
    return [*zones_of(domains), make_zone("D099_2021", "Z1", fold=3, east=0, first_number=999, seed=99)]


def too_near(domains: int) -> list[MadeZone]:
    return [*zones_of(domains), make_zone("D099_2021", "Z1", fold=3, east=1, first_number=999, seed=99)]


def one_picture(domains: int) -> list[MadeZone]:
    zones = zones_of(domains)
    copy = np.clip(zones[0].image.astype(int) + 12, 0, 255).astype(np.uint8)
    return [*zones[:-1], shown(zones[-1], copy)]


def one_colour(domains: int) -> list[MadeZone]:
    zones = zones_of(domains)
    return [*zones[:-1], shown(zones[-1], np.full_like(zones[-1].image, 7))]


def drifting(domains: int) -> list[MadeZone]:
    return [labelled(zone, WATER if zone.source.fold == 2 else MEADOW) for zone in zones_of(domains)]


SETS: dict[str, tuple[Callable[[int], list[MadeZone]], str]] = {
    "same-ground": (
        same_ground,
        r"zones D010_2020/Z1 and D099_2021/Z1 show the same ground \(1 patches\), in",
    ),
    "distance": (too_near, "zones D010_2020/Z1 and D099_2021/Z1 are 0 m apart, in different sets of split_1"),
    "duplicates": (one_picture, r"patches D010-2020_Z1_1-1 and .* show one picture \((1\.00|0\.99)\)"),
    "blank": (one_colour, r"the pictures of D01\d-2020_Z1_1-1 are of one colour; put the orthophotos right"),
}


@pytest.mark.parametrize("rule", SETS)
def test_what_sets_share_is_refused_of_five_domains_and_warned_of_in_a_pilot(
    rule: str, tmp_path: Path
) -> None:
    make, sentence = SETS[rule]
    with pytest.raises(ReleaseError, match=f"no release was built: {sentence}") as refusal:
        build(make(5), tmp_path, rules=STRICT)
    assert "\n" not in str(refusal.value)
    assert list(tmp_path.iterdir()) == []
    assert outcomes(tried(make(5), STRICT)) == {rule: "refused"}
    small = build(make(3), tmp_path, rules=STRICT)
    assert rule in {warning["kind"] for warning in small.card["warnings"]}
    for trial in (tried(make(3), STRICT), tried(make(5))):
        (verdict,) = [one for one in trial.verdicts if one.rule == rule]
        assert verdict.outcome == "warned"
        assert "warned of and not refused, since it has fewer than 5 domains or" in verdict.sentence


def test_class_shares_that_drift_are_refused_where_sets_have_zones_enough(tmp_path: Path) -> None:
    assert outcomes(tried(drifting(3))) == outcomes(tried(drifting(10))) == {"drift": "warned"}
    few = replace(STRICT, least_zones=2)
    with pytest.raises(ReleaseError, match=r"differ between train and test of split_2 \(1\.00\)"):
        build(drifting(10), tmp_path, rules=few)
    assert list(tmp_path.iterdir()) == []
    assert outcomes(tried(drifting(10), replace(few, drift=1.0))) == {}


def test_drift_is_that_of_the_sets_that_a_person_would_compare() -> None:
    shares = np.array([814, 825, 1372]), np.array([326, 382, 587])
    middle = sum(one / one.sum() for one in shares) / 2
    parts = [(one / one.sum() * np.log2(one / one.sum() / middle)).sum() for one in shares]
    assert drift(*shares) == pytest.approx(np.sqrt(np.mean(parts)))


def unlabelled(domains: int, share: float) -> list[MadeZone]:
    """Return zones of which the second is labelled in a share of its pixels alone."""
    zones = zones_of(domains)
    return [zones[0], labelled(zones[1], MEADOW, of=share), *zones[2:]]


@pytest.mark.parametrize(
    ("share", "rule", "option"),
    [
        (0.3, "unlabelled-patch", {"unlabelled_zone": 1.0, "unlabelled": 1.0}),
        (0.8, "unlabelled-zone", {"unlabelled": 0.5}),
        (0.85, "unlabelled-release", {"unlabelled_zone": 0.2}),
    ],
)
@pytest.mark.parametrize("before", [True, False])
def test_unlabelled_shares_are_refused_of_five_domains(
    share: float, rule: str, option: dict[str, float], before: bool, tmp_path: Path
) -> None:
    assert rule in {one["kind"] for one in build(unlabelled(2, share), tmp_path).card["warnings"]}
    zones, rules = unlabelled(5, share), replace(STRICT, drift=1.0, **option)
    looked: list[str] = []

    def look(window: Any) -> Any:
        looked.append("cut")
        return zones[0].image[:, *window.slices].copy()

    zones[0] = changed(zones[0], image=look)
    if before:
        zones = [counted(zone) for zone in zones]
    with pytest.raises(
        ReleaseError, match=f"have no label in.*allow more: --{rule.removesuffix('-release')}"
    ):
        build(zones, tmp_path / "new", rules=rules)
    assert not (tmp_path / "new").exists()
    # What the zones tell is refused before the long work; of a patch nobody knows before it is cut.
    assert bool(looked) == (not before or rule == "unlabelled-patch")
    assert outcomes(tried(zones, rules)) == {rule: "refused"}


def test_a_code_of_no_class_is_refused_before_anything_is_cut(tmp_path: Path) -> None:
    strange = counted(labelled(zones_of(1)[0], 77))
    with pytest.raises(ReleaseError, match=r"labels of zone D010_2020/Z1 have the code 77, which is no"):
        build([changed(strange, image=None)], tmp_path)


@pytest.mark.parametrize(
    ("zone", "outcome", "told"),
    [
        (lambda one: helped(one, 0.4, (1, 3)), "refused", r"Z1 \(40\.0%\); have them labelled unaided"),
        (lambda one: helped(one, 0.005, (1, 3)), "warned", r"Z1 \(0\.5%\)"),
        (lambda one: helped(one, 0.4, (2, 3)), "kept", ""),
        (lambda one: helped(one, 0.0, (1,)), "kept", ""),
        (
            lambda one: helped(one, 0.4, None),
            "refused",
            r"nobody knows what they were trained on.*\(40\.0%\)",
        ),
        (lambda one: helped(one, 0.02, None), "warned", r"\(2\.0%\)"),
        (
            lambda one: changed(one, choice=Choice(strategy="bald")),
            "refused",
            r"chosen by bald \(D010_2020/Z1\)",
        ),
        (
            lambda one: changed(one, choice=Choice(strategy="bald", inclusion=0.25)),
            "warned",
            r"chosen by bald with a probability of 0\.25",
        ),
    ],
    ids=[
        "saw",
        "saw little",
        "saw another fold",
        "corrected",
        "unknown",
        "unknown, little",
        "chosen",
        "weighed",
    ],
)
def test_a_test_zone_is_plain_or_says_what_it_is(
    zone: Callable[[MadeZone], MadeZone], outcome: str, told: str, tmp_path: Path
) -> None:
    zones = [zone(one) if not number else one for number, one in enumerate(zones_of(2))]
    found = outcomes(tried(zones))
    assert list(found.values()) == ([] if outcome == "kept" else [outcome])
    if outcome == "refused":
        with pytest.raises(ReleaseError, match=told) as refusal:
            build(zones, tmp_path)
        assert "--assisted-test" in str(refusal.value)
        assert list(tmp_path.iterdir()) == []
    release = build(zones, tmp_path, rules=replace(DEFAULTS, assisted_test=True))
    entries = {entry["id"]: entry for entry in release.card["zones"]}
    assert entries["D011_2020/Z1"]["disclosure"] is None
    disclosure = entries["D010_2020/Z1"]["disclosure"]
    readme = (release.path / "README.md").read_text()
    assert (disclosure is None) == (outcome == "kept")
    if disclosure:
        assert disclosure.startswith("D010_2020/Z1, test in split_1: ")
        assert f"## Zones that are no plain test\n\n- {disclosure}.\n" in readme
        assert set(found) <= {warning["kind"] for warning in release.card["warnings"]}
    assert entries["D010_2020/Z1"]["choice"] in (
        None,
        {"strategy": "bald", "inclusion": None},
        {"strategy": "bald", "inclusion": 0.25},
    )


def test_a_release_tells_what_it_was_held_against(tmp_path: Path) -> None:
    release = build(zones_of(5), tmp_path, rules=replace(DEFAULTS, buffer=500.0))
    rules = {one["rule"]: one for one in release.card["rules"]}
    assert rules["duplicates"]["settings"] == {
        "duplicate_bits": 10,
        "duplicate_correlation": 0.85,
        "least_contrast": 8.0,
    }
    assert rules["distance"] == {
        "rule": "distance", "verdict": "kept", "measured": 1945.6, "limit": 500.0, "least": True, "unit": "m",
    }  # fmt: skip
    assert rules["drift"]["measured"] < 0.05
    assert {one["verdict"] for one in rules.values()} == {"kept"}
    assert rules.keys() == {one.rule for one in tried(zones_of(5)).verdicts}
    assert release.document()["rules"] == release.card["rules"]


def test_a_trial_measures_what_the_build_measures_and_leaves_nothing(tmp_path: Path) -> None:
    zones = one_picture(3)
    built, trial = build(zones, tmp_path), tried(zones)
    assert [one.document() for one in trial.verdicts] == built.card["rules"]
    assert "warned: patches D010-2020_Z1_1-1" in trial.text()
    assert trial.text().endswith("FR_V0.1 would be built; nothing was built")
    refused = tried([*zones, make_zone(state="submitted", first_number=500)])
    assert refused.refused
    assert {one.rule for one in refused.verdicts} >= {"zones", "patches"}
    assert "duplicates" not in {one.rule for one in refused.verdicts}, "no release could be made at all"


def test_a_buffer_of_nothing_lets_zones_touch_and_not_overlap(tmp_path: Path) -> None:
    none = replace(STRICT, buffer=0.0)
    assert build(too_near(5), tmp_path, rules=none).card["counts"]["zones"] == 6
    with pytest.raises(ReleaseError, match="same ground"):
        build(same_ground(5), tmp_path / "other", rules=none)


def test_several_rules_are_broken_in_one_sentence(tmp_path: Path) -> None:
    touching = make_zone("D098_2021", "Z9", fold=4, cells=L_SHAPE, east=21, first_number=900, seed=98)
    zones = [*same_ground(5), touching]
    with pytest.raises(ReleaseError) as refusal:
        build(zones, tmp_path, rules=STRICT)
    sentence = str(refusal.value)
    assert "\n" not in sentence
    assert "show the same ground" in sentence
    assert "allow less: --buffer" in sentence


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("drift", 1.5),
        ("unlabelled", -0.1),
        ("buffer", -1.0),
        ("duplicate_bits", 16),
        ("least_contrast", 0.0),
        *(("least_contrast", wrong) for wrong in (float("nan"), float("inf"), 1e9)),
    ],
)
def test_a_limit_that_is_none_is_refused(name: str, value: float) -> None:
    with pytest.raises(ReleaseError, match=name):
        replace(DEFAULTS, **{name: value})


@pytest.mark.parametrize(
    ("strategy", "inclusion"), [("", None), ("By hand", None), ("bald", 0.0), ("bald", 1.1)]
)
def test_a_choice_that_is_none_is_refused(strategy: str, inclusion: float | None) -> None:
    with pytest.raises(CampaignError):
        Choice(strategy=strategy, inclusion=inclusion)


def test_the_options_of_the_build_tell_the_defaults_and_are_all_limits() -> None:
    told = {param.name: param.help for param in release_build.params if getattr(param, "help", None)}
    limits = {field.name for field in fields(Rules)} & told.keys()
    fixed = {"seen", "unknown", "least_domains", "least_zones", "test_folds"}  # the last are the campaign's
    assert limits == {field.name for field in fields(Rules)} - fixed
    for name in limits - {"assisted_test"}:
        assert f"({getattr(DEFAULTS, name):g})" in str(told[name]), name


def test_patches_of_another_size_are_held_against_the_rules_too(tmp_path: Path) -> None:
    square = tuple(sorted(replace(ONE[0], row=row, col=col) for row in range(3) for col in range(3)))
    zones = [
        make_zone("D010_2020", fold=1, cells=square, seed=1),
        make_zone("D011_2020", fold=2, cells=square, east=4, first_number=10, seed=2),
    ]
    half = {"lattice": parse_lattice("51.2@0.4"), "layouts": ("flair-hub",)}
    # Of 409.6 m from corner to corner 153.6 are left between whole patches of the other grid.
    for buffer, outcome in ((100.0, "kept"), (200.0, "warned")):
        release = build(zones, tmp_path / outcome, rules=replace(DEFAULTS, buffer=buffer), **half)
        (near,) = [one for one in release.card["rules"] if one["rule"] == "distance"]
        assert (near["measured"], near["verdict"]) == (153.6, outcome)
