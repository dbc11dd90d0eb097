"""Read log files: those that a pattern finds now and later, through every kind of rotation, or once from start to end."""

from __future__ import annotations

import asyncio
import os
import resource
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Annotated, Literal

from msgspec import Meta

from sanitizer.model import Batch, Raw
from sanitizer.sources.file.discovery import Watch, expand, folders
from sanitizer.sources.file.files import Files
from sanitizer.sources.file.fingerprint import spelled
from sanitizer.sources.file.positions import Positions
from sanitizer.sources.file.tracked import TrackedFile
from sanitizer.sources.options import Reading, SourceOptions
from sanitizer.sources.stdin import StdinSource

_CHUNK = 256 << 10
_ROUND = 1 << 20
_ACTIVE_SECS = 2.0
_GLANCE_SECS = 0.02
_REFRESH_SECS = 600.0
_QUIET_SECS = 0.2
_LAST_WORDS_SECS = 5.0
_MAX_OPEN_FILES = 65_536


class FileSource:
    """Reads files whose paths match, each as a lane of its own. `attributes["path"]` of a batch is where its file lies."""

    def __init__(self, config: FileConfig, reading: Reading) -> None:
        name = config.name or "file"
        self._config = config
        self._reading = reading
        self.resumes = not reading.once
        self._positions = Positions(name, reading.checkpoints, config.forget_secs)
        self._files = Files(self._positions, config.linger_secs)
        if config.start == "beginning":
            self._positions.clear()

    async def batches(self) -> AsyncIterator[Batch]:
        """Yield what the files hold; endlessly unless reading once, or told to stop: then what is there by that time."""
        async with aclosing(self._once() if self._reading.once else self._follow()) as batches:
            async for batch in batches:
                yield batch

    async def commit(self, lane: str, upto: int) -> None:
        """Go on after *upto* when the file is opened again."""
        self._files.commit(lane, upto)

    def lag(self) -> dict[str, float]:
        """Bytes of the open files that are not safe yet, by the source's name."""
        return {self._config.name or "file": sum(file.lag for file in self._files)}

    def close(self) -> None:
        """Close every file."""
        self._files.close()

    async def _once(self) -> AsyncGenerator[Batch]:
        """File after file, in the order of the configuration."""
        for pattern in self._config.paths:
            if await asyncio.to_thread(_is_stream, pattern):
                async for batch in self._stream(pattern):
                    yield batch
                continue
            paths = await asyncio.to_thread(expand, [pattern], self._config.exclude)
            if not paths:
                self._files.complain(Path(pattern), "no such file")
            await asyncio.to_thread(self._files.scan, paths, first=True)
            while files := list(self._files):
                while (data := await asyncio.to_thread(self._read, files[0])) and not self._reading.stop.is_set():
                    yield data
                self._files.finish(files[0])
                for end in self._ends():
                    yield end
                if self._reading.stop.is_set():
                    return

    async def _stream(self, path: str) -> AsyncGenerator[Batch]:
        """A named pipe, or what a shell gives for `<(command)`."""
        lane = f"{self._config.name or 'file'}:{spelled(Path(path))}"
        source = StdinSource(os.open(path, os.O_RDONLY | os.O_CLOEXEC), self._reading, lane)
        async for batch in source.batches():
            yield batch

    async def _follow(self) -> AsyncGenerator[Batch]:
        watch = Watch()
        first, scan_at, refresh_at, quiet_at, deadline = True, 0.0, 0.0, 0.0, float("inf")
        try:
            while True:
                now = time.monotonic()
                stopping = self._reading.stop.is_set()
                if now >= scan_at or stopping:
                    paths = await asyncio.to_thread(self._scan, first=first)
                    watch.follow(await asyncio.to_thread(folders, self._config.paths, paths))
                    first = False
                    scan_at = time.monotonic() + max(self._config.poll_secs, 10 * (time.monotonic() - now))
                if now >= refresh_at:
                    self._files.refresh()
                    refresh_at = now + _REFRESH_SECS
                batches = await asyncio.to_thread(self._round)
                for batch in batches:
                    yield batch
                if stopping:
                    deadline = min(deadline, now + _LAST_WORDS_SECS)
                    quiet_at = now + _QUIET_SECS if batches or not quiet_at else quiet_at
                    if now >= min(quiet_at, deadline):
                        return
                if not batches and await self._wait(watch, scan_at):
                    scan_at = 0.0
        finally:
            await watch.close()

    async def _wait(self, watch: Watch, scan_at: float) -> bool:
        """Wait for something to do; whether files may have come or gone."""
        now = time.monotonic()
        active = any(now - file.changed < _ACTIVE_SECS for file in self._files)
        secs = _GLANCE_SECS if active or self._reading.stop.is_set() else max(0.0, scan_at - now)
        hints = await watch.wait(min(secs, 0.2))
        known = {str(file.real_path): file for file in self._files} if hints else {}
        for hint in hints:
            if file := known.get(hint):
                file.changed = time.monotonic()
        return any(hint not in known for hint in hints)

    def _scan(self, *, first: bool) -> list[Path]:
        paths = expand(self._config.paths, self._config.exclude)
        self._files.scan(paths, first=first, at_end=first and self._config.start == "end" and self._positions.first_run)
        return paths

    def _round(self) -> list[Batch]:
        """A piece of each file that has something new, up to a bound: the next round goes on with the others.

        Of the files of one log, what came later waits while there is much of what came before.
        """
        batches: list[Batch] = []
        n_bytes = 0
        now = time.monotonic()
        turns: dict[str, float] = {}
        for file in self._files:
            turns[file.log] = min(file.read_at, turns.get(file.log, file.read_at))
        begun: set[str] = set()
        for file in sorted(self._files, key=lambda file: turns[file.log]):
            if file.log in begun or not (file.hot or now - file.changed < _ACTIVE_SECS):
                continue
            if batch := self._read(file):
                if len(batch.data) >= _CHUNK or file.how:
                    begun.add(file.log)
                batches.append(batch)
                n_bytes += len(batch.data)
                if n_bytes >= _ROUND:
                    break
        return batches + self._ends()

    def _ends(self) -> list[Batch]:
        ended = self._files.ended()
        for file in ended:
            if file.cut:
                self._tell_damage(file, "its compressed data end too early")
        return [Batch(file.lane, Raw(b""), file.offset, file.offset, log=file.log) for file in ended]

    def _tell_damage(self, file: TrackedFile, what: str) -> None:
        self._files.complain(file.path, what)
        self._reading.count("files_damaged", 1)

    def _read(self, file: TrackedFile) -> Batch | None:
        offset = file.offset
        try:
            data = file.read(_CHUNK)
            self._files.mend(file)
        except OSError as trouble:
            self._files.complain(file.path, trouble.strerror or type(trouble).__name__)
            return None
        except ValueError as trouble:
            self._tell_damage(file, str(trouble))
            self._files.finish(file)
            return None
        facts = {"path": spelled(file.path)}
        return Batch(file.lane, Raw(data), offset, file.offset, attributes=facts, log=file.log) if data else None


def _is_stream(path: str) -> bool:
    return os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)


class FileConfig(SourceOptions, frozen=True, tag="file", kw_only=True):
    """Log files by pattern (`**` crosses folders), also compressed ones (gzip, zstd, bzip2, xz).

    `start`: `checkpoint` goes on where the last run ended and reads files it does not know from their beginning; `beginning`
    reads everything again; `end` leaves out what is there when the first run starts, and goes on like `checkpoint`. Where inotify
    does not reach (network file systems), changes are seen within `poll_secs`. A file that was renamed out of sight or deleted is
    watched for `linger_secs` more, and its position is kept for `forget_secs`.
    """

    paths: Annotated[tuple[Annotated[str, Meta(min_length=1)], ...], Meta(min_length=1)]
    exclude: tuple[str, ...] = ()
    start: Literal["checkpoint", "beginning", "end"] = "checkpoint"
    poll_secs: Annotated[float, Meta(gt=0)] = 1.0
    linger_secs: Annotated[float, Meta(ge=0)] = 60.0
    forget_secs: Annotated[float, Meta(ge=0)] = 86_400.0

    @asynccontextmanager
    async def open(self, reading: Reading) -> AsyncGenerator[FileSource]:
        """Files are opened as they are found."""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = _MAX_OPEN_FILES if hard == resource.RLIM_INFINITY else min(hard, _MAX_OPEN_FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            with suppress(OSError, ValueError):  # then fewer files can be followed at a time
                resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        source = FileSource(self, reading)
        try:
            yield source
        finally:
            source.close()
