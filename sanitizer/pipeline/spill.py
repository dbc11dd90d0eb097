"""The spool as delivery uses it: off the event loop, one sync for many batches, and the policy for a full one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Literal

from sanitizer.model import CleanBatch
from sanitizer.pipeline.spool import Spool, SpoolFullError

WhenFull = Literal["block", "drop_newest", "drop_oldest"]

_LOOK_AGAIN_SECS = 0.5
"""A full disk is freed by others, who do not tell."""

Count = Callable[[str, int], None]
"""(metric, increment)"""


class Spill:
    """One sink's batches on disk.

    `when_full(lane)` says what becomes of a lane's batch when the spool's bound or the disk is reached: a source that can
    read again should `block`; dropping is counted record by record as `dropped`.
    """

    def __init__(self, spool: Spool, when_full: Callable[[str], WhenFull], count: Count) -> None:
        self._spool = spool
        self._when_full = when_full
        self._count = count
        self._waiting: list[tuple[CleanBatch, asyncio.Future[None]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._lock = asyncio.Lock()
        self._room = asyncio.Event()
        self._damaged = 0

    async def append(self, batch: CleanBatch) -> None:
        """Return once *batch* is durable, or was dropped by policy and counted."""
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch, safe))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        await safe

    async def first(self) -> CleanBatch | None:
        """The oldest batch that is not forgotten yet."""
        async with self._lock:
            batch = await asyncio.to_thread(self._spool.first)
        if self._spool.damaged > self._damaged:
            self._count("spool_damaged", self._spool.damaged - self._damaged)
            self._damaged = self._spool.damaged
        return batch

    async def forget_first(self) -> None:
        """The batch last returned by `first` is delivered."""
        async with self._lock:
            await asyncio.to_thread(self._spool.forget_first)
        self._room.set()

    async def close(self) -> None:
        """Stop writing; what `append` has not returned for is not kept."""
        if self._writer:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
        async with self._lock:
            await asyncio.to_thread(self._spool.close)

    @property
    def size(self) -> int:
        """Bytes that wait on disk."""
        return self._spool.size

    async def _write(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting, []
            async with self._lock:
                kept, dropped = await asyncio.to_thread(self._append_all, [batch for batch, _ in taken])
            if dropped:
                self._count("dropped", dropped)
            for _, safe in taken[:kept]:
                if not safe.done():
                    safe.set_result(None)
            self._waiting[:0] = taken[kept:]
            if kept < len(taken):
                self._room.clear()
                try:
                    await asyncio.wait_for(self._room.wait(), _LOOK_AGAIN_SECS)
                except TimeoutError:
                    continue

    def _append_all(self, batches: Sequence[CleanBatch]) -> tuple[int, int]:
        """How many of *batches* were dealt with, and how many records dropped for that. All or none where sync fails."""
        dropped = 0
        for done, batch in enumerate(batches):
            policy = self._when_full(batch.lane)
            lost = put(self._spool, batch, policy)
            if lost is None:
                return (done if self._sync() else 0), dropped
            dropped += lost
        return (len(batches) if self._sync() else 0), dropped

    def _sync(self) -> bool:
        try:
            self._spool.sync()
        except OSError:
            self._spool.roll()
            return False
        return True


def put(spool: Spool, batch: CleanBatch, policy: WhenFull) -> int | None:
    """How many records were dropped to keep *batch* (or instead of it); None when it has to wait."""
    dropped = attempts = 0
    while True:
        try:
            spool.append(batch, droppable=policy != "block")
        except SpoolFullError:
            oldest = spool.drop_oldest() if policy == "drop_oldest" else None
        except OSError:
            attempts += 1
            spool.roll()
            oldest = 0 if attempts == 1 else _make_disk_room(spool, policy, attempts)
        else:
            return dropped
        if oldest is None:
            return None if policy == "block" and not dropped else dropped + len(batch.records)
        dropped += oldest


def _make_disk_room(spool: Spool, policy: WhenFull, attempts: int) -> int | None:
    """Drop old batches until a segment is deleted: only that frees the disk. None when it is no use."""
    if policy != "drop_oldest" or attempts > 3:
        return None
    before, dropped = spool.n_segments, 0
    while spool.n_segments == before:
        oldest = spool.drop_oldest()
        if oldest is None:
            return dropped or None
        dropped += oldest
    return dropped
