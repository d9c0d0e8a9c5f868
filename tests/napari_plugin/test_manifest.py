"""The manifest: valid, everything it names is there, and the palette has every action of the desk."""

from __future__ import annotations

import re
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


def test_the_desk_and_the_work_on_a_campaign_are_in_the_annotate_menu() -> None:
    desk, submenu = MANIFEST.contributions.menus["napari/layers/annotate"]
    assert desk.command == MANIFEST.contributions.widgets[0].command
    (declared,) = MANIFEST.contributions.submenus
    assert submenu.submenu == declared.id
    known = {command.id for command in COMMANDS}
    assert {item.command for item in MANIFEST.contributions.menus[declared.id]} <= known


@pytest.mark.parametrize(
    ("path", "reader"),
    [
        ("registry.gpkg", "campaign_reader"),
        ("release.json", "release_reader"),
        ("index.parquet", "release_reader"),
        ("hierarchy.h5", "regions_reader"),
        ("scene.h5", "regions_reader"),
        ("other.gpkg", None),
        ("ortho.tif", None),
        ("package.json", None),
    ],
)
def test_files_are_offered_to_the_reader_that_knows_them(path: str, reader: str | None) -> None:
    manager = npe2.PluginManager()
    manager.register(MANIFEST)
    found = [one.command for one in manager.iter_compatible_readers([f"/some/folder/{path}"])]
    names = {command.id: command.python_name for command in COMMANDS}
    assert [names[command] for command in found] == ([f"napari_plugin.readers:{reader}"] if reader else [])


def test_folders_are_offered_to_those_that_know_folders(tmp_path: Path) -> None:
    manager = npe2.PluginManager()
    manager.register(MANIFEST)
    found = {one.command for one in manager.iter_compatible_readers([str(tmp_path)])}
    assert found == {"ocs-workbench.read_campaign", "ocs-workbench.read_release"}


def test_labels_can_be_saved_in_every_scheme_and_each_writer_says_which() -> None:
    writers = MANIFEST.contributions.writers
    assert [writer.command.rpartition("write_")[2] for writer in writers] == [
        "flair",
        "flair_hub",
        "cosia_numero",
    ]
    assert len({writer.display_name for writer in writers}) == len(writers)
    for writer in writers:
        assert writer.layer_types == ["labels"]
        assert writer.filename_extensions == [".tif", ".tiff"]


def test_every_file_of_the_plugin_can_lie_on_windows() -> None:
    names = [path.relative_to(PATH.parent).as_posix() for path in PATH.parent.rglob("*") if path.is_file()]
    assert len(names) > 30
    assert len({name.casefold() for name in names}) == len(names)
    reserved = re.compile(r"(?i)(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?")
    for name in names:
        for part in name.split("/"):
            assert not re.search(r'[<>:"\\|?*]|[. ]$', part), name
            assert not reserved.fullmatch(part), name
