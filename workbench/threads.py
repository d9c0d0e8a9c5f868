"""Threads for work that waits on disks and encoders: results in order, and never many of them at a time."""

from __future__ import annotations

__all__ = ["Map", "in_threads"]

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import Any

Map = Callable[..., Iterable[Any]]
"""What applies a function to items and gives the results in their order, as `map` does."""
_AHEAD = 4
"""Items in work or done for each thread, beyond the one that is waited for."""


@contextmanager
def in_threads(count: int | None = None) -> Iterator[Map]:
    """Give a `map` that works in threads; items are taken as results are asked for, a few ahead.

    Once an error ends it, or whoever asks for results goes, nothing of it is in work any more: what it wrote
    to can be removed.

    Parameters
    ----------
    count
        Number of threads; as many as there are processors by default.
    """
    threads = count or os.cpu_count() or 1
    pool = ThreadPoolExecutor(threads)

    def mapped(function: Callable[[Any], Any], items: Iterable[Any]) -> Iterator[Any]:
        waiting: deque[Future[Any]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > _AHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            wait([future for future in waiting if not future.cancel()])

    try:
        yield mapped
    finally:
        pool.shutdown(cancel_futures=True)
