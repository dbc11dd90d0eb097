"""Everything between clean batches and one sink, once for every sink: order, merging, spilling; `sender` has the rest.

What waits keeps its place: batches of a lane leave in the order in which they came.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Protocol

from sanitizer.model import CleanBatch, Sink
from sanitizer.pipeline.batching import join, size, split
from sanitizer.pipeline.filter import receiver
from sanitizer.pipeline.sender import Count, DeadLetters, Sender
from sinks.options import SinkOptions


class Spilling(Protocol):
    """A place on disk that takes batches while their sink cannot. See `sanitizer.pipeline.spool`."""

    async def append(self, batch: CleanBatch) -> None:
        """Return once *batch* is durable, or was dropped by policy and counted."""
        ...

    async def first(self) -> CleanBatch | None:
        """The oldest batch that is not forgotten yet; None when there is none."""
        ...

    async def forget_first(self) -> None:
        """The batch last returned by `first` is delivered."""
        ...


class NotDeliveredError(Exception):
    """Raised when a batch had to be given up: the time to drain is over and there is no spool to put it into."""


@dataclass(slots=True)
class _Lane:
    """What waits on one lane, in order, each with the future that tells the pipeline it is safe."""

    waiting: deque[tuple[CleanBatch, asyncio.Future[None]]] = field(default_factory=deque)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)


class Delivery:
    """Delivers to one sink. `deliver` takes a batch at once; the future it returns is done when the batch is safe.

    Batches of one lane are merged up to the sink's limits and sent one after another; `concurrency` lanes at a time. With a
    *spool*, a batch that cannot be sent now is safe once it is on disk, and is sent from there when the sink is back.
    """

    def __init__(
        self,
        sink: Sink,
        options: SinkOptions,
        name: str,
        *,
        dead_letters: DeadLetters,
        spool: Spilling | None = None,
        count: Count = lambda _metric, _sink, _increment: None,
        max_waiting_bytes: int = 4 << 20,
    ) -> None:
        self._sender = Sender(sink, options, name, dead_letters, count)
        self._options = options
        self._receive = receiver(options)
        self._name = name
        self._spool = spool
        self._count = count
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting_bytes = 0
        self._lanes: dict[str, _Lane] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._slots = asyncio.Semaphore(options.concurrency)
        self._spilling = False
        self._spills = 0
        self._draining: asyncio.Task[None] | None = None

    def deliver(self, batch: CleanBatch) -> asyncio.Future[None] | None:
        """Take *batch*; None when this sink receives nothing of it."""
        chosen = self._receive(batch)
        if chosen is not batch and batch.kind in self._options.receives:
            self._count("filtered", self._name, len(batch.records) - (len(chosen.records) if chosen else 0))
        if chosen is None:
            return None
        batch = chosen
        safe: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        safe.add_done_callback(lambda done: done.cancelled() or done.exception())  # after a failure nobody may ask
        key = "audit" if batch.kind == "audit" else batch.lane
        lane = self._lanes.get(key)
        if lane is None:
            lane = self._lanes[key] = _Lane()
            self._start(self._drain_lane(key, lane))
        lane.waiting.append((batch, safe))
        lane.arrived.set()
        self._waiting_bytes += size(batch)
        if self._waiting_bytes > self._max_waiting_bytes:
            self._spill()
        return safe

    async def resume(self) -> None:
        """Begin with what an earlier run left in the spool."""
        if self._spool and await self._spool.first():
            self._spill()

    @property
    def down(self) -> bool:
        """Whether the sink has not taken what it was sent last."""
        return self._sender.trouble is not None

    async def drained(self, *, spool: bool = False) -> None:
        """Return once nothing waits here; with *spool*, not there either."""
        while waiting := [task for task in self._tasks if spool or task is not self._draining]:
            await asyncio.wait(waiting)

    def hurry(self) -> None:
        """Wait no longer: what cannot be sent at once goes to the spool, or fails with `NotDeliveredError` where there is none."""
        self._sender.rush()
        self._spill()

    async def close(self) -> None:
        """Stop. What was not safe by now is not delivered."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _drain_lane(self, key: str, lane: _Lane) -> None:
        """Send what waits on *lane* until nothing does."""
        while lane.waiting:
            await self._company(lane)
            async with self._slots:
                batch, waiters = self._merge(lane)
                try:
                    await self._make_safe(batch)
                except Exception as failure:
                    for safe in waiters:
                        if not safe.done():
                            safe.set_exception(failure)
                else:
                    for safe in waiters:
                        if not safe.done():
                            safe.set_result(None)
        del self._lanes[key]

    async def _company(self, lane: _Lane) -> None:
        """Give the lane `max_batch_secs` to fill a batch."""
        deadline = time.monotonic() + self._options.max_batch_secs
        while not self._spilling and not self._sender.hurry.is_set() and not self._full(lane):
            remaining = deadline - time.monotonic()
            if remaining <= 0:
                return
            lane.arrived.clear()
            try:
                await asyncio.wait_for(lane.arrived.wait(), remaining)
            except TimeoutError:
                return

    def _full(self, lane: _Lane) -> bool:
        records = n_bytes = 0
        for batch, _ in lane.waiting:
            records += len(batch.records)
            n_bytes += size(batch)
        return records >= self._options.max_batch_records or n_bytes >= self._options.max_batch_bytes

    def _merge(self, lane: _Lane) -> tuple[CleanBatch, list[asyncio.Future[None]]]:
        """Take from *lane* as many batches as one send may hold, at least one."""
        first, safe = lane.waiting.popleft()
        merged, waiters = [first], [safe]
        records, n_bytes = len(first.records), size(first)
        while lane.waiting:
            batch, safe = lane.waiting[0]
            records += len(batch.records)
            n_bytes += size(batch)
            same = (batch.lane, batch.kind, batch.rules) == (first.lane, first.kind, first.rules)
            if not same or records > self._options.max_batch_records or n_bytes > self._options.max_batch_bytes:
                break
            lane.waiting.popleft()
            merged.append(batch)
            waiters.append(safe)
        self._waiting_bytes -= sum(map(size, merged))
        return join(merged), waiters

    async def _make_safe(self, batch: CleanBatch) -> None:
        remainder: CleanBatch | None = batch
        for part in split(batch, self._options.max_batch_records):
            remainder = part if self._spilling and self._spool else await self._sender.send(part, give_back=self._spool is not None)
            if remainder is not None:
                await self._put_aside(remainder)

    async def _put_aside(self, batch: CleanBatch) -> None:
        if self._spool is None:
            reason = f" ({self._sender.trouble})" if self._sender.trouble else ""
            raise NotDeliveredError(f"{self._name}: not delivered in time{reason}")
        self._spill()
        self._spills += 1
        try:
            await self._spool.append(batch)
        finally:
            self._spills -= 1

    def _spill(self) -> None:
        """From now on batches go to the spool, until it is empty again."""
        if self._spool is None or self._spilling:
            return
        self._spilling = True
        for lane in self._lanes.values():
            lane.arrived.set()
        if not self._sender.hurry.is_set():
            self._draining = self._start(self._drain_spool(self._spool))

    async def _drain_spool(self, spool: Spilling) -> None:
        """Deliver what the spool holds, oldest first; when it is empty, batches go straight to the sink again."""
        while not self._sender.hurry.is_set():
            batch = await spool.first()
            if batch is not None:
                if await self._sender.send(batch, give_back=False) is not None:
                    return
                await spool.forget_first()
            elif self._spills:
                await asyncio.sleep(0.01)
            else:
                self._spilling = False
                return


__all__ = ["Count", "DeadLetters", "Delivery", "NotDeliveredError", "Spilling"]
