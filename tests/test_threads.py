"""Threads that work ahead: results in order, and nothing goes on once nobody waits for it."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from threading import Event

import pytest

from workbench.threads import in_threads


def test_results_come_in_order_and_items_are_taken_a_few_ahead() -> None:
    taken: list[int] = []

    def items() -> Iterable[int]:
        for number in count():
            taken.append(number)
            yield number

    with in_threads(2) as threads:
        found = iter(threads(lambda number: number * number, items()))
        assert [next(found) for _ in range(5)] == [0, 1, 4, 9, 16]
        assert len(taken) < 20


class _Work:
    """Writes a file for each item but the first, which fails once another one is in work."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.begun = folder, Event()

    def __call__(self, item: int) -> int:
        if item == 0:
            assert self.begun.wait(10)
            raise ValueError("damaged")
        self.begun.set()
        time.sleep(0.1)
        (self.folder / str(item)).touch()
        return item


def test_nothing_is_in_work_any_more_when_an_error_comes(tmp_path: Path) -> None:
    with in_threads(4) as threads:
        with pytest.raises(ValueError, match="damaged"):
            list(threads(_Work(tmp_path), range(100)))
        there = sorted(tmp_path.iterdir())
        time.sleep(0.3)
        assert sorted(tmp_path.iterdir()) == there
    assert len(there) < 99


def test_nothing_is_in_work_any_more_when_nobody_asks_for_results(tmp_path: Path) -> None:
    with in_threads(4) as threads:
        for _ in threads(_Work(tmp_path), range(1, 100)):
            break
        there = sorted(tmp_path.iterdir())
        time.sleep(0.3)
        assert sorted(tmp_path.iterdir()) == there
    assert len(there) < 99
