"""Waiting for what may be cancelled, or fail, by itself."""

from __future__ import annotations

import asyncio

import pytest

from sanitizer.process.tasks import ended


async def cancelled_within() -> None:
    """Awaits a task of its own that somebody cancelled, as a client does whose connections have gone."""
    task = asyncio.create_task(asyncio.sleep(60))
    task.cancel()
    await task


async def test_what_a_library_cancelled_in_itself_has_ended() -> None:
    await ended(cancelled_within())


async def test_what_fails_fails() -> None:
    async def failing() -> None:
        raise ValueError("no such group")

    with pytest.raises(ValueError, match="no such group"):
        await ended(failing())


async def test_a_cancellation_of_ours_is_one() -> None:
    waiting = asyncio.create_task(ended(asyncio.sleep(60)))
    await asyncio.sleep(0)
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting
