"""The real thing: the program in a process of its own, driven from outside by the X server's own events.

Nothing of the program is called. Where a pixel of the zone is on the screen is known from the line that the
program writes when its window is ready.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from workbench.campaign import Campaign
from workbench.labels.edits import AssignMask, Look, Redo, Undo
from workbench.labels.op import Op
from workbench.labels.payloads import edit_of
from workbench.segmentation.storage import read_hierarchy

MISSING = [tool for tool in ("Xvfb", "xdotool") if shutil.which(tool) is None]
pytestmark = [
    pytest.mark.window,
    pytest.mark.skipif(bool(MISSING), reason=f"needs {' and '.join(MISSING)}: apt-get install xvfb xdotool"),
]
COMMAND = (sys.executable, "-m", "workbench")
ZONE = "D051_2019/Z1_AA"
WIDTH, HEIGHT = 1600, 1000
PATIENCE = 120.0
READY = re.compile(r"is open: pixel \(0, 0\) at x (-?[\d.]+), y (-?[\d.]+) of the screen, ([\d.]+) each")


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait for something to come true and return it."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {PATIENCE:.0f} s for {what}")


class Screen:
    """An X server without a window manager, and what a hand does in it."""

    def __init__(self, process: subprocess.Popen[str], number: str) -> None:
        self.process = process
        self.environment = {**os.environ, "DISPLAY": f":{number}"}

    def do(self, *arguments: object) -> str:
        """Run xdotool."""
        done = subprocess.run(
            ["xdotool", *map(str, arguments)],
            env=self.environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=PATIENCE,
        )
        return done.stdout

    def picture(self, path: Path) -> None:
        """Save what the screen shows, where ImageMagick is there to do it."""
        if shutil.which("import"):
            subprocess.run(["import", "-window", "root", str(path)], env=self.environment, check=True)


class Program:
    """``workbench annotate`` in a process of its own."""

    def __init__(self, screen: Screen, campaign: Campaign, log: Path) -> None:
        self.screen, self.campaign, self.log = screen, campaign, log
        # Not what this machine's user has chosen, such as the size of the window, or French.
        settings = log.with_suffix(".yaml")
        settings.write_text("application:\n  confirm_close_window: false\n")
        chosen = log.with_suffix("") / "ocs-workbench" / "desk.ini"
        chosen.parent.mkdir(parents=True)
        chosen.write_text("[General]\nlanguage=en\n[keys]\nset=qwerty\n")
        environment = {
            **screen.environment,
            "NAPARI_CONFIG": str(settings),
            "XDG_CONFIG_HOME": str(log.with_suffix("")),
        }
        with log.open("w") as file:
            self.process = subprocess.Popen(
                [*COMMAND, "annotate", campaign.path, "--zone", ZONE, "--author", "marie"],
                env=environment,
                stdout=file,
                stderr=file,
            )

    def settle(self) -> None:
        """Wait for the window and make it as large as the screen."""
        until(self.places, "the window")
        window = self.screen.do("search", "--onlyvisible", "--name", "Land-cover labelling").split()[-1]

        def fitted() -> bool:
            # Again and again: a dock that is added late makes the window find its own size once more.
            self.screen.do("windowmove", window, 0, 0, "windowsize", window, WIDTH, HEIGHT)
            self.screen.do("windowfocus", window, "sleep", 0.5)
            return self.places()[-1][2] > 1.2

        until(fitted, "the zone fitted into the large window")

    def places(self) -> list[tuple[float, ...]]:
        """Return all (x, y, pitch) that the program told so far."""
        if self.process.poll() is not None:
            raise AssertionError(f"the program ended:\n{self.log.read_text()}")
        return [tuple(map(float, place)) for place in READY.findall(self.log.read_text())]

    def point(self, row: int, col: int) -> None:
        """Move the pointer to a pixel of the zone, as a hand does: past it, then to it."""
        x, y, pitch = self.places()[-1]
        where = round(x + col * pitch), round(y + row * pitch)
        self.screen.do("mousemove", where[0] - 9, where[1] - 7, "sleep", 0.05, "mousemove", *where)

    def click(self, row: int, col: int) -> None:
        self.point(row, col)
        self.screen.do("sleep", 0.05, "click", 1)

    def key(self, name: str) -> None:
        self.screen.do("key", name)

    def ctrl_wheel(self, notches: int) -> None:
        turn = 4 if notches > 0 else 5
        self.screen.do("keydown", "Control_L", "click", "--repeat", abs(notches), turn, "keyup", "Control_L")

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@pytest.fixture
def screen() -> Iterator[Screen]:
    """A display of its own: the server chooses a free number and tells it."""
    read, write = os.pipe()
    process = subprocess.Popen(
        ["Xvfb", "-displayfd", str(write), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
        text=True,
    )
    os.close(write)
    with os.fdopen(read) as told:
        number = told.readline().strip()
    yield Screen(process, number)
    process.terminate()
    process.wait()


@pytest.fixture
def start(screen: Screen, zone: Campaign, tmp_path: Path) -> Iterator[Callable[[], Program]]:
    """Start the program; what is still running at the end is killed."""
    with ExitStack() as running:
        count = iter(range(10))

        def run() -> Program:
            program = Program(screen, zone, tmp_path / f"program-{next(count)}.log")
            running.callback(program.kill)
            program.settle()
            return program

        yield run


def durable(campaign: Campaign) -> tuple[tuple[Op, ...], np.ndarray]:
    """Return the edits that are on the disk, read by another process than the writer's, and the labels."""
    with campaign.open_store(campaign.zone(ZONE)) as store:
        edits = tuple(op for op in store.ops if not isinstance(edit_of(op), Look))
        return edits, store.labels.copy()


def test_what_the_hand_did_survives_a_kill(
    start: Callable[[], Program], zone: Campaign, tmp_path: Path
) -> None:
    campaign = zone
    program = start()

    # Water here; larger regions there; trees in them; roofs by mistake, taken back.
    program.key("5")
    program.click(100, 120)
    first = op_number(campaign, 1)
    program.point(400, 300)
    program.ctrl_wheel(4)
    program.key("7")
    program.click(400, 300)
    second = op_number(campaign, 2)
    program.key("1")
    program.click(60, 450)
    third = op_number(campaign, 3)
    program.key("ctrl+z")
    undone = op_number(campaign, 4)
    program.screen.picture(tmp_path / "labelling.png")

    assert [edit_of(op).code for op in (first, second, third)] == [5, 7, 1]
    assert edit_of(undone) == Undo(target=third.id)
    assert second.scale is not None
    assert first.scale is not None
    assert second.scale / first.scale == pytest.approx(4, rel=0.1)  # four notches of half an octave
    expected = painted_by_hand(campaign, [(first, 100, 120, 5), (second, 400, 300, 7)])
    assert (durable(campaign)[1] == expected).all()

    program.kill()
    assert (durable(campaign)[1] == expected).all()
    again = start()
    again.screen.picture(tmp_path / "reopened.png")
    again.key("ctrl+z")
    assert edit_of(op_number(campaign, 5)) == Undo(target=second.id)
    again.key("ctrl+y")
    assert edit_of(op_number(campaign, 6)) == Redo(target=second.id)
    assert (durable(campaign)[1] == expected).all()


def painted_by_hand(campaign: Campaign, picks: list[tuple[Op, int, int, int]]) -> np.ndarray:
    """Return the labels that picks at these pixels should have made, from the hierarchy file itself."""
    zone = campaign.zone(ZONE)
    hierarchy = read_hierarchy(campaign.hierarchy_path(zone))
    labels = np.zeros(zone.grid.shape, dtype=np.uint8)
    for op, row, col, code in picks:
        assert isinstance(edit_of(op), AssignMask)
        assert picked(op) == (row, col)
        assert op.scale is not None
        regions = hierarchy.cut(op.scale).labels()
        labels[regions == regions[row, col]] = code
    return labels


def test_a_closed_window_ends_the_program_quietly_and_frees_the_zone(
    start: Callable[[], Program], zone: Campaign
) -> None:
    program = start()
    program.click(300, 300)
    op_number(zone, 1)
    program.key("ctrl+q")
    assert until(lambda: program.process.poll() is not None and "ended", "the program to end")
    assert program.process.returncode == 0
    assert [line for line in program.log.read_text().splitlines() if not READY.search(line)] == []
    zone.open_store(zone.zone(ZONE), author="marie").close()


def test_a_drag_paints_and_one_with_space_or_the_middle_button_moves_the_picture(
    start: Callable[[], Program], zone: Campaign
) -> None:
    program = start()

    def drag(button: int) -> None:
        program.point(256, 256)
        program.screen.do("mousedown", button)
        for _ in range(6):
            program.screen.do("mousemove_relative", 20, 15, "sleep", 0.1)
        program.screen.do("mouseup", button)

    program.key("5")
    drag(1)
    painted = op_number(zone, 1)
    assert (painted.tool, edit_of(painted).code) == ("drag", 5)
    assert durable(zone)[1][256, 256] == 5
    for number, (button, key) in enumerate([(2, None), (1, "space")]):
        if key is not None:
            program.screen.do("keydown", key)
        drag(button)
        if key is not None:
            program.screen.do("keyup", key)
        program.key("2")
        program.click(300, 300)
        row, col = picked(op_number(zone, 2 + 2 * number))
        # Napari drops moves that come too fast, so how far the picture went is not exact.
        assert row < 300 - 10
        assert col < 300 - 15
        program.key("Home")
        program.key("9")
        program.click(300, 300)
        row, col = picked(op_number(zone, 3 + 2 * number))
        assert max(abs(row - 300), abs(col - 300)) <= 1


def op_number(campaign: Campaign, number: int) -> Op:
    """Wait until the journal holds so many ops, and no more, and return the last."""
    until(lambda: len(durable(campaign)[0]) >= number, f"edit {number} on the disk")
    (*_, last) = ops = durable(campaign)[0]
    assert len(ops) == number
    return last


def picked(op: Op) -> tuple[int, int]:
    """Return the pixel (row, col) that an edit was picked at."""
    edit = json.loads(op.payload.split(b"\n", 1)[0])
    return edit["row"], edit["col"]
