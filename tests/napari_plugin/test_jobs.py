"""Long work beside the window: what it tells, how it ends, and where."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import far_work
import pytest
from napari.utils.progress import progress

from napari_plugin.jobs import Job, Report, in_process, start
from workbench.errors import WorkbenchError


class Ends:
    """How jobs ended, and in which thread that was told."""

    def __init__(self) -> None:
        self.done: list[Any] = []
        self.failed: list[str] = []
        self.threads: set[int] = set()

    def on_done(self, result: Any) -> None:
        self.done.append(result)
        self.threads.add(threading.get_ident())

    def on_failed(self, why: str) -> None:
        self.failed.append(why)
        self.threads.add(threading.get_ident())

    @property
    def count(self) -> int:
        return len(self.done) + len(self.failed)


@pytest.fixture
def run(qtbot: Any) -> Iterator[Callable[..., tuple[Job, Ends]]]:
    """Start work, do something to the job, and wait for its end."""
    jobs = []

    def wait(work: Callable[[Report], Any], meanwhile: Callable[[Job], None] = lambda job: None) -> Any:
        ends = Ends()
        job = start("Adding", work, done=ends.on_done, failed=ends.on_failed)
        jobs.append(job)
        assert job.running
        meanwhile(job)
        qtbot.waitUntil(lambda: ends.count > 0, timeout=60_000)
        qtbot.wait(20)
        assert not job.running
        assert ends.count == 1
        assert ends.threads == {threading.get_ident()}
        assert not progress._all_instances
        return ends

    yield wait
    jobs.clear()


def test_a_job_works_in_another_thread_and_ends_in_this_one(run: Callable[..., Ends]) -> None:
    ends = run(lambda report: threading.get_ident())
    (worker,) = ends.done
    assert worker != threading.get_ident()


def test_what_is_done_and_its_share_stand_in_the_activity_dock(
    run: Callable[..., Ends], monkeypatch: pytest.MonkeyPatch, qtbot: Any
) -> None:
    seen: list[tuple[float, str]] = []
    told = Job._on_told

    def record(job: Job, share: float, what: str) -> None:
        told(job, share, what)
        seen.append((job._bar.n, job._bar.desc))

    monkeypatch.setattr(Job, "_on_told", record)
    monkeypatch.setattr("napari_plugin.jobs._PATIENCE_MILLISECONDS", 0)
    shown = threading.Event()
    show = Job._show_bar
    monkeypatch.setattr(Job, "_show_bar", lambda job: (show(job), shown.set()))

    def work(report: Report) -> None:
        shown.wait(60)
        for share, what in ((0.25, "reading"), (0.1, "reading"), (1.0, "")):
            report(share, what)

    run(work)
    assert seen == [
        (0, "Adding: "),
        (25, "Adding – reading: "),
        (25, "Adding – reading: "),
        (100, "Adding: "),
    ]


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (WorkbenchError("the zone is gone; add it again"), "the zone is gone; add it again"),
        (OSError(28, "No space left on device"), "[Errno 28] No space left on device"),
        (MemoryError(), "MemoryError"),
    ],
)
def test_what_goes_wrong_is_told_in_one_sentence(
    run: Callable[..., Ends], error: Exception, why: str
) -> None:
    def work(report: Report) -> None:
        raise error

    assert run(work).failed == [why]


def test_a_mistake_in_the_work_ends_the_job_and_is_not_swallowed(
    run: Callable[..., Ends], monkeypatch: Any
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", seen.append)

    def work(report: Report) -> None:
        raise ZeroDivisionError("by our own fault")

    assert run(work).failed == ["ZeroDivisionError: by our own fault"]
    assert [one.exc_type for one in seen] == [ZeroDivisionError]


def test_work_that_is_stopped_ends_at_its_next_report_without_a_word(run: Callable[..., Ends]) -> None:
    stopped, after = threading.Event(), []

    def work(report: Report) -> None:
        assert stopped.wait(30)
        report(0.5, "")
        after.append(True)

    def stop(job: Job) -> None:
        job.stop()
        stopped.set()

    ends = run(work, stop)
    assert (ends.failed, ends.done, after) == ([""], [], [])


def test_a_warning_in_the_work_is_not_shown_from_its_thread(run: Callable[..., Ends]) -> None:
    def work(report: Report) -> str:
        warnings.warn("nothing to look at", UserWarning, stacklevel=1)
        return "done"

    assert run(work).done == ["done"]


def test_work_in_another_process_returns_and_reports(run: Callable[..., Ends]) -> None:
    told: list[str] = []
    work = in_process(far_work.add, 2, 3)

    def spied(report: Report) -> int:
        def pass_on(share: float, what: str) -> None:
            told.append(what)
            report(share, what)

        return work(pass_on)

    assert run(spied).done == [5]
    (adding,) = {what for what in told if what}
    assert adding.startswith("adding in ")
    assert adding != f"adding in {os.getpid()}"


def test_what_goes_wrong_in_another_process_is_told_here(run: Callable[..., Ends]) -> None:
    assert run(in_process(far_work.refuse)).failed == ["the zone is gone; add it again"]


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_process_that_is_killed_ends_its_job_with_a_sentence(run: Callable[..., Ends]) -> None:
    (why,) = run(in_process(far_work.die)).failed
    assert why == "the work ended without a result; there may not be enough memory"


@pytest.mark.skipif(sys.platform == "win32", reason="no signal 0")
def test_work_in_another_process_that_is_stopped_leaves_no_process(
    run: Callable[..., Ends], tmp_path: Path, qtbot: Any
) -> None:
    written = tmp_path / "pid"

    def stop(job: Job) -> None:
        qtbot.waitUntil(lambda: written.exists() and bool(written.read_text()), timeout=60_000)
        job.stop()

    ends = run(in_process(far_work.go_on_for_ever, str(written)), stop)
    assert (ends.failed, ends.done) == ([""], [])
    with pytest.raises(ProcessLookupError):
        os.kill(int(written.read_text()), 0)


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[2])
print("a window opens", flush=True)
import far_work
from napari_plugin.processes import in_process
in_process(far_work.go_on_for_ever, sys.argv[1])(lambda share, what: None)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
def test_a_window_that_is_killed_takes_its_work_along_and_no_script_is_run_twice(
    tmp_path: Path, qtbot: Any
) -> None:
    script, written = tmp_path / "my_window.py", tmp_path / "pid"
    script.write_text(SCRIPT)  # without `if __name__ == "__main__"`
    window = subprocess.Popen(
        [sys.executable, str(script), str(written), str(Path(far_work.__file__).parent)],
        stdout=subprocess.PIPE,
    )
    qtbot.waitUntil(lambda: written.exists() and bool(written.read_text()), timeout=60_000)
    window.kill()
    said, _ = window.communicate()
    assert said.decode().splitlines() == ["a window opens"]

    def gone() -> bool:
        try:
            os.kill(int(written.read_text()), 0)
        except ProcessLookupError:
            return True
        return False

    qtbot.waitUntil(gone, timeout=20_000)
