"""Long work beside the window: what it tells, how it ends, and where."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import far_work
import pytest
from napari.utils.progress import progress

from napari_plugin.jobs import Job, OneAtATime, Report, in_kept_process, in_process, start
from napari_plugin.processes import dismiss, prepare
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


def test_of_those_that_ask_in_one_place_one_is_done_at_a_time(qtbot: Any) -> None:
    go_on, done, turns, others = threading.Event(), [], OneAtATime(), OneAtATime()

    def begin(name: str) -> Callable[[], Job]:
        return partial(
            start, name, lambda report: go_on.wait(60) and name, done=done.append, failed=done.append
        )

    assert not turns.busy
    assert turns.begin(begin("first"))
    assert not turns.begin(begin("second"))
    assert others.begin(begin("beside"))
    assert turns.busy
    go_on.set()
    qtbot.waitUntil(lambda: len(done) == 2, timeout=60_000)
    assert not turns.busy
    assert turns.begin(begin("third"))
    qtbot.waitUntil(lambda: len(done) == 3, timeout=60_000)
    assert sorted(done) == ["beside", "first", "third"]


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
    assert not alive(int(written.read_text()))


@pytest.fixture
def kept() -> Iterator[None]:
    """Begin and end without a process that is kept."""
    dismiss()
    yield
    dismiss()


def quietly(share: float, what: str) -> None:
    """Report to nobody."""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.usefixtures("kept")
def test_the_next_question_is_answered_by_the_process_that_is_kept() -> None:
    first, second = (in_kept_process(far_work.whoami)(quietly) for _ in range(2))
    assert first == second != os.getpid()
    assert in_process(far_work.whoami)(quietly) != first
    assert alive(first)
    dismiss()
    assert not alive(first)
    assert in_kept_process(far_work.whoami)(quietly) != first


@pytest.mark.usefixtures("kept")
def test_a_process_that_got_ready_answers_the_first_question_and_nothing_of_that_is_heard(
    tmp_path: Path,
) -> None:
    written = tmp_path / "pid"
    prepare(far_work.write_down, str(written))
    prepare(far_work.die)  # nothing: one is kept
    told: list[str] = []
    answered = in_kept_process(far_work.whoami)(lambda share, what: told.append(what))
    assert written.read_text() == str(answered)
    assert set(told) == {""}


@pytest.mark.usefixtures("kept")
def test_getting_ready_that_fails_spoils_no_question() -> None:
    prepare(far_work.refuse)
    assert in_kept_process(far_work.add, 2, 3)(quietly) == 5


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.usefixtures("kept")
def test_a_question_ends_with_a_sentence_where_its_process_dies_and_the_next_one_has_another() -> None:
    prepare(far_work.die)
    with pytest.raises(WorkbenchError, match="the work ended without a result"):
        in_kept_process(far_work.whoami)(quietly)
    lost = in_kept_process(far_work.whoami)(quietly)
    os.kill(lost, signal.SIGKILL)
    os.waitid(os.P_PID, lost, os.WEXITED | os.WNOWAIT)
    assert in_kept_process(far_work.whoami)(quietly) not in (lost, os.getpid())


@pytest.mark.usefixtures("kept")
def test_two_questions_at_once_have_two_processes_of_which_one_is_kept() -> None:
    answered: list[int] = []

    def ask_another(share: float, what: str) -> None:
        if not answered:
            answered.append(in_kept_process(far_work.whoami)(quietly))

    first = in_kept_process(far_work.whoami)(ask_another)
    assert len({first, *answered}) == 2
    assert in_kept_process(far_work.whoami)(quietly) == answered[0]
    assert not alive(first)


@pytest.mark.skipif(sys.platform == "win32", reason="no signal 0")
@pytest.mark.usefixtures("kept")
def test_a_question_that_is_stopped_takes_its_process_along(
    run: Callable[..., Ends], tmp_path: Path, qtbot: Any
) -> None:
    kept, written = in_kept_process(far_work.whoami)(quietly), tmp_path / "pid"

    def stop(job: Job) -> None:
        qtbot.waitUntil(lambda: written.exists() and bool(written.read_text()), timeout=60_000)
        job.stop()

    ends = run(in_kept_process(far_work.go_on_for_ever, str(written)), stop)
    assert (ends.failed, ends.done) == ([""], [])
    assert int(written.read_text()) == kept
    assert not alive(kept)
    assert in_kept_process(far_work.add, 2, 3)(quietly) == 5


SCRIPT = """
import sys
sys.path.insert(0, sys.argv[2])
print("a window opens", flush=True)
import far_work
from napari_plugin.processes import in_kept_process, in_process
if sys.argv[3] == "kept":
    in_kept_process(far_work.write_down, sys.argv[1])(lambda share, what: None)
    sys.stdin.read()
in_process(far_work.go_on_for_ever, sys.argv[1])(lambda share, what: None)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
@pytest.mark.parametrize("process", ["at work", "kept"])
def test_a_window_that_is_killed_takes_its_process_along_and_no_script_is_run_twice(
    tmp_path: Path, qtbot: Any, process: str
) -> None:
    script, written = tmp_path / "my_window.py", tmp_path / "pid"
    script.write_text(SCRIPT)  # without `if __name__ == "__main__"`
    window = subprocess.Popen(
        [sys.executable, str(script), str(written), str(Path(far_work.__file__).parent), process],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    qtbot.waitUntil(lambda: written.exists() and bool(written.read_text()), timeout=60_000)
    window.kill()
    said, _ = window.communicate()
    assert said.decode().splitlines() == ["a window opens"]

    qtbot.waitUntil(lambda: not alive(int(written.read_text())), timeout=20_000)
