"""Append records to a file, one a line; rotated by size and age, compressed, and reopened when somebody else rotated it."""

from __future__ import annotations

import asyncio
import glob
import os
import stat
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Literal

from sanitizer.model import CleanBatch, Receipt, Retry
from sinks.compression import compress
from sinks.options import Bytes, Compression, Count, Seconds, SinkOptions

_TAIL = 1 << 16


class FileSink:
    """Writes whole batches: a batch that did not fit is taken back before `Retry` is raised."""

    def __init__(self, config: FileConfig) -> None:
        self._config = config
        self._path = Path(config.path)
        self._lock = asyncio.Lock()
        self._fd = -1
        self._size = 0
        self._born = 0.0
        self._fsync = config.fsync
        self._unsynced = False

    async def send(self, batch: CleanBatch) -> Receipt:
        """Return once the batch is written, and with `fsync = "batch"` on the disk."""
        async with self._lock:
            try:
                await asyncio.shield(asyncio.to_thread(self._append, batch))
            except OSError as trouble:
                raise Retry(f"{trouble.strerror or type(trouble).__name__}") from None
        return Receipt()

    async def sync(self) -> None:
        """Return once everything written by now is on the disk, unless `fsync` is `never`. What comes meanwhile need not wait."""
        if self._unsynced:
            async with self._lock:
                self._unsynced = False
                fd = os.dup(self._fd)
            try:
                await asyncio.to_thread(_sync_and_close, fd)
            except OSError:
                self._unsynced = True
                raise

    async def reopen(self) -> None:
        """Look the path up again now, so that who moved the file can compress it. (Each batch does so, too.)"""
        async with self._lock:
            await asyncio.to_thread(self._follow)

    def close(self) -> None:
        """Close the file; everything sent is in it."""
        if self._fd >= 0:
            fd, self._fd = self._fd, -1
            try:
                if self._fsync != "never":
                    os.fsync(fd)
            finally:
                os.close(fd)

    def open(self) -> None:
        """Open the file where the last run left it. What follows its last line end was cut by a crash and will be sent again."""
        config = self._config
        if config.make_folders:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(self._path, flags if config.append else flags | os.O_TRUNC, config.mode)
        status = os.fstat(self._fd)
        self._size, self._born = status.st_size, status.st_mtime if status.st_size else time.time()
        regular = stat.S_ISREG(status.st_mode)
        self._fsync = config.fsync if regular else "never"
        if self._size and regular:
            if config.compression == "none":
                self._size = _cut_torn_line(self._fd, self._size)
            else:
                self._rotate()

    def _append(self, batch: CleanBatch) -> None:
        body = compress(b"\n".join((*batch.records, b"")), self._config.compression)
        self._follow()
        if self._due(len(body)):
            self._rotate()
        try:
            rest = memoryview(body)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
            if self._fsync == "batch":
                os.fsync(self._fd)
        except OSError:
            with suppress(OSError):
                os.ftruncate(self._fd, self._size)
            raise
        self._size += len(body)
        self._unsynced = self._fsync == "checkpoint"

    def _follow(self) -> None:
        """Open the path again where it names another file than the one that is open (logrotate), or none."""
        try:
            if self._fd >= 0 and os.path.samestat(self._path.stat(), os.fstat(self._fd)):
                return
        except FileNotFoundError:
            pass
        self.close()
        self.open()

    def _due(self, n_bytes: int) -> bool:
        config = self._config
        too_large = config.max_file_bytes is not None and self._size + n_bytes > config.max_file_bytes
        too_old = config.max_file_secs is not None and time.time() - self._born > config.max_file_secs
        return self._size > 0 and (too_large or too_old)

    def _rotate(self) -> None:
        """Move the file out of the way under a name that says when, and begin anew."""
        now = time.time()
        stamp = f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime(now))}.{int(now % 1 * 1e6):06}"
        names = (f"{self._path.stem}-{stamp}{f'-{n}' if n else ''}{self._path.suffix}" for n in count())
        aside = next(path for name in names if not (path := self._path.with_name(name)).exists())
        self.close()
        self._path.rename(aside)
        self.open()
        if self._config.max_files is not None:
            pattern = f"{glob.escape(self._path.stem)}-[0-9]*T[0-9]*.[0-9]*{glob.escape(self._path.suffix)}"
            for old in sorted(self._path.parent.glob(pattern))[: -self._config.max_files]:
                old.unlink(missing_ok=True)


def _sync_and_close(fd: int) -> None:
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _cut_torn_line(fd: int, size: int) -> int:
    """Shorten the file to its last line end; its new size."""
    end = size
    while end > 0:
        start = max(0, end - _TAIL)
        found = os.pread(fd, end - start, start).rfind(b"\n")
        if found >= 0:
            end = start + found + 1
            break
        end = start
    if end < size:
        os.ftruncate(fd, end)
    return end


class FileConfig(SinkOptions, frozen=True, tag="file", kw_only=True):
    """One record a line in the file at `path`.

    `fsync`: with every `batch`, before positions are saved (`checkpoint`), or `never`. Rotated files carry the time in their
    name; the newest `max_files` of them are kept.
    """

    path: str
    append: bool = True
    mode: int = 0o600
    make_folders: bool = True
    compression: Compression = "none"
    max_file_bytes: Bytes | None = None
    max_file_secs: Seconds | None = None
    max_files: Count | None = None
    fsync: Literal["batch", "checkpoint", "never"] = "checkpoint"
    max_batch_secs: Seconds = 0.0

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[FileSink]:
        """Open the file; raises `OSError` when that is not possible."""
        sink = FileSink(self)
        await asyncio.to_thread(sink.open)
        try:
            yield sink
        finally:
            sink.close()
