"""Write records to standard output, one a line. It never blocks the loop, and ends the run when the reader has gone."""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import select
import stat
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from sanitizer.model import CleanBatch, Receipt
from sinks.options import Seconds, SinkOptions

_log = logging.getLogger(__name__)

_FULL = (errno.ENOSPC, errno.EDQUOT)
_ROOM_SECS, _TELL_SECS = 0.5, 60.0
_SURE = select.PIPE_BUF
"""How much a pipe that polls as writable takes without blocking."""


class StdoutSink:
    """Writes to the descriptor *fd*. Raises `BrokenPipeError` when nobody reads any more.

    A full disk is waited for until `patient_until` (of the monotonic clock; by default it is not); then the `OSError` is raised.
    """

    def __init__(self, fd: int, patient_until: float = 0.0) -> None:
        self.patient_until = patient_until
        self._told_at = float("-inf")
        mode = os.fstat(fd).st_mode
        self._fd = fd
        self._own: int | None = None
        self._owed = b""
        self._may_block = not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))
        if self._may_block:
            # O_NONBLOCK belongs to the open file, which others share (a shell's terminal): open our own, where the system lets us.
            try:
                self._own = self._fd = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
            except OSError:
                self._own = None

    def close(self) -> None:
        """Give back the descriptor that was opened; the one that was given stays open."""
        if self._own is not None:
            os.close(self._own)

    async def send(self, batch: CleanBatch) -> Receipt:
        """Return once the system has taken every byte. When cancelled, the line that was cut is completed by the next call."""
        text = b"\n".join((self._owed, *batch.records, b"")) if self._owed else b"\n".join((*batch.records, b""))
        rest = memoryview(text)
        try:
            while rest:
                try:
                    rest = rest[self._write(rest) :]
                except BlockingIOError:
                    await self._writable()
                except OSError as trouble:
                    if trouble.errno not in _FULL or time.monotonic() >= self.patient_until:
                        raise
                    await self._room(trouble)
        finally:
            self._owed = bytes(rest).partition(b"\n")[0] if rest and len(rest) < len(text) else b""
        return Receipt()

    def _write(self, rest: memoryview) -> int:
        if self._own is None and self._may_block:
            if not select.select([], [self._fd], [], 0)[1]:
                raise BlockingIOError
            return os.write(self._fd, rest[:_SURE])
        return os.write(self._fd, rest)

    async def _room(self, trouble: OSError) -> None:
        if time.monotonic() - self._told_at >= _TELL_SECS:
            self._told_at = time.monotonic()
            _log.error("standard output takes nothing (%s); it is tried again", trouble.strerror)
        await asyncio.sleep(_ROOM_SECS)

    async def _writable(self) -> None:
        loop = asyncio.get_running_loop()
        writable = asyncio.Event()
        loop.add_writer(self._fd, writable.set)
        try:
            await writable.wait()
        finally:
            loop.remove_writer(self._fd)


class StdoutConfig(SinkOptions, frozen=True, tag="stdout"):
    """One record a line on standard output."""

    max_batch_secs: Seconds = 0.0
    timeout_secs: float | None = None

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[StdoutSink]:
        """Standard output as it is when this is called."""
        if sys.stdout:  # none where it was closed
            sys.stdout.flush()
        sink = StdoutSink(1, float("inf"))
        try:
            yield sink
        finally:
            sink.close()
