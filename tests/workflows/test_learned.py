"""What a card tells of what a model learned from, and of whose weights it is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from made_models import made_card, made_model
from made_orthos import made_grid, made_image, made_truth

from workbench.campaign import Campaign
from workbench.documents import validate
from workbench.geo.geotiff import write_raster
from workbench.inference.card import ModelCard, read_card, write_card
from workbench.inference.embedded import embedded_model
from workbench.workflows.hub_metadata import licence_id
from workbench.workflows.intake import add_zone
from workbench.workflows.learned import Learned
from workbench.workflows.licences import Owed, licence_with
from workbench.workflows.model_publishing import publish_model
from workbench.workflows.models import describe_model
from workbench.workflows.training import train_model

ETALAB = "Etalab 2.0 (Licence Ouverte 2.0), IGN"
DOMAINS = ("D036_2020", "D051_2019", "D055_2018")

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory: pytest.TempPathFactory) -> Campaign:
    """Return a campaign of three labelled zones of three domains; nothing here changes it."""
    folder = tmp_path_factory.mktemp("learned")
    made = Campaign.create(folder / "campaign")
    for number, domain in enumerate(DOMAINS):
        truth, grid = made_truth(512, 512, number), made_grid(512, 512, col=1024 * number)
        write_raster(folder / f"{number}.tif", made_image(truth), grid, level=1)
        write_raster(folder / f"{number}-mask.tif", truth, grid)
        mask = folder / f"{number}-mask.tif"
        add_zone(made, folder / f"{number}.tif", domain=domain, name="Z1_AA", mask=mask)
    return made


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a model as it is imported: under a licence, of ground that nobody knows."""
    card = replace(made_card(domains=(), name="flair"), title="IGN's", source="IGNF/flair", licence=ETALAB)
    return made_model(tmp_path_factory.mktemp("start") / "flair", card)


def trained(campaign: Campaign, folder: Path, *, begin: Path | str) -> ModelCard:
    return train_model(campaign.path, folder, steps=1, begin=begin, device="cpu").card


def test_a_model_of_a_campaign_tells_what_it_learned_and_what_was_only_held_out(
    campaign: Campaign, tmp_path: Path
) -> None:
    card = trained(campaign, tmp_path / "model", begin="none")
    (held,) = card.training["held_out"]
    held = held.partition("/")[0]
    learned = [domain for domain in DOMAINS if domain != held]
    told = (
        f"2 zones of {', '.join(learned)} learned from; 1 zone of {held} held out, to choose the weights by"
    )
    lines = describe_model(tmp_path / "model").text().splitlines()
    assert f"trained on   zones of a campaign; {told}" in lines
    publish_model(tmp_path / "model", tmp_path / "out", device="cpu")
    text = (tmp_path / "out" / "README.md").read_text()
    assert "| trained on | zones of a campaign |" in text
    assert "Trained on zones of a campaign." in text
    assert f"It was trained on 2 (department and year): {', '.join(learned)}. In all: {told}." in text
    assert f"Its card says zones of a campaign: 2 patches; {told}." in text


def test_what_a_card_tells_of_its_ground_is_told_and_no_more() -> None:
    card = made_card(domains=("D001_2020",))
    assert Learned.of(replace(card, domains=())).text() == "not said"
    assert Learned.of(card).text() == "not said; D001_2020"
    assert Learned.of(replace(card, release="FR_V0.1")).text() == "FR_V0.1; D001_2020"
    assert Learned.of(replace(card, release="FR_V0.1", domains=())).text() == "FR_V0.1; domains not known"
    training = {
        "zones": ["D002_2020/Z1", "D002_2020/Z2"],
        "held_out": ["D002_2020/Z3"],
        "pseudo_labels": {"domains_known": True, "models": [], "zones": ["D003_2020/Z1"]},
    }
    found = Learned.of(
        replace(card, release="FR_V0.1", domains=("D001_2020", "D002_2020", "D003_2020"), training=training)
    )
    assert found.domains == ("D002_2020",)
    assert found.text() == (
        "FR_V0.1; 2 zones of D002_2020 learned from; 1 zone of D002_2020 held out, to choose the weights by; "
        "1 zone of D003_2020 with pseudo-labels; seen by what it began with or was taught by: D001_2020"
    )


def test_the_licence_and_credit_of_the_weights_that_a_model_began_with_stay_with_it(
    campaign: Campaign, start: Path, tmp_path: Path
) -> None:
    first = trained(campaign, tmp_path / "first", begin=start)
    credit = {"id": "flair", "title": "IGN's", "source": "IGNF/flair", "licence": ETALAB}
    assert first.training["credits"] == [credit]
    assert first.licence == (
        "not stated: that of the labels and pictures it was trained on, and of the weights that it began "
        f"with: {ETALAB}"
    )
    assert licence_id(first.licence) == ("unknown", None)
    then = trained(campaign, tmp_path / "then", begin=tmp_path / "first")
    assert (then.training["credits"], then.licence) == ([credit], first.licence)
    assert f"begun with   IGN's (flair, IGNF/flair), {ETALAB}" in describe_model(tmp_path / "then").text()
    publish_model(tmp_path / "then", tmp_path / "out", licence="mit", device="cpu")
    text = (tmp_path / "out" / "README.md").read_text().split("## Licence")[1].split("##")[0]
    assert (
        text.split()
        == (
            "mit. Made of other weights, which whoever passes it on credits under their own licences: "
            f"- IGN's (flair, IGNF/flair), {ETALAB}."
        ).split()
    )
    last = trained(campaign, tmp_path / "last", begin=tmp_path / "out")
    assert [one["licence"] for one in last.training["credits"]] == [ETALAB, "mit"]
    validate(last.document(), "model-card", source="card")


def test_a_model_that_began_with_nothing_owes_nobody_and_the_shipped_one_has_its_licence(
    campaign: Campaign, tmp_path: Path
) -> None:
    alone = trained(campaign, tmp_path / "alone", begin="none")
    assert (alone.training["credits"], alone.licence) == (
        [],
        "not stated: that of the labels and pictures it was trained on",
    )
    assert "Made of other weights" not in alone.licence
    shipped = trained(campaign, tmp_path / "shipped", begin=embedded_model())
    assert [one["licence"] for one in shipped.training["credits"]] == [read_card(embedded_model()).licence]


def test_a_licence_that_fits_no_card_is_told_without_its_words(start: Path, tmp_path: Path) -> None:
    owed = [Owed(id=f"m{number}", title="m", source="m", licence=f"{number}" * 400) for number in range(3)]
    assert licence_with(owed).endswith("trained on, and those of the weights that it began with")
    card = replace(read_card(start), licence=licence_with(owed))
    made_model(tmp_path / "long", card)
    write_card(card, tmp_path / "long")
