"""Frames off a stdio connection as it passes: bytes cut anywhere in, facts out; it never raises and never holds much."""

from __future__ import annotations

import msgspec

from sanitizer.audit.glimpse import GLIMPSE_BYTES, glimpse
from sanitizer.protocol.mcp import Asked, Direction, Frame
from sanitizer.protocol.params import Params

MAX_FRAME_BYTES = 4 << 20
_JSON_STARTS = (b"{", b"[")


class Tap:
    """One direction of one connection. MCP's stdio transport is a line of JSON for each message; anything else is noise.

    Of a message of more than *max_frame_bytes* only the two ends are kept: it becomes a frame without a params hash.
    """

    __slots__ = ("_direction", "_head", "_held", "_max", "_size", "_tail", "failed", "oversized", "params")

    def __init__(self, params: Params, direction: Direction, max_frame_bytes: int = MAX_FRAME_BYTES) -> None:
        self.params = params
        self._direction: Direction = direction
        self._max = max_frame_bytes
        self._held: list[bytes] = []
        self._size = 0
        self._head = b""
        self._tail = b""
        self.oversized = 0
        """Messages of which only the ends were looked at."""
        self.failed = 0
        """Messages that could not be understood, though they looked like some."""

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that *data* completes."""
        *whole, rest = data.split(b"\n")
        frames: list[Frame] = []
        for line in whole:
            frames += self._finish(line) if self._size else self._read(line)
        if rest:
            self._hold(rest)
        return frames

    def end(self) -> list[Frame]:
        """The frame that a stream ends with when it does not end its last line."""
        return self._finish(b"") if self._size else []

    def _hold(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size <= self._max:
            self._held.append(piece)
            return
        if self._held:
            self._head = b"".join(self._held)[:GLIMPSE_BYTES]
            self._held.clear()
        self._head = (self._head + piece)[:GLIMPSE_BYTES] if len(self._head) < GLIMPSE_BYTES else self._head
        self._tail = (self._tail + piece)[-GLIMPSE_BYTES:]

    def _finish(self, piece: bytes) -> list[Frame]:
        """The line that what is held begins and *piece* ends."""
        self._hold(piece)
        size, line = self._size, b"".join(self._held)
        head, tail = self._head, self._tail
        self._held.clear()
        self._size, self._head, self._tail = 0, b"", b""
        return self._read(line) if size <= self._max else self._glimpse(head, tail, size)

    def _read(self, line: bytes) -> list[Frame]:
        if len(line) > self._max:
            return self._glimpse(line[:GLIMPSE_BYTES], line[-GLIMPSE_BYTES:], len(line))
        line = line.strip()
        if not line.startswith(_JSON_STARTS):
            return []
        try:
            frames = self.params.frames(line)
        except Exception:
            self.failed += 1
            return []
        return [msgspec.structs.replace(frame, direction=self._direction) for frame in frames]

    def _glimpse(self, head: bytes, tail: bytes, size: int) -> list[Frame]:
        if not head.lstrip().startswith(b"{"):
            return []
        self.oversized += 1
        said = {name: msgspec.Raw(value) for name, value in glimpse(head, tail).items()}
        reader = self.params.reader
        try:
            if "method" in said:
                known = {name: said[f"params.{name}"] for name in ("name", "uri") if f"params.{name}" in said}
                frame = reader.request(said, Asked(**known), "", size)
            elif "result" in said or "error" in said:
                inner = {name.partition(".")[2]: value for name, value in said.items() if "." in name}
                body = msgspec.Raw(msgspec.json.encode(inner))
                frame = reader.response({**said, "error" if "error" in said else "result": body}, size)
            else:
                return []
        except Exception:
            self.failed += 1
            return []
        return [msgspec.structs.replace(frame, direction=self._direction)]
