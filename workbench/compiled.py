"""How the workbench compiles its kernels: numba, cached on disk, without the GIL.

A kernel is a plain function of arrays. Floating-point operations are never reordered (no ``fastmath``), so
the same input gives the same bytes on any number of threads.

A kernel calls no kernel of another module: numba's cache on disk notices changes of the file that a kernel is
in, not of those it calls, and would go on running the old code.
"""

from __future__ import annotations

__all__ = ["inlined_kernel", "kernel", "start_compiler"]

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

_Function = TypeVar("_Function", bound=Callable[..., Any])


def kernel(function: _Function) -> _Function:
    """Compile a function for one thread; other Python threads go on while it runs."""
    return cast("_Function", numba.njit(cache=True, nogil=True)(function))


def inlined_kernel(function: _Function) -> _Function:
    """Compile a function into each kernel that calls it.

    A call of another kernel counts the references of each array twice, with a locked instruction each time:
    as much as a visit to a region costs.
    """
    return cast("_Function", numba.njit(cache=True, nogil=True, inline="always")(function))


def start_compiler() -> None:
    """Have numba up, in any thread: the first kernel that a process calls waits most of a second for it."""
    _nothing(0)


@kernel
def _nothing(number: int) -> int:
    return number
