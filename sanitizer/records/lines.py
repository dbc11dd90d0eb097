"""Bytes cut anywhere into whole lines, in bounded memory whatever the length of a line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from sanitizer.record import Cut


class Digest(Protocol):
    """A running digest, as of `hashlib` or `hmac`."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


class Lines:
    """Splits a stream at its line ends. Of a line longer than `max_bytes` the beginning is kept, and a digest of all of it."""

    def __init__(self, max_bytes: int, digest: Callable[[], Digest]) -> None:
        self._max_bytes = max_bytes
        self._digest = digest
        self._tail: list[bytes] = []
        self._size = 0
        self._long: Digest | None = None

    @property
    def pending_bytes(self) -> int:
        """Bytes kept of the line that has no end yet."""
        return min(self._size, self._max_bytes)

    def split(self, data: bytes) -> tuple[list[bytes], bytes, dict[int, Cut]]:
        """The lines that *data* completes, the same joined, and what of them was cut, by index."""
        cut = data.rfind(b"\n")
        if cut < 0:
            self._keep(data)
            return [], b"", {}
        block = data[:cut]
        cuts: dict[int, Cut] = {}
        if self._size:
            head, newline, rest = block.partition(b"\n")
            self._keep(head)
            first, cuts = self.end()
            block = first + newline + rest
        lines = block.split(b"\n")
        if len(block) > self._max_bytes:
            cuts |= self._shorten(lines)
            block = b"\n".join(lines)
        self._keep(data[cut + 1 :])
        return lines, block, cuts

    def end(self) -> tuple[bytes, dict[int, Cut]]:
        """The line that has no end, as it is; empty if there is none."""
        line = b"".join(self._tail)
        cuts = {0: Cut(self._size, self._long.hexdigest())} if self._long is not None else {}
        self._tail, self._size, self._long = [], 0, None
        return line, cuts

    def _keep(self, data: bytes) -> None:
        if not data:
            return
        room = max(0, self._max_bytes - self._size)
        if room:
            self._tail.append(data[:room])
        self._size += len(data)
        if self._long is not None:
            self._long.update(data)
        elif self._size > self._max_bytes:
            self._long = self._digest()
            for part in self._tail:
                self._long.update(part)
            self._long.update(data[room:])

    def _shorten(self, lines: list[bytes]) -> dict[int, Cut]:
        cuts: dict[int, Cut] = {}
        for at, line in enumerate(lines):
            if len(line) > self._max_bytes:
                digest = self._digest()
                digest.update(line)
                cuts[at] = Cut(len(line), digest.hexdigest())
                lines[at] = line[: self._max_bytes]
        return cuts
