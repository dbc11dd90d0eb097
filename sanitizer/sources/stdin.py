"""Read standard input as one lane, as fast as it comes, in as large pieces as are there."""

from __future__ import annotations

import asyncio
import fcntl
import os
import stat
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal

from sanitizer.model import Batch, Raw
from sanitizer.sources.options import Reading, SourceOptions

_CHUNK = 256 << 10
_STREAM_CHUNK = 128 << 10
"""Somebody may be waiting for the last line of a chunk."""
_PIPE = 1 << 20
_QUIET_SECS = 0.2
_LAST_WORDS_SECS = 5.0


class StdinSource:
    """Reads the descriptor *fd* to its end. Nothing can be read again, so `commit` has nothing to do.

    Told to stop, it goes on while the writer still writes (a dying server's last lines), and ends when that is quiet
    for 0.2 seconds, or after 5.
    """

    def __init__(self, fd: int, reading: Reading, lane: str = "stdin") -> None:
        self._fd = fd
        self._lane = lane
        self._stop = reading.stop
        self._own: int | None = None
        mode = os.fstat(fd).st_mode
        self._may_block = not stat.S_ISREG(mode)
        self._chunk = _STREAM_CHUNK if self._may_block else _CHUNK
        if stat.S_ISFIFO(mode):
            with suppress(OSError, AttributeError):  # a larger pipe saves wake-ups on both sides; not every system has it
                fcntl.fcntl(fd, fcntl.F_SETPIPE_SZ, _PIPE)
        if self._may_block:
            # O_NONBLOCK belongs to the open file, which others share: open our own, where the system lets us.
            with suppress(OSError):
                self._own = self._fd = os.open(f"/proc/self/fd/{fd}", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)

    def close(self) -> None:
        """Give back the descriptor that was opened; the one that was given stays open."""
        if self._own is not None:
            os.close(self._own)

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what comes until the input ends."""
        offset = 0
        stopping = asyncio.create_task(self._stop.wait())
        deadline = float("inf")
        try:
            while time.monotonic() < deadline:
                data = self._read() if self._own is not None or not self._may_block else None
                if data is None:
                    if not await self._readable(stopping):
                        return
                    data = self._read()
                if not data:
                    if data is None:
                        continue
                    return
                yield Batch(self._lane, Raw(data), offset, offset + len(data))
                offset += len(data)
                if self._stop.is_set() and deadline == float("inf"):
                    deadline = time.monotonic() + (_LAST_WORDS_SECS if self._may_block else 0.0)
        finally:
            stopping.cancel()

    async def commit(self, lane: str, upto: int) -> None:
        """Nothing: what was read from a pipe is gone from it."""

    def _read(self) -> bytes | None:
        """Up to a chunk of what is there; None when that is nothing yet, empty at the end."""
        try:
            return os.read(self._fd, self._chunk)
        except BlockingIOError:
            return None

    async def _readable(self, stopping: asyncio.Task[bool]) -> bool:
        """Wait for input; False when told to stop and none comes any more."""
        loop = asyncio.get_running_loop()
        readable = asyncio.Event()
        loop.add_reader(self._fd, readable.set)
        waiting = asyncio.create_task(readable.wait())
        try:
            if not stopping.done():
                await asyncio.wait((waiting, stopping), return_when=asyncio.FIRST_COMPLETED)
            if not readable.is_set():
                await asyncio.wait((waiting,), timeout=_QUIET_SECS)
            return readable.is_set()
        finally:
            waiting.cancel()
            loop.remove_reader(self._fd)


class StdinConfig(SourceOptions, frozen=True, tag="stdin"):
    """Standard input. It cannot be read twice and its writer must not be blocked (an MCP server hangs once its stderr pipe is
    full), so reading never stops: what sinks cannot take goes to the spool, and when that is full `when_full` decides: the oldest
    or the newest records are dropped, counted, or (`spool`) reading waits after all. `block` is for pipelines that would rather
    wait at once.
    """

    when_full: Literal["drop_oldest", "drop_newest", "spool", "block"] = "drop_oldest"

    @asynccontextmanager
    async def open(self, reading: Reading) -> AsyncGenerator[StdinSource]:
        """Standard input as it is when this is called. Its lane is named by the time, since offsets begin anew with each run."""
        source = StdinSource(0, reading, f"{self.name or 'stdin'}:{time.time_ns():x}")
        try:
            yield source
        finally:
            source.close()
