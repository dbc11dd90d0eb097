"""Append records to a file, one a line; rotated by size and age, compressed, and reopened when somebody else rotated it."""

from __future__ import annotations

import asyncio
import glob
import os
import stat
import threading
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
_MOST_KEPT = 8 << 20
"""Bytes that may be written and not on the disk yet."""


class FileSink:
    """Writes whole batches: a batch that did not fit is taken back before `Retry` is raised.

    What was written is kept until it is on the disk: when a sync fails, the system may have thrown it away and call the next sync a
    success (fsync(2)), so then it is written again.
    """

    def __init__(self, config: FileConfig) -> None:
        self._config = config
        self._path = Path(config.path)
        self._lock = asyncio.Lock()
        self._fd = -1
        self._size = self._sure = 0
        self._kept: list[bytes] = []
        self._doubtful = False
        self._syncing = threading.Lock()
        self._born = 0.0
        self._fsync = config.fsync

    async def send(self, batch: CleanBatch) -> Receipt:
        """Return once the batch is written, and with `fsync = "batch"` on the disk."""
        async with self._lock:
            try:
                await asyncio.shield(asyncio.to_thread(self._append, batch))
            except OSError as trouble:
                raise Retry(f"{trouble.strerror or type(trouble).__name__}") from None
        return Receipt()

    async def sync(self) -> None:
        """Return once everything written by now is on the disk, unless `fsync` is `never`. What comes meanwhile need not wait.

        Raises `OSError`; then the next call writes it again.
        """
        if self._doubtful:
            async with self._lock:
                await asyncio.to_thread(self._settle)
        elif self._kept:
            async with self._lock:
                fd, kept, count, size = os.dup(self._fd), self._kept, len(self._kept), self._size
            await asyncio.to_thread(self._sync, fd, kept, count, size)

    async def reopen(self) -> None:
        """Look the path up again now, so that who moved the file can compress it. (Each batch does so, too.)"""
        async with self._lock:
            await asyncio.to_thread(self._follow)

    def close(self) -> None:
        """Close the file; everything sent is in it, and on the disk."""
        if self._fd >= 0:
            try:
                self._settle()
            finally:
                os.close(self._fd)
                self._fd = -1

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
        self._sure = self._size

    def _append(self, batch: CleanBatch) -> None:
        body = compress(b"\n".join((*batch.records, b"")), self._config.compression)
        if self._doubtful:
            self._settle()
        self._follow()
        if self._due(len(body)):
            self._rotate()
        before = self._size
        try:
            self._write(body)
            self._size += len(body)
            if self._fsync == "checkpoint":
                self._kept.append(body)
            if self._fsync == "batch" or self._size - self._sure > _MOST_KEPT:
                self._settle()
        except OSError:
            self._size = before
            if self._kept and self._kept[-1] is body:
                self._kept.pop()
            with suppress(OSError):
                self._cut(before)
            raise

    def _write(self, body: bytes) -> None:
        rest = memoryview(body)
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def _cut(self, size: int) -> None:
        os.ftruncate(self._fd, min(size, os.fstat(self._fd).st_size))  # somebody may have cut it shorter (copytruncate)

    def _sync(self, fd: int, kept: list[bytes], count: int, size: int) -> None:
        """Sync *fd*, then close it: *count* of the *kept*, up to *size*, are on the disk then."""
        with self._syncing:
            try:
                os.fsync(fd)
            except OSError:
                self._doubtful = kept is self._kept
                raise
            finally:
                os.close(fd)
            if kept is self._kept:
                del kept[:count]
                self._sure = size

    def _settle(self) -> None:
        """Have everything on the disk; where that failed before, write it again first. Raises `OSError`."""
        if self._fsync == "never":
            return
        with self._syncing:
            if self._doubtful:
                self._cut(self._sure)
                for body in self._kept:
                    self._write(body)
            self._doubtful = bool(self._kept)
            os.fsync(self._fd)
            self._kept, self._sure, self._doubtful = [], self._size, False

    def _follow(self) -> None:
        """Open the path again where it names another file than the one that is open (logrotate), or none."""
        try:
            if self._fd >= 0 and os.path.samestat(self._path.stat(), os.fstat(self._fd)):
                return
        except FileNotFoundError:
            pass
        self._leave()
        self.open()

    def _leave(self) -> None:
        """Go to another file once everything is safe in this one. Raises `OSError`, and stays."""
        if self._fd >= 0:
            self._settle()
            self.close()

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
        self._leave()
        self._path.rename(aside)
        self.open()
        if self._config.max_files is not None:
            pattern = f"{glob.escape(self._path.stem)}-[0-9]*T[0-9]*.[0-9]*{glob.escape(self._path.suffix)}"
            for old in sorted(self._path.parent.glob(pattern))[: -self._config.max_files]:
                old.unlink(missing_ok=True)


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
