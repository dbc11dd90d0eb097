"""Which files are being read, and what becomes of them. Blocking: it runs beside the event loop."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from sanitizer.process.ownlog import Named
from sanitizer.sources.file.fingerprint import matches
from sanitizer.sources.file.positions import Positions, is_same
from sanitizer.sources.file.rotated import is_rotated, originals
from sanitizer.sources.file.tracked import Fate, TrackedFile

_log = logging.getLogger(__name__)

_MAX_LOGS = 16_384
_CLOCK_SECS = 2.0
"""How far the clock of a file system may be behind ours."""


class Files:
    """The open files of one source. A lane is a content: it stays the same lane when renamed, copied away or compressed. A log is
    what is written to one path, file after file; it is named after the first lane.

    `linger_secs` is how long a file that was renamed out of sight, deleted or cut short is still watched for more.
    """

    def __init__(self, positions: Positions, linger_secs: float) -> None:
        self._positions = positions
        self._linger_secs = linger_secs
        self._open: dict[tuple[int, int], TrackedFile] = {}
        self._lanes: dict[str, TrackedFile] = {}
        self._by_path: dict[Path, list[TrackedFile]] = {}
        self._logs: dict[Path, str] = {}
        self._passed: dict[tuple[int, int], int] = {}
        self._troubles: dict[Path, str] = {}
        self._ended: list[TrackedFile] = []
        self._generation = 0
        self._scanned = time.time()

    def __iter__(self) -> Iterator[TrackedFile]:
        return iter(list(self._open.values()))

    def scan(self, paths: Sequence[Path], *, first: bool = False, at_end: bool = False) -> None:
        """Begin with what is new among *paths* (plain files *at_end*), and take leave of what is finished.

        Beside a file that was rotated since the last scan (for the *first* one: since the last run) lies what rotation made of
        it, and perhaps files that came and were rotated in between: they are known by having changed since.
        """
        listed: set[tuple[int, int]] = set()
        since = self._scanned
        self._scanned = time.time()
        self.look()
        self._by_path.clear()
        for file in self:
            self._by_path.setdefault(file.path, []).append(file)
        for path in paths:
            self._visit(path, listed, at_end=at_end)
        rotated = {file.path: since for file in self if file.fate in {Fate.MOVED, Fate.DELETED}}
        for position in self._positions if first else ():
            for original in (Path(position.path).with_name(name) for name in originals(Path(position.path).name)):
                rotated[original] = max(position.seen, rotated.get(original, 0.0))
            self._visit(Path(position.path), listed, only_known=True)
        for original, changed in rotated.items():
            for path in reversed(_rotations(original)):
                fresh = is_rotated(path.name, original.name) and _changed(path) > changed - _CLOCK_SECS
                self._visit(path, listed, only_known=not fresh, log_path=original)
        self._passed = {identity: size for identity, size in self._passed.items() if identity in listed}
        for file in self:
            self._take_leave(file, listed=file.identity in listed)

    def look(self) -> None:
        """See what has changed in the open files."""
        for file in self:
            try:
                file.look()
                self.mend(file)
            except OSError as trouble:
                self.complain(file.path, trouble.strerror or type(trouble).__name__)

    def mend(self, file: TrackedFile) -> None:
        """Where *file* was truncated: the rest of what it held may be in a copy; what it holds now is another lane."""
        if file.fate is Fate.REWRITTEN and not file.done:
            self._begin_again(file)

    def finish(self, file: TrackedFile) -> None:
        """Nothing more will be read from *file*."""
        self._open.pop(file.identity, None)
        with suppress(OSError):
            self._passed[file.identity] = os.fstat(file.fd).st_size
        self._end(file)

    def ended(self) -> list[TrackedFile]:
        """The files of which nothing more will be read, since the last call."""
        ended, self._ended = self._ended, []
        return ended

    def commit(self, lane: str, upto: int) -> None:
        """Everything of *lane* before *upto* is safe."""
        if file := self._lanes.get(lane):
            file.committed = max(upto, file.committed)
            self._positions.save(file)
            self._retire(file)

    def refresh(self) -> None:
        """Say of every open file that it was seen, and drop the positions of those that were not for long."""
        for file in list(self._lanes.values()):
            self._positions.save(file)
        self._positions.forget_old()

    def close(self) -> None:
        """Close every file."""
        for file in self:
            file.close()

    def complain(self, path: Path, trouble: str) -> None:
        """Say what is the matter with *path*, once until something else is."""
        if self._troubles.get(path) != trouble:
            self._troubles[path] = trouble
            _log.warning("%s: %s", Named(path), trouble)

    def _visit(
        self,
        path: Path,
        listed: set[tuple[int, int]],
        *,
        at_end: bool = False,
        only_known: bool = False,
        log_path: Path | None = None,
    ) -> None:
        try:
            status = path.stat()
            identity = (status.st_dev, status.st_ino)
            listed.add(identity)
            if file := self._open.get(identity):
                if file.fate is Fate.MOVED and not only_known:
                    file.path = path
            elif status.st_size and self._passed.get(identity) != status.st_size:
                self._begin(path, log_path or path, at_end=at_end, only_known=only_known)
        except OSError as trouble:
            if not isinstance(trouble, FileNotFoundError):
                self.complain(path, trouble.strerror or type(trouble).__name__)

    def _begin(self, path: Path, log_path: Path, *, at_end: bool, only_known: bool) -> None:
        file = TrackedFile(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY | os.O_NONBLOCK))
        known = self._positions.find(file)
        original = None if known else self._original(file)
        if file.empty or original or (only_known and not known):
            if original:
                self._passed[file.identity] = os.fstat(file.fd).st_size
            file.close()
            return
        if known:
            self._positions.take(known[0])
            self._follow(file, log_path, known[0], known[1].offset)
        else:
            start = os.fstat(file.fd).st_size if at_end and file.how is None else None
            self._follow(file, log_path, self._positions.new_lane(file, self._generation), start)

    def _follow(self, file: TrackedFile, log_path: Path, lane: str, offset: int | None) -> None:
        if offset is None:
            file.begin_at_data(lane)
        else:
            file.begin(lane, offset)
        file.log = self._log(log_path, lane)
        self._open[file.identity] = self._lanes[lane] = file
        self._positions.save(file)

    def _log(self, path: Path, lane: str) -> str:
        """The log that was at *path* before; where none was, one that begins with *lane*."""
        log = self._logs[path] = self._logs.pop(path, lane)
        if len(self._logs) > _MAX_LOGS:
            del self._logs[next(iter(self._logs))]
        return log

    def _original(self, file: TrackedFile) -> TrackedFile | None:
        """The open file that *file* is a copy of, made by rotation: it holds nothing new while the original is there."""
        key = self._positions.key
        for name in originals(file.path.name) - {file.path.name}:
            for other in self._by_path.get(file.path.with_name(name), ()):
                if is_same(key, file, other.position(key, read=True)):
                    return other
        return None

    def _begin_again(self, file: TrackedFile) -> None:
        fresh = TrackedFile(file.path, os.dup(file.fd))
        was = file.position(self._positions.key, read=True)
        del self._open[file.identity]
        for path in _rotations(file.path):
            copy = TrackedFile(path, os.open(path, os.O_RDONLY | os.O_CLOEXEC))
            if copy.identity not in {file.identity, *self._open} and matches(self._positions.key, copy.peek, was):
                file.move_to(copy)
                self._open[file.identity] = file
                break
            copy.close()
        else:
            _log.info("%s was truncated, and no copy of what it held is beside it", Named(file.path))
            self._end(file)
        self._generation = time.time_ns()
        if fresh.empty:
            fresh.close()
        else:
            self._follow(fresh, fresh.path, self._positions.new_lane(fresh, self._generation), None)

    def _take_leave(self, file: TrackedFile, *, listed: bool) -> None:
        if file.hot:
            return
        idle = time.monotonic() - file.changed > self._linger_secs
        if (file.how and not file.cut) or (idle and (file.cut or file.fate is Fate.DELETED or not listed)):
            self.finish(file)

    def _end(self, file: TrackedFile) -> None:
        file.done = True
        file.close()
        self._ended.append(file)
        self._retire(file)

    def _retire(self, file: TrackedFile) -> None:
        """Once all of a finished file is safe, only its position is kept."""
        if file.done and file.committed >= file.offset:
            self._lanes.pop(file.lane, None)
            self._positions.keep(file.lane, file.position(self._positions.key))


def _rotations(path: Path) -> list[Path]:
    """Files beside *path* that rotation may have made of it, the newest first."""
    try:
        names = os.listdir(path.parent)
    except OSError:
        return []
    found = [path.parent / name for name in names if name != path.name and path.name in originals(name)]
    return sorted(filter(Path.is_file, found), key=_changed, reverse=True)


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
