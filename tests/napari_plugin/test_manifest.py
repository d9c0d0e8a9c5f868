"""The manifest: valid, everything it names is there, and the palette has every action of the desk."""

from __future__ import annotations

from pathlib import Path

import npe2
import pytest
from npe2.cli import validate

import napari_plugin
from napari_plugin import contributions
from napari_plugin.actions import ACTIONS

PATH = Path(napari_plugin.__file__).parent / "napari.yaml"
MANIFEST = npe2.PluginManifest.from_file(PATH)
COMMANDS = MANIFEST.contributions.commands or []


def test_npe2_validate_finds_nothing_and_can_import_all_it_names(capsys: pytest.CaptureFixture[str]) -> None:
    validate(str(PATH), imports=True, debug=False)
    assert "valid!" in capsys.readouterr().out


def test_it_is_found_as_an_installed_plugin() -> None:
    assert npe2.PluginManifest.from_distribution("ocs-workbench").contributions == MANIFEST.contributions


def test_the_palette_has_every_action_that_is_done_at_once_in_english_and_french() -> None:
    offered = [command for command in COMMANDS if command.id.startswith("ocs-workbench.do_")]
    actions = [action for action in ACTIONS if not action.held]
    assert [command.id for command in offered] == [f"ocs-workbench.do_{action.id}" for action in actions]
    for command, action in zip(offered, actions, strict=True):
        english, french = command.title.removeprefix("Land cover: ").split(" · ")
        assert english == action.title[0].lower() + action.title[1:]
        assert french
        assert command.python_name == f"napari_plugin.contributions:do_{action.id}"
        assert callable(getattr(contributions, f"do_{action.id}"))


def test_what_is_no_action_is_no_command() -> None:
    for name in ("do_nothing_known", "undo"):
        with pytest.raises(AttributeError, match=name):
            getattr(contributions, name)


def test_every_command_has_a_title_for_the_palette() -> None:
    for command in COMMANDS:
        assert len(command.title) > 10
        assert "land" in command.title.lower()


def test_the_desk_is_in_the_annotate_menu() -> None:
    (item,) = MANIFEST.contributions.menus["napari/layers/annotate"]
    assert item.command == MANIFEST.contributions.widgets[0].command


def test_the_reader_takes_a_registry_and_nothing_else() -> None:
    (reader,) = MANIFEST.contributions.readers
    assert reader.filename_patterns == ["*registry.gpkg"]
    assert contributions.registry_reader("/somewhere/registry.gpkg") is not None
    assert contributions.registry_reader(["/somewhere/other-registry.gpkg"]) is None
