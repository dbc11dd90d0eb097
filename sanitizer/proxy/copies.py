"""Copies of what passes, on their way to the process that looks at them. Nobody waits for one: what finds no room is counted."""

from __future__ import annotations

import os
import struct
import threading
import time
from collections import deque
from queue import SimpleQueue
from typing import NamedTuple

STDERR, CLIENT, SERVER = range(3)
"""Lanes: the server's standard error, its client's frames, its own frames."""

GAP = 0x80
"""Marks a message that stands for what was lost of its lane: its body is the number of lines, 8 bytes."""

HEADER = struct.Struct("<BIq")
"""lane 1 | bytes of the body 4 | nanoseconds since the epoch 8"""

COUNT = struct.Struct("<Q")
_OVERHEAD_BYTES = 256
_GATHER_SECS = 0.002
_MAX_PIECES = 256


SEEN, DONE = b"s", b"."


class Ends(NamedTuple):
    """What a listener is given: descriptors.

    It reads copies from `channel`, and says on `ready` once whether calls are to be copied. `life` tells it the server's pid on a
    line, then `SEEN` when signals that wait for it are of no more use, and, by ending without `DONE`, that the process which passes
    bytes on was killed.
    """

    channel: int
    ready: int
    life: int

    def begin(self, *, wants_calls: bool) -> None:
        """Let the server start."""
        os.write(self.ready, b"+" if wants_calls else b"-")
        os.close(self.ready)


class Copies:
    """Writes messages to the descriptor *fd* from a thread of its own. Each lane has one thread that calls `put`.

    Of each lane at most *max_bytes* wait. Once *fd* has no reader any more, everything is lost, and `broken` says so.
    """

    def __init__(self, fd: int, max_bytes: int = 32 << 20) -> None:
        self._fd = fd
        self._max_bytes = max_bytes
        self._waiting: deque[tuple[int, int, bytes]] = deque()
        self._wakes: SimpleQueue[None] = SimpleQueue()
        self._is_idle = False
        self._is_closed = False
        # Each counter has one thread that writes it, so none needs a lock.
        self._put = [0, 0, 0]
        self._taken = [0, 0, 0]
        self._lost = [0, 0, 0]
        self.broken = False
        self._thread = threading.Thread(target=self._write_forever, name="copies", daemon=True)
        self._thread.start()

    def put(self, lane: int, data: bytes) -> None:
        """Take a copy of *data*, or count it as lost. Returns at once."""
        weight = len(data) + _OVERHEAD_BYTES
        if self.broken or self._put[lane] - self._taken[lane] + weight > self._max_bytes:
            self._lost[lane] += data.count(b"\n") or 1
            return
        now_ns = time.time_ns()
        if self._lost[lane]:
            self._waiting.append((lane | GAP, now_ns, COUNT.pack(self._lost[lane])))
            self._lost[lane] = 0
        self._put[lane] += weight
        self._waiting.append((lane, now_ns, data))
        self._wake()

    def close(self) -> None:
        """Say that nothing more will be put, and what is lost until now; what waits is still written."""
        for lane, lost in enumerate(self._lost):
            if lost:
                self._waiting.append((lane | GAP, time.time_ns(), COUNT.pack(lost)))
        self._is_closed = True
        self._wake()

    def _wake(self) -> None:
        if self._is_idle:
            self._is_idle = False
            self._wakes.put(None)

    def _write_forever(self) -> None:
        """Write what waits, then leave the interpreter to those who pass bytes on for a while: a lock that they share."""
        while not (self._is_closed and not self._waiting):
            self._is_idle = True
            if not self._waiting and not self._is_closed:
                self._wakes.get()
                time.sleep(_GATHER_SECS)
            self._is_idle = False
            while taken := [self._waiting.popleft() for _ in range(min(len(self._waiting), _MAX_PIECES))]:
                self._write(taken)
        os.close(self._fd)

    def _write(self, taken: list[tuple[int, int, bytes]]) -> None:
        if not self.broken:
            pieces = [piece for lane, time_ns, data in taken for piece in (HEADER.pack(lane, len(data), time_ns), data)]
            try:
                _write_all(self._fd, pieces)
            except OSError:
                self.broken = True
        for lane, _, data in taken:
            if not lane & GAP:
                self._taken[lane] += len(data) + _OVERHEAD_BYTES


def _write_all(fd: int, pieces: list[bytes]) -> None:
    rest = [memoryview(piece) for piece in pieces]
    while rest:
        written = os.writev(fd, rest)
        while rest and written >= len(rest[0]):
            written -= len(rest.pop(0))
        if written:
            rest[0] = rest[0][written:]


class Messages:
    """Takes the other end's bytes, cut anywhere, apart again."""

    def __init__(self) -> None:
        self._held = b""

    def feed(self, data: bytes) -> list[tuple[int, int, bytes]]:
        """The messages that *data* completes: lane, time, body."""
        held = self._held + data
        found, at = [], 0
        while len(held) - at >= HEADER.size:
            lane, size, time_ns = HEADER.unpack_from(held, at)
            end = at + HEADER.size + size
            if end > len(held):
                break
            found.append((lane, time_ns, held[at + HEADER.size : end]))
            at = end
        self._held = held[at:]
        return found
