"""Our standard error as a place for clean lines: in order, never waited for; what it does not take waits, then on disk."""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from sanitizer.batching import size
from sanitizer.model import CleanBatch
from sanitizer.spool import Spool, SpoolFullError
from sinks.stdout import StdoutSink

_log = logging.getLogger(__name__)


class Console:
    """Writes the batches that `deliver` takes to *fd*. Up to *max_waiting_bytes* wait in memory, the rest in a spool of at most
    *max_bytes* in *folder*; beyond that the oldest are dropped, and *dropped* told how many records."""

    def __init__(
        self, fd: int, folder: Path, dropped: Callable[[int], None], max_bytes: int = 256 << 20, max_waiting_bytes: int = 4 << 20
    ) -> None:
        self._sink = StdoutSink(fd)
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
        self._gone = False

    def deliver(self, batch: CleanBatch) -> None:
        """Take *batch*. Once nobody reads any more it goes nowhere: without us the server would have found that out."""
        if self._gone:
            return
        if self._spooled or self._waiting_bytes + size(batch) > self._max_waiting_bytes:
            self._put_aside(batch)
        else:
            self._waiting.append(batch)
            self._waiting_bytes += size(batch)
        self._arrived.set()

    async def run(self) -> None:
        """Write until `close` was called and nothing waits, or nobody reads any more."""
        try:
            while True:
                batch = self._next()
                if batch is not None:
                    await self._sink.send(batch)
                    if self._lent:
                        assert self._spool  # noqa: S101 - it lent the batch
                        self._spool.forget_first()
                elif self._closing:
                    return
                else:
                    self._arrived.clear()
                    await self._arrived.wait()
        except OSError:
            self._gone = True
            self._waiting.clear()

    def close(self) -> None:
        """Say that nothing more will come."""
        self._closing = True
        self._arrived.set()

    def give_up(self) -> None:
        """Drop what still waits, and leave nothing on disk."""
        left = sum(len(batch.records) for batch in self._waiting)
        self._waiting.clear()
        if self._spool:
            while (lost := self._spool.drop_oldest()) is not None:
                left += lost
            self._spool.close()
            shutil.rmtree(self._folder, ignore_errors=True)
        if left:
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
            return spooled
        return None

    def _put_aside(self, batch: CleanBatch) -> None:
        self._spooled = True
        lost = 0
        while True:
            try:
                if self._spool is None:
                    _sweep(self._folder.parent)
                    self._spool = Spool(self._folder, self._max_bytes)
                self._spool.append(batch, droppable=True)
            except SpoolFullError:
                oldest = self._spool.drop_oldest() if self._spool else None
                if oldest is not None:
                    lost += oldest
                    continue
                lost += len(batch.records)
            except OSError:
                if self._spool:
                    self._spool.roll()
                lost += len(batch.records)
            break
        if lost:
            self._dropped(lost)


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
