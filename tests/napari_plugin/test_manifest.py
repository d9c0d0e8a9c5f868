"""The manifest: valid, and everything it names is there."""

from __future__ import annotations

from pathlib import Path

import npe2
import pytest
from npe2.manifest.contributions import CommandContribution

import napari_plugin

MANIFEST = npe2.PluginManifest.from_file(Path(napari_plugin.__file__).parent / "napari.yaml")


def test_the_manifest_is_valid() -> None:
    MANIFEST.validate_imports()


def test_it_is_found_as_an_installed_plugin() -> None:
    assert npe2.PluginManifest.from_distribution("ocs-workbench").contributions == MANIFEST.contributions


@pytest.mark.parametrize("command", MANIFEST.contributions.commands or [], ids=lambda command: command.id)
def test_every_command_has_a_title_for_the_palette(
    command: CommandContribution,
) -> None:
    assert len(command.title) > 10
    assert "land" in command.title.lower()


def test_the_desk_is_in_the_annotate_menu() -> None:
    (item,) = MANIFEST.contributions.menus["napari/layers/annotate"]
    assert item.command == MANIFEST.contributions.widgets[0].command


def test_the_reader_takes_a_registry_and_nothing_else() -> None:
    (reader,) = MANIFEST.contributions.readers
    from napari_plugin.contributions import registry_reader

    assert reader.filename_patterns == ["*registry.gpkg"]
    assert registry_reader("/somewhere/registry.gpkg") is not None
    assert registry_reader(["/somewhere/other-registry.gpkg"]) is None
