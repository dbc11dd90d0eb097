"""A descriptor that others read, at their pace, as a place for clean lines: in order; what it does not take waits, then on disk."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sanitizer.model import CleanBatch
from sanitizer.pipeline.batching import size
from sanitizer.pipeline.spill import WhenFull, put
from sanitizer.pipeline.spool import Spool
from sinks.stdout import StdoutSink

_log = logging.getLogger(__name__)


class Console:
    """Writes the batches that `deliver` takes to *fd*. Up to *max_waiting_bytes* wait in memory, the rest in a spool of at most
    *max_bytes* in *folder*, which is removed at the end. Beyond that *when_full* decides; *dropped* is told how many records that
    cost, *written* how many were written. A full disk is waited for, once `close` was called for *last_secs* more. `failure` is why
    nothing can be written any more."""

    def __init__(
        self,
        fd: int,
        folder: Path,
        dropped: Callable[[int], None],
        max_bytes: int = 256 << 20,
        max_waiting_bytes: int = 4 << 20,
        *,
        when_full: WhenFull = "drop_oldest",
        written: Callable[[int], None] = lambda _count: None,
        last_secs: float = 5.0,
    ) -> None:
        self._sink = StdoutSink(fd, float("inf"))
        self._last_secs = last_secs
        self._folder = folder
        self._dropped = dropped
        self._max_bytes = max_bytes
        self._max_waiting_bytes = max_waiting_bytes
        self._waiting: deque[CleanBatch] = deque()
        self._waiting_bytes = 0
        self._spool: Spool | None = None
        self._spooled = False
        self._arrived = asyncio.Event()
        self._closing = False
        self._lent = False
        self._when_full: WhenFull = when_full
        self._written = written
        self._owed: deque[tuple[CleanBatch, asyncio.Future[None]]] = deque()
        self._unwritten = 0
        self.failure: OSError | None = None

    def deliver(self, batch: CleanBatch) -> asyncio.Future[None] | None:
        """Take *batch*; where it has to wait for room, what is returned is done when there was. Once nobody reads any more it goes
        nowhere: without us its writer would have found that out."""
        if self.failure:
            if not isinstance(self.failure, BrokenPipeError):
                self._dropped(len(batch.records))
            return None
        waits = None
        if self._owed or not self._take(batch):
            waits = asyncio.get_running_loop().create_future()
            self._owed.append((batch, waits))
        self._arrived.set()
        return waits

    async def run(self) -> None:
        """Write until `close` was called and nothing waits, or nobody reads any more."""
        try:
            while True:
                batch = self._next()
                if batch is not None:
                    self._unwritten = len(batch.records)
                    await self._sink.send(batch)
                    self._unwritten = 0
                    self._written(len(batch.records))
                    if self._lent:
                        assert self._spool  # noqa: S101 - it lent the batch
                        self._spool.forget_first()
                    self._take_owed()
                elif self._closing:
                    return
                else:
                    self._arrived.clear()
                    await self._arrived.wait()
        except OSError as trouble:
            self.failure = trouble

    def close(self) -> None:
        """Say that nothing more will come."""
        self._closing = True
        self._sink.patient_until = time.monotonic() + self._last_secs
        self._arrived.set()

    def give_up(self) -> None:
        """Drop what still waits, and leave nothing on disk."""
        left = self._unwritten + sum(len(batch.records) for batch in [*self._waiting, *(batch for batch, _ in self._owed)])
        self._waiting.clear()
        self._owed.clear()
        if self._spool:
            while (lost := self._spool.drop_oldest()) is not None:
                left += lost
            self._spool.close()
            shutil.rmtree(self._folder, ignore_errors=True)
        if left and not isinstance(self.failure, BrokenPipeError):
            self._dropped(left)
        self._sink.close()

    def _next(self) -> CleanBatch | None:
        self._lent = False
        if self._waiting:
            batch = self._waiting.popleft()
            self._waiting_bytes -= size(batch)
            return batch
        if self._spool and self._spooled:
            spooled = self._spool.first()
            self._spooled = self._lent = spooled is not None
            if spooled:
                return spooled
        if self._owed:
            self._take_owed()
            return self._next()
        return None

    def _take_owed(self) -> None:
        while self._owed and self._take(self._owed[0][0]):
            _, waits = self._owed.popleft()
            if not waits.done():
                waits.set_result(None)

    def _take(self, batch: CleanBatch) -> bool:
        """Take *batch*, or drop by policy; False where there is no room and it is to wait."""
        if not self._spooled and (not self._waiting or self._waiting_bytes + size(batch) <= self._max_waiting_bytes):
            self._waiting.append(batch)
            self._waiting_bytes += size(batch)
            return True
        lost = self._put_aside(batch)
        if lost:
            self._dropped(lost)
        return lost is not None

    def _put_aside(self, batch: CleanBatch) -> int | None:
        """How many records it cost to put *batch* into the spool; None where it has to wait."""
        try:
            if self._spool is None:
                _sweep(self._folder.parent)
                self._spool = Spool(self._folder, self._max_bytes)
        except OSError:  # no place for a spool: what does not fit into memory is too much
            return None if self._when_full == "block" else len(batch.records)
        lost = put(self._spool, batch, self._when_full)
        self._spooled = self._spooled or lost is not None
        return lost


def _sweep(folder: Path) -> None:
    """Remove the spools of processes that were killed: folders named by their pid."""
    with suppress(OSError):
        for left in folder.iterdir():
            if left.name.isdecimal():
                try:
                    os.kill(int(left.name), 0)
                except ProcessLookupError:
                    shutil.rmtree(left, ignore_errors=True)
                except OSError:
                    continue
