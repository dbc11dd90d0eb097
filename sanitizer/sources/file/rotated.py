"""Reading what log rotation leaves behind: compressed files, and which names belong to one log."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any, Protocol

from sanitizer import patterns

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_MAGIC = {b"\x1f\x8b": "gzip", b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz", b"\x28\xb5\x2f\xfd": "zstd"}
_COMPRESSED = patterns.lazy(r"\.(gz|bz2|xz|zst|zstd)$")
_MARK = patterns.lazy(r"[._-]?\d[\d._:TZ-]*")


def compression(head: bytes) -> str | None:
    """How a file that begins with *head* is compressed; None when it is not."""
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), None)


def originals(name: str) -> set[str]:
    """The logs that rotation may have called *name*: `a.log` for `a.log.1`, `a.log-20260131.gz`, `a-2026-01-31.log`."""
    name = _COMPRESSED.sub("", name)
    found = {name} | {name[:at] for at, character in enumerate(name) if character in ".-_~"}
    stem, dot, suffix = name.rpartition(".")
    found |= {stem[:at] + dot + suffix for at in range(1, len(stem)) if _MARK.fullmatch(stem, at)}
    return {original for original in found if original.strip(".")}  # what begins with a mark has no name before it


def is_rotated(name: str, log: str) -> bool:
    """Whether *name* is what rotation, and hardly anything else, makes of *log*: numbered, dated or `.old`."""
    name = _COMPRESSED.sub("", name)
    stem, dot, suffix = log.rpartition(".")
    if name.startswith(log):
        return name[len(log) :] == ".old" or _MARK.fullmatch(name, len(log)) is not None
    middle = name.removeprefix(stem).removesuffix(dot + suffix)
    return bool(stem) and name == stem + middle + dot + suffix and _MARK.fullmatch(middle) is not None


class _At(io.RawIOBase):
    """A descriptor read from its start, whatever place others have in it."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._offset = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer, /) -> int:
        view = memoryview(buffer)
        n_read = os.preadv(self._fd, [view], self._offset)
        self._offset += n_read
        return n_read


class Decompressed:
    """The decoded bytes of a compressed file, read forwards, in bounded pieces. Streams one after another count as one."""

    def __init__(self, fd: int, how: str) -> None:
        self._stream = _open(io.BufferedReader(_At(fd), 1 << 16), how)
        self.offset = 0

    def read(self, size: int) -> bytes:
        """Up to *size* bytes; empty at the end.

        Raises `EOFError` when the file ends within a stream (it is still being written, or was cut) and `ValueError` when
        it is damaged; what could be decoded before was returned.
        """
        try:
            found = self._stream.read1(size)
        except EOFError:
            raise
        except Exception as trouble:  # each library has errors of its own
            raise ValueError("damaged compressed data") from trouble
        self.offset += len(found)
        return found

    def skip(self, offset: int) -> None:
        """Read up to *offset*, or the end; raises as `read` does."""
        while self.offset < offset and self.read(min(1 << 16, offset - self.offset)):
            pass


class _Zstd:
    """Frames one after another. The library's own reader takes a frame that was cut for one that has ended."""

    _PIECE = 512
    """Bytes that are decoded at a time: the most that they can become is bounded by it (16 MB)."""

    def __init__(self, file: io.BufferedReader) -> None:
        import zstandard  # noqa: PLC0415 - paid for by who reads such files

        self._new = zstandard.ZstdDecompressor().decompressobj
        self._file = file
        self._frame: Any = None
        self._rest = b""
        self._decoded = io.BytesIO()

    def read1(self, size: int, /) -> bytes:
        while not (found := self._decoded.read(size)):
            data = self._rest or self._file.read(self._PIECE)
            if not data and self._frame is not None:
                raise EOFError
            if not data:
                return b""
            frame = self._frame or self._new()
            self._decoded = io.BytesIO(frame.decompress(data))
            self._frame, self._rest = (None, frame.unused_data) if frame.eof else (frame, b"")
        return found


class _Stream(Protocol):
    def read1(self, size: int, /) -> bytes: ...


def _open(file: io.BufferedReader, how: str) -> _Stream:
    if how == "gzip":
        import gzip  # noqa: PLC0415 - each is paid for by who reads such files

        return gzip.GzipFile(fileobj=file)
    if how == "bzip2":
        import bz2  # noqa: PLC0415

        return bz2.BZ2File(file)
    if how == "xz":
        import lzma  # noqa: PLC0415

        return lzma.LZMAFile(file)
    return _Zstd(file)
