"""A queue of clean batches on disk, for one sink that cannot take them now.

A folder of append-only segments. Each batch is a frame

    magic 4 | payload bytes 4 | records 4 | flags 4 | payload CRC-32 4 | header CRC-32 4 | payload: zstd of msgpack

so that damage costs the frames it lies in and no others: the reader looks for the next whole frame, counts and goes on.
A file called `cursor` says where reading goes on after a restart; when it is behind or lost, batches are sent again.
"""

from __future__ import annotations

import errno
import os
import struct
import zlib
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import zstandard

from sanitizer.model import CleanBatch

MAGIC = b"\xabSPL"
HEADER = struct.Struct("<4sIIIII")
CURSOR = struct.Struct("<QQI")
DROPPABLE = 1

_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(CleanBatch)


class SpoolFullError(Exception):
    """Raised when a batch does not fit into the spool's bound."""


@dataclass(slots=True)
class Segment:
    """One file of the spool and how many bytes of it hold frames."""

    number: int
    size: int


@dataclass(frozen=True, slots=True)
class Frame:
    """Where a whole batch lies."""

    segment: int
    start: int
    end: int
    n_records: int
    flags: int


class Spool:
    """One sink's queue in *folder*, at most *max_bytes* of frames. Blocking, and for one thread at a time.

    `damaged` counts what was skipped because it was not whole: damage, or the last frame before a crash, which was never
    acknowledged.
    """

    def __init__(self, folder: Path, max_bytes: int, segment_bytes: int = 16 << 20) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._segment_bytes = max(1, min(segment_bytes, max_bytes // 4))
        self._compressor = zstandard.ZstdCompressor(level=1)
        self._decompressor = zstandard.ZstdDecompressor()
        self._writing: int | None = None
        self._segments: deque[Segment] = deque()
        self._lent: Frame | None = None
        self._head = (0, 0)
        self.damaged = 0
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._open()

    @property
    def size(self) -> int:
        """Bytes of frames that are still to be delivered (the batch that is lent counts no more)."""
        number, start = self._head
        return sum(segment.size for segment in self._segments if segment.number >= number) - start

    @property
    def n_segments(self) -> int:
        """Files on disk."""
        return len(self._segments)

    def append(self, batch: CleanBatch, *, droppable: bool = False) -> None:
        """Add *batch* at the end, in the system's hands but not yet durable: `sync` does that.

        Raises `SpoolFullError` when the bound is reached and `OSError` when the disk is; neither leaves a trace.
        """
        # memory is the limit of one payload: batches are bounded by the pipeline's windows
        payload = self._compressor.compress(_encode(replace(batch, offsets=list(batch.offsets), frames=())))
        checks = (len(payload), len(batch.records), DROPPABLE if droppable else 0, zlib.crc32(payload))
        head = HEADER.pack(MAGIC, *checks, zlib.crc32(struct.pack("<IIII", *checks)))
        if self.size + len(head) + len(payload) > self._max_bytes:
            raise SpoolFullError
        segment, writing = self._tail()
        try:
            written = os.pwritev(writing, [head, payload], segment.size)
            if written != len(head) + len(payload):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        except OSError:
            os.ftruncate(writing, segment.size)
            raise
        segment.size += written

    def roll(self) -> None:
        """Go on in a new segment: the present one cannot be written to."""
        if self._writing is not None and not self._segments[-1].size:
            os.close(self._writing)
            self._writing = None
            self._path(self._segments.pop().number).unlink(missing_ok=True)
        with suppress(OSError):
            self._close_tail()

    def sync(self) -> None:
        """Return once everything appended is durable."""
        if self._writing is not None:
            os.fdatasync(self._writing)

    def first(self) -> CleanBatch | None:
        """The oldest batch that is still to be delivered; the same one until `forget_first`."""
        for frame in self._frames() if self._lent is None else iter((self._lent,)):
            batch = self._load(frame)
            if batch is None:
                continue
            self._lent = frame
            self._head = (frame.segment, frame.end)
            return batch
        return None

    def forget_first(self) -> None:
        """The batch that `first` returned is delivered."""
        self._lent = None
        self._tidy()

    def drop_oldest(self) -> int | None:
        """Drop the oldest batch that is not lent, if it may be dropped: how many records that cost; None when it may not."""
        frame = next(self._frames(), None)
        if frame is None or not frame.flags & DROPPABLE:
            return None
        self._head = (frame.segment, frame.end)
        self._tidy()
        return frame.n_records

    def close(self) -> None:
        """Remember the place; harmless when called twice."""
        self._tidy()
        self._close_tail()

    def _open(self) -> None:
        for path in sorted(self._folder.glob("*.segment")):
            if path.stem.isdecimal():
                self._segments.append(Segment(int(path.stem), path.stat().st_size))
        number, start = self._read_cursor()
        known = {segment.number: segment.size for segment in self._segments}
        self._head = (number, min(start, known.get(number, 0)))

    def _tail(self) -> tuple[Segment, int]:
        """The segment to write to, and its descriptor. A file found at start is never appended to: its end may be torn."""
        if self._writing is not None and self._segments[-1].size < self._segment_bytes:
            return self._segments[-1], self._writing
        self._close_tail()
        segment = Segment(max(self._segments[-1].number if self._segments else 0, self._head[0]) + 1, 0)
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC
        self._writing = os.open(self._path(segment.number), flags, 0o600)
        self._segments.append(segment)
        return segment, self._writing

    def _close_tail(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            try:
                os.fdatasync(writing)
            finally:
                os.close(writing)

    def _frames(self) -> Iterator[Frame]:
        """Whole frames from the head on; what is between them was damaged, and is counted as it is passed."""
        for segment in list(self._segments):
            if segment.number < self._head[0]:
                continue
            position = self._head[1] if segment.number == self._head[0] else 0
            if position >= segment.size:
                continue
            with self._path(segment.number).open("rb") as file:
                while position < segment.size:
                    file.seek(position)
                    frame = _frame(segment, position, file.read(HEADER.size))
                    if frame is None:
                        file.seek(position)
                        position += _resume(segment, position, file.read(segment.size - position))
                        self.damaged += 1
                        self._head = (segment.number, position)
                    else:
                        position = frame.end
                        yield frame

    def _load(self, frame: Frame) -> CleanBatch | None:
        """The batch of *frame*; None when its bytes are damaged, which is counted."""
        try:
            with self._path(frame.segment).open("rb") as file:
                file.seek(frame.start)
                head = HEADER.unpack(file.read(HEADER.size))
                payload = file.read(head[1])
            if zlib.crc32(payload) == head[4]:
                return _decoder.decode(self._decompressor.decompress(payload))
        except (OSError, struct.error, zstandard.ZstdError, msgspec.MsgspecError):
            pass
        self.damaged += 1
        self._head = (frame.segment, frame.end)
        return None

    def _tidy(self) -> None:
        """Delete segments that hold nothing to deliver any more, and remember the place."""
        number, start = (self._lent.segment, self._lent.start) if self._lent else self._head
        tail = self._segments[-1].number if self._segments and self._writing is not None else None
        while self._segments:
            segment = self._segments[0]
            done = segment.number < number or (segment.number == number and start >= segment.size and segment.number != tail)
            if not done:
                break
            self._path(segment.number).unlink(missing_ok=True)
            self._segments.popleft()
        body = struct.pack("<QQ", number, start)
        try:
            with open(os.open(self._folder / "cursor", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "r+b") as file:
                file.write(CURSOR.pack(number, start, zlib.crc32(body)))
        except OSError:
            return  # sent twice after a restart, at worst

    def _read_cursor(self) -> tuple[int, int]:
        try:
            number, start, check = CURSOR.unpack((self._folder / "cursor").read_bytes())
        except (OSError, struct.error):
            return (0, 0)
        return (number, start) if check == zlib.crc32(struct.pack("<QQ", number, start)) else (0, 0)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012}.segment"


def _frame(segment: Segment, start: int, head: bytes) -> Frame | None:
    if len(head) < HEADER.size:
        return None
    magic, length, n_records, flags, payload_check, check = HEADER.unpack(head)
    if magic != MAGIC or check != zlib.crc32(struct.pack("<IIII", length, n_records, flags, payload_check)):
        return None
    end = start + HEADER.size + length
    return Frame(segment.number, start, end, n_records, flags) if end <= segment.size else None


def _resume(segment: Segment, base: int, data: bytes) -> int:
    """How far into *data*, which stands at *base* of the segment and is no frame, the next whole frame begins; else its length."""
    at = data.find(MAGIC, 1)
    while at >= 0 and not _frame(segment, base + at, data[at : at + HEADER.size]):
        at = data.find(MAGIC, at + 1)
    return len(data) if at < 0 else at
