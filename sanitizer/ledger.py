"""Audit files on disk: append, rotation, retention, and where the chain stands after whatever happened to the writer."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

import orjson

from sanitizer.chain import Head, HeadFile
from sanitizer.model import Clean

MAX_LINE_BYTES = 1 << 20


class LedgerError(Exception):
    """Raised when an audit file cannot be opened for writing. The text names the file and the mend."""


class Ledger:
    """An NDJSON audit file at *path*, mode 0600, of which full or old parts are set aside as `PATH.FIRST-SEQ`.

    A part is set aside at *max_bytes* or *max_age_secs*, and deleted *keep_secs* after its last event (None: never). What was
    appended is synced at least every *sync_secs*, and the chain's head kept in `PATH.head` after it. One process writes at a time.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        max_bytes: int = 100 << 20,
        max_age_secs: float = 86_400.0,
        keep_secs: float | None = None,
        sync_secs: float = 1.0,
    ) -> None:
        self._path = Path(path)
        self._max_bytes = max_bytes
        self._max_age_secs = max_age_secs
        self._keep_secs = keep_secs
        self._sync_secs = sync_secs
        self._heads = HeadFile(self._path.with_name(f"{self._path.name}.head"))
        self._unwritten: list[bytes] = []
        self._synced_at = -sync_secs  # the first events are vouched for at once
        self._lock = self._locked()
        try:
            self._file = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
            os.fchmod(self._file, 0o600)
            self.torn_bytes = self._mend()
            stored, written = self._heads.load_head(), self._last_head()
        except OSError as error:
            raise LedgerError(f"{self._path}: the audit file cannot be opened: {error.strerror}") from None
        self.head = max(filter(None, (stored, written)), key=lambda head: head.seq, default=None)
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
        if self._size and (self._size + len(data) > self._max_bytes or time.time() - self._opened_at > self._max_age_secs):
            self._set_aside()
        try:
            written = 0
            while written < len(data):
                written += os.write(self._file, data[written:])
        except OSError:
            os.ftruncate(self._file, self._size)
            os.lseek(self._file, self._size, os.SEEK_SET)
            raise
        self._unwritten.clear()
        self._size += len(data)
        self.head = head
        if time.monotonic() - self._synced_at >= self._sync_secs:
            self.sync()

    def sync(self) -> None:
        """Make everything appended durable, then the head. Raises `OSError`."""
        os.fsync(self._file)
        if self.head is not None:
            self._heads.store_head(self.head)
        self._synced_at = time.monotonic()

    def retire(self) -> tuple[int, int] | None:
        """Delete the parts that are older than they are kept; the first and last sequence number that went, if any."""
        if self._keep_secs is None:
            return None
        gone: tuple[int, int] | None = None
        for part in parts(self._path)[:-1]:
            if time.time() - part.stat().st_mtime < self._keep_secs:
                break
            first, last = _sequence(_first_line(part)), _sequence(_last_line(part))
            part.unlink()
            gone = (gone[0] if gone else first, last)
        return gone

    def close(self) -> None:
        """Sync and let go of the file. Raises `OSError`."""
        try:
            self.sync()
        finally:
            os.close(self._file)
            os.close(self._lock)

    def _locked(self) -> int:
        try:
            lock = os.open(self._path.with_name(f"{self._path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise LedgerError(f"{self._path}: the audit file cannot be opened: {error.strerror}") from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            raise LedgerError(f"{self._path}: another process writes to this audit file; give each its own") from None
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

    def _last_head(self) -> Head | None:
        for part in reversed(parts(self._path)):
            if (head := _head(_last_line(part))) is not None:
                return head
        return None

    def _began(self) -> float:
        """When the current part was begun: at its first event."""
        with contextlib.suppress(ValueError, KeyError, TypeError):
            return datetime.fromisoformat(orjson.loads(_first_line(self._path))["time"]).timestamp()
        return time.time()

    def _set_aside(self) -> None:
        os.fsync(self._file)
        name = f"{self._path.name}.{_sequence(_first_line(self._path)):012d}"
        os.replace(self._path, self._path.with_name(name))
        os.close(self._file)
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        self._size, self._opened_at = 0, time.time()


def parts(path: Path) -> list[Path]:
    """The parts of the audit file at *path*, oldest first; the one that is written to last."""
    aside = [part for part in path.parent.glob(f"{_escaped(path.name)}.*") if part.name[len(path.name) + 1 :].isdigit()]
    return [*sorted(aside, key=lambda part: int(part.name[len(path.name) + 1 :])), *([path] if path.exists() else [])]


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
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - MAX_LINE_BYTES))
        return file.read().removesuffix(b"\n").rpartition(b"\n")[2]


def _head(line: bytes) -> Head | None:
    with contextlib.suppress(orjson.JSONDecodeError, KeyError, TypeError):
        event = orjson.loads(line)
        return Head(str(event["chain"]), int(event["seq"]), str(event["hash"]))
    return None


def _sequence(line: bytes) -> int:
    head = _head(line)
    return head.seq if head else 0
