"""Waiting for tasks of which any may fail, and letting go of those that nobody waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress


def discard(work: Awaitable[object]) -> None:
    """End *work* that nobody will await, begun or not."""
    if isinstance(work, asyncio.Future):
        work.cancel()
    elif close := getattr(work, "close", None):
        close()


async def ended(work: Awaitable[object]) -> None:
    """Wait for the end of *work* of a library, whose own tasks may have been cancelled: that is no cancellation of ours."""
    (outcome,) = await asyncio.gather(work, return_exceptions=True)
    if isinstance(outcome, Exception):
        raise outcome


async def first_failure(tasks: Sequence[asyncio.Task[None]], until: Sequence[asyncio.Task[None]]) -> None:
    """Wait until all of *until* have ended; raise the first exception of any of *tasks*. A cancelled reader has ended."""
    waiting = set(until)
    while waiting:
        await asyncio.wait({*tasks, *waiting}, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            if task.done():
                with suppress(asyncio.CancelledError):
                    task.result()
                waiting.discard(task)
                tasks = [other for other in tasks if other is not task]
