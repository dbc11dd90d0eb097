"""Audit files on disk: append, rotation, retention, and where the chain stands after whatever happened to the writer."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import orjson

from sanitizer.audit.chain import Head, HeadFile
from sanitizer.model import Clean

MAX_LINE_BYTES = 1 << 20
_LOOK_BYTES = 1 << 16


class LedgerError(Exception):
    """Raised when an audit file cannot be opened for writing. The text names the file and the mend."""


class Found(NamedTuple):
    """What was there when a ledger was opened: heads as stored and as the last event has it, and how the last writer ended."""

    stored: Head | None
    written: Head | None
    torn_bytes: int
    """Of a line that was being written when the writer died; cut off, since nobody had been told of it."""
    is_closed: bool
    """The last event is the closing checkpoint, or there is none."""

    @property
    def is_cut_off(self) -> bool:
        """Whether the file ends before the stored head."""
        stored, written = self.stored, self.written
        return stored is not None and (written is None or (stored.chain == written.chain and stored.seq > written.seq))


class Part(NamedTuple):
    """A part that was set aside: its file, and the first and last sequence number in it."""

    path: Path
    first: int
    last: int


class Ledger:
    """An NDJSON audit file at *path*, mode 0600, of which full or old parts are set aside as `PATH.FIRST-SEQ`.

    A part is set aside at *max_bytes* or *max_age_secs*. What was appended is synced at least every *sync_secs* (None: by whoever
    calls `sync`), and the chain's head kept in `PATH.head` after it. One process writes at a time.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        max_bytes: int = 100 << 20,
        max_age_secs: float = 86_400.0,
        sync_secs: float | None = 1.0,
    ) -> None:
        self.path = Path(path)
        self._max_bytes = max_bytes
        self._max_age_secs = max_age_secs
        self._sync_secs = sync_secs
        self._heads = HeadFile(self.path.with_name(f"{self.path.name}.head"))
        self._unwritten: list[bytes] = []
        self.unwritten_bytes = 0
        """What the disk has not taken yet."""
        self._synced: Head | None = None
        self._synced_at = float("-inf")  # the first events are vouched for at once
        self._changing, self._syncing = threading.Lock(), threading.Lock()
        self._lock = self._locked()
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if _is_foreign(self._file):
                raise LedgerError(f"{self.path}: is no audit file; name another, or one that is not there yet")
            os.fchmod(self._file, 0o600)
            torn_bytes = self._mend()
            last = self._last_event()
            self.found = Found(self._heads.load_head(), _head(last), torn_bytes, not last or _closes(last))
        except OSError as error:
            raise LedgerError(f"{self.path}: the audit file cannot be opened: {error.strerror}") from None
        self.head = self.found.stored if self.found.is_cut_off else self.found.written
        """Where the chain continues; None for a new one."""
        self._opened_at = self._began()

    def append(self, events: Sequence[Clean], head: Head) -> None:
        """Write *events*, the last of which makes *head* the chain's.

        Raises `OSError`; the file then is as it was, and the events are kept for the next call (which may bring none).
        """
        self._unwritten += events
        if not self._unwritten:
            return
        data = b"\n".join(self._unwritten) + b"\n"
        self.unwritten_bytes = len(data)
        try:
            if self._size and self._size + len(data) > self._max_bytes:
                self._set_aside()
            written = 0
            while written < len(data):
                written += os.write(self._file, memoryview(data)[written:])
        except OSError as trouble:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            raise OSError(trouble.errno, trouble.strerror, str(self.path)) from None
        self._unwritten.clear()
        self.unwritten_bytes = 0
        self._size += len(data)
        self.head = head
        if self._sync_secs is not None and time.monotonic() - self._synced_at >= self._sync_secs:
            self.sync()

    def tick(self) -> None:
        """What time brings: a part that is old enough is set aside, what was appended is made durable. Raises `OSError`."""
        if self._size and time.time() - self._opened_at > self._max_age_secs:
            self._set_aside()
        if self._sync_secs is not None and time.monotonic() - self._synced_at >= self._sync_secs:
            self.sync()

    def sync(self) -> Head | None:
        """Make everything appended durable, then the head; returns it. Raises `OSError`. May run beside `append`."""
        with self._syncing:
            with self._changing:
                head, file = self.head, os.dup(self._file)
            try:
                os.fdatasync(file)
            finally:
                os.close(file)
            if head is not None and head != self._synced:
                self._heads.store_head(head)
                self._synced = head
        self._synced_at = time.monotonic()
        return head

    def outdated(self, keep_secs: float) -> list[Part]:
        """The parts whose last event was written *keep_secs* ago or earlier, oldest first. Raises `OSError`."""
        found = []
        for path in parts(self.path)[:-1]:
            if time.time() - path.stat().st_mtime < keep_secs:
                break
            found.append(Part(path, _sequence(_first_line(path)), _sequence(_last_line(path))))
        return found

    def tail(self, max_bytes: int) -> Iterator[bytes]:
        """The last lines, oldest first, that are *max_bytes* at most. Raises `OSError`."""
        sizes = [(path, path.stat().st_size) for path in parts(self.path)]
        skipped = sum(size for _, size in sizes) - max_bytes
        for path, size in sizes:
            if skipped < size:
                with path.open("rb") as file:
                    if skipped > 0:
                        file.seek(skipped - 1)
                        file.readline()  # what is left of the line there, if any
                    yield from file
            skipped -= size

    def forget(self, upto: int) -> None:
        """Delete the parts with nothing after *upto* but the last, for a file that only hands events on. Raises `OSError`."""
        for path, following in pairwise(parts(self.path)[:-1]):
            if not 0 < _sequence(_first_line(following)) <= upto + 1:
                return
            path.unlink()

    def close(self) -> None:
        """Sync and let go of the file. Raises `OSError`."""
        try:
            self.sync()
        finally:
            os.close(self._file)
            os.close(self._lock)

    def _locked(self) -> int:
        try:
            lock = os.open(self.path.with_name(f"{self.path.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise LedgerError(f"{self.path}: the audit file cannot be opened: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise LedgerError(f"{self.path}: another process writes to this audit file; give each its own") from None
        return lock

    def _mend(self) -> int:
        """Cut off a line that was being written when the writer died, which no one had been told of; its bytes."""
        size = os.lseek(self._file, 0, os.SEEK_END)
        tail = os.pread(self._file, MAX_LINE_BYTES, max(0, size - MAX_LINE_BYTES))
        torn = len(tail) - tail.rfind(b"\n") - 1
        if torn:
            os.ftruncate(self._file, size - torn)
        self._size = os.lseek(self._file, 0, os.SEEK_END)
        return torn

    def _last_event(self) -> bytes:
        return next(filter(None, map(_last_line, reversed(parts(self.path)))), b"")

    def _began(self) -> float:
        """When the current part was begun: at its first event."""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return datetime.fromisoformat(orjson.loads(_first_line(self.path))["time"]).timestamp()
        return time.time()

    def _set_aside(self) -> None:
        """Go on in a new file. Raises `OSError`; then all is as it was."""
        os.fdatasync(self._file)
        number = _sequence(_first_line(self.path))
        while (aside := self.path.with_name(f"{self.path.name}.{number:012d}")).exists():
            number += 1
        beside = self.path.with_name(f"{self.path.name}.next")
        following = os.open(beside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        os.fchmod(following, 0o600)
        os.replace(self.path, aside)
        os.replace(beside, self.path)
        with self._changing:
            os.close(self._file)
            self._file = following
        self._size, self._opened_at = 0, time.time()


def parts(path: Path) -> list[Path]:
    """The parts of the audit file at *path*, oldest first; the one that is written to last."""
    aside = [part for part in path.parent.glob(f"{_escaped(path.name)}.*") if part.name[len(path.name) + 1 :].isdigit()]
    return [*sorted(aside, key=lambda part: int(part.name[len(path.name) + 1 :])), *([path] if path.exists() else [])]


def last_head(path: Path) -> Head | None:
    """The head that the last event in the file at *path* makes; None where it holds none. Raises `OSError`."""
    return _head(_last_line(path))


def lines(paths: Sequence[Path]) -> Iterator[tuple[Path, int, bytes]]:
    """Every line of the files at *paths*, with its number. Raises `OSError`."""
    for path in paths:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                yield path, number, line.removesuffix(b"\n")


def _escaped(name: str) -> str:
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in name)


def _first_line(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.readline(MAX_LINE_BYTES)


def _last_line(path: Path) -> bytes:
    """The last line that is an event; empty where none is."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MAX_LINE_BYTES))
        return next((line for line in reversed(file.read().split(b"\n")) if _head(line) is not None), b"")


def _head(line: bytes) -> Head | None:
    with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError):
        event = orjson.loads(line)
        return Head(str(event["chain"]), int(event["seq"]), str(event["hash"]))
    return None


def _closes(line: bytes) -> bool:
    return orjson.loads(line).get("closing") is True


def _sequence(line: bytes) -> int:
    head = _head(line)
    return head.seq if head else 0


def _is_foreign(file: int) -> bool:
    """Whether *file* holds something, and that is nothing of a trail, however damaged: it is somebody else's."""
    size = os.fstat(file).st_size
    ends = os.pread(file, _LOOK_BYTES, 0), os.pread(file, _LOOK_BYTES, max(_LOOK_BYTES, size - _LOOK_BYTES))
    text = b"".join(ends).strip(b"\0\n")
    return b'"chain"' not in text and not b'{"chain"'.startswith(text)
