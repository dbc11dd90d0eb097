"""One file that is being read: where, and what has become of it."""

from __future__ import annotations

import os
import time
from collections import deque
from enum import Enum
from pathlib import Path

from sanitizer.sources.file.fingerprint import HEAD_BYTES, TAIL_BYTES, Position, digest, spelled
from sanitizer.sources.file.rotated import Decompressed, compression


class Fate(Enum):
    """What became of a file since it was opened."""

    SAME = "same"
    MOVED = "moved"
    DELETED = "deleted"
    REWRITTEN = "rewritten"


class TrackedFile:
    """A lane: the open file at *path*, read from *offset* on. `offset` is how far it was read, `committed` how far that is safe.

    The descriptor stays open, so that a file that is renamed or deleted is still read to its end. Offsets of a compressed
    file count decoded bytes. `cut` says that its data end too early: it is still being written, or never was finished.
    """

    def __init__(self, path: Path, fd: int) -> None:
        self.path = path
        self.lane = self.log = ""
        self.fate = Fate.SAME
        self.hot = True
        self.done = False
        self.offset = self.committed = 0
        self.read_at = 0.0
        self._marks: deque[tuple[int, bytes]] = deque()
        self._take(fd)

    def _take(self, fd: int) -> None:
        self.fd = fd
        status = os.fstat(fd)
        self.identity = (status.st_dev, status.st_ino)
        self._size = -1
        self.changed = time.monotonic()
        self.how = compression(os.pread(fd, 6, 0))
        self.cut = False
        self._decompressed: Decompressed | None = None
        self._head = self.peek(0, HEAD_BYTES)

    @property
    def real_path(self) -> Path:
        """Where the file lies, behind symbolic links."""
        return self.path.resolve()

    @property
    def lag(self) -> int:
        """How many bytes of it, when it was last looked at, are not safe yet; of a compressed file those that were read."""
        return max(0, (self.offset if self.how else max(self._size, self.offset)) - self.committed)

    @property
    def empty(self) -> bool:
        """Whether there is nothing yet to know the file by."""
        return not self._head

    @property
    def first_line(self) -> bytes:
        """What stands at the start, as far as it will not change any more."""
        return self._head.partition(b"\n")[0]

    def begin(self, lane: str, offset: int) -> None:
        """Read on as *lane* from *offset*."""
        self.lane, self.offset, self.committed = lane, offset, offset
        tail_length = min(offset, TAIL_BYTES)
        self._marks = deque([(offset, self.peek(offset - tail_length, tail_length))])

    def begin_at_data(self, lane: str) -> None:
        """Read as *lane* from the start; a hole there holds nothing (a writer kept its place when the file was truncated)."""
        try:
            start = os.lseek(self.fd, 0, os.SEEK_DATA)
        except OSError:
            start = 0
        while self.how is None and (data := self.peek(start, 1 << 16)) and data[0] == 0:
            start += len(data) - len(data.lstrip(b"\0"))
        self.begin(lane, start)

    def move_to(self, other: TrackedFile) -> None:
        """Read on in *other*, which holds the same bytes: a copy made by rotation. Its descriptor becomes ours."""
        os.close(self.fd)
        self.path, self.fate, self.hot = other.path, Fate.SAME, True
        self._take(other.fd)

    def read(self, size: int) -> bytes:
        """Up to *size* bytes from `offset` on; empty when that is all for now, or when the file was rewritten (see `fate`).

        Raises `OSError`, and `ValueError` for damaged data.
        """
        data = self._decode(size) if self.how else self._read_on(size)
        self.hot = len(data) > 0
        self.read_at = time.monotonic()
        if data:
            self.offset += len(data)
            self._marks.append((self.offset, (self._marks[-1][1] + data[-TAIL_BYTES:])[-TAIL_BYTES:]))
            if len(self._head) < HEAD_BYTES:
                self._head = self.peek(0, HEAD_BYTES)
            self.changed = time.monotonic()
        return data

    def peek(self, offset: int, length: int) -> bytes:
        """Bytes of the (decoded) file, wherever reading is; fewer where it ends or is damaged."""
        if not self.how:
            return os.pread(self.fd, length, offset)
        stream = Decompressed(self.fd, self.how)
        found = b""
        try:
            stream.skip(offset)
            while len(found) < length and (more := stream.read(length - len(found))):
                found += more
        except (EOFError, ValueError):
            return found
        return found

    def look(self) -> Fate:
        """Find out what became of the file. Raises `OSError` when the file system does not answer."""
        status = os.fstat(self.fd)
        if status.st_size != self._size:
            self._size = status.st_size
            self.changed = time.monotonic()
            self.hot = True
        if self.how is None and (status.st_size < self.offset or not self._continues()):
            self.fate = Fate.REWRITTEN
        elif status.st_nlink == 0:
            self.fate = Fate.DELETED
        else:
            self.fate = Fate.SAME if _identity(self.path) == self.identity else Fate.MOVED
        return self.fate

    def position(self, key: bytes, *, read: bool = False) -> Position:
        """What to remember, so that reading goes on at `committed`; with *read*, what was read so far."""
        offset = self.offset if read else self.committed
        while not read and len(self._marks) > 1 and self._marks[1][0] <= offset:
            self._marks.popleft()
        end, tail = self._marks[-1] if read else self._marks[0]
        head = digest(key, self._head)
        place = (spelled(self.path), *self.identity)
        return Position(*place, offset, len(self._head), head, end, len(tail), digest(key, tail), time.time())

    def close(self) -> None:
        """Close the descriptor."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def _read_on(self, size: int) -> bytes:
        """Read together with what was read last, so that bytes of a file truncated this very moment are not taken for its rest."""
        tail = self._marks[-1][1]
        data = os.pread(self.fd, len(tail) + size, self.offset - len(tail))
        if not data.startswith(tail):
            self.fate = Fate.REWRITTEN
            return b""
        return data[len(tail) :]

    def _continues(self) -> bool:
        """Whether what stands before `offset` is still what was read."""
        end, tail = self._marks[-1]
        return not tail or os.pread(self.fd, len(tail), end - len(tail)) == tail

    def _decode(self, size: int) -> bytes:
        try:
            if self._decompressed is None:
                self._decompressed = Decompressed(self.fd, self.how or "")
                self._decompressed.skip(self.offset)
            data = self._decompressed.read(size)
        except EOFError:  # read it anew from where we are once it has grown
            self._decompressed, self.cut = None, True
            return b""
        self.cut = False
        return data


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return (status.st_dev, status.st_ino)
